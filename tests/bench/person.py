"""Somebody presses Test now while a pull fills the account's budget: how long they wait for their calls' slots."""

import random
import time
from collections.abc import Iterator

from connections.checking.checking import account_of
from connections.checking.patience import of_a_person
from connections.models import Connection, SharedBudget
from sources.errors import RateLimited
from sources.spec import Allowance, Lane
from tests.bench.figures import Effort, Figure, percentile
from tests.bench.stage import account, connected, lap_of, sync_command

RATE = 5
LATENCY_MS = 200
BETWEEN = (0.3, 1.0)  # Seconds.


def measure(effort: Effort) -> Iterator[Figure]:
    presses = effort.of(100, 8)
    waits: list[float] = []
    told_busy = 0
    with account(contacts=effort.of(120_000, 6000), latency_ms=LATENCY_MS, rate=RATE) as sandbox:
        puller, tested = (connected(sandbox, streams=["contacts"]) for _ in range(2))
        pull = sync_command(puller)
        try:
            time.sleep(4)  # Until the pull is at its pace.
            for _ in range(presses):
                time.sleep(random.uniform(*BETWEEN))
                was_busy, waited = press_test_now(tested)
                waits, told_busy = waits + waited, told_busy + was_busy
            is_over = pull.has_ended()
        finally:
            pull.kill()
        lap = lap_of(sandbox)
    yield Figure(
        what=f"{presses} presses during a pull{' (which ended early)' if is_over else ''}: "
        f"the wait for a slot, of {len(waits)} the 99th of 100",
        measured=[percentile(waits, 0.99)],
        bound=0.5,
        calls=lap.calls,
        refused=lap.refused,
    )
    yield Figure(what="Presses that were told that the account is busy", measured=[told_busy], unit="", ideal=0)
    yield Figure(what="The median wait for a slot, and the spread of all", measured=waits)


def press_test_now(connection: Connection) -> tuple[bool, list[float]]:
    """The check that the button makes; returns whether it ended in a 429, and what each call waited for its slot."""
    source, credentials = connection.known_source(), connection.credentials()
    budget = WatchedBudget(SharedBudget(account=account_of(credentials), rate=source.calls_per_second()))
    try:
        source.check(credentials, budget=budget, seconds=of_a_person().seconds)
    except RateLimited:
        return True, budget.waits
    return False, budget.waits


class WatchedBudget:
    """The shared budget, with a watch on how long `take` takes."""

    def __init__(self, budget: SharedBudget) -> None:
        self._budget = budget
        self.waits: list[float] = []

    def take(self, lane: Lane) -> None:
        started = time.perf_counter()
        self._budget.take(lane)
        self.waits.append(time.perf_counter() - started)

    def slow_down(self, seconds: float) -> None:
        self._budget.slow_down(seconds)

    def answered(self, allowance: Allowance | None = None, *, ago: float = 0.0) -> None:
        self._budget.answered(allowance, ago=ago)
