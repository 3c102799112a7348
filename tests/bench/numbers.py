"""How long numbers take: counting a stream anew after a sync that changed it, and reading all of them for a page.

One connection has half a million contacts of two kilobytes, each on a list, 300,000 opens and clicks, and sold to.
Before that, how long a new connection of the demo's size waits for its first numbers.
"""

import random
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta

from django.db import connection as database
from django.db.models import F
from django.utils import timezone

from connections.figures.counting import count_holding, count_stream
from connections.figures.figure import Period
from connections.figures.figures import figures
from connections.models import Connection, Record, RowCount, StreamMark, Sync, User
from connections.models.record import row_texts
from connections.models.sync import Trigger
from sources.spec import Row
from tests.bench.figures import Effort, Figure
from tests.bench.number_pages import pages_of
from tests.bench.pages import workspace_with
from tests.bench.reading import moment, store, usual_row
from tests.bench.stage import NotDone, account, connected, workers

CONTACTS, JOINS, CLICKS, DEALS, CAMPAIGNS = 500_000, 500_000, 300_000, 20_000, 400
CHANGED = 500  # Rows, before each count.
TOPICS = {"Contacts", "Campaigns", "Lists", "Automations", "Deals"}
PATIENCE = 600.0  # Seconds.
COUNTERS = ("send_amt", "uniqueopens", "verified_unique_opens", "subscriberclicks", "uniquelinkclicks", "linkclicks")


def measure(effort: Effort) -> Iterator[Figure]:
    yield from since_save(effort)
    connection = fill(effort)
    first = timed(lambda: count_holding(connection.holding))
    yield Figure(what="all streams, for the first time", measured=[first])
    for key, bound in (
        ("contacts", 2),
        ("contactLists", None),
        ("linkData", None),
        ("deals", None),
        ("campaigns", None),
    ):
        waits = []
        for lap in range(effort.laps):
            change_some(connection, key, lap)
            waits.append(timed(lambda key=key: count_stream(connection.holding, key)))
        rows = connection.row_counts.by_stream()[key]
        yield Figure(what=f"counting {rows:,} {key} anew after a sync", measured=waits, bound=bound)
    look_over()
    today = timezone.now().date()
    for days, step in ((30, "day"), (365, "month")):
        period = Period(start=today - timedelta(days=days - 1), end=today, step=step)
        for by in ("", "campaign", "pipeline"):
            waits = [1000 * timed(lambda period=period, by=by: figures(connection, period, by=by)) for _ in range(5)]
            yield Figure(
                what=f"reading all numbers of {days} days, by {by or 'nothing'}", measured=waits, unit="ms", bound=100
            )
    yield from pages_of(connection, effort)


def since_save(effort: Effort) -> Iterator[Figure]:
    """A worker, an account that bears five calls a second, and the pace that is usual."""
    contacts, period = effort.of(5000, 500), Period(start=date(2026, 1, 1), end=timezone.now().date(), step="month")
    with account(contacts=contacts, latency_ms=100, rate=5) as sandbox, workers(1):
        connection, begun, known = connected(sandbox, pace="considerate"), time.perf_counter(), {}
        Sync.objects.queue(connection, trigger=Trigger.FIRST)
        while any(topic not in known for topic in TOPICS):
            time.sleep(0.2)
            for one in figures(connection, period):
                if one.value is not None and not one.definition.is_combined:
                    known.setdefault(one.definition.topic, time.perf_counter() - begun)
            if time.perf_counter() - begun > PATIENCE:
                raise NotDone(f"After {PATIENCE:.0f} seconds there were no numbers of {TOPICS - known.keys()}.")
    yield Figure(what=f"the first numbers after Save, {contacts:,} contacts", measured=[min(known.values())], bound=60)
    for topic in sorted(TOPICS):
        yield Figure(what=f"the first numbers of {topic.lower()} after Save", measured=[known[topic]])


def timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def change_some(connection: Connection, key: str, lap: int) -> None:
    stream = connection.known_source().stream(key)
    ids = Record.objects.filter(holding=connection.holding, stream=key).values_list("external_id", flat=True)
    rows = {one: row_of(key, 10_000_000 + lap, CONTACTS) | {"id": one} for one in ids[:CHANGED]}
    Record.objects.store(connection.holding, stream, row_texts(rows, stream=stream, address="https://a.example"))


def fill(effort: Effort) -> Connection:
    person, _ = User.objects.get_or_create(email="bench@harbourtea.example", defaults={"name": "Bench"})
    (connection,) = workspace_with([person], connections=1, name="numbers")
    people = effort.of(CONTACTS, 2000)
    counts = {"contacts": people, "contactLists": effort.of(JOINS, 2000), "linkData": effort.of(CLICKS, 2000)}
    counts |= {"deals": effort.of(DEALS, 1000), "campaigns": CAMPAIGNS, "lists": 8, "dealStages": 13, "dealGroups": 3}
    now = timezone.now()
    for key, count in counts.items():
        store(connection.holding, connection.known_source().stream(key), count, people, row_of)
        StreamMark.objects.create(
            holding=connection.holding, stream=key, changed_through=now, complete_at=now, key_fingerprint="bench"
        )
    connection.stream_keys = [*counts]
    connection.save()
    RowCount.objects.update(edition=F("edition") + 1)
    look_over()
    return connection


def row_of(key: str, number: int, people: int) -> Row:
    dice = random.Random(f"{key} {number}")
    row = usual_row(key, number, people)
    match key:
        case "contactLists":
            of = {"contact": str(dice.randrange(1, people + 1)), "list": str(dice.randrange(1, 9))}
            return row | of | {"status": dice.choice("1111123"), "sdate": moment(dice)}
        case "campaigns":
            return row | {"sdate": moment(dice)} | {name: str(dice.randrange(1000)) for name in COUNTERS}
        case "dealStages":
            return row | {"group": str(1 + number % 3)}
    return row


def look_over() -> None:
    """What a server does by itself within a minute; that of a bench does not."""
    with database.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if database.vendor == "postgresql" else "ANALYZE")
