"""A sync that is asked to leave gives its calls up, whatever they wait for."""

import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections
from django.http import QueryDict
from django.utils import timezone

from connections.models import LiveCheck, Record, Sync, User, Workspace
from connections.models.sync import SyncState, Trigger
from connections.syncing.carrying_on import carry_on
from connections.syncing.syncing import run
from connections.syncing.working import Worker
from sources.activecampaign.sandbox.server import SandboxServer
from tests.command_fixture import StartCommand
from tests.conftest import Connect
from tests.connections.engine import again, leaving
from tests.processes import until
from tests.sandbox_fixture import SandboxProcess

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_limit")]

HANGS: dict[str, dict[str, Any]] = {
    "silent": {"hang": "headers"},
    "half-way": {"hang": "body"},
    "a byte a second": {"drip": 1.0},
    "a byte of the head a second": {"drip": 1.0, "drip_from": "headers"},
}
LEAVES = 10.0  # Seconds, for a busy machine: each of these calls would hang for a minute and a half.


class Running:
    """A sync in a thread of its own, as in a worker."""

    def __init__(self, sync: Sync) -> None:
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run, args=(sync,))
        self.thread.start()

    def run(self, sync: Sync) -> None:
        try:
            run(sync, stopping=self.stopping)
        finally:
            connections.close_all()

    def has_left(self) -> bool:
        self.thread.join(LEAVES)
        return not self.thread.is_alive()


@pytest.mark.parametrize("hang", HANGS)
def test_hanging_calls_are_given_up_when_the_worker_stops(hang: str, sandbox: SandboxServer, connect: Connect) -> None:
    sync = Sync.objects.start(connect(sandbox), trigger=Trigger.SCHEDULE, only=["contacts", "deals"])
    sandbox.fault("contacts", times=None, **HANGS[hang])
    sandbox.fault("deals", times=None, **HANGS[hang])
    running = Running(sync)
    until(lambda: sandbox.requests, what="a call that hangs")

    running.stopping.set()

    assert running.has_left()
    assert again(sync).state == SyncState.QUEUED


@pytest.mark.parametrize("deed", ["somebody stops it", "another worker has it"])
def test_hanging_calls_are_given_up_when_the_sync_is_not_ours_any_more(
    deed: str, sandbox: SandboxServer, connect: Connect
) -> None:
    sync = Sync.objects.start(connect(sandbox), trigger=Trigger.SCHEDULE, only=["contacts"])
    sandbox.fault("contacts", times=None, hang="headers")
    running = Running(sync)
    until(lambda: sandbox.requests, what="a call that hangs")
    deeds: dict[str, Callable[[], object]] = {
        "somebody stops it": lambda: Sync.objects.active().stop("Somebody stopped it."),
        "another worker has it": lambda: Sync.objects.get().take(),
    }

    deeds[deed]()

    assert running.has_left()
    assert not Record.objects.exists()


def test_a_check_that_hangs_before_a_sync_is_given_up(sandbox: SandboxServer, connect: Connect) -> None:
    connection = connect(sandbox)
    connection.become_unverified()
    connection.save()
    sync = Sync.objects.start(connection, trigger=Trigger.SCHEDULE)
    sandbox.fault("users/me", times=None, hang="headers")
    running = Running(sync)
    until(lambda: sandbox.requests, what="a call that hangs")

    running.stopping.set()

    assert running.has_left()
    assert again(sync).state == SyncState.QUEUED


def test_a_live_check_that_hangs_is_given_back_when_the_worker_stops(
    sandbox: SandboxServer, connect: Connect, alice: User
) -> None:
    sandbox.fault("users/me", times=None, hang="headers")
    LiveCheck.objects.begin(connect(sandbox), by=alice, page="test", posted=QueryDict())
    claimed, stopping = LiveCheck.objects.claim(), threading.Event()
    assert claimed is not None
    working = threading.Thread(target=lambda: (carry_on(claimed, stopping=stopping), connections.close_all()))
    working.start()
    until(lambda: sandbox.requests, what="a call that hangs")

    stopping.set()
    working.join(LEAVES)

    assert not working.is_alive()
    assert LiveCheck.objects.claim() is not None


def test_a_workspace_whose_accounts_all_hang_keeps_no_other_waiting(
    new_sandbox: Callable[..., SandboxServer], connect: Connect, charlie: User
) -> None:
    home = Workspace.objects.get(slug="stranger")
    for number in range(12):
        slow = new_sandbox(contacts=30, deals=0, seed=number + 2)
        slow.fault("contacts", times=None, drip=1.0)
        Sync.objects.queue(connect(slow, name=f"Slow {number}"), trigger=Trigger.SCHEDULE, only=["contacts"])
    worker = Worker()
    serving = threading.Thread(target=leaving(worker.serve))
    serving.start()
    try:
        until(lambda: Sync.objects.filter(state=SyncState.RUNNING).count() == 8, what="all places taken")
        quick = connect(new_sandbox(contacts=30, deals=0), by=charlie, home=home, name="Quick")
        Sync.objects.queue(quick, trigger=Trigger.FIRST, only=["contacts"])
        until(lambda: quick.records.exists(), what="the other workspace's rows")
    finally:
        worker.stop()
        serving.join()

    assert not Record.objects.exclude(holding=quick.holding).exists()


def test_a_worker_whose_calls_hang_is_gone_soon_after_it_is_asked(
    sandbox_process: type[SandboxProcess], connect: Connect, start_command: StartCommand
) -> None:
    sandbox = sandbox_process(contacts=30, deals=0)
    sandbox.fault("contacts", times=None, drip=1.0)
    sync = Sync.objects.queue(connect(sandbox), trigger=Trigger.FIRST, only=["contacts"])
    worker = start_command("worker")
    until(lambda: sandbox.stats()["requests"], what="a call that hangs")
    asked = timezone.now()

    code = worker.send(signal.SIGTERM)

    assert code == 0
    assert (timezone.now() - asked).total_seconds() < 25
    assert again(sync).state == SyncState.QUEUED
