"""The way through a list by its ids: from both ends at once, and what lies between in ranges side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, inf

from sources.activecampaign.rows import Answer
from sources.activecampaign.ways import FAR, PAGE_SIZE, UNKNOWN, Ask, Blocked, Facts, Heard, Unheeded, why_not
from sources.errors import UnexpectedAnswer
from sources.spec import Cursor, Unkept

WIDTH = 32  # Ranges: as many as calls may be under way. Each costs about half a page more.
FILLED = 97  # Rows planned for a page, as ids are never quite even: a page that is planned full often costs a second.
FULL = 95  # Rows for which the page on its way may be too short,
SURE = 80  # and those that it brings all the same: what lies behind them may be asked for at the same time.
WORTH_DESCENDING = 2 * PAGE_SIZE  # With fewer rows to be read, another range only makes one more short page.
WORTH_SPLITTING = PAGE_SIZE / 2
PAGES_AT_STAKE = 3
LOST_OF_ALL, LOST_OF_SEEN = 0.33, 0.2  # Of the pages: so much may be lost, with
LOST_AT_FIRST = 12  # Calls.
MOST_PROBES = 4  # Short pages behind which is looked at the end, as long as rows are wanting.
MOST_SKIPPED = 4  # Rows without an id; where more come it is not worth while to go by it.
MOST_IN_VAIN = 3  # Pages one after the other of such rows that came before: the offset to step over them is not heeded.

START: Cursor = {"ranges": [[0, None, 0]], "doubts": [], "trusts": True, "descended": False}


Doubt = tuple[int, int | None]
"""After and before which ids a short page was taken for the end."""


@dataclass(eq=False)
class _Range:
    """Ids still to be read: after < id < before; no `before` is the open end.

    `skipped` rows at its beginning do not come even alone, or have no id; in a `hole` there is nothing but such rows.
    `density` is rows per id, by the look of the page read last, or of the one that it was cut off from: where neither
    `is_known`, it is not divided.
    """

    after: int
    before: int | None
    hole: int = 0
    density: float = 1.0
    skipped: int = 0
    in_vain: int = 0
    is_asked: bool = False
    is_probe: bool = False
    is_known: bool = False

    @property
    def is_empty(self) -> bool:
        return self.before is not None and self.after >= self.before - 1

    @property
    def rows(self) -> float:
        return inf if self.before is None else (self.before - 1 - self.after) * self.density

    @property
    def last(self) -> int | None:
        return None if self.before is None else self.before - 1

    def holds(self, one: int) -> bool:
        return self.after < one and (self.before is None or one < self.before)


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """A range, or None for the descent from the highest id; and what it was when it was asked for."""

    range: _Range | None
    limit: int
    last: int | None = None


class ById:
    """Rows that come, change or go meanwhile cost it nothing: an id has one place.

    The second call after a full first page comes from the other end, so that both ends are known without asking for
    them. What lies between is divided into ranges whenever a call could be made that no range has: so there are as many
    as the time that answers take requires.
    """

    def __init__(self, facts: Facts, place: Cursor | None = None) -> None:
        place = place or START
        self._facts = facts
        self._trusts_short: bool = place["trusts"]
        self._has_descended: bool = place["descended"]
        self._doubts: list[Doubt] = [(low, high) for low, high in place["doubts"]]
        self._ranges = [_Range(after, before, hole) for after, before, hole in place["ranges"]]
        self._probes = 0
        self._lost = 0.0
        self._blocked_at: dict[str, int] = {}  # Marks of rows without an id: behind which one they came.
        self._asked: dict[Ask, _Asked] = {}
        self._spread_evenly(self._ranges)

    @property
    def is_over(self) -> bool:
        return not self._ranges

    @property
    def place(self) -> Cursor:
        return {
            "ranges": [[one.after, one.before, one.hole] for one in self._ranges],
            "doubts": [list(bounds) for bounds in self._doubts],
            "trusts": self._trusts_short,
            "descended": self._has_descended,
        }

    @property
    def calls_left(self) -> float:
        if self._facts.left < inf:
            return self._facts.left / PAGE_SIZE
        return UNKNOWN if self._top() else sum(one.rows for one in self._ranges) / PAGE_SIZE

    def ask(self, *, may_split: bool) -> Ask | None:
        if self._may_descend():
            params = {"orders[id]": "DESC", "limit": str(self._facts.limit)}
            return self._note_ask(params, _Asked(range=None, limit=self._facts.limit))
        idle = [one for one in self._ranges if not one.is_asked]
        split_off = self._split_off() if may_split and not idle else None
        chosen = max(idle, key=lambda one: one.rows, default=split_off)
        return None if chosen is None else self._ask_for(chosen)

    def hear(self, ask: Ask, answer: Answer) -> Heard:
        asked = self._asked.pop(ask)
        one = asked.range
        if not self._facts.longest:
            # Under `id_greater` a later total may count the whole or the rest; only the first is sure to be the whole.
            self._facts.total = answer.total
        if answer.failure:
            return self._hear_failure(asked, answer.failure)
        self._facts.note(answer, limit=asked.limit)
        ids = [int(key) for key in answer.rows if key.isdecimal()]
        if one is None:
            self._hear_descent(ids)
        else:
            self._hear_ascent(one, asked, ids, answer)
        self._ranges = [one for one in self._ranges if one.is_asked or not one.is_empty]
        self._doubt_the_end()
        return Heard()

    # Where to ask

    def _top(self) -> _Range | None:
        return next((one for one in self._ranges if one.before is None), None)

    def _may_descend(self) -> bool:
        top = self._top()
        is_on_its_way = any(asked.range is None for asked in self._asked.values())
        may = top is not None and top.after > 0 and not self._has_descended and not is_on_its_way
        return may and self._facts.left > WORTH_DESCENDING

    def _ask_for(self, one: _Range) -> Ask:
        limit = 1 if one.hole else self._facts.limit
        params = {"orders[id]": "ASC", "id_greater": str(one.after), "limit": str(limit)}
        if one.before is not None:
            params["id_less"] = str(one.before)
        if one.skipped:
            params["offset"] = str(one.skipped)
        one.is_asked = True
        return self._note_ask(params, _Asked(range=one, limit=limit, last=one.last))

    def _note_ask(self, params: dict[str, str], asked: _Asked) -> Ask:
        after = f"those after id {params['id_greater']}" if asked.range else "the newest"
        ask = Ask(params=params, of=after, first=int(params.get("offset", 0)))
        self._asked[ask] = asked
        return ask

    def _spread_evenly(self, ranges: Sequence[_Range]) -> None:
        """Without a page to look at, the rows that are left are taken to lie evenly."""
        ids = sum(one.before - 1 - one.after for one in ranges if one.before is not None)
        for one in ranges:
            one.density = min(1.0, self._facts.left / ids) if ids else 1.0

    def _split_off(self) -> _Range | None:
        """The upper part of what is unread in the largest range, for a call that else would not be made now.

        Of what is above the open end nobody knows yet how far it reaches: a few pages of it are put at stake at once.
        """
        known = [one for one in self._ranges if one.is_known]
        if not known or not self._may_cost_more():
            return None
        largest = max(known, key=self._rows_of)
        rows = self._rows_of(largest)
        unread = rows - PAGE_SIZE  # Behind the page that is on its way.
        if unread >= WORTH_SPLITTING:
            pages = PAGES_AT_STAKE if largest.before is None else ceil(unread / 2 / FILLED)
            lower = PAGE_SIZE + pages * FILLED
        elif rows >= FULL and largest.before is not None:
            lower = SURE
        else:
            return None
        return self._cut(largest, largest.after + max(1, ceil(lower / largest.density)))

    def _may_cost_more(self) -> bool:
        """Whether the calls lost in pages that come short, and likely to be lost in those of all ranges, bear one more.

        What was seen bounds it, too: a total may be far too high, and ids far more uneven than they began.
        """
        total = inf if self._facts.total is None else self._facts.total
        if FAR <= total < inf:  # What such a total says may cost no call.
            return False
        bearable = min(total * LOST_OF_ALL / PAGE_SIZE, LOST_AT_FIRST + self._facts.seen * LOST_OF_SEEN / PAGE_SIZE)
        return len(self._ranges) < WIDTH and self._lost + (len(self._ranges) + 1) / 2 <= bearable

    def _rows_of(self, one: _Range) -> float:
        """By the look of its last page a range may seem endless, as ids may have wide gaps: what is left bounds it."""
        left = self._facts.left
        elsewhere = sum(other.rows for other in self._ranges if other is not one and other.before is not None)
        if one.before is None:
            return 0.0 if left == inf or self._facts.longest < PAGE_SIZE else left - elsewhere
        return min(one.rows, max(left - elsewhere, left / len(self._ranges)))

    def _cut(self, one: _Range, last: int) -> _Range | None:
        """End the range with the id `last`, and give what is above as another."""
        if not one.after < last < (inf if one.before is None else one.before - 1):
            return None
        upper = _Range(last, one.before, density=one.density, is_known=True)
        one.before = last + 1
        self._ranges.append(upper)
        return upper

    # What was answered

    def _hear_descent(self, ids: list[int]) -> None:
        self._has_descended = True
        is_descending = len(ids) > 1 and ids == sorted(ids, reverse=True)
        top = self._top()
        # Where the server does not know this order the rows are kept, and the way up is gone alone.
        if is_descending and top is not None:
            self._count(sum(one > top.after for one in ids))
            top.before = max(ids[-1], top.after + 1)
            if self._facts.left < inf:
                self._spread_evenly(self._ranges)

    def _hear_ascent(self, one: _Range, asked: _Asked, ids: list[int], answer: Answer) -> None:
        hole, one.is_asked, one.hole = one.hole, False, 0
        is_full = answer.count and not self._facts.is_short(answer.count, limit=asked.limit)
        is_stuck = is_full and not ids and not hole  # Without an id to go on from.
        if ids != sorted(ids) or (ids and ids[-1] <= one.after):
            raise Unheeded
        if is_stuck:
            self._skip(one, answer)
            return
        inside = [key for key in ids if one.holds(key)]
        self._count(len(inside))
        self._lost += max(0.0, 1 - len(inside) / self._facts.page_of(asked.limit))
        was_probe, one.is_probe = one.is_probe, False
        if was_probe:
            self._judge_doubts((one.after, one.before), found=bool(inside))
        if len(inside) > 1:
            one.density, one.is_known = (len(inside) - 1) / (inside[-1] - inside[0]), True
        if one.skipped and not self._leave_hole(one, ids):
            return
        last = max(ids, default=one.after)
        one.after = self._end(one) if self._is_end(one, asked, last, answer, is_final=bool(hole) or was_probe) else last

    def _skip(self, one: _Range, answer: Answer) -> None:
        """Past rows that have no id. Raises Unheeded when they lie behind another id, too, and Blocked."""
        is_new = any(mark not in self._blocked_at for mark in answer.marks)
        if one.after not in [self._blocked_at.setdefault(mark, one.after) for mark in answer.marks]:
            raise Unheeded
        one.in_vain = 0 if is_new or not one.skipped else one.in_vain + 1
        if one.skipped >= MOST_SKIPPED or one.in_vain >= MOST_IN_VAIN:
            raise Blocked
        one.skipped += answer.count

    def _count(self, rows: int) -> None:
        self._facts.kept += rows
        self._facts.seen += rows

    def _is_end(self, one: _Range, asked: _Asked, last: int, answer: Answer, *, is_final: bool) -> bool:
        """Whether the answer shows all there is in what was asked for; what stays doubtful is noted."""
        if asked.last is not None and last >= asked.last:
            return True
        is_empty, left = last == one.after, self._facts.left
        is_short = is_empty or (self._trusts_short and self._facts.is_short(answer.count, limit=asked.limit))
        # At the open end a short page alone proves nothing: with the total, or with nothing behind it, it does.
        if not is_short or (asked.last is None and not is_empty and left):
            return False
        has_looked = self._probes >= MOST_PROBES
        if is_final or not self._trusts_short or has_looked or not left or not self._facts.seen:
            return True
        self._doubts.append((last, one.before))
        one.before = last + 1
        return True

    def _end(self, one: _Range) -> int:
        one.before = one.after + 1 if one.before is None else one.before
        return one.before - 1

    # A short page is the end, unless the server sends fewer rows than were asked for

    def _doubt_the_end(self) -> None:
        """At the end, with rows wanting or no total that says so: ask on where most of them could be."""
        if self._ranges or not self._doubts:
            return
        if self._facts.left and self._probes < MOST_PROBES:
            self._probes += 1
            widest = max(self._doubts, key=_width_of)
            self._doubts.remove(widest)
            self._ranges = [_Range(*widest, is_probe=True)]
            self._trusts_short = False  # Until the answer is there.
        else:
            self._doubts = []

    def _judge_doubts(self, probed: Doubt, *, found: bool) -> None:
        """Where one short page was no end, none of the others is trusted either.

        With more rows wanting than may have gone meanwhile, an answer without any is not believed at once.
        """
        self._trusts_short = not found
        if not found and PAGE_SIZE < self._facts.left < inf:
            self._doubts.append(probed)
        if found:
            self._ranges += [_Range(*bounds) for bounds in self._doubts]
            self._doubts = []

    # Rows that do not come even alone

    def _hear_failure(self, asked: _Asked, failure: UnexpectedAnswer) -> Heard:
        one, found = asked.range, tuple[Unkept, ...]()
        if one is not None:
            one.is_asked = False
        if one is not None and one.hole:
            self._ranges.remove(one)
            self._facts.seen += one.hole
            found = (Unkept(place=f"the next one after id {one.after}", why=why_not(failure)),) * one.hole
        elif not self._facts.narrow(asked.limit, failure):
            self._step_over(one)
        self._doubt_the_end()
        return Heard(unkept=found)

    def _step_over(self, one: _Range | None) -> None:
        """By one more row, or without having come from above."""
        if one is None:
            self._has_descended = True
        else:
            one.skipped += 1

    def _leave_hole(self, one: _Range, ids: list[int]) -> bool:
        """Whether anything is behind it. It is asked for once more: a row that went meanwhile makes others skip."""
        first = min(ids) if ids else one.before
        self._ranges.append(_Range(one.after, first, one.skipped))
        one.skipped = 0
        one.after = first - 1 if ids and first is not None else self._end(one)
        return bool(ids)


def _width_of(doubt: Doubt) -> float:
    low, high = doubt
    return inf if high is None else high - low
