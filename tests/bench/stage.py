"""What the scenarios act with: accounts, connections to them, and the product's commands as processes."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpx
from django.conf import settings

from connections.models import Connection, Holding, Privacy, Sync, User, Workspace
from connections.models.sync import SyncState
from sources.spec import Credentials, Proof, Secret
from tests.bench.figures import Lap
from tests.processes import ROOT
from tests.sandbox_fixture import SandboxProcess

PATIENCE = 1800.0  # Seconds until something that should have ended is given up.
LOOK_AGAIN = 0.1


class NotDone(Exception):
    """The work was not done: a figure for it would be worth nothing."""


class Account:
    """A sandbox, wherever it runs, as its address shows it."""

    def __init__(self, origin: str, api_key: str) -> None:
        self.origin, self.api_key = origin, api_key
        allow(origin)

    def stats(self) -> dict[str, Any]:
        return self._get("/__stats")

    def history(self, stream: str, *, since: int = 0) -> dict[str, Any]:
        return self._get("/__history", stream=stream, since=since)

    def reset(self) -> None:
        httpx.post(f"{self.origin}/__reset", trust_env=False, timeout=60).raise_for_status()

    def _get(self, path: str, **query: Any) -> dict[str, Any]:
        answer = httpx.get(f"{self.origin}{path}", params=query, trust_env=False, timeout=60)
        return answer.raise_for_status().json()


def allow(origin: str) -> None:
    """Here, and in every process that is started from now on."""
    settings.ACTIVECAMPAIGN_SANDBOX_ORIGINS = [*settings.ACTIVECAMPAIGN_SANDBOX_ORIGINS, origin]
    os.environ["ACTIVECAMPAIGN_SANDBOX_ORIGINS"] = ",".join(settings.ACTIVECAMPAIGN_SANDBOX_ORIGINS)


@contextmanager
def account(**options: Any) -> Iterator[Account]:
    """One account in a process of its own; options are those of `manage.py activecampaign_sandbox`."""
    sandbox = SandboxProcess(**options)
    try:
        yield Account(sandbox.origin, sandbox.api_key)
    finally:
        sandbox.stop()


@contextmanager
def accounts(count: int, **options: Any) -> Iterator[list[Account]]:
    """Several accounts, all in one process. Options are those of SandboxServer."""
    words = [f"{name}={value}" for name, value in options.items()]
    command = [sys.executable, "-m", "tests.bench.accounts", str(count), *words]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin and process.stdout
    try:
        yield [Account(*process.stdout.readline().split()) for _ in range(count)]
    finally:
        process.stdin.close()  # Which is how it learns that it is no longer wanted.
        process.wait(timeout=60)
        process.stdout.close()


def connected(account: Account, *, streams: Sequence[str] = (), pace: str = "full") -> Connection:
    """A new connection, verified and active, without a schedule; it pulls these streams, or the usual ones."""
    owner, _ = User.objects.get_or_create(email="bench@harbourtea.example", defaults={"name": "Bench"})
    workspace, _ = Workspace.objects.get_or_create(slug="bench", defaults={"name": "Bench"})
    workspace.memberships.get_or_create(user=owner)
    connection = Connection(
        workspace=workspace,
        source_key="activecampaign",
        created_by=owner,
        schedule="off",
        holding=Holding.objects.create(),
    )
    connection.pace = pace
    credentials = Credentials(api_url=account.origin, api_key=Secret(account.api_key))
    proof = Proof(account="", person="Bench")
    connection.set_up(credentials, proof, name="Bench", privacy=Privacy.WORKSPACE, team=None, by=owner)
    connection.activate(by=owner)
    if streams:
        connection.stream_keys = [*streams]
        connection.save(update_fields=["stream_keys"])
    return connection


class Command:
    """`manage.py …` as a process. `seconds` and `peak_megabytes` are known once it has ended."""

    def __init__(self, *words: str, **variables: str) -> None:
        self._said = tempfile.TemporaryFile("w+")  # noqa: SIM115 - It is read when the process has ended.
        self._started = time.monotonic()
        self._process = subprocess.Popen(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=os.environ | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._said,
        )
        self.code: int | None = None
        self.seconds = self.peak_megabytes = 0.0

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait(self) -> int:
        """What it used is told by the system when it is buried, and only to whoever buries it."""
        _, status, usage = os.wait4(self._process.pid, 0)
        self.seconds = time.monotonic() - self._started
        self.peak_megabytes = usage.ru_maxrss / 1024
        self.code = self._process.returncode = os.waitstatus_to_exitcode(status)
        return self.code

    def has_ended(self) -> bool:
        """Looked up without burying it: what it used would be lost."""
        return os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def wait_for_success(self) -> None:
        if self.wait() != 0:
            raise NotDone(f"It ended with {self.code}: {self.last_words()}")

    def stop(self) -> None:
        """As an operator does; whoever has ended already is left alone."""
        if self.code is None:
            self._send(signal.SIGTERM)
            self.wait()

    def kill(self) -> None:
        """As `kill -9` does: it can put nothing in order."""
        if self.code is None:
            self._send(signal.SIGKILL)
            self.wait()

    def _send(self, number: signal.Signals) -> None:
        os.kill(self._process.pid, number)  # Popen's own way would bury it first when it has ended.

    def last_words(self) -> str:
        self._said.seek(0)
        return self._said.read()[-2000:]


def sync_command(connection: Connection, *, pace: str = "full") -> Command:
    return Command("sync", str(connection.pk), "--full", "--pace", pace)


@contextmanager
def workers(count: int, **variables: str) -> Iterator[list[Command]]:
    """`manage.py worker`, so many times. Whoever replaces one in the list leaves it to be stopped here."""
    running = [Command("worker", **variables) for _ in range(count)]
    try:
        yield running
    finally:
        for worker in running:
            worker.stop()


def sync_lap(account: Account, connection: Connection, *, pace: str = "full") -> Lap:
    """One whole `manage.py sync`."""
    account.reset()
    command = sync_command(connection, pace=pace)
    command.wait_for_success()
    return lap_of(account, whole=command.seconds)


def lap_of(account: Account, *, whole: float = 0.0) -> Lap:
    stats = account.stats()
    return Lap(seconds=stats["seconds"], calls=stats["requests"], refused=stats["rejected_429"], whole=whole)


def require_rows(connection: Connection, stream: str, count: int) -> None:
    """Raises NotDone unless the stream was stored whole."""
    stored = connection.records.living().filter(stream=stream).count()
    if stored != count:
        raise NotDone(f"{stored} of {count} {stream} were stored.")


def until_ended(syncs: Sequence[Sync], *, patience: float = PATIENCE) -> None:
    """Wait until nothing is queued or running of these. Raises NotDone when that does not happen."""
    deadline = time.monotonic() + patience
    mine = Sync.objects.filter(pk__in=[sync.pk for sync in syncs])
    while mine.active().exists():
        if time.monotonic() > deadline:
            raise NotDone(f"After {patience:.0f} seconds it had not ended.")
        time.sleep(LOOK_AGAIN)


def until_complete(syncs: Sequence[Sync]) -> None:
    """Raises NotDone for what ended otherwise."""
    until_ended(syncs)
    mine = Sync.objects.filter(pk__in=[sync.pk for sync in syncs])
    failed = mine.exclude(state=SyncState.COMPLETE).first()
    if failed:
        raise NotDone(f"The sync ended as {failed.state}: {failed.reason}")
