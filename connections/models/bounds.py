"""How much a connection, and all of a workspace together, may hold; how much they do; and that no more fits in."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Count, Q, Sum
from django.template.defaultfilters import filesizeformat, pluralize

from connections.models.condition import FULL
from connections.models.connection import Connection
from connections.models.holding import Holding
from connections.models.people import Workspace
from connections.models.row_count import RowCount

NEAR = 0.8  # Of a bound. From there on it is said, and there is still time to do something.
SIDE_BY_SIDE = 100  # More syncs of a workspace than ever store at the same moment.
ADVICE = "Clear its data, choose less data to sync, or ask whoever runs BlinkMetrics for more."


class Full(Exception):
    """What came would pass a bound, and is not stored. The text is for the person."""

    code = FULL


@dataclass(frozen=True, kw_only=True)
class Bound:
    """Something that is held, and the most of it. `place` may hold it, as in “one connection”."""

    held: int
    most: int
    place: str
    in_words: Callable[[int], str]

    @property
    def is_near(self) -> bool:
        return self.held >= NEAR * self.most

    @property
    def words(self) -> str:
        """As in “4.1 GB of 5.0 GB, the most that one connection may hold here”."""
        held, most = self.in_words(self.held), self.in_words(self.most)
        return f"{held} of {most}, the most that {self.place} may hold here"

    def require(self, more: int) -> None:
        """Raises Full. What takes no more room than before is let in, however much there is."""
        if more > 0 and self.held + more > self.most:
            most = self.in_words(self.most)
            raise Full(f"No more fits in: {most} is the most that {self.place} may hold here. {ADVICE}")


@dataclass(frozen=True, kw_only=True)
class Room:
    """What a connection holds: rows, and their bytes; and those of its workspace, with what is hidden in it.

    `is_counted`: rows from before their sizes were kept are among them.
    """

    count: int
    size: int
    of_workspace: int
    is_counted: bool

    @property
    def bounds(self) -> tuple[Bound, Bound, Bound]:
        one, all_together = "one connection", "all connections of a workspace together"
        return (
            Bound(held=self.size, most=settings.MOST_BYTES_PER_CONNECTION, place=one, in_words=size_in_words),
            Bound(held=self.count, most=settings.MOST_ROWS_PER_CONNECTION, place=one, in_words=rows_in_words),
            Bound(
                held=self.of_workspace,
                most=settings.MOST_BYTES_PER_WORKSPACE,
                place=all_together,
                in_words=size_in_words,
            ),
        )

    @property
    def near(self) -> list[Bound]:
        return [bound for bound in self.bounds if bound.is_near]

    def require(self, *, rows: int, size: int) -> None:
        """Raises Full unless so much more fits in."""
        for bound, more in zip(self.bounds, (size, rows, size), strict=True):
            bound.require(more)


def size_in_words(size: int) -> str:
    return filesizeformat(size).replace("\xa0", " ")  # It is mailed as well.


def rows_in_words(rows: int) -> str:
    return f"{rows:,} row{pluralize(rows)}"


def room_of(connection: Connection) -> Room:
    mine = Q(holding=connection.holding_id)
    sums: dict[str, Any] = RowCount.objects.filter(holding__in=holdings_in(connection.workspace_id)).aggregate(
        count=Sum("stored", filter=mine, default=0),
        size=Sum("bytes", filter=mine, default=0),
        of_workspace=Sum("bytes", default=0),
        unsized=Count("pk", filter=mine & Q(sized_to__isnull=False)),
    )
    return Room(is_counted=not sums.pop("unsized"), **sums)


def room_among(counts: Collection[RowCount], *, of_workspace: int) -> Room:
    """The same from what was read already: the counts of its streams, and the bytes of its workspace."""
    return Room(
        count=sum(one.stored for one in counts),
        size=sum(one.bytes for one in counts),
        of_workspace=of_workspace,
        is_counted=all(one.sized_to is None for one in counts),
    )


def bytes_of(workspace: int) -> int:
    """What all connections of a workspace hold together, with what is hidden."""
    held: int = RowCount.objects.filter(holding__in=holdings_in(workspace)).aggregate(held=Sum("bytes", default=0))[
        "held"
    ]
    return held


def holdings_in(workspace: int) -> Any:
    """Those of its connections, and those that are hidden and may be taken back."""
    shown = Connection.objects.filter(workspace=workspace).order_by().values("holding")
    # Said in words that few are hidden at all: else PostgreSQL goes through the holdings of the whole site.
    hidden = Holding.objects.filter(parted_from__isnull=False, parted_from__workspace=workspace)
    return shown.union(hidden.values("pk"), all=True)


def room_to_store(connection: Connection, *, size: int) -> Room:
    """In the transaction that stores so many bytes at the most, before all else that it locks.

    Where they matter the workspace's syncs take turns, so that no two fill the same room.
    """
    room = room_of(connection)
    if room.near or size * SIDE_BY_SIDE > settings.MOST_BYTES_PER_WORKSPACE - room.of_workspace:
        Workspace.objects.select_for_update(no_key=True).filter(pk=connection.workspace_id).first()
        return room_of(connection)
    return room
