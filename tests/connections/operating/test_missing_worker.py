"""T17: work waits, and no worker is there to take it up: what people, operators and those who run the site are told."""

import json
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import connections
from django.test import Client
from django.utils import timezone

from connections.checking.checking import note_failure
from connections.checking.watching import is_worker_missing
from connections.models import Connection, Engine, Notice, Sync
from connections.syncing import tasks
from connections.syncing.working import Worker
from sources.errors import BadCredentials
from tests.conftest import Connect
from tests.connections.frame.test_progress import polled
from tests.connections.operating.test_measures import TOKEN, measured, operator
from tests.connections.stepper.walking import words

pytestmark = pytest.mark.django_db

NOTHING = "Nothing takes it up"
WHOM_TO_TELL = "A sync is due, and nothing takes it up: no worker is running. Tell whoever runs this site"


@pytest.fixture(autouse=True)
def _with_operators(settings: Any) -> None:
    settings.OPERATOR_TOKEN = TOKEN
    settings.ADMINS = [("ops@blinkmetrics.example", "ops@blinkmetrics.example")]
    settings.SITE_URL = "https://metrics.example"


def wait(connection: Connection, **span: float) -> None:
    """A sync was asked for so long ago."""
    Sync.objects.queue(connection, trigger="person")
    Sync.objects.update(run_after=timezone.now() - timedelta(**span))


def worker_seen(**ago: float) -> None:
    Engine.objects.update_or_create(pk=1, defaults={"seen_at": timezone.now() - timedelta(**ago)})


def operators_read() -> dict[str, bool]:
    response = operator().get("/readyz")
    assert response.status_code == 200
    return json.loads(response.content)


# What people read -----------------------------------------------------------------------------------------------------


def test_after_a_minute_the_page_says_that_nothing_takes_it_up_and_whom_to_tell(
    alice_client: Client, connect: Connect
) -> None:
    connection = connect()
    wait(connection, seconds=55)
    before = alice_client.get(connection.get_absolute_url()).content.decode()
    assert "The sync starts in a moment" in before
    assert NOTHING not in before

    Sync.objects.update(run_after=timezone.now() - timedelta(seconds=61))

    moved = polled(alice_client, before)
    assert NOTHING in moved
    assert WHOM_TO_TELL in words(moved)
    assert "starts in a moment" not in moved
    run = alice_client.get(Sync.objects.get().get_absolute_url()).content.decode()
    assert "Queued: nothing takes it up, since no worker is running." in run


def test_a_worker_that_is_busy_is_not_missing(alice_client: Client, connect: Connect) -> None:
    connection = connect()
    wait(connection, hours=3)
    worker_seen(seconds=59)

    assert NOTHING not in alice_client.get(connection.get_absolute_url()).content.decode()
    worker_seen(seconds=61)
    assert NOTHING in alice_client.get(connection.get_absolute_url()).content.decode()


def test_one_that_was_left_behind_and_that_nobody_goes_on_with_says_so_too(
    alice_client: Client, connect: Connect
) -> None:
    connection = connect()
    sync = Sync.objects.start(connection, trigger="person")
    Sync.objects.filter(pk=sync.pk).update(lease_until=timezone.now() - timedelta(seconds=50))
    assert "it goes on by itself" in alice_client.get(connection.get_absolute_url()).content.decode()

    Sync.objects.filter(pk=sync.pk).update(lease_until=timezone.now() - timedelta(seconds=70))

    page = alice_client.get(connection.get_absolute_url()).content.decode()
    assert NOTHING in page
    assert "Interrupted" not in page


def test_what_is_due_and_not_even_queued_says_so(alice_client: Client, connect: Connect) -> None:
    connection, other = connect(), connect(name="Other")
    Connection.objects.filter(pk=connection.pk).update(next_sync_at=timezone.now() - timedelta(minutes=2))

    assert WHOM_TO_TELL in words(alice_client.get(connection.get_absolute_url()).content.decode())
    assert WHOM_TO_TELL not in words(alice_client.get(other.get_absolute_url()).content.decode())


def test_what_waits_for_its_time_or_is_paused_waits_for_no_worker(connect: Connect) -> None:
    connection = connect()
    wait(connection, minutes=-20)
    assert not is_worker_missing()

    Sync.objects.all().delete()
    Connection.objects.update(next_sync_at=timezone.now() - timedelta(days=2), state="paused")
    assert not is_worker_missing()


# What operators read --------------------------------------------------------------------------------------------------


def test_readyz_stays_200_and_tells_operators_and_measures_tell_it_too(connect: Connect) -> None:
    wait(connect(), minutes=2)

    assert operators_read() == {
        "ready": True,
        "database": True,
        "migrations": True,
        "credential_keys": True,
        "worker": False,
    }
    assert json.loads(Client().get("/readyz").content) == {"ready": True}
    assert measured()["worker_missing"] == 1
    worker_seen(seconds=5)
    assert operators_read()["worker"]
    assert measured()["worker_missing"] == 0


def test_a_notice_that_nobody_sends_waits_for_a_worker_too(connect: Connect) -> None:
    note_failure(connect(), BadCredentials("Refused."))
    assert operators_read()["worker"]

    Notice.objects.update(try_after=timezone.now() - timedelta(minutes=2))

    assert not operators_read()["worker"]


def test_one_mail_an_hour_goes_to_those_who_run_the_site_whoever_notices(
    alice_client: Client, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    connection = connect(name="https://evil.example")
    wait(connection, minutes=2)

    for _ in range(2):
        alice_client.get(connection.get_absolute_url())
        Client().get("/readyz")
        measured()

    (message,) = mail.outbox
    assert (message.to, message.subject) == (["ops@blinkmetrics.example"], "BlinkMetrics: no worker is running")
    assert "No worker of https://metrics.example was seen for a minute" in message.body
    assert "evil" not in message.body
    assert caplog.text.count("No worker was seen for a minute, and work waits for one.") == 1
    Engine.objects.update(told_at=timezone.now() - timedelta(minutes=59))
    Client().get("/readyz")
    assert len(mail.outbox) == 1
    Engine.objects.update(told_at=timezone.now() - timedelta(minutes=61))
    Client().get("/readyz")
    assert len(mail.outbox) == 2


def test_without_admins_it_is_logged(connect: Connect, settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    settings.ADMINS = []
    wait(connect(), minutes=2)

    assert is_worker_missing()

    assert mail.outbox == []
    assert "No worker was seen for a minute" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_of_many_processes_that_notice_at_once_one_tells(connect: Connect) -> None:
    wait(connect(), minutes=2)
    together = threading.Barrier(4)

    def notice() -> None:
        together.wait()
        try:
            is_worker_missing()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=notice) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(mail.outbox) == 1


# Who is seen ----------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("look", [lambda: Worker().look(), tasks.look_for_work], ids=["worker", "celery"])
def test_a_worker_that_looks_for_work_is_seen_every_ten_seconds(look: Any) -> None:
    look()
    first = Engine.objects.get().seen_at
    look()
    assert Engine.objects.get().seen_at == first

    worker_seen(seconds=11)
    look()

    assert timezone.now() - Engine.objects.get().seen_at < timedelta(seconds=5)
