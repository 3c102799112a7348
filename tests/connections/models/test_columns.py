"""Typed columns: what stands beside a row's text, read from it by the facts of its stream."""

import hashlib
import json
import sqlite3
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.db import connection as database
from django.db.models import Sum
from hypothesis import given
from hypothesis import strategies as st

from connections.models import Connection
from connections.models.columns import LONGEST_LABEL, LONGEST_SEARCH, NAMES, readers, values_of
from connections.models.hidden_address import ADDRESS_MARK, hide
from sources.activecampaign.source import source
from sources.spec import Columns, Row, Stream, text_of
from tests.conftest import Connect
from tests.storing import store_page

PAYLOADS = Path(__file__).parents[2] / "sources" / "activecampaign" / "payloads"
ADDRESS = "https://harbourtea.api-us1.com"


def stream_of(key: str) -> Stream:
    stream = source.stream(key)
    assert stream is not None
    return stream


def recorded(name: str, envelope: str, place: int = 0) -> Row:
    return json.loads((PAYLOADS / f"{name}.json").read_text())[envelope][place]


def read(row: Row, facts: Columns) -> dict[str, Any]:
    (values,) = values_of([row], [hide(text_of(row), ADDRESS)], facts, address=ADDRESS)
    return {name: value for name, value in zip(readers(facts), values, strict=True) if value is not None}


RECORDED = {
    ("contacts_list", "contacts"): {
        "label": "Léa Moreau",
        "search": "lea moreau person101@example.org",
        "happened_at": "2026-03-02 15:14:11",
    },
    ("contactTags_list", "contactTags"): {"happened_at": "2026-04-01 07:03:04", "parent": "101", "related": "9"},
    ("contactAutomations_list", "contactAutomations"): {
        "happened_at": "2026-03-02 15:14:13",
        "ended_at": "2026-03-09 15:14:13",
        "choice": "2",
        "parent": "101",
        "related": "2",
    },
    ("ecomOrders_list", "ecomOrders"): {
        "label": "90017",
        "search": "90017 person101@example.org",
        "happened_at": "2026-06-01 21:41:39",
        "amount": 4599,
        "currency": "USD",
        "choice": "1",
        "parent": "5",
        "related": "1",
    },
    ("segments_list", "segments"): {"search": "", "happened_at": "2026-02-02 16:00:00"},
    ("campaigns_list", "campaigns"): {
        "label": "Spring flush",
        "search": "spring flush",
        "happened_at": "2026-04-12 15:00:00",
        "ended_at": "2026-04-12 15:21:44",
        "amount": 780,
        "choice": "5",
        "owner": "3",
    },
}


@pytest.mark.parametrize(("name", "envelope"), RECORDED)
def test_a_recorded_row_gives_its_columns(name: str, envelope: str) -> None:
    assert read(recorded(name, envelope), stream_of(envelope).typed) == RECORDED[name, envelope]


