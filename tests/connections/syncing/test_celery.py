"""Celery's worker and beat in the place of `manage.py worker`."""

import signal
from collections.abc import Callable

import pytest
from django.http import QueryDict

from blinkmetrics.celery import app
from connections.models import Connection, LiveCheck, Sync, User
from connections.models.sync import SyncState, Trigger
from connections.syncing import tasks
from sources.activecampaign.sandbox.server import SandboxServer
from tests.command_fixture import StartCommand
from tests.conftest import Connect
from tests.connections.engine import again, in_a_thread
from tests.processes import until
from tests.redis_fixture import broker

__all__ = ["broker"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_limit")]


def test_a_message_that_an_older_version_left_in_the_broker_is_still_understood() -> None:
    app.loader.import_default_modules()

    assert {"connections.tasks.look_for_work", "connections.tasks.pull_next", "connections.tasks.keep_house"} <= {
        *app.tasks
    }


def test_a_check_that_goes_on_is_rung_for_and_carried_on(
    sandbox: SandboxServer, connect: Connect, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    LiveCheck.objects.begin(connect(sandbox), by=alice, page="test", posted=QueryDict())
    rung: list[str] = []
    monkeypatch.setattr(tasks.check_next, "delay", lambda: rung.append("check"))

    tasks.look_for_work()
    in_a_thread(tasks.check_next)

    assert rung == ["check"]
    assert LiveCheck.objects.get().is_over


def test_celery_queues_what_is_due_pulls_it_and_gives_back_what_it_is_at_when_it_is_stopped(
    new_sandbox: Callable[..., SandboxServer], connect: Connect, start_python: StartCommand, broker: str
) -> None:
    due, big = connect(new_sandbox(contacts=120)), connect(new_sandbox(contacts=50_000))
    Connection.objects.filter(pk=due.pk).update(next_sync_at=due.created_at)

    celery = start_python("-m", "celery", "-A", "blinkmetrics", "worker", "-B", CELERY_BROKER_URL=broker)
    until(lambda: due.syncs.filter(state=SyncState.COMPLETE).exists(), what="the sync that was due")
    sync = Sync.objects.queue(big, trigger=Trigger.PERSON, by=big.created_by)
    until(big.records.exists, what="the first rows of the other")

    assert celery.send(signal.SIGTERM) == 0
    assert due.records.filter(stream="contacts").count() == 120
    assert again(sync).state == SyncState.QUEUED
    read = {run.stream: run.read for run in again(sync).stream_runs.filter(read__gt=0)}
    assert read and read.items() <= big.row_counts.by_stream().items()  # Beside what came along with them.
