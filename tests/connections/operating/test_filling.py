"""Typed columns of rows from before their facts are filled in pieces, beside syncs that write them."""

import sys
from dataclasses import replace
from typing import Any

import pytest

from connections.models import Connection, Holding, Record
from connections.models.columns import NAMES
from connections.operating import filling
from connections.operating.filling import fill_a_piece
from sources.activecampaign.source import source
from sources.registry import all_sources
from tests.conftest import Connect
from tests.connections.engine import again, store_rows

pytestmark = pytest.mark.django_db

EMPTY = dict.fromkeys(NAMES)


def contact(number: int, name: str = "Ana") -> dict[str, Any]:
    cdate = f"2024-11-{number + 1:02}T19:41:00-06:00"
    return {
        "id": str(number),
        "firstName": name,
        "lastName": str(number),
        "email": f"{number}@x.example",
        "cdate": cdate,
    }


def as_before(connection: Connection, count: int) -> Connection:
    """Rows as the version before typed columns left them."""
    store_rows(connection, "contacts", *map(contact, range(count)))
    connection.records.update(**EMPTY)
    connection.row_counts.update(filled_with=0)
    return connection


def columns(connection: Connection) -> dict[str, tuple[Any, ...]]:
    return {record["external_id"]: tuple(record[name] for name in NAMES) for record in connection.records.values()}


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filling, "PIECE", 4)


def change_facts(monkeypatch: pytest.MonkeyPatch, **facts: Any) -> None:
    streams = tuple(
        replace(one, facts=replace(one.facts, **facts)) if one.key == "contacts" else one for one in source.streams
    )
    monkeypatch.setitem(all_sources(), source.key, replace(source, streams=streams))


@pytest.mark.usefixtures("small_pieces")
def test_each_look_fills_a_piece_until_all_are(connect: Connect) -> None:
    one = connect()
    store_rows(one, "contacts", *map(contact, range(10)))
    right = columns(one)
    as_before(one, 10)

    assert [fill_a_piece() for _ in range(4)] == [4, 4, 2, 0]

    assert columns(one) == right
    assert right["3"][0] == "Ana 3"


@pytest.mark.usefixtures("small_pieces")
def test_what_a_sync_writes_meanwhile_is_right(connect: Connect) -> None:
    connection = as_before(connect(), 10)
    fill_a_piece()

    # Of each kind: filled already, not yet, and new at both ends.
    store_rows(connection, "contacts", *(contact(number, "Bo") for number in (0, 7, 9, 10, 88 % 28)))
    while fill_a_piece():
        pass

    labels = {key: values[0] for key, values in columns(connection).items()}
    assert labels == {str(number): f"{'Bo' if number in (0, 7, 9, 10, 4) else 'Ana'} {number}" for number in range(11)}


@pytest.mark.usefixtures("small_pieces")
def test_a_kill_in_the_middle_of_a_piece_leaves_that_piece_to_be_done(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = as_before(connect(), 6)
    whole, done = filling.values_in, iter(range(6))
    monkeypatch.setattr(filling, "values_in", lambda *row: whole(*row) if next(done) < 5 else sys.exit())
    fill_a_piece()
    with pytest.raises(SystemExit):
        fill_a_piece()
    assert sum(values[0] is not None for values in columns(connection).values()) == 4

    monkeypatch.setattr(filling, "values_in", whole)
    while fill_a_piece():
        pass

    assert {values[0] for values in columns(connection).values()} == {f"Ana {number}" for number in range(6)}


@pytest.mark.usefixtures("small_pieces")
def test_facts_that_change_again_half_way_begin_anew(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = as_before(connect(), 10)
    fill_a_piece()

    change_facts(monkeypatch, version=3, label=("email",), fields=())
    while fill_a_piece():
        pass

    found = columns(connection)
    assert {values[0] for values in found.values()} == {f"{number}@x.example" for number in range(10)}
    assert {values[NAMES.index("happened_at")] for values in found.values()} == {None}
    assert connection.row_counts.get().filled_with == 3


def test_an_older_version_beside_a_newer_one_changes_nothing(connect: Connect) -> None:
    connection = connect()
    store_rows(connection, "contacts", contact(1))
    connection.row_counts.update(filled_with=7)

    assert fill_a_piece() == 0
    assert connection.row_counts.get().filled_with == 7


def test_rows_that_came_filled_are_not_looked_at(connect: Connect, django_assert_num_queries: Any) -> None:
    store_rows(connect(), "contacts", contact(1))

    with django_assert_num_queries(1) as asked:
        assert fill_a_piece() == 0

    assert Record._meta.db_table not in asked.captured_queries[0]["sql"]


def test_what_is_hidden_is_filled_when_it_is_taken_back(connect: Connect) -> None:
    connection = as_before(connect(), 2)
    former = connection.holding
    connection.holding = Holding.objects.create()
    connection.save()
    assert fill_a_piece() == 0

    connection.holding = former
    connection.save()

    assert fill_a_piece() == 2
    assert columns(again(connection))["1"][0] == "Ana 1"
