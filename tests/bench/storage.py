"""Without latency and limit: how many rows a second are stored, and how much memory that takes."""

import json
import os
import time
from collections.abc import Callable, Iterator, Sequence

from django.db import connection as database
from django.db import transaction

from connections.models import Connection, Holding, Record, Sync
from connections.models.record import row_texts
from connections.syncing.syncing import in_batches
from sources.activecampaign.rows import Answer, answer_of
from sources.activecampaign.streams import STREAMS
from sources.http.exact import read
from sources.pulling import pull
from sources.spec import Page, Stream
from tests.bench.figures import Effort, Figure, Lap
from tests.bench.plain import walk_lap
from tests.bench.stage import account, connected, require_rows, sync_command

CONTACTS = STREAMS[0]
ORIGIN = "https://harbourtea.api-us1.com"
PAGE, TOGETHER = 100, 8
MEGABYTES_APART = 20
MOST_MEGABYTES = 150


def measure(effort: Effort) -> Iterator[Figure]:
    # First: a command that is started counts the memory of whoever starts it as its own.
    yield from memory(small=effort.of(10_000, 1000), large=effort.of(300_000, 5000))
    yield from storing_alone(effort, rows=effort.of(50_000, 2000), least=20_000)
    yield from rows_a_second(effort, contacts=effort.of(50_000, 2000), least=8000)


def rows_a_second(effort: Effort, *, contacts: int, least: int) -> Iterator[Figure]:
    """The plain walk stands for the sandbox's own speed, and for one line and nobody storing."""
    no_limit()
    plain, ours = [], []
    with account(contacts=contacts, latency_ms=0, rate=0) as sandbox:
        for _ in range(effort.laps):
            plain.append(walk_lap(sandbox))
            connection = connected(sandbox, streams=["contacts"])
            sandbox.reset()
            ours.append(stored_lap(connection, contacts=contacts, calls=lambda: sandbox.stats()["requests"]))
            empty()
    for what, laps, bound in (("plain walk, nothing stored", plain, None), (f"into {database.vendor}", ours, least)):
        yield Figure(
            what=f"{contacts:,} contacts, {what}",
            measured=[contacts / lap.seconds for lap in laps],
            unit="rows/s",
            bound=bound,
            is_least=True,
            calls=max(lap.calls for lap in laps),
            refused=0,
        )


def storing_alone(effort: Effort, *, rows: int, least: int) -> Iterator[Figure]:
    """From the text of an answer to the commit: two kilobytes a contact, as accounts have.

    As in a sync the threads that fetch read, and the caller's stores; only that there is nothing to wait for.
    """
    holding, measured = Holding.objects.create(), []
    for lap in range(effort.laps):
        bodies = [body(first, lap) for first in range(0, rows, PAGE)]
        begun = time.perf_counter()
        for batch in in_batches(pull([(CONTACTS, Bodies(len(bodies)))], read_from(bodies), at_once=TOGETHER)):
            store_together(holding, [pulled.page for pulled in batch if pulled.page])
        measured.append(rows / (time.perf_counter() - begun))
        assert Record.objects.filter(holding=holding).count() == rows
        empty()
    yield Figure(
        what=f"{rows:,} contacts of 2 kB, stored alone, into {database.vendor}",
        measured=measured,
        unit="rows/s",
        bound=least,
        is_least=True,
    )


class Bodies:
    """A walk over so many answers, of which each may be asked for at any time."""

    def __init__(self, count: int) -> None:
        self._asked, self._heard, self._count = 0, 0, count

    @property
    def is_over(self) -> bool:
        return self._heard == self._count

    @property
    def remaining(self) -> float:
        return self._count - self._heard

    def ask(self, *, may_split: bool) -> int | None:
        if self._asked == self._count:
            return None
        self._asked += 1
        return self._asked - 1

    def hear(self, ask: int, answer: Answer) -> Page:
        self._heard += 1
        return Page(rows=answer.rows, cursor=None if self.is_over else {"heard": self._heard})


def read_from(bodies: Sequence[str]) -> Callable[[Stream, int], Answer]:
    return lambda stream, ask: answer_of(read(bodies[ask]), envelope=stream.envelope)


def body(first: int, lap: int) -> str:
    rows = [
        {
            "id": str(first + number),
            "email": f"guest.{first + number}@quaycafe.example",
            "cdate": "2024-11-28T19:41:00-06:00",
            "hash": f"{lap:032x}",
            "firstName": "Anaïs",
            "lastName": f"Moreau-{first + number}",
            "phone": "+44 131 496 0000",
            **{f"field{place}": f"value {place} of {first + number}" for place in range(55)},
            "links": {"deals": f"{ORIGIN}/api/3/contacts/{first + number}/deals"},
        }
        for number in range(PAGE)
    ]
    return json.dumps({"contacts": rows, "meta": {"total": "50000"}}, separators=(",", ":")).replace("/", r"\/")


def store_together(holding: Holding, pages: Sequence[Page]) -> None:
    """As a sync does it with pages that are there at the same time: written out before the transaction begins."""
    rows = {key: row for page in pages for key, row in page.rows.items()}
    texts = row_texts(rows, stream=CONTACTS, address=ORIGIN)
    with transaction.atomic():
        Record.objects.store(holding, CONTACTS, texts)


def stored_lap(connection: Connection, *, contacts: int, calls) -> Lap:
    """By the sync's own times: from when it was begun until the last row was stored and it was over."""
    sync_command(connection).wait_for_success()
    require_rows(connection, "contacts", contacts)
    sync = Sync.objects.get(connection=connection)
    assert sync.started_at and sync.finished_at
    return Lap(seconds=(sync.finished_at - sync.started_at).total_seconds(), calls=calls())


def memory(*, small: int, large: int) -> Iterator[Figure]:
    no_limit()
    peaks = {contacts: peak(contacts) for contacts in (small, large)}
    for contacts, megabytes in peaks.items():
        yield Figure(
            what=f"{contacts:,} contacts: the command's peak memory",
            measured=[megabytes],
            unit="MB",
            bound=MOST_MEGABYTES,
        )
    yield Figure(
        what="The large one's peak beyond the small one's",
        measured=[peaks[large] - peaks[small]],
        unit="MB",
        bound=MEGABYTES_APART,
    )


def peak(contacts: int) -> float:
    with account(contacts=contacts, latency_ms=0, rate=0) as sandbox:
        connection = connected(sandbox, streams=["contacts"])
        command = sync_command(connection)
        command.wait_for_success()
        require_rows(connection, "contacts", contacts)
    empty()
    return command.peak_megabytes


def no_limit() -> None:
    """For the processes started from now on: what is measured is our own work."""
    os.environ["ACTIVECAMPAIGN_RATE"] = "100000"


def empty() -> None:
    """Each lap begins with a small database."""
    # PostgreSQL would keep what is deleted, and look through it.
    statement = "TRUNCATE" if database.vendor == "postgresql" else "DELETE FROM"
    with database.cursor() as cursor:
        cursor.execute(f"{statement} {Record._meta.db_table}")
