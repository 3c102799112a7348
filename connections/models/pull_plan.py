"""What is pulled from which source, at which pace, and when next."""

import uuid
from collections.abc import Collection
from datetime import datetime, time

from django.db import models
from django.utils import timezone

from connections.models.choices import INTERVALS, Pace, Schedule
from connections.models.people import Workspace
from connections.models.schedule import next_run
from sources.errors import SourceError
from sources.registry import get_source
from sources.spec import Source, Stream

DAILY_AT = time(6)  # Done before people come to work.


class SourceGone(SourceError):
    """The connection's source is no longer part of the product."""

    code = "source_gone"


class PullPlan(models.Model):
    """What a connection knows about its pulling."""

    id: uuid.UUID
    workspace: Workspace

    # No choices: a new source must not need a migration.
    source_key = models.SlugField("source", max_length=50)
    stream_keys = models.JSONField(default=list, blank=True, editable=False)
    schedule = models.CharField(max_length=20, choices=Schedule, default=Schedule.HOURLY)
    daily_at = models.TimeField(default=DAILY_AT)
    pace = models.CharField(max_length=20, choices=Pace, default=Pace.CONSIDERATE)
    next_sync_at = models.DateTimeField(null=True, editable=False)
    synced_at = models.DateTimeField(null=True, editable=False)
    late_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        abstract = True

    @property
    def source(self) -> Source | None:
        return get_source(self.source_key)

    def known_source(self) -> Source:
        """The source, for work that needs it. Raises SourceGone."""
        if self.source is None:
            raise SourceGone("This source is no longer part of BlinkMetrics.")
        return self.source

    @property
    def source_name(self) -> str:
        return self.source.name if self.source else self.source_key

    @property
    def streams(self) -> list[Stream]:
        """The chosen streams that the source still offers, in the source's order."""
        return self.streams_among(self.stream_keys)

    def streams_among(self, keys: Collection[str]) -> list[Stream]:
        offered = self.source.streams if self.source else ()
        return [stream for stream in offered if stream.key in keys]

    @property
    def is_scheduled(self) -> bool:
        return self.schedule != Schedule.OFF

    @property
    def schedule_words(self) -> str:
        """“Every day at 06:00 (Europe/Berlin)”."""
        word = Schedule(self.schedule).label
        if self.schedule != Schedule.DAILY:
            return word
        return f"{word} at {self.daily_at:%H:%M} ({self.workspace.timezone})"

    def choose_pulling(self, *, streams: Collection[str], pace: str, schedule: str, daily_at: time) -> None:
        """The caller saves the row. A schedule that was changed counts from now."""
        was = self.schedule, self.daily_at
        self.stream_keys, self.pace, self.schedule, self.daily_at = [*streams], pace, schedule, daily_at
        if was != (schedule, daily_at):
            self.plan_next_sync()
            self.late_at = self.lateness()

    def plan_next_sync(self) -> None:
        self.next_sync_at = next_run(
            Schedule(self.schedule),
            now=timezone.now(),
            at=self.daily_at,
            zone=self.workspace.zone,
            spread=self.id.int,
        )

    def become_due(self) -> None:
        """A sync starts in a moment, unless only people start them."""
        self.next_sync_at = timezone.now() if self.is_scheduled else None
        self.late_at = self.lateness()

    def note_sync(self, *, succeeded: bool = True) -> None:
        """A sync has ended: plan the next one."""
        self.plan_next_sync()
        if succeeded:
            self.synced_at, self.late_at = timezone.now(), self.lateness()
        self.save(update_fields=["next_sync_at", "synced_at", "late_at"])

    def lateness(self) -> datetime | None:
        """When this connection counts as late: no success within twice its schedule."""
        interval = INTERVALS.get(Schedule(self.schedule))
        return timezone.now() + 2 * interval if interval else None
