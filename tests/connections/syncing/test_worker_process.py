"""The worker as real processes on one database."""

import signal

import pytest

from connections.models import AccountBudget, Connection, Record, Sync
from connections.models.sync import SyncState, Trigger
from sources.activecampaign.client import AT_ONCE
from tests.command_fixture import StartCommand
from tests.conftest import Connect
from tests.connections.engine import again
from tests.processes import until
from tests.sandbox_fixture import SandboxProcess

pytestmark = pytest.mark.django_db(transaction=True)

CONTACTS = 2000
CALLS = 28  # Twenty full pages, and what it costs to read eight ranges of ids side by side.


def stored() -> int:
    return Record.objects.filter(stream="contacts").count()


def is_over(sync: Sync) -> bool:
    return not again(sync).is_active


def test_a_worker_killed_in_the_middle_of_2000_contacts_is_resumed_by_another_and_neither_meets_a_429(
    sandbox_process: type[SandboxProcess], connect: Connect, start_command: StartCommand
) -> None:
    sandbox = sandbox_process(contacts=CONTACTS, deals=0, rate=5, latency_ms=20)
    connection = connect(sandbox)
    sync = Sync.objects.queue(connection, trigger=Trigger.FIRST, only=["contacts"])

    first = start_command("worker", SYNC_LEASE_SECONDS="2")
    until(stored, what="the first rows")
    assert sandbox.stats()["requests"] <= 5  # They are stored as they come, not at the end.
    until(lambda: stored() >= 800, what="eight hundred rows")
    first.kill()
    assert again(sync).state == SyncState.RUNNING

    second = start_command("worker", SYNC_LEASE_SECONDS="2")
    until(lambda: is_over(sync), what="the end of the sync")

    assert again(sync).state == SyncState.COMPLETE
    assert stored() == CONTACTS
    stats = sandbox.stats()
    assert stats["rejected_429"] == 0
    assert stats["max_in_one_second"] <= 5
    run = again(sync).stream_runs.get()
    assert stats["requests"] - run.pages <= 4  # Those under way; on a busy machine more than one.
    assert stats["requests"] <= CALLS + 1
    assert (run.read, run.new, run.total) == (CONTACTS, CONTACTS, CONTACTS)
    assert second.send(signal.SIGTERM) == 0
    assert second.out == ""


@pytest.mark.scale
def test_workers_killed_while_many_pages_wait_lose_none_and_ask_for_few_again(
    sandbox_process: type[SandboxProcess], connect: Connect, start_command: StartCommand
) -> None:
    sandbox = sandbox_process(contacts=8000, deals=0, rate=0)
    connection = connect(sandbox)
    sync = Sync.objects.queue(connection, trigger=Trigger.FIRST, only=["contacts"])
    fast = {"ACTIVECAMPAIGN_RATE": "100000", "SYNC_LEASE_SECONDS": "2"}

    for share in (1500, 4000):
        worker = start_command("worker", **fast)
        until(lambda wanted=share: stored() >= wanted, what=f"{share} rows")
        worker.kill()
        assert again(sync).stream_runs.get().read == stored() == connection.row_counts.by_stream()["contacts"]
    last = start_command("worker", **fast)
    until(lambda: is_over(sync), what="the end of the sync")

    run = again(sync).stream_runs.get()
    assert again(sync).state == SyncState.COMPLETE
    assert stored() == run.read == run.new == connection.row_counts.by_stream()["contacts"] == 8000
    assert sandbox.stats()["requests"] - run.pages <= 2 * AT_ONCE
    assert last.send(signal.SIGTERM) == 0


@pytest.mark.scale
def test_four_processes_on_one_account_share_its_budget(
    sandbox_process: type[SandboxProcess], connect: Connect, start_command: StartCommand
) -> None:
    sandbox = sandbox_process(contacts=200, deals=0, rate=5)
    connections = [connect(sandbox, name=f"Account {number}", pace="considerate") for number in range(4)]

    syncs = [start_command("sync", str(connection.pk), "--stream", "contacts") for connection in connections]

    assert [sync.exit_code() for sync in syncs] == [0, 0, 0, 0]
    stats = sandbox.stats()
    assert (stats["requests"], stats["rejected_429"]) == (12, 0)
    assert stats["seconds"] > 11 / 3 - 0.1  # Three a second from all of them together.
    assert AccountBudget.objects.get().calls_in_last_hour() == 12


def test_a_worker_that_is_asked_to_stop_gives_its_sync_back_at_once(
    sandbox_process: type[SandboxProcess], connect: Connect, start_command: StartCommand
) -> None:
    sandbox = sandbox_process(contacts=2000, deals=0)
    sync = Sync.objects.queue(connect(sandbox), trigger=Trigger.FIRST, only=["contacts"])
    worker = start_command("worker")
    until(stored, what="the first rows")

    code = worker.send(signal.SIGTERM)

    assert code == 0
    assert again(sync).state == SyncState.QUEUED
    assert again(sync).stream_runs.get().read == stored()
    assert Sync.objects.claim() is not None


def test_a_worker_that_serves_once_ends_after_all_that_is_due(
    sandbox_process: type[SandboxProcess], connect: Connect, start_command: StartCommand
) -> None:
    sandbox = sandbox_process(contacts=10, deals=0)
    connections = [connect(sandbox, name=f"Account {number}") for number in range(3)]
    for connection in connections:
        connection.stream_keys = ["tags"]
        connection.save()
    Connection.objects.update(next_sync_at=connections[0].created_at)

    worker = start_command("worker", "--once", ACTIVECAMPAIGN_RATE="1000")

    assert worker.exit_code() == 0
    assert [sync.state for sync in Sync.objects.all()] == [SyncState.COMPLETE] * 3
    assert all(connection.records.exists() for connection in connections)
