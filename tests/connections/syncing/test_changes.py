"""Asking for changes alone: what the next sync may leave unread, and when it may not."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.test import Client
from django.utils import timezone

from connections.models import Connection, StreamMark
from connections.models.stream_mark import WHOLE_AFTER
from connections.models.stream_run import RunState
from connections.models.sync import SyncState
from sources.activecampaign.sandbox.server import SandboxServer
from tests.conftest import Connect
from tests.connections.engine import again, calls_for, pull, stored_ids, take_up

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_limit")]

CONTACTS = 1000
FILTER = "filters[updated_after]"


@pytest.fixture
def account(new_sandbox: Callable[..., SandboxServer]) -> SandboxServer:
    return new_sandbox(contacts=CONTACTS, deals=300)


@pytest.fixture
def pulled(account: SandboxServer, connect: Connect) -> Connection:
    """A connection whose contacts and deals were read to the end once."""
    connection = connect(account)
    assert pull(connection, only=["contacts", "deals"]).state == SyncState.COMPLETE
    return connection


def contacts_run(connection: Connection, **wanted: Any) -> Any:
    return pull(connection, only=["contacts"], **wanted).stream_runs.get()


def test_a_refresh_of_an_unchanged_account_costs_a_call_a_stream_and_says_how_many_it_saved(
    account: SandboxServer, pulled: Connection
) -> None:
    """The first one costs three more, once: whether the account heeds zones is put to a row."""
    pull(pulled, only=["contacts", "deals"])
    before = account.stats()["requests"]

    sync = pull(pulled, only=["contacts", "deals"])

    assert account.stats()["requests"] - before == 2
    assert sync.state == SyncState.COMPLETE
    saved = {run.stream: (run.is_changes_only, run.calls_saved) for run in sync.stream_runs.all()}
    assert saved == {"contacts": (True, 10), "deals": (True, 3)}


def test_what_was_changed_or_added_since_arrives_without_the_rest(account: SandboxServer, pulled: Connection) -> None:
    changed = account.world.ids("contacts")[500]
    account.world.change_contact(changed, firstName="Renamed")
    added = account.world.add_contact(firstName="Newcomer")

    run = contacts_run(pulled)

    assert (run.new, run.changed, run.pages) == (1, 1, 2)
    names = {one.external_id: one.data["firstName"] for one in pulled.records.filter(stream="contacts")}
    assert (names[changed], names[added]) == ("Renamed", "Newcomer")


@pytest.mark.parametrize(("heeds_zones", "overlap"), [(True, timedelta(minutes=10)), (False, timedelta(days=1))])
def test_changes_are_asked_for_from_a_day_before_the_last_read_began_or_minutes_where_the_account_heeds_zones(
    account: SandboxServer, pulled: Connection, heeds_zones: bool, overlap: timedelta
) -> None:
    account.behave(heeds_zones=heeds_zones)
    began = StreamMark.objects.get(stream="contacts").changed_through

    assert asked_since(account, pulled) == f"{began - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"
    began = StreamMark.objects.get(stream="contacts").changed_through
    assert asked_since(account, pulled) == f"{began - overlap:%Y-%m-%dT%H:%M:%SZ}"


def asked_since(account: SandboxServer, connection: Connection) -> str:
    account.reset()
    sync = pull(connection, only=["contacts"])
    assert sync.calls == len(account.requests)  # With those by which the zone was found out.
    return account.requests[0].query[FILTER]


def test_a_full_sync_reads_everything_again(account: SandboxServer, pulled: Connection) -> None:
    run = contacts_run(pulled, full=True)

    assert (run.read, run.is_changes_only, run.calls_saved) == (CONTACTS, False, 0)
    assert FILTER not in account.requests[-1].query


def test_everything_is_read_again_once_a_week(pulled: Connection) -> None:
    StreamMark.objects.update(complete_at=F("complete_at") - WHOLE_AFTER)

    assert contacts_run(pulled).read == CONTACTS
    assert contacts_run(pulled).is_changes_only


def test_a_weeks_reads_of_changes_do_not_put_off_the_whole_read(pulled: Connection) -> None:
    whole = StreamMark.objects.get(stream="contacts").complete_at

    contacts_run(pulled)

    mark = StreamMark.objects.get(stream="contacts")
    assert mark.complete_at == whole
    assert mark.changed_through > whole


def test_another_key_may_see_other_rows_so_everything_is_read(pulled: Connection) -> None:
    Connection.objects.update(key_fingerprint="of another key")

    assert contacts_run(again(pulled)).read == CONTACTS


def test_a_stream_without_a_filter_for_changes_is_read_whole(account: SandboxServer, pulled: Connection) -> None:
    pull(pulled, only=["tags"])

    run = pull(pulled, only=["tags"]).stream_runs.get()

    assert run.read == len(account.world.ids("tags"))
    assert not run.is_changes_only


def test_a_read_that_may_have_missed_rows_is_not_built_upon(account: SandboxServer, connect: Connect) -> None:
    connection = connect(account)
    account.fault("contacts", document={"contacts": [{"id": None}], "meta": {"total": "1"}}, times=None)
    assert contacts_run(connection).state == RunState.INCOMPLETE
    account.clear_faults()

    assert contacts_run(connection).read == CONTACTS


@pytest.mark.usefixtures("no_patience")
def test_a_read_of_changes_that_is_resumed_still_asks_for_changes_alone(
    account: SandboxServer, pulled: Connection
) -> None:
    StreamMark.objects.update(changed_through=timezone.now() - timedelta(days=4000))
    account.fault("contacts", status=500, body="", skip=2, times=1)
    sync = pull(pulled, only=["contacts"])
    assert sync.state == SyncState.QUEUED
    StreamMark.objects.all().delete()
    before = calls_for(account, "contacts")

    sync = take_up(sync)

    assert sync.state == SyncState.COMPLETE
    asked = [call for call in account.requests if call.place == "contacts"][before:]
    assert asked
    assert all(FILTER in call.query for call in asked)
    assert stored_ids(pulled, "contacts") == account.world.ids("contacts")


def test_the_history_says_how_many_calls_were_saved(alice_client: Client, pulled: Connection) -> None:
    sync = pull(pulled, only=["contacts", "deals"])

    assert "about 13" in alice_client.get(sync.get_absolute_url()).content.decode()
    assert "(13 saved)" in alice_client.get(f"{pulled.get_absolute_url()}syncs/").content.decode()
