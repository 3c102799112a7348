"""What is pulled from which source, at which pace, and when next."""

import uuid
from collections.abc import Collection, Iterable
from datetime import datetime, time, timedelta
from typing import Any

from django.db import models
from django.utils import timezone

from connections.models.choices import INTERVALS, PERIODS, Pace, Schedule
from connections.models.field_rules import rules_of
from connections.models.people import Workspace, in_words
from connections.models.schedule import next_run
from sources.errors import SourceError
from sources.registry import get_source
from sources.spec import Rhythm, Source, Stream

DAILY_AT = time(6)  # Done before people come to work.
MOST_REASONS = 3  # What people read of a line.


class SourceGone(SourceError):
    """The connection's source is no longer part of the product."""

    code = "source_gone"


class PullPlan(models.Model):
    """What a connection knows about its pulling."""

    id: uuid.UUID
    workspace: Workspace
    stream_healths: Any

    # No choices: a new source must not need a migration.
    source_key = models.SlugField("source", max_length=50)
    stream_keys = models.JSONField(default=list, blank=True, editable=False)
    # By stream, where somebody chose another one than the source's.
    rhythms: "models.JSONField[dict[str, Rhythm], dict[str, Rhythm]]" = models.JSONField(
        default=dict, blank=True, editable=False
    )
    # By stream and field, where somebody chose otherwise than the source.
    field_rules: "models.JSONField[dict[str, dict[str, str]], dict[str, dict[str, str]]]" = models.JSONField(
        default=dict, blank=True, editable=False
    )
    schedule = models.CharField(max_length=20, choices=Schedule, default=Schedule.HOURLY)
    daily_at = models.TimeField(default=DAILY_AT)
    pace = models.CharField(max_length=20, choices=Pace, default=Pace.CONSIDERATE)
    next_sync_at = models.DateTimeField(null=True, editable=False)
    synced_at = models.DateTimeField(null=True, editable=False)
    late_at = models.DateTimeField(null=True, editable=False)
    """From when on the first of its streams is late."""

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

    def stream_name(self, key: str) -> str:
        stream = self.source.stream(key) if self.source else None
        return stream.name if stream else key

    def in_short(self, ended: Iterable[Any], *, most: int = MOST_REASONS) -> str:
        """Why streams were not read, in a line; of each the `stream` and the `reason`. `most` bounds names and reasons.

        “Deals and Pipelines are not in this plan. Tags: ActiveCampaign had an error.”
        """
        names: dict[str, list[str]] = {}
        for one in ended:
            name = self.stream_name(one.stream)
            rest = one.reason.removeprefix(name) if one.reason.startswith(name) else f": {one.reason}"
            names.setdefault(rest, []).append(name)
        told = [f"{in_words(those, most=most)}{rest}" for rest, those in names.items()]
        more = len(told) - most
        others = f"{more} more reason{'s' * (more > 1)} stand{'s' * (more == 1)} among its syncs."
        return " ".join([*told[:most], others] if more > 0 else told)

    def rules_of(self, stream: Stream) -> dict[str, str]:
        """What of its rows is left out or hashed, by field."""
        return rules_of(stream, self.field_rules.get(stream.key, {}))

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

    @property
    def rhythm(self) -> str:
        """“every hour”; empty where nothing is scheduled."""
        return self.schedule_words[0].lower() + self.schedule_words[1:] if self.is_scheduled else ""

    def choose_pulling(self, *, streams: Collection[str], pace: str, schedule: str, daily_at: time) -> None:
        """The caller saves the row. A schedule that was changed counts from now.

        With a stream whose lists are in another one's rows that one is chosen, too.
        """
        was, had = (self.schedule, self.daily_at), self.stream_keys
        self.stream_keys = self.known_source().with_parents(streams)
        self.pace, self.schedule, self.daily_at = pace, schedule, daily_at
        self.stream_healths.forget_all_but(self.stream_keys)
        if was != (schedule, daily_at):
            self.plan_next_sync()
            self.expect(self.stream_keys)
        else:
            self.expect({*self.stream_keys} - {*had})

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
        self.expect(self.stream_keys)

    def note_sync(self, *, succeeded: bool) -> None:
        """A sync has ended: plan the next one."""
        self.plan_next_sync()
        if succeeded:
            self.synced_at = timezone.now()
        self.save(update_fields=["next_sync_at", "synced_at"])

    def expect(self, streams: Collection[str]) -> None:
        """These are to be read to their end within twice the schedule from now on; the caller saves."""
        offered = self.streams_among(streams)
        for rhythm in {self.rhythm_of(stream) for stream in offered}:
            keys = [stream.key for stream in offered if self.rhythm_of(stream) == rhythm]
            self.stream_healths.expect(self, keys, late_at=self.late_from_now(rhythm))
        self.late_at = self.stream_healths.first_late_at()

    @property
    def interval(self) -> timedelta | None:
        """Between two scheduled syncs."""
        return INTERVALS.get(Schedule(self.schedule))

    def rhythm_of(self, stream: Stream) -> Rhythm:
        """As somebody chose it, else the source's; of what comes along with another stream that stream's."""
        own = self.rhythms.get(stream.key, stream.rhythm)
        parents = self.streams_among([stream.sideload.parent]) if stream.sideload else []
        if own or not parents or parents[0].key not in self.stream_keys:
            return own
        return self.rhythm_of(parents[0])

    def late_from_now(self, rhythm: Rhythm = "") -> datetime | None:
        """When what succeeds now is late: without another success within twice its schedule, or its rhythm."""
        if self.interval is None:
            return None
        return timezone.now() + 2 * max(self.interval, PERIODS.get(rhythm, self.interval))

    def resting(self, at: datetime) -> set[str]:
        """The chosen streams that a sync planned for that moment leaves out.

        They were read so lately that they are young enough still when the next one begins.
        """
        interval, read = self.interval, dict(self.stream_healths.read_before(at))
        if interval is None:
            return set()
        known = [stream for stream in self.streams if stream.key in read]
        periods = {stream.key: PERIODS.get(self.rhythm_of(stream), interval) for stream in known}
        resting = {key for key, period in periods.items() if at - read[key] + interval <= period}
        # With the one that it comes along with rests whatever is read with it.
        return resting | {one.key for one in known if one.sideload and one.sideload.parent in resting}
