"""Erases what no connection points to any more, in pieces so small that nobody waits for one."""

import logging
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from connections.models import Change, Connection, Holding, NumberDay, Record
from connections.models.holding import PIECE

log = logging.getLogger(__name__)

MOST_EMPTY = 50  # Of set-ups that were discarded.


def erase_a_piece() -> int:
    """Of one holding, and such as are empty; returns how many rows went, or 0 when there is nothing more to erase."""
    for holding in Holding.objects.to_be_cleared().order_by("created_at")[:MOST_EMPTY]:
        if gone := clear_some(holding.pk):
            return gone
    for holding in Holding.objects.to_be_erased().order_by("created_at")[:MOST_EMPTY]:
        if gone := erase_some(holding):
            return gone
    return 0


@transaction.atomic
def clear_some(pk: UUID) -> int:
    """Of the first stream that is being cleared; whoever holds it pulls it again afterwards."""
    holding = Holding.objects.select_for_update().get(pk=pk)
    stream = next(iter(holding.clearing), None)
    if stream is None:
        return 0  # Another worker was quicker.
    gone = erase_rows(holding, stream=stream)
    if gone < PIECE:
        holding.has_cleared(stream)
        Connection.objects.filter(holding=holding, next_sync_at__gt=timezone.now()).update(next_sync_at=timezone.now())
        log.info("a stream is cleared", extra={"holding": str(pk), "stream": stream})
    return gone


@transaction.atomic
def erase_some(holding: Holding) -> int:
    gone = erase_rows(holding)
    days = NumberDay.objects.filter(holding=holding).order_by("number", "kind", "by", "day")[: PIECE - gone]
    gone += NumberDay.objects.filter(pk__in=[*days.values_list("pk", flat=True)]).delete()[0]
    if gone < PIECE:
        holding.delete()
        log.info("what was held of an account is erased", extra={"holding": str(holding.pk)})
    return gone


def erase_rows(holding: Holding, **narrowed: str) -> int:
    """A piece of what it holds, of rows first; fewer when nothing is left."""
    gone = 0
    for model in (Record, Change):
        # In the order of an index that begins with the holding: by their own ids, those of all others would be read.
        rows = model.objects.filter(holding=holding, **narrowed).order_by("stream", "external_id")[: PIECE - gone]
        gone += model.objects.filter(pk__in=[*rows.values_list("pk", flat=True)]).delete()[0]
    return gone
