"""People who read and edit connections while their keys are sealed anew, and what became of what they did."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from cryptography.fernet import Fernet
from django.conf import settings
from django.db import connections, transaction

from connections.access.access import present_row
from connections.keeping.editing import EDITABLE
from connections.models import Connection, Holding, User, Workspace
from connections.safe.sealing import Unsealable, fingerprint, is_sealed_under_newest_key
from sources.spec import Credentials, Secret

OLD, NEW = (Fernet.generate_key().decode() for _ in range(2))
ADDRESS = "https://harbourtea.api-us1.com"
THREADS = 8


@dataclass
class Written:
    """What somebody last made of a row."""

    name: str
    key: str


@dataclass
class Tally:
    """Of one thread."""

    reads: int = 0
    edits: int = 0
    replaced_keys: int = 0
    failed: list[str] = field(default_factory=list)
    longest_edit: float = 0.0


def make_connections(count: int, *, workspace: Workspace, by: User) -> dict[UUID, Written]:
    """Sealed under the old key, each with a key of its own."""
    settings.CREDENTIAL_KEYS = [OLD]
    rows = [made(workspace, by=by, number=number) for number in range(count)]
    Connection.objects.bulk_create(rows, batch_size=500)
    return {row.pk: Written(name=row.name, key=row.credentials().api_key.reveal()) for row in rows}


def made(workspace: Workspace, *, by: User, number: int) -> Connection:
    row = Connection(
        workspace=workspace,
        created_by=by,
        source_key="activecampaign",
        state="active",
        holding=Holding.objects.create(),
    )
    row.name, row.privacy = f"Account {number}", "workspace"
    row.keep_credentials(Credentials(api_url=ADDRESS, api_key=Secret(uuid4().hex)), by=by)
    return row


class Crowd:
    """Threads that read any row and edit their own, from `start` to `leave`."""

    def __init__(self, rows: dict[UUID, Written], *, by: User) -> None:
        self.rows, self.by = rows, by
        self.tallies = [Tally() for _ in range(THREADS)]
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self.work, args=[number]) for number in range(THREADS)]

    def __enter__(self) -> "Crowd":
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_fault: object) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join()

    def work(self, number: int) -> None:
        dice, tally, everything = random.Random(number), self.tallies[number], [*self.rows]
        mine = everything[number::THREADS]
        try:
            while not self.over.is_set():
                self.read(dice.choice(everything), tally)
                self.edit(dice.choice(mine), tally, with_key=dice.random() < 0.3)
        except Exception as fault:
            tally.failed.append(repr(fault))
            raise
        finally:
            connections.close_all()

    def read(self, pk: UUID, tally: Tally) -> None:
        tally.reads += 1
        try:
            Connection.objects.get(pk=pk).open_all()
        except Unsealable:
            tally.failed.append(f"{pk} could not be read")

    def edit(self, pk: UUID, tally: Tally, *, with_key: bool) -> None:
        begun = time.monotonic()
        written = Written(name=uuid4().hex, key=uuid4().hex if with_key else self.rows[pk].key)
        edit_row(pk, written, by=self.by)
        self.rows[pk] = written
        tally.edits += 1
        tally.replaced_keys += with_key
        tally.longest_edit = max(tally.longest_edit, time.monotonic() - begun)

    def sum(self, what: str) -> int:
        return sum(getattr(tally, what) for tally in self.tallies)

    @property
    def failed(self) -> list[str]:
        return [one for tally in self.tallies for one in tally.failed]


@transaction.atomic
def edit_row(pk: UUID, written: Written, *, by: User) -> None:
    """As the edit page does: locked, changed, saved whole, and put into the trail."""
    row = present_row(Connection.objects.without_key().get(pk=pk), by=by)
    before = {name: row.value_of(name) for name in EDITABLE}
    row.name = written.name
    if row.credentials().api_key.reveal() != written.key:
        row.keep_credentials(Credentials(api_url=ADDRESS, api_key=Secret(written.key)), by=by)
    row.save_changes(before, by=by)


@contextmanager
def both_keys() -> Iterator[dict[str, str]]:
    """The new key stands before the old one, here and in the environment that is given."""
    settings.CREDENTIAL_KEYS = [NEW, OLD]
    yield {"CREDENTIAL_KEYS": f"{NEW},{OLD}"}


def rotated() -> int:
    """How many rows are sealed under the new key, by their fingerprint."""
    return Connection.objects.filter(account_fingerprint=fingerprint("account", "harbourtea.api-us1.com")).count()


def kill_when(reached: Callable[[], bool], kill: Callable[[], None], *, ended: Callable[[], bool]) -> bool:
    """Returns whether it was still running."""
    while not reached():
        if ended():
            return False
        time.sleep(0.002)
    is_running = not ended()
    kill()
    return is_running


@dataclass(frozen=True)
class Verdict:
    """Of all rows, opened with the new key alone."""

    lost_edits: int
    lost_keys: int
    left_behind: int


def judge(rows: dict[UUID, Written]) -> Verdict:
    settings.CREDENTIAL_KEYS = [NEW]
    stored = {row.pk: row for row in Connection.objects.all()}
    return Verdict(
        lost_edits=sum(stored[pk].name != written.name for pk, written in rows.items()),
        lost_keys=sum(key_of(stored[pk]) != written.key for pk, written in rows.items()),
        left_behind=sum(not is_under_newest(row) for row in stored.values()),
    )


def key_of(row: Connection) -> str:
    try:
        return row.credentials().api_key.reveal()
    except Unsealable:
        return ""


def is_under_newest(row: Connection) -> bool:
    return all(is_sealed_under_newest_key(sealed) for sealed in (row.api_url, row.api_key))
