"""Servers, clocks, workers and databases that misbehave in the middle of a sync: what is kept, and who is told."""

import logging
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError
from django.db.models import F
from django.test import Client
from django.utils import timezone

from connections.checking.checking import check
from connections.models import AccountBudget, Connection, Event, Health, Record, Sync, User
from connections.models.record import RecordQuerySet
from connections.models.stream_run import RunState
from connections.models.sync import SyncState, Trigger
from connections.syncing import syncing
from connections.syncing.syncing import run
from connections.syncing.working import SIDE_BY_SIDE, Worker, run_one
from sources.activecampaign.client import AT_ONCE
from sources.activecampaign.sandbox.server import SandboxServer
from sources.errors import BadCredentials
from tests.conftest import Connect
from tests.connections.engine import again, at_page, calls_for, in_a_thread, pull, stored_ids, take_up
from tests.connections.post import mails
from tests.processes import until

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("no_limit", "no_patience"),
]

ANOTHER_ACCOUNT = "This key belongs to a different account than before. If that is meant, enter the key again."


# The key, the permission, the account ---------------------------------------------------------------------------------


def test_43_a_key_that_dies_in_the_middle_is_told_once_and_keeps_what_came(
    sandbox: SandboxServer, connect: Connect
) -> None:
    connection = connect(sandbox)
    at_page(sandbox, 2, lambda: sandbox.revoke(sandbox.api_key))

    sync = pull(connection)

    after = again(connection)
    assert (sync.state, sync.reason) == (
        SyncState.FAILED,
        "The key stopped working during the update. Enter a new key.",
    )
    assert after.health == Health.ACTION_NEEDED
    assert "Enter another key." in after.health_reason
    assert set(stored_ids(connection, "contacts")) < set(sandbox.world.ids("contacts"))
    assert len(stored_ids(connection, "contacts")) >= 100
    assert len(mails()) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_44_a_resource_that_is_refused_alone_is_skipped(sandbox: SandboxServer, connect: Connect, status: int) -> None:
    connection = connect(sandbox)
    sandbox.fault("deals", status=status, document={"message": "Forbidden"}, times=None)

    sync = pull(connection, only=["contacts", "deals", "tags"])

    deals = sync.stream_runs.get(stream="deals")
    assert (deals.state, deals.reason) == (RunState.SKIPPED, sync.reason)
    assert sync.reason.startswith("Deals may not be read with")
    assert sync.state == SyncState.COMPLETE
    assert stored_ids(connection, "contacts") == sandbox.world.ids("contacts")
    assert again(connection).health == Health.HEALTHY
    assert mails() == []


@pytest.mark.parametrize("status", [403, 404])
def test_46_what_is_said_not_to_be_there_costs_nothing_else(
    sandbox: SandboxServer, connect: Connect, status: int
) -> None:
    connection = connect(sandbox)
    pull(connection, only=["tags"])
    gone = {"message": "No Result found for Tag with id 7"}
    sandbox.fault("tags", status=status, document=gone, times=None)

    sync = pull(connection, only=["contacts", "tags"])

    assert sync.stream_runs.get(stream="tags").state == RunState.REFUSED
    assert sync.stream_runs.get(stream="contacts").state == RunState.COMPLETE
    assert stored_ids(connection, "tags") == sandbox.world.ids("tags")
    assert again(connection).health == Health.WAITING


def test_59_a_key_that_answers_for_another_account_stops_and_asks(
    sandbox: SandboxServer, connect: Connect, alice: User
) -> None:
    connection = connect(sandbox)
    check(connection, by=alice)
    kept = again(connection).person
    waiting = Sync.objects.queue(connection, trigger=Trigger.SCHEDULE)
    sandbox.fault("users/me", document={"user": {"id": "999", "firstName": "Some", "lastName": "Body"}}, times=None)

    with pytest.raises(BadCredentials, match="different account"):
        check(connection, by=alice)

    after = again(connection)
    assert (after.health, after.health_reason, after.person) == (Health.ACTION_NEEDED, ANOTHER_ACCOUNT, kept)
    assert again(waiting).state == SyncState.STOPPED
    assert len(mails()) == 1
    sync = pull(after, trigger=Trigger.PERSON, by=alice)
    assert (sync.state, sync.reason) == (
        SyncState.STOPPED,
        "The key answered for a different account than before.",
    )
    assert not Record.objects.exists()
    assert calls_for(sandbox, "deals") == 0


