"""`manage.py sync`: what it pulls, what it says, and how it exits."""

import io
import signal
import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.core.management.base import OutputWrapper
from django.utils import timezone

from connections.management.commands.sync import Reporter, take_up
from connections.models import Connection, Pace, Sync, User
from connections.models.sync import SyncState, Trigger
from sources.activecampaign.sandbox.server import SandboxServer
from tests.command_fixture import StartCommand
from tests.conftest import Connect
from tests.processes import until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_limit")]


def test_a_complete_sync_exits_with_0_and_tells_its_progress_on_standard_error_alone(
    sandbox: SandboxServer, connect: Connect, start_command: StartCommand
) -> None:
    connection = connect(sandbox)
    words = ["--stream", "contacts", "--stream", "tags", "--full", "--pace", "considerate"]

    command = start_command("sync", str(connection.pk), *words)

    assert command.exit_code() == 0
    assert command.out == ""
    assert "contacts: 250 rows (250 new, 0 changed)" in command.err
    assert "tags: " in command.err
    assert "Complete." in command.err
    sync = Sync.objects.get()
    assert (sync.state, sync.trigger, sync.pace, sync.full) == ("complete", Trigger.COMMAND, Pace.CONSIDERATE, True)
    assert set(connection.row_counts.by_stream()) == {"contacts", "tags"}


def test_progress_names_the_streams_that_moved_alone(connect: Connect) -> None:
    sync = Sync.objects.queue(connect(), trigger=Trigger.COMMAND)
    for stream in ("contacts", "tags"):
        sync.stream_runs.create(stream=stream)
    said = io.StringIO()
    reporter = Reporter(sync, OutputWrapper(said))

    reporter.say()
    reporter.say()
    sync.stream_runs.filter(stream="tags").update(read=7, new=7)
    reporter.say()

    sync.stream_runs.filter(stream="tags").update(read=9, new=8, changed=1)
    sync.stream_runs.filter(stream="contacts").update(read=5)
    reporter.say()

    assert said.getvalue().splitlines() == [
        "tags: 7 rows (7 new, 0 changed)",
        "contacts: 5 rows (0 new, 0 changed); tags: 9 rows (8 new, 1 changed)",
    ]


def test_a_sync_that_a_stream_did_not_come_in_exits_with_3(
    sandbox: SandboxServer, connect: Connect, start_command: StartCommand
) -> None:
    sandbox.fault("deals", envelope="missing", times=None)

    command = start_command("sync", str(connect(sandbox).pk), "--stream", "deals", "--stream", "tags")

    assert command.exit_code() == 3
    assert "Partly done; Deals: ActiveCampaign sent an answer without the records that we asked for." in command.err


def test_a_failed_sync_exits_with_1(sandbox: SandboxServer, connect: Connect, start_command: StartCommand) -> None:
    sandbox.fault(kind="unpaid", times=None)

    command = start_command("sync", str(connect(sandbox).pk))

    assert command.exit_code() == 1
    assert "Failed; ActiveCampaign says that this account has a payment problem." in command.err
    assert "Traceback" not in command.err


def test_an_outage_fails_the_command_instead_of_leaving_a_sync_that_nobody_goes_on_with(
    sandbox: SandboxServer, connect: Connect, start_command: StartCommand
) -> None:
    sandbox.fault(kind="web_page", times=None)
    connection = connect(sandbox)

    command = start_command("sync", str(connection.pk))

    assert command.exit_code() == 1
    assert Sync.objects.get().state == SyncState.FAILED
    assert not Sync.objects.active().exists()


def test_an_interrupted_command_leaves_no_sync_behind(
    new_sandbox: Callable[..., SandboxServer], connect: Connect, start_command: StartCommand
) -> None:
    connection = connect(new_sandbox(contacts=20_000, deals=0))
    command = start_command("sync", str(connection.pk), "--stream", "contacts")
    until(connection.records.exists, what="the first rows")

    assert command.send(signal.SIGINT) == 1

    assert Sync.objects.get().state == SyncState.STOPPED
    assert "Stopped; The command was interrupted." in command.err


def refused(*words: str) -> tuple[int, str]:
    with pytest.raises(CommandError) as refusal:
        call_command("sync", *words)
    return refusal.value.returncode, str(refusal.value)


