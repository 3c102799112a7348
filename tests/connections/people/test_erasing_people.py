"""A person outside is found over all connections of a workspace, erased, and never comes back by a sync."""

import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection as database
from django.test import Client
from django.urls import reverse

from connections.models import (
    Change,
    Connection,
    ErasureKey,
    ErasureMark,
    Event,
    PersonErasure,
    Privacy,
    Record,
    StreamRun,
    Sync,
)
from connections.models.sync import SyncState
from connections.operating import erasing_people
from connections.operating.erasing_people import erase_people_a_piece, go_on
from connections.operating.housekeeping import keep_house
from connections.syncing.syncing import run
from sources.activecampaign.sandbox.server import SandboxServer
from tests.conftest import Connect, client_of
from tests.connections.engine import again, at_page, pull, store_rows, stored_ids, take_up

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_limit")]

ADA = "Ada.Lovelace+tea@teamail.example"
TYPED = "ada.lovelace+TEA@teamail.example"


@pytest.fixture
def account(new_sandbox: Callable[..., SandboxServer]) -> SandboxServer:
    """With Ada among its contacts, who has a deal, tags, and is named in words that others wrote."""
    account = new_sandbox(contacts=40, deals=20)
    world = account.world
    world.change("contacts", ada_in(account), email=ADA, firstName="Ada", lastName="Lovelace")
    world.change("deals", deal_of_ada(account)["id"], title="Ada Lovelace: a year of tea")
    world.change("notes", world.rows("notes")[0]["id"], note=f"Ask <{ADA.lower()}> again", reltype="Deal", relid="1")
    world.change("campaigns", world.rows("campaigns")[0]["id"], name=f"x?to={ADA.replace('@', '%40')}&y")
    return account


def ada_in(account: SandboxServer) -> str:
    tagged = {row["contact"] for row in account.world.rows("contactTags")}
    return next(row["contact"] for row in account.world.rows("deals") if row["contact"] in tagged)


def deal_of_ada(account: SandboxServer) -> dict[str, Any]:
    return next(row for row in account.world.rows("deals") if row["contact"] == ada_in(account))


def pulled(connection: Connection, *streams: str) -> Connection:
    """With all streams, or these alone."""
    connection.stream_keys = [*streams] or [stream.key for stream in connection.known_source().streams]
    connection.save()
    pull(connection)
    return connection


def work_until_done() -> None:
    while erase_people_a_piece():
        pass


def ask(client: Client, address: str = TYPED) -> PersonErasure:
    answer = client.post(reverse("connections:privacy", args=["harbour-tea"]), {"address": address})
    assert answer.status_code == 302, answer.content.decode()
    return PersonErasure.objects.latest("pk")


def press(client: Client, erasure: PersonErasure, button: str = "erase_person") -> Any:
    return client.post(reverse(f"connections:{button}", args=["harbour-tea", erasure.pk]), follow=True)


def erase(client: Client, address: str = TYPED) -> PersonErasure:
    erasure = ask(client, address)
    work_until_done()
    press(client, erasure)
    work_until_done()
    return again(erasure)


def shown(client: Client, erasure: PersonErasure) -> str:
    return client.get(erasure.get_absolute_url()).content.decode()


def places_of(text: str) -> Iterator[str]:
    """Every column of every table that holds it, in whatever capitals."""
    spellings = {text.lower(), text.lower().replace("@", "%40"), text.lower().replace("@", "\\u0040")}
    quote = database.ops.quote_name
    with database.cursor() as cursor:
        for table in database.introspection.table_names(cursor):
            for column in [one.name for one in database.introspection.get_table_description(cursor, table)]:
                cursor.execute(f"SELECT CAST({quote(column)} AS text) FROM {quote(table)}")
                values = (str(value).lower() for (value,) in cursor.fetchall() if value is not None)
                if any(spelling in value for value in values for spelling in spellings):
                    yield f"{table}.{column}"


