"""How far a stream of a holding is known, so that the next sync may ask for changes alone."""

from datetime import datetime, timedelta

from django.db import models
from django.utils import timezone

from connections.models.change import Memory
from connections.models.connection import Connection
from connections.models.holding import Holding
from connections.models.stream_run import StreamRun
from connections.models.sync import Sync
from sources.spec import Stream

OVERLAP = timedelta(days=1)  # Accounts keep times in zones of their own and do not always say which.
# Only a whole walk finds what is gone, or changed without being dated anew. With the hour until the next sync it comes
# within a day of the one before; of many rows within a week, since such a walk takes its time.
WHOLE_AFTER = timedelta(hours=23)
WHOLE_AFTER_OF_MANY = timedelta(days=7)
MANY = 50_000  # Rows: some five hundred calls, three minutes at the considerate pace.


class StreamMark(models.Model):
    """What a complete read of a stream leaves behind.

    `changed_through` is when the last complete one began, `complete_at` when the last whole one did. With another
    key, other rows may be seen: then the mark says nothing. `owner` is the source's own number of whose key it was.
    """

    holding = models.ForeignKey(Holding, models.CASCADE, related_name="marks")
    stream = models.CharField(max_length=60)
    changed_through = models.DateTimeField()
    complete_at = models.DateTimeField()
    key_fingerprint = models.CharField(max_length=64)
    owner = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["holding", "stream"], name="one_mark_per_stream")]

    def __str__(self) -> str:
        return f"{self.stream}, through {self.changed_through}"


def changes_wanted_since(sync: Sync, stream: Stream) -> datetime | None:
    """From when on a sync asks for changes alone; None when it has to read the whole stream."""
    if sync.full or stream.changed_since is None:
        return None
    connection = sync.connection
    mark = StreamMark.objects.filter(
        holding=connection.holding,
        stream=stream.key,
        key_fingerprint=connection.key_fingerprint,
        complete_at__gt=timezone.now() - whole_after(connection, stream),
    ).first()
    return mark.changed_through - OVERLAP if mark else None


def whole_after(connection: Connection, stream: Stream) -> timedelta:
    rows = connection.row_counts.by_stream().get(stream.key, 0)
    return WHOLE_AFTER_OF_MANY if rows > MANY else WHOLE_AFTER


def is_by_another(sync: Sync, stream: Stream) -> bool:
    """Whether the key is another person's than that of the last complete read: what it misses may be hidden only."""
    connection = sync.connection
    mark = StreamMark.objects.filter(holding=connection.holding, stream=stream.key).first()
    if mark is None or mark.key_fingerprint == connection.key_fingerprint:
        return False
    return not mark.owner or mark.owner != connection.owner


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


def note_complete(run: StreamRun) -> None:
    """The stream was read without a gap, all of it or all that changed."""
    connection = run.sync.connection
    holding = connection.holding
    if run.is_changes_only:
        StreamMark.objects.filter(holding=holding, stream=run.stream).update(changed_through=run.started_at)
        return
    now_known = {
        "changed_through": run.started_at,
        "complete_at": run.started_at,
        # Not of the standby key that may have taken over since: with it, the rows before might have been others.
        "key_fingerprint": run.key_fingerprint,
        "owner": connection.owner if run.key_fingerprint == connection.key_fingerprint else "",
    }
    StreamMark.objects.update_or_create(holding=holding, stream=run.stream, defaults=now_known)
