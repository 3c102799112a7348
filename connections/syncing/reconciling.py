"""Finds out which stored rows are gone from the account, after a walk that is proven to have missed nothing."""

import logging

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from connections.models import RowCount, Sighting, StreamRun, Sync
from connections.models.record import RecordQuerySet
from connections.models.sync import RunState
from sources.errors import NotPermitted, UnexpectedAnswer
from sources.spec import Page, Puller, Stream

log = logging.getLogger(__name__)

FEW = 20  # Rows that are asked for one by one. Each costs a call; the next whole walk asks for any number of them.


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
    few = [*missing(run, stream).values_list("external_id", flat=True)[: FEW + 1]]
    there = still_there(few, run, stream, line) if 0 < len(few) <= FEW else None
    with transaction.atomic():
        run.sync.hold()
        if few:
            run.deleted = settle(missing(run, stream), there)
            RowCount.objects.note(run.sync.connection, run.stream, -run.deleted)
        run.sightings.all().delete()
        run.finds_gone = False
        run.save(update_fields=["deleted", "finds_gone"])
    if few:
        log.info("rows are gone", extra={"stream": run.stream, "deleted": run.deleted})


def settle(missing: RecordQuerySet, there: set[str] | None) -> int:
    """Mark as gone what was confirmed, or else what the whole walk before this one missed as well."""
    now = timezone.now()
    if there is not None:
        missing.filter(external_id__in=there).update(missed_at=None)
        return missing.exclude(external_id__in=there).update(deleted_at=now)
    gone = missing.exclude(missed_at=None).update(deleted_at=now)
    missing.update(missed_at=now)
    return gone


def still_there(few: list[str], run: StreamRun, stream: Stream, line: Puller) -> set[str] | None:
    """Which of them the account still has. None when it gives no single rows of this stream."""
    known = stored_before(run).exclude(external_id__in=few).values_list("external_id", flat=True).first()
    try:
        if known is None or not line.exists(stream, known):
            return None
        return {one for one in few if line.exists(stream, one)}
    except (NotPermitted, UnexpectedAnswer):
        return None


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
