"""Contacts with all that comes along: how many of their pages a second are stored, and how much memory a sync takes."""

import time
from collections.abc import Iterator

from django.conf import settings

from connections.models import Connection, SharedBudget, Sync
from connections.models.sync import SyncState, Trigger
from connections.syncing.syncing import begun, in_batches, pulls_of, store
from sources.activecampaign.sandbox.server import SandboxServer
from tests.bench.figures import Effort, Figure
from tests.bench.stage import Account, account, connected, require_rows, sync_command
from tests.bench.storage import MOST_MEGABYTES, empty, no_limit

STREAMS = ("contacts", "contactTags", "contactLists", "fieldValues", "contactAutomations")
PAGE = 100
LEAST = {"new": 12, "unchanged": 40}


def measure(effort: Effort) -> Iterator[Figure]:
    # First: a command that is started counts the memory of whoever starts it as its own.
    yield memory(contacts=effort.of(300_000, 300))
    yield from pages_a_second(effort, contacts=effort.of(5000, 400))


def memory(*, contacts: int) -> Figure:
    """Of a first sync: the contacts with what comes along, and then each list of that."""
    no_limit()
    with account(contacts=contacts, deals=0, latency_ms=0, rate=0) as sandbox:
        connection = connected(sandbox, streams=STREAMS)
        command = sync_command(connection)
        command.wait_for_success()
        require_rows(connection, "contacts", contacts)
    rows = connection.records.count()
    empty()
    return Figure(
        what=f"{contacts:,} contacts with what comes along, {rows:,} rows: the command's peak memory",
        measured=[command.peak_megabytes],
        unit="MB",
        bound=MOST_MEGABYTES,
    )


def pages_a_second(effort: Effort, *, contacts: int) -> Iterator[Figure]:
    """From the answers, which wait in memory, to the commit: the pages alone, with nobody fetching."""
    settings.ACTIVECAMPAIGN_RATE = 100_000.0
    measured: dict[str, list[float]] = {what: [] for what in LEAST}
    with SandboxServer(contacts=contacts, deals=0) as sandbox:
        for _ in range(effort.laps):
            connection = connected(Account(sandbox.origin, sandbox.api_key), streams=STREAMS)
            for what in LEAST:
                measured[what].append(contacts / PAGE / seconds_to_store(connection))
            empty()
    for what, least in LEAST.items():
        yield Figure(
            what=f"{contacts:,} contacts with what comes along, {what}: pages stored alone",
            measured=measured[what],
            unit="pages/s",
            bound=least,
            is_least=True,
        )


def seconds_to_store(connection: Connection) -> float:
    """Of a whole walk, without the lists of what came along."""
    sync = Sync.objects.start(connection, trigger=Trigger.COMMAND, full=True)
    source, credentials = connection.known_source(), connection.credentials()
    budget = SharedBudget(account=str(connection.pk), rate=source.calls_per_second(), pace=sync.pace)
    pulls = pulls_of(sync, address=credentials.api_url)
    with source.open(credentials, budget=budget) as line:
        arrived = [*line.pull(begun(pulls.values()))]
    started = time.perf_counter()
    for batch in in_batches(arrived):
        store(batch, pulls, sync=sync, budget=budget)
    seconds = time.perf_counter() - started
    sync.finish(SyncState.STOPPED, "")
    return seconds
