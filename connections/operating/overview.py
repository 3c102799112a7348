"""What those who run the site look at first: what is late, why, what to press; who is called how fast; what is large.

The same number of queries however many connections there are, and no more rows than a page shows.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection as database
from django.db.models import Case, Count, F, Min, Q, Sum, When
from django.db.models.functions import Coalesce
from django.utils import timezone

from connections.models import (
    AccountBudget,
    CallMinute,
    Connection,
    Engine,
    Health,
    KeyCanary,
    Notice,
    RowCount,
    StreamHealth,
    Sync,
    Workspace,
)
from connections.models.condition import FULL
from connections.models.engine import longest_wait
from connections.models.notice import NoticeState
from sources.registry import get_source

SHOWN = 50
LARGEST = 20
DAY = timedelta(days=1)
HOME = Coalesce("holding__connection__workspace", "holding__parted_from__workspace")


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """A connection that wants somebody: since when, why, and what helps. `is_for_us`: Sync now may."""

    connection: Connection
    since: datetime
    why: str
    press: str
    is_for_us: bool = False


@dataclass(frozen=True, kw_only=True)
class Called:
    """How fast an account is called at most, of what it bears, in calls a second; and for which connections."""

    budget: AccountBudget
    pace: float
    most: float
    calls: int
    connections: Sequence[Connection]
    others: int


def troubles() -> tuple[list[Trouble], int]:
    """The oldest of them, and how many there are."""
    wanting = in_trouble()
    shown = [*wanting.select_related("workspace", "created_by", "team").without_key()[:SHOWN]]
    worker, key = Engine.objects.is_missing(), bool(KeyCanary.objects.silent())
    syncs = {sync.connection_id: sync for sync in Sync.objects.active().filter(connection__in=shown)}
    late = defaultdict(list)
    for one in StreamHealth.objects.late().filter(connection__in=shown):
        late[one.connection_id].append(one)
    of = {"lacks_worker": worker, "lacks_key": key}
    found = [trouble_of(one, syncs.get(one.pk), late[one.pk], **of) for one in shown]
    return found, wanting.count()


def in_trouble() -> Any:
    """Those that have to be mended first, then those that are late; each the longest first."""
    shown: Any = Connection.objects.finished().with_health()
    wanting = shown.filter(shown_health__in=[Health.ACTION_NEEDED, Health.LATE])
    since = Case(When(shown_health=Health.LATE, then=F("late_at")), default=F("health_since"))
    return wanting.annotate(wanting_since=since).order_by("shown_health", "wanting_since")


def trouble_of(
    connection: Any, sync: Sync | None, late: Sequence[StreamHealth], *, lacks_worker: bool, lacks_key: bool
) -> Trouble:
    """As `in_trouble` gives the connection. Of one that is somebody's alone no words that may name the account."""
    of: dict[str, Any] = {"connection": connection, "since": connection.wanting_since}
    if connection.shown_health == Health.ACTION_NEEDED:
        why = connection.health_code if connection.is_hidden else connection.health_reason
        if connection.health_code == FULL:
            return Trouble(
                **of, why=why, press="Its people make room, or raise the bound. Then Sync now.", is_for_us=True
            )
        return Trouble(**of, why=why, press="Nothing here: its people enter another key. Write to them.")
    if connection.orphaned_at:
        why, who = "Its owner has left, or may no longer log in.", "an owner or admin of the workspace may delete it"
        return Trouble(**of, why=why, press=f"Nothing here: it rests, and {who}.")
    if lacks_worker:
        return Trouble(**of, why="No worker takes it up.", press="Start a worker: manage.py worker.")
    if sync and sync.is_set_back:
        why = "Its account has to be waited for." if connection.is_hidden else sync.reason
        cure = "Put back the key that is missing: manage.py doctor says which." if lacks_key else ""
        return Trouble(**of, why=why, press=cure or "Nothing: it goes on by itself.")
    if sync:
        return Trouble(**of, why="Its sync waits for a free place.", press="Start more workers if that lasts.")
    names = ", ".join(connection.stream_name(one.stream) for one in late[:3]) + (
        f" and {len(late) - 3} more" if len(late) > 3 else ""
    )
    reason = "" if connection.is_hidden or not late else late[0].reason
    why = f"Not read to the end: {names or 'its streams'}. {reason}".strip()
    return Trouble(**of, why=why, press="Sync now.", is_for_us=True)


