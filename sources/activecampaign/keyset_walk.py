"""Reads a stream by its ids: from both ends at once, and what lies between in ranges side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, inf

from sources.activecampaign.rows import Answer
from sources.activecampaign.walks import PAGE_SIZE, UNKNOWN, Ask, same_page
from sources.spec import Cursor, Page

WIDTH = 8  # Ranges: five calls a second that take up to 1.6 seconds each. Each costs about half a page more.
FIRST_WIDTH = 2  # Where other streams' calls fill the time, too; more are split off when these leave threads idle.
FILLED = 97  # Rows planned for a page, as ids are never quite even: a page that is planned full often costs a second.
WORTH_SPLITTING = 2 * PAGE_SIZE  # With fewer rows to be read, a second range only makes one more short page.
DOUBTFUL = 5  # Rows that a short page should have held, by the look of its ids, before its shortness is doubted.

Bounds = tuple[int, int | None]
START: Cursor = {"ranges": [[0, None]], "total": None, "seen": 0, "doubts": [], "trusts": True, "descended": False}


@dataclass(eq=False)
class _Range:
    """Ids still to be read: after < id < before; no `before` is the open end.

    `density` is rows per id, by the look of the page read last; before there `is_known` one, that of the neighbours.
    """

    after: int
    before: int | None
    density: float = 1.0
    is_asked: bool = False
    is_probe: bool = False
    is_known: bool = False

    @property
    def is_empty(self) -> bool:
        return self.before is not None and self.after >= self.before - 1

    @property
    def rows(self) -> float:
        return inf if self.before is None else (self.before - 1 - self.after) * self.density

    def holds(self, one: int) -> bool:
        return self.after < one and (self.before is None or one < self.before)


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """A range, or None for the descent from the highest id; and where it ended when it was asked for."""

    range: _Range | None
    before: int | None = None


class KeysetWalk:
    """A walk for `sources.pulling`. Rows that come, change or go meanwhile cost it nothing: an id has one place.

    An account of less than a page costs one call. The second call after a full first page comes from the other end, so
    that both ends are known without asking for them. What lies between is divided into `first_width` ranges, and into
    more where threads would be idle. When the calls are narrowed to what changed, `is_whole` is off: then a row that is
    missing is not gone.
    """

    def __init__(self, cursor: Cursor | None = None, *, first_width: int = WIDTH, is_whole: bool = True) -> None:
        state = cursor if cursor and cursor.get("ranges") else START
        self._first_width = first_width
        self._is_whole = is_whole
        self._total: int | None = state["total"]
        self._seen: int = state["seen"]
        self._trusts_short: bool = state["trusts"]
        self._has_descended: bool = state["descended"]
        self._doubts: list[Bounds] = [(low, high) for low, high in state["doubts"]]
        self._ranges = [_Range(after, before) for after, before in state["ranges"]]
        self._is_sure = False  # That short pages are ends: it was looked at once.
        self._asked: dict[Ask, _Asked] = {}
        self._spread_evenly(self._ranges)

    @property
    def is_over(self) -> bool:
        return not self._ranges and not self._asked

    @property
    def cursor(self) -> Cursor:
        return {
            "ranges": [[one.after, one.before] for one in self._ranges],
            "total": self._total,
            "seen": self._seen,
            "doubts": [list(bounds) for bounds in self._doubts],
            "trusts": self._trusts_short,
            "descended": self._has_descended,
        }

    @property
    def remaining(self) -> float:
        if self._left < inf:
            return max(1.0, self._left / PAGE_SIZE)
        return UNKNOWN if self._top() else max(1.0, sum(one.rows for one in self._ranges) / PAGE_SIZE)

    def ask(self, *, may_split: bool = True) -> Ask | None:
        if self._may_descend():
            ask = Ask(params={"orders[id]": "DESC", "limit": str(PAGE_SIZE)})
            self._asked[ask] = _Asked(range=None)
            return ask
        idle = [one for one in self._ranges if not one.is_asked]
        split_off = self._split_off() if may_split and not idle else None
        chosen = max(idle, key=lambda one: one.rows, default=split_off)
        return None if chosen is None else self._ask_for(chosen)

    def hear(self, ask: Ask, answer: Answer) -> list[Page]:
        """Raises UnexpectedAnswer when the server does not heed what was asked."""
        before, asked = self.cursor, self._asked.pop(ask)
        ids = [int(key) for key in answer.rows if key.isdecimal()]
        if self._total is None and self._seen == 0:
            # Under `id_greater` a later total may count the whole or the rest; only the first is sure to be the whole.
            self._total = answer.total
        ascent = asked.range
        covers = self._hear_descent(ids) if ascent is None else self._hear_ascent(ascent, asked.before, ids, answer)
        self._ranges = [one for one in self._ranges if one.is_asked or not one.is_empty]
        dispelled = self._doubt_the_end()
        is_denied = self._is_denied()
        page = Page(
            rows=answer.rows,
            cursor=None if self.is_over else self.cursor,
            total=self._total,
            unreadable=answer.unreadable,
            seam_proven=(ascent is None or ids == sorted(ids)) and not is_denied,
            covers=covers if self._is_whole and not is_denied else None,
        )
        # What turned out to be empty is said before the last page: after that one nothing may come.
        empty = [Page(rows={}, cursor=before, total=self._total, covers=_covered(one)) for one in dispelled]
        return [*empty, page] if self._is_whole and not is_denied else [page]

    def _is_denied(self) -> bool:
        """No row at all, of an account that says that it has some: that is no proof that the rows are gone."""
        return self._is_whole and self.is_over and not self._seen and bool(self._total)

    # Where to ask

    @property
    def _left(self) -> float:
        """The rows still to come, if the total is right; a total that was passed says nothing any more."""
        return inf if self._total is None or self._seen > self._total else self._total - self._seen

    def _top(self) -> _Range | None:
        return next((one for one in self._ranges if one.before is None), None)

    def _may_descend(self) -> bool:
        top = self._top()
        is_on_its_way = any(asked.range is None for asked in self._asked.values())
        may = top is not None and top.after > 0 and not self._has_descended and not is_on_its_way
        return may and self._left > WORTH_SPLITTING

    def _ask_for(self, one: _Range) -> Ask:
        params = {"orders[id]": "ASC", "id_greater": str(one.after), "limit": str(PAGE_SIZE)}
        if one.before is not None:
            params["id_less"] = str(one.before)
        ask = Ask(params=params)
        one.is_asked = True
        self._asked[ask] = _Asked(range=one, before=one.before)
        return ask

    def _spread_evenly(self, ranges: Sequence[_Range]) -> None:
        """Without a page to look at, the rows that are left are taken to lie evenly."""
        ids = sum(one.before - 1 - one.after for one in ranges if one.before is not None)
        for one in ranges:
            one.density = min(1.0, self._left / ids) if ids else 1.0

    def _split_off(self) -> _Range | None:
        """The upper half of what is unread in the largest range, for a thread that would have nothing to do."""
        bounded = [one for one in self._ranges if one.before is not None]
        known = [one for one in bounded if one.is_known]
        if not known or len(self._ranges) >= WIDTH:
            return None
        largest = max(known, key=lambda one: one.rows)
        # By the look of its last page a range may seem endless, as ids may have wide gaps: all that is left bounds it.
        elsewhere = sum(one.rows for one in bounded if one is not largest)
        rows = min(largest.rows, max(self._left - elsewhere, self._left / len(bounded))) - PAGE_SIZE
        if rows < WORTH_SPLITTING:
            return None
        lower = PAGE_SIZE + ceil(rows / 2 / FILLED) * FILLED
        return self._cut(largest, largest.after + max(1, ceil(lower / largest.density)))

    def _cut(self, one: _Range, last: int) -> _Range | None:
        """End the range with the id `last`, and give what is above as another."""
        if one.before is None or not one.after < last < one.before - 1:
            return None
        upper = _Range(last, one.before, one.density)
        one.before = last + 1
        self._ranges.append(upper)
        return upper

    def _divide(self, one: _Range) -> None:
        """As many ranges as may be asked at once, of whole pages each."""
        if self._left < inf:
            self._spread_evenly([one])
        rows = one.rows
        parts = max(1, min(self._first_width, int(rows / WORTH_SPLITTING)))
        if parts == 1:
            return
        ids = ceil(ceil(rows / parts / FILLED) * FILLED / one.density)
        rest: _Range | None = one
        for _ in range(parts - 1):
            rest = self._cut(rest, rest.after + ids) if rest else None

    # What was answered

    def _hear_descent(self, ids: list[int]) -> Bounds | None:
        self._has_descended = True
        if len(ids) < 2 or ids != sorted(ids, reverse=True):
            return None  # The server does not know this order: the rows are kept, and the way up is gone alone.
        lowest = ids[-1]
        top = self._top()
        if top is not None:
            self._seen += sum(1 for one in ids if one > top.after)
            top.before = max(lowest, top.after + 1)
            self._divide(top)
        return lowest - 1, None

    def _hear_ascent(self, one: _Range, before: int | None, ids: list[int], answer: Answer) -> Bounds | None:
        one.is_asked = False
        after, last = one.after, max(ids, default=one.after)
        if (ids and last <= after) or (not ids and answer.count >= PAGE_SIZE):
            raise same_page()
        inside = [key for key in ids if one.holds(key)]
        self._seen += len(inside) + answer.unreadable
        if one.is_probe:
            one.is_probe = False
            self._judge_doubts(found=bool(inside))
        if len(inside) > 1:
            one.density, one.is_known = (len(inside) - 1) / (max(inside) - min(inside)), True
        high = self._seen_up_to(one, before, last, answer)
        one.after = last if high == last else self._end(one)
        return (after, high) if ids == sorted(ids) else None

    def _seen_up_to(self, one: _Range, before: int | None, last: int, answer: Answer) -> int | None:
        """The highest id up to which the answer shows all there is, which may lie beyond its rows."""
        if before is not None and last >= before - 1:
            return before - 1
        is_end = answer.count == 0 or (answer.count < PAGE_SIZE and self._trusts_short)
        if is_end and not (self._trusts_short and self._is_doubtful(one, last)):
            return None if before is None else before - 1
        if is_end:
            self._doubts.append((last, one.before))
            one.before = last + 1
        return last

    def _end(self, one: _Range) -> int:
        one.before = one.after + 1 if one.before is None else one.before
        return one.before - 1

    # A short page is the end, unless the server sends fewer rows than were asked for

    def _is_doubtful(self, one: _Range, last: int) -> bool:
        if one.before is None:
            return 0 < self._left < inf
        return (one.before - 1 - last) * one.density >= DOUBTFUL

    def _doubt_the_end(self) -> list[Bounds]:
        """At the end, with rows wanting: ask on where most of them could be. Returns the doubts that are dispelled."""
        if self._ranges or self._asked or not self._doubts:
            return []
        if 0 < self._left < inf and not self._is_sure:
            widest = max(self._doubts, key=_width_of)
            self._doubts.remove(widest)
            self._ranges = [_Range(*widest, is_probe=True)]
            self._trusts_short = False  # Until the answer is there.
            return []
        dispelled, self._doubts = self._doubts, []
        return dispelled

    def _judge_doubts(self, *, found: bool) -> None:
        """One look tells: either short pages are the end, and all of them are, or none is."""
        self._trusts_short, self._is_sure = not found, not found
        if found:
            self._ranges += [_Range(*bounds) for bounds in self._doubts]
            self._doubts = []


def _width_of(bounds: Bounds) -> float:
    low, high = bounds
    return inf if high is None else high - low


def _covered(bounds: Bounds) -> Bounds:
    low, high = bounds
    return low, None if high is None else high - 1
