"""Whether a worker is there: the row that workers keep fresh, and for how long what is due has waited for one."""

from datetime import datetime, timedelta
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Case, F, Min, Q, When
from django.utils import timezone

from connections.models.connection import Connection
from connections.models.notice import Notice
from connections.models.sync import Sync, SyncState

BEAT = timedelta(seconds=10)
PATIENCE = timedelta(minutes=1)
TOLD_EVERY = timedelta(hours=1)
THE_ROW = 1


class EngineQuerySet(models.QuerySet["Engine"]):
    def beat(self) -> None:
        """A worker looks for work."""
        # It looks several times a second, and a look must not take SQLite's one lock for writing.
        if not self._seen_within(BEAT).exists():
            self.update_or_create(pk=THE_ROW, defaults={"seen_at": timezone.now()})

    def is_missing(self, connection: Connection | None = None) -> bool:
        """Something of this connection, or anything, is due for a minute, and for as long no worker was seen."""
        return not self._seen_within(PATIENCE).exists() and longest_wait(connection) > PATIENCE.total_seconds()

    def take_telling(self) -> bool:
        """Returns whether it is this process that tells that none is there; of all of them one an hour does."""
        self.get_or_create(pk=THE_ROW)
        now = timezone.now()
        untold = self.filter(Q(told_at=None) | Q(told_at__lt=now - TOLD_EVERY), pk=THE_ROW)
        return bool(untold.update(told_at=now))

    def _seen_within(self, span: timedelta) -> Self:
        return self.filter(pk=THE_ROW, seen_at__gt=timezone.now() - span)


class Engine(models.Model):
    """One row for all workers: when any of them was seen, and when it was told that none is there."""

    seen_at = models.DateTimeField(null=True)
    told_at = models.DateTimeField(null=True)

    objects = EngineQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "operation"

    def __str__(self) -> str:
        return f"workers, seen {self.seen_at}"


def longest_wait(connection: Connection | None = None) -> float:
    """Seconds for which what is due, of one connection or of all, waits for a worker; 0 where nothing is due.

    What a worker has left waits since that was last heard of.
    """
    last_heard = F("lease_until") - timedelta(seconds=settings.SYNC_LEASE_SECONDS)
    left_at = Case(When(state=SyncState.RUNNING, then=last_heard), default=F("run_after"))
    syncs, planned, notices = Sync.objects.claimable(), Connection.objects.due(), Notice.objects.due()
    if connection:
        syncs, planned, notices = syncs.filter(connection=connection), planned.filter(pk=connection.pk), notices.none()
    moments: list[datetime | None] = [
        syncs.aggregate(since=Min(left_at))["since"],
        planned.aggregate(since=Min("next_sync_at"))["since"],
        notices.aggregate(since=Min("try_after"))["since"],
    ]
    now = timezone.now()
    return max(((now - since).total_seconds() for since in moments if since), default=0.0)
