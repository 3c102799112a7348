"""Stores what came along with a stream's rows, and finds out what of it is gone and whether all of it comes."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from django.utils import timezone

from connections.frame.outlook import calls_for
from connections.models import Record, StreamRun
from connections.models.kept_out import KeptOut
from connections.models.person_erasure import field_rules_of
from connections.models.record import RecordQuerySet, row_texts
from connections.models.stream_mark import MOST_DIFFERING, memory_of, note_came_along, was_along
from connections.models.stream_run import RunState
from connections.models.upsert import RowText, Tally
from connections.syncing.leaving_out import LeavingOut
from connections.syncing.reconciling import FEW
from sources.spec import Page, Stream


@dataclass(frozen=True, kw_only=True)
class AlongPart:
    """What came along of one stream with some pages, but for what is of people who were erased: that is `left_out`.

    `complete` are the ids of all that belongs to a parent.
    """

    rows: list[RowText]
    left_out: int
    parents: Mapping[str, str]
    complete: Mapping[str, Collection[str]]
    doubts: int

    @property
    def size(self) -> int:
        return sum(row.size for row in self.rows)


class SideloadedPull:
    """A stream's part in the pull of another one, with whose rows its own come.

    Either it makes no calls of its own, or its own list is read afterwards and held against what came.
    """

    def __init__(self, run: StreamRun, stream: Stream, *, address: str, keeper: KeptOut) -> None:
        self.run, self.stream, self.address = run, stream, address
        connection = run.sync.connection
        self.leaving_out = LeavingOut(keeper, field_rules_of(connection, stream), connection.holding, stream)
        self.memory = memory_of(run, stream)
        self.was_along = was_along(run, stream)

    def part_of(self, pages: Iterable[Page]) -> AlongPart:
        """Of several pages the last one that showed a row, or all that belongs to a parent, is right.

        Only after the parents' own rows: by these it is known who of them was erased.
        """
        found = [page.along[self.stream.key] for page in pages if self.stream.key in page.along]
        came = {external_id: row for one in found for external_id, row in one.rows.items()}
        rows, left_out = self.leaving_out.kept_of(came)
        column = self.stream.sideload.column if self.stream.sideload else ""
        return AlongPart(
            rows=row_texts(rows, stream=self.stream, address=self.address),
            left_out=left_out,
            parents={external_id: str(row.get(column)) for external_id, row in rows.items()},
            complete={parent: ids for one in found for parent, ids in one.complete.items()},
            doubts=sum(not one.is_proven for one in found),
        )

    def take(self, part: AlongPart, *, unchanged: Collection[str] | None) -> Tally:
        """`unchanged` are parents that a whole walk showed as they are stored: nothing told of what changed of them.

        None where only what changed is asked for.
        """
        holding, run = self.run.sync.connection.holding, self.run
        behind = self.left_behind(part)
        if self.was_along and unchanged is not None:
            differing = Record.objects.differing(holding, self.stream, part.rows)
            touched = [*(part.parents[one] for one in differing), *behind.values()]
            run.missed = (run.missed or 0) + sum(parent in unchanged for parent in touched)
        stored = Record.objects.store(holding, self.stream, part.rows, memory=self.memory)
        if behind:
            self.lose(Record.objects.filter(pk__in=[*behind]))
        run.new, run.changed, run.doubts = run.new + stored.new, run.changed + stored.changed, run.doubts + part.doubts
        if run.along:
            run.read, run.left_out = run.read + len(part.rows) + part.left_out, run.left_out + part.left_out
        run.save()
        return stored

    def lose(self, rows: RecordQuerySet) -> None:
        """They are gone, or its own list says whether they are where that is read afterwards."""
        if self.run.along:
            self.run.deleted += rows.mark_gone(self.run.sync.connection.holding, self.stream)
        else:
            rows.filter(missed_at=None).update(missed_at=timezone.now())

    def left_behind(self, part: AlongPart) -> dict[int, str]:
        """What is gone from the parents of which all has come: as keys, with whose it was.

        That most of it is, an account in trouble says as well: then its own list is asked, and looked into.
        """
        holding = self.run.sync.connection.holding
        behind = Record.objects.left_behind(holding, self.stream, part.complete)
        if len(behind) <= FEW:
            return behind
        held = Record.objects.of_parents(holding, self.stream, part.complete).count()
        if len(behind) > held / 2:
            self.run.begin_anew()
            return {}
        return behind

    def conclude(self, parent: StreamRun) -> None:
        """The parent's walk has ended, in the transaction in which this is written."""
        run = self.run
        if not run.along:
            return
        if run.doubts or parent.is_refused:
            run.begin_anew()
        elif parent.state != RunState.COMPLETE:
            run.end(parent.state, "They come along with another list, which was not read to its end.")
        else:
            held = run.sync.connection.row_counts.by_stream().get(run.stream, 0)
            run.calls_saved = calls_for(self.stream, held)
            run.end(RunState.COMPLETE)
            note_came_along(run, parent)


def counted_apart(run: StreamRun, stream: Stream, rows: list[RowText], parents: Mapping[str, str]) -> int:
    """Of rows that the stream's own list shows, those that should have come along before, and did not as they are.

    What belongs to nobody who is there cannot come along.
    """
    holding = run.sync.connection.holding
    of_these = Record.objects.living().filter(holding=holding, stream=stream.key, external_id__in=[*parents])
    return of_these.filter(missed_at__gte=run.sync.started_at).count() + new_or_changed(run, stream, rows, parents)


def new_or_changed(run: StreamRun, stream: Stream, rows: list[RowText], parents: Mapping[str, str]) -> int:
    holding = run.sync.connection.holding
    differing = Record.objects.differing(holding, stream, rows)
    if not differing or stream.sideload is None:
        return 0
    theirs = {parents[one] for one in differing}
    living = Record.objects.living().filter(holding=holding, stream=stream.sideload.parent, external_id__in=theirs)
    there = {*living.values_list("external_id", flat=True)}
    return sum(parents[one] in there for one in differing)


def why_apart(run: StreamRun, parent: StreamRun | None) -> str | None:
    """After its own list was read whole: why it does not come along from now on; empty where it does.

    None where nothing was proven: the parent's walk was not whole, or not complete.
    """
    if parent is None or parent.state != RunState.COMPLETE:
        return None
    if run.doubts:
        return f"on {run.doubts:,} of {parent.pages:,} pages they did not come along as they should"
    if parent.is_changes_only:
        return None
    if run.differed > MOST_DIFFERING * run.rows:
        return f"{run.differed:,} of {run.rows:,} were not as they had come along"
    return ""
