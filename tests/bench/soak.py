"""People who read all kinds of pages for twenty minutes while workers pull: nothing fails, or grows, or is slow."""

import random
import tempfile
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import fmean

from django.conf import settings
from django.db import connections
from django.urls import reverse

from connections.models import Connection, Sync, User
from connections.models.sync import AlreadyActive, SyncState, Trigger
from tests.bench.figures import Effort, Figure, percentile
from tests.bench.pages import HEADERS, fill, load, manage, served, session_of
from tests.bench.stage import Command, accounts, connected, workers
from tests.processes import copy_project

ACCOUNTS = {"contacts": 3000, "deals": 300, "latency_ms": 200, "rate": 5}
PULLED = 8  # Accounts, of which one sync or another is always under way.
WORKERS = 2
A_SECOND = 10.0  # Pages.
LAP = 240  # Seconds; five of them are the twenty minutes.
LOOK_AGAIN = 2.0  # Seconds until what has ended is pulled again, and memory is looked at again.
OF_CONNECTION = ("detail", "progress", "pulling", "syncs", "data", "delete")
OF_WORKSPACE = ("list", "add", "members", "teams", "activity")


def measure(effort: Effort) -> Iterator[Figure]:
    person, shown = fill(effort)
    seconds = effort.laps * effort.of(LAP, 20)
    headers = HEADERS | {"Cookie": f"{settings.SESSION_COOKIE_NAME}={session_of(person)}"}
    with (
        tempfile.TemporaryDirectory(prefix="soak-") as folder,
        accounts(PULLED, **ACCOUNTS) as sandboxes,
        workers(WORKERS, ACTIVECAMPAIGN_RATE="5") as pulling,
    ):
        pulled = [connected(sandbox) for sandbox in sandboxes]
        pulled[0].workspace.memberships.create(user=person)
        site = copy_project(Path(folder) / "site")
        manage(site, "collectstatic", "--noinput", "--verbosity=0")
        with served(site) as web, kept_pulling(pulled), watched(lambda: [*web.processes.alive()], pulling) as memory:
            paths = mixed([*shown, *pulled], person)
            asked = load(web.port, paths, headers, seconds=seconds, rate=A_SECOND)
    yield Figure(
        what=f"pages of {len(set(paths))} addresses, none of which failed", measured=[len(asked.waits)], unit=""
    )
    yield Figure(what="999 of 1,000 within", measured=[percentile(asked.waits, 0.999)], bound=1)
    yield Figure(what="half of them within", measured=[1000 * percentile(asked.waits, 0.5)], unit="ms")
    for whose, megabytes in memory.items():
        yield Figure(what=f"memory of {whose}", measured=megabytes, unit="MB")
        yield Figure(
            what=f"memory of {whose}, the last quarter by the second",
            measured=[growth(megabytes)],
            unit="×",
            bound=1.05,
        )
    syncs = Sync.objects.filter(connection__in=pulled)
    ended = syncs.filter(state=SyncState.COMPLETE).count()
    yield Figure(what="syncs that were complete meanwhile", measured=[ended], unit="")
    failed = syncs.exclude(state__in=[SyncState.COMPLETE, SyncState.RUNNING, SyncState.QUEUED])
    yield Figure(what="syncs that ended otherwise", measured=[failed.count()], unit="", bound=0, must_hold=True)


def mixed(shown: Sequence[Connection], person: User) -> list[str]:
    """Addresses in no order, as people come."""
    random.seed(1)
    places = {one.workspace for one in shown}
    paths = [reverse(f"connections:{page}", args=[place.slug]) for place in places for page in OF_WORKSPACE]
    paths += [f"{place.get_absolute_url()}?q=Account+00" for place in places]
    paths += [
        one.url(page) for one in shown for page in OF_CONNECTION if page in ("detail", "data") or mine(one, person)
    ]
    paths += [f"{one.url('data')}contacts/" for one in shown]
    return random.sample(paths, len(paths))


def mine(connection: Connection, person: User) -> bool:
    return connection.created_by_id == person.pk


@contextmanager
def beside(act: Callable[[], None]) -> Iterator[None]:
    """Every few seconds, in a thread of its own."""
    over = threading.Event()

    def go_on() -> None:
        while not over.wait(LOOK_AGAIN):
            act()
        connections.close_all()

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextmanager
def kept_pulling(pulled: Collection[Connection]) -> Iterator[None]:
    """Whatever has ended begins anew, as a whole."""

    def pull_again() -> None:
        for connection in pulled:
            with suppress(AlreadyActive):
                Sync.objects.queue(connection, trigger=Trigger.SCHEDULE, full=True)

    with beside(pull_again):
        yield


@contextmanager
def watched(web: Callable[[], list[int]], pulling: Sequence[Command]) -> Iterator[dict[str, list[float]]]:
    """The memory of all processes of a kind together, in MB, look by look."""
    seen: dict[str, list[float]] = {"the web": [], "the workers": []}

    def look() -> None:
        seen["the web"].append(megabytes(web()))
        seen["the workers"].append(megabytes(worker.pid for worker in pulling))

    with beside(look):
        yield seen


def megabytes(pids: Iterator[int] | Sequence[int]) -> float:
    return sum(resident(pid) for pid in pids) / 1024


def resident(pid: int) -> int:
    """Kilobytes, as the system counts them."""
    facts = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(facts["VmRSS"].split()[0])


def growth(looks: Sequence[float]) -> float:
    """The last quarter beside the second: in the first one caches fill."""
    quarter = max(1, len(looks) // 4)
    return fmean(looks[-quarter:]) / fmean(looks[quarter : 2 * quarter] or looks)
