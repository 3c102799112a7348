"""What the sandbox knows about one kind of record, and how one of its rows is drawn."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Literal, Protocol, TypeVar

Row = dict[str, Any]
Made = TypeVar("Made")


class WorldView(Protocol):
    """The part of the world that a row may look at while it is drawn."""

    origin: str
    seed: int

    def first_ids(self, stream: str) -> Sequence[int]:
        """The ids that the stream began with."""

    def rows(self, stream: str) -> list[Row]: ...

    def count(self, stream: str) -> int: ...

    def once(self, stream: str, name: str, make: Callable[[], Any]) -> Any:
        """What `make` gives; made again only after the stream's rows changed."""


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """One row about to be drawn: `created` and `updated` (None: never edited) are seconds since 1970."""

    world: WorldView
    id: int
    position: int
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


def as_it_is(row: Row) -> Row:
    return row


def no_extras(world: WorldView, query: Mapping[str, str], rows: Sequence[Row]) -> dict[str, Any]:
    return {}


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One kind of record.

    `shape` holds every column in the recorded order, with what most rows have in it; `draw` gives the columns that
    differ. `links` are what follows the row's own address. `sideloads` name the arrays that come along: rows of that
    stream whose ids stand in that column; `empty_lists` those that come along with nothing in them. `stamps` are the
    columns that a change renews, by how they write the time. `envelope` names the list where the path does not;
    `moment_order` the parameter that sorts by the moment of change.
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
    has_keyset: bool = False
    changed_since: Literal["exclusive", "inclusive"] | None = None
    changed_since_parameter: str = "filters[updated_after]"
    moment_order: str = ""
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

    def links_of(self, origin: str, identity: str) -> dict[str, str] | list[str]:
        if self.links is None:
            return []
        home = self.home.format(origin=origin, path=self.path, id=identity)
        return {link.partition("?")[0]: home + link for link in self.links}


def by_path(resources: Iterable[Resource]) -> dict[str, Resource]:
    return {resource.path: resource for resource in resources}