def called() -> list[Called]:
    """The accounts that refused last, then those that are called most."""
    hour = timezone.now() - timedelta(hours=1)
    lately = AccountBudget.objects.filter(Q(refused_at__gt=timezone.now() - DAY) | Q(minute__gt=hour))
    budgets = [*lately.order_by(F("refused_at").desc(nulls_last=True), "-minute")[:LARGEST]]
    of_hour = CallMinute.objects.filter(budget__in=budgets, minute__gt=hour).values_list("budget")
    calls = dict(of_hour.annotate(calls_in_all=Sum("calls")).order_by())
    users = defaultdict(list)
    of_these = Connection.objects.finished().filter(account_fingerprint__in=[one.pk for one in budgets])
    for one in of_these.without_key().select_related("workspace", "created_by").order_by("created_at")[: 10 * LARGEST]:
        users[one.account_fingerprint].append(one)
    return [called_of(one, users[one.pk], calls=calls.get(one.pk, 0)) for one in budgets]


def called_of(budget: AccountBudget, users: Sequence[Connection], *, calls: int) -> Called:
    """`calls` of the hour, without those of the minute that is not over."""
    source = next((found for one in users if (found := get_source(one.source_key))), None)
    most = source.calls_per_second() if source else 0.0
    return Called(
        budget=budget,
        pace=most * budget.ease,
        most=most,
        calls=calls + budget.calls,
        connections=users[:3],
        others=len(users[3:]),
    )


@dataclass(frozen=True, kw_only=True)
class Size:
    """`of` is a table's name, a workspace or a connection. `rows` None: nobody has counted them."""

    of: Any
    rows: int | None
    bytes: int


def table_sizes() -> list[Size]:
    """With their indexes, the largest first. SQLite would have to read all of it, and says what the file has."""
    with database.cursor() as cursor:
        if database.vendor == "postgresql":
            cursor.execute(
                "SELECT relname, pg_total_relation_size(oid), reltuples::bigint FROM pg_class"
                " WHERE pg_table_is_visible(oid) AND relname = ANY(%s) ORDER BY 2 DESC LIMIT %s",
                [database.introspection.django_table_names(), LARGEST],
            )
            # -1 until PostgreSQL has looked at a table.
            return [
                Size(of=name, bytes=size, rows=None if rows < 0 else rows) for name, size, rows in cursor.fetchall()
            ]
        cursor.execute("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")
        return [Size(of="the database’s file", bytes=cursor.fetchone()[0], rows=None)]


def workspace_sizes() -> list[Size]:
    """What is pulled in each, with what is hidden in it; the largest first."""
    held = largest(RowCount.objects.annotate(of=HOME).exclude(of=None))
    known = Workspace.objects.in_bulk([one["of"] for one in held])
    return [Size(of=known[one["of"]], rows=one["rows_in_all"], bytes=one["size"]) for one in held if one["of"] in known]


def connection_sizes() -> list[Size]:
    held = largest(RowCount.objects.annotate(of=F("holding__connection")).exclude(of=None))
    owners = Connection.objects.without_key().select_related("workspace", "created_by")
    known = owners.in_bulk([one["of"] for one in held])
    return [Size(of=known[one["of"]], rows=one["rows_in_all"], bytes=one["size"]) for one in held if one["of"] in known]


def largest(counts: Any) -> list[dict[str, Any]]:
    grouped = counts.values("of").annotate(size=Sum("bytes"), rows_in_all=Sum("stored"))
    return [*grouped.order_by("-size", "of")[:LARGEST]]


def waiting() -> dict[str, Any]:
    """E-mails that are not sent, and work for which no worker has come."""
    notices = Notice.objects.waiting().aggregate(count=Count("pk"), oldest=Min("written_at"))
    given_up = Notice.objects.filter(state=NoticeState.GIVEN_UP, ended_at__gt=timezone.now() - DAY).count()
    troubled = Notice.objects.waiting().exclude(trouble="").order_by("-pk").values_list("trouble", flat=True).first()
    return {
        "notices": notices["count"],
        "oldest": notices["oldest"],
        "given_up": given_up,
        "trouble": troubled,
        "waits_since": timezone.now() - timedelta(seconds=longest_wait()),
        "worker_seen_at": Engine.objects.values_list("seen_at", flat=True).first(),
        "is_missing": Engine.objects.is_missing(),
        "lacks_key": bool(KeyCanary.objects.silent()),
    }
