"""How each stream of a connection is: when it was last read to its end, when it is late, whether it is offered."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any, Self

from django.db import models
from django.db.models import Case, Q, When
from django.utils import timezone

from connections.models.connection import Connection
from connections.models.row_count import RowCount
from connections.models.stream_run import RunState, StreamRun

ASKED_AGAIN_AFTER = timedelta(days=7) - timedelta(hours=1)  # With the time until the next sync, once a week.
HELD = Q(rows__gt=0) | Q(stored__gt=0)  # Those from before sizes were kept are stored, and not all counted as such.
OFFERED = Q(refused_at=None) | Q(was_read=True)


class StreamHealthQuerySet(models.QuerySet["StreamHealth"]):
    def heard_of(self) -> Self:
        """What was read to its end, or in part, or found not to be offered."""
        return self.filter(Q(read_at__isnull=False) | Q(refused_at__isnull=False) | Q(was_read=True))

    def late(self) -> Self:
        return self.filter(late_at__lt=timezone.now()).worst_first()

    def in_trouble(self) -> Self:
        """What came to no good end when it was last asked for, and should have; and what is late."""
        is_late = Q(late_at__lt=timezone.now())
        return self.filter(OFFERED).filter(~Q(reason="") | is_late).worst_first()

    def worst_first(self) -> Self:
        """What is refused, since nobody but people ends that; then what is late; then what is tried again."""
        rank = Case(When(refused_at__isnull=False, then=0), When(late_at__lt=timezone.now(), then=1), default=2)
        return self.order_by(rank, "pk")

    def are_refused(self) -> bool:
        """Whether one of them is: that goes away only when somebody does something."""
        return any(one.refused_at for one in self)

    def left_out(self, connection: Connection) -> Iterable[str]:
        """What is not offered, and is not asked for before a week is over or there is another key."""
        since = timezone.now() - ASKED_AGAIN_AFTER
        recently = self.exclude(OFFERED).filter(refused_at__gt=since, refused_key=connection.key_fingerprint)
        return recently.values_list("stream", flat=True)

    def read_before(self, moment: datetime) -> Iterable[tuple[str, datetime]]:
        """When each stream was read to its end last, of those that were by then."""
        return self.filter(read_at__lt=moment).values_list("stream", "read_at")

    def expect(self, connection: Connection, keys: Collection[str], *, late_at: datetime | None) -> None:
        """From `late_at` on these are late, unless they are read to their end until then."""
        fresh = [self.model(connection=connection, stream=key) for key in keys]
        self.bulk_create(fresh, ignore_conflicts=True)
        self.filter(connection=connection, stream__in=keys, refused_at=None).update(late_at=late_at)

    def forget_all_but(self, keys: Collection[str]) -> None:
        """Those that are chosen no more are late no more, and are asked for anew when they are chosen again."""
        self.exclude(stream__in=keys).update(late_at=None, told_late_at=None, refused_at=None, reason="")

    def first_late_at(self) -> datetime | None:
        first: datetime | None = self.aggregate(first=models.Min("late_at"))["first"]
        return first

    def note(self, connection: Connection, runs: Iterable[StreamRun]) -> bool:
        """What became of streams in a sync, or is put off. Returns whether the last that was told is back."""
        chosen = [stream.key for stream in connection.streams]
        self.filter(connection=connection).forget_all_but(chosen)  # The source may offer less than it did.
        known: dict[str, Any] = {one.stream: one for one in self.filter(connection=connection)}
        rhythms = {stream.key: connection.rhythm_of(stream) for stream in connection.streams}
        is_back = False
        for run in runs:
            one = known.setdefault(run.stream, self.model(connection=connection, stream=run.stream))
            if run.stream not in chosen:
                continue
            if not run.is_finished:
                one.note_put_off(run)
            elif run.finished_at and not (one.read_at and one.read_at > run.finished_at):
                was_told = one.told_late_at is not None
                one.note(run, late_at=connection.late_from_now(rhythms[run.stream]))
                is_back |= was_told and run.state == RunState.COMPLETE
        return is_back and not any(one.told_late_at for one in known.values())


class StreamHealth(models.Model):
    """Of one chosen stream. It is late from `late_at` on: None where nothing is scheduled, or it is not offered.

    `was_read`: some key of the connection has read a row of it. Until then a refusal says that it is not offered; after
    that, that it is late from that moment on: waiting ends no refusal. `reason` is why it was not read to its end when
    it was last asked for.
    """

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="stream_healths")
    stream = models.CharField(max_length=60)
    read_at = models.DateTimeField(null=True)
    late_at = models.DateTimeField(null=True)
    told_late_at = models.DateTimeField(null=True)
    was_read = models.BooleanField(default=False)
    refused_at = models.DateTimeField(null=True)
    refused_key = models.CharField(max_length=64, blank=True, editable=False)
    reason = models.TextField(blank=True)

    objects = StreamHealthQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "stream"], name="one_health_per_stream")]
        indexes = [models.Index(fields=["late_at"], condition=Q(told_late_at=None), name="stream_late_untold")]

    def __str__(self) -> str:
        return f"{self.stream} of {self.connection}"

    @property
    def name(self) -> str:
        return self.connection.stream_name(self.stream)

    @property
    def said(self) -> str:
        """“Deals are not in this plan.”"""
        return self.connection.in_short([self]) if self.reason else f"{self.name} did not come in."

    @property
    def is_offered(self) -> bool:
        return self.was_read or self.refused_at is None

    @property
    def is_late(self) -> bool:
        return self.late_at is not None and self.late_at < timezone.now()

    def note(self, run: StreamRun, *, late_at: datetime | None) -> None:
        """`late_at` is when it is late if it is read to its end only now."""
        was_offered, self.was_read = self.is_offered, self.was_read or run.read > 0
        self.reason = run.reason
        self.refused_at, self.refused_key = None, ""
        if run.state == RunState.COMPLETE:
            self.read_at, self.late_at, self.told_late_at, self.reason = timezone.now(), late_at, None, ""
        elif run.state == RunState.SKIPPED:
            self.late_at = self.told_late_at = None
        elif run.state == RunState.REFUSED:
            self.late_at = min(self.late_at or timezone.now(), timezone.now())
        elif not was_offered:
            self.late_at = late_at
        if run.is_refused:
            self.refused_at, self.refused_key = timezone.now(), run.key_fingerprint
        self.save()

    def note_put_off(self, run: StreamRun) -> None:
        """It is tried again in this sync. What is refused stays so until that has an end."""
        if run.reason and self.refused_at is None:
            self.reason = run.reason
            self.save()


def was_ever_read(run: StreamRun) -> bool:
    """Whether some key of this connection has read a row of the stream, in this run or before."""
    connection = run.sync.connection
    return (
        run.read > 0
        or StreamHealth.objects.filter(connection=connection, stream=run.stream, was_read=True).exists()
        or RowCount.objects.filter(HELD, holding=connection.holding, stream=run.stream).exists()
    )
