"""How far a stream of a holding is known, so that the next sync may ask for changes alone."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.utils import timezone

from connections.models.change import Memory
from connections.models.connection import Connection
from connections.models.holding import Holding
from connections.models.row_count import RowCount
from connections.models.stream_run import RunState, StreamRun
from connections.models.sync import Sync
from sources.spec import Cursor, Growing, Stream

# Accounts keep times in zones of their own and do not always say which; one that is proven to heed ours has a clock of
# its own, and writes down what happened a moment later.
OVERLAP = timedelta(days=1)
OVERLAP_OF_EXACT = timedelta(minutes=10)
# Only a whole walk finds what is gone, or changed without being dated anew. With the hour until the next sync it comes
# within a day of the one before; of many rows within a week, as long as each finds that there was nothing to find.
WHOLE_AFTER = timedelta(hours=23)
WHOLE_AFTER_OF_MANY = timedelta(days=7)
A_DAY = timedelta(days=1)
A_MONTH = timedelta(days=30)  # Of a list that only grows a whole walk finds what is gone, and hardly anything is.
MANY = 1000  # Rows: ten calls.
MOST_DIFFERING = 1 / 1000  # Of a list's rows: so many may change in the minutes between the two looks at them.


class StreamMark(models.Model):
    """What a complete read of a stream leaves behind.

    `changed_through` is when the last complete one began, `complete_at` when the last whole one did. With another
    key, other rows may be seen: then the mark says nothing. `owner` is the source's own number of whose key it was.

    `comes_along`: with a whole walk of the stream that its rows belong to came all that its own list had. Until that is
    proven, and when it fails, the list is read; `apart_because` then says why in words. `missed` is how many rows the
    last whole walk found that the refreshes before it had not shown. `is_exact`: the account reads the moment from
    which changes are asked for as it is meant, whatever its zone; None until it was asked.

    `bookmark` is the source's own of a list that only grows: behind it all was read. Without one the list is read
    whole. `settled_at` is when rows that may still change were last read again.
    """

    holding = models.ForeignKey(Holding, models.CASCADE, related_name="marks")
    stream = models.CharField(max_length=60)
    changed_through = models.DateTimeField()
    complete_at = models.DateTimeField()
    key_fingerprint = models.CharField(max_length=64)
    owner = models.CharField(max_length=200, blank=True)
    comes_along = models.BooleanField(default=False)
    apart_because = models.CharField(max_length=200, blank=True)
    missed = models.PositiveIntegerField(default=0)
    is_exact = models.BooleanField(null=True)
    bookmark: "models.JSONField[Cursor | None, Cursor | None]" = models.JSONField(null=True)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["holding", "stream"], name="one_mark_per_stream")]

    def __str__(self) -> str:
        return f"{self.stream}, through {self.changed_through}"


def changes_wanted_since(sync: Sync, stream: Stream) -> datetime | None:
    """From when on a sync asks for changes alone; None when it has to read the whole stream.

    That is also where something that comes along with it has never been read with it: only a whole walk proves that all
    of that comes.
    """
    if sync.full or not stream.gives_changes:
        return None
    marks = marks_of(sync)
    mark, children = marks.get(stream.key), children_of(sync, stream)
    is_due = mark is None or mark.complete_at <= timezone.now() - whole_after(sync.connection, stream, marks)
    if mark is None or is_due or any(child.key not in marks for child in children):
        return None
    if stream.growing:
        return new_wanted_since(mark, stream.growing)
    if stream.nested:
        return mark.changed_through  # By our own clock: of parents it is known when they were stored.
    return mark.changed_through - (OVERLAP_OF_EXACT if mark.is_exact else OVERLAP)


def new_wanted_since(mark: StreamMark, growing: Growing) -> datetime | None:
    """What is younger is read again, though it was there before: once a week all that may still change."""
    if mark.bookmark is None:
        return None
    is_settled = mark.settled_at and mark.settled_at > timezone.now() - WHOLE_AFTER_OF_MANY
    return mark.changed_through if growing.unsettled is None or is_settled else timezone.now() - growing.unsettled


def bookmark_of(run: StreamRun) -> Cursor | None:
    """From where on rows are new, of a run that asks for these alone."""
    mark = StreamMark.objects.filter(holding=run.sync.connection.holding, stream=run.stream).first()
    return mark.bookmark if mark and run.is_changes_only else None


def to_be_proven(sync: Sync) -> list[Stream]:
    """The streams that were asked for changes, and of which nobody knows yet how the account reads a moment."""
    unknown = {key for key, mark in marks_of(sync).items() if mark.is_exact is None}
    asked = sync.stream_runs.filter(state=RunState.COMPLETE, along="").exclude(changed_since=None)
    keys = unknown.intersection(asked.values_list("stream", flat=True))
    return [stream for stream in sync.streams if stream.key in keys and stream.changed_since]


def note_exact(sync: Sync, stream: Stream, *, is_exact: bool) -> None:
    StreamMark.objects.filter(holding=sync.connection.holding, stream=stream.key).update(is_exact=is_exact)


def marks_of(sync: Sync) -> dict[str, StreamMark]:
    """Those that hold for its key, by stream."""
    connection = sync.connection
    marks = StreamMark.objects.filter(holding=connection.holding, key_fingerprint=connection.key_fingerprint)
    return {mark.stream: mark for mark in marks}


def children_of(sync: Sync, parent: Stream) -> list[Stream]:
    """The streams of a sync whose rows can come along with those of that one."""
    return [one for one in sync.streams if one.sideload and one.sideload.parent == parent.key]


def whole_after(connection: Connection, stream: Stream, marks: Mapping[str, StreamMark]) -> timedelta:
    """More often where the last one has found what refreshes miss: of it, or of what comes along with it."""
    source = connection.known_source()
    family = [one.key for one in source.streams if one.sideload and one.sideload.parent == stream.key]
    rows = connection.row_counts.by_stream().get(stream.key, 0)
    has_missed = any(marks[key].missed for key in (stream.key, *family) if key in marks)
    usual, oftener = (A_MONTH, WHOLE_AFTER_OF_MANY) if stream.growing else (WHOLE_AFTER_OF_MANY, WHOLE_AFTER)
    return (oftener if has_missed else usual) if rows > MANY else WHOLE_AFTER


def may_come_along(sync: Sync, stream: Stream, parent: StreamRun) -> bool:
    """Whether it was proven lately that all of it does, and it is known up to where the parent's changes begin.

    Its list is read with a whole walk of the parent, rather than just after one: then the two can be compared.
    """
    mark = marks_of(sync).get(stream.key)
    if sync.full or mark is None or not mark.comes_along:
        return False
    age, since = timezone.now() - mark.complete_at, parent.changed_since
    if since is None:
        return age < WHOLE_AFTER_OF_MANY - A_DAY
    return age < WHOLE_AFTER_OF_MANY + A_DAY and mark.changed_through >= since


def is_by_another(sync: Sync, stream: Stream) -> bool:
    """Whether the key is another person's than that of the last complete read: what it misses may be hidden only."""
    connection = sync.connection
    mark = StreamMark.objects.filter(holding=connection.holding, stream=stream.key).first()
    if mark is None or mark.key_fingerprint == connection.key_fingerprint:
        return False
    return not mark.owner or mark.owner != connection.owner


