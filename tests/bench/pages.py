"""Pages of a site of ten thousand connections, two thousand of them in one workspace: how many a second, and how soon.

gunicorn with two workers, PostgreSQL and whoever asks share the same cores; what asking costs is taken off.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from django.conf import settings
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext, override_settings
from django.utils import timezone

from connections.models import Connection, Event, Holding, Membership, Sync, User, Workspace
from sources.spec import Credentials, Proof, Secret
from tests.bench.figures import Effort, Figure, percentile
from tests.bench.stage import NotDone
from tests.processes import ROOT, Started, copy_project, free_port, started, until

CORES = 2
AT_ONCE = 4
EVERYDAY = 25.0  # Pages a second.
# Here nothing is collected; the names of files are some letters shorter than on a site.
PLAIN_FILES = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
HEADERS = {"Host": "bench.example", "X-Forwarded-Proto": "https"}
BEHIND_A_PROXY = {"TRUSTED_PROXY_COUNT": "1"}


@dataclass(frozen=True, kw_only=True)
class Load:
    """What asking came to. `per_second` is what the site would have served with all cores for itself."""

    waits: Sequence[float]
    seconds: float
    own_seconds: float

    @property
    def per_second(self) -> float:
        return len(self.waits) / (self.seconds - self.own_seconds / CORES)


@dataclass(frozen=True, kw_only=True)
class Served:
    """A site that answers, and gunicorn's processes."""

    port: int
    processes: Started


def measure(effort: Effort) -> Iterator[Figure]:
    person, shown = fill(effort)
    pages = {"list": shown[0].workspace.get_absolute_url(), "detail page": shown[0].get_absolute_url()}
    addresses = {"list": [pages["list"]], "detail page": [one.get_absolute_url() for one in shown]}
    headers = HEADERS | {"Cookie": f"{settings.SESSION_COOKIE_NAME}={session_of(person)}"}
    seconds = effort.of(8, 1)
    with tempfile.TemporaryDirectory(prefix="pages-") as folder:
        written = Path(folder) / "pages.json"
        written.write_text(json.dumps({path: written_down(path, headers) for path in pages.values()}))
        site = copy_project(Path(folder) / "site")
        manage(site, "collectstatic", "--noinput", "--verbosity=0")
        bare = {"DJANGO_SETTINGS_MODULE": "tests.bench.bare", "BARE_PAGES": str(written)}
        with served(site) as whole, served(site, **bare) as least:
            for name, wanted in (("list", 60), ("detail page", 40)):
                laps, bare_laps = [], []
                for _ in range(effort.laps):
                    laps.append(load(whole.port, addresses[name], headers, seconds=seconds))
                    bare_laps.append(load(least.port, [pages[name]], headers, seconds=seconds))
                yield Figure(
                    what=f"{name}, {AT_ONCE} at once",
                    measured=[lap.per_second for lap in laps],
                    unit="pages/s",
                    bound=wanted,
                    is_least=True,
                )
                yield Figure(
                    what=f"{name}: part of what a bare view with the same queries and bytes serves",
                    measured=[
                        100 * one.per_second / other.per_second for one, other in zip(laps, bare_laps, strict=True)
                    ],
                    unit="%",
                    bound=40,
                    is_least=True,
                )
                everyday = [load(whole.port, addresses[name], headers, seconds=seconds, rate=EVERYDAY) for _ in laps]
                yield Figure(
                    what=f"{name} at {EVERYDAY:.0f} a second: 95 of 100 within",
                    measured=[1000 * percentile(lap.waits, 0.95) for lap in everyday],
                    unit="ms",
                    bound=100,
                )


# The site ---------------------------------------------------------------------------------------------------------


