"""The invented account: a tea company's rows from one seed, which tests may add to, change and delete from."""

import hashlib
from collections.abc import Callable, Sequence
from threading import RLock
from typing import Any

from sources.activecampaign.sandbox.world.catalogue import RESOURCES
from sources.activecampaign.sandbox.world.history import History, Kind
from sources.activecampaign.sandbox.world.moments import now
from sources.activecampaign.sandbox.world.resource import Row
from sources.activecampaign.sandbox.world.table import Table


def demo_key(seed: int) -> str:
    """The sandbox's published API key, in the shape of a real one.

    No secret: it opens nothing but a sandbox of invented rows, and anybody may work it out from the seed.
    """
    return hashlib.sha512(f"activecampaign sandbox, demo key {seed}".encode()).hexdigest()[:72]


class World:
    """Safe between threads. Rows are copies: change them through `change`."""

    def __init__(self, *, contacts: int = 250, deals: int = 40, seed: int = 1, origin: str = "") -> None:
        self.seed = seed
        self.origin = origin
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

    def rows(self, stream: str) -> list[Row]:
        """Every row of the stream as the API gives it, by ascending id."""
        with self.lock:
            table = self._tables[stream]
            return [table.row(identity) for identity in table.ids]

    def once(self, stream: str, name: str, make: Callable[[], Any]) -> Any:
        with self.lock:
            return self._tables[stream].once(name, make)

    def insert(
        self, stream: str, *, identity: int | str | None = None, moment: int | None = None, **columns: Any
    ) -> str:
        """Add a row; columns that are not given are drawn. Return its id. Raises ValueError for an id in use."""
        chosen = None if identity is None else int(identity)
        with self.lock:
            identity = self._tables[stream].insert(columns, identity=chosen, moment=moment or now())
            return self._note("came", stream, identity)

    def change(self, stream: str, identity: int | str, *, moment: int | None = None, **columns: Any) -> Row:
        """Change a row at `moment` (seconds since 1970; now) and renew its time stamps. Raises KeyError."""
        with self.lock:
            changed = self._tables[stream].change(int(identity), columns, moment=moment or now())
            self._note("changed", stream, int(identity))
            return changed

    def remove(self, stream: str, identity: int | str) -> None:
        """The row vanishes without a trace, as in the API. Raises KeyError."""
        with self.lock:
            self._tables[stream].remove(int(identity))
            self._note("went", stream, int(identity))

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
        """As ActiveCampaign does it: the losing id is gone, unannounced, and the other one was edited."""
        with self.lock:
            self.remove("contacts", losing)
            return self.change("contacts", into)
