"""`make bench`: measures the pulling of data beside the ideal, and says what keeps within its bound.

Each scenario runs in a process and on a database of its own, with the settings of a real site (DEBUG off) and the
sandbox, another process, as the account. `make bench ARGS="--only speed,many"` chooses; `--quick` runs it with
small numbers.
"""

import argparse
import os
import platform
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cryptography.fernet import Fernet

from tests.bench.figures import HEAD
from tests.postgresql_fixture import PostgreSQL, binaries
from tests.processes import ROOT, bare_environment

SCENARIOS = {
    "speed": "One account at full pace",
    "many": "Many syncs at once",
    "neighbours": "Other tools on the same account",
    "person": "A person who presses Test now during a pull at full pace",
    "downloads": "Sixteen downloads of two people from one web process",
    "storage": "Into SQLite, without latency or limit",
    "sideloading": "Contacts with all that comes along",
    "postgresql": "Into PostgreSQL, without latency or limit",
    "pages": "Pages of a large site (PostgreSQL)",
    "soak": "People who read all kinds of pages while workers pull, four minutes a lap (PostgreSQL)",
    "reading": "Rows of a connection that holds most of a million (PostgreSQL)",
    "reading_small": "Rows of a connection that has 200,000 contacts (SQLite)",
    "numbers": "Numbers of a connection that holds most of a million rows (PostgreSQL)",
    "rotation": "A new credential key while people work (PostgreSQL)",
    "kills": "Workers killed with -9",
    "days": "Months of a site: what is kept, and what goes",
    "refresh": "What a refresh costs, and what it shows",
    "walks": "Walks over servers that lie in every way that is known",
    "notices": "Seeded days on which keys die, the mail server is down and workers are killed",
    "worlds": "Seeded worlds, whose rows come and go while they are read",
}
ON_POSTGRESQL = ("postgresql", "pages", "soak", "reading", "numbers", "rotation")


def main(words: Sequence[str] | None = None) -> int:
    options = parse(words)
    say(f"Machine: {machine()}. Median of {options.laps} laps unless a row says otherwise.")
    return max(run(name, options) for name in options.only)


def parse(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", type=chosen, default=list(SCENARIOS), metavar="NAME,…", help=", ".join(SCENARIOS))
    parser.add_argument("--laps", type=int, help="5, or 1 when quick")
    parser.add_argument(
        "--quick", action="store_true", help="small numbers, which prove that the bench works and no more"
    )
    options = parser.parse_args(words)
    options.laps = options.laps or (1 if options.quick else 5)
    return options


def chosen(text: str) -> list[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in SCENARIOS]
    if unknown:
        raise argparse.ArgumentTypeError(f"no {', '.join(unknown)}; there are {', '.join(SCENARIOS)}")
    return names


def machine() -> str:
    load = ", ".join(f"{load:.1f}" for load in os.getloadavg())
    return f"{os.cpu_count()} cores, Python {platform.python_version()}, load {load} before the start"


def run(name: str, options: argparse.Namespace) -> int:
    say(f"\n**{SCENARIOS[name]}** (`{name}`)\n\n{HEAD}")
    command = [sys.executable, "-m", "tests.bench.scenario", name, f"--laps={options.laps}"]
    command += ["--quick"] if options.quick else []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, database(name, Path(folder)) as url:
        if url is None:
            say("| not measured: PostgreSQL is not installed | | | | | | | |")
            return 0
        return subprocess.run(command, cwd=ROOT, env=real_site(url, folder=folder), check=False).returncode


@contextmanager
def database(name: str, folder: Path) -> Iterator[str | None]:
    """The address of an empty database, gone afterwards; None where there is no such server."""
    where = binaries()
    if name not in ON_POSTGRESQL:
        yield f"sqlite:///{folder / 'bench.sqlite3'}"
    elif where is None:
        yield None
    else:
        place = folder / "postgresql"
        place.mkdir()
        folder.chmod(0o755)  # The server runs as somebody else, who has to get to its own folder.
        server = PostgreSQL(place, where)
        try:
            server.wait()
            yield server.url
        finally:
            server.stop()


def real_site(database_url: str, *, folder: str) -> dict[str, str]:
    """Every setting that a developer's `.env` might hold is given here: the figures must not depend on it."""
    return bare_environment(
        DJANGO_SETTINGS_MODULE="blinkmetrics.settings",
        DEBUG="off",
        SECRET_KEY=secrets.token_urlsafe(50),
        CREDENTIAL_KEYS=Fernet.generate_key().decode(),
        ALLOWED_HOSTS="bench.example",
        SITE_URL="https://bench.example",
        DATABASE_URL=database_url,
        EMAIL_URL="memorymail://",
        CELERY_BROKER_URL="",
        REDIS_URL="",
        RATE_LIMITS="on",
        ACTIVECAMPAIGN_RATE="5",
        ACTIVECAMPAIGN_SANDBOX_ORIGINS="",
        SYNC_LEASE_SECONDS="60",
        TMPDIR=folder,
    )


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
