"""The rows of one stream: drawn from the seed when they are looked at; kept is only what was written since."""

import zlib
from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import accumulate
from random import Random
from typing import Any

from sources.activecampaign.sandbox.world import moments
from sources.activecampaign.sandbox.world.resource import Drawing, Resource, Row, WorldView
from sources.activecampaign.sandbox.world.tally import Tally

Life = tuple[int, int | None]
"""When a row was created and last edited (None: never), in seconds since 1970."""


class Table:
    """Not safe between threads by itself: the world holds the lock."""

    def __init__(self, world: WorldView, resource: Resource, *, size: int) -> None:
        self.resource = resource
        self._world = world
        self._number = zlib.crc32(resource.path.encode()) << 64 | world.seed << 32
        gaps = self._dice(0).choices(resource.gaps, k=max(size - 1, 0))
        self.first_ids: tuple[int, ...] = tuple(accumulate(gaps, initial=resource.first_id)) if size > 0 else ()
        self.ids = list(self.first_ids)
        self.former_ids: set[int] = set()
        self._highest = self.ids[-1] if self.ids else resource.first_id - 1
        self._written: dict[int, Row] = {}
        self._written_ties: dict[tuple[str, str], set[int]] = defaultdict(set)
        self._lives: dict[int, Life] = {}
        self._edited: dict[int, int] = {}
        self._worked_out: dict[str, Any] = {}
        self._places: dict[str, dict[str, list[int]]] = {}
        self._tally: Tally | None = None

    def __contains__(self, identity: int) -> bool:
        place = bisect_left(self.ids, identity)
        return place < len(self.ids) and self.ids[place] == identity

    def row(self, identity: int) -> Row:
        self._must_have(identity)
        return self.resource.shown(self._assemble(identity))

    def first_row(self, identity: int) -> Row:
        """As it was drawn, whatever was written since."""
        return {**self.resource.shape, **self.resource.draw(self._drawing(identity))}

    def changed_at(self, identity: int) -> int:
        edited = self._edited.get(identity)
        if edited is not None:
            return edited
        created, updated = self._life(identity)
        return created if updated is None else updated

    def created_at(self, identity: int) -> int:
        return self._life(identity)[0]

    def between(self, after: int | None, before: int | None) -> Sequence[int]:
        """The ids that are greater than `after` and less than `before`, ascending."""
        begin = 0 if after is None else bisect_right(self.ids, after)
        end = len(self.ids) if before is None else bisect_left(self.ids, before)
        return self.ids[begin:end]

    def once(self, name: str, make: Callable[[], Any]) -> Any:
        if name not in self._worked_out:
            self._worked_out[name] = make()
        return self._worked_out[name]

    def outline(self, identity: int) -> Row:
        """What ties the row to others, and what is counted by it, as it is now."""
        outline = self.first_outline(self._place(identity))
        if not outline:
            return outline
        written = self._written.get(identity)
        return outline | {name: written[name] for name in outline.keys() & written.keys()} if written else outline

    def first_outline(self, place: int) -> Row:
        """The outline of the row at that place as the world began; also of one to come, whose id is its place."""
        resource, outline = self.resource, {}
        for column, spread in resource.spread.items():
            owners = self._world.first_ids(spread.stream)
            outline[column] = str(owners[spread.owner(place, owners=len(owners))]) if owners else "0"
        return outline | resource.outline(self._world, place) if resource.outline else outline

    def tied(self, column: str, value: str) -> list[int]:
        """The ids of the rows in whose column that stands, ascending."""
        first = [self.first_ids[place] for place in self._tied_places(column, value)]
        if not self._written and not self.former_ids:
            return first
        found = {one for one in first if one in self and column not in self._written.get(one, ())}
        return sorted(found | self._written_ties.get((column, value), set()))

    def tally(self, name: str, of: str) -> int:
        """What all rows that are there come to."""
        if self._tally is None:
            self._tally = Tally(self.resource.counts)
            for identity in self.ids:
                self._tally.add(self.outline(identity))
        return self._tally.sum(name, of)

    @property
    def next_id(self) -> int:
        return self._highest + 1

    def insert(self, columns: Row, *, identity: int, moment: int) -> None:
        """Add a row under any id that nobody has."""
        if identity in self:
            raise ValueError(f"{self.resource.path} has a row {identity} already.")
        self._lives[identity] = (moment, moment)
        insort(self.ids, identity)
        self._write(identity, self.first_outline(identity) | columns)
        self._highest = max(self._highest, identity)

    def change(self, identity: int, columns: Row, *, moment: int) -> None:
        self._must_have(identity)
        self._forget(identity)
        stamps = {column: write(moment) for column, write in (self.resource.stamps or {}).items()}
        self._edited[identity] = moment
        self._write(identity, self._written.get(identity, {}) | stamps | columns)

    def remove(self, identity: int) -> None:
        self._must_have(identity)
        self._forget(identity)
        del self.ids[bisect_left(self.ids, identity)]
        self.former_ids.add(identity)
        self._written.pop(identity, None)
        self._edited.pop(identity, None)
        self._worked_out.clear()

    def _write(self, identity: int, columns: Row) -> None:
        self._written[identity] = columns
        self._worked_out.clear()
        outline = self.outline(identity)
        for column in outline.keys() & columns.keys():
            self._written_ties[column, str(columns[column])].add(identity)
        if self._tally:
            self._tally.add(outline)

    def _forget(self, identity: int) -> None:
        """What is known of a row that is about to be another or none."""
        outline = self.outline(identity)
        for column in outline.keys() & self._written.get(identity, {}).keys():
            self._written_ties[column, str(outline[column])].discard(identity)
        if self._tally:
            self._tally.add(outline, times=-1)

    def _must_have(self, identity: int) -> None:
        if identity not in self:
            raise KeyError(f"{self.resource.path} has no row {identity}.")

    def _place(self, identity: int) -> int:
        return bisect_left(self.first_ids, identity)

    def _tied_places(self, column: str, value: str) -> Sequence[int]:
        spread = self.resource.spread.get(column)
        if spread is None:
            return self._places_by(column).get(value, ())
        owners = self._world.first_ids(spread.stream)
        number = int(value) if value.isdecimal() else 0
        owner = bisect_left(owners, number)
        if owner == len(owners) or owners[owner] != number:
            return ()
        return spread.places(owner, owners=len(owners), rows=len(self.first_ids))

    def _places_by(self, column: str) -> dict[str, list[int]]:
        """Of the rows that the world began with, whose places never change."""
        if column not in self._places:
            places = self._places[column] = defaultdict(list)
            for place in range(len(self.first_ids)):
                places[str(self.first_outline(place)[column])].append(place)
        return self._places[column]

    def _life(self, identity: int) -> Life:
        life = self._lives.get(identity)
        if life is None:
            life = self._lives[identity] = self._draw_life(identity, self._dice(identity))
        return life

    def _dice(self, identity: int) -> Random:
        return Random(self._number | identity)  # noqa: S311 - The same seed must give the same rows.

    def _draw_life(self, identity: int, dice: Random) -> Life:
        """Higher ids are younger; some rows were never edited."""
        if self.resource.born:
            created = self.resource.born(self._world, self._place(identity))
        else:
            last = self.first_ids[-1] if self.first_ids else identity
            share = min(moments.SPAN * identity // (last + 1), moments.SPAN - 86_400)
            created = self._world.ends - moments.SPAN + share + int(dice.random() * 80_000)
        rest = self._world.ends - created
        updated = created + 60 + int(dice.random() * (rest - 60))
        return created, None if dice.random() < self.resource.never_edited else updated

    def _drawing(self, identity: int) -> Drawing:
        dice = self._dice(identity)
        drawn = self._draw_life(identity, dice)
        created, updated = self._lives.setdefault(identity, drawn)
        return Drawing(
            world=self._world,
            id=identity,
            position=self._place(identity),
            ties=self.outline(identity),
            dice=dice,
            created=created,
            updated=updated,
        )

    def _assemble(self, identity: int) -> Row:
        resource, text = self.resource, self.resource.external_id(identity)
        row = self.first_row(identity)
        for column, (stream, name) in resource.counters.items():
            row[column] = str(self._world.tally(stream, name, text))
        for column in resource.refers:
            many = resource.lists[column]
            row[column] = self._world.tied(many.stream, many.column, text)
        row |= self._written.get(identity, {})
        if "links" in row:
            row["links"] = resource.links_of(self._world.origin, text)
        row["id"] = text
        return row
