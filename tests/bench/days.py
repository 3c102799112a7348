"""Months of a site in minutes: what is kept for so many days is as much at the end as before."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import time_machine
from django.apps import apps
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore

from connections.models import Connection, Sync
from connections.models.sync import Trigger
from connections.operating.housekeeping import keep_house
from connections.syncing.syncing import run
from sources.activecampaign.sandbox.server import SandboxServer
from tests.bench.figures import Effort, Figure
from tests.bench.stage import Account, connected

BEGIN = datetime(2026, 5, 3, 12, tzinfo=UTC)
SHORTER = 20  # Times.
KEPT = ("SYNCS_KEPT_DAYS", "TRAIL_KEPT_DAYS", "GONE_ROWS_KEPT_DAYS", "CHANGES_KEPT_DAYS", "SESSIONS_KEPT_DAYS")
STREAMS = ("contacts", "contactTags", "deals")
COMING = 3  # Contacts a day, and as many go.
MOST_GROWTH = 5.0  # Per cent.
PASSING = 1  # Row, of the minute that a day's calls have just reached.


def measure(effort: Effort) -> Iterator[Figure]:
    days, many = effort.of(120, 12), effort.of(10, 2)
    shorten(SHORTER if days == 120 else 200)
    settings.ACTIVECAMPAIGN_RATE = 100_000.0
    sizes: list[Counter[str]] = []
    with SandboxServer(contacts=40, deals=10) as sandbox, time_machine.travel(BEGIN) as clock:
        rows = [connected(Account(sandbox.origin, sandbox.api_key), streams=STREAMS) for _ in range(many)]
        for _ in range(days):
            live_a_day(sandbox, rows)
            sizes.append(counted())
            clock.shift(timedelta(days=1))
    settled = days // 2
    for table in sorted(table for table, rows in sizes[-1].items() if rows):
        counts = [size[table] for size in sizes[settled:]]
        yield Figure(
            what=f"{table}, from day {settled} to day {days}: {counts[0]:,} rows, then {counts[-1]:,}",
            measured=[100 * max(max(counts) - min(counts) - PASSING, 0) / max(counts)],
            unit="%",
            bound=MOST_GROWTH,
        )


def shorten(times: int) -> None:
    for name in KEPT:
        setattr(settings, name, max(1, getattr(settings, name) // times))
    settings.SESSION_COOKIE_AGE = settings.SESSIONS_KEPT_DAYS * 86_400


def live_a_day(sandbox: SandboxServer, rows: list[Connection]) -> None:
    for number in range(COMING):
        sandbox.world.add_contact()
        sandbox.world.delete_contact(sandbox.world.ids("contacts")[number])
    for row in rows:
        run(Sync.objects.start(row, trigger=Trigger.SCHEDULE, full=True))
        row.record("edited", by=row.created_by)
        SessionStore().create()
    keep_house()


def counted() -> Counter[str]:
    models = (model for model in apps.get_models() if model._meta.managed)
    return Counter({model._meta.db_table: model._default_manager.count() for model in models})
