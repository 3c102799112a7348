"""How many rows there are is kept, and always what counting them gives."""

from typing import Any

import pytest
from django.db.models import Count
from django.utils import timezone

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
