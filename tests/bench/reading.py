"""Pages of rows, of a site that holds a million: how soon any of those that pages offer begins to arrive.

One connection has half a million contacts of two kilobytes and 300,000 opens and clicks, others the rest. gunicorn,
PostgreSQL and whoever asks share the same cores, and one page is asked for at a time.
"""

import random
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import httpx
from django.conf import settings
from django.db import connection as database
from django.db.models import F
from django.utils import timezone

from connections.data.looking import sortings
from connections.models import Connection, Holding, Record, StreamHealth, User
from connections.models.record import row_texts
from sources.spec import Row, Stream
from tests.bench.figures import Effort, Figure, percentile
from tests.bench.pages import HEADERS, connection_of, manage, served, session_of, workspace_with
from tests.bench.stage import NotDone
from tests.processes import copy_project

CONTACTS = 500_000
LARGE = {"contacts": CONTACTS, "linkData": 300_000, "contactTags": 100_000, "deals": 20_000, "dealActivities": 60_000}
OTHERS = 80_000  # Rows of other workspaces in the same table.
REQUESTS = 200
WARM = 8
SEEDS = 1000
MULTIPLY = """
    INSERT INTO {table} (
        holding_id, stream, external_id, text, size, size_before, content_hash, first_seen_at, changed_at, walk,
        label, search, happened_at, ended_at, amount, currency, choice, parent, related, owner
    )
    SELECT holding_id, stream, (external_id::bigint + n * %s)::text, text, size, 0, content_hash, first_seen_at,
        changed_at, 0, label, replace(search, 'guest.' || external_id, 'guest.' || (external_id::bigint + n * %s)),
        happened_at + n * interval '7 minutes', ended_at, amount + n, currency, choice,
        ((parent::bigint * 7919 + n * 104729) %% %s + 1)::text, related, owner
    FROM {table} CROSS JOIN generate_series(1, %s) AS another (n) WHERE holding_id = %s AND stream = %s
"""
FIRST = ("Anaïs", "Mira", "Tomek", "Noor", "Leilani", "Søren", "Aiko", "Lea", "Bo", "Ada")
LAST = ("Holt", "Haddad", "Zając", "Prado", "Kahale", "Tanaka", "Le Goff", "Lindqvist", "Okafor", "Moreau")
PADDING = 850  # Bytes that a contact has beside what is looked at: of a kind that no database makes smaller.
SEARCHES = ("anaïs", "haddad okafor", "guest.4711", "example", "le goff", "zz-nobody", "an", "mira holt")


def measure(effort: Effort) -> Iterator[Figure]:
    yield from pages_of(*fill(effort, LARGE))


def pages_of(connection: Connection, person: User) -> Iterator[Figure]:
    headers = HEADERS | {"Cookie": f"{settings.SESSION_COOKIE_NAME}={session_of(person)}"}
    with tempfile.TemporaryDirectory(prefix="reading-") as folder:
        site = copy_project(Path(folder) / "site")
        manage(site, "collectstatic", "--noinput", "--verbosity=0")
        with served(site) as here, httpx.Client(base_url=f"http://127.0.0.1:{here.port}", trust_env=False) as client:
            pages = drawn(connection, count=REQUESTS)
            for path in pages[:WARM]:  # A process that has served nothing yet has its templates still to read.
                first_byte(client, path, headers)
            for what, paths, bound in (
                ("a page, sorted, filtered and deep: 95 of 100 begin within", pages, 300),
                ("a search: the slowest begins within", searches(connection), 1000),
            ):
                waits = [first_byte(client, path, headers) for path in paths]
                share = 0.95 if paths is pages else 1.0
                yield Figure(what=what, measured=[1000 * percentile(waits, share)], unit="ms", bound=bound)
                slowest = max(zip(waits, paths, strict=True))
                name = slowest[1].split("/data/")[1]
                yield Figure(what=f"the slowest of {len(paths)}: {name}", measured=[1000 * slowest[0]], unit="ms")


def first_byte(client: httpx.Client, path: str, headers: dict[str, str]) -> float:
    begun = time.perf_counter()
    with client.stream("GET", path, headers=headers, timeout=60) as answer:
        waited = time.perf_counter() - begun
        if answer.status_code != 200:
            raise NotDone(f"{path}: {answer.status_code}")
        answer.read()
    return waited


def drawn(connection: Connection, *, count: int) -> list[str]:
    """Addresses that pages offer: of each stream as many, in each order, at any depth, with and without a filter."""
    dice = random.Random(7)
    streams = [connection.known_source().stream(key) for key in connection.stream_keys]
    return [drawn_of(connection, streams[number % len(streams)], dice) for number in range(count)]


def drawn_of(connection: Connection, stream: Stream, dice: random.Random) -> str:
    query = [f"sort={dice.choice(('', '-'))}{dice.choice(sortings(stream)).name}"]
    rows = connection.records.filter(stream=stream.key)
    if dice.random() < 0.5:
        deep = rows.filter(external_id__gte=str(dice.randrange(1, CONTACTS))).order_by("external_id").first()
        query += [f"after={deep.external_id}"] if deep else []
    if dice.random() < 0.5:
        query.append(a_filter(stream, dice))
    return f"{connection.get_absolute_url()}data/{stream.key}/?{'&'.join(query)}"