def test_a_person_is_found_with_all_that_is_theirs_and_no_table_has_their_address_after_it_and_a_full_sync(
    account: SandboxServer, connect: Connect, alice_client: Client, bob: Any
) -> None:
    shared = pulled(connect(account, name="Tea shop"))
    hidden = pulled(connect(account, name="Bob’s own", by=bob, privacy=Privacy.PRIVATE), "contacts", "contactTags")
    ada, deal = ada_in(account), deal_of_ada(account)["id"]
    Change.objects.log_gone(shared.holding, "contactTags", stored_ids(shared, "contactTags"), seen_at=shared.created_at)
    unkept = [{"place": "the third row", "why": "it has no id", "excerpt": f'{{"email":"{ADA[:12]}'}]
    StreamRun.objects.filter(sync__connection=hidden, stream="contacts").update(unkept=unkept)
    others = Record.objects.count()

    erasure = ask(alice_client)
    work_until_done()
    page = shown(alice_client, erasure)

    assert "Tea shop" in page and "Contact tags" in page and TYPED.lower() in page
    assert "Bob’s own" not in page and account.origin.partition("://")[2] not in page
    of_hers = 1 + hidden.records.filter(stream="contactTags", parent=ada).count()
    assert f'data-label="Rows" class="number">{of_hers}</td>' in page.partition("you may not see")[2]
    assert Record.objects.count() == others, "to look changes nothing"

    press(alice_client, erasure)
    work_until_done()

    erasure = again(erasure)
    page = shown(alice_client, erasure)
    assert "Erased" in page and TYPED.lower() not in page
    assert erasure.rows > 2 * of_hers and Record.objects.count() == others - erasure.rows
    assert not Record.objects.filter(stream="contacts", external_id=ada).exists()
    assert [*places_of(ADA)] == [] and [*places_of("Lovelace")] == []
    assert StreamRun.objects.get(sync__connection=hidden, stream="contacts").unkept[0]["excerpt"] == ""
    kept = shared.records.get(stream="deals", external_id=deal)
    assert (kept.data["contact"], kept.data["title"], kept.parent, kept.label) == ("", "", None, None)
    assert shared.records.filter(stream="notes", text__contains="Ask <(erased)> again").exists()
    assert {*Change.objects.filter(stream="contactTags").values_list("external_id", flat=True)} == {
        *stored_ids(shared, "contactTags")
    }
    counted = {key: held for key, held in shared.row_counts.values_list("stream", "stored") if held}
    assert counted == {key: shared.records.filter(stream=key).count() for key in counted}
    sizes = {count.stream: count.bytes for count in shared.row_counts.all()}
    assert sizes == {key: sum(shared.records.filter(stream=key).values_list("size", flat=True)) for key in sizes}
    said = Event.objects.filter(verb="erased a person from the data of").get()
    assert said.detail == f"{erasure.rows} rows erased, {erasure.blanked} blanked."

    sync = pull(shared, full=True)

    assert sync.state == SyncState.COMPLETE
    assert Record.objects.count() == others - erasure.rows
    assert [*places_of(ADA)] == [] and [*places_of("Lovelace")] == []
    contacts = sync.stream_runs.get(stream="contacts")
    assert (contacts.left_out, contacts.new, contacts.changed, contacts.unchanged) == (1, 0, 0, 39)
    assert sync.stream_runs.get(stream="deals").changed == 0, "what is blanked is no change"
    assert "1 row left out: erased at request" in alice_client.get(sync.get_absolute_url()).content.decode()


def test_a_connection_that_is_made_later_leaves_the_person_out_with_all_that_is_theirs(
    account: SandboxServer, connect: Connect, alice_client: Client
) -> None:
    erasure = erase(alice_client)
    assert erasure.rows == 0

    related = ("contactTags", "contactLists", "deals", "fieldValues", "activities")
    later = pulled(connect(account), "contacts", *related)
    work_until_done()
    for sync in Sync.objects.active():
        take_up(sync)
    work_until_done()

    assert [*places_of(ADA)] == []
    ada = ada_in(account)
    for stream in related:
        named = [row.external_id for row in later.records.filter(stream=stream) if ada in (row.parent, row.related)]
        assert named == [], stream
    assert later.records.filter(stream="contacts").count() == 39
    assert again(erasure).needles == ""


def test_a_sync_that_is_under_way_stores_nothing_of_them_any_more(
    account: SandboxServer, connect: Connect, alice_client: Client
) -> None:
    connection = connect(account)
    erasure = ask(alice_client)
    work_until_done()

    def erase_now() -> None:
        press(alice_client, erasure)
        work_until_done()

    at_page(account, 1, erase_now)
    sync = Sync.objects.start(connection, trigger="schedule")
    run(sync)

    assert again(sync).state == SyncState.QUEUED, "it begins again where it is"
    assert take_up(sync).state == SyncState.COMPLETE or again(sync).state == SyncState.QUEUED
    work_until_done()
    for waiting in Sync.objects.active():
        take_up(waiting)
    work_until_done()
    assert [*places_of(ADA)] == []
    assert connection.records.filter(stream="contacts").count() == 39


