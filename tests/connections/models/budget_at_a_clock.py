"""An account's budget, and those who take calls from it, at a clock that moves when it is told to."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from django.db import models

from connections.models import AccountBudget, Pace, SharedBudget, budget
from sources.spec import Lane

RATE = 5.0


@dataclass
class Clock:
    """A database's clock that moves when it is told to, and by naps. It is this process's clock, too."""

    now: float = field(default_factory=time.time)
    naps: list[float] = field(default_factory=list)

    def __call__(self) -> models.Value:
        return models.Value(self.now)

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(budget, "Clock", clock)
    return clock


def caller(clock: Clock, *, pace: str = Pace.FULL, still_wanted: Callable[[], None] = lambda: None) -> SharedBudget:
    return SharedBudget(
        account="harbourtea",
        rate=RATE,
        pace=pace,
        sleep=clock.sleep,
        clock=lambda: clock.now,
        still_wanted=still_wanted,
    )


def row() -> AccountBudget:
    return AccountBudget.objects.get(account="harbourtea")


def times_of(clock: Clock, one: SharedBudget, count: int, *, lane: Lane = Lane.BULK) -> list[float]:
    times = []
    for _ in range(count):
        one.take(lane)
        times.append(clock.now)
    return times
