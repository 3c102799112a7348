"""What is kept for so many days, by the settings, and then forgotten: in pieces, so that nobody waits for one."""

import logging
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Exists, Model, OuterRef, QuerySet
from django.utils import timezone

from connections.models import Change, Event, Holding, Record, RowCount, Sync
from connections.models.holding import PIECE

log = logging.getLogger(__name__)

MOST_PIECES = 50  # Of each kind at a time: what is due waits for no more than some seconds.
SYNCS = PIECE // 20  # Each has a run for every stream.


def forget_outdated() -> None:
    """What is left of a kind after so many pieces is for the next time."""
    now = timezone.now()
    for what, forget_a_piece, days in kept():
        gone = forget_some(forget_a_piece, before=now - timedelta(days=days)) if days else 0
        if gone:
            log.info("what is old is forgotten", extra={"what": what, "rows": gone})


def kept() -> list[tuple[str, Callable[[datetime], int], int]]:
    """What there is, what forgets a piece of it, and for how many days it is kept; 0 is for ever."""
    return [
        ("syncs", forget_syncs, settings.SYNCS_KEPT_DAYS),
        ("trail", forget_events, settings.TRAIL_KEPT_DAYS),
        ("changes", forget_changes, settings.CHANGES_KEPT_DAYS),
        ("rows that are gone", forget_gone_rows, settings.GONE_ROWS_KEPT_DAYS),
        ("sessions", forget_sessions, settings.SESSIONS_KEPT_DAYS),
    ]


def forget_some(forget_a_piece: Callable[[datetime], int], *, before: datetime) -> int:
    gone = 0
    for _ in range(MOST_PIECES):
        piece = forget_a_piece(before)
        gone += piece
        if not piece:
            break
    return gone


def forget_syncs(before: datetime) -> int:
    """With what each stream came to. The last of a connection stays, whenever it was: it says how that is."""
    later = Sync.objects.filter(connection=OuterRef("connection"), number__gt=OuterRef("number"))
    ended = Sync.objects.filter(Exists(later), finished_at__lt=before).order_by("finished_at")
    return delete_all(Sync, ended[:SYNCS])


def forget_events(before: datetime) -> int:
    return delete_all(Event, oldest(Event.objects.all(), "at", before))


def forget_changes(before: datetime) -> int:
    return delete_all(Change, oldest(Change.objects.all(), "seen_at", before))


def oldest(rows: QuerySet[Model], moment: str, before: datetime) -> QuerySet[Model]:
    """Those before among the first ones: they lie in the order in which they came, so that no index is needed."""
    first = rows.order_by("pk")[:PIECE]
    return rows.filter(pk__in=first.values("pk"), **{f"{moment}__lt": before})


def forget_sessions(before: datetime) -> int:
    """Nobody was logged in with them for as long as they are kept."""
    return delete_all(Session, Session.objects.filter(expire_date__lt=timezone.now()).order_by("expire_date")[:PIECE])


@transaction.atomic
def forget_gone_rows(before: datetime) -> int:
    """Rows that their account has no more; the log goes on saying that they were there, and when they went."""
    outdated = Record.objects.filter(deleted_at__lt=before).order_by("deleted_at")
    # Not waited for: a sync that writes some of them may want the others next.
    piece = [*outdated.select_for_update(skip_locked=True)[:PIECE].values_list("pk", "holding", "stream", "size")]
    sizes, counts = Counter[tuple[UUID, str]](), Counter[tuple[UUID, str]]()
    for _, holding, stream, size in piece:
        sizes[holding, stream] += size
        counts[holding, stream] += size > 0  # One without a size has not been counted yet.
    Record.objects.filter(pk__in=[pk for pk, *_ in piece]).delete()
    for (holding, stream), size in sizes.items():
        RowCount.objects.note(Holding(pk=holding), stream, 0, stored=-counts[holding, stream], size=-size)
    return len(piece)


def delete_all(model: type[Model], rows: QuerySet[Model]) -> int:
    """Returns how many of the model itself went."""
    ids = [*rows.values_list("pk", flat=True)]
    model._default_manager.filter(pk__in=ids).delete()
    return len(ids)
