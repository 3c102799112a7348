"""A sync from its claim to its end, against the sandbox."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.utils import timezone

from connections.checking.checking import check
from connections.models import AccountBudget, Connection, Health, Pace, Record, SharedBudget, Sync, User
from connections.models.person_erasure import kept_out_of
from connections.models.stream_run import RunState
from connections.models.sync import AlreadyActive, LeaseLost, SyncState, Trigger
from connections.syncing.syncing import StreamPull, store
from sources.activecampaign.sandbox.server import SandboxServer
from sources.errors import NotPermitted
from sources.spec import Page, Pulled
from tests.conftest import Connect
from tests.connections.engine import again, as_stored, calls_for, pull, stored_ids, take_up
from tests.connections.post import mails

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_limit")]


# What arrives ---------------------------------------------------------------------------------------------------------


def test_a_sync_stores_every_row_of_every_stream_as_the_api_gave_it(sandbox: SandboxServer, connect: Connect) -> None:
    connection = connect(sandbox)

    sync = pull(connection)

    assert sync.state == SyncState.COMPLETE
    for stream in connection.streams:
        records = connection.records.filter(stream=stream.key).in_id_order()
        shown = [as_stored(connection, stream.key, row) for row in sandbox.world.rows(stream.path)]
        stored = [record.row(address=sandbox.origin) for record in records]
        if stream.key == "fields":  # They are kept with their options, which came beside them.
            assert all([one["id"] for one in row.pop("fieldOptions")] == row["options"] for row in stored)
        assert stored == shown


def test_the_history_tells_what_a_sync_read_and_how_many_calls_it_made(
    sandbox: SandboxServer, connect: Connect
) -> None:
    sync = pull(connect(sandbox))

    contacts = sync.stream_runs.get(stream="contacts")
    assert (contacts.state, contacts.read, contacts.new, contacts.changed) == (RunState.COMPLETE, 250, 250, 0)
    assert sync.calls == sandbox.stats()["requests"]
    assert sync.finished_at >= sync.started_at


def test_characters_that_no_database_stores_do_not_stop_a_sync(sandbox: SandboxServer, connect: Connect) -> None:
    connection = connect(sandbox)
    odd = sandbox.world.add_contact(firstName="A\x00n\ud800a", lastName="\U0001f375")

    sync = pull(connection, only=["contacts"])

    assert sync.state == SyncState.COMPLETE
    row = connection.records.get(external_id=odd).data
    assert (row["firstName"], row["lastName"]) == ("A\ufffdn\ufffda", "\U0001f375")


def test_a_second_sync_of_an_unchanged_account_writes_no_row(sandbox: SandboxServer, connect: Connect) -> None:
    connection = connect(sandbox)
    pull(connection)
    columns = [field.attname for field in Record._meta.fields if field.name != "walk"]  # Which says who saw it.
    before = [*connection.records.order_by("pk").values(*columns)]

    sync = pull(connection)

    assert [*connection.records.order_by("pk").values(*columns)] == before
    assert {(run.new, run.changed) for run in sync.stream_runs.all()} == {(0, 0)}


def test_a_changed_row_is_replaced_and_a_new_one_added(sandbox: SandboxServer, connect: Connect) -> None:
    connection = connect(sandbox)
    pull(connection)
    changed = sandbox.world.ids("contacts")[7]
    sandbox.world.change_contact(changed, firstName="Renamed")
    added = sandbox.world.add_contact(firstName="Newcomer")

    sync = pull(connection, only=["contacts"], full=True)

    contacts = sync.stream_runs.get(stream="contacts")
    assert (contacts.new, contacts.changed, contacts.unchanged) == (1, 1, 249)
    names = {one.external_id: one.data["firstName"] for one in connection.records.filter(stream="contacts")}
    assert (names[changed], names[added]) == ("Renamed", "Newcomer")


def test_only_the_streams_that_were_asked_for_are_pulled(sandbox: SandboxServer, connect: Connect) -> None:
    connection = connect(sandbox)

    pull(connection, only=["tags", "deals"])

    assert set(connection.row_counts.by_stream()) == {"tags", "deals"}
    assert {call.place for call in sandbox.requests} == {"tags", "deals"}


def test_no_rows_are_a_complete_sync(new_sandbox: Callable[..., SandboxServer], connect: Connect) -> None:
    sync = pull(connect(new_sandbox(contacts=0, deals=0)), only=["contacts", "deals"])

    assert sync.state == SyncState.COMPLETE
    assert {(run.state, run.read) for run in sync.stream_runs.all()} == {(RunState.COMPLETE, 0)}


def test_a_sync_asks_for_nothing_twice(sandbox: SandboxServer, connect: Connect) -> None:
    pull(connect(sandbox), only=["contacts"])

    assert sandbox.stats()["requests"] == 3


# After it -------------------------------------------------------------------------------------------------------------


def test_after_a_success_the_connection_is_healthy_and_the_next_sync_is_planned(
    sandbox: SandboxServer, connect: Connect
) -> None:
    connection = connect(sandbox)
    Connection.objects.update(next_sync_at=None, late_at=timezone.now(), health=Health.WAITING)

    pull(connection)

    after = again(connection)
    assert after.health == Health.HEALTHY
    assert timedelta(minutes=14) < after.next_sync_at - timezone.now() <= timedelta(minutes=75)
    assert after.synced_at is not None
    assert timedelta(minutes=119) < after.late_at - timezone.now() <= timedelta(hours=2)


def test_after_a_failure_the_next_sync_is_planned_and_lateness_stays(sandbox: SandboxServer, connect: Connect) -> None:
    connection = connect(sandbox)
    late_at = again(connection).late_at
    Connection.objects.update(next_sync_at=None)
    sandbox.fault(kind="unpaid", times=None)

    pull(connection)

    after = again(connection)
    assert after.next_sync_at > timezone.now()
    assert (after.synced_at, after.late_at) == (None, late_at)


# Not verified yet -----------------------------------------------------------------------------------------------------


def unverified(connection: Connection) -> Connection:
    connection.become_unverified()
    connection.save()
    return connection


def test_an_unverified_connection_is_checked_before_it_is_pulled(sandbox: SandboxServer, connect: Connect) -> None:
    connection = unverified(connect(sandbox))

    sync = pull(connection, trigger=Trigger.FIRST)

    after = again(connection)
    assert sync.state == SyncState.COMPLETE
    assert (after.health, bool(after.person), bool(after.checked_at)) == (Health.HEALTHY, True, True)
    assert sandbox.requests[0].place == "users/me"


@pytest.mark.usefixtures("no_patience")
def test_an_unverified_connection_stays_unverified_while_the_account_cannot_be_asked(
    sandbox: SandboxServer, connect: Connect
) -> None:
    connection = unverified(connect(sandbox))
    sandbox.fault(status=500, body="", times=None)

    sync = pull(connection, trigger=Trigger.FIRST)

    assert sync.state == SyncState.QUEUED
    assert again(connection).health == Health.NOT_VERIFIED
    assert "Try again later" in again(connection).health_reason


def test_an_unverified_connection_with_a_bad_key_needs_a_person(sandbox: SandboxServer, connect: Connect) -> None:
    connection = unverified(connect(sandbox))
    sandbox.revoke(sandbox.api_key)

    sync = pull(connection, trigger=Trigger.FIRST)

    assert sync.state == SyncState.FAILED
    assert again(connection).health == Health.ACTION_NEEDED
    assert len(mails()) == 1
    assert calls_for(sandbox, "contacts") == 0


# Who may --------------------------------------------------------------------------------------------------------------


def test_a_queued_sync_of_somebody_who_may_no_longer_use_the_connection_does_not_run(
    sandbox: SandboxServer, connect: Connect, bob: User
) -> None:
    connection = connect(sandbox)
    sync = Sync.objects.queue(connection, trigger=Trigger.PERSON, by=bob)
    bob.memberships.all().delete()

    sync = take_up(sync)

    assert (sync.state, bool(sync.reason)) == (SyncState.STOPPED, True)
    assert sandbox.requests == []


@pytest.mark.parametrize("gone", ["deleted", "deactivated"])
def test_a_queued_sync_of_an_account_that_is_gone_does_not_run(
    sandbox: SandboxServer, connect: Connect, bob: User, gone: str
) -> None:
    sync = Sync.objects.queue(connect(sandbox), trigger=Trigger.PERSON, by=bob)
    if gone == "deleted":
        bob.delete()
    else:
        User.objects.filter(pk=bob.pk).update(is_active=False)

    sync = take_up(sync)

    assert sync.state == SyncState.STOPPED
    assert sandbox.requests == []


def test_a_scheduled_sync_of_a_shared_connection_runs_on_after_its_creator_left(
    sandbox: SandboxServer, connect: Connect, alice: User
) -> None:
    connection = connect(sandbox)
    alice.memberships.all().delete()

    assert pull(connection, only=["tags"]).state == SyncState.COMPLETE


def test_a_private_connection_does_not_run_after_its_creator_left(
    sandbox: SandboxServer, connect: Connect, bob: User
) -> None:
    connection = connect(sandbox, by=bob, privacy="private")
    bob.memberships.all().delete()

    assert pull(connection).state == SyncState.STOPPED
    assert sandbox.requests == []


def test_a_paused_connection_does_not_run(sandbox: SandboxServer, connect: Connect) -> None:
    connection = connect(sandbox)
    sync = Sync.objects.queue(connection, trigger=Trigger.SCHEDULE)
    Connection.objects.update(state="paused")

    assert take_up(sync).state == SyncState.STOPPED
    assert sandbox.requests == []


# One at a time --------------------------------------------------------------------------------------------------------


def test_a_connection_has_one_sync_at_a_time(connect: Connect) -> None:
    connection = connect()
    first = Sync.objects.queue(connection, trigger=Trigger.SCHEDULE)

    with pytest.raises(AlreadyActive):
        Sync.objects.queue(connection, trigger=Trigger.SCHEDULE)

    assert [*connection.syncs.all()] == [first]


def test_a_sync_is_claimed_once(connect: Connect) -> None:
    Sync.objects.queue(connect(), trigger=Trigger.SCHEDULE)

    assert Sync.objects.claim() is not None
    assert Sync.objects.claim() is None


def test_a_sync_whose_worker_fell_silent_is_claimed_by_another_and_lost_to_the_first(connect: Connect) -> None:
    Sync.objects.queue(connect(), trigger=Trigger.SCHEDULE)
    first = Sync.objects.claim()
    Sync.objects.update(lease_until=timezone.now() - timedelta(seconds=1))

    second = Sync.objects.claim()

    second.hold()
    with pytest.raises(LeaseLost):
        first.hold()
    with pytest.raises(LeaseLost):
        first.finish(SyncState.COMPLETE)
    assert again(second).state == SyncState.RUNNING


# The budget -----------------------------------------------------------------------------------------------------------


def test_a_pull_and_a_check_of_one_account_spend_one_budget_even_after_a_new_credential_key(
    sandbox: SandboxServer, connect: Connect, settings: Any
) -> None:
    connection = connect(sandbox)
    settings.CREDENTIAL_KEYS = [Fernet.generate_key().decode(), *settings.CREDENTIAL_KEYS]

    check(connection, by=None)
    pull(connection, only=["tags"])

    assert AccountBudget.objects.count() == 1


@pytest.mark.parametrize(("asked", "expected"), [("", Pace.CONSIDERATE), (Pace.FULL, Pace.FULL)])
def test_a_sync_runs_at_the_pace_of_its_connection_unless_another_is_asked_for(
    connect: Connect, asked: str, expected: str
) -> None:
    connection = connect(pace=Pace.CONSIDERATE)

    assert Sync.objects.queue(connection, trigger=Trigger.SCHEDULE, pace=asked).pace == expected


# Several pages in one go ----------------------------------------------------------------------------------------------


def test_pages_that_came_together_are_stored_together_and_the_last_cursor_with_them(connect: Connect) -> None:
    sync = Sync.objects.start(connect(), trigger=Trigger.SCHEDULE, only=["contacts", "tags"])
    keeper = kept_out_of(sync.connection.holding, sync.connection.workspace_id)
    pulls = {
        stream.key: StreamPull(sync, stream, address="https://a.example", keeper=keeper) for stream in sync.streams
    }
    contacts, tags = (pulls[key].stream for key in ("contacts", "tags"))
    batch = [
        Pulled(stream=contacts, page=page("1", "2", cursor={"after": 2}), is_followed=True),
        Pulled(stream=tags, failure=NotPermitted("No."), is_over=True, is_followed=True),
        Pulled(stream=contacts, page=page("2", "3", cursor={"after": 3})),
    ]

    store(batch, pulls, sync=sync, budget=SharedBudget(account="a", rate=5.0))

    assert stored_ids(sync.connection, "contacts") == ["1", "2", "3"]
    run = sync.stream_runs.get(stream="contacts")
    assert (run.pages, run.read, run.new, run.changed, run.cursor) == (2, 4, 3, 0, {"after": 3})
    assert sync.stream_runs.get(stream="tags").state == RunState.SKIPPED


def test_of_pages_that_came_together_none_is_stored_when_one_cannot_be(connect: Connect) -> None:
    sync = Sync.objects.start(connect(), trigger=Trigger.SCHEDULE, only=["contacts", "tags"])
    keeper = kept_out_of(sync.connection.holding, sync.connection.workspace_id)
    pulls = {
        stream.key: StreamPull(sync, stream, address="https://a.example", keeper=keeper) for stream in sync.streams
    }
    contacts, tags = (pulls[key].stream for key in ("contacts", "tags"))
    unstorable = Page(rows={"1": {"id": object()}}, cursor=None)

    with pytest.raises(TypeError):
        store(
            [Pulled(stream=contacts, page=page("1")), Pulled(stream=tags, page=unstorable)],
            pulls,
            sync=sync,
            budget=SharedBudget(account="a", rate=5.0),
        )

    assert not sync.connection.records.exists()
    assert sync.stream_runs.get(stream="contacts").pages == 0


def page(*ids: str, cursor: Any = None) -> Page:
    return Page(rows={one: {"id": one} for one in ids}, cursor=cursor)
