"""What happens to a sync in the middle of its walk."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from connections.models import Connection, Health, Record, Sync, Team, User
from connections.models.sync import SyncState, Trigger
from connections.people.leaving import end_membership
from connections.syncing import syncing
from connections.syncing.syncing import run
from connections.syncing.working import run_one
from sources.activecampaign.client import AT_ONCE
from sources.activecampaign.sandbox.server import SandboxServer
from tests.conftest import Connect
from tests.connections.engine import again, at_page, calls_for, in_a_thread, pull, stored_ids, take_up
from tests.connections.post import mails
from tests.processes import until

# What happens in the middle of a walk is done by another thread, which has to see what this one stored.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_limit")]


# In the middle of the walk --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("deed", ["pause", "stop", "replace the key", "narrow", "delete", "leave"])
def test_a_sync_stops_at_the_next_page_and_stores_nothing_after(
    sandbox: SandboxServer, connect: Connect, alice: User, bob: User, growth: Team, deed: str
) -> None:
    connection = connect(sandbox, by=bob, privacy="private")
    deeds: dict[str, Callable[[], Any]] = {
        "pause": lambda: again(connection).pause(by=alice),
        "stop": lambda: Sync.objects.active().stop("Somebody stopped it."),
        "replace the key": lambda: again(connection).stop_syncs("The key was replaced during the sync."),
        "narrow": lambda: again(connection).become_private(because="The team was deleted."),
        "delete": lambda: again(connection).remove(by=alice),
        "leave": lambda: end_membership(bob.memberships.get(), by=alice),
    }
    seen: list[int] = []

    def act() -> None:
        until(Record.objects.exists, what="the first page")
        deeds[deed]()
        seen.extend([Record.objects.count(), len(sandbox.requests)])

    at_page(sandbox, 2, act)

    run(Sync.objects.start(connection, trigger=Trigger.SCHEDULE))

    stored, asked = seen
    assert Record.objects.count() == stored
    assert len(sandbox.requests) <= asked + AT_ONCE  # What was under way is answered; no more is asked for.
    if deed == "delete":
        assert not Sync.objects.exists()
    else:
        assert stored >= 100
        assert Sync.objects.get().state == SyncState.STOPPED
    assert mails() == []


@pytest.mark.parametrize("fault", ["forbidden", "unpaid", "no_permission", "not_found"])
@pytest.mark.parametrize("deed", ["stop", "delete"])
def test_a_refusal_that_comes_after_the_stop_says_nothing_about_the_connection(
    sandbox: SandboxServer, connect: Connect, alice: User, fault: str, deed: str
) -> None:
    connection = connect(sandbox)
    sandbox.fault("contacts", kind=fault, skip=1, times=None)
    if fault in ("forbidden", "no_permission"):
        sandbox.fault("users/me", kind="forbidden", times=None)
    act = again(connection).remove if deed == "delete" else again(connection).pause
    at_page(sandbox, 2, lambda: act(by=alice))

    run(Sync.objects.start(connection, trigger=Trigger.SCHEDULE))

    assert mails() == []
    if deed == "stop":
        assert again(connection).health == Health.HEALTHY
        assert Sync.objects.get().state == SyncState.STOPPED


def test_a_refusal_of_the_old_key_does_not_mark_the_new_one(sandbox: SandboxServer, connect: Connect) -> None:
    connection = connect(sandbox)
    sandbox.fault(kind="unpaid", times=None)

    at_page(sandbox, 1, lambda: Connection.objects.update(key_stored_at=timezone.now()))
    sync = pull(connection, trigger=Trigger.COMMAND)

    assert sync.state == SyncState.FAILED
    assert again(connection).health == Health.HEALTHY
    assert mails() == []


def test_a_sync_taken_over_by_another_worker_resumes_and_repeats_only_what_was_under_way(
    sandbox: SandboxServer, connect: Connect
) -> None:
    connection = connect(sandbox)
    sync = Sync.objects.start(connection, trigger=Trigger.SCHEDULE, only=["contacts"])

    def outlive_the_lease() -> None:
        with transaction.atomic():  # The first worker renews its lease with each page.
            Sync.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
            taken.append(Sync.objects.claim())
        stored.append(Record.objects.count())

    taken: list[Sync | None] = []
    stored: list[int] = []
    at_page(sandbox, 3, outlive_the_lease)
    run(sync)
    assert [Record.objects.count()] == stored

    assert taken[0] is not None
    run(taken[0])

    assert again(sync).state == SyncState.COMPLETE
    assert stored_ids(connection, "contacts") == sandbox.world.ids("contacts")
    contacts = again(sync).stream_runs.get(stream="contacts")
    assert calls_for(sandbox, "contacts") - contacts.pages <= AT_ONCE  # What was under way is asked for again.
    assert (contacts.read, contacts.new) == (250, 250)


def test_a_stopping_worker_finishes_its_page_and_gives_the_sync_back(sandbox: SandboxServer, connect: Connect) -> None:
    connection = connect(sandbox)
    stopping = threading.Event()
    at_page(sandbox, 2, stopping.set)
    sync = Sync.objects.start(connection, trigger=Trigger.SCHEDULE, only=["contacts"])

    run(sync, stopping=stopping)

    assert again(sync).state == SyncState.QUEUED
    assert len(stored_ids(connection, "contacts")) in (100, 200)  # Whether or not the second one was under way.
    assert take_up(sync).state == SyncState.COMPLETE
    assert stored_ids(connection, "contacts") == sandbox.world.ids("contacts")
    assert calls_for(sandbox, "contacts") - again(sync).stream_runs.get().pages <= AT_ONCE


# Our own faults -------------------------------------------------------------------------------------------------------


def test_a_fault_of_our_own_ends_the_sync_and_not_the_worker(
    sandbox: SandboxServer, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = connect(sandbox)
    sync = Sync.objects.start(connection, trigger=Trigger.SCHEDULE)
    monkeypatch.setattr(syncing, "pull_all", lambda *_: 1 / 0)

    in_a_thread(lambda: run_one(sync, threading.Event()))

    assert again(sync).state == SyncState.FAILED
    assert "our side" in again(sync).reason
    assert again(connection).health == Health.WAITING
    assert mails() == []


def test_a_database_that_fails_leaves_the_sync_to_its_lease(
    sandbox: SandboxServer, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync = Sync.objects.start(connect(sandbox), trigger=Trigger.SCHEDULE)

    def fail(*_: object) -> None:
        raise DatabaseError("disk I/O error")

    monkeypatch.setattr(syncing, "pull_all", fail)
    in_a_thread(lambda: run_one(sync, threading.Event()))

    assert again(sync).state == SyncState.RUNNING
    assert again(sync).lease_until > timezone.now()


def test_the_lease_is_renewed_while_a_page_is_long_in_coming(
    sandbox: SandboxServer, connect: Connect, settings: Any
) -> None:
    settings.SYNC_LEASE_SECONDS = 1.0
    sync = Sync.objects.start(connect(sandbox), trigger=Trigger.SCHEDULE, only=["contacts"])
    claimable = []

    def outlast_the_lease() -> None:
        time.sleep(1.5)
        claimable.append(Sync.objects.claimable().exists())

    at_page(sandbox, 2, outlast_the_lease)
    run(sync)

    assert claimable == [False]
    assert (again(sync).state, again(sync).token) == (SyncState.COMPLETE, 1)
