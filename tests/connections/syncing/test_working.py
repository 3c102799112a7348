"""What is due, who takes it, and how many run side by side."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import DatabaseError, connections
from django.utils import timezone

from blinkmetrics.celery import app
from connections.models import Connection, Health, Schedule, Sync, User, Workspace
from connections.models.sync import SyncState, Trigger
from connections.syncing import tasks, working
from connections.syncing.working import (
    MOST_OF_ONE_ACCOUNT,
    PATIENCE,
    SIDE_BY_SIDE,
    UnderWay,
    Worker,
    queue_due,
    queue_scheduled,
)
from sources.activecampaign.sandbox.server import SandboxServer
from tests.conftest import Connect
from tests.connections.engine import again, leaving
from tests.processes import until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_limit")]
seen_by_others = pytest.mark.django_db(transaction=True)


def due(connection: Connection) -> Connection:
    Connection.objects.filter(pk=connection.pk).update(next_sync_at=timezone.now() - timedelta(seconds=1))
    return again(connection)


# What is due ---------------------------------------------------------------------------------------------------------


def test_a_due_connection_gets_one_sync_and_its_next_time(connect: Connect) -> None:
    connection = due(connect())

    queued = [queue_due(), queue_due()]

    assert queued == [1, 0]
    assert Sync.objects.get().trigger == Trigger.SCHEDULE
    assert timedelta(minutes=14) < again(connection).next_sync_at - timezone.now() <= timedelta(minutes=75)


def test_what_is_not_due_yet_is_not_queued(connect: Connect) -> None:
    connect()

    assert queue_due() == 0
    assert not Sync.objects.exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "paused"},
        {"state": "draft"},
        {"health": Health.ACTION_NEEDED},
        {"next_sync_at": None},
    ],
)
def test_what_may_not_run_is_not_queued(connect: Connect, changes: dict[str, object]) -> None:
    due(connect())
    Connection.objects.update(**changes)

    assert queue_due() == 0
    assert not Sync.objects.exists()


def test_the_private_connection_of_somebody_who_left_is_not_queued(connect: Connect, bob: User) -> None:
    due(connect(by=bob, privacy="private"))
    bob.memberships.all().delete()

    assert queue_due() == 0


def test_a_time_that_was_missed_for_days_is_made_up_for_once(connect: Connect) -> None:
    connection = connect()
    Connection.objects.update(next_sync_at=timezone.now() - timedelta(days=9))

    assert queue_due() == 1
    Sync.objects.update(state=SyncState.COMPLETE)
    assert queue_due() == 0
    assert again(connection).next_sync_at > timezone.now()


def test_a_sync_under_way_is_not_doubled_by_the_schedule(connect: Connect) -> None:
    connection = due(connect())
    Sync.objects.queue(connection, trigger=Trigger.PERSON)

    assert queue_due() == 0
    assert Sync.objects.count() == 1
    assert again(connection).next_sync_at > timezone.now()


def test_of_two_workers_that_saw_the_same_time_one_queues_it(connect: Connect) -> None:
    seen_by_one = due(connect())
    seen_by_other = again(seen_by_one)

    assert queue_scheduled(seen_by_one)
    Sync.objects.update(state=SyncState.COMPLETE)

    assert not queue_scheduled(seen_by_other)
    assert Sync.objects.count() == 1


def test_a_schedule_that_is_off_plans_nothing(connect: Connect) -> None:
    connection = due(connect())
    Connection.objects.update(schedule=Schedule.OFF)

    assert queue_due() == 1
    assert again(connection).next_sync_at is None


# Who takes it --------------------------------------------------------------------------------------------------------


@seen_by_others
def test_many_workers_that_look_at_once_claim_each_sync_once(connect: Connect) -> None:
    for number in range(6):
        Sync.objects.queue(connect(name=f"Account {number}"), trigger=Trigger.SCHEDULE)
    claimed: list[int] = []
    together = threading.Barrier(4)

    def claim_all() -> None:
        together.wait()
        try:
            while sync := Sync.objects.claim():
                claimed.append(sync.pk)
        finally:
            connections.close_all()

    in_threads(4, claim_all)

    assert sorted(claimed) == sorted(Sync.objects.values_list("pk", flat=True))
    assert set(Sync.objects.values_list("token", flat=True)) == {1}


@seen_by_others
def test_two_presses_of_sync_now_at_once_make_one_sync(connect: Connect) -> None:
    connection = connect()
    together = threading.Barrier(2)
    refused = []

    def press() -> None:
        together.wait()
        try:
            Sync.objects.queue(connection, trigger=Trigger.PERSON)
        except working.AlreadyActive:
            refused.append(True)
        finally:
            connections.close_all()

    in_threads(2, press)

    assert (Sync.objects.count(), refused) == (1, [True])


def in_threads(count: int, work: Callable[[], None]) -> None:
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


# The worker ----------------------------------------------------------------------------------------------------------


@seen_by_others
def test_serving_once_pulls_all_that_is_due_side_by_side_and_ends(sandbox: SandboxServer, connect: Connect) -> None:
    all_here = threading.Barrier(3)
    sandbox.on_call(lambda call: all_here.wait(timeout=30) and None)
    for number in range(3):
        connection = due(connect(sandbox, name=f"Account {number}"))
        Connection.objects.filter(pk=connection.pk).update(stream_keys=["tags"])

    Worker().serve_once()

    assert {sync.state for sync in Sync.objects.all()} == {SyncState.COMPLETE}
    assert Sync.objects.count() == 3


@seen_by_others
def test_a_worker_runs_no_more_syncs_side_by_side_than_it_has_threads(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(SIDE_BY_SIDE + 2):
        connection = connect(name=f"Account {number}", api_url=f"https://account{number}.api-us1.com")
        Sync.objects.queue(connection, trigger=Trigger.SCHEDULE)
    go_on = threading.Event()
    monkeypatch.setattr(working, "run_one", lambda *_: go_on.wait(30))
    worker = Worker()

    try:
        assert worker.start_claimed() == SIDE_BY_SIDE
        assert worker.start_claimed() == 0
    finally:
        go_on.set()
        worker.pool.shutdown()
    assert Sync.objects.filter(state=SyncState.QUEUED).count() == 2


@seen_by_others
@pytest.mark.parametrize("engine", ["worker", "celery"])
def test_syncs_of_one_account_leave_half_of_the_threads_to_others(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    crowd = [connect(name=f"Crowd {number}") for number in range(SIDE_BY_SIDE)]
    for connection in [*crowd, connect(name="Other", api_url="https://other.api-us1.com")]:
        Sync.objects.queue(connection, trigger=Trigger.SCHEDULE)
    go_on, began = threading.Event(), []
    monkeypatch.setattr(working, "run_one", lambda sync, _: (began.append(sync.connection.name), go_on.wait(30)))

    with engines(engine) as (look, under_way):
        try:
            look()
            until(lambda: len(began) == MOST_OF_ONE_ACCOUNT + 1, what="all that may begin")
            assert "Other" in began
            look()
            assert Sync.objects.filter(state=SyncState.QUEUED).count() == SIDE_BY_SIDE - MOST_OF_ONE_ACCOUNT
        finally:
            go_on.set()
        until(lambda: not under_way.turns, what="the end of those")
        look()
        until(lambda: len(began) == SIDE_BY_SIDE + 1, what="the others, now that there is room")


@contextmanager
def engines(name: str) -> Iterator[tuple[Callable[[], Any], UnderWay]]:
    """What lets an engine look for work, and what it knows to be under way."""
    worker, pool = Worker(), ThreadPoolExecutor(app.conf.worker_concurrency)
    try:
        if name == "worker":
            yield lambda: (worker.forget_done(), worker.start_claimed()), worker.under_way
        else:
            yield lambda: [pool.submit(ring) for _ in range(SIDE_BY_SIDE)], tasks.UNDER_WAY
    finally:
        worker.pool.shutdown()
        pool.shutdown()


def ring() -> None:
    tasks.pull_next()
    connections.close_all()


# Whose turn it is -----------------------------------------------------------------------------------------------------


@pytest.fixture
def connect_stranger(connect: Connect, charlie: User) -> Connect:
    """As `connect`, in Charlie's workspace."""
    return partial(connect, by=charlie, home=charlie.memberships.get().workspace)


