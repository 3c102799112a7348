"""The way through a list by offset: overlapping pages, whose seams prove that nothing fell between them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sources.activecampaign.headings import Heading
from sources.activecampaign.rows import Answer
from sources.activecampaign.ways import FAR, PAGE_SIZE, UNKNOWN, Ask, Facts, Heard, Neighbours, why_not
from sources.errors import UnexpectedAnswer
from sources.spec import Cursor, Unkept

OVERLAP = 5  # Rows: two neighbours that share one missed nothing between them; the others may have gone meanwhile.
TENTH = 10  # Of a page of fewer than fifty rows no more than this part is read twice.
MOST_AHEAD = 16  # Pages behind one that is long in coming: two rounds of eight threads.
AT_FIRST = 4  # Of these; one more for each page that has come, as what a total says may be a lie.
FEW = 10  # Rows of a page. Of shorter ones fewer are asked for at first.
MOST_TRIES = 2  # Of reading pages again that should share a row and do not.
MOST_IN_VAIN = 3 * MOST_AHEAD  # Answers that bring the walk no further: then it ends where it is.
MOST_OPEN = 3  # Seams that stay open before it is doubted that the offset is heeded.


@dataclass(eq=False)
class _Spot:
    """A page: asked for, or read with these marks (after a kill, those at its edges).

    `count` rows arrived; `length` leaves out what came twice on the page and may be there once in the list. `is_last`:
    nothing is wanted of what lies behind it.
    """

    offset: int
    limit: int
    count: int = 0
    length: int = 0
    marks: Sequence[str] | None = None
    tries: int = 0
    is_last: bool = False
    is_asked: bool = False
    is_first_again: bool = False

    @property
    def is_read(self) -> bool:
        return self.marks is not None

    @property
    def end(self) -> int:
        return self.offset + self.length

    def shares(self, following: "_Spot") -> bool:
        return not set(self.marks or ()).isdisjoint(following.marks or ())

    def adds_to(self, before: "_Spot") -> bool:
        return not set(self.marks or ()) <= set(before.marks or ())

    def as_json(self) -> list[Any]:
        marks = self.marks
        # Neighbours share rows at their edges; the others would only make it long.
        edges = None if marks is None else [*marks[:OVERLAP], *marks[OVERLAP:][-OVERLAP:]]
        return [self.offset, self.limit, self.count, self.length, edges, self.tries, self.is_last]


class ByOffset:
    """Each page shares a row with the one before it: then the rows on either side of that one are on these two pages,
    whatever came and went, and in whatever order they were read. Two that share none are both read again, once; what
    shares none even then is said.

    Where pages have one row each, the page before is read again after the one behind it, and has to be the same.

    The end is a page that is shorter than others and adds nothing to the one before it, or that ends where the total
    does. A full page that adds nothing may mean that the server heeds no offset: one call far beyond tells. The heading
    may end it earlier, or let the list begin anew where it stands.
    """

    def __init__(self, facts: Facts, place: Cursor | None = None, *, neighbours: Neighbours, heading: Heading) -> None:
        self._facts = facts
        self._heading = heading
        self._neighbours = neighbours
        self._spots = [_Spot(*spot) for spot in place["spots"]] if place else [_Spot(0, facts.limit)]
        self._first: str = place["first"] if place else ""
        self._is_heeded: bool = place["heeded"] if place else False
        self._is_bounded: bool = place["bounded"] if place else False
        self._open: int = place["open"] if place else 0
        self._probe = _Spot(FAR, PAGE_SIZE) if place and place["probes"] else None
        self._passed: Sequence[str] = ()  # The page before the first spot, for counting each row once.
        self._is_over = False
        self._furthest: int = place.get("furthest", 0) if place else 0
        self._in_vain: int = place.get("in_vain", 0) if place else 0
        self._stepped_over = set[int]()  # Places of rows that are too large: each is named once.
        self._is_only_page = False  # As it was known when that was heard: nobody hears of it when it is learned later.
        self._asked: dict[Ask, _Spot] = {}

    @property
    def is_over(self) -> bool:
        return self._is_over

    @property
    def place(self) -> Cursor:
        return {
            "spots": [spot.as_json() for spot in self._spots],
            "first": self._first,
            "heeded": self._is_heeded,
            "bounded": self._is_bounded,
            "open": self._open,
            "probes": self._probe is not None,
            "furthest": self._furthest,
            "in_vain": self._in_vain,
        }

    @property
    def calls_left(self) -> float:
        if self._facts.total is None:
            return UNKNOWN
        unread = sum(not spot.is_read for spot in self._spots)
        page = self._facts.page_of(PAGE_SIZE)
        overlap = overlap_of(page)
        return unread + max(0, self._facts.total - self._reach_of(self._spots[-1]) + overlap) / max(1, page - overlap)

    def ask(self, *, may_split: bool) -> Ask | None:
        unread = (spot for spot in self._spots if not spot.is_read and not spot.is_asked)
        spot = self._free_probe() if self._probe else next(unread, None) or self._next_spot()
        if spot is None:
            return None
        page = {"limit": str(spot.limit), "offset": str(spot.offset)}
        ask = Ask(params={**self._heading.params, **page}, first=self._facts.passed + spot.offset)
        spot.is_asked = True
        self._asked[ask] = spot
        return ask

    def hear(self, ask: Ask, answer: Answer) -> Heard:
        spot = self._asked.pop(ask, None)
        if spot is None or (spot not in self._spots and spot is not self._probe):
            return Heard()  # It was on its way when it was given up, or another way was begun.
        spot.is_asked = False
        if spot is self._probe:
            return self._hear_probe(answer)
        if answer.failure:
            return Heard(unkept=self._hear_failure(spot, answer.failure), is_proven=self._settle())
        self._hear_rows(spot, answer)
        return Heard(is_proven=self._settle() and not self._gives_up(spot))

    # Where to ask

    def _free_probe(self) -> _Spot | None:
        return self._probe if self._probe and not self._probe.is_asked else None

    def _reach_of(self, spot: _Spot) -> int:
        return spot.end if spot.is_read else spot.offset + self._facts.page_of(spot.limit)

    def _next_spot(self) -> _Spot | None:
        """One behind the other; as far as the total reaches side by side, once the offset is seen to be heeded."""
        last = self._spots[-1]
        reach = self._reach_of(last)
        is_full = len(self._spots) >= self._most_ahead or any(spot.is_read and not spot.count for spot in self._spots)
        ahead = min(self._facts.total or 0, self._heading.reach)
        is_needed = not (last.is_last or self._is_witnessed(last)) if last.is_read else reach < ahead
        if is_full or not is_needed or not (last.is_read or self._is_heeded or self._neighbours.heed_offsets):
            return None
        if reach >= self._heading.reach:
            if last is not self._spots[0]:
                return None
            if self._begins_anew_behind(last):
                return self._spots[0]
        return self._append(reach - overlap_of(reach - last.offset))

    def _begins_anew_behind(self, last: _Spot) -> bool:
        """Whether the list begins with the last rows of this page from now on: the heading looks whether it does."""
        rows = self._heading.begin_anew(last.offset)
        if rows:
            facts, before = self._facts, self._facts.passed
            facts.passed = facts.seen - rows
            facts.total = None if facts.total is None else max(0, facts.total + before - facts.passed)
            self._spots, self._passed = [_Spot(0, facts.limit)], last.marks or ()
            self._first, self._furthest, self._in_vain = "", 0, 0
        return bool(rows)

    @property
    def _most_ahead(self) -> int:
        page = self._facts.longest
        return min(MOST_AHEAD, (AT_FIRST if page >= FEW else 2) + self._facts.seen // max(1, page))

    def _overlap(self, spot: _Spot) -> int:
        """As much as pages of this size bear; of the first one nobody knows yet what size that is."""
        page = self._facts.page_of(spot.limit) if self._is_heeded else PAGE_SIZE
        return min(overlap_of(page), max(0, spot.length - 1))

    def _append(self, offset: int) -> _Spot:
        self._spots.append(_Spot(offset, self._facts.limit))
        return self._spots[-1]

    # What was answered

    def _hear_rows(self, spot: _Spot, answer: Answer) -> None:
        spot.is_last = self._heading.note(spot.offset, answer)
        known = self._known()
        digest = digest_of(answer)
        spot.is_first_again = digest == self._first
        self._first = self._first or digest
        self._facts.total = self._facts.total if answer.total is None else answer.total
        self._facts.note(answer, limit=spot.limit)
        self._is_only_page = not spot.offset and self._neighbours.is_short(answer.count, limit=spot.limit)
        spot.count, spot.length, spot.marks = answer.count, len(answer.rows) + len(answer.odd), answer.marks
        fresh = set() if spot.is_first_again else {*answer.marks} - known
        self._facts.seen += len(fresh)
        self._facts.kept += len(fresh & answer.rows.keys())
        self._is_heeded = self._is_heeded or bool(fresh and spot.offset)
        self._neighbours.heed_offsets = self._neighbours.heed_offsets or self._is_heeded

    def _known(self) -> set[str]:
        return {*self._passed, *(mark for spot in self._spots for mark in spot.marks or ())}

    def _hear_failure(self, spot: _Spot, failure: UnexpectedAnswer) -> tuple[Unkept, ...]:
        """Asked for again in smaller pieces; the one row that does not even come alone is stepped over."""
        limit = self._facts.narrow(spot.limit, failure)
        if not limit:
            return self._step_over(spot, failure)
        place = self._spots.index(spot)
        before = self._spots[place - 1] if place and self._spots[place - 1].is_read else None
        # With a smaller page the rows shared with the one before it may be all that it has.
        spot.offset = max(spot.offset, before.end - overlap_of(limit)) if before else spot.offset
        spot.limit = limit
        return ()

    def _step_over(self, spot: _Spot, failure: UnexpectedAnswer) -> tuple[Unkept, ...]:
        known = self._known()
        place = self._facts.passed + spot.offset
        spot.count, spot.length, spot.marks = 1, 1, (f"too large at {place}",)
        if spot.marks[0] in known or place in self._stepped_over:
            return ()
        self._stepped_over.add(place)
        self._facts.seen += 1
        return (Unkept(place=f"row {place + 1} of the list", why=why_not(failure)),)

    def _hear_probe(self, answer: Answer) -> Heard:
        """Rows where there can be none: the offset is not heeded, and what came is all that comes."""
        self._probe = None
        self._is_bounded = not answer.count and not answer.failure
        if self._is_bounded:
            return Heard(is_proven=self._settle())
        self._is_over = True
        adds = digest_of(answer) != self._first and not {*answer.marks} <= self._known()
        came = max(self._facts.seen, *(spot.count for spot in self._spots))  # Totals count what comes twice, too.
        is_all = (self._facts.total is None or came >= self._facts.total) and not self._facts.goes_by_ids
        return Heard(is_proven=is_all and not adds and not answer.failure)

    def _gives_up(self, spot: _Spot) -> bool:
        """A server may have an offset of its own making, over which no two pages ever meet."""
        is_further = bool(spot.count) and spot.end > self._furthest
        self._furthest = max(self._furthest, spot.end if spot.count else 0)
        self._in_vain = 0 if is_further else self._in_vain + 1
        if self._is_over or self._in_vain < MOST_IN_VAIN:
            return False
        self._is_over = True
        return True

    # What is proven

    def _settle(self) -> bool:
        """Join what can be joined from the front on, and forget it. False when a seam had to be given up."""
        is_proven = True
        while not self._is_over and not self._probe and len(self._spots) > 1 and self._spots[1].is_read:
            before, spot = self._spots[:2]
            if not before.is_read:
                break
            if not spot.tries and spot.offset < before.offset and spot.end <= before.end:
                del self._spots[1]  # The one before moved past it, as it came in smaller pieces.
            elif self._are_joined(before, spot):
                self._pass(before, spot)
            elif self._passes_over(before):
                continue
            elif not self._mend(before, spot):
                self._give_up()
                is_proven = False
        self._is_over = self._is_over or self._ends_here()
        return is_proven

    def _are_joined(self, before: _Spot, spot: _Spot) -> bool:
        if before.shares(spot):
            return True
        is_sandwiched = before.tries > spot.tries
        is_end = not spot.count and self._facts.total == spot.offset
        return before.end == spot.offset and bool(before.count) and (is_sandwiched or is_end)

    def _passes_over(self, before: _Spot) -> bool:
        """Whether it shares a row with a page behind those that were read again: then these prove nothing more."""
        for place, spot in enumerate(self._spots[2:], start=2):
            if before.shares(spot):
                del self._spots[1:place]
                return True
            if not spot.tries:
                break
        return False

    def _pass(self, before: _Spot, spot: _Spot) -> None:
        del self._spots[0]
        self._passed = before.marks or ()
        adds = spot.adds_to(before) and not spot.is_first_again
        if adds or spot.offset <= before.offset:
            return
        if not spot.count or self._is_short(spot):
            self._is_over = True
        elif spot.end > before.end:
            self._doubt_the_offset()

    def _mend(self, before: _Spot, spot: _Spot) -> bool:
        """Ask for what joins the two. False when that was tried before."""
        if before.count and spot.offset > before.end:
            self._spots.insert(1, _Spot(before.end - self._overlap(before), self._facts.limit))
        elif not before.count or spot.offset <= before.offset or max(before.tries, spot.tries) >= MOST_TRIES:
            return False
        elif spot.offset == before.end:
            self._spots.insert(1, _Spot(before.end - 1, 1, tries=before.tries + 1))
        else:
            # What is empty may be so by mistake, or all that was there went: of the two readings only the newer counts.
            self._spots[1 : 2 - bool(spot.count)] = [self._again(before), self._again(spot)]
        return True

    def _again(self, spot: _Spot) -> _Spot:
        """A full page up to where this one ended: a short one may have moved up as a whole."""
        offset = max(0, min(spot.offset, spot.end - self._facts.page_of(spot.limit)))
        return _Spot(offset, spot.limit, tries=spot.tries + 1)

    def _give_up(self) -> None:
        """Go on from the next page that brought rows, or will."""
        self._open += 1
        behind = [spot for spot in self._spots[1:] if not spot.tries and (spot.count or not spot.is_read)]
        self._is_over = not behind
        self._spots = behind or self._spots
        if self._open >= MOST_OPEN:
            self._doubt_the_offset()

    def _doubt_the_offset(self) -> None:
        if not self._is_bounded:
            self._probe = _Spot(FAR, PAGE_SIZE)

    def _is_short(self, spot: _Spot) -> bool:
        return self._facts.is_short(spot.count, limit=spot.limit)

    def _is_witnessed(self, spot: _Spot) -> bool:
        """Two say that it is the last page: that others were longer, of its own list or of others, and the total."""
        is_short = (self._is_only_page and not spot.offset) or self._is_short(spot)
        return spot.is_read and is_short and self._facts.total == spot.end and bool(spot.count)

    def _ends_here(self) -> bool:
        first, *others = self._spots
        is_empty = first.is_read and not first.count
        is_end = (is_empty or self._is_witnessed(first)) and not any(spot.count for spot in others)
        return is_end or (first.is_read and first.is_last)


def digest_of(answer: Answer) -> str:
    return hashlib.sha256("\n".join(answer.marks).encode()).hexdigest()[:16]


def overlap_of(rows: int) -> int:
    """How many rows of a page are read again with the next one: as few as prove that nothing fell between."""
    return max(0, min(OVERLAP, max(1, rows // TENTH), rows - 1))
