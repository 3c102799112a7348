"""What whole syncs write into the log of changes: what differs from the sync before, and nothing of the first one."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from connections.models import Change, Connection, Record, StreamMark, StreamRun, Sync
from connections.models.change import NOT_THERE, PRESENCE, THERE
from connections.models.stream_run import RunState
from connections.models.sync import SyncState, Trigger
from connections.syncing.deciding import decide
from connections.syncing.syncing import run
from sources.activecampaign.sandbox.server import SandboxServer
from tests.conftest import Connect
from tests.connections.engine import again, pull, store_rows

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_limit")]

REMEMBERED = ["deals", "contactTags", "contactLists", "contactAutomations"]
COME, GONE = (PRESENCE, NOT_THERE, THERE), (PRESENCE, THERE, NOT_THERE)


@pytest.fixture
def account(new_sandbox: Callable[..., SandboxServer]) -> SandboxServer:
    return new_sandbox(contacts=120, deals=250)


@pytest.fixture
def pulled(account: SandboxServer, connect: Connect) -> Connection:
    connection = connect(account)
    assert pull(connection, only=REMEMBERED).state == SyncState.COMPLETE
    return connection


def log(connection: Connection, stream: str) -> list[tuple[str, str, str, str]]:
    changes = connection.holding.changes.filter(stream=stream).order_by("pk")
    return [*changes.values_list("external_id", "field", "before", "after")]


def open_deals(account: SandboxServer) -> list[str]:
    return [row["id"] for row in account.world.rows("deals") if row["status"] == "0" and "stage" in row]


def test_the_first_read_of_a_stream_is_no_change(pulled: Connection) -> None:
    assert pulled.records.filter(stream="contactTags").exists()
    assert not Change.objects.exists()


def test_a_second_read_of_the_same_is_none_either(pulled: Connection) -> None:
    pull(pulled, only=REMEMBERED, full=True)

    assert not Change.objects.exists()


def test_what_changed_in_deals_is_logged_by_a_read_of_changes_alone(account: SandboxServer, pulled: Connection) -> None:
    moved, won = open_deals(account)[:2]
    stage = account.world.row("deals", moved)["stage"]
    account.world.change("deals", moved, stage="99", title="Another title")
    account.world.change("deals", won, status="1")

    assert pull(pulled, only=["deals"]).stream_runs.get().is_changes_only

    assert sorted(log(pulled, "deals")) == sorted([(moved, "stage", stage, "99"), (won, "status", "0", "1")])


def test_a_deal_that_moves_twice_between_two_syncs_has_moved_once(account: SandboxServer, pulled: Connection) -> None:
    moved = open_deals(account)[0]
    stage = account.world.row("deals", moved)["stage"]
    account.world.change("deals", moved, stage="98")
    account.world.change("deals", moved, stage="99")

    pull(pulled, only=["deals"])

    assert log(pulled, "deals") == [(moved, "stage", stage, "99")]


def test_a_new_deal_is_no_change_and_its_first_move_is_one(account: SandboxServer, pulled: Connection) -> None:
    added = account.world.insert("deals", stage="5", status="0")
    pull(pulled, only=["deals"])
    assert log(pulled, "deals") == []

    account.world.change("deals", added, stage="6")
    pull(pulled, only=["deals"])

    assert log(pulled, "deals") == [(added, "stage", "5", "6")]


def test_a_tag_that_is_put_on_and_one_that_is_taken_off_are_logged(account: SandboxServer, pulled: Connection) -> None:
    added = account.world.insert("contactTags")
    removed = account.world.ids("contactTags")[7]
    account.world.remove("contactTags", removed)

    pull(pulled, only=["contactTags"])

    assert log(pulled, "contactTags") == [(added, *COME), (removed, *GONE)]


def test_what_is_gone_is_logged_when_that_is_certain_and_not_before(account: SandboxServer, pulled: Connection) -> None:
    StreamMark.objects.update(key_fingerprint="of another person")  # Whose key may have seen more.
    gone = account.world.ids("contactTags")[10:40]
    for one in gone:
        account.world.remove("contactTags", one)

    pull(pulled, only=["contactTags"])
    assert log(pulled, "contactTags") == []
    decide(pulled, "contactTags", are_gone=True, by=pulled.created_by)

    assert sorted(log(pulled, "contactTags")) == sorted((one, *GONE) for one in gone)


def test_contacts_that_are_gone_are_marked_and_not_logged(account: SandboxServer, connect: Connect) -> None:
    connection = connect(account)
    pull(connection, only=["contacts"])
    account.world.delete_contact(account.world.ids("contacts")[3])

    pull(connection, only=["contacts"], full=True)

    assert connection.records.exclude(deleted_at=None).count() == 1
    assert not Change.objects.exists()


def test_a_tag_that_was_gone_and_is_there_again_is_logged_as_come(account: SandboxServer, pulled: Connection) -> None:
    back = account.world.ids("contactTags")[5]
    pulled.records.filter(stream="contactTags", external_id=back).update(deleted_at=pulled.created_at)

    pull(pulled, only=["contactTags"])

    assert log(pulled, "contactTags") == [(back, *COME)]


@pytest.mark.parametrize("stream", ["contactLists", "contactAutomations"])
def test_a_contact_that_leaves_a_list_or_an_automation_is_logged_by_its_status(
    account: SandboxServer, pulled: Connection, stream: str
) -> None:
    left = next(row["id"] for row in account.world.rows(stream) if row["status"] == "1")
    account.world.change(stream, left, status="2")

    pull(pulled, only=[stream])

    assert log(pulled, stream) == [(left, "status", "1", "2")]


def test_the_first_row_of_a_stream_that_was_empty_has_come(
    new_sandbox: Callable[..., SandboxServer], connect: Connect
) -> None:
    account = new_sandbox(contacts=3, deals=0)
    for one in account.world.ids("contactTags"):
        account.world.remove("contactTags", one)
    connection = connect(account)
    pull(connection, only=["contactTags"])

    added = account.world.insert("contactTags", contact=account.world.ids("contacts")[0])
    pull(connection, only=["contactTags"])

    assert log(connection, "contactTags") == [(added, *COME)]


def test_until_a_stream_was_read_to_its_end_once_no_row_has_come(account: SandboxServer, connect: Connect) -> None:
    connection = connect(account)
    store_rows(connection, "contactTags", account.world.rows("contactTags")[0])

    assert pull(connection, only=["contactTags"]).state == SyncState.COMPLETE

    assert StreamMark.objects.filter(stream="contactTags").exists()
    assert not Change.objects.exists()


def test_what_changed_since_a_first_read_that_was_not_finished_is_logged(
    account: SandboxServer, connect: Connect
) -> None:
    connection = connect(account)
    moved = open_deals(account)[0]
    before = account.world.row("deals", moved)
    store_rows(connection, "deals", before)
    account.world.change("deals", moved, stage="99")

    pull(connection, only=["deals"])

    assert log(connection, "deals") == [(moved, "stage", before["stage"], "99")]


def test_a_read_that_is_not_complete_logs_what_it_saw(account: SandboxServer, pulled: Connection) -> None:
    row = account.world.row("contactTags", account.world.ids("contactTags")[0]) | {"id": "990001"}
    account.fault("contactTags", document={"contactTags": [row], "meta": {"total": "400"}}, times=None)

    assert pull(pulled, only=["contactTags"]).stream_runs.get().state == RunState.INCOMPLETE

    assert log(pulled, "contactTags") == [("990001", *COME)]


class Killed(BaseException):
    """As when the process goes: nothing more of it runs."""


@pytest.mark.parametrize("page", [1, 2, 3])
def test_a_sync_that_is_killed_at_any_page_neither_loses_a_change_nor_logs_it_twice(
    account: SandboxServer, pulled: Connection, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    moved = open_deals(account)
    stages = {one: account.world.row("deals", one)["stage"] for one in moved}
    for one in moved:
        account.world.change("deals", one, stage="99")
    sync = Sync.objects.start(pulled, trigger=Trigger.SCHEDULE, only=["deals"], full=True)
    logged, real = [], StreamRun.count

    def die(run: StreamRun, *args: Any, **kwargs: Any) -> None:
        logged.append(Change.objects.count())
        if len(logged) == page:
            raise Killed
        real(run, *args, **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr("connections.syncing.syncing.in_batches", lambda arriving: ([one] for one in arriving))
        patched.setattr(StreamRun, "count", die)
        with pytest.raises(Killed):
            run(sync)
    assert Change.objects.count() < logged[-1]

    Sync.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    taken = Sync.objects.claim()
    assert taken is not None
    run(taken)

    assert again(sync).state == SyncState.COMPLETE
    assert sorted(log(pulled, "deals")) == sorted((one, "stage", stages[one], "99") for one in moved)


def test_a_change_is_not_stored_without_its_log(
    account: SandboxServer, pulled: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    account.world.change("deals", open_deals(account)[0], stage="99")
    before = [*Record.objects.order_by("pk").values()]

    def fail(*args: Any, **kwargs: Any) -> None:
        raise Killed

    monkeypatch.setattr("django.db.models.query.QuerySet.bulk_create", fail)
    with pytest.raises(Killed):
        run(Sync.objects.start(pulled, trigger=Trigger.SCHEDULE, only=["deals"]))

    assert [*Record.objects.order_by("pk").values()] == before
