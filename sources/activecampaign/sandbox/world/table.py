"""The rows of one stream: drawn from the seed when they are looked at, unless a test wrote them."""

import zlib
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Sequence
from itertools import accumulate
from random import Random
from typing import Any

from sources.activecampaign.sandbox.world import moments
from sources.activecampaign.sandbox.world.resource import Drawing, Resource, Row, WorldView

Life = tuple[int, int | None]
"""When a row was created and last edited (None: never), in seconds since 1970."""

SPAN = moments.WORLD_ENDS - moments.WORLD_BEGINS


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
        self._lives: dict[int, Life] = {}
        self._worked_out: dict[str, Any] = {}

    def __contains__(self, identity: int) -> bool:
        place = bisect_left(self.ids, identity)
        return place < len(self.ids) and self.ids[place] == identity

    def row(self, identity: int) -> Row:
        self._must_have(identity)
        return self.resource.shown(self._full_row(identity))

    def _full_row(self, identity: int) -> Row:
        written = self._written.get(identity)
        return dict(written) if written is not None else self._assemble(identity, self._drawing(identity))

    def changed_at(self, identity: int) -> int:
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

    def insert(self, columns: Row, *, identity: int | None, moment: int) -> int:
        """Add a row and return its id: the next free one, or any id that nobody has."""
        chosen = self._highest + 1 if identity is None else identity
        if chosen in self:
            raise ValueError(f"{self.resource.path} has a row {chosen} already.")
        self._lives[chosen] = (moment, moment)
        self._written[chosen] = self._assemble(chosen, self._drawing(chosen)) | columns
        insort(self.ids, chosen)
        self._highest = max(self._highest, chosen)
        self._worked_out.clear()
        return chosen

    def change(self, identity: int, columns: Row, *, moment: int) -> Row:
        self._must_have(identity)
        stamps = {column: write(moment) for column, write in (self.resource.stamps or {}).items()}
        self._written[identity] = self._full_row(identity) | stamps | columns
        self._lives[identity] = (self.created_at(identity), moment)
        self._worked_out.clear()
        return self.row(identity)

    def remove(self, identity: int) -> None:
        self._must_have(identity)
        del self.ids[bisect_left(self.ids, identity)]
        self.former_ids.add(identity)
        self._written.pop(identity, None)
        self._worked_out.clear()

    def _must_have(self, identity: int) -> None:
        if identity not in self:
            raise KeyError(f"{self.resource.path} has no row {identity}.")

    def _life(self, identity: int) -> Life:
        life = self._lives.get(identity)
        if life is None:
            life = self._lives[identity] = self._draw_life(identity, self._dice(identity))
        return life

    def _dice(self, identity: int) -> Random:
        return Random(self._number | identity)  # noqa: S311 - The same seed must give the same rows.

    def _draw_life(self, identity: int, dice: Random) -> Life:
        """Higher ids are younger; some rows were never edited."""
        last = self.first_ids[-1] if self.first_ids else identity
        created = moments.WORLD_BEGINS + min(SPAN * identity // (last + 1), SPAN - 86_400) + int(dice.random() * 80_000)
        rest = moments.WORLD_ENDS - created
        updated = created + 60 + int(dice.random() * (rest - 60))
        return created, None if dice.random() < self.resource.never_edited else updated

    def _drawing(self, identity: int) -> Drawing:
        dice = self._dice(identity)
        drawn = self._draw_life(identity, dice)
        created, updated = self._lives.setdefault(identity, drawn)
        position = bisect_left(self.first_ids, identity)
        return Drawing(world=self._world, id=identity, position=position, dice=dice, created=created, updated=updated)

    def _assemble(self, identity: int, drawing: Drawing) -> Row:
        text = self.resource.external_id(identity)
        row = {**self.resource.shape, **self.resource.draw(drawing)}
        if "links" in row:
            row["links"] = self.resource.links_of(self._world.origin, text)
        row["id"] = text
        return row
