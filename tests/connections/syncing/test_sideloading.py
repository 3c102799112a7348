"""What comes along with contacts makes no calls of its own, and is as right as by its own list."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F

from connections.models import Connection, Record, StreamMark, Sync, stream_mark
from connections.models.stream_run import RunState
from connections.models.sync import SyncState
from sources.activecampaign.sandbox.server import SandboxServer
from tests.conftest import Connect
from tests.connections.engine import as_stored, calls_for, pull

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_limit")]

OF_CONTACTS = ["contactTags", "contactLists", "contactAutomations", "fieldValues", "accountContacts"]
STREAMS = ["contacts", *OF_CONTACTS, "deals", "dealCustomFieldData", "accounts", "accountCustomFieldData"]
ALONG = [*OF_CONTACTS, "dealCustomFieldData", "accountCustomFieldData"]


@pytest.fixture
def account(new_sandbox: Callable[..., SandboxServer], monkeypatch: pytest.MonkeyPatch) -> SandboxServer:
    """So large that whole walks of contacts come once a week."""
    monkeypatch.setattr(stream_mark, "MANY", 100)
    return new_sandbox(contacts=150, deals=30)


@pytest.fixture
def pulled(account: SandboxServer, connect: Connect) -> Connection:
    connection = choosing(connect(account), STREAMS)
    assert pull(connection).state == SyncState.COMPLETE
    return connection


def choosing(connection: Connection, streams: list[str]) -> Connection:
    connection.stream_keys = streams
    connection.rhythms = {"accounts": ""}
    connection.save()
    return connection


def living(connection: Connection, stream: str) -> set[str]:
    return {*connection.records.living().filter(stream=stream).values_list("external_id", flat=True)}


def differing(account: SandboxServer, connection: Connection) -> list[str]:
    return [stream for stream in STREAMS if living(connection, stream) != {*account.world.ids(stream)}]


def refresh(account: SandboxServer, connection: Connection, **wanted: Any) -> Sync:
    account.reset()
    return pull(connection, **wanted)


def runs(sync: Sync) -> dict[str, Any]:
    return {run.stream: run for run in sync.stream_runs.all()}


def age(connection: Connection, days: float, *streams: str) -> None:
    marks = StreamMark.objects.filter(holding=connection.holding)
    (marks.filter(stream__in=streams) if streams else marks).update(complete_at=F("complete_at") - timedelta(days=days))


def test_once_its_list_has_proven_that_all_comes_along_it_is_not_asked_for_any_more(
    account: SandboxServer, pulled: Connection
) -> None:
    world = account.world
    for place, stream in enumerate(ALONG):
        gone, changed, *_ = world.ids(stream)[place:]
        world.remove(stream, gone)
        world.change(stream, changed)
        world.insert(stream)
    sync = refresh(account, pulled)

    assert sync.state == SyncState.COMPLETE
    assert differing(account, pulled) == []
    assert {call.place for call in account.requests} == {"contacts", "deals", "accounts"}
    assert {one.stream for one in sync.stream_runs.exclude(along="")} == {*ALONG}
    for stream in ALONG:
        run = runs(sync)[stream]
        assert (run.state, run.new, run.deleted, run.pages) == (RunState.COMPLETE, 1, 1, 0), stream
        newest = pulled.records.filter(stream=stream).newest_first().first()
        shown = shape_of(account, stream, newest.external_id)
        assert newest.row(address=account.origin) == as_stored(pulled, stream, shown)


def shape_of(account: SandboxServer, stream: str, one: str) -> Any:
    row = account.world.row(stream, one)
    if not stream.endswith("CustomFieldData"):
        return row
    ids = {name: str(value) for name, value in row.items() if name.endswith(("Id", "id"))}
    return {name: value for name, value in {**row, **ids}.items() if name != "links"}


def test_a_first_sync_of_contacts_alone_asks_for_nothing_beside_and_what_is_chosen_later_is_read_by_its_list(
    account: SandboxServer, connect: Connect
) -> None:
    connection = choosing(connect(account), ["contacts"])
    pull(connection)
    assert not any("include" in call.query for call in account.requests)
    choosing(connection, ["contacts", "contactTags"])

    first, tags = refresh(account, connection), calls_for(account, "contactTags")
    second = refresh(account, connection)

    assert (runs(first)["contactTags"].along, runs(second)["contactTags"].along) == ("", "contacts")
    assert (tags > 2, calls_for(account, "contactTags")) == (True, 0)
    assert living(connection, "contactTags") == {*account.world.ids("contactTags")}


@pytest.mark.parametrize(
    ("habits", "why"),
    [({"includes": False}, "pages they did not come along"), ({"most_included": 10}, "pages they did not come along")],
)
def test_an_account_that_leaves_out_rows_is_read_by_its_lists_at_once_and_says_why(
    account: SandboxServer, pulled: Connection, habits: dict[str, Any], why: str
) -> None:
    account.behave(**habits)
    for one in account.world.ids("contacts")[::12]:
        account.world.change("contacts", one)
    gone, *_ = account.world.ids("contactTags")
    account.world.remove("contactTags", gone)

    sync = refresh(account, pulled)

    assert sync.state == SyncState.COMPLETE
    assert runs(sync)["contactTags"].along == ""
    assert calls_for(account, "contactTags") > 2
    assert differing(account, pulled) == []
    assert why in StreamMark.objects.get(holding=pulled.holding, stream="contactTags").apart_because
    account.behave(includes=True, most_included=None)
    assert runs(refresh(account, pulled))["contactTags"].along == ""  # Until it is proven again.
    assert runs(refresh(account, pulled, full=True))["contactTags"].differed == 0
    assert runs(refresh(account, pulled))["contactTags"].along == "contacts"


def test_a_list_that_shows_what_did_not_come_along_is_read_from_then_on(
    account: SandboxServer, pulled: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An account might cut a contact's tags where the row names them, too: only its list tells."""
    table = account.world.table("contactTags")
    tied = table.tied
    monkeypatch.setattr(table, "tied", lambda column, value: tied(column, value)[:1])

    sync = refresh(account, pulled, full=True)

    assert living(pulled, "contactTags") == {*account.world.ids("contactTags")}
    assert runs(sync)["contactTags"].differed > 20
    assert "were not as they had come along" in StreamMark.objects.get(stream="contactTags").apart_because
    assert runs(refresh(account, pulled))["contactTags"].along == ""


