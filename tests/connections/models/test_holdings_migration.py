"""Rows from before there were holdings: none is lost, and the first sync says of none that it has changed."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection as database
from django.db.migrations.executor import MigrationExecutor

from connections.migrations import __name__ as migrations
from connections.models import Connection, Record
from connections.models.bounds import room_of
from connections.operating.sizing import size_a_piece
from sources.spec import Row
from tests.conftest import Connect
from tests.connections.engine import store_rows

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.scale]  # tests/upgrades has a sample.

BEFORE = [("connections", "0011_succeeded_tries")]
ROWS: list[Row] = [
    {"id": str(number), "name": f"Tea {number}", "links": {"a": "\ufdd0address\ufdd1/x"}} for number in range(7)
]


def migrate(targets: list[tuple[str, str]] | None = None) -> Any:
    """As far as there are migrations, unless told otherwise."""
    executor = MigrationExecutor(database)
    targets = targets or executor.loader.graph.leaf_nodes("connections")
    executor.migrate(targets)
    return MigrationExecutor(database).loader.project_state(targets).apps


@pytest.fixture
def back_then(connect: Connect) -> Iterator[Any]:
    """A connection, and the tables as they were."""
    connect()
    apps = migrate(BEFORE)
    try:
        yield apps
    finally:
        migrate()


def with_rows(apps: Any) -> None:
    owner = apps.get_model("connections", "Connection").objects.get()
    for row in ROWS:
        apps.get_model("connections", "Record").objects.create(
            connection=owner, stream="contacts", external_id=row["id"], data=row, content_hash="of then"
        )
    apps.get_model("connections", "RowCount").objects.create(connection=owner, stream="contacts", rows=len(ROWS))


def test_rows_move_in_pieces_to_the_holding_that_has_their_connections_id_and_a_worker_sizes_them(
    back_then: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_rows(back_then)
    monkeypatch.setattr(f"{migrations}.0013_texts.PIECE", 3)

    migrate()

    connection = Connection.objects.get()
    assert connection.holding.pk == connection.pk
    assert [json.loads(record.text) for record in connection.records.in_id_order()] == ROWS
    assert connection.row_counts.by_stream() == {"contacts": 7}
    assert {one.stream: one.was_read for one in connection.stream_healths.all()} == {
        stream.key: stream.key == "contacts" for stream in connection.streams
    }
    assert connection.stream_healths.first_late_at() == connection.late_at
    assert not room_of(connection).is_counted

    while size_a_piece():
        pass

    texts = Record.objects.values_list("text", flat=True)
    room = room_of(connection)
    assert (room.count, room.size, room.is_counted) == (7, sum(len(text.encode()) for text in texts), True)


def test_the_first_sync_afterwards_says_of_no_row_that_it_has_changed(back_then: Any) -> None:
    with_rows(back_then)
    migrate()
    connection = Connection.objects.get()
    seen = [*Record.objects.values_list("first_seen_at", "changed_at").order_by("pk")]

    store_rows(connection, "contacts", *ROWS)

    assert [*Record.objects.values_list("first_seen_at", "changed_at").order_by("pk")] == seen
    assert not Record.objects.filter(content_hash__in=["", "of then"]).exists()
    assert connection.row_counts.by_stream() == {"contacts": 7}
