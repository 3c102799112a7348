"""Reads a stream by overlapping pages, fetched in any order, whose seams prove that nothing fell between them."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from sources.activecampaign.rows import Answer
from sources.activecampaign.walks import FARTHEST_OFFSET, OVERLAP, PAGE_SIZE, UNKNOWN, Ask, same_page
from sources.spec import Cursor, Page

USUAL_SIZE = 20  # What the API sends when it does not heed the limit.
SAME_PAGES = 3  # Twice may be chance, when a page's worth of rows was inserted before it.

Ids = tuple[str, ...]
START: Cursor = {"spots": [{"at": 0}], "total": None}


@dataclass(eq=False)
class _Spot:
    """A place to read at. `readings` are the ids that each reading brought; what counts is the newest one.

    `goes_on` says that the server sent fewer rows than were asked for and claims to have more.
    """

    offset: int
    count: int | None = None
    goes_on: bool = False
    readings: list[Ids] = field(default_factory=list)
    is_asked: bool = False
    wants_again: bool = False
    was_read_again: bool = False
    is_joined: bool = False

    @property
    def is_read(self) -> bool:
        return self.count is not None

    @property
    def next_offset(self) -> int:
        """Where the next page begins if this one is followed by any."""
        rows = PAGE_SIZE if self.count is None else min(self.count, PAGE_SIZE)  # More would be rows that came twice.
        return self.offset + rows - OVERLAP

    @property
    def is_full(self) -> bool:
        return self.count is not None and self.count >= PAGE_SIZE

    @property
    def wants_asking(self) -> bool:
        return not self.is_asked and (not self.is_read or self.wants_again)

    def hear(self, answer: Answer) -> None:
        self.is_asked = False
        self.was_read_again = self.is_read
        self.wants_again = False
        self.count = answer.count
        self.readings.append(tuple(answer.rows))
        self.goes_on = not self.is_full and answer.count > OVERLAP and _says_more(self.offset + answer.count, answer)

    def begin_anew(self) -> None:
        """What is not joined to the pages before it need only hang together with those after it."""
        self.readings = self.readings[-1:]
        self.was_read_again = False

    def as_json(self) -> dict[str, Any]:
        if not self.is_read:
            return {"at": self.offset}
        # Neighbours share rows at their edges; the others would only make it long.
        edges = [[*ids[:OVERLAP], *ids[OVERLAP:][-OVERLAP:]] for ids in self.readings]
        facts = {"at": self.offset, "rows": self.count, "ids": edges}
        return facts | {name: True for name in ("goes_on", "is_joined") if getattr(self, name)}

    @classmethod
    def from_json(cls, state: dict[str, Any]) -> "_Spot":
        if "rows" not in state:
            return cls(state["at"])
        readings = [tuple(map(str, ids)) for ids in state["ids"]]
        spot = cls(state["at"], state["rows"], state.get("goes_on", False), readings)
        spot.is_joined = state.get("is_joined", False)
        return spot


class OffsetWalk:
    """A walk for `sources.pulling`.

    Two neighbours that share a row missed nothing between them, whatever came and went and in whatever order they were
    read: the rows on either side of the shared one are on its page or beyond it. Two that share none are both read
    again, once; what shares none even then is said.
    """

    def __init__(self, cursor: Cursor | None = None) -> None:
        state = cursor if cursor and cursor.get("spots") else START
        self._spots = [_Spot.from_json(one) for one in state["spots"]]
        self._total: int | None = state["total"]
        self._asked: dict[Ask, _Spot] = {}
        self._same = Counter[int]()
        self._join()
        end = self._end()
        if self.is_over and end is not None:
            self._spots[end].wants_again = True  # A walk ends with a page.

    @property
    def is_over(self) -> bool:
        end = self._end()
        if self._asked or end is None:
            return False
        is_joined = all(spot.is_joined for spot in self._spots[:end])
        return is_joined and not any(spot.wants_asking for spot in self._spots[: end + 1])

    @property
    def cursor(self) -> Cursor:
        return {"spots": [spot.as_json() for spot in self._spots], "total": self._total}

    @property
    def remaining(self) -> float:
        if self._total is None:
            return UNKNOWN
        unread = sum(spot.wants_asking for spot in self._spots)
        beyond = 0 if self._end() is not None else self._total - self._spots[-1].next_offset
        return max(1.0, unread + beyond / (PAGE_SIZE - OVERLAP))

    def ask(self, *, may_split: bool = True) -> Ask | None:
        spot = next((spot for spot in self._wanted() if spot.wants_asking), None) or self._next_spot()
        if spot is None:
            return None
        ask = Ask(params={"limit": str(PAGE_SIZE), "offset": str(spot.offset)})
        spot.is_asked = True
        self._asked[ask] = spot
        return ask

    def hear(self, ask: Ask, answer: Answer) -> list[Page]:
        """Raises UnexpectedAnswer when the server does not heed the offset."""
        spot = self._asked.pop(ask)
        spot.hear(answer)
        self._refuse_circles(spot)
        self._total = self._total if answer.total is None else answer.total
        spot.wants_again = self._is_denied(spot) and not spot.was_read_again
        self._follow(spot)
        is_proven = self._join() and self._holds_at_the_end()
        page = Page(
            rows=answer.rows,
            cursor=None if self.is_over else self.cursor,
            total=self._total,
            unreadable=answer.unreadable,
            seam_proven=is_proven,
        )
        return [page]

    # Where to ask

    def _end(self) -> int | None:
        """The place of the last page: a short one, behind which nothing was found."""
        last = None
        for place, spot in reversed([*enumerate(self._spots)]):
            if not spot.is_read:
                continue
            if not spot.is_full and not spot.goes_on:
                last = place
            if spot.count:
                break
        return last

    def _wanted(self) -> list[_Spot]:
        end = self._end()
        return self._spots if end is None else self._spots[: end + 1]

    def _next_spot(self) -> _Spot | None:
        """As far as the total reaches side by side; beyond it one by one, since totals lie."""
        last = self._spots[-1]
        reaches = self._total is not None and self._total >= last.offset + PAGE_SIZE
        if self._end() is not None or not (last.is_full or (reaches and not last.is_read)):
            return None
        spot = _Spot(last.next_offset)
        self._spots.append(spot)
        return spot

    def _follow(self, spot: _Spot) -> None:
        """Read on behind a page that ended before its time."""
        place = self._spots.index(spot)
        following = self._spots[place + 1].offset if place + 1 < len(self._spots) else None
        if spot.goes_on and (following is None or following > spot.next_offset):
            self._spots.insert(place + 1, _Spot(spot.next_offset))
            spot.is_joined = False

    # What is proven

    def _join(self) -> bool:
        """Join what can be joined. False when a seam had to be given up."""
        is_proven = True
        for spot, following in self._open_seams():
            if _are_joined(spot, following):
                spot.is_joined, following.wants_again = True, False
            elif spot.was_read_again and following.was_read_again:
                spot.is_joined, is_proven = True, False
                following.begin_anew()
            else:
                spot.wants_again = not spot.was_read_again
                following.wants_again = not following.was_read_again
        self._forget_what_is_joined()
        return is_proven

    def _holds_at_the_end(self) -> bool:
        """Whether the last page, if it was read twice, is still the one that its neighbour was joined to."""
        place = self._end()
        if place is None or not self.is_over:
            return True
        end = self._spots[place]
        is_whole = end.count or (not end.offset and not self._is_denied(end))
        if is_whole and _hang_together(end.readings):
            return True
        end.begin_anew()
        return False

    def _is_denied(self, spot: _Spot) -> bool:
        """No row at all, of a stream that says that it has some: that is no proof that the rows are gone."""
        return not spot.offset and not spot.count and bool(self._total)

    def _open_seams(self) -> Iterator[tuple[_Spot, _Spot]]:
        wanted = self._wanted()
        for spot, following in pairwise(wanted):
            is_settled = spot.is_read and following.is_read and not spot.is_asked and not following.is_asked
            if is_settled and not spot.is_joined:
                yield spot, following

    def _forget_what_is_joined(self) -> None:
        """Of pages that are joined, all but the first and the last; from the start on, all but the last.

        Memory and cursor must not grow with the stream.
        """
        end, kept = self._end(), list[_Spot]()
        for place, spot in enumerate(self._spots):
            is_inside = spot.is_joined and (not kept or kept[-1].is_joined)
            if not is_inside or spot.is_asked or spot.wants_again or place == end:
                kept.append(spot)
        self._spots = kept

    def _refuse_circles(self, spot: _Spot) -> None:
        if not spot.is_full or spot.was_read_again:
            return
        if spot.offset > FARTHEST_OFFSET:
            raise same_page()
        mark = hash(frozenset(spot.readings[-1]))  # Not the ids themselves: memory must not grow with the stream.
        self._same[mark] += 1
        if self._same[mark] >= SAME_PAGES:
            raise same_page()


def _says_more(reached: int, answer: Answer) -> bool:
    return answer.count == USUAL_SIZE if answer.total is None else answer.total > reached


def _are_joined(spot: _Spot, following: _Spot) -> bool:
    """All that was read at both has to hang together, and not only the newest: older readings join other pages."""
    both = spot.readings[-1] and following.readings[-1]  # A page without rows joins nothing.
    return bool(both) and _hang_together(spot.readings + following.readings)


def _hang_together(readings: list[Ids]) -> bool:
    """Whether all readings that brought rows are connected by rows that they share."""
    joined, *apart = [set(ids) for ids in readings if ids] or [set()]
    while apart:
        touching = [ids for ids in apart if not joined.isdisjoint(ids)]
        if not touching:
            return False
        apart = [ids for ids in apart if joined.isdisjoint(ids)]
        joined.update(*touching)
    return True
