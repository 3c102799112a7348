"""Rows from before their sizes were kept are sized in pieces, beside syncs that write them."""

from typing import Any

import pytest
from django.db.models import Sum
from django.utils import timezone

from connections.models import Connection, Record, RowCount
from connections.models.bounds import room_of
from connections.operating import sizing
from connections.operating.sizing import size_a_piece
from tests.conftest import Connect
from tests.connections.engine import store_rows

pytestmark = pytest.mark.django_db


def as_before(connection: Connection, count: int) -> Connection:
    """Rows as an earlier version left them, the last of them gone from the account."""
    store_rows(connection, "contacts", *({"id": str(number), "note": "é" * number} for number in range(count)))
    connection.records.filter(external_id=str(count - 1)).update(deleted_at=timezone.now())
    connection.records.update(size=0, size_before=0)
    connection.row_counts.update(rows=count - 1, stored=0, bytes=0, sized_to="")
    return connection


def recounted(connection: Connection) -> tuple[int, int]:
    texts = [*connection.records.values_list("text", flat=True)]
    assert connection.records.aggregate(size=Sum("size"))["size"] == sum(len(text.encode()) for text in texts)
    return len(texts), sum(len(text.encode()) for text in texts)


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sizing, "PIECE", 4)


@pytest.mark.usefixtures("small_pieces")
def test_each_look_sizes_a_piece_until_all_are(connect: Connect) -> None:
    one, other = as_before(connect(), 10), as_before(connect(name="Other"), 4)
    assert not room_of(one).is_counted

    assert [size_a_piece() for _ in range(6)] == [4, 4, 2, 4, 0, 0]

    for connection in (one, other):
        room = room_of(connection)
        assert (room.count, room.size) == recounted(connection)
        assert room.is_counted
    assert one.row_counts.by_stream() == {"contacts": 9}


@pytest.mark.usefixtures("small_pieces")
def test_what_a_sync_writes_meanwhile_is_weighed_once(connect: Connect) -> None:
    connection = as_before(connect(), 10)
    size_a_piece()

    # Of each kind: sized already, not yet, gone and back, and new.
    rows = ({"id": one, "note": "another"} for one in ("0", "7", "9", "10", "88"))
    store_rows(connection, "contacts", *rows)
    while size_a_piece():
        pass

    room = room_of(connection)
    assert (room.count, room.size) == recounted(connection)
    assert connection.row_counts.by_stream() == {"contacts": 12}


def test_a_look_without_anything_to_size_asks_once(connect: Connect, django_assert_num_queries: Any) -> None:
    store_rows(connect(), "contacts", {"id": "1"})

    with django_assert_num_queries(1) as asked:
        assert size_a_piece() == 0

    assert Record._meta.db_table not in asked.captured_queries[0]["sql"]
    assert not RowCount.objects.unsized().exists()