@pytest.mark.parametrize("piece", [1, 3])
def test_an_erasure_that_is_killed_between_any_two_pieces_goes_on(
    account: SandboxServer,
    connect: Connect,
    alice_client: Client,
    monkeypatch: pytest.MonkeyPatch,
    piece: int,
) -> None:
    connection = pulled(connect(account), "contacts", "contactTags", "deals")
    for number in (1, 2, 3):
        store_rows(connection, "ecomOrders", {"id": f"9{number}", "email": ADA, "customer": "77"})
    erasure = ask(alice_client)
    work_until_done()
    press(alice_client, erasure)
    monkeypatch.setattr(erasing_people, "PIECE", 10 * piece)

    class Killed(BaseException):
        pass

    def killed(*_arguments: Any) -> None:
        raise Killed

    while again(erasure).is_under_way:
        with monkeypatch.context() as patch, pytest.raises(Killed):
            patch.setattr(PersonErasure, "save", killed)
            go_on(erasure.pk)
        go_on(erasure.pk)

    assert [*places_of(ADA)] == []
    assert again(erasure).counts[str(connection.holding_id)]["ecomOrders"] >= 3


@pytest.mark.parametrize(
    ("text", "goes"),
    [
        ("ada@x.example", True),
        ("Ada@X.example", True),
        ("ADA%40x.example", True),
        ("mailto:ada@x.example?subject=Tea", True),
        ("'ada@x.example'", True),
        ("<ada@x.example>, bo@x.example", True),
        ("ada@x.example.au", False),
        ("xada@x.example", False),
        ("bo.ada@x.example", False),
        ("bo+ada@x.example", False),
        ("o'ada@x.example", False),
        ("ada@x", False),
        ("ada x.example", False),
    ],
)
def test_it_is_this_address_that_is_blanked_and_no_other_one(
    connect: Connect, alice_client: Client, text: str, goes: bool
) -> None:
    connection = connect()
    store_rows(connection, "messages", {"id": "1", "text": {"parts": [text]}})

    erase(alice_client, "ada@x.example")

    [part] = connection.records.get(stream="messages").data["text"]["parts"]
    assert (part != text) is goes
    assert ("(erased)" in part) is goes


@pytest.mark.parametrize(
    ("stream", "row"),
    [
        ("ecomOrders", {"id": "5", "email": ADA, "customer": "9"}),
        ("notes", {"id": "5", "reltype": "Subscriber", "relid": "17"}),
        ("dealTasks", {"id": "5", "reltype": "Subscriber", "relid": 17}),
        ("bounceLogs", {"id": "5", "contact": "", "email": ADA.upper()}),
        ("emailActivities", {"id": "5", "toAddress": [f"Ada <{ADA}>"]}),
        ("contactDeals", {"id": "5", "deal": "1", "contact": "17"}),
        ("users", {"id": "5", "email": ADA}),
    ],
)
def test_what_is_theirs_goes_and_what_is_anothers_stays(
    connect: Connect, alice_client: Client, stream: str, row: dict[str, Any]
) -> None:
    connection = connect()
    store_rows(connection, "contacts", {"id": "17", "email": ADA}, {"id": "18", "email": "bo@teamail.example"})
    anothers = json.loads(json.dumps(row | {"id": "6"}).replace(ADA, "bo@teamail.example").replace("17", "18"))
    anothers |= {"email": "bo@teamail.example"} if "email" in row else {}
    store_rows(connection, stream, row, anothers)
    store_rows(connection, "notes", {"id": "99", "reltype": "Deal", "relid": "17"})

    erase(alice_client)

    assert stored_ids(connection, stream) == [*["6"], *(["99"] if stream == "notes" else [])]
    assert stored_ids(connection, "contacts") == ["18"]
    assert "99" in stored_ids(connection, "notes"), "a deal may have the number of a contact"


