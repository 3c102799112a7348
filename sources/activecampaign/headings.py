"""Which way a walk by offset goes through a list: as it comes, newest first, or along the moments of its rows.

Observed: AG (A), activities and emailActivities heed `orders[tstamp]`; of other lists that only grow nobody has tried.
So an order is believed only as far as the rows show it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from math import inf
from typing import Any, ClassVar, Protocol

from sources.activecampaign.rows import Answer
from sources.activecampaign.versions import moment_in
from sources.activecampaign.ways import Unheeded
from sources.activecampaign.zones import in_utc
from sources.spec import Cursor, Growing, Row

DEEP = 2000  # Rows. observed: ER (A): activities fail from offset 4,600 on, for good.
TAIL = 5  # Rows that are to come again where a list begins anew: one of them that has gone meanwhile does no harm.
AHEAD = 1.5  # Times what was read: so far ahead pages are asked for where nobody knows how many rows are new.
SECOND = timedelta(seconds=1)  # Whether `after` includes its moment nobody has told.


class Heading(Protocol):
    @property
    def params(self) -> Mapping[str, str]:
        """What goes with every call."""

    @property
    def reach(self) -> float:
        """Up to which offset pages are worth asking for side by side."""

    @property
    def bookmark(self) -> Cursor | None:
        """At the end of a walk: from where on rows are new the next time. None where the rows have shown no order."""

    @property
    def as_json(self) -> Cursor: ...

    def note(self, offset: int, answer: Answer) -> bool:
        """Whether nothing is wanted of what lies behind this page. Raises Unheeded."""

    def begin_anew(self, offset: int) -> int:
        """Let the list begin with the last rows of the page at that offset, the last one; return how many they are.

        None where it cannot.
        """

    def next_best(self) -> "Heading":
        """Which way to go where this one is not heeded."""


class AsItComes:
    """From the first row to the last."""

    params: ClassVar[Mapping[str, str]] = {}
    reach = inf
    bookmark = None
    as_json: ClassVar[Cursor] = {}

    def note(self, offset: int, answer: Answer) -> bool:
        return False

    def begin_anew(self, offset: int) -> int:
        return 0

    def next_best(self) -> Heading:
        return self


@dataclass
class NewestFirst:
    """Down to the `mark`, the newest row of the walk before, and to what is older than `since`; else to the end.

    `top` is the newest row when this walk began. What comes later is left to the next one, also when this one is killed
    and goes on further down. `rows` are how many the list had, then and now: as a hint alone.
    """

    orders: Sequence[str]
    stamp: str
    mark: str = ""
    since: str = ""
    rows_then: int | None = None
    rows_now: int | None = None
    top: str = ""
    read_to: int = 0
    is_shown: bool = False
    is_reached: bool = False

    @property
    def params(self) -> Mapping[str, str]:
        return {f"orders[{self.orders[0]}]": "DESC"}

    @property
    def reach(self) -> float:
        if not self.mark:
            return inf
        new = self.rows_now - self.rows_then if self.rows_now and self.rows_then else 0
        return max(new, AHEAD * self.read_to)

    @property
    def bookmark(self) -> Cursor | None:
        """The mark moves only when the walk has reached the old one: else rows between them might be missing."""
        if not (self.top and self.is_shown) or (self.mark and not self.is_reached):
            return None
        return {"order": self.orders[0], "top": self.top, "rows": self.rows_now}

    @property
    def as_json(self) -> Cursor:
        return {"newest": asdict(self)}

    def note(self, offset: int, answer: Answer) -> bool:
        rows = answer.rows.values()
        if not rows:
            return False
        places = _all_known([self._place(row) for row in rows])
        if any(newer < older for newer, older in pairwise(places)):
            raise Unheeded
        if not offset and not self.top:
            self.top, self.rows_now = str(places[0]), answer.total
        self.read_to = max(self.read_to, offset + answer.count)
        # Of rows of one moment nobody knows whether they come in any order.
        self.is_shown = self.is_shown or places[0] > places[-1]
        is_there = bool(self.mark) and self.is_shown and places[-1] < self._read(self.mark) and self._is_older(rows)
        self.is_reached = self.is_reached or is_there
        return is_there

    def begin_anew(self, offset: int) -> int:
        return 0

    def next_best(self) -> Heading:
        return NewestFirst(self.orders[1:], self.stamp) if len(self.orders) > 1 else AsItComes()

    def _place(self, row: Row) -> Any:
        name = self.orders[0]
        return int(row["id"]) if name == "id" and str(row["id"]).isdecimal() else moment_in(row.get(name))

    def _read(self, text: str) -> Any:
        return int(text) if self.orders[0] == "id" else moment_in(text)

    def _is_older(self, rows: Sequence[Row] | Any) -> bool:
        """A row whose stamp says nothing is as old as its place says."""
        since = moment_in(self.since)
        stamps = (moment_in(row.get(self.stamp)) for row in rows)
        return since is None or all(stamp < since for stamp in stamps if stamp)


@dataclass
class Rising:
    """From the oldest row to the newest, where the list may begin `after` a moment: so that no offset gets deep.

    Each new beginning shows the last rows of the one before again, or else it is not believed. `tail` are these: ids
    and stamps, up to the page at the offset `tail_at`, which begins with a row of the moment `page_from`. `awaited` are
    those that were not shown again yet.
    """

    stamp: str
    parameter: str
    after: str = ""
    awaited: Sequence[Any] = ()
    tail: Sequence[Any] = ()
    tail_at: int = -1
    page_from: str = ""
    is_shown: bool = False
    is_whole: bool = True

    @property
    def reach(self) -> float:
        return 0 if self.awaited else DEEP

    @property
    def params(self) -> Mapping[str, str]:
        beginning = {self.parameter: self.after} if self.after else {}
        return {f"orders[{self.stamp}]": "ASC", **beginning}

    @property
    def bookmark(self) -> Cursor | None:
        return {"tail": [*self.tail]} if self.is_shown and self.tail else None

    @property
    def as_json(self) -> Cursor:
        return {"rising": asdict(self)}

    def note(self, offset: int, answer: Answer) -> bool:
        stamps = _all_known([moment_in(row.get(self.stamp)) for row in answer.rows.values()])
        if any(later < earlier for earlier, later in pairwise(stamps)):
            raise Unheeded
        if self.awaited:
            self._look_for_the_awaited(answer, stamps)
        self.is_shown = self.is_shown or (bool(stamps) and stamps[0] < stamps[-1])
        if stamps and offset >= self.tail_at:
            came = zip(answer.rows, (stamp.isoformat() for stamp in stamps), strict=True)
            self.tail, self.tail_at = [*(dict(self.tail) | dict(came)).items()][-TAIL:], offset
            self.page_from = in_utc(stamps[0])
        return False

    def _look_for_the_awaited(self, answer: Answer, stamps: Sequence[datetime]) -> None:
        """They are not there, or come without the moment having been heeded: then nothing is known of what it gives."""
        if not {*dict(self.awaited)}.isdisjoint(answer.rows):
            self.awaited = ()
        elif not stamps or in_utc(stamps[0]) < self.after or stamps[-1] > datetime.fromisoformat(self.awaited[-1][1]):
            raise Unheeded

    def begin_anew(self, offset: int) -> int:
        """Not within a second that fills more than the page."""
        beginning = _before(self.tail)
        if self.awaited or offset != self.tail_at or self.page_from >= beginning:
            return 0
        self.after, self.awaited, self.tail_at = beginning, self.tail, -1
        return len(self.tail)

    def next_best(self) -> Heading:
        """All of it where only its end was wanted."""
        return AsItComes() if self.is_whole else Rising(self.stamp, self.parameter)


def heading_of(growing: Growing | None, bookmark: Cursor | None, since: datetime | None) -> Heading:
    """The way that a walk begins with, for what is new since the bookmark and what is younger than that moment."""
    if growing is None:
        return AsItComes()
    if growing.after:
        if bookmark is None:
            return Rising(growing.stamp, growing.after)
        tail = bookmark["tail"]
        return Rising(growing.stamp, growing.after, _before(tail), awaited=tail, is_shown=True, is_whole=False)
    if bookmark is None or bookmark["order"] not in growing.orders:
        return NewestFirst(growing.orders, growing.stamp)
    orders = growing.orders[growing.orders.index(bookmark["order"]) :]
    return NewestFirst(
        orders, growing.stamp, mark=bookmark["top"], since=in_utc(since) if since else "", rows_then=bookmark["rows"]
    )


def heading_from(place: Cursor) -> Heading:
    """The way that a walk was on, from its cursor."""
    if "newest" in place:
        return NewestFirst(**place["newest"])
    return Rising(**place["rising"]) if "rising" in place else AsItComes()


def _before(tail: Sequence[Any]) -> str:
    return in_utc(datetime.fromisoformat(tail[0][1]) - SECOND) if tail else ""


def _all_known(places: list[Any]) -> list[Any]:
    """Raises Unheeded where one says nothing."""
    if any(place is None for place in places):
        raise Unheeded
    return places
