"""What operators watch, of the whole site from the database and of this machine's pages: no name, address or key."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from math import inf
from typing import Any

from django.conf import settings
from django.db.models import Avg, Count, Min, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from connections.checking.watching import is_worker_missing
from connections.models import (
    AccountBudget,
    CallMinute,
    Connection,
    Engine,
    Health,
    KeyCanary,
    Notice,
    RowCount,
    SignIn,
    Sync,
)
from connections.models.engine import longest_wait
from connections.models.notice import NoticeState
from connections.models.sign_in import Outcome
from connections.models.sync import ACTIVE_STATES, SyncState
from connections.operating.request_times import register_request_times

ENDED_STATES = tuple(state for state in SyncState if state not in ACTIVE_STATES)


def exposition() -> bytes:
    """All measures in Prometheus' text format. The same number of queries however much there is."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Measures())
    register_request_times(registry)
    return generate_latest(registry)


class Measures(Collector):
    def collect(self) -> Iterator[GaugeMetricFamily]:
        now = timezone.now()
        hour, day = now - timedelta(hours=1), now - timedelta(days=1)
        connections = Connection.objects.finished().with_health()
        yield counted("connections", "Finished connections by what a person reads", connections, Health, "shown_health")
        yield counted("syncs", "Syncs that are queued or running", Sync.objects.active(), ACTIVE_STATES, "state")
        ended = Sync.objects.filter(finished_at__gt=day)
        yield counted("syncs_ended_last_day", "Syncs that ended within a day", ended, ENDED_STATES, "state")
        refreshes = ended.filter(calls__gt=0).aggregate(calls=Avg("calls", default=0.0))
        yield one(
            "calls_per_refresh_last_day", "Calls of a sync that ended within a day, on average", refreshes["calls"]
        )
        yield one("worker_seen_seconds_ago", "When any worker last looked for work; +Inf before the first", seen_ago())
        yield one("longest_wait_seconds", "How long work that is due has waited for a worker", longest_wait())
        yield one("worker_missing", "1 while work waits for a minute and no worker was seen", is_worker_missing())
        silent = Sync.objects.filter(state=SyncState.RUNNING, lease_until__lt=now).count()
        yield one("syncs_without_worker", "Running syncs whose worker's lease has run out", silent)
        calls = CallMinute.objects.filter(minute__gt=hour).aggregate(sum=Sum("calls", default=0))["sum"]
        this_minute = AccountBudget.objects.filter(minute__gt=hour).aggregate(sum=Sum("calls", default=0))["sum"]
        yield one("calls_last_hour", "Calls made to all accounts within an hour", calls + this_minute)
        notices = Notice.objects.waiting().aggregate(count=Count("pk"), oldest=Min("written_at"))
        yield one("notices_waiting", "E-mails about connections that are not sent yet", notices["count"])
        age = (now - (notices["oldest"] or now)).total_seconds()
        yield one("oldest_notice_seconds", "How long the oldest of them waits", age)
        given_up = Notice.objects.filter(state=NoticeState.GIVEN_UP, ended_at__gt=day).count()
        yield one("notices_given_up_last_day", "Those that could not be sent within a day of trying", given_up)
        refusing = AccountBudget.objects.filter(refused_at__gt=hour).count()
        yield one("accounts_refusing_last_hour", "Accounts that refused a call within an hour", refusing)
        sign_ins = SignIn.objects.filter(at__gt=hour)
        yield counted("sign_ins_last_hour", "Sign-ins and failed tries within an hour", sign_ins, Outcome, "outcome")
        missing = len(KeyCanary.objects.silent())
        yield one("credential_keys_missing", "Keys that seal something and are not at hand", missing)
        held = RowCount.objects.aggregate(rows=Sum("stored", default=0), size=Sum("bytes", default=0))
        yield one("stored_rows", "Rows stored, with those that are gone from their account", held["rows"])
        yield one("stored_bytes", "Bytes of their texts", held["size"])
        yield one("fullest_workspace_share", "Of what one may hold, what the fullest workspace does", fullest_share())


def seen_ago() -> float:
    seen_at = Engine.objects.values_list("seen_at", flat=True).first()
    return (timezone.now() - seen_at).total_seconds() if seen_at else inf


def fullest_share() -> float:
    """Of the bytes that a workspace may hold; what is hidden in it and may be taken back is among them."""
    home = Coalesce("holding__connection__workspace", "holding__parted_from__workspace")
    held = RowCount.objects.annotate(home=home).exclude(home=None).values("home").annotate(size=Sum("bytes"))
    fullest: int = held.order_by("-size").values_list("size", flat=True).first() or 0
    return fullest / settings.MOST_BYTES_PER_WORKSPACE


def one(name: str, meaning: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"blinkmetrics_{name}", meaning, value=value)


def counted(name: str, meaning: str, rows: QuerySet[Any], words: Iterable[str], column: str) -> GaugeMetricFamily:
    """A number for each word that the column may hold, 0 among them: a series that comes and goes cannot be watched."""
    found = dict(rows.order_by().values_list(column).annotate(Count("pk")))
    family = GaugeMetricFamily(f"blinkmetrics_{name}", meaning, labels=[column.removeprefix("shown_")])
    for word in words:
        family.add_metric([word], found.get(word, 0))
    return family
