"""Finds out which stored rows are gone from the account, after a walk that is proven to have missed nothing."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from django.db import transaction
from django.template.defaultfilters import pluralize
from django.utils import timezone

from connections.checking.notices import tell_missing
from connections.models import MissingRows, Record, StreamRun, Sync
from connections.models.holding import PIECE
from connections.models.record import RecordQuerySet
from connections.models.stream_mark import children_of, note_gone
from connections.models.stream_run import RunState
from sources.errors import NotPermitted, UnexpectedAnswer
from sources.spec import Page, Puller, Stream

log = logging.getLogger(__name__)

FEW = 20  # Rows that are asked for one by one. Each costs a call.
MANY = 100  # Rows, a page of them: that so many are all gone between two syncs is doubted.


@dataclass(frozen=True)
class Asked:
    """What came of asking for missing rows one by one. `is_answered`: the account gives single rows of this stream."""

    is_answered: bool
    there: frozenset[str] = frozenset()
    is_refused: bool = False


def note_page(run: StreamRun, stream: Stream, page: Page) -> None:
    """Keep which of the rows that were stored before the walk are on this page."""
    if page.rows:
        Record.objects.note_walk(run.sync.connection.holding, stream, page.rows, walk=run.pk)


def reconcile_all(sync: Sync, line: Puller) -> None:
    """Evaluate the walks of this sync that are complete. Raises SourceError and LeaseLost."""
    streams = {stream.key: stream for stream in sync.streams}
    for run in sync.stream_runs.filter(finds_gone=True, stream__in=streams):
        if run.state == RunState.COMPLETE:
            reconcile(run, streams[run.stream], line)
        elif run.state == RunState.INCOMPLETE and is_emptied(run):
            leave_to_a_person(run, streams[run.stream], missing(run).count())
            run.save(update_fields=["reason"])


def is_emptied(run: StreamRun) -> bool:
    """Whether a whole walk showed nothing of a stream that has many rows, which somebody would have to have deleted.

    An account in trouble answers so, too: it is not believed until a person says so.
    """
    holding = run.sync.connection.holding
    held = holding.row_counts.by_stream().get(run.stream, 0)
    doubt = MissingRows.objects.filter(holding=holding, stream=run.stream).first()
    return run.finds_gone and not run.read and held > max(MANY, doubt.kept if doubt else 0)


def reconcile(run: StreamRun, stream: Stream, line: Puller) -> None:
    """Mark what is gone. Raises SourceError when the account cannot be asked, and LeaseLost."""
    drawn = draw(candidates(run, stream))
    if drawn:
        settle(run, stream, drawn, ask_for(drawn, run, stream, line))
        log.info("rows are missing", extra={"stream": run.stream, "deleted": run.deleted})
    if stream.is_restless:
        mark_missed(run)
    with transaction.atomic():
        run.sync.hold()
        if not missing(run).exists():
            MissingRows.objects.filter(holding=run.sync.connection.holding, stream=run.stream).delete()
        run.finds_gone = False
        run.save(update_fields=["finds_gone", "reason"])
        if stream.gives_changes:
            note_gone(run)


def draw(rows: RecordQuerySet) -> list[str]:
    """All of them while they are few, else some of them, at random."""
    return [*rows.order_by("?").values_list("external_id", flat=True)[:FEW]]


def settle(run: StreamRun, stream: Stream, drawn: list[str], asked: Asked) -> None:
    """Mark as gone what is proven to be, and leave to a person what is not."""
    rows = candidates(run, stream)
    count = rows.count()
    if is_doubtful(run) or asked.is_refused or (asked.there and count > len(drawn)):
        leave_to_a_person(run, stream, count)
    elif asked.is_answered:
        rows.filter(external_id__in=asked.there).update(missed_at=None)
        mark_gone(run, stream, rows.exclude(external_id__in=asked.there))
    else:
        # No single rows can be asked for: what the whole walk before this one missed as well.
        mark_gone(run, stream, missing(run).filter(missed_at__lt=run.started_at))
        mark_missed(run)


def is_doubtful(run: StreamRun) -> bool:
    """Another person's key may see less; and what somebody has to decide about is not decided by the next read."""
    holding = run.sync.connection.holding
    return run.by_another or MissingRows.objects.filter(holding=holding, stream=run.stream).exists()


def leave_to_a_person(run: StreamRun, stream: Stream, count: int) -> None:
    connection = run.sync.connection
    held = connection.row_counts.by_stream().get(run.stream, 0)
    mark_missed(run)
    with transaction.atomic():
        is_asked = MissingRows.objects.to_decide().filter(holding=connection.holding).exists()
        MissingRows.objects.note(connection.holding, run.stream, missing=count, held=held, person=connection.person)
        if not is_asked and MissingRows.objects.to_decide().filter(holding=connection.holding).exists():
            tell_missing(connection, stream, missing=count, held=held)
    found = f"{count:,} of {held:,} rows {pluralize(count, 'was,were')} not found."
    run.reason = f"{found} None is marked as deleted until somebody decides."


def mark_gone(run: StreamRun, stream: Stream, rows: RecordQuerySet) -> None:
    """With what came along with them; a list of its own says by itself what is gone."""
    holding = run.sync.connection.holding
    along = {*run.sync.stream_runs.filter(along=run.stream).values_list("stream", flat=True)}
    came_along = [child for child in children_of(run.sync, stream) if child.key in along]

    def mark(piece: RecordQuerySet) -> None:
        ids = [*piece.values_list("external_id", flat=True)]
        run.deleted += piece.mark_gone(holding, stream)
        run.save(update_fields=["deleted"])
        for child in came_along:
            behind = Record.objects.left_behind(holding, child, dict.fromkeys(ids, ()))
            Record.objects.filter(pk__in=[*behind]).mark_gone(holding, child)

    in_pieces(run, rows, mark)


def mark_missed(run: StreamRun) -> None:
    now = timezone.now()
    in_pieces(run, missing(run).filter(missed_at=None), lambda piece: piece.update(missed_at=now))


def in_pieces(run: StreamRun, rows: RecordQuerySet, act: Callable[[RecordQuerySet], object]) -> None:
    """Act on a piece of the rows at a time, each in a transaction of its own, until none is left that wants it."""
    while True:
        with transaction.atomic():
            run.sync.hold()
            piece = [*rows.values_list("pk", flat=True)[:PIECE]]
            if not piece:
                return
            act(Record.objects.filter(pk__in=piece))


def ask_for(drawn: list[str], run: StreamRun, stream: Stream, line: Puller) -> Asked:
    """Which of them the account still has, after one that it surely has."""
    known = stored_before(run)
    one = known.filter(walk=run.pk).values_list("external_id", flat=True).first()
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


def missing(run: StreamRun) -> RecordQuerySet:
    """What no page of the walk has shown."""
    return stored_before(run).exclude(walk=run.pk)


def candidates(run: StreamRun, stream: Stream) -> RecordQuerySet:
    """What may be gone: of a list that comes in another order at each call only what the walk before missed as well."""
    rows = missing(run)
    return rows.filter(missed_at__lt=run.started_at) if stream.is_restless else rows


def has_rows(sync: Sync, stream: Stream) -> bool:
    return sync.connection.records.living().filter(stream=stream.key).exists()