def was_along(run: StreamRun, stream: Stream) -> bool:
    """Whether the refreshes before this sync had what comes along with another stream, and not its own list."""
    holding = run.sync.connection.holding
    return StreamMark.objects.filter(holding=holding, stream=stream.key, comes_along=True).exists()


def memory_of(run: StreamRun, stream: Stream) -> Memory | None:
    """What a run writes into the log of changes: nothing when the stream is read for the first time.

    Until it was read to its end once, a row that is not stored may have been there all along.
    """
    if not (stream.remembers or stream.comes_and_goes):
        return None
    is_known = StreamMark.objects.filter(holding=run.sync.connection.holding, stream=stream.key).exists()
    if run.began_with_none and not is_known:
        return None
    return Memory(fields=stream.remembers, comings=stream.comes_and_goes and is_known)


def note_complete(run: StreamRun, *, why_apart: str | None = None, bookmark: Cursor | None = None) -> None:
    """The stream was read without a gap, all of it or all that changed. `bookmark` is the source's.

    `why_apart` says why it does not come along with another one from now on; empty where it does, None where it is as
    before.
    """
    connection = run.sync.connection
    holding = connection.holding
    RowCount.objects.stir(holding, run.stream)
    if run.is_changes_only:
        marks = StreamMark.objects.filter(holding=holding, stream=run.stream)
        marks.filter(changed_through__gt=run.changed_since).update(settled_at=run.started_at)
        marks.update(changed_through=run.started_at, bookmark=bookmark)
        return
    now_known: dict[str, Any] = {
        "changed_through": run.started_at,
        "complete_at": run.started_at,
        # Not of the standby key that may have taken over since: with it, the rows before might have been others.
        "key_fingerprint": run.key_fingerprint,
        "owner": connection.owner if run.key_fingerprint == connection.key_fingerprint else "",
        "missed": run.missed or 0,
        "bookmark": bookmark,
        "settled_at": run.started_at,
    }
    if why_apart is not None:
        now_known |= {"comes_along": not why_apart, "apart_because": why_apart}
    StreamMark.objects.update_or_create(holding=holding, stream=run.stream, defaults=now_known)


def note_came_along(run: StreamRun, parent: StreamRun) -> None:
    """All of it came with the parent's rows, or with those of them that changed."""
    known: dict[str, Any] = {"changed_through": parent.started_at}
    RowCount.objects.stir(run.sync.connection.holding, run.stream)
    if not parent.is_changes_only:
        known["missed"] = run.missed or 0
    StreamMark.objects.filter(holding=run.sync.connection.holding, stream=run.stream).update(**known)


def note_gone(run: StreamRun) -> None:
    """A whole walk of a stream that is else asked for changes alone has found that rows are gone."""
    StreamMark.objects.filter(holding=run.sync.connection.holding, stream=run.stream).update(missed=run.deleted)