def a_filter(stream: Stream, dice: random.Random) -> str:
    offered = {
        "contacts": [
            *(f"tags={dice.randrange(1, 41)}", f"email=guest.{dice.randrange(1, 400)}"),
            *("since=2025-06-01", "since=2024-03-01&until=2024-03-02"),
        ],
        "contactTags": [f"tag={dice.randrange(1, 41)}", f"contact={dice.randrange(1, CONTACTS)}"],
        "linkData": [f"campaignid={dice.randrange(1, 400)}", f"subscriberid={dice.randrange(1, CONTACTS)}"],
        "deals": [
            *(f"status={dice.randrange(3)}", f"stage={dice.randrange(1, 14)}", f"owner={dice.randrange(1, 6)}"),
            *("status=2&held_since=2024-05-01&held_until=2024-05-31", "held_since=2024-01-01"),
        ],
    }
    return dice.choice(offered.get(stream.key, ["since=2024-01-01"]))


def searches(connection: Connection) -> list[str]:
    return [f"{connection.get_absolute_url()}data/contacts/?q={quote(words)}" for words in SEARCHES]


# The rows ---------------------------------------------------------------------------------------------------------


def fill(effort: Effort, sizes: Mapping[str, int]) -> tuple[Connection, User]:
    person = User.objects.create(email="bench@harbourtea.example", name="Bench", password="none")
    (connection,) = workspace_with([person], connections=1, name="large")
    counts = {key: effort.of(size, size // 200) for key, size in sizes.items()}
    counts |= {"tags": 40, "links": 400, "dealStages": 13, "users": 5}
    for key, count in counts.items():
        of = counts["deals" if key == "dealActivities" else "contacts"]
        store(connection.holding, connection.known_source().stream(key), count, of)
    connection.stream_keys = [*counts]
    connection.save()
    StreamHealth.objects.bulk_create(
        StreamHealth(connection=connection, stream=key, read_at=timezone.now()) for key in counts
    )
    others = effort.of(min(OTHERS, max(sizes.values())), 200)
    for number in range(4):
        other = connection_of(connection.workspace, person, Holding.objects.create(), 100 + number)
        other.save()
        store(other.holding, other.known_source().stream("contacts"), others // 4, others)
    with database.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if database.vendor == "postgresql" else "ANALYZE")
    return connection, person


def store(
    holding: Holding, stream: Stream, count: int, people: int, row_of: Callable[[str, int, int], Row] | None = None
) -> None:
    """As the product stores them; in PostgreSQL some, and the others from these: a million would take many minutes."""
    seeds = min(count, SEEDS) if database.vendor == "postgresql" else count
    for first in range(1, seeds + 1, SEEDS):
        numbers = range(first, min(first + SEEDS, seeds + 1))
        rows = {str(number): (row_of or usual_row)(stream.key, number, people) for number in numbers}
        Record.objects.store(holding, stream, row_texts(rows, stream=stream, address="https://large-0.api-us1.com"))
    more = count // seeds - 1
    if not more:
        return
    with database.cursor() as cursor:
        cursor.execute(
            MULTIPLY.format(table=Record._meta.db_table), [seeds, seeds, people, more, holding.pk, stream.key]
        )
    holding.row_counts.filter(stream=stream.key).update(rows=F("rows") * (more + 1))


def usual_row(key: str, number: int, people: int) -> Row:
    dice = random.Random(f"{key} {number}")
    row: Row = {"id": str(number), "cdate": moment(dice), "tstamp": moment(dice), "udate": moment(dice)}
    contact = str(dice.randrange(1, people + 1))
    match key:
        case "contacts":
            name = {"firstName": dice.choice(FIRST), "lastName": dice.choice(LAST)}
            more = {"email": f"guest.{number}@teamail.example", "padding": dice.randbytes(PADDING).hex()}
            return row | name | more
        case "linkData":
            one = str(1 + min(dice.getrandbits(9), dice.randrange(400)))
            of = {"linkid": one, "campaignid": one, "times": str(dice.randrange(1, 9))}
            return row | of | {"subscriberid": contact, "isread": dice.choice("0111")}
        case "contactTags":
            return row | {"contact": contact, "tag": str(1 + dice.randrange(40) * dice.randrange(40) // 40)}
        case "deals":
            value = str(dice.randrange(100, 10_000_000))
            whose = {"owner": str(dice.randrange(1, 6)), "stage": str(dice.randrange(1, 14)), "contact": contact}
            money = {"value": value, "currency": "eur", "status": dice.choice("00012")}
            return row | whose | money | {"title": f"Deal {number}"}
        case "dealActivities":
            return row | {
                "deal": str(number),
                "dataType": dice.choice(("status", "stage")),
                "dataId": dice.choice("012"),
            }
    named = f"{key} {number}"
    return row | dict.fromkeys(("tag", "name", "title", "firstName"), named) | {"link": f"https://x.example/{number}"}


def moment(dice: random.Random) -> str:
    """Within three years, until now: pages show the last ones first."""
    day = timezone.now().date() - timedelta(days=dice.randrange(1, 3 * 365))
    return f"{day}T{dice.randrange(24):02}:00:00-06:00"
