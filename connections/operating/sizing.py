"""Counts the room of rows from before their sizes were kept, in pieces so small that nobody waits for one."""

import logging

from django.db import transaction
from django.db.models import BigIntegerField, Count, Func, Sum

from connections.models import Record, RowCount
from connections.models.holding import PIECE

log = logging.getLogger(__name__)


class Bytes(Func):
    """How many a text takes as UTF-8."""

    function = "octet_length"
    output_field = BigIntegerField()

    def as_sqlite(self, compiler, connection, **context):
        # Its octet_length is younger than the oldest SQLite that Django takes.
        return self.as_sql(compiler, connection, template="length(CAST(%(expressions)s AS BLOB))", **context)


def size_a_piece() -> int:
    """Of one stream; returns how many rows were looked at, or 0 when there is nothing to do for now."""
    count = RowCount.objects.unsized().order_by("pk").first()
    return size_some(count) if count else 0


@transaction.atomic
def size_some(count: RowCount) -> int:
    rows = Record.objects.filter(holding=count.holding_id, stream=count.stream, external_id__gt=count.sized_to)
    ids = [*rows.order_by("external_id").values_list("external_id", flat=True)[:PIECE]]
    piece = rows.filter(external_id__lte=ids[-1]) if ids else rows.none()
    there = {*piece.values_list("pk", flat=True)}
    # Not waited for: a sync that writes some of them may want the others next.
    if there - {*piece.select_for_update(skip_locked=True).values_list("pk", flat=True)}:
        return 0
    unsized = piece.filter(size=0)
    found = unsized.aggregate(rows=Count("pk"), bytes=Sum(Bytes("text"), default=0))
    unsized.update(size=Bytes("text"))
    RowCount.objects.note(count.holding, count.stream, 0, stored=found["rows"], size=found["bytes"])
    is_over = len(ids) < PIECE
    RowCount.objects.filter(pk=count.pk).update(sized_to=None if is_over else ids[-1])
    if is_over:
        log.info("the rows of a stream are sized", extra={"holding": str(count.holding_id), "stream": count.stream})
    return len(ids)
