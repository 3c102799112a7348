"""Fills the typed columns of rows from before their stream's facts, in pieces so small that nobody waits for one."""

import json
import logging
from collections import defaultdict
from collections.abc import Iterator

from django.db import connection as database
from django.db import transaction
from django.db.models import Q

from connections.models import Record, RowCount
from connections.models.columns import NAMES, readers
from connections.models.row_count import STIRRED
from sources.registry import all_sources
from sources.spec import Columns

log = logging.getLogger(__name__)

PIECE = 500  # Rows, of which each is read. Some hundredths of a second, for which a sync may have to wait.
CHUNK = 20  # Texts in memory at a time; each may be some megabytes.


def fill_a_piece() -> int:
    """Of one stream; returns how many rows were looked at, or 0 when there is nothing to do for now."""
    count = RowCount.objects.filter(is_unfilled()).select_related("holding__connection").order_by("pk").first()
    if count is None:
        return 0
    streams = count.holding.connection.known_source().streams
    return fill_some(count, next(one.typed for one in streams if one.key == count.stream))


def is_unfilled() -> Q:
    """Of what is shown: what was parted from is filled if somebody takes it back."""
    found = Q(pk__in=[])
    for source in all_sources().values():
        by_version = defaultdict(list)
        for stream in source.streams:
            by_version[stream.typed.version].append(stream.key)
        for version, keys in by_version.items():
            is_older = Q(filled_with__lt=version) | Q(filled_with=version, filled_to__isnull=False)
            found |= Q(holding__connection__source_key=source.key, stream__in=keys) & is_older
    return found


@transaction.atomic
def fill_some(count: RowCount, facts: Columns) -> int:
    reached = (count.filled_to or "") if count.filled_with == facts.version else ""
    rows = Record.objects.filter(holding=count.holding_id, stream=count.stream, external_id__gt=reached)
    ids = [*rows.order_by("external_id").values_list("external_id", flat=True)[:PIECE]]
    piece = rows.filter(external_id__lte=ids[-1]) if ids else rows.none()
    there = {*piece.values_list("pk", flat=True)}
    # Not waited for: a sync that writes some of them may want the others next.
    if there - {*piece.select_for_update(skip_locked=True).values_list("pk", flat=True)}:
        return 0
    filled = [[*values_in(text, facts), pk] for some in in_chunks(sorted(there)) for pk, text in texts_of(some)]
    columns = ", ".join(f"{name} = %s" for name in NAMES)
    with database.cursor() as cursor:
        cursor.executemany(f"UPDATE {Record._meta.db_table} SET {columns} WHERE id = %s", filled)  # noqa: S608  Names of ours.
    is_over = len(ids) < PIECE
    # Unless another worker was quicker.
    same = RowCount.objects.filter(pk=count.pk, filled_with=count.filled_with, filled_to=count.filled_to)
    same.update(filled_with=facts.version, filled_to=None if is_over else ids[-1])
    if is_over:
        RowCount.objects.filter(pk=count.pk).update(**STIRRED)
        log.info("the rows of a stream are filled", extra={"holding": str(count.holding_id), "stream": count.stream})
    return max(len(ids), 1)


def in_chunks(pks: list[int]) -> Iterator[list[int]]:
    return (pks[begin : begin + CHUNK] for begin in range(0, len(pks), CHUNK))


def texts_of(pks: list[int]) -> list[tuple[int, str]]:
    return [*Record.objects.filter(pk__in=pks).values_list("pk", "text")]


def values_in(text: str, facts: Columns) -> list[str | int | None]:
    row, reading = json.loads(text), readers(facts)
    return [reading[name](row) if name in reading else None for name in NAMES]
