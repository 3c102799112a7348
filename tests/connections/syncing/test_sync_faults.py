"""What a sync makes of an account that refuses, breaks or is busy."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from connections.models import Connection, Health, StreamRun, User
from connections.models.stream_run import RunState
from connections.models.sync import SyncState, Trigger
from connections.syncing.syncing import MOST_SETBACKS
from sources.activecampaign.sandbox.server import SandboxServer
from sources.activecampaign.streams import STREAMS
from tests.conftest import Connect
from tests.connections.engine import again, calls_for, pull, stored_ids, take_up
from tests.connections.post import in_short, mails

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_limit")]


# One stream at fault --------------------------------------------------------------------------------------------------


def test_a_stream_that_the_account_does_not_have_is_skipped(sandbox: SandboxServer, connect: Connect) -> None:
    sandbox.fault("accounts", kind="not_found", times=None)

    sync = pull(connect(sandbox))

    accounts = sync.stream_runs.get(stream="accounts")
    assert accounts.state == RunState.SKIPPED
    said = "ActiveCampaign has no list of accounts in this account."
    assert (sync.state, sync.outcome, accounts.reason) == (SyncState.COMPLETE, f"Complete; Accounts: {said}", said)


def test_of_many_streams_a_few_are_named_and_the_others_counted(sandbox: SandboxServer, connect: Connect) -> None:
    denied = ["deals", "dealStages", "dealGroups", "forms", "scores"]
    sandbox.add_key("k" * 40, user_id=sandbox.world.first_ids("users")[1], denied=denied)
    sandbox.api_key = "k" * 40

    sync = pull(connect(sandbox))

    assert sync.stream_runs.filter(state=RunState.SKIPPED).count() == len(denied)
    assert sync.reason == "Scores, Forms, Deals and 2 more may not be read with Tomek Zając's key."


def test_of_many_reasons_a_few_are_told_and_the_others_counted(connect: Connect) -> None:
    keys = ("tags", "lists", "forms", "users", "deals")
    runs = [StreamRun(stream=key, reason=f"Reason {number}.") for number, key in enumerate(keys)]

    said = "Tags: Reason 0. Lists: Reason 1. Forms: Reason 2. 2 more reasons stand among its syncs."
    assert connect().in_short(runs) == said


def test_a_sync_that_could_read_no_stream_needs_a_person(sandbox: SandboxServer, connect: Connect) -> None:
    sandbox.add_key("k" * 40, user_id=sandbox.world.first_ids("users")[1], denied=[one.path for one in STREAMS])
    sandbox.api_key = "k" * 40
    connection = connect(sandbox)

    sync = pull(connection, only=["contacts", "deals"])

    assert sync.state == SyncState.FAILED
    assert again(connection).health == Health.ACTION_NEEDED
    assert again(connection).synced_at is None


def test_a_stream_whose_rows_moved_under_the_walk_is_incomplete(sandbox: SandboxServer, connect: Connect) -> None:
    sandbox.fault("contacts", ids="numbers", times=None)
    sandbox.world.insert("tags")
    sandbox.fault("tags", document={"tags": [{"id": None, "tag": "no id"}], "meta": {"total": "1"}})

    sync = pull(connect(sandbox), only=["contacts", "tags"])

    assert sync.stream_runs.get(stream="tags").state == RunState.INCOMPLETE
    assert sync.stream_runs.get(stream="contacts").state == RunState.COMPLETE
    assert sync.state == SyncState.PARTLY_DONE


# The whole account at fault -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault", [{"kind": "forbidden"}, {"kind": "forbidden_bare"}, {"kind": "unpaid"}, {"status": 401}]
)
def test_a_fault_that_a_person_must_mend_ends_the_sync_and_is_told_once(
    sandbox: SandboxServer, connect: Connect, fault: dict[str, Any]
) -> None:
    connection = connect(sandbox)
    sandbox.fault(**fault, times=None)

    for _ in range(3):
        sync = pull(connection, trigger=Trigger.COMMAND)

    assert sync.state == SyncState.FAILED
    after = again(connection)
    assert after.health == Health.ACTION_NEEDED
    assert after.health_reason == sync.reason or "no longer accepts the key of Mira Holt" in after.health_reason
    assert [message.subject for message in mails()] == ["ActiveCampaign: “Main account” needs you"]
    assert not connection.records.exists()


def test_a_refused_key_is_asked_three_times_before_it_counts_as_refused(
    sandbox: SandboxServer, connect: Connect
) -> None:
    connection = connect(sandbox)
    sandbox.fault("contacts", kind="forbidden", times=2)

    sync = pull(connection, only=["contacts"])

    assert sync.state == SyncState.COMPLETE
    assert again(connection).health == Health.HEALTHY
    assert mails() == []


def test_a_connection_that_needs_a_person_is_not_scheduled_until_it_works_again(
    sandbox: SandboxServer, connect: Connect
) -> None:
    connection = connect(sandbox)
    sandbox.fault(kind="unpaid", times=None)
    pull(connection)
    Connection.objects.update(next_sync_at=timezone.now())
    assert not Connection.objects.due().exists()
    assert in_short(mails()) == ["needs you"]

    sandbox.clear_faults()
    pull(connection, trigger=Trigger.COMMAND, only=["tags"])

    assert again(connection).health == Health.HEALTHY
    Connection.objects.update(next_sync_at=timezone.now())
    assert Connection.objects.due().exists()
    assert in_short(mails()) == ["needs you", "works again"]


def test_sync_now_tries_again_although_a_person_is_needed(
    sandbox: SandboxServer, connect: Connect, alice: User
) -> None:
    connection = connect(sandbox)
    Connection.objects.update(health=Health.ACTION_NEEDED)

    sync = pull(again(connection), trigger=Trigger.PERSON, by=alice, only=["tags"])

    assert sync.state == SyncState.COMPLETE
    assert again(connection).health == Health.HEALTHY


def test_a_key_that_cannot_be_opened_asks_for_the_key_again(sandbox: SandboxServer, connect: Connect) -> None:
    connection = connect(sandbox)
    Connection.objects.update(api_key="sealed under a key that is gone")

    sync = pull(again(connection))

    assert sync.state == SyncState.FAILED
    assert "Enter the key again" in again(connection).health_reason
    assert again(connection).health == Health.ACTION_NEEDED
    assert sandbox.requests == []


# Faults that pass -----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("no_naps")
def test_busy_answers_are_waited_for_and_never_called_a_bad_key(sandbox: SandboxServer, connect: Connect) -> None:
    connection = connect(sandbox)
    sandbox.fault(kind="busy", times=3, skip=1)

    sync = pull(connection, only=["contacts", "tags"])

    assert sync.state == SyncState.COMPLETE
    assert again(connection).health == Health.HEALTHY
    assert len(stored_ids(connection, "contacts")) == 250


@pytest.mark.usefixtures("no_patience")
def test_a_sync_that_meets_an_outage_waits_and_goes_on_from_its_cursors(
    sandbox: SandboxServer, connect: Connect
) -> None:
    connection = connect(sandbox)
    sandbox.fault("contacts", status=500, body="", skip=2, times=1)

    sync = pull(connection)

    assert (sync.state, sync.setbacks) == (SyncState.QUEUED, 1)
    assert sync.run_after > timezone.now() + timedelta(seconds=10)
    assert again(connection).health == Health.WAITING
    assert len(stored_ids(connection, "contacts")) == 200

    sync = take_up(sync)

    assert sync.state == SyncState.COMPLETE
    assert stored_ids(connection, "contacts") == sandbox.world.ids("contacts")
    assert calls_for(sandbox, "contacts") == 4
    assert again(connection).health == Health.HEALTHY
    assert mails() == []


@pytest.mark.usefixtures("no_patience")
def test_setbacks_wait_longer_each_time_and_end_the_sync_after_the_last(
    sandbox: SandboxServer, connect: Connect
) -> None:
    connection = connect(sandbox)
    sandbox.fault(status=500, body="", times=None)
    sync, waits = pull(connection), []
    while sync.state == SyncState.QUEUED:
        waits.append(sync.run_after - timezone.now())
        sync = take_up(sync)

    assert len(waits) == MOST_SETBACKS
    assert waits == sorted(waits)
    assert sync.state == SyncState.FAILED
    after = again(connection)
    assert after.health == Health.WAITING
    assert after.next_sync_at > timezone.now()
    assert mails() == []


@pytest.mark.usefixtures("no_patience")
def test_a_stream_that_keeps_failing_holds_no_other_up_and_is_tried_again_alone(
    sandbox: SandboxServer, connect: Connect
) -> None:
    connection = connect(sandbox)
    sandbox.fault("contacts", status=500, body="", skip=1, times=1)

    sync = pull(connection)

    runs = {run.stream: run.state for run in sync.stream_runs.all()}
    assert runs.pop("contacts") == RunState.RUNNING
    assert sync.stream_runs.get(stream="contacts").reason == "ActiveCampaign had an error. Try again later."
    assert set(runs.values()) == {RunState.COMPLETE}
    assert (sync.state, sync.reason) == (
        SyncState.QUEUED,
        "Contacts: ActiveCampaign had an error. Try again later.",
    )
    asked_before = sandbox.stats()["requests"]

    sync = take_up(sync)

    assert sync.state == SyncState.COMPLETE
    assert stored_ids(connection, "contacts") == sandbox.world.ids("contacts")
    assert sandbox.stats()["requests"] - asked_before <= 4


@pytest.mark.usefixtures("no_patience")
def test_setbacks_count_only_while_no_page_comes_between_them(sandbox: SandboxServer, connect: Connect) -> None:
    connection = connect(sandbox)
    sandbox.fault("contacts", status=500, body="", times=1)
    sync = pull(connection, only=["contacts"])
    sandbox.fault("contacts", status=500, body="", skip=1, times=1)

    sync = take_up(sync)

    assert (sync.state, sync.setbacks) == (SyncState.QUEUED, 1)


@pytest.mark.usefixtures("no_patience")
def test_an_outage_does_not_make_a_broken_connection_look_mended(sandbox: SandboxServer, connect: Connect) -> None:
    connection = connect(sandbox)
    Connection.objects.update(health=Health.ACTION_NEEDED, health_reason="Pay first.")
    sandbox.fault(status=500, body="", times=None)

    pull(again(connection))

    assert (again(connection).health, again(connection).health_reason) == (Health.ACTION_NEEDED, "Pay first.")
    assert mails() == []
