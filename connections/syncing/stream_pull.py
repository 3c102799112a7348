"""One stream's part in a sync: what comes of it is kept, and what became of it is judged."""

import logging
from dataclasses import dataclass

from django.db import transaction
from django.template.defaultfilters import pluralize
from structlog.contextvars import bound_contextvars

from connections.frame.outlook import calls_for
from connections.models import Record, StreamRun, Sync
from connections.models.kept_out import KeptOut
from connections.models.person_erasure import field_rules_of
from connections.models.record import row_texts
from connections.models.stream_health import was_ever_read
from connections.models.stream_mark import (
    bookmark_of,
    changes_wanted_since,
    is_by_another,
    may_come_along,
    memory_of,
    note_complete,
    was_along,
)
from connections.models.stream_run import RunState
from connections.models.upsert import RowText, Tally
from connections.syncing.leaving_out import LeavingOut
from connections.syncing.reconciling import has_rows, is_emptied, note_page
from connections.syncing.sideloading import AlongPart, SideloadedPull, counted_apart, why_apart
from sources.errors import NotPermitted, SourceError, TemporarilyDown
from sources.spec import Cursor, Page, Pulled, Stream, Wanted

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Part:
    """What a stream has in a batch: pages and their rows, what came along with these, and what came last.

    `left_out` are rows of people who were erased. `parents` say by id to whose row each belongs.
    """

    pages: list[Page]
    rows: list[RowText]
    left_out: int
    along: dict[str, AlongPart]
    parents: dict[str, str]
    last: Pulled

    @property
    def size(self) -> int:
        return sum(row.size for row in self.rows) + sum(one.size for one in self.along.values())


