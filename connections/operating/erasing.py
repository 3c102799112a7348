"""Erases what no connection points to any more, in pieces so small that nobody waits for one."""

import logging

from django.db import transaction

from connections.models import Change, Holding, Record

log = logging.getLogger(__name__)

MOST_EMPTY = 50  # Of set-ups that were discarded.
PIECE = 2000  # Rows. Some hundredths of a second, in which a SQLite lets nobody else write.


def erase_a_piece() -> int:
    """Of one holding, and such as are empty; returns how many rows went, or 0 when there is nothing more to erase."""
    for holding in Holding.objects.to_be_erased().order_by("created_at")[:MOST_EMPTY]:
        if gone := erase_some(holding):
            return gone
    return 0


@transaction.atomic
def erase_some(holding: Holding) -> int:
    gone = erase_rows_of(holding, Record, most=PIECE)
    gone += erase_rows_of(holding, Change, most=PIECE - gone)
    if gone < PIECE:
        holding.delete()
        log.info("what was held of an account is erased", extra={"holding": str(holding.pk)})
    return gone


def erase_rows_of(holding: Holding, model: type[Change] | type[Record], *, most: int) -> int:
    # In the order of an index that begins with the holding: by their own ids, those of all others would be read too.
    piece = model.objects.filter(holding=holding).order_by("stream", "external_id")[:most]
    gone, _ = model.objects.filter(pk__in=[*piece.values_list("pk", flat=True)]).delete()
    return gone
