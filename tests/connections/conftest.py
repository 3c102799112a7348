"""Fixtures of the engine's tests."""

from typing import Any

import pytest

from connections.models import SharedBudget
from tests.command_fixture import start_command, start_python

__all__ = ["start_command", "start_python"]


@pytest.fixture
def no_limit(settings: Any) -> None:
    """The sandbox bears any number of calls, and nothing waits for a slot."""
    settings.ACTIVECAMPAIGN_RATE = 10_000.0


@pytest.fixture
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries within a call are the transports' own affair, and tested there."""
    monkeypatch.setattr("sources.http.retry.MOST_RETRIES", 0)
    monkeypatch.setattr("sources.http.retry._pause", lambda state: 0.0)


@pytest.fixture
def no_naps(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an account asks us to wait is noted for everybody, and not waited for."""

    def forget(budget: SharedBudget, _seconds: float) -> None:
        # Threads that make calls nap, too, and have no line to the database.
        budget.aside(lambda: budget.row().update(tat=0.0))

    monkeypatch.setattr(SharedBudget, "nap", forget)