class StreamPull:
    """One stream's part in a sync.

    `parent` is that of the stream with whose rows its own can come along, `above` that of the one in whose rows its
    lists are.
    """

    def __init__(
        self,
        sync: Sync,
        stream: Stream,
        *,
        address: str,
        keeper: KeptOut,
        parent: "StreamPull | None" = None,
        above: "StreamPull | None" = None,
    ) -> None:
        self.sync, self.stream, self.address, self.keeper = sync, stream, address, keeper
        self.parent, self.above = parent, above
        rules = field_rules_of(sync.connection, stream)
        self.leaving_out = LeavingOut(keeper, rules, sync.connection.holding, stream)
        self.children: dict[str, SideloadedPull] = {}
        self.is_down: TemporarilyDown | None = None
        self.is_wanted = False
        self.run = sync.run_of(stream)
        if not self.run.is_begun and not self.has_to_wait():
            self.begin()
        if keeper:
            self.run.forget_excerpts()
        self.memory = memory_of(self.run, stream)
        if parent and not parent.run.is_finished and (self.run.along or not self.run.is_begun):
            parent.children[stream.key] = SideloadedPull(self.run, stream, address=address, keeper=keeper)

    def has_to_wait(self) -> bool:
        """For the stream that its lists are in, and for the one that its rows may come along with.

        With the latter it begins where nothing else is to be read.
        """
        if self.above and not self.above.run.is_finished:
            return True
        if self.parent is None or self.parent.run.is_finished:
            return False
        if not self.parent.run.pages and may_come_along(self.sync, self.stream, self.parent.run):
            with transaction.atomic():
                self.sync.hold()
                self.run.begin(changed_since=self.parent.run.changed_since, along=self.parent.stream.key)
        return True

    @transaction.atomic
    def begin(self) -> None:
        self.sync.hold()
        since = changes_wanted_since(self.sync, self.stream)
        self.run.begin(
            changed_since=since,
            finds_gone=since is None and has_rows(self.sync, self.stream),
            by_another=is_by_another(self.sync, self.stream),
        )
        if self.stream.nested and not self.parents():
            self.end_without_parents()

    def parents(self) -> tuple[str, ...]:
        """The rows of the stream above whose lists are to be read: all, or those that are new or have changed."""
        if self.stream.nested is None:
            return ()
        living = self.sync.connection.records.living().filter(stream=self.stream.nested.parent)
        since = self.run.changed_since
        rows = living.filter(changed_at__gte=since) if since else living
        return tuple(rows.order_by("pk").values_list("external_id", flat=True))

    def end_without_parents(self) -> None:
        connection, above = self.sync.connection, self.stream.nested.parent if self.stream.nested else ""
        if above in connection.stream_keys:
            self.conclude(None)
        else:
            name = connection.stream_name(above)
            self.run.end(RunState.FAILED, f"They are read by the rows of {name}, which are not chosen.")

    def begins(self) -> bool:
        """Whether it is to be read from now on, by its own list: said once."""
        if self.is_wanted or not self.is_to_be_read():
            return False
        self.is_wanted = True
        return True

    def is_to_be_read(self) -> bool:
        first = self.above or self.parent
        if not self.run.is_begun and first and not first.is_going_on:
            self.begin()
            self.memory = memory_of(self.run, self.stream)
        return self.run.is_begun and not (self.run.is_finished or self.run.along)

    @property
    def is_going_on(self) -> bool:
        return self.is_wanted and not (self.run.is_finished or self.is_down)

    def wanted(self) -> Wanted:
        along = tuple(child.stream for child in self.children.values())
        return Wanted(
            stream=self.stream,
            cursor=self.run.cursor,
            changed_since=self.run.changed_since,
            along=along,
            bookmark=bookmark_of(self.run),
            parents=self.parents(),
        )

    def part_of(self, batch: list[Pulled]) -> Part:
        pages = [self.leaving_out.shown_of(pulled.page) for pulled in batch if pulled.page is not None]
        came = {external_id: row for page in pages for external_id, row in page.rows.items()}
        rows, left_out = self.leaving_out.kept_of(came)
        column = self.stream.sideload.column if self.stream.sideload else ""
        return Part(
            pages=pages,
            rows=row_texts(rows, stream=self.stream, address=self.address),
            left_out=left_out,
            along={key: child.part_of(pages) for key, child in self.children.items()},
            parents={external_id: str(row.get(column)) for external_id, row in rows.items()} if column else {},
            last=batch[-1],
        )

    def take(self, part: Part) -> list[Tally]:
        with bound_contextvars(stream=self.stream.key):
            stored = self.keep(part)
            self.go_on(part)
            for child in self.children.values() if self.run.is_finished else ():
                child.conclude(self.run)
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
            self.conclude(part.last.page.bookmark if part.last.page else None)
        else:
            self.run.reason = ""
            self.run.save()

    def keep(self, part: Part) -> list[Tally]:
        """What came along first: it is compared with what was known of the rows that it came with."""
        holding, unchanged = self.sync.connection.holding, self.unchanged(part)
        along = [self.children[key].take(one, unchanged=unchanged) for key, one in part.along.items()]
        if self.parent is not None:
            self.run.differed += counted_apart(self.run, self.stream, part.rows, part.parents)
        stored = Record.objects.store(holding, self.stream, part.rows, memory=self.memory)
        self.run.count(part.pages, new=stored.new, changed=stored.changed, address=self.address)
        self.run.left_out += part.left_out
        if self.keeper:
            self.run.forget_excerpts()
        for page in part.pages if self.run.finds_gone else ():
            note_page(self.run, self.stream, page)
        for one in (one for page in part.pages for one in page.unkept):
            # Its place alone: the excerpt is the customer's.
            log.warning("row cannot be kept", extra={"place": one.place, "why": one.why})
        return [stored, *along]

    def unchanged(self, part: Part) -> set[str] | None:
        """The rows of a whole walk that are stored as they are, of a stream that is else asked for changes alone."""
        if self.run.is_changes_only or self.stream.changed_since is None or not part.along:
            return None
        differing = Record.objects.differing(self.sync.connection.holding, self.stream, part.rows)
        return {row.external_id for row in part.rows} - differing

    def end_early(self, because: SourceError) -> None:
        state, reason = RunState.FAILED, str(because)
        if isinstance(because, NotPermitted):
            was_read = was_ever_read(self.run)
            state = RunState.REFUSED if was_read else RunState.SKIPPED
            reason += " They could be read before." if was_read else ""
        self.run.end(state, reason)
        log.warning("stream ended early", extra={"state": state.value, "code": because.code})

    def conclude(self, bookmark: Cursor | None) -> None:
        run = self.run
        stored = self.sync.connection.row_counts.by_stream().get(run.stream, 0)
        if run.is_changes_only:
            run.calls_saved = max(0, calls_for(self.stream, stored) - run.pages)
        # A walk knows the neighbours of a page alone, and one that got no further may have told rows twice.
        run.read = min(run.read, stored + run.left_out)
        state, reason = self.verdict()
        why = why_apart(run, self.parent.run if self.parent else None)
        run.end(state, reason or (f"Read by their own list from now on: {why}." if why else ""))
        if run.state == RunState.COMPLETE:
            self.say_apart(why)
            note_complete(run, why_apart=why, bookmark=bookmark)

    def say_apart(self, why: str | None) -> None:
        """In the trail, when that changes what a refresh costs."""
        if why and was_along(self.run, self.stream):
            told = f"{self.stream.name} are read by their own list from now on: {why}."
            self.sync.connection.record("changed how it reads", by=None, detail=told)

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
