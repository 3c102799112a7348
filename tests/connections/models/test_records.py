"""Storing pulled rows: each as the API gave it, and no more writing than needed."""

from typing import Any

import pytest
from django.utils import timezone

from connections.models import Connection, Record
from connections.models.hidden_address import hide
from connections.models.record import row_texts
from sources.activecampaign.streams import STREAMS
from sources.spec import Row, TextRow
from tests.conftest import Connect
from tests.storing import store_page

pytestmark = pytest.mark.django_db

CONTACTS, TAGS = STREAMS[0], STREAMS[2]
ADDRESS = "https://harbourtea.api-us1.com"

Assert = Any


@pytest.fixture
def connection(connect: Connect) -> Connection:
    return connect()


def store(connection: Connection, *rows: Row, stream: Any = CONTACTS) -> tuple[int, int]:
    stored = store_page(connection.holding, stream, {row["id"]: row for row in rows}, address=ADDRESS)
    return stored.new, stored.changed


def only_row(connection: Connection) -> Row:
    return connection.records.get().row(address=ADDRESS)


ROWS: list[Row] = [
    {"id": "1", "email": "ana@x.example", "tags": [1, 2.5, None, True], "nested": {"b": 1, "a": {"": ""}}},
    {"id": "1", "name": "שלום 👩‍👩‍👧 \u202e <script>alert(1)</script> ' \" \\ \\u0041"},
    {"id": "1", "big": 12345678901234567890123, "small": 1e-300, "price": 0.1, "zero": "0000-00-00 00:00:00"},
    {"id": "1", "replaced": "a\ufffdb", "controls": "\x01\x1f\x7f\u2028"},
    {"id": "1", "links": {"self": f"{ADDRESS}/api/3/contacts/1"}, "note": f"see {ADDRESS} and {ADDRESS}/x"},
]


@pytest.mark.parametrize("row", ROWS)
def test_a_row_comes_back_exactly_as_it_came(connection: Connection, row: Row) -> None:
    store(connection, row)

    assert only_row(connection) == row


def test_the_accounts_address_is_not_stored_in_plain(connection: Connection) -> None:
    store(connection, ROWS[4])

    assert "harbourtea.api-us1.com" not in str(Record.objects.values().get())


@pytest.mark.parametrize(
    "spelling",
    [ADDRESS, ADDRESS.replace("/", "\\/"), ADDRESS.replace("h", "\\u0068", 1), ADDRESS.replace("/", "\\u002F")],
)
def test_the_accounts_address_is_stored_in_no_spelling_and_comes_back(connection: Connection, spelling: str) -> None:
    text = f'{{"id":"1","self":"{spelling}/x"}}'
    row = {"id": "1", "self": f"{ADDRESS}/x"}

    store(connection, TextRow(row, text))

    assert ADDRESS not in str(Record.objects.values().get())
    assert only_row(connection) == row


def test_a_row_is_stored_as_the_text_that_came() -> None:
    text = '{"id":"1","price":1.10,"big":1e308,"zero":-0.0,"name":"\\u00e9\\/"}'

    (stored,) = row_texts({"1": TextRow({"id": "1"}, text)}, stream=CONTACTS, address=ADDRESS)

    assert stored.text == hide(text, ADDRESS) == text


def test_new_changed_and_unchanged_rows_are_told_apart(connection: Connection) -> None:
    store(connection, {"id": "1", "name": "Ana"}, {"id": "2", "name": "Bo"})

    outcome = store(connection, {"id": "1", "name": "Ana"}, {"id": "2", "name": "Bob"}, {"id": "3", "name": "Cy"})

    assert outcome == (1, 1)
    assert {record.data["name"] for record in connection.records.all()} == {"Ana", "Bob", "Cy"}


def test_an_unchanged_row_is_not_written(connection: Connection, django_assert_max_num_queries: Assert) -> None:
    rows = [{"id": str(number), "name": "Ana"} for number in range(100)]
    store(connection, *rows)
    before = [*Record.objects.order_by("pk").values()]

    with django_assert_max_num_queries(1):
        outcome = store(connection, *rows)

    assert outcome == (0, 0)
    assert [*Record.objects.order_by("pk").values()] == before


def test_a_full_page_is_stored_with_few_queries(connection: Connection, django_assert_max_num_queries: Assert) -> None:
    # What is there, the rows, and how many there are now: the first time, that has no row yet.
    with django_assert_max_num_queries(4):
        store(connection, *({"id": str(number)} for number in range(100)))


def test_any_number_of_rows_is_stored_at_once(connection: Connection) -> None:
    rows = [{"id": str(number)} for number in range(1050)]
    store(connection, *rows[:200])

    assert store(connection, *rows) == (850, 0)
    assert connection.records.count() == 1050


def test_a_changed_row_keeps_when_it_was_first_seen(connection: Connection) -> None:
    store(connection, {"id": "1", "name": "Ana"})
    first = Record.objects.get()

    store(connection, {"id": "1", "name": "Anna"})

    changed = Record.objects.get()
    assert (changed.pk, changed.first_seen_at) == (first.pk, first.first_seen_at)
    assert changed.changed_at > first.changed_at


@pytest.mark.parametrize("name", ["Ana", "Anna"])
def test_a_row_that_was_gone_and_comes_back_lives_again(connection: Connection, name: str) -> None:
    store(connection, {"id": "1", "name": "Ana"})
    Record.objects.update(deleted_at=timezone.now())

    outcome = store(connection, {"id": "1", "name": name})

    assert outcome == (1, 0)
    assert only_row(connection)["name"] == name
    assert Record.objects.get().deleted_at is None


def test_the_same_id_in_another_stream_or_connection_is_another_row(connection: Connection, connect: Connect) -> None:
    other = connect(name="Other account")
    store(connection, {"id": "1", "of": "contacts"})
    store(connection, {"id": "1", "of": "tags"}, stream=TAGS)
    store(other, {"id": "1", "of": "the other's contacts"})

    assert Record.objects.count() == 3
    assert connection.row_counts.by_stream() == {"contacts": 1, "tags": 1}


def test_rows_are_ordered_by_their_ids_as_numbers(connection: Connection) -> None:
    store(connection, *({"id": identity} for identity in ("9", "10", "100", "2", "1")))

    ascending = [*connection.records.in_id_order().values_list("external_id", flat=True)]

    assert ascending == ["1", "2", "9", "10", "100"]
    assert [*connection.records.newest_first().values_list("external_id", flat=True)] == ascending[::-1]


def test_an_empty_page_stores_nothing(connection: Connection, django_assert_max_num_queries: Assert) -> None:
    with django_assert_max_num_queries(0):
        assert store(connection) == (0, 0)
