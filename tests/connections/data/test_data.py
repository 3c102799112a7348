"""The pages about what was pulled, and the downloads."""

import json
import re
from typing import Any

import pytest
from django.test import Client

from connections.models import Connection, Event, Record, Sync, User
from connections.models.hidden_address import ADDRESS_MARK
from sources.registry import get_source
from sources.spec import Row, Stream
from tests.conftest import Connect
from tests.storing import store_page

ADDRESS = "https://harbourtea.api-us1.com"


def text(response: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def body(response: Any) -> str:
    """What was sent, without the byte order mark that tables begin with."""
    return b"".join(response.streaming_content).decode("utf-8-sig")


def stream_of(key: str) -> Stream:
    source = get_source("activecampaign")
    assert source is not None
    stream = source.stream(key)
    assert stream is not None
    return stream


def pulled(connection: Connection, rows: list[Row], key: str = "contacts") -> None:
    """Rows stored as a sync stores them."""
    by_id = {str(row["id"]): row for row in rows}
    store_page(connection.holding, stream_of(key), by_id, address=ADDRESS)


def contact(number: int, **columns: object) -> Row:
    links = {"deals": f"{ADDRESS}/api/3/contacts/{number}/deals"}
    return {"id": str(number), "email": f"c{number}@example.org", "links": links, **columns}


@pytest.fixture
def connection(connect: Connect) -> Connection:
    connection = connect(api_url=ADDRESS)
    connection.stream_healths.update(read_at=None)
    return connection


def test_the_data_page_lists_the_streams_with_their_counts(bob_client: Client, connection: Connection) -> None:
    pulled(connection, [contact(number) for number in range(3)])

    words = text(bob_client.get(f"{connection.get_absolute_url()}data/"))

    size = sum(len(text.encode()) for text in Record.objects.values_list("text", flat=True))
    assert f"how to reach them. 3 – {size} bytes CSV" in words
    assert "with whom. 0 – 0 bytes CSV" in words
    assert f"In all 3 {size} bytes" in words


def test_the_data_page_weighs_rows_that_are_gone_and_says_so(bob_client: Client, connection: Connection) -> None:
    pulled(connection, [{"id": "1", "note": "x" * 1100}])
    pulled(connection, [{"id": "1"}], key="tags")
    connection.stream_keys = ["contacts"]
    connection.save()
    connection.records.update(deleted_at=connection.created_at)
    connection.row_counts.update(rows=0)

    words = text(bob_client.get(f"{connection.get_absolute_url()}data/"))

    assert "how to reach them. 0 – 1.1 KB" in words
    assert "how many have each. 0 – 10 bytes" in words
    assert "Rows that are gone from the account are kept: they count as size, and not as rows." in words


def test_markup_in_the_data_is_shown_as_text(bob_client: Client, connection: Connection) -> None:
    pulled(connection, [contact(1, email="<script>alert(1)</script>")])

    assert "<script>alert" not in bob_client.get(f"{connection.get_absolute_url()}data/contacts/").content.decode()


@pytest.mark.parametrize(
    "page", ["data/nonsense/", "data/nonsense.csv", "data/nonsense.jsonl", "syncs/1/", "syncs/99/"]
)
def test_a_stream_or_sync_that_does_not_exist_is_not_found(
    bob_client: Client, connection: Connection, page: str
) -> None:
    assert bob_client.get(f"{connection.get_absolute_url()}{page}").status_code == 404
    assert not Event.objects.filter(verb="exported").exists()


def test_a_sync_is_told_with_its_numbers(bob_client: Client, bob: User, connection: Connection) -> None:
    sync = Sync.objects.queue(connection, trigger="person", by=bob).take()
    sync.stream_runs.create(stream="contacts", state="complete", read=1200, new=1000, changed=150)
    sync.hold(calls=12)
    sync.finish("partly_done", "One stream was refused.")

    for page in ("syncs/", "syncs/1/"):
        words = text(bob_client.get(f"{connection.get_absolute_url()}{page}"))
        for fact in (
            "Sync now, Bob Lindqvist",
            "Partly done",
            "One stream was refused.",
            "1,200",
            "1,000",
            "150",
            "12",
        ):
            assert fact in words


# Downloads --------------------------------------------------------------------------------------------------------


def test_json_lines_are_the_rows_as_the_api_gave_them_in_the_order_of_their_numbers(
    bob_client: Client, connection: Connection
) -> None:
    rows = [contact(number, note=f"see {ADDRESS}/x", score=number, empty=None) for number in (100, 9, 20)]
    pulled(connection, rows)

    response = bob_client.get(f"{connection.get_absolute_url()}data/contacts.jsonl")

    lines = body(response).splitlines()
    assert [json.loads(line) for line in lines] == [rows[1], rows[2], rows[0]]
    assert [*json.loads(lines[0])] == [*rows[1]]
    assert response["Content-Disposition"] == 'attachment; filename="main-account-contacts.jsonl"'
    assert response["Cache-Control"] == "no-store, private"


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("Müller & Söhne / shop", "muller-sohne-shop-contacts.csv"),
        ('a"b\\c;d', "abcd-contacts.csv"),
        ("株式会社", "activecampaign-contacts.csv"),
    ],
)
def test_a_download_is_named_after_its_connection_in_plain_letters(
    bob_client: Client, connection: Connection, name: str, file: str
) -> None:
    Connection.objects.update(name=name)

    response = bob_client.get(f"{connection.get_absolute_url()}data/contacts.csv")

    assert response["Content-Disposition"] == f'attachment; filename="{file}"'


@pytest.mark.parametrize(("format", "begins"), [("csv", b"\xef\xbb\xbf"), ("jsonl", b'{"id"')])
def test_a_table_says_to_excel_that_it_is_unicode_and_json_lines_say_nothing(
    bob_client: Client, connection: Connection, format: str, begins: bytes
) -> None:
    pulled(connection, [contact(1, name="Zoë")])

    response: Any = bob_client.get(f"{connection.get_absolute_url()}data/contacts.{format}")

    assert b"".join(response.streaming_content).startswith(begins)


def test_the_accounts_address_is_not_in_the_database_in_plain(connection: Connection) -> None:
    pulled(connection, [contact(1)])

    stored = json.dumps([*Record.objects.values_list("text", flat=True)], ensure_ascii=False)

    assert "harbourtea.api-us1.com" not in stored
    assert ADDRESS_MARK in stored


def test_a_download_is_refused_in_words_when_the_address_cannot_be_opened(
    bob_client: Client, connection: Connection
) -> None:
    pulled(connection, [contact(1)])
    Connection.objects.update(api_url="tampered")

    for format in ("csv", "jsonl"):
        response = bob_client.get(f"{connection.get_absolute_url()}data/contacts.{format}", follow=True)

        assert "The stored address cannot be read any more" in text(response)
    assert not Event.objects.filter(verb="exported").exists()


def test_a_look_at_a_downloads_headers_is_no_export(bob_client: Client, connection: Connection) -> None:
    pulled(connection, [contact(1)])
    address = f"{connection.get_absolute_url()}data/contacts.csv"

    looked = bob_client.head(address)
    assert looked["Content-Disposition"].startswith("attachment")
    assert not Event.objects.filter(verb="exported").exists()

    body(bob_client.get(address))
    assert Event.objects.filter(verb="exported").count() == 1
