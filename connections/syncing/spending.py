"""What refreshes take of the account's limit: calls that were made, by stream, as people read them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db.models import Max, Min, Sum
from django.template.defaultfilters import pluralize
from django.utils import timezone

from connections.models import Connection, StreamRun
from connections.models.stream_run import RunState
from connections.models.sync import SyncState, Trigger

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
READ = (SyncState.COMPLETE, SyncState.PARTLY_DONE)
AT_LEAST = 7  # Refreshes: of one a day a week is looked at, of others a day.


@dataclass(frozen=True)
class Spending:
    """The calls of the last refreshes, in all and by stream. `along` has what came along with others."""

    refreshes: int = 0
    time: timedelta = timedelta()
    calls: int = 0
    by_stream: Mapping[str, int] = field(default_factory=dict)
    along: Mapping[str, str] = field(default_factory=dict)

    @property
    def words(self) -> str:
        if not self.refreshes:
            return ""
        over = f"the last {self.refreshes} refreshes" if self.refreshes > 1 else "the last refresh"
        return f"Refreshes take {self._often(self.calls)} in all, as counted over {over}."

    def words_of(self, stream: str, names: Mapping[str, str]) -> str:
        if stream not in self.by_stream:
            return ""
        if not self.by_stream[stream] and self.along[stream]:
            return f"refreshed along with {names.get(self.along[stream], self.along[stream])}, without calls of its own"
        return f"refreshed with {self._often(self.by_stream[stream])}"

    def words_for(self, interval: timedelta) -> str:
        """What refreshes so often would take, each as much as the last ones did; empty before the first."""
        if not self.refreshes:
            return ""
        calls = max(1, round(self.calls / self.refreshes))
        each = f"About {calls:,} call{pluralize(calls)} each"
        a_day = round(calls * (DAY / interval), -1)
        return f"{each}, some {a_day:,.0f} a day." if interval < DAY else f"{each}."

    def _often(self, calls: int) -> str:
        hourly = round(calls * (HOUR / self.time))
        count = hourly or max(1, round(calls * (DAY / self.time)))
        return f"about {count:,} call{pluralize(count)} {'an hour' if hourly else 'a day'}"


def spending(connection: Connection) -> Spending:
    """Of those that were planned, or that somebody asked for as long as none was.

    A read of all is no refresh, nor is one that read a stream for the first time.
    """
    interval = connection.interval
    if interval is None:
        return Spending()
    first = connection.syncs.filter(state__in=READ).order_by("created_at").first()
    lately = timezone.now() - max(DAY, AT_LEAST * interval)
    syncs = connection.syncs.filter(created_at__gt=lately, full=False, only_streams=[]).exclude(finished_at=None)
    syncs = syncs.filter(created_at__gt=first.created_at) if first else syncs.none()
    runs = StreamRun.objects.filter(
        sync__connection=connection, stream__in=connection.stream_keys, state=RunState.COMPLETE
    )
    syncs = syncs.exclude(pk__in=runs.order_by().values("stream").annotate(first=Min("sync")).values("first"))
    planned = syncs.filter(trigger=Trigger.SCHEDULE)
    syncs = planned if planned.exists() else syncs.filter(state__in=READ)
    calls = [*syncs.values_list("calls", flat=True)]
    if not calls:
        return Spending()
    by_stream: Any = StreamRun.objects.filter(sync__in=syncs).order_by().values_list("stream")
    found: list[tuple[str, int, str]] = [*by_stream.annotate(calls=Sum("pages"), with_others=Max("along"))]
    return Spending(
        refreshes=len(calls),
        time=len(calls) * interval,
        calls=sum(calls),
        by_stream={stream: count for stream, count, _ in found},
        along={stream: other for stream, _, other in found},
    )