def test_a_whole_walk_says_what_refreshes_have_missed_and_comes_more_often_where_they_have(
    account: SandboxServer, pulled: Connection
) -> None:
    account.behave(moving=[])
    for one in account.world.ids("contactTags")[:7]:
        account.world.remove("contactTags", one)
    assert runs(refresh(account, pulled))["contactTags"].missed is None
    assert differing(account, pulled) == ["contactTags"]

    age(pulled, 7.5, "contacts")
    first = runs(refresh(account, pulled))

    assert differing(account, pulled) == []
    assert (first["contacts"].is_changes_only, first["contactTags"].along) == (False, "contacts")
    assert (first["contactTags"].missed, first["contactLists"].missed) == (7, 0)
    age(pulled, 1.5, "contacts")
    assert runs(refresh(account, pulled))["contacts"].is_changes_only is False
    age(pulled, 1.5, "contacts")
    assert runs(refresh(account, pulled))["contacts"].is_changes_only is True  # Nothing was missed.


def test_what_belongs_to_a_contact_that_is_gone_goes_with_it_at_the_next_whole_walk(
    account: SandboxServer, pulled: Connection
) -> None:
    for one in account.world.ids("contacts")[40:50]:
        account.world.remove("contacts", one)
    age(pulled, 7.5, "contacts")
    age(pulled, 3, *ALONG)

    sync = refresh(account, pulled)

    assert runs(sync)["contactTags"].along == "contacts"
    assert differing(account, pulled) == []
    mark = StreamMark.objects.get(stream="contacts")
    assert mark.missed == runs(sync)["contacts"].deleted == 10


def test_what_comes_and_goes_along_stands_in_the_log_of_changes(account: SandboxServer, pulled: Connection) -> None:
    gone, left = account.world.ids("contactLists")[:2]
    account.world.remove("contactLists", gone)
    account.world.change("contactLists", left, status="2")
    came = account.world.insert("contactLists")

    refresh(account, pulled)

    told = {*pulled.holding.changes.values_list("stream", "external_id", "before", "after")}
    assert {
        ("contactLists", gone, "there", "not there"),
        ("contactLists", left, "1", "2"),
        ("contactLists", came, "not there", "there"),
    } <= told
    assert Record.objects.get(stream="contactLists", external_id=gone).deleted_at


def test_what_most_of_is_said_to_be_gone_is_not_believed_before_its_list_was_asked(
    account: SandboxServer, pulled: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An account in trouble may show nothing beside its contacts, and name nothing there."""
    monkeypatch.setattr(account.world.table("contactTags"), "tied", lambda column, value: [])
    for one in account.world.ids("contacts"):
        account.world.change("contacts", one)

    sync = refresh(account, pulled)

    assert (runs(sync)["contactTags"].along, runs(sync)["contactTags"].deleted) == ("", 0)
    assert living(pulled, "contactTags") == {*account.world.ids("contactTags")}
