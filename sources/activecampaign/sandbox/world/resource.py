"""What the sandbox knows about one kind of record, and how one of its rows is drawn."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from random import Random
from typing import Any, Literal, NamedTuple, Protocol, TypeVar

from sources.activecampaign.sandbox.world.ties import Spread

Row = dict[str, Any]
Made = TypeVar("Made")


class WorldView(Protocol):
    """The part of the world that a row may look at while it is drawn."""

    origin: str
    seed: int
    ends: int

    def first_ids(self, stream: str) -> Sequence[int]:
        """The ids that the stream began with."""

    def rows(self, stream: str) -> list[Row]: ...

    def first_row(self, stream: str, identity: int | str) -> Row:
        """One of those that the stream began with, as it was then."""

    def count(self, stream: str) -> int: ...

    def once(self, stream: str, name: str, make: Callable[[], Any]) -> Any:
        """What `make` gives; made again only after the stream's rows changed."""

    def tied(self, stream: str, column: str, value: str) -> list[str]:
        """The ids of the stream's rows in whose column that stands."""

    def tally(self, stream: str, name: str, of: str) -> int:
        """What the stream's rows come to for that row of another: see `Resource.counts`."""


class Drawing(NamedTuple):
    """One row about to be drawn: `created` and `updated` (None: never edited) are seconds since 1970.

    `ties` is its outline; see `Resource.outline`.
    """

    world: WorldView
    id: int
    position: int
    ties: Row
    dice: Random
    created: int
    updated: int | None

    @property
    def changed(self) -> int:
        return self.created if self.updated is None else self.updated

    def pick(self, things: Sequence[Made]) -> Made:
        return things[int(self.dice.random() * len(things))]

    def chance(self, share: float) -> bool:
        return self.dice.random() < share

    def number(self, most: int) -> int:
        return int(self.dice.random() * (most + 1))

    def some_id(self, stream: str) -> str:
        ids = self.world.first_ids(stream)
        return str(self.pick(ids)) if ids else "0"


def id_by_turns(world: WorldView, stream: str, number: int) -> str:
    """The id of a row that the stream began with, by its number; after the last comes the first again."""
    ids = world.first_ids(stream)
    return str(ids[number % len(ids)]) if ids else "0"


def as_it_is(row: Row) -> Row:
    return row


class Count(NamedTuple):
    """One of the things that a row adds to: so much to `name` of a row of another stream.

    With `person`, whoever comes several times counts once.
    """

    name: str
    of: str
    amount: int = 1
    person: str = ""


@dataclass(frozen=True, kw_only=True)
class Many:
    """The rows that belong to a row of another stream: those in whose `column` its id stands; without one, all rows.

    They stand under `envelope`, if that is not the name that they are asked for by, and look as `shape` makes them;
    `has_meta` is off where documented answers tell no total.
    """

    stream: str
    column: str = ""
    envelope: str = ""
    shape: Callable[[WorldView, Row], Row] | None = None
    has_meta: bool = True

    def shaped(self, world: WorldView, rows: Sequence[Row]) -> list[Row]:
        return [self.shape(world, row) for row in rows] if self.shape else [*rows]


def nothing_counted(outline: Row) -> Iterable[Count]:
    return ()