def fill(effort: Effort) -> tuple[User, list[Connection]]:
    """Somebody who sees many connections, and some of these."""
    people = User.objects.bulk_create(
        User(email=f"person.{number}@harbourtea.example", name=f"Person {number}", password="none")
        for number in range(effort.of(1000, 30))
    )
    large = workspace_with(people[:100], connections=effort.of(2000, 60), name="large")
    for number in range(effort.of(80, 2)):
        workspace_with(people[-10:], connections=100, name=f"small-{number}")
    with database.cursor() as cursor:
        cursor.execute("ANALYZE")
    return people[0], large[:: len(large) // 20]


def workspace_with(people: Sequence[User], *, connections: int, name: str) -> list[Connection]:
    workspace = Workspace.objects.create(slug=name, name=name)
    Membership.objects.bulk_create(Membership(workspace=workspace, user=person) for person in people)
    holdings = Holding.objects.bulk_create(Holding() for _ in range(connections))
    rows = [
        connection_of(workspace, people[number % len(people)], holding, number)
        for number, holding in enumerate(holdings)
    ]
    Connection.objects.bulk_create(rows, batch_size=500)
    Event.objects.bulk_create(
        Event(workspace=workspace, connection=row, actor=row.created_by, verb="connected", about=row.name)
        for row in rows
    )
    Sync.objects.bulk_create(
        Sync(connection=row, number=1, state="complete", trigger="schedule", finished_at=timezone.now()) for row in rows
    )
    return rows


def connection_of(workspace: Workspace, person: User, holding: Holding, number: int) -> Connection:
    row = Connection(workspace=workspace, source_key="activecampaign", created_by=person, holding=holding)
    row.name, row.privacy, row.state = f"Account {number:04}", "workspace", "active"
    row.authorised_at, row.stream_keys = timezone.now(), ["contacts", "deals"]
    address = f"https://{workspace.slug}-{number}.api-us1.com"
    row.keep_credentials(Credentials(api_url=address, api_key=Secret(f"{number:064}")), by=person)
    row.accept_proof(Proof(account="", person="Mira Holt", person_email="mira@harbourtea.example", owner="1"))
    return row


def session_of(person: User) -> str:
    client = Client()
    client.force_login(person)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def written_down(path: str, headers: dict[str, str]) -> dict[str, object]:
    """The queries of a page but for those that tell who asks, which any view behind the middleware has."""
    client = Client(headers=headers)
    client.cookies.load(headers["Cookie"])
    with override_settings(STORAGES=settings.STORAGES | PLAIN_FILES):
        client.get(path, secure=True)  # Whoever comes first has noted where they were last.
        with CaptureQueriesContext(database) as captured:
            answer = client.get(path, secure=True)
    if answer.status_code != 200:
        raise NotDone(f"{path}: {answer.status_code}")
    queries = [query["sql"] for query in captured.captured_queries]
    of_the_middleware = ('FROM "django_session"', 'FROM "connections_user"')
    own = [query for query in queries if not any(source in query for source in of_the_middleware)]
    return {"queries": own, "length": len(answer.content)}


def manage(site: Path, *words: str) -> None:
    subprocess.run([sys.executable, "manage.py", *words], cwd=site, env=os.environ, check=True)


@contextmanager
def served(site: Path, **variables: str) -> Iterator[Served]:
    port = free_port()
    words = ["--config", "python:blinkmetrics.serving", "--workers", str(CORES), "--bind", f"127.0.0.1:{port}"]
    command = [sys.executable, "-m", "gunicorn", *words, "--no-control-socket", "blinkmetrics.wsgi"]
    environment = {**os.environ, **BEHIND_A_PROXY, "PYTHONPATH": str(site), **variables}
    with started(command, directory=site, environment=environment) as processes:
        until(lambda: answers(port), what="the site's first answer")
        yield Served(port=port, processes=processes)


def answers(port: int) -> bool:
    try:
        return bool(httpx.get(f"http://127.0.0.1:{port}/", headers=HEADERS, trust_env=False))
    except httpx.TransportError:
        return False


def load(port: int, paths: Sequence[str], headers: dict[str, str], *, seconds: float, rate: float = 0.0) -> Load:
    words = [f"--header={name}: {value}" for name, value in headers.items()]
    words += [f"--seconds={seconds}", f"--at-once={AT_ONCE if not rate else 2 * AT_ONCE}", f"--rate={rate}"]
    command = [sys.executable, "-m", "tests.bench.load", str(port), *paths, *words]
    said = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)
    if said["failures"]:
        raise NotDone(f"Pages failed: {said['failures']}")
    return Load(waits=said["waits"], seconds=said["seconds"], own_seconds=said["own_seconds"])