def test_a_deal_has_a_value_in_hundredths_and_a_disabled_one_has_none() -> None:
    rows = json.loads((PAYLOADS / "deals_list.json").read_text())["deals"]
    whole = next(row for row in rows if row.get("value"))
    disabled = next(row for row in rows if row.get("isDisabled"))

    values = read(whole, stream_of("deals").typed)

    assert values["amount"] == int(whole["value"])
    assert values["currency"] == whole["currency"].upper()
    assert (values["choice"], values["parent"], values["owner"]) == (whole["status"], whole["contact"], whole["owner"])
    assert read(disabled, stream_of("deals").typed).keys() == {"label", "search", "choice"}


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("2024-11-28T19:41:00-06:00", "2024-11-29 01:41:00"),
        ("2024-11-28 19:41:00", "2024-11-29 01:41:00"),  # Where the facts say US Central, in winter
        ("2024-06-28 19:41:00", "2024-06-29 00:41:00"),  # and in summer.
        ("2024-11-28T19:41:00Z", "2024-11-28 19:41:00"),
        ("2023-08-08T20:01:42.001751329Z", "2023-08-08 20:01:42.001751"),
        ("2024-11-28", "2024-11-28 06:00:00"),
        *((none, None) for none in ("", None, "0000-00-00", "0000-00-00 00:00:00", "0000-00-00T00:00:00-06:00")),
        *((none, None) for none in ("1969-12-31", "1969-12-31T18:00:00-06:00", "9999-12-31T23:59:59-12:00")),
        *((odd, None) for odd in ("2024-02-30 00:00:00", "soon", 1732844460, "1732844460", True, [], {"a": 1}, 1.5)),
    ],
)
def test_moments_are_read_in_each_form(written: Any, stored: str | None) -> None:
    facts = Columns(happened_at="at", zone="America/Chicago")

    assert read({"at": written}, facts).get("happened_at") == stored


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        *((as_is, int(as_is)) for as_is in ("14700", "0", "-500", 14700, "999999999999999", -999999999999999)),
        ("14700.00", 14700),
        *((none, None) for none in ("", None, "14700.5", "1e3", 1.5, 14700.0, [], {}, "12,50", "٣", " 1")),
        *((much, None) for much in (10**15, "1000000000000000", "9" * 400, 10**400, -(10**15))),
    ],
)
def test_amounts_are_exact_or_none(written: Any, stored: int | None) -> None:
    assert read({"value": written}, Columns(amount="value")).get("amount") == stored


@pytest.mark.parametrize(
    ("field", "written", "stored"),
    [
        *(("currency", code, "EUR") for code in ("eur", "EUR", "Eur")),
        *(("currency", odd, None) for odd in ("", None, "€", "euro", 978, "eu1")),
        *(("choice", code, str(code)) for code in ("2", 2, "SubscriberEmail", "48.1", "deal stage")),
        ("choice", True, "1"),
        *(("choice", odd, None) for odd in ("", None, 1.5, [], " ", "x" * 61, f"{ADDRESS}/x", "a\nb")),
        *(("parent", one, str(one)) for one in ("13381", 13381, "5f2b7f64-6f0b-4e0a-9f0f-000000000000")),
        *(("parent", none, None) for none in ("0", 0, "", None, "x" * 65, {"type": "deal", "id": "6"})),
    ],
)
def test_codes_and_ids_are_read_or_none(field: str, written: Any, stored: str | None) -> None:
    assert read({"it": written}, Columns(**{field: "it"})).get(field) == stored


def test_a_label_falls_back_and_is_one_line() -> None:
    facts = stream_of("contacts").typed

    assert read({"firstName": " ", "lastName": None, "email": "ana@x.example"}, facts)["label"] == "ana@x.example"
    assert read({"firstName": "Ana\n Maria", "lastName": " Sol "}, facts)["label"] == "Ana Maria Sol"
    assert len(read({"firstName": "ä" * 5000}, facts)["label"]) == LONGEST_LABEL
    assert len(read({"firstName": "a " * 5000}, facts)["search"]) == LONGEST_SEARCH


@pytest.mark.parametrize(
    ("written", "looked_into"),
    [
        ("Anaïs  الحداد", "anais الحداد"),
        ("Søren STRAẞE", "søren strasse"),
        ("김민준", "김민준"),
        ("Nguyễn", "nguyen"),
        ("", ""),
        (None, ""),
    ],
)
def test_what_is_looked_into_has_neither_capitals_nor_accents(written: Any, looked_into: str) -> None:
    assert read({"title": written}, stream_of("dealGroups").typed)["search"] == looked_into


WORDS = [
    "a",
    " ",
    "\n",
    ADDRESS,
    f"{ADDRESS}/x",
    ADDRESS.upper(),
    "\ufdd0",
    "\ufdd1",
    "é",
    '"',
    "\\",
    "x" * 190,
    "y" * 990,
]
texts = st.lists(st.sampled_from(WORDS), max_size=4).map("".join)
values = st.one_of(texts, st.sampled_from([None, 0, 7, True, 1.5, [], {"a": ADDRESS}]))


