"""Rows that are gone from the account: found out by whole walks, and never taken for gone while they live."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from connections.models import Connection
from connections.models.record import RecordQuerySet
from connections.models.stream_run import RunState
from connections.models.sync import SyncState
from connections.syncing import reconciling
from sources.activecampaign.sandbox.server import SandboxServer
from sources.errors import TemporarilyDown
from tests.conftest import Connect
from tests.connections.engine import calls_for, pull, take_up

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_limit")]

STREAMS = pytest.mark.parametrize("stream", ["contacts", "contactTags"])  # By id, and by offset.


@pytest.fixture
def account(new_sandbox: Callable[..., SandboxServer]) -> SandboxServer:
    return new_sandbox(contacts=400)


@pytest.fixture
def pulled(account: SandboxServer, connect: Connect) -> Connection:
    connection = connect(account)
    assert pull(connection, only=["contacts", "contactTags"]).state == SyncState.COMPLETE
    return connection


def whole_run(connection: Connection, stream: str) -> Any:
    return pull(connection, only=[stream], full=True).stream_runs.get()


def gone_ids(connection: Connection, stream: str) -> list[str]:
    gone = connection.records.filter(stream=stream).exclude(deleted_at=None)
    return [*gone.in_id_order().values_list("external_id", flat=True)]


def single_calls(account: SandboxServer) -> list[str]:
    return [call.path for call in account.requests if call.path.rpartition("/")[2].isdigit()]


def living_ids(connection: Connection, stream: str) -> list[str]:
    living = connection.records.living().filter(stream=stream)
    return [*living.in_id_order().values_list("external_id", flat=True)]


@STREAMS
def test_few_rows_that_are_gone_are_asked_for_one_by_one_and_marked(
    account: SandboxServer, pulled: Connection, stream: str
) -> None:
    ids = account.world.ids(stream)
    gone = [ids[0], ids[150], ids[-1]]
    for one in gone:
        account.world.remove(stream, one)

    run = whole_run(pulled, stream)

    assert gone_ids(pulled, stream) == gone
    assert living_ids(pulled, stream) == account.world.ids(stream)
    assert run.deleted == 3
    assert len(single_calls(account)) == 4  # One that lives, to see whether single rows are given at all.


@STREAMS
def test_many_rows_that_are_gone_are_marked_once_twenty_of_them_were_asked_for(
    account: SandboxServer, pulled: Connection, stream: str
) -> None:
    gone = account.world.ids(stream)[50:90]
    for one in gone:
        account.world.remove(stream, one)

    run = whole_run(pulled, stream)

    assert run.deleted == 40
    assert gone_ids(pulled, stream) == gone
    assert len(single_calls(account)) == 21  # One that lives, to see whether single rows are given at all.


@STREAMS
def test_a_row_that_a_walk_missed_and_that_comes_back_is_not_gone(
    account: SandboxServer, pulled: Connection, stream: str
) -> None:
    missed, other = account.world.ids(stream)[10:12]
    pulled.records.filter(stream=stream, external_id=missed).update(missed_at=pulled.created_at)
    account.world.remove(stream, other)

    run = whole_run(pulled, stream)

    assert run.deleted == 1
    assert gone_ids(pulled, stream) == [other]
    assert not pulled.records.living().filter(stream=stream).exclude(missed_at=None).exists()


@STREAMS
def test_a_row_that_a_walk_did_not_show_but_the_account_has_is_not_gone(
    account: SandboxServer, pulled: Connection, stream: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = account.world.ids(stream)[20]
    real = reconciling.missing

    def with_a_living_row(run: Any) -> Any:
        return real(run) | reconciling.stored_before(run).filter(external_id=hidden)

    monkeypatch.setattr(reconciling, "missing", with_a_living_row)

    run = whole_run(pulled, stream)

    assert run.deleted == 0
    assert gone_ids(pulled, stream) == []
    assert pulled.records.get(stream=stream, external_id=hidden).missed_at is None


def test_a_row_that_was_gone_and_is_there_again_lives_again(account: SandboxServer, pulled: Connection) -> None:
    back = account.world.ids("contacts")[5]
    pulled.records.filter(external_id=back).update(deleted_at=pulled.created_at)

    whole_run(pulled, "contacts")

    assert living_ids(pulled, "contacts") == account.world.ids("contacts")


def test_where_single_rows_are_not_given_a_second_walk_has_to_confirm(
    account: SandboxServer, pulled: Connection
) -> None:
    one = account.world.ids("contactTags")[3]
    account.world.remove("contactTags", one)
    living = pulled.records.filter(stream="contactTags").exclude(external_id=one).first()
    for each in (one, living.external_id):
        account.fault(f"contactTags/{each}", kind="not_found", times=None)

    first, between = whole_run(pulled, "contactTags"), gone_ids(pulled, "contactTags")
    whole_run(pulled, "contactTags")

    assert (first.deleted, between) == (0, [])
    assert gone_ids(pulled, "contactTags") == [one]


def test_a_walk_that_may_have_missed_rows_marks_nothing(account: SandboxServer, pulled: Connection) -> None:
    row = account.world.row("contactTags", account.world.ids("contactTags")[0])
    account.fault("contactTags", document={"contactTags": [row], "meta": {"total": "400"}}, times=None)

    run = whole_run(pulled, "contactTags")

    assert run.state == RunState.INCOMPLETE
    assert gone_ids(pulled, "contactTags") == []
    assert not pulled.records.exclude(missed_at=None).exists()


def test_reading_changes_alone_marks_nothing(account: SandboxServer, pulled: Connection) -> None:
    account.world.remove("contacts", account.world.ids("contacts")[7])

    pull(pulled, only=["contacts"])

    assert gone_ids(pulled, "contacts") == []


def test_the_first_sync_looks_for_nothing_that_is_gone(account: SandboxServer, connect: Connect) -> None:
    connection = connect(account)

    run = whole_run(connection, "contactTags")

    assert run.deleted == 0
    assert calls_for(account, "contactTags") == run.pages


@pytest.mark.usefixtures("no_patience")
def test_an_outage_while_rows_are_confirmed_is_waited_for(account: SandboxServer, pulled: Connection) -> None:
    one = account.world.ids("contacts")[7]
    account.world.remove("contacts", one)
    account.fault(f"contacts/{one}", status=500, body="", times=1)
    before = calls_for(account, "contacts")

    sync = pull(pulled, only=["contacts"], full=True)
    assert (sync.state, gone_ids(pulled, "contacts")) == (SyncState.QUEUED, [])
    walked = calls_for(account, "contacts") - before
    assert take_up(sync).state == SyncState.COMPLETE
    assert gone_ids(pulled, "contacts") == [one]
    assert calls_for(account, "contacts") == before + walked  # It is not walked again.


@STREAMS
def test_rows_are_marked_in_pieces_and_a_stop_between_them_is_taken_up_again(
    account: SandboxServer, pulled: Connection, stream: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciling, "PIECE", 7)
    gone = account.world.ids(stream)[50:90]
    for one in gone:
        account.world.remove(stream, one)
    marked, mark = [], RecordQuerySet.mark_gone

    def stopped_at_the_third(rows: Any, *words: Any) -> int:
        marked.append(rows.count())
        if len(marked) == 3:
            raise TemporarilyDown("The worker is gone.")
        return mark(rows, *words)

    monkeypatch.setattr(RecordQuerySet, "mark_gone", stopped_at_the_third)
    sync = pull(pulled, only=[stream], full=True)
    assert (sync.state, len(gone_ids(pulled, stream))) == (SyncState.QUEUED, 14)

    assert take_up(sync).state == SyncState.COMPLETE
    assert gone_ids(pulled, stream) == gone
    assert sync.stream_runs.get().deleted == 40
    assert pulled.row_counts.by_stream()[stream] == len(account.world.ids(stream))


def test_the_syncs_page_says_how_many_rows_are_gone(
    account: SandboxServer, pulled: Connection, alice_client: Client
) -> None:
    for one in account.world.ids("contacts")[:3]:
        account.world.remove("contacts", one)

    sync = pull(pulled, only=["contacts"], full=True)

    assert 'data-label="Deleted" class="number">3<' in alice_client.get(sync.get_absolute_url()).content.decode()


def test_rows_that_are_gone_are_exported_only_when_asked_for(
    account: SandboxServer, pulled: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = account.world.ids("contacts")[0]
    account.world.remove("contacts", gone)
    whole_run(pulled, "contacts")

    call_command("export", str(pulled.pk), "contacts")
    living = capsys.readouterr().out.splitlines()
    call_command("export", str(pulled.pk), "contacts", "--deleted")
    every = capsys.readouterr().out.splitlines()

    assert (len(living), len(every)) == (399, 400)
    assert json.loads(every[0])["id"] == gone