@pytest.mark.parametrize("named", ["nonsense", "6f1f7b4e-0c38-4a53-9f5e-2d9a4f9b7c10"])
def test_an_unknown_connection_exits_with_2(db: None, named: str) -> None:
    assert refused(named) == (2, "There is no connection with this id.")


@pytest.mark.parametrize("state", ["draft", "paused"])
def test_a_draft_or_paused_connection_exits_with_2_and_queues_nothing(connect: Connect, state: str) -> None:
    connection = connect()
    Connection.objects.update(state=state)

    assert refused(str(connection.pk)) == (2, f"This connection is {state}.")
    assert not Sync.objects.exists()


def test_an_unknown_stream_exits_with_2_and_names_those_that_there_are(connect: Connect) -> None:
    code, said = refused(str(connect().pk), "--stream", "contacts", "--stream", "invoices")

    assert code == 2
    assert "No such stream: invoices. There are: accounts, automations, " in said
    assert not Sync.objects.exists()


def test_a_wrong_word_exits_with_2(start_command: StartCommand) -> None:
    command = start_command("sync", str(uuid.uuid4()), "--pace", "reckless")

    assert command.exit_code() == 2
    assert "reckless" in command.err


def test_a_connection_that_is_being_synced_exits_with_4_and_leaves_that_sync_alone(connect: Connect) -> None:
    connection = connect()
    sync = Sync.objects.start(connection, trigger=Trigger.SCHEDULE)
    before = Sync.objects.values().get()

    assert refused(str(connection.pk)) == (4, "A sync of this connection is already under way.")
    assert Sync.objects.values().get() == before
    assert before["id"] == sync.pk


def run_command(connection: Connection, *words: str) -> Sync:
    with pytest.raises(SystemExit) as end:
        call_command("sync", str(connection.pk), *words)
    assert end.value.code == 0
    return Sync.objects.get()


def test_t27_a_sync_that_waits_for_a_worker_is_taken_up(sandbox: SandboxServer, connect: Connect, alice: User) -> None:
    connection = connect(sandbox)
    queued = Sync.objects.queue(connection, trigger=Trigger.PERSON, by=alice, only=["tags"])

    taken = run_command(connection, "--stream", "tags")

    assert (taken.pk, taken.state, taken.trigger) == (queued.pk, SyncState.COMPLETE, Trigger.COMMAND)
    assert taken.requested_by == alice


def test_t27_so_is_one_that_waits_for_its_time(sandbox: SandboxServer, connect: Connect) -> None:
    connection = connect(sandbox)
    sync = Sync.objects.start(connection, trigger=Trigger.SCHEDULE, only=["tags"])
    sync.run_of(sync.streams[0]).save()
    sync.set_back("ActiveCampaign is busy.", until=timezone.now() + timedelta(minutes=20))

    taken = run_command(connection, "--stream", "lists", "--full")

    # What it has begun with, it goes on with.
    assert (taken.pk, taken.state, taken.only_streams, taken.full) == (sync.pk, SyncState.COMPLETE, ["tags"], False)


@pytest.mark.parametrize(
    ("queued", "words", "only"),
    [
        (["tags"], ["--stream", "lists"], ["lists", "tags"]),
        (["tags"], [], []),
        ([], ["--stream", "lists"], []),
    ],
)
def test_t27_it_does_what_both_wanted_of_it(
    connect: Connect, queued: list[str], words: list[str], only: list[str]
) -> None:
    connection = connect()
    Sync.objects.queue(connection, trigger=Trigger.PERSON, only=queued)

    taken = take_up(connection, pace="considerate", full=True, only=words[1:])

    assert taken is not None
    assert (taken.only_streams, taken.full, taken.pace) == (only, True, "considerate")
    assert take_up(connection, pace="", full=False, only=[]) is None


def test_a_sync_whose_worker_died_is_gone_on_with_by_the_command(
    sandbox: SandboxServer, connect: Connect, start_command: StartCommand
) -> None:
    connection = connect(sandbox)
    left = Sync.objects.start(connection, trigger=Trigger.COMMAND, only=["tags"])
    Sync.objects.update(lease_until=timezone.now() - timedelta(minutes=5))

    command = start_command("sync", str(connection.pk))

    assert command.exit_code() == 0
    assert [(sync.pk, sync.state) for sync in Sync.objects.all()] == [(left.pk, SyncState.COMPLETE)]