def test_59_the_account_of_before_mends_it(sandbox: SandboxServer, connect: Connect, alice: User) -> None:
    connection = connect(sandbox)
    check(connection, by=alice)
    sandbox.fault("users/me", document={"user": {"id": "999", "firstName": "Some", "lastName": "Body"}}, times=1)
    with pytest.raises(BadCredentials):
        check(again(connection), by=alice)

    sync = pull(again(connection), trigger=Trigger.PERSON, by=alice, only=["tags"])

    assert sync.state == SyncState.COMPLETE
    assert again(connection).health == Health.HEALTHY


# Waiting --------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("no_naps")
@pytest.mark.parametrize("status", [429, 503])
def test_51_a_wait_of_hours_is_kept_and_the_sync_goes_on_after_it(
    sandbox: SandboxServer, connect: Connect, status: int
) -> None:
    connection = connect(sandbox)
    sandbox.fault("contacts", status=status, headers={"Retry-After": "99999999999"}, skip=1, times=2)

    sync = pull(connection, only=["contacts"])

    assert (sync.state, sync.reason) == (SyncState.QUEUED, "ActiveCampaign is busy and asks us to wait 24 hours.")
    assert timedelta(hours=23) < sync.run_after - timezone.now() <= timedelta(hours=24)
    assert len(stored_ids(connection, "contacts")) == 100
    assert again(connection).health == Health.WAITING
    sandbox.clear_faults()
    assert take_up(sync).state == SyncState.COMPLETE
    assert stored_ids(connection, "contacts") == sandbox.world.ids("contacts")


@pytest.mark.usefixtures("no_naps")
def test_53_an_account_that_is_busy_for_ever_ends_the_try_and_not_the_sync(
    sandbox: SandboxServer, connect: Connect
) -> None:
    connection = connect(sandbox)
    sandbox.fault("contacts", kind="busy", headers={"Retry-After": "200"}, skip=1, times=None)

    sync = pull(connection, only=["contacts"])

    assert (sync.state, sync.setbacks) == (SyncState.QUEUED, 1)
    assert calls_for(sandbox, "contacts") <= 1 + AT_ONCE * 6
    assert AccountBudget.objects.get().refusals == calls_for(sandbox, "contacts") - 1
    assert len(stored_ids(connection, "contacts")) == 100
    assert again(connection).health == Health.WAITING
    assert mails() == []


def test_73_a_server_that_is_slow_for_long_keeps_its_lease_and_loses_nothing(
    sandbox: SandboxServer, connect: Connect, settings: Any
) -> None:
    settings.SYNC_LEASE_SECONDS = 0.9
    connection = connect(sandbox)
    sandbox.fault("contacts", delay=0.7, times=None)
    sync = Sync.objects.start(connection, trigger=Trigger.SCHEDULE, only=["contacts"])

    run(sync)

    assert (again(sync).state, again(sync).token) == (SyncState.COMPLETE, 1)
    assert stored_ids(connection, "contacts") == sandbox.world.ids("contacts")
    assert calls_for(sandbox, "contacts") <= 4


@pytest.mark.parametrize("days", [1, -1])
def test_74_a_clock_that_is_set_back_stops_neither_a_pull_nor_a_person(
    sandbox: SandboxServer, connect: Connect, alice: User, days: int
) -> None:
    connection = connect(sandbox)
    pull(connection, only=["tags"])
    AccountBudget.objects.update(tat=F("tat") + days * 86400, paused_until=F("paused_until") + days * 86400)

    check(connection, by=alice)
    AccountBudget.objects.update(tat=F("tat") + days * 86400)
    sync = pull(connection, only=["contacts"])

    assert sync.state == SyncState.COMPLETE
    assert again(connection).health == Health.HEALTHY


# Workers, databases, people -------------------------------------------------------------------------------------------


