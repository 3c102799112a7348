"""An account, those who call it, and the time that passes: simulated, so that minutes of pulling take a second."""

import heapq
import itertools
from collections import Counter, deque
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass, field
from random import Random
from typing import Any

from django.db.models import Value
from greenlet import getcurrent, greenlet

from connections.models import SharedBudget
from sources.errors import RateLimited
from sources.spec import Allowance, Lane

MIDNIGHT = 1_800_000_000.0  # Seconds since 1970, as the database's clock gives them.


class Time:
    """Stands still while anybody does something, and jumps when all of them sleep."""

    def __init__(self) -> None:
        self.now = MIDNIGHT
        self._numbers = itertools.count()
        self._sleeping: list[tuple[float, int, greenlet]] = []
        self._hub = getcurrent()

    def monotonic(self) -> float:
        return self.now

    def database(self) -> Value:
        return Value(self.now)

    def start(self, work: Callable[[], Any]) -> None:
        begun = greenlet(work, parent=self._hub)
        # Where a loop runs in this thread, and browser tests leave one, Django keeps its line to the database there.
        begun.gr_context = copy_context()
        self._wake(begun, after=0.0)

    def sleep(self, seconds: float) -> None:
        self._wake(getcurrent(), after=seconds)
        self._hub.switch()

    def pass_until(self, moment: float) -> None:
        while self._sleeping and self._sleeping[0][0] <= moment:
            self.now, _, sleeper = heapq.heappop(self._sleeping)
            sleeper.switch()

    def run(self) -> None:
        self.pass_until(float("inf"))

    def _wake(self, sleeper: greenlet, *, after: float) -> None:
        heapq.heappush(self._sleeping, (self.now + max(after, 0.0), next(self._numbers), sleeper))


@dataclass
class Account:
    """Accepts `rate` calls in any second, by their arrival. Calls travel for up to `jitter`, and answers `latency`.

    `noise` is what a busy machine adds to each sleep, on average. `tells` says what the account writes about its limit.
    """

    time: Time
    rate: int = 5
    latency: float = 0.3
    jitter: float = 0.0
    noise: float = 0.001
    tells: Callable[[int], Allowance | None] = lambda remaining: None
    seed: int = 1
    window: deque[float] = field(default_factory=deque)
    arrivals: list[tuple[float, str, bool]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.dice = Random(self.seed)

    def oversleep(self, seconds: float) -> None:
        self.time.sleep(seconds + self.dice.expovariate(1 / self.noise) if seconds > 0 and self.noise else seconds)

    def admit(self, caller: str) -> bool:
        now = self.time.now
        while self.window and self.window[0] <= now - 1.0:
            self.window.popleft()
        is_accepted = len(self.window) < self.rate
        if is_accepted:
            self.window.append(now)
        self.arrivals.append((now, caller, is_accepted))
        return is_accepted

    def budget(self, *, pace: str) -> SharedBudget:
        return SharedBudget(
            account="harbourtea",
            rate=float(self.rate),
            pace=pace,
            sleep=self.oversleep,
            clock=self.time.monotonic,
        )

    def called_by(self, budget: SharedBudget, *, name: str) -> bool:
        """One call, from the slot that was just taken to its answer."""
        slot = budget.here.slot
        self.time.sleep(self.dice.random() * self.jitter)
        is_accepted = self.admit(name)
        told = self.tells(self.rate - len(self.window))
        self.time.sleep(self.latency)
        budget.here.slot = slot  # Each call is a thread of its own; here all are one.
        if is_accepted:
            budget.answered(told)
        else:
            budget.slow_down(1.0)
        return is_accepted

    def pull(self, *, calls: int, pace: str, name: str = "pull") -> None:
        """A process that has so many calls to make, each again until it is accepted."""
        left, under_way = calls, 0

        def work() -> None:
            nonlocal left, under_way
            budget = self.budget(pace=pace)
            while left or under_way:
                if not left:
                    self.time.sleep(0.01)
                    continue
                budget.take(Lane.BULK)
                left, under_way = left - 1, under_way + 1
                self.time.start(lambda: call(budget))
                self.time.sleep(0.0)

        def call(budget: SharedBudget) -> None:
            nonlocal left, under_way
            is_accepted = self.called_by(budget, name=name)
            left, under_way = left + (not is_accepted), under_way - 1

        self.time.start(work)

    def neighbour(self, *, rate: float, heeds: bool, seconds: float, name: str = "neighbour") -> None:
        over = self.time.now + seconds

        def work() -> None:
            while self.time.now < over:
                is_accepted = self.admit(name)
                self.time.sleep(1.0 if heeds and not is_accepted else 1.0 / rate)

        self.time.start(work)

    def person(self, *, presses: int, between: float, name: str = "person") -> list[float]:
        """Presses Test now, whose check makes three calls; returns what each waited for its slot, as time passes."""
        waits: list[float] = []

        def work() -> None:
            for _ in range(presses):
                self.time.sleep(self.dice.uniform(0.5, 1.5) * between)
                budget = self.budget(pace="considerate")
                for _ in range(3):
                    asked = self.time.now
                    try:
                        budget.take(Lane.INTERACTIVE)
                    except RateLimited:
                        waits.append(float("inf"))
                        break
                    waits.append(self.time.now - asked)
                    self.called_by(budget, name=name)

        self.time.start(work)
        return waits

    def rate_of(self, name: str = "pull", *, since: float = 0.0) -> float:
        """Accepted calls a second."""
        moments = [at for at, who, ok in self.arrivals if who == name and ok and at >= MIDNIGHT + since]
        return (len(moments) - 1) / (moments[-1] - moments[0])

    def refused(self, name: str = "pull", *, since: float = 0.0) -> float:
        """The share of calls that were refused."""
        counted = Counter(ok for at, who, ok in self.arrivals if who == name and at >= MIDNIGHT + since)
        return counted[False] / max(counted.total(), 1)

    def count(self, name: str = "pull") -> Counter[bool]:
        return Counter(ok for _, who, ok in self.arrivals if who == name)
