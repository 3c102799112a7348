"""Fixture: a scratch PostgreSQL server of its own, gone with the test session."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.processes import PATIENCE, free_port, until

NO_POSTGRESQL = "POSTGRESQL TESTS SKIPPED: install postgresql"
SERVER_USER = "postgres"  # Comes with the package; the server refuses to run as root.
QUICK = ["-c", "fsync=off", "-c", "full_page_writes=off", "-c", "autovacuum=off"]  # A crash may lose what it likes.


def binaries() -> Path | None:
    """Where initdb and postgres are: Debian keeps them off the path."""
    on_path = shutil.which("initdb")
    found = [Path(on_path).parent] if on_path else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return next((folder for folder in reversed(found) if (folder / "initdb").exists()), None)


def other_user() -> Mapping[str, Any]:
    """Who the server runs as, for subprocess: ourselves unless we are root."""
    if os.geteuid() != 0:
        return {}
    account = pwd.getpwnam(SERVER_USER)
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


class PostgreSQL:
    """A server on a free port of this machine, with an empty folder for its data."""

    def __init__(self, folder: Path, binaries: Path) -> None:
        self.port = free_port()
        self.url = f"postgres://scratch@127.0.0.1:{self.port}/postgres"
        self.log = (folder / "log").open("w+")
        data, who = folder / "data", other_user()
        if who:
            os.chown(folder, who["user"], who["group"])
        make = [binaries / "initdb", "-D", data, "-U", "scratch", "--auth=trust", "-E", "UTF8", "--no-sync"]
        subprocess.run([*make, "--locale=C.UTF-8"], check=True, cwd=folder, stdout=self.log, stderr=self.log, **who)
        serve = [binaries / "postgres", "-D", data, "-k", folder, "-h", "127.0.0.1", "-p", str(self.port), *QUICK]
        self.process = subprocess.Popen(serve, cwd=folder, stdout=self.log, stderr=self.log, **who)

    def wait(self) -> None:
        until(self.answers, what="PostgreSQL's first answer")

    def answers(self) -> bool:
        assert self.process.poll() is None, self.said()
        try:
            psycopg.connect(self.url).close()
        except psycopg.OperationalError:
            return False
        return True

    def said(self) -> str:
        self.log.seek(0)
        return self.log.read()

    def stop(self) -> None:
        """At once, whoever is still connected."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=PATIENCE)
        self.log.close()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    where = binaries()
    if where is None:
        refuse = pytest.fail if os.environ.get("CI", "").lower() in {"1", "true"} else pytest.skip
        refuse(NO_POSTGRESQL)
    # Not pytest's folder: only its owner may enter that, and the server is somebody else.
    with tempfile.TemporaryDirectory(prefix="postgresql-") as folder:
        server = PostgreSQL(Path(folder), where)
        try:
            server.wait()
            yield server
        finally:
            server.stop()