def test_76_a_database_that_is_lost_in_the_middle_of_a_save_costs_no_row_and_doubles_none(
    sandbox: SandboxServer, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = connect(sandbox)
    sync = Sync.objects.start(connection, trigger=Trigger.SCHEDULE, only=["contacts"])
    store = RecordQuerySet.store
    saves = []

    def store_and_be_lost(*args: Any, **options: Any) -> Any:
        stored = store(*args, **options)
        saves.append(stored)
        if len(saves) == 2:
            raise DatabaseError("server closed the connection unexpectedly")
        return stored

    monkeypatch.setattr(RecordQuerySet, "store", store_and_be_lost)
    # Each page in a save of its own: on a busy machine two may be here at the same time.
    monkeypatch.setattr(syncing, "in_batches", lambda arriving: ([pulled] for pulled in arriving))
    in_a_thread(lambda: run_one(sync, threading.Event()))
    assert again(sync).state == SyncState.RUNNING
    assert len(stored_ids(connection, "contacts")) == 100

    Sync.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    taken = Sync.objects.claim()
    assert taken is not None
    run(taken)

    assert again(sync).state == SyncState.COMPLETE
    assert stored_ids(connection, "contacts") == sandbox.world.ids("contacts")
    assert calls_for(sandbox, "contacts") <= 4 + AT_ONCE


@pytest.mark.parametrize("deed", ["replace the key", "narrow", "delete", "pause"])
def test_77_a_connection_that_is_changed_in_the_middle_stores_nothing_after(
    sandbox: SandboxServer, connect: Connect, alice: User, deed: str
) -> None:
    connection = connect(sandbox)
    left: list[int] = []
    deeds: dict[str, Callable[[], Any]] = {
        "replace the key": lambda: again(connection).stop_syncs("The key was replaced during the sync."),
        "narrow": lambda: again(connection).become_private(because="The team was deleted."),
        "delete": lambda: again(connection).remove(by=alice),
        "pause": lambda: again(connection).pause(by=alice),
    }
    at_page(sandbox, 2, lambda: (deeds[deed](), left.append(Record.objects.count())))

    run(Sync.objects.start(connection, trigger=Trigger.SCHEDULE))

    assert [Record.objects.count()] == left
    assert not Sync.objects.exclude(state=SyncState.STOPPED).exists()
    assert mails() == []


def test_80_a_host_that_hangs_for_many_leaves_room_for_others(
    new_sandbox: Callable[..., SandboxServer], connect: Connect
) -> None:
    hanging, sound = new_sandbox(seed=1), new_sandbox(seed=2)
    go_on = threading.Event()
    hanging.on_call(lambda call: go_on.wait(60) and None)
    for number in range(SIDE_BY_SIDE + 1):
        Sync.objects.queue(connect(hanging, name=f"Slow {number}"), trigger=Trigger.SCHEDULE, only=["tags"])
    quick = Sync.objects.queue(connect(sound, name="Quick"), trigger=Trigger.SCHEDULE, only=["tags"])
    worker = Worker()

    try:
        worker.start_claimed()
        until(lambda: again(quick).state == SyncState.COMPLETE, what="the sync of the other account")
        assert not Sync.objects.exclude(pk=quick.pk).filter(state=SyncState.COMPLETE).exists()
    finally:
        go_on.set()
        worker.serve_once()
    assert {sync.state for sync in Sync.objects.all()} == {SyncState.COMPLETE}


# What is told and shown -----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("no_naps")
@pytest.mark.parametrize("status", [400, 402, 403, 404, 500, 503])
def test_78_a_key_that_is_echoed_is_stored_mailed_and_logged_nowhere(
    sandbox: SandboxServer, connect: Connect, alice: User, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    connection = connect(sandbox)
    key = sandbox.api_key
    sandbox.fault("contacts", status=status, document={"message": f"Bad key {key}"}, headers={"X-Key": key}, times=None)
    sandbox.world.insert("tags", tag=f"key {key}")

    pull(connection, trigger=Trigger.COMMAND)

    told = [message.message().as_string() for message in mails()]
    kept = [*Sync.objects.values(), *Connection.objects.values(), *Event.objects.values(), *Record.objects.values()]
    runs = [*Sync.objects.get().stream_runs.values()]
    assert key not in f"{told}{kept}{runs}{caplog.text}"
    assert Record.objects.filter(text__contains="key ****").count() <= 1


def test_70_markup_in_names_is_stored_as_it_is_and_shown_as_text(
    sandbox: SandboxServer, connect: Connect, alice_client: Client
) -> None:
    connection = connect(sandbox)
    markup = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    odd = sandbox.world.add_contact(firstName=markup, lastName="{{ 7|add:7 }}")

    pull(connection, only=["contacts"])

    assert connection.records.get(external_id=odd).data["firstName"] == markup
    place = f"/w/{connection.workspace.slug}/connections/activecampaign/{connection.pk}/data/contacts/"
    page = alice_client.get(place).content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert(1)" not in page
    assert "{{ 7|add:7 }}" in page
