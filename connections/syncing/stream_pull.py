"""One stream's part in a sync: what comes of it is kept, and what became of it is judged."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from django.db import transaction
from django.template.defaultfilters import pluralize
from structlog.contextvars import bound_contextvars

from connections.frame.outlook import calls_for
from connections.models import PersonErasure, Record, StreamRun, Sync
from connections.models.kept_out import KeptOut
from connections.models.record import row_texts
from connections.models.stream_health import was_ever_read
from connections.models.stream_mark import changes_wanted_since, is_by_another, memory_of, note_complete
from connections.models.stream_run import RunState
from connections.models.upsert import RowText, Tally
from connections.syncing.reconciling import has_rows, is_emptied, note_page
from sources.errors import NotPermitted, SourceError, TemporarilyDown
from sources.spec import Page, Pulled, Row, Stream, Wanted

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Part:
    """What a stream has in a batch: pages and their rows, how many are left out of these, and what came last."""

    pages: list[Page]
    rows: list[RowText]
    left_out: int
    last: Pulled


class StreamPull:
    """One stream's part in a sync."""

    def __init__(self, sync: Sync, stream: Stream, *, address: str, keeper: KeptOut) -> None:
        self.sync, self.stream, self.address, self.keeper = sync, stream, address, keeper
        self.left_out: set[str] = set()  # A page may repeat rows of the one before.
        self.run = self.begun()
        if keeper:
            self.run.forget_excerpts()
        self.memory = memory_of(self.run, stream)
        self.is_down: TemporarilyDown | None = None

    @transaction.atomic
    def begun(self) -> StreamRun:
        self.sync.hold()
        run = self.sync.run_of(self.stream)
        if not run.is_begun:
            since = changes_wanted_since(self.sync, self.stream)
            run.begin(
                changed_since=since,
                finds_gone=since is None and has_rows(self.sync, self.stream),
                by_another=is_by_another(self.sync, self.stream),
            )
        return run

    def wanted(self) -> Wanted:
        return Wanted(stream=self.stream, cursor=self.run.cursor, changed_since=self.run.changed_since)

    def part_of(self, batch: list[Pulled]) -> Part:
        pages = [pulled.page for pulled in batch if pulled.page is not None]
        came = {external_id: row for page in pages for external_id, row in page.rows.items()}
        rows = self.without_the_erased(came)
        left_out = came.keys() - rows.keys() - self.left_out
        self.left_out |= left_out
        texts = row_texts(rows, stream=self.stream, address=self.address)
        return Part(pages=pages, rows=texts, left_out=len(left_out), last=batch[-1])

    def without_the_erased(self, rows: Mapping[str, Row]) -> Mapping[str, Row]:
        found = self.keeper.without_them(self.stream, rows) if self.keeper else rows
        if self.keeper.found:
            PersonErasure.objects.meet_again(self.sync.connection.holding, self.keeper.found)
            self.keeper.found.clear()
        return found

    def take(self, part: Part) -> Tally:
        with bound_contextvars(stream=self.stream.key):
            stored = self.keep(part)
            self.go_on(part)
        return stored

    def go_on(self, part: Part) -> None:
        if isinstance(part.last.failure, TemporarilyDown):
            self.is_down = part.last.failure
            self.run.reason = str(self.is_down)
            self.run.save()
            log.warning("stream is put off", extra={"code": self.is_down.code})
        elif part.last.failure is not None:
            self.end_early(part.last.failure)
        elif part.last.is_over:
            self.conclude()
        else:
            self.run.reason = ""
            self.run.save()

    def keep(self, part: Part) -> Tally:
        stored = Record.objects.store(self.sync.connection.holding, self.stream, part.rows, memory=self.memory)
        self.run.count(part.pages, new=stored.new, changed=stored.changed, address=self.address)
        self.run.left_out += part.left_out
        if self.keeper:
            self.run.forget_excerpts()
        for page in part.pages if self.run.finds_gone else ():
            note_page(self.run, self.stream, page)
        for one in (one for page in part.pages for one in page.unkept):
            # Its place alone: the excerpt is the customer's.
            log.warning("row cannot be kept", extra={"place": one.place, "why": one.why})
        return stored

    def end_early(self, because: SourceError) -> None:
        state, reason = RunState.FAILED, str(because)
        if isinstance(because, NotPermitted):
            was_read = was_ever_read(self.run)
            state = RunState.REFUSED if was_read else RunState.SKIPPED
            reason += " They could be read before." if was_read else ""
        self.run.end(state, reason)
        log.warning("stream ended early", extra={"state": state.value, "code": because.code})

    def conclude(self) -> None:
        run = self.run
        stored = self.sync.connection.row_counts.by_stream().get(run.stream, 0)
        if run.is_changes_only:
            run.calls_saved = max(0, calls_for(self.stream, stored) - run.pages)
        # A walk knows the neighbours of a page alone, and one that got no further may have told rows twice.
        run.read = min(run.read, stored + run.left_out)
        run.end(*self.verdict())
        if run.state == RunState.COMPLETE:
            note_complete(run)

    def verdict(self) -> tuple[str, str]:
        run = self.run
        if run.unreadable and not run.rows:
            is_short = run.unproven or is_emptied(run)
            return RunState.INCOMPLETE if is_short else RunState.COMPLETE, unkept_of(run)
        if is_emptied(run):
            return RunState.INCOMPLETE, "None came, of many that were there before."
        if run.unproven and run.total is not None and run.rows + run.unreadable < run.total:
            return RunState.INCOMPLETE, f"Of {run.total:,} rows that were announced, {run.rows:,} came."
        if run.unproven:
            return RunState.INCOMPLETE, "Rows came and went while it was read; some may be missing until the next sync."
        if run.unreadable:
            return RunState.COMPLETE, unkept_of(run)
        return RunState.COMPLETE, ""


def unkept_of(run: StreamRun) -> str:
    """With the reason where none could be kept, all for the same one."""
    said = f"{run.unreadable:,} row{pluralize(run.unreadable)} could not be kept"
    whys = {one["why"] for one in run.unkept}
    if run.rows or len(whys) != 1:
        return f"{said}."
    return f"{said}{', each' * (run.unreadable > 1)} because {whys.pop()}."
