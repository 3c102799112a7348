"""Other tools on the same account: one that heeds nothing, a polite one, and calls that arrive unevenly."""

import time
from collections.abc import Iterator

from connections.models import Sync
from connections.models.sync import Trigger
from tests.bench.figures import Effort, Figure, Lap, median_of
from tests.bench.stage import (
    Account,
    account,
    connected,
    lap_of,
    require_rows,
    sync_command,
    sync_lap,
    until_complete,
    workers,
)

RATE = 5
LATENCY_MS = 100
PACES = ("considerate", "full")
FIRST_MINUTE = 60.0
JITTER_MS = 100
NOISY_SECONDS = 25


def measure(effort: Effort) -> Iterator[Figure]:
    yield from beside_a_rude_one(effort, contacts=effort.of(2000, 300))
    yield from beside_a_rude_one(effort, contacts=effort.of(250, 30), jitter_ms=JITTER_MS, bound=NOISY_SECONDS)
    for pace in PACES:
        yield beside_a_polite_one(effort, contacts=effort.of(20_000, 1500), pace=pace)
    for pace in PACES:
        yield with_jitter(effort, contacts=effort.of(60_000, 2500), pace=pace)


def beside_a_rude_one(
    effort: Effort, *, contacts: int, jitter_ms: int = 0, bound: float | None = None
) -> Iterator[Figure]:
    """By a worker, as every day: a pull that has to wait is taken up again."""
    laps = []
    site = {"contacts": contacts, "latency_ms": LATENCY_MS, "rate": RATE, "jitter_ms": jitter_ms}
    with account(**site, neighbour="rude") as sandbox, workers(1):
        for _ in range(effort.laps):
            connection = connected(sandbox, streams=["contacts"])
            sandbox.reset()
            until_complete([Sync.objects.queue(connection, trigger=Trigger.SCHEDULE, full=True)])
            require_rows(connection, "contacts", contacts)
            laps.append(lap_of(sandbox))
    late = f", calls arriving up to {jitter_ms} ms late" if jitter_ms else ""
    yield Figure(
        what=f"{contacts:,} contacts beside 12 calls a second that ignore every 429{late}: complete, nothing lost",
        measured=[lap.seconds for lap in laps],
        bound=bound,
        calls=median_of(laps, "calls"),
        refused=median_of(laps, "refused"),
    )


def beside_a_polite_one(effort: Effort, *, contacts: int, pace: str) -> Figure:
    refused = requests = 0
    laps: list[Lap] = []
    with account(contacts=contacts, latency_ms=LATENCY_MS, rate=RATE, neighbour="polite") as sandbox:
        for _ in range(effort.laps):
            connection = connected(sandbox, streams=["contacts"])
            laps.append(sync_lap(sandbox, connection, pace=pace))
            require_rows(connection, "contacts", contacts)
            neighbour = sandbox.stats()["callers"].get("neighbour", {"rejected_429": 0, "requests": 0})
            refused, requests = refused + neighbour["rejected_429"], requests + neighbour["requests"]
    return Figure(
        what=f"Pace {pace}: of {requests} calls of a neighbour, one each 2 s, refused (all laps together)",
        measured=[100 * refused / max(requests, 1)],
        unit="%",
        bound=10 if pace == "considerate" else None,
        calls=median_of(laps, "calls"),
        refused=sum(lap.refused for lap in laps),
    )


def with_jitter(effort: Effort, *, contacts: int, pace: str) -> Figure:
    """One long lap: what matters is how it settles."""
    with account(contacts=contacts, latency_ms=LATENCY_MS, rate=RATE, jitter_ms=JITTER_MS) as sandbox:
        connection = connected(sandbox, streams=["contacts"])
        command = sync_command(connection, pace=pace)
        until_called(sandbox)
        time.sleep(5 if effort.quick else FIRST_MINUTE)
        sandbox.reset()
        command.wait_for_success()
        later = lap_of(sandbox)
        require_rows(connection, "contacts", contacts)
    return Figure(
        what=f"Pace {pace}, calls arriving up to 100 ms late: refused after the first minute (1 lap)",
        measured=[100 * later.refused / max(later.calls, 1)],
        unit="%",
        bound=2,
        calls=later.calls,
        refused=later.refused,
    )


def until_called(sandbox: Account) -> None:
    while not sandbox.stats()["requests"]:
        time.sleep(0.05)
