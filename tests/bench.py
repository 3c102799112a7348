"""`make bench`: how fast an account's contacts arrive, beside a walk that only reads them page by page.

Both ask the same sandbox, in a process of its own, in turns, so that a busy moment of the machine strikes both.
"""

import argparse
import logging
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import django
import httpx

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
os.environ["ACTIVECAMPAIGN_RATE"] = "100000"  # No limit to keep: what is measured is our own work.
FOLDER = tempfile.TemporaryDirectory(prefix="bench-")
# Never the DATABASE_URL that may be set: the bench writes.
os.environ["DATABASE_URL"] = os.environ.get("BENCH_DATABASE_URL") or f"sqlite:///{Path(FOLDER.name) / 'bench.sqlite3'}"
django.setup()

# Models can be imported only now.
from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection as database  # noqa: E402

from connections.models import Connection, Pace, Privacy, Sync, User, Workspace  # noqa: E402
from connections.models.sync import SyncState, Trigger  # noqa: E402
from connections.syncing import run  # noqa: E402
from sources.spec import Credentials, Secret  # noqa: E402
from tests.sandbox_fixture import SandboxProcess  # noqa: E402

PAGE_SIZE = 100


class Lap(NamedTuple):
    seconds: float
    calls: int


def main() -> None:
    options = parse_options()
    logging.disable(logging.INFO)
    call_command("migrate", verbosity=0)
    sandbox = SandboxProcess(contacts=options.contacts, latency_ms=0, rate=0)
    try:
        settings.ACTIVECAMPAIGN_SANDBOX_ORIGINS = [sandbox.origin]
        report(options, *measure(sandbox, contacts=options.contacts, laps=options.laps))
    finally:
        sandbox.stop()
        database.close()
        FOLDER.cleanup()


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__.splitlines()[0])
    parser.add_argument("--contacts", type=int, default=1000)
    parser.add_argument("--laps", type=int, default=5)
    return parser.parse_args()


def measure(sandbox: SandboxProcess, *, contacts: int, laps: int) -> tuple[list[Lap], list[Lap]]:
    plain, ours = [], []
    for number in range(laps):
        plain.append(timed(sandbox, lambda: walk_plainly(sandbox, contacts=contacts)))
        sync = queued_sync(sandbox, name=f"Lap {number}")
        ours.append(timed(sandbox, lambda sync=sync: pull(sync, contacts=contacts)))
    return plain, ours


def timed(sandbox: SandboxProcess, work: Callable[[], None]) -> Lap:
    before = sandbox.stats()["requests"]
    started = time.perf_counter()
    work()
    return Lap(time.perf_counter() - started, sandbox.stats()["requests"] - before)


def walk_plainly(sandbox: SandboxProcess, *, contacts: int) -> None:
    """The least that anybody must do: offset pages one after another over one kept line, nothing stored."""
    headers = {"Api-Token": sandbox.api_key}
    seen: set[str] = set()
    with httpx.Client(base_url=f"{sandbox.origin}/api/3/", headers=headers, trust_env=False) as http:
        while True:
            answer = http.get("contacts", params={"limit": PAGE_SIZE, "offset": len(seen)}).raise_for_status()
            rows = answer.json()["contacts"]
            seen.update(row["id"] for row in rows)
            if len(rows) < PAGE_SIZE:
                break
    require(len(seen) == contacts, f"The plain walk read {len(seen)} of {contacts} contacts.")


def queued_sync(sandbox: SandboxProcess, *, name: str) -> Sync:
    """A connection of its own for each lap: every row is new to it."""
    owner, _ = User.objects.get_or_create(email="bench@harbourtea.example", defaults={"name": "Bench"})
    workspace, _ = Workspace.objects.get_or_create(slug="bench", defaults={"name": "Bench"})
    workspace.memberships.get_or_create(user=owner)
    connection = Connection(workspace=workspace, source_key="activecampaign", created_by=owner)
    credentials = Credentials(api_url=sandbox.origin, api_key=Secret(sandbox.api_key))
    connection.set_up(credentials, None, name=name, privacy=Privacy.WORKSPACE, team=None, by=owner)
    connection.set_health("healthy")
    connection.activate(by=owner)
    return Sync.objects.queue(connection, trigger=Trigger.COMMAND, pace=Pace.FULL, full=True, only=["contacts"])


def pull(sync: Sync, *, contacts: int) -> None:
    claimed = Sync.objects.claim(pk=sync.pk)
    require(claimed is not None, "The sync could not be claimed.")
    run(claimed)
    claimed.refresh_from_db()
    stored = claimed.connection.records.filter(stream="contacts").count()
    require(claimed.state == SyncState.COMPLETE, f"The sync ended as {claimed.state}: {claimed.reason}")
    require(stored == contacts, f"The sync stored {stored} of {contacts} contacts.")


def require(true: bool, otherwise: str) -> None:
    """A figure for work that was not done would be worth nothing."""
    if not true:
        sys.exit(otherwise)


def report(options: argparse.Namespace, plain: list[Lap], ours: list[Lap]) -> None:
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, {database.vendor}"
    lines = [
        f"{options.contacts:,} contacts without latency or limit, median of {options.laps} ({machine})",
        f"{'':34}{'seconds':>8}{'spread':>14}{'rows/s':>9}{'calls':>7}",
        row("plain offset walk, nothing stored", plain, options.contacts),
        row("sync into the database", ours, options.contacts),
    ]
    sys.stdout.write("\n".join(lines) + "\n")


def row(name: str, laps: list[Lap], contacts: int) -> str:
    seconds = sorted(lap.seconds for lap in laps)
    median = statistics.median(seconds)
    spread = f"{seconds[0]:.2f}-{seconds[-1]:.2f}"
    calls = statistics.median(lap.calls for lap in laps)
    return f"{name:34}{median:8.2f}{spread:>14}{contacts / median:9,.0f}{calls:7.0f}"


if __name__ == "__main__":
    main()