def test_who_may_not_administer_learns_nothing_and_changes_nothing(
    connect: Connect, alice_client: Client, bob_client: Client, charlie_client: Client
) -> None:
    store_rows(connect(), "contacts", {"id": "17", "email": ADA})
    erasure = ask(alice_client)
    work_until_done()

    page = bob_client.get(reverse("connections:privacy", args=["harbour-tea"])).content.decode()
    assert "owner or admin" in page and "Request" not in page
    for client, status in ((bob_client, 403), (charlie_client, 404)):
        assert client.post(reverse("connections:privacy", args=["harbour-tea"]), {"address": ADA}).status_code == status
        assert client.get(erasure.get_absolute_url()).status_code == status
        for button in ("erase_person", "discard_erasure"):
            assert press(client, erasure, button).status_code == status
    assert again(erasure).is_found and Record.objects.count() == 1 and PersonErasure.objects.count() == 1


def test_it_asks_who_they_are_before_it_erases_and_forgets_whom_nobody_decided_about(
    connect: Connect, alice: Any, alice_client: Client
) -> None:
    store_rows(connect(), "contacts", {"id": "17", "email": ADA})
    old = client_of(alice, logged_in_ago=3600)
    erasure = ask(old)
    work_until_done()

    assert "Confirm your password" in press(old, erasure).content.decode()
    assert again(erasure).is_found and not ErasureMark.objects.exists()

    press(alice_client, erasure, "discard_erasure")
    assert not PersonErasure.objects.exists() and Record.objects.count() == 1

    left = ask(alice_client)
    PersonErasure.objects.filter(pk=left.pk).update(asked_at=left.asked_at.replace(year=2020))
    keep_house()
    assert not PersonErasure.objects.exists()


@pytest.mark.parametrize("typed", ["", "ada", "ada@", "a/b@x.example"])
def test_what_is_no_address_that_rows_could_hold_is_said(workspace: Any, alice_client: Client, typed: str) -> None:
    answer = alice_client.post(reverse("connections:privacy", args=["harbour-tea"]), {"address": typed})

    assert answer.status_code == 200 and "field-error" in answer.content.decode()
    assert not PersonErasure.objects.exists()


def test_a_command_finds_and_erases_a_person(connect: Connect, capsys: pytest.CaptureFixture[str]) -> None:
    connection = connect()
    store_rows(connection, "contacts", {"id": "17", "email": ADA}, {"id": "18", "email": "bo@teamail.example"})

    call_command("erase_person", "harbour-tea", TYPED)
    assert "1 row of contacts" in capsys.readouterr().out and stored_ids(connection, "contacts") == ["17", "18"]

    call_command("erase_person", "harbour-tea", TYPED, "--yes")
    assert stored_ids(connection, "contacts") == ["18"]
    with pytest.raises(CommandError, match="no workspace"):
        call_command("erase_person", "elsewhere", TYPED)
    with pytest.raises(CommandError, match="address"):
        call_command("erase_person", "harbour-tea", "ada")


def test_who_was_erased_after_a_backup_is_erased_again_when_that_is_restored(
    connect: Connect, alice_client: Client, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = connect()
    rows: list[dict[str, Any]] = [{"id": "17", "email": ADA}, {"id": "18", "email": "bo@teamail.example"}]
    store_rows(connection, "contacts", *rows)
    erase(alice_client)
    call_command("erased_people")
    written = capsys.readouterr().out
    assert TYPED.lower() not in written.lower() and json.loads(written)["marks"]

    PersonErasure.objects.all().delete()
    ErasureKey.objects.all().delete()
    store_rows(connection, "contacts", *rows)
    store_rows(connection, "contactTags", {"id": "3", "contact": "17"}, {"id": "4", "contact": "18"})
    store_rows(connection, "messages", {"id": "5", "text": f"to {ADA}"})
    for _ in range(2):
        monkeypatch.setattr("sys.stdin", io.StringIO(written))
        call_command("erased_people", "--replay")
    work_until_done()

    assert stored_ids(connection, "contacts") == ["18"] and stored_ids(connection, "contactTags") == ["4"]
    assert [*places_of(ADA)] == []
    assert PersonErasure.objects.count() == 1, "a second time there is nobody whom it does not know"
    monkeypatch.setattr("sys.stdin", io.StringIO("[1]"))
    with pytest.raises(CommandError, match="not what"):
        call_command("erased_people", "--replay")
