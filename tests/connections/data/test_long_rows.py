"""Rows of any length on pages: tables show their beginnings, and a page of its own shows one whole."""

import json
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from connections.models import Connection, Record, Sync
from sources.http.exact import MOST_DEEP, read
from tests.conftest import Connect
from tests.connections.data.test_data import ADDRESS, body, contact, pulled, text

LONG = 150_000
SMALL_PAGE = 100_000  # Bytes.


@pytest.fixture
def connection(connect: Connect) -> Connection:
    return connect(api_url=ADDRESS)


def long_row(number: int, letter: str = "x") -> dict[str, object]:
    fields = ("email", "firstName", "lastName", "phone", "udate")
    return {"id": str(number), **dict.fromkeys(fields, letter * LONG)}


@pytest.mark.parametrize("letter", ["x", "<", "é"])
def test_a_page_of_long_cells_is_short(bob_client: Client, connection: Connection, letter: str) -> None:
    for number in range(1, 51):
        pulled(connection, [long_row(number, letter)])

    page = bob_client.get(f"{connection.get_absolute_url()}data/contacts/").content

    assert page.decode().count("/contacts/row/?id=") == 50
    assert len(page) < SMALL_PAGE


def test_the_newest_rows_on_the_page_of_a_connection_are_cut_too(bob_client: Client, connection: Connection) -> None:
    for number in range(1, 7):
        pulled(connection, [long_row(number)])
    Sync.objects.queue(connection, trigger="first")

    page = bob_client.get(connection.get_absolute_url()).content
    part = bob_client.get(f"{connection.get_absolute_url()}progress/").content

    assert b"/contacts/row/?id=6" in part
    assert len(part) < len(page) < SMALL_PAGE


def test_long_rows_are_not_held_together(
    bob_client: Client, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, 9):
        pulled(connection, [long_row(number)])
    held: list[int] = []
    real = Record.from_db
    monkeypatch.setattr(Record, "from_db", lambda *row: held.append(len(held)) or real(*row))
    monkeypatch.setattr("connections.models.record.short", lambda value: f"{len(held)} were read")

    words = text(bob_client.get(f"{connection.get_absolute_url()}data/contacts/"))

    assert [f"{number} were read" in words for number in range(1, 9)] == [True] * 8


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("x" * 80, "x" * 80),
        ("x" * 81, f"{'x' * 79}…"),
        (["a", {"b": 1}], "[&quot;a&quot;, {&quot;b&quot;: 1}]"),
        (10**100, f"1{'0' * 78}…"),
        (False, "false"),
    ],
)
def test_a_cell_shows_the_beginning_of_a_value(
    bob_client: Client, connection: Connection, value: Any, shown: str
) -> None:
    pulled(connection, [contact(1, email=value)])

    assert f"<td>{shown}</td>" in bob_client.get(f"{connection.get_absolute_url()}data/contacts/").content.decode()


def row_page(client: Client, connection: Connection, external_id: str = "1") -> Any:
    return client.get(f"{connection.get_absolute_url()}data/contacts/row/", {"id": external_id})


def test_a_row_has_a_page_with_all_that_it_holds(bob_client: Client, connection: Connection) -> None:
    pulled(connection, [contact(1, note="x" * LONG, tags=[1.50], gone=None, firstName="<b>Zoë</b>")])

    page = row_page(bob_client, connection).content.decode()

    assert "x" * LONG in page
    assert "<dt>First name</dt><dd>&lt;b&gt;Zoë&lt;/b&gt;</dd>" in page
    assert "<dt>Tags</dt><dd>[1.5]</dd>" in page
    assert "Gone" in page.partition("1 empty field")[2]
    assert f"{ADDRESS}/api/3/contacts/1/deals" in page


def test_a_table_leads_to_the_page_of_each_row(bob_client: Client, connection: Connection) -> None:
    pulled(connection, [{"id": "a b&c/<d>"}])

    page = bob_client.get(f"{connection.get_absolute_url()}data/contacts/").content.decode()

    assert "/data/contacts/row/?id=a%20b%26c%2F%3Cd%3E" in page
    assert row_page(bob_client, connection, "a b&c/<d>").status_code == 200


def test_the_page_of_a_row_is_bounded_and_says_where_the_rest_is(bob_client: Client, connection: Connection) -> None:
    many = {f"key{key}": "value" for key in range(20_000)}
    pulled(connection, [{"id": "1", "note": "x" * 3_000_000}, {"id": "2", **many}])

    for external_id in ("1", "2"):
        page = row_page(bob_client, connection, external_id)
        assert len(page.content) < 300_000
        assert "A download of contacts as JSON lines has all of it." in text(page)


def test_a_row_that_is_gone_says_so(bob_client: Client, connection: Connection) -> None:
    pulled(connection, [contact(1)])
    Record.objects.update(deleted_at=timezone.now())

    assert "gone from the account since" in text(row_page(bob_client, connection))


def test_a_row_is_shown_when_the_address_cannot_be_opened(bob_client: Client, connection: Connection) -> None:
    pulled(connection, [contact(1)])
    Connection.objects.update(api_url="tampered")

    page = row_page(bob_client, connection)

    assert "c1@example.org" in text(page)
    assert json.dumps({"deals": "…/api/3/contacts/1/deals"}, ensure_ascii=False, separators=(",", ":")) in (
        page.content.decode().replace("&quot;", '"')
    )


@pytest.mark.parametrize("external_id", ["2", "", "x" * 5000, "\x00"])
def test_a_row_that_there_is_not_is_not_found(bob_client: Client, connection: Connection, external_id: str) -> None:
    pulled(connection, [contact(1)])

    assert row_page(bob_client, connection, external_id).status_code == 404


def test_who_may_not_see_a_connection_finds_no_row(charlie_client: Client, connection: Connection) -> None:
    pulled(connection, [contact(1)])

    assert row_page(charlie_client, connection).status_code == 404


def test_the_page_of_a_sync_names_some_of_many_rows_that_could_not_be_kept(
    bob_client: Client, connection: Connection
) -> None:
    sync = Sync.objects.queue(connection, trigger="first").take()
    unkept = [{"place": f"row {row} of 20", "why": "it has no usable id", "excerpt": "x" * 500} for row in range(1, 21)]
    for stream in (stream.key for stream in connection.known_source().streams):
        sync.stream_runs.create(stream=stream, unkept=unkept, unreadable=20)

    page = bob_client.get(sync.get_absolute_url())
    part = bob_client.get(sync.get_absolute_url(), headers={"HX-Request": "true"})

    assert "Contacts: 20 rows could not be kept" in text(page)
    assert len(part.content) < len(page.content) < SMALL_PAGE


def test_a_row_as_deep_as_is_read_stands_on_all_pages_and_in_all_files(
    bob_client: Client, connection: Connection
) -> None:
    deep = MOST_DEEP - 3
    answer = f'{{"contacts": [{{"id": "1", "email": "a@x.example", "odd": {"[" * deep}{"]" * deep}}}]}}'
    pulled(connection, read(answer)["contacts"])

    for page in ("data/contacts/", "data/contacts/row/?id=1", ""):
        assert bob_client.get(f"{connection.get_absolute_url()}{page}").status_code == 200
    for file in ("contacts.csv", "contacts.csv?shown=on&columns=email", "contacts.jsonl"):
        assert "a@x.example" in body(bob_client.get(f"{connection.get_absolute_url()}data/{file}"))
