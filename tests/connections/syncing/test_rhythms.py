"""Each stream by its rhythm: what seldom changes is not asked for every hour, and is never older than it may be."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models import F
from django.test import Client
from django.utils import timezone

from connections.models import Connection, StreamHealth
from connections.models.sync import SyncState, Trigger
from sources.activecampaign.sandbox.server import SandboxServer
from tests.conftest import Connect
from tests.connections.engine import pull
from tests.connections.stepper.walking import words

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_limit")]

STREAMS = ["contacts", "contactTags", "accounts", "accountCustomFieldData", "users"]


@pytest.fixture
def pulled(new_sandbox: Callable[..., SandboxServer], connect: Connect) -> Connection:
    connection = connect(new_sandbox(contacts=30, deals=3))
    connection.stream_keys = STREAMS
    connection.save()
    assert pull(connection).state == SyncState.COMPLETE
    return connection


def read(connection: Connection, *, hours: float = 1.0, **wanted: object) -> list[str]:
    """What a sync reads so many hours after the one before."""
    passed = timedelta(hours=hours)
    StreamHealth.objects.filter(connection=connection).update(
        read_at=F("read_at") - passed, late_at=F("late_at") - passed
    )
    return [run.stream for run in pull(connection, **wanted).stream_runs.all()]


def test_what_seldom_changes_rests_until_it_would_be_older_than_a_day_when_the_next_sync_begins(
    pulled: Connection,
) -> None:
    hourly = ["contacts", "contactTags"]

    assert read(pulled) == hourly
    assert read(pulled, hours=21) == hourly
    assert not StreamHealth.objects.late().exists()
    assert read(pulled, hours=1.5) == STREAMS
    assert read(pulled) == hourly


def test_a_person_gets_all_and_a_plan_may_have_another_rhythm(pulled: Connection) -> None:
    assert read(pulled, trigger=Trigger.PERSON, by=pulled.created_by) == STREAMS
    assert read(pulled, full=True) == STREAMS
    assert read(pulled, only=["users"]) == ["users"]

    pulled.rhythms = {"users": "", "contacts": "weekly"}
    pulled.save()
    assert read(pulled) == ["users"]  # What comes along with contacts rests with them.
    assert read(pulled, hours=160) == ["accounts", "accountCustomFieldData", "users"]
    assert read(pulled, hours=8) == ["contacts", "contactTags", "users"]


def test_a_stream_is_late_by_its_own_rhythm(pulled: Connection) -> None:
    late = dict(pulled.stream_healths.values_list("stream", "late_at"))

    assert timedelta(hours=1) < late["contacts"] - timezone.now() < timedelta(hours=2)
    assert timedelta(hours=47) < late["users"] - timezone.now() < timedelta(hours=48)


def test_the_page_of_a_sync_says_what_came_along_and_what_refreshes_had_missed(
    alice_client: Client, pulled: Connection
) -> None:
    read(pulled)
    along = words(alice_client.get(pulled.syncs.latest("number").get_absolute_url()).content.decode())
    pulled.holding.marks.update(complete_at=F("complete_at") - timedelta(days=3))
    read(pulled)
    whole = words(alice_client.get(pulled.syncs.latest("number").get_absolute_url()).content.decode())

    assert "(along with contacts)" in along
    assert "missed" not in along
    assert "(along with contacts; the refreshes before had missed 0 of" in whole
