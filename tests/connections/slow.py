"""A slow account, the patience of a person cut short while it hangs, and a worker that goes on."""

import threading
from typing import Any

import pytest

from connections.checking import patience
from connections.models import LiveCheck
from connections.syncing.carrying_on import carry_on
from connections.syncing.working import Worker
from sources.activecampaign.sandbox.server import SandboxServer
from tests.connections.engine import leaving

USUAL = patience.PERSONS
SHORT = 0.6  # Seconds. What hangs is waited for in vain; all else gets the usual time, however busy the machine is.


def hangs(sandbox: SandboxServer, path: str = "users/me", *, times: int | None = 1) -> None:
    """From now on, until a worker goes on."""
    sandbox.fault(path, hang="headers", times=times)
    patience.PERSONS = SHORT


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the test does to the patience of people ends with it."""
    monkeypatch.setattr(patience, "PERSONS", USUAL)


def carry_on_all() -> int:
    """Do what a worker does, until no check is left; returns how many there were."""
    patience.PERSONS = USUAL
    carried = 0
    while live_check := LiveCheck.objects.claim():
        carry_on(live_check, stopping=threading.Event())
        carried += 1
    return carried


def serve_once() -> None:
    patience.PERSONS = USUAL
    worker = Worker()
    thread = threading.Thread(target=leaving(worker.serve_once))
    thread.start()
    thread.join()


def sealed_columns() -> str:
    """Every text of every live check as it stands in the database."""
    rows: list[dict[str, Any]] = [*LiveCheck.objects.values()]
    return str(rows)