@pytest.fixture
def endless(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Syncs go on until they are asked to leave, and are given back then. Lists the names of those that began."""
    the_end, began = threading.Event(), []

    def run_one(sync: Sync, leaving: threading.Event) -> None:
        began.append(sync.connection.name)
        until(lambda: leaving.is_set() or the_end.is_set(), what="a reason to leave")
        sync.release()
        connections.close_all()

    monkeypatch.setattr(working, "run_one", run_one)
    monkeypatch.setattr(tasks, "UNDER_WAY", UnderWay(threading.Event()))
    yield began
    the_end.set()


def crowd(connect: Connect, size: int = SIDE_BY_SIDE) -> list[Sync]:
    """Asked for a minute ago, each of an account of its own."""
    since = timezone.now() - timedelta(minutes=1)
    for number in range(size):
        connection = connect(name=f"Crowd {number}", api_url=f"https://crowd{number}.api-us1.com")
        Sync.objects.queue(connection, trigger=Trigger.SCHEDULE)
    Sync.objects.update(run_after=since)
    return [*Sync.objects.all()]


def long_asked(connection: Connection) -> Sync:
    sync = Sync.objects.queue(connection, trigger=Trigger.PERSON)
    Sync.objects.filter(pk=sync.pk).update(run_after=timezone.now() - 2 * PATIENCE)
    return sync


@seen_by_others
def test_a_free_place_goes_to_the_workspace_that_has_the_fewest(
    connect: Connect, connect_stranger: Connect, endless: list[str]
) -> None:
    crowd(connect, SIDE_BY_SIDE + 2)
    long_asked(connect_stranger(name="Small 1", api_url="https://small1.api-us1.com"))
    long_asked(connect_stranger(name="Small 2", api_url="https://small2.api-us1.com"))
    under_way = UnderWay(threading.Event())

    names = [turn.sync.connection.name for _ in range(5) if (turn := under_way.claim())]

    assert names == ["Crowd 0", "Small 1", "Crowd 1", "Small 2", "Crowd 2"]


@seen_by_others
@pytest.mark.parametrize("engine", ["worker", "celery"])
def test_a_workspace_that_has_all_places_gives_one_to_another_that_waits(
    connect: Connect, connect_stranger: Connect, endless: list[str], engine: str
) -> None:
    crowd(connect)
    with engines(engine) as (look, under_way):
        look()
        until(lambda: len(endless) == SIDE_BY_SIDE, what="a full house")
        small = long_asked(connect_stranger(name="Small"))
        try:
            until(lambda: (look(), "Small" in endless)[1], what="the sync of the other workspace")
            assert again(small).state == SyncState.RUNNING
            assert Sync.objects.filter(state=SyncState.RUNNING).count() == SIDE_BY_SIDE
            assert Sync.objects.get(state=SyncState.QUEUED).run_after > small.run_after
        finally:
            under_way.stopping.set()


@seen_by_others
def test_places_are_given_until_nobody_has_two_more_than_somebody_who_waits(
    connect: Connect, connect_stranger: Connect, endless: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(working, "PATIENCE", timedelta())
    worker = Worker()
    third = Workspace.objects.create(name="Third", slug="third")
    long_asked(connect_stranger(home=third, name="Third", api_url="https://third.api-us1.com"))
    crowd(connect, SIDE_BY_SIDE - 1)
    worker.start_claimed()
    for number in range(SIDE_BY_SIDE):
        long_asked(connect_stranger(name=f"Small {number}", api_url=f"https://small{number}.api-us1.com"))

    try:
        until(lambda: (worker.start_claimed(), shares(worker) == [1, 3, 4])[1], what="fair shares")
        turns = [*worker.under_way.turns]
        for _ in range(5):
            worker.start_claimed()
        assert (shares(worker), worker.under_way.turns) == ([1, 3, 4], turns)
    finally:
        worker.stop()
        worker.pool.shutdown()


def shares(worker: Worker) -> list[int]:
    """How many syncs of each workspace are under way and stay."""
    return sorted(worker.under_way.places().values())


@seen_by_others
@pytest.mark.parametrize("who", ["the same workspace", "another, a moment ago"])
def test_nobody_leaves_for_their_own_workspace_nor_for_what_another_worker_may_take(
    connect: Connect, connect_stranger: Connect, endless: list[str], who: str
) -> None:
    crowd(connect)
    worker = Worker()
    worker.start_claimed()
    if who == "the same workspace":
        long_asked(connect(name="Waiting", api_url="https://waiting.api-us1.com"))
    else:
        Sync.objects.queue(connect_stranger(), trigger=Trigger.PERSON)

    try:
        assert worker.start_claimed() == 0
        assert not [turn for turn in worker.under_way.turns if turn.leaving.is_set()]
    finally:
        worker.stop()
        worker.pool.shutdown()


@seen_by_others
def test_one_that_does_not_leave_does_not_keep_others_waiting(
    connect: Connect, connect_stranger: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    the_end = threading.Event()
    monkeypatch.setattr(working, "PATIENCE", timedelta())
    monkeypatch.setattr(working, "run_one", lambda *_: the_end.wait(60))
    crowd(connect)
    worker = Worker()
    worker.start_claimed()
    long_asked(connect_stranger(name="Small"))

    try:
        worker.start_claimed()
        worker.start_claimed()
        assert sum(turn.leaving.is_set() for turn in worker.under_way.turns) == 2
    finally:
        the_end.set()
        worker.pool.shutdown()


@pytest.mark.scale
@seen_by_others
def test_a_stranger_who_pulls_large_accounts_in_all_places_does_not_keep_others_from_syncing(
    new_sandbox: Callable[..., SandboxServer], connect: Connect, connect_stranger: Connect
) -> None:
    large, other_large, small = new_sandbox(contacts=20_000), new_sandbox(contacts=20_000, seed=2), new_sandbox(seed=3)
    for sandbox in (large, other_large):
        sandbox.on_call(lambda call: time.sleep(0.5))
        for _ in range(SIDE_BY_SIDE // 2):
            Sync.objects.queue(connect_stranger(sandbox), trigger=Trigger.FIRST, only=["contacts"])
    worker = Worker()
    thread = threading.Thread(target=leaving(worker.serve))
    thread.start()

    try:
        until(lambda: len(worker.under_way.turns) == SIDE_BY_SIDE, what="a full house")
        pressed = Sync.objects.queue(connect(small), trigger=Trigger.SCHEDULE, only=["contacts"])
        until(lambda: again(pressed).state == SyncState.COMPLETE, what="the sync of the small account")
        assert Sync.objects.filter(state=SyncState.COMPLETE).count() == 1
    finally:
        worker.stop()
        thread.join()
    assert Sync.objects.filter(state=SyncState.QUEUED).count() == SIDE_BY_SIDE
    for connection in Connection.objects.all():
        run = connection.syncs.get().stream_runs.first()
        assert (run.read if run else 0) == connection.records.count()


def test_celery_has_threads_that_see_who_waits_and_send_notices_while_all_others_pull() -> None:
    assert app.conf.worker_concurrency == SIDE_BY_SIDE + 2


# What a worker outlives -----------------------------------------------------------------------------------------------


@seen_by_others
def test_a_worker_outlives_a_database_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = []

    def look() -> int:
        looks.append(len(looks))
        if len(looks) == 1:
            raise DatabaseError("no route to host")
        return 0

    monkeypatch.setattr(working, "queue_due", look)
    worker = Worker()
    thread = threading.Thread(target=leaving(worker.serve))
    thread.start()

    until(lambda: len(looks) > 1, what="another look")
    worker.stop()
    thread.join(timeout=30)

    assert not thread.is_alive()


@seen_by_others
def test_a_stopped_worker_claims_nothing_more(connect: Connect) -> None:
    Sync.objects.queue(connect(), trigger=Trigger.SCHEDULE)
    worker = Worker()
    worker.stop()

    assert worker.start_claimed() == 0
    assert Sync.objects.get().state == SyncState.QUEUED