def no_extras(world: WorldView, query: Mapping[str, str], rows: Sequence[Row]) -> dict[str, Any]:
    return {}


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One kind of record.

    `shape` holds every column in the recorded order, with what most rows have in it; `draw` gives the columns that
    differ. `links` are what follows the row's own address. `sideloads` name the arrays that come along: rows of that
    stream whose ids stand in that column; `empty_lists` those that come along with nothing in them. `stamps` are the
    columns that a change renews, by how they write the time. `envelope` names the list where the path does not.

    What ties a row to others goes by its place alone: `spread` columns name the row of another stream that it belongs
    to, and `outline` gives more such columns, whose streams are `owners`, and those that something is counted by.
    `counts` says what a row with that outline adds to; `counters` are the columns that show such sums: of which stream,
    under which name; `unless_asked` those of them that are zero unless a parameter is on. `born` gives the moment from
    the place. `moves` are the columns with an owner whose stamps move with this row, `dies_with` those with an owner
    without whom there is no such row.

    `lists` are what `path/id/name` answers with, `includes` those of them that `include=` brings along, `refers` those
    whose ids stand in the row. `ones` are the streams of single rows that come along where `include=` goes on behind a
    dot.

    `orders` are the fields that `orders[…]` sorts by: the id, the moment of creation or of change, or a column.
    `filters` are the parameters that are honoured, by column, and `members` those that go by the column of another
    stream in whose `contact` the row stands. Anything else is ignored, as the API does. `most_rows` is how many come at
    once, `most_rows_of_one` how many where that parameter narrows it.
    """

    path: str
    single: str
    model: str
    shape: Mapping[str, Any]
    draw: Callable[[Drawing], Row]
    size: Callable[[int, int], int]
    links: tuple[str, ...] | None = ()
    first_id: int = 1
    gaps: Sequence[int] = (1, 1, 1, 2, 3)
    sideloads: tuple[tuple[str, str], ...] = ()
    stamps: Mapping[str, Callable[[int], str]] | None = None
    never_edited: float = 0.2
    spread: Mapping[str, Spread] = field(default_factory=dict)
    outline: Callable[[WorldView, int], Row] | None = None
    owners: Mapping[str, str] = field(default_factory=dict)
    born: Callable[[WorldView, int], int] | None = None
    counts: Callable[[Row], Iterable[Count]] = nothing_counted
    counters: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    unless_asked: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, Many] = field(default_factory=dict)
    includes: tuple[str, ...] = ()
    ones: Mapping[str, str] = field(default_factory=dict)
    refers: tuple[str, ...] = ()
    moves: tuple[str, ...] = ()
    dies_with: tuple[str, ...] = ()
    orders: Mapping[str, str] = field(default_factory=dict)
    filters: Mapping[str, str] = field(default_factory=dict)
    members: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    most_rows: int = 100
    most_rows_of_one: Mapping[str, int] = field(default_factory=dict)
    has_keyset: bool = False
    changed_since: Literal["exclusive", "inclusive"] | None = None
    changed_since_parameter: str = "filters[updated_after]"
    total_is_number: bool = False
    extras: Callable[[WorldView, Mapping[str, str], Sequence[Row]], dict[str, Any]] = no_extras
    shown: Callable[[Row], Row] = as_it_is
    beside: tuple[str, ...] = ()
    is_listed: bool = True
    envelope: str = ""
    empty_lists: tuple[str, ...] = ()
    home: str = "{origin}/api/3/{path}/{id}/"
    external_id: Callable[[int], str] = str

    @property
    def list_name(self) -> str:
        return self.envelope or self.path

    @property
    def ties(self) -> dict[str, str]:
        """The columns that name rows of other streams, and which streams those are."""
        return {column: spread.stream for column, spread in self.spread.items()} | dict(self.owners)

    def links_of(self, origin: str, identity: str) -> dict[str, str] | list[str]:
        if self.links is None:
            return []
        home = self.home.format(origin=origin, path=self.path, id=identity)
        return {name: home + link for name, link in self._named_links}

    @cached_property
    def _named_links(self) -> list[tuple[str, str]]:
        return [(link.partition("?")[0], link) for link in self.links or ()]


# Not documented for the lists that only grow: observed for activities and emailActivities (AG, A); of logs, linkData,
# mppLinkData, bounceLogs, dealActivities and trackingLogs nobody has tried it. Habits.ignores takes it away.
BY_MOMENT = {"id": "id", "tstamp": "created"}


def by_path(resources: Iterable[Resource]) -> dict[str, Resource]:
    return {resource.path: resource for resource in resources}
