"""How many rows there are is kept, and always what counting them gives."""

from typing import Any

import pytest
from django.db import transaction
from django.db.models import Count, Sum
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from connections.models import Connection, Record, RowCount
from connections.models.record import RecordQuerySet
from sources.activecampaign.sandbox.server import SandboxServer
from tests.conftest import Connect
from tests.connections.engine import pull, store_rows

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_limit")]


def counted(connection: Connection) -> dict[str, int]:
    living: RecordQuerySet = connection.records.living()
    return dict(living.order_by().values_list("stream").annotate(Count("pk")))


def store(connection: Connection, *ids: int) -> None:
    store_rows(connection, "contacts", *({"id": str(one)} for one in ids))


def test_rows_that_come_stay_change_and_go_are_counted_as_they_do(sandbox: SandboxServer, connect: Connect) -> None:
    connection = connect(sandbox)
    pull(connection)
    before = connection.row_counts.by_stream()
    assert before == counted(connection)

    sandbox.world.add_contact()
    for one in sandbox.world.ids("contacts")[:3]:
        sandbox.world.delete_contact(one)
    sandbox.world.change_contact(sandbox.world.ids("contacts")[5], firstName="Renamed")
    pull(connection, full=True)

    assert connection.row_counts.by_stream() == counted(connection)
    assert connection.row_counts.by_stream()["contacts"] == before["contacts"] + 1 - 3


def test_a_row_that_comes_back_counts_again(connect: Connect) -> None:
    connection = connect()
    store(connection, 1, 2)
    RowCount.objects.note(connection.holding, "contacts", -connection.records.update(deleted_at=timezone.now()))
    assert connection.row_counts.by_stream() == {}

    store(connection, 2, 3)

    assert connection.row_counts.by_stream() == counted(connection) == {"contacts": 2}


def test_a_count_that_was_made_wrong_by_hand_ends_no_sync(connect: Connect) -> None:
    connection = connect()
    store(connection, 1)

    RowCount.objects.note(connection.holding, "contacts", -5)

    assert connection.row_counts.by_stream() == {}


def test_asking_how_many_there_are_does_not_count_them(connect: Connect, django_assert_num_queries: Any) -> None:
    connection = connect()
    store(connection, 1)

    with django_assert_num_queries(1) as asked:
        connection.row_counts.by_stream()

    assert Record._meta.db_table not in asked.captured_queries[0]["sql"]


# The room that they take ----------------------------------------------------------------------------------------------

TEXTS = st.one_of(st.text(max_size=20), st.sampled_from(["", "é" * 300, "👩‍👩‍👧", "x" * 5000, "{{ADDRESS}}"]))
WRITES = st.dictionaries(st.sampled_from("123456"), TEXTS, min_size=1)
GONE = st.frozensets(st.sampled_from("123456"), min_size=1)


def room(connection: Connection) -> tuple[int, int]:
    count = connection.row_counts.get(stream="contacts")
    return count.stored, count.bytes


def recounted(connection: Connection) -> tuple[int, int]:
    records = connection.records.filter(stream="contacts")
    # Of each text itself, or both could be wrong in the same way.
    assert [one.size for one in records.all()] == [len(one.text.encode()) for one in records.all()]
    return records.count(), records.aggregate(size=Sum("size"))["size"]


@settings(max_examples=40)
@given(steps=st.lists(st.one_of(WRITES, GONE), min_size=1, max_size=8))
def test_after_any_writes_the_room_that_is_kept_is_what_the_rows_take(
    request: pytest.FixtureRequest, steps: list[Any]
) -> None:
    with transaction.atomic():
        connection = request.getfixturevalue("connect")(name=f"Of {len(steps)}")
        for step in [{"1": "begin"}, *steps]:
            if isinstance(step, dict):
                store_rows(connection, "contacts", *({"id": one, "note": text} for one, text in step.items()))
            else:
                gone = connection.records.living().filter(external_id__in=step).update(deleted_at=timezone.now())
                RowCount.objects.note(connection.holding, "contacts", -gone)

            assert room(connection) == recounted(connection)
            assert connection.row_counts.by_stream() == counted(connection)


def test_rows_of_a_sync_that_are_new_longer_shorter_and_gone_are_weighed(
    sandbox: SandboxServer, connect: Connect
) -> None:
    connection = connect(sandbox)
    pull(connection)
    first, second, third, *_ = sandbox.world.ids("contacts")
    sandbox.world.change_contact(first, firstName="L" + "o" * 9000 + "ng")
    sandbox.world.change_contact(second, firstName="")
    sandbox.world.delete_contact(third)

    pull(connection, full=True)

    assert room(connection) == recounted(connection)
    assert room(connection)[0] == connection.row_counts.by_stream()["contacts"] + 1
