"""The log of changes: one row for each change that a person may ask about later, and none for what is no change."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import psycopg
import pytest
from django.db import connection as database
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connections.models import Change, Holding, Record
from connections.models.change import NOT_SHOWN, NOT_THERE, PRESENCE, THERE, Memory, spelled
from connections.models.upsert import DIFFERING
from sources.activecampaign.source import source
from sources.spec import Row, Stream
from tests.conftest import Connect
from tests.storing import store_page

pytestmark = pytest.mark.django_db

ADDRESS = "https://harbourtea.api-us1.com"
DEALS, CONTACT_LISTS = source.stream("deals"), source.stream("contactLists")
assert DEALS and CONTACT_LISTS
FIELDS = Memory(fields=DEALS.remembers)
MEMBERSHIPS = Memory(fields=CONTACT_LISTS.remembers, comings=True)


@pytest.fixture
def holding(connect: Connect) -> Holding:
    holding: Holding = connect().holding
    return holding


def store(holding: Holding, *rows: Row, memory: Memory | None = FIELDS, stream: Stream | None = DEALS) -> None:
    assert stream
    store_page(holding, stream, {row["id"]: row for row in rows}, address=ADDRESS, memory=memory)


def log(holding: Holding) -> list[tuple[str, str, str, str]]:
    return [*holding.changes.order_by("pk").values_list("external_id", "field", "before", "after")]


def deal(identity: str = "1", **columns: Any) -> Row:
    return {"id": identity, "stage": "3", "status": "0", "value": "4500", "currency": "usd", "owner": "1"} | columns


# What is a change -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "after"),
    [("stage", "4"), ("status", "1"), ("value", "5000"), ("currency", "eur"), ("owner", "2"), ("owner", None)],
)
def test_a_change_of_what_a_stream_remembers_is_one_row_with_what_was_there_before(
    holding: Holding, field: str, after: str | None
) -> None:
    store(holding, deal())

    store(holding, deal(**{field: after}))

    change = holding.changes.get()
    assert (change.stream, change.external_id, change.field) == ("deals", "1", field)
    assert (change.before, change.after) == (deal()[field], after or "")
    assert change.seen_at == Record.objects.get().changed_at


def test_each_field_that_changes_is_a_row_of_its_own(holding: Holding) -> None:
    store(holding, deal(), deal("2"))

    store(holding, deal(stage="4", status="1"), deal("2", owner="7"))

    assert log(holding) == [("1", "stage", "3", "4"), ("1", "status", "0", "1"), ("2", "owner", "1", "7")]


def test_what_a_stream_does_not_remember_is_not_logged(holding: Holding) -> None:
    store(holding, deal(title="Tea for the harbour"))

    store(holding, deal(title="Tea for the whole harbour", mdate="2026-05-03"))

    assert log(holding) == []


def test_a_page_that_is_stored_without_a_memory_is_not_logged(holding: Holding) -> None:
    store(holding, deal(), memory=None)
    store(holding, deal(stage="4"), memory=None)

    assert log(holding) == []


@pytest.mark.parametrize(("one", "other"), [("1", 1), (1, 1.0), (True, "1"), (False, 0), (None, ""), ("2.5", 2.5)])
def test_another_spelling_of_the_same_value_is_no_change(holding: Holding, one: Any, other: Any) -> None:
    store(holding, deal(stage=one))
    store(holding, deal(stage=other))
    store(holding, deal(stage=one))

    assert log(holding) == []


@pytest.mark.parametrize(("one", "other"), [("1", "01"), ("", "0"), ("a", "A"), ([1, 2], [2, 1]), ("null", None)])
def test_another_value_that_looks_alike_is_a_change(holding: Holding, one: Any, other: Any) -> None:
    store(holding, deal(stage=one))
    store(holding, deal(stage=other))

    assert len(log(holding)) == 1


def test_fields_that_a_row_leaves_out_have_not_changed(holding: Holding) -> None:
    store(holding, deal())

    store(holding, {"id": "1", "title": "Old wholesale lead", "status": "0", "isDisabled": True})

    assert log(holding) == []


def test_of_fields_that_are_shown_again_the_log_says_what_they_hold_now(holding: Holding) -> None:
    store(holding, {"id": "1", "title": "Old wholesale lead", "status": "0", "isDisabled": True})

    store(holding, deal(stage="4"))

    assert ("1", "stage", NOT_SHOWN, "4") in log(holding)
    assert "status" not in {field for _, field, _, _ in log(holding)}


def test_rows_from_before_texts_were_kept_are_compared_by_what_they_hold(holding: Holding) -> None:
    store(holding, deal(stage=3), deal("2"))
    Record.objects.update(content_hash="")

    store(holding, deal(stage="3"), deal("2", stage="4"))

    assert log(holding) == [("2", "stage", "3", "4")]


# Coming and going -------------------------------------------------------------------------------------------------


def test_a_row_that_comes_is_a_change_of_a_stream_that_comes_and_goes(holding: Holding) -> None:
    store(holding, {"id": "1", "status": "1"}, memory=MEMBERSHIPS, stream=CONTACT_LISTS)

    assert log(holding) == [("1", PRESENCE, NOT_THERE, THERE)]


def test_a_new_row_of_another_stream_is_no_change(holding: Holding) -> None:
    store(holding, deal())

    assert log(holding) == []


@pytest.mark.parametrize("status", ["1", "2"])
def test_a_row_that_comes_back_is_logged_with_what_changed_meanwhile(holding: Holding, status: str) -> None:
    store(holding, {"id": "1", "status": "1"}, memory=None, stream=CONTACT_LISTS)
    Record.objects.update(deleted_at=timezone.now())

    store(holding, {"id": "1", "status": status}, memory=MEMBERSHIPS, stream=CONTACT_LISTS)

    unsubscribed = [("1", "status", "1", "2")] if status == "2" else []
    assert log(holding) == [("1", PRESENCE, NOT_THERE, THERE), *unsubscribed]


def test_a_row_that_a_walk_missed_and_that_is_seen_again_was_there_all_along(holding: Holding) -> None:
    store(holding, {"id": "1", "status": "1"}, memory=None, stream=CONTACT_LISTS)
    Record.objects.update(missed_at=timezone.now())

    store(holding, {"id": "1", "status": "1"}, memory=MEMBERSHIPS, stream=CONTACT_LISTS)

    assert log(holding) == []


# Whatever happens -------------------------------------------------------------------------------------------------

VALUES = st.sampled_from([None, "", "1", 1, 1.0, True, "2", 2, "lost"])
VERSIONS = st.fixed_dictionaries({}, optional={"status": VALUES, "stage": VALUES, "title": VALUES})
PAGES = st.lists(
    st.tuples(st.dictionaries(st.sampled_from("1234"), VERSIONS, max_size=4), st.sets(st.sampled_from("1234"))),
    min_size=1,
    max_size=6,
)
STREAM = dataclasses.replace(CONTACT_LISTS, remembers=("status", "stage"))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=st.dictionaries(st.sampled_from("1234"), VERSIONS), then=PAGES)
def test_the_log_replayed_over_what_was_read_first_gives_what_was_shown_last(
    db: None, first: Mapping[str, Row], then: list[tuple[Mapping[str, Row], set[str]]]
) -> None:
    holding = Holding.objects.create()
    history = [(first, set()), *then]
    for number, (rows, went) in enumerate(history):
        memory = Memory(fields=STREAM.remembers, comings=True) if number else None
        store_page(holding, STREAM, rows, address=ADDRESS, memory=memory)
        let_go(holding, went)

    assert replayed(holding, history) == last_shown(history)


def let_go(holding: Holding, ids: set[str]) -> None:
    """As a whole walk does it that did not see them."""
    going = holding.records.filter(external_id__in=ids, deleted_at=None)
    Change.objects.log_gone(holding, STREAM.key, [one.external_id for one in going], seen_at=timezone.now())
    going.update(deleted_at=timezone.now())


def replayed(holding: Holding, history: list[tuple[Mapping[str, Row], set[str]]]) -> dict[tuple[str, str], str]:
    """Over the first version of each row; each change has to begin with what the one before it left."""
    held = {(one, PRESENCE): THERE for one in history[0][0]}
    for rows, _ in reversed(history):
        for one, row in rows.items():
            held = {key: value for key, value in held.items() if key[0] != one or key[1] == PRESENCE}
            held |= {(one, field): spelled(row[field]) for field in STREAM.remembers if field in row}
    for change in holding.changes.order_by("pk"):
        place = change.external_id, change.field
        assert change.before in (NOT_SHOWN, held.get(place, NOT_THERE))
        held[place] = change.after
    return held


def last_shown(history: list[tuple[Mapping[str, Row], set[str]]]) -> dict[tuple[str, str], str]:
    shown: dict[tuple[str, str], str] = {}
    for rows, went in history:
        for one, row in rows.items():
            shown |= {(one, field): spelled(row[field]) for field in STREAM.remembers if field in row}
            shown[one, PRESENCE] = THERE
        shown |= {(one, PRESENCE): NOT_THERE for one in went if (one, PRESENCE) in shown}
    return shown


# What it costs ----------------------------------------------------------------------------------------------------


def test_a_page_is_looked_up_and_its_changes_written_by_two_statements_more(
    holding: Holding, django_assert_max_num_queries: Any
) -> None:
    rows = [deal(str(number)) for number in range(100)]
    store(holding, *rows)

    with django_assert_max_num_queries(2):  # What differs, and the rows.
        store(holding, *rows)
    with django_assert_max_num_queries(3):
        store(holding, *(row | {"stage": "9"} for row in rows))

    assert holding.changes.count() == 100


def test_in_a_table_without_statistics_a_row_is_looked_up_by_all_that_an_index_has(holding: Holding) -> None:
    store(holding, *(deal(str(number)) for number in range(300)))

    plan = plan_on_postgresql(holding) if database.vendor == "postgresql" else plan_on_sqlite(holding)

    # SQLite names the index of a constraint that came with its table by a number.
    by_id = "one_record_of_each_id" in plan or "sqlite_autoindex_connections_record_1" in plan
    by_length_and_id = "record_by_id_order" in plan and "(length((external_id)::text) = length(one.id))" in plan
    assert by_id or by_length_and_id
    assert "Seq Scan" not in plan and "SCAN stored" not in plan


def plan_on_postgresql(holding: Holding) -> str:
    statement: Any = f"EXPLAIN {DIFFERING['postgresql'].format(table=Record._meta.db_table)}"
    with psycopg.Cursor(database.connection) as cursor:
        cursor.execute(statement, [["1", "2"], ["a", "b"], holding.pk, "deals"])
        return str(cursor.fetchall())


def plan_on_sqlite(holding: Holding) -> str:
    statement = DIFFERING["sqlite"].format(table=Record._meta.db_table, rows="(%s, %s), (%s, %s)")
    with database.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {statement}", ["1", "a", "2", "b", holding.pk.hex, "deals"])
        return str(cursor.fetchall())


# Whose it is ------------------------------------------------------------------------------------------------------


def test_the_log_belongs_to_the_holding(connect: Connect) -> None:
    one, other = connect().holding, connect(name="Other account").holding
    store(one, deal())
    store(other, deal())

    store(one, deal(stage="4"))

    assert (len(log(one)), len(log(other))) == (1, 0)
