"""Finds out which stored rows are gone from the account, after a walk that is proven to have missed nothing."""

import logging
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from connections.models import Holding, MissingRows, RowCount, Sighting, StreamRun, Sync
from connections.models.record import RecordQuerySet
from connections.models.sync import RunState
from sources.errors import NotPermitted, UnexpectedAnswer
from sources.spec import Page, Puller, Stream

log = logging.getLogger(__name__)

FEW = 20  # Rows that are asked for one by one. Each costs a call.


@dataclass(frozen=True)
class Asked:
    """What came of asking for missing rows one by one. `is_answered`: the account gives single rows of this stream."""

    is_answered: bool
    there: frozenset[str] = frozenset()
    is_refused: bool = False


def note_page(run: StreamRun, stream: Stream, page: Page) -> None:
    """Keep what this page tells of the rows that were stored before the walk."""
    if is_by_id(stream):
        if page.covers is not None:
            stored = stored_before(run).with_id_between(*page.covers).values_list("external_id", flat=True)
            Sighting.objects.note(run, [one for one in stored if one not in page.rows], was_there=False)
        elif page.rows:
            run.sightings.filter(external_id__in=page.rows).delete()  # Shown after all, by one that heeds no ids.
    else:
        Sighting.objects.note(run, page.rows, was_there=True)


def reconcile_all(sync: Sync, line: Puller) -> None:
    """Evaluate the walks of this sync that are complete. Raises SourceError and LeaseLost."""
    streams = {stream.key: stream for stream in sync.streams}
    for run in sync.stream_runs.filter(finds_gone=True, state=RunState.COMPLETE):
        if run.stream in streams:
            reconcile(run, streams[run.stream], line)


def reconcile(run: StreamRun, stream: Stream, line: Puller) -> None:
    """Mark what is gone. Raises SourceError when the account cannot be asked, and LeaseLost."""
    drawn = draw(missing(run, stream))
    asked = ask_for(drawn, run, stream, line) if drawn else None
    with transaction.atomic():
        run.sync.hold()
        if asked is None:
            MissingRows.objects.filter(holding=run.sync.connection.holding, stream=run.stream).delete()
        else:
            run.deleted = settle(run, stream, drawn, asked)
            RowCount.objects.note(run.sync.connection.holding, run.stream, -run.deleted)
        run.sightings.all().delete()
        run.finds_gone = False
        run.save(update_fields=["deleted", "finds_gone", "reason"])
    if drawn:
        log.info("rows are missing", extra={"stream": run.stream, "deleted": run.deleted})


def draw(rows: RecordQuerySet) -> list[str]:
    """All of them while they are few, else some of them, at random."""
    return [*rows.order_by("?").values_list("external_id", flat=True)[:FEW]]


def settle(run: StreamRun, stream: Stream, drawn: list[str], asked: Asked) -> int:
    """Mark as gone what is proven to be, and leave to a person what is not; returns how many were marked."""
    rows = missing(run, stream)
    count, holding = rows.count(), run.sync.connection.holding
    if is_doubtful(run) or asked.is_refused or (asked.there and count > len(drawn)):
        leave_to_a_person(run, rows, count)
        return 0
    if not asked.is_answered:
        return mark_missed_twice(rows, holding, stream)
    rows.filter(external_id__in=asked.there).update(missed_at=None)
    return rows.exclude(external_id__in=asked.there).mark_gone(holding, stream)


def is_doubtful(run: StreamRun) -> bool:
    """Another person's key may see less; and what somebody has to decide about is not decided by the next read."""
    holding = run.sync.connection.holding
    return run.by_another or MissingRows.objects.filter(holding=holding, stream=run.stream).exists()


def leave_to_a_person(run: StreamRun, rows: RecordQuerySet, count: int) -> None:
    connection = run.sync.connection
    held = connection.row_counts.by_stream().get(run.stream, 0)
    MissingRows.objects.note(connection.holding, run.stream, missing=count, held=held, person=connection.person)
    rows.update(missed_at=timezone.now())
    run.reason = f"{count:,} of {held:,} rows were not found. None is marked as deleted until somebody decides."


def mark_missed_twice(rows: RecordQuerySet, holding: Holding, stream: Stream) -> int:
    """Where no single rows can be asked for: what the whole walk before this one missed as well."""
    gone = rows.exclude(missed_at=None).mark_gone(holding, stream)
    rows.update(missed_at=timezone.now())
    return gone


def ask_for(drawn: list[str], run: StreamRun, stream: Stream, line: Puller) -> Asked:
    """Which of them the account still has, after one that it surely has."""
    known = stored_before(run).exclude(external_id__in=drawn).filter(missed_at=None)
    one = known.exclude(pk__in=missing(run, stream).values("pk")).values_list("external_id", flat=True).first()
    try:
        if one is None or not line.exists(stream, one):
            return Asked(is_answered=False)
    except (NotPermitted, UnexpectedAnswer):
        return Asked(is_answered=False)
    try:
        return Asked(is_answered=True, there=frozenset(each for each in drawn if line.exists(stream, each)))
    except (NotPermitted, UnexpectedAnswer):
        return Asked(is_answered=True, is_refused=True)


def stored_before(run: StreamRun) -> RecordQuerySet:
    """The living rows that the connection had of this stream when the walk began."""
    records: RecordQuerySet = run.sync.connection.records.living()
    return records.filter(stream=run.stream, first_seen_at__lt=run.started_at)


def missing(run: StreamRun, stream: Stream) -> RecordQuerySet:
    noted = Sighting.objects.filter(run=run, external_id=OuterRef("external_id"))
    absent = Exists(noted.filter(was_there=False)) if is_by_id(stream) else ~Exists(noted.filter(was_there=True))
    return stored_before(run).filter(absent)


def is_by_id(stream: Stream) -> bool:
    """Whether a page tells of each id within bounds that it is there or not."""
    return stream.paging == "keyset"


def has_rows(sync: Sync, stream: Stream) -> bool:
    return sync.connection.records.living().filter(stream=stream.key).exists()


def forget_older_walks(sync: Sync) -> None:
    """A sync that was stopped leaves its scratch rows behind."""
    Sighting.objects.filter(run__sync__connection=sync.connection).exclude(run__sync=sync).delete()
