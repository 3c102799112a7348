"""The invented account: a tea company's rows from one seed, which tests may add to, change and delete from."""

import hashlib
from collections.abc import Callable, Sequence
from threading import RLock
from typing import Any

from sources.activecampaign.sandbox.world.catalogue import RESOURCES
from sources.activecampaign.sandbox.world.habits import USUAL, Habits
from sources.activecampaign.sandbox.world.history import History, Kind
from sources.activecampaign.sandbox.world.moments import WORLD_ENDS, now
from sources.activecampaign.sandbox.world.resource import Row
from sources.activecampaign.sandbox.world.table import Table


def demo_key(seed: int) -> str:
    """The sandbox's published API key, in the shape of a real one.

    No secret: it opens nothing but a sandbox of invented rows, and anybody may work it out from the seed.
    """
    return hashlib.sha512(f"activecampaign sandbox, demo key {seed}".encode()).hexdigest()[:72]


class World:
    """Safe between threads. Rows are copies: change them through `change`. What they tell `ends` at that moment."""

    def __init__(
        self,
        *,
        contacts: int = 250,
        deals: int = 40,
        seed: int = 1,
        origin: str = "",
        habits: Habits = USUAL,
        ends: int = WORLD_ENDS,
    ) -> None:
        self.seed = seed
        self.origin = origin
        self.habits = habits
        self.ends = ends
        self.lock = RLock()
        self.history = History(rows=self.rows)
        self._tables = {
            path: Table(self, resource, size=resource.size(contacts, deals)) for path, resource in RESOURCES.items()
        }

    def table(self, stream: str) -> Table:
        return self._tables[stream]

    def first_ids(self, stream: str) -> Sequence[int]:
        return self._tables[stream].first_ids

    def ids(self, stream: str) -> list[str]:
        with self.lock:
            table = self._tables[stream]
            return [table.resource.external_id(identity) for identity in table.ids]

    def count(self, stream: str) -> int:
        return len(self._tables[stream].ids)

    def has(self, stream: str, identity: int | str) -> bool:
        with self.lock:
            return stream in self._tables and int(identity) in self._tables[stream]

    def row(self, stream: str, identity: int | str) -> Row:
        """Raises KeyError."""
        with self.lock:
            return self._tables[stream].row(int(identity))

    def first_row(self, stream: str, identity: int | str) -> Row:
        """As it was when the world began, without its links."""
        with self.lock:
            return self._tables[stream].first_row(int(identity))

    def rows(self, stream: str) -> list[Row]:
        """Every row of the stream as the API gives it, by ascending id."""
        with self.lock:
            table = self._tables[stream]
            return [table.row(identity) for identity in table.ids]

    def once(self, stream: str, name: str, make: Callable[[], Any]) -> Any:
        with self.lock:
            return self._tables[stream].once(name, make)

    def tied(self, stream: str, column: str, value: str) -> list[str]:
        with self.lock:
            table = self._tables[stream]
            return [table.resource.external_id(identity) for identity in table.tied(column, value)]

    def tally(self, stream: str, name: str, of: str) -> int:
        with self.lock:
            return self._tables[stream].tally(name, of)

    def insert(
        self, stream: str, *, identity: int | str | None = None, moment: int | None = None, **columns: Any
    ) -> str:
        """Add a row; columns that are not given are drawn. Return its id. Raises ValueError for an id in use."""
        when = moment or now()
        with self.lock:
            table = self._tables[stream]
            number = table.next_id if identity is None else int(identity)
            table.insert(self._living_owners(table, number) | columns, identity=number, moment=when)
            self._move_owners(stream, self._tables[stream].outline(number), moment=when)
            return self._note("came", stream, number)

    def change(self, stream: str, identity: int | str, *, moment: int | None = None, **columns: Any) -> Row:
        """Change a row at `moment` (seconds since 1970; now) and renew its time stamps. Raises KeyError."""
        with self.lock:
            table, when, number = self._tables[stream], moment or now(), int(identity)
            before = table.outline(number)
            table.change(number, columns, moment=when)
            self._move_owners(stream, before, table.outline(number), moment=when)
            self._note("changed", stream, number)
            return table.row(number)

    def remove(self, stream: str, identity: int | str, *, moment: int | None = None) -> None:
        """The row vanishes without a trace, as in the API, and with it what is nothing without it. Raises KeyError."""
        with self.lock:
            table, when, number = self._tables[stream], moment or now(), int(identity)
            outline = table.outline(number)
            table.remove(number)
            self._note("went", stream, number)
            self._move_owners(stream, outline, moment=when)
            for path, column in self._dependants(stream):
                for one in self._tables[path].tied(column, str(identity)):
                    self.remove(path, one, moment=when)

    def _living_owners(self, table: Table, number: int) -> Row:
        """Whom a row that is drawn belongs to where the one that it would is gone."""
        outline, ties = table.first_outline(number), table.resource.ties
        owners = {column: self._tables[ties[column]] for column in table.resource.dies_with}
        return {
            column: str(those.ids[number % len(those.ids)])
            for column, those in owners.items()
            if those.ids and int(outline[column]) not in those
        }

    def _move_owners(self, stream: str, *outlines: Row, moment: int) -> None:
        """A contact's udate is that of its tags, too; one that changes hands moves both."""
        resource = RESOURCES[stream]
        for column in resource.moves if stream in self.habits.moving else ():
            owners = self._tables[resource.ties[column]]
            for owner in {int(outline[column]) for outline in outlines}:
                if owner in owners:
                    owners.change(owner, {}, moment=moment)
                    self._note("changed", owners.resource.path, owner)

    def _dependants(self, stream: str) -> list[tuple[str, str]]:
        if not self.habits.takes_along:
            return []
        return [
            (path, column)
            for path, resource in RESOURCES.items()
            for column in resource.dies_with
            if resource.ties[column] == stream
        ]

    def _note(self, kind: Kind, stream: str, identity: int) -> str:
        external = self._tables[stream].resource.external_id(identity)
        self.history.note(kind, stream, external)
        return external

    def add_contact(self, *, identity: int | str | None = None, moment: int | None = None, **columns: Any) -> str:
        return self.insert("contacts", identity=identity, moment=moment, **columns)

    def change_contact(self, identity: int | str, *, moment: int | None = None, **columns: Any) -> Row:
        return self.change("contacts", identity, moment=moment, **columns)

    def delete_contact(self, identity: int | str) -> None:
        self.remove("contacts", identity)

    def merge_contacts(self, losing: int | str, *, into: int | str) -> Row:
        """As ActiveCampaign does it: the losing id is gone, unannounced, and the other one was edited.

        What belonged to the one is not moved to the other: nobody has told what becomes of it.
        """
        with self.lock:
            self.remove("contacts", losing)
            return self.change("contacts", into)