@given(st.lists(st.fixed_dictionaries(dict.fromkeys("abcd", values)), max_size=4), st.booleans())
def test_columns_are_as_the_stored_text_has_them(rows: list[Row], slashed: bool) -> None:
    facts = Columns(label=("a", "b"), label_else="c", search=("a", "b", "c"), choice="d", parent="b", amount="d")
    written = [text_of(row).replace("/", r"\/") if slashed else text_of(row) for row in rows]
    stored = [hide(text, ADDRESS) for text in written]

    found = values_of(rows, stored, facts, address=ADDRESS)

    assert found == [tuple(read(json.loads(text)) for read in readers(facts).values()) for text in stored]
    # Where a row shouts the address, its text does so too: what is looked into is that in small letters.
    shouted = any("HARBOURTEA.API-US1.COM" in text for text in stored)
    assert shouted or ADDRESS not in str(found)


def digest(facts: dict[str, Columns]) -> str:
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:12]


def test_facts_are_numbered_anew_when_they_change() -> None:
    """Rows that are stored keep the columns of before until their stream's version is raised."""
    facts = {stream.key: stream.typed for stream in source.streams}

    assert all(one.version for one in facts.values())
    assert digest(facts) == "d0640dc9c574", (
        "Raise the version of the stream whose facts changed, then put the new digest."
    )


@pytest.fixture
def connection(connect: Connect) -> Connection:
    return connect()


def store(connection: Connection, key: str, *rows: Row) -> None:
    by_id = {row["id"]: row for row in rows}
    store_page(connection.holding, stream_of(key), by_id, address=ADDRESS)


@pytest.mark.django_db
def test_columns_are_written_with_the_row_and_change_with_it(connection: Connection) -> None:
    deal = {
        "id": "1",
        "title": f"Tea for {ADDRESS}",
        "value": "14700",
        "currency": "usd",
        "cdate": "2024-11-28T19:41:00-06:00",
    }

    store(connection, "deals", deal, {"id": "2"}, {"id": "3", "value": "-300"})
    first = connection.records.get(external_id="1")
    store(connection, "deals", deal | {"value": "", "owner": "3", "cdate": "0000-00-00 00:00:00"})
    second = connection.records.get(external_id="1")

    assert (first.label, first.amount, first.currency, first.owner) == (f"Tea for {ADDRESS_MARK}", 14700, "USD", None)
    assert first.happened_at == datetime(2024, 11, 29, 1, 41, tzinfo=UTC)
    assert (second.label, second.amount, second.happened_at, second.owner) == (first.label, None, None, "3")
    empty = connection.records.get(external_id="2")
    assert {name: getattr(empty, name) for name in NAMES} == dict.fromkeys(NAMES) | {"search": ""}
    assert connection.records.filter(amount__lt=0).get().external_id == "3"
    assert ADDRESS not in str([*connection.records.values()])


@pytest.mark.django_db
def test_a_sum_of_amounts_is_exact(connection: Connection) -> None:
    store(connection, "deals", *({"id": str(number), "value": str(10**15 - 1)} for number in range(1, 12)))

    assert connection.records.aggregate(sum=Sum("amount"))["sum"] == 11 * (10**15 - 1)


@pytest.mark.django_db
def test_rows_are_in_the_order_of_their_moments(connection: Connection) -> None:
    dates = (
        "2024-11-28T19:41:00-06:00",
        "2024-11-29T01:40:59Z",
        "2024-11-29T02:41:00.5+01:00",
        "2024-11-29T03:00:00+01:00",
    )
    store(connection, "contacts", *({"id": str(place), "cdate": date} for place, date in enumerate(dates)))

    found = [*connection.records.order_by("happened_at").values_list("external_id", "happened_at")]

    assert [external_id for external_id, _ in found] == ["1", "0", "2", "3"]
    assert all(one < other for (_, one), (_, other) in pairwise(found))


@pytest.mark.django_db
def test_a_sqlite_that_takes_few_values_stores_all_the_same(connection: Connection) -> None:
    if database.vendor != "sqlite":
        pytest.skip("PostgreSQL takes arrays.")
    before = database.connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 999)
    try:
        store(connection, "deals", *({"id": str(number), "title": f"Deal {number}"} for number in range(250)))
    finally:
        database.connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, before)

    assert connection.records.filter(label__startswith="Deal ").count() == 250
