"""Many syncs at once: on one account in processes of their own, and on many accounts in one set of workers."""

import time
from collections.abc import Iterator, Sequence

from connections.models import Connection, Sync
from connections.models.sync import Trigger
from tests.bench.figures import Effort, Figure, Lap, ideal_seconds, median_of
from tests.bench.stage import (
    Account,
    Command,
    account,
    accounts,
    connected,
    lap_of,
    require_rows,
    sync_command,
    until_complete,
    workers,
)

RATE = 5
LATENCY_MS = 300


def measure(effort: Effort) -> Iterator[Figure]:
    for count, contacts in ((2, 5000), (4, 2500), (8, 2500)):
        yield from on_one_account(effort, count=count, contacts=effort.of(contacts, 600))
    yield from on_many_accounts(effort, count=8, contacts=effort.of(5000, 600), rate=5.0, processes=2)
    yield from on_many_accounts(effort, count=effort.of(50, 10), contacts=effort.of(1500, 400), rate=0.5, processes=7)


def on_one_account(effort: Effort, *, count: int, contacts: int) -> Iterator[Figure]:
    what = f"{count} syncs of {contacts:,} contacts on one account"
    laps, shares = [], []
    with account(contacts=contacts, latency_ms=LATENCY_MS, rate=RATE) as sandbox:
        for _ in range(effort.laps):
            lap, share = side_by_side(sandbox, count=count, contacts=contacts)
            laps.append(lap)
            shares.append(share)
    ideal = ideal_seconds(median_of(laps, "calls"), rate=RATE, latency_ms=LATENCY_MS)
    calls, refused = sum(lap.calls for lap in laps), sum(lap.refused for lap in laps)
    bound = 1.08 * ideal if count == 8 else 1.05 * ideal + 2 * LATENCY_MS / 1000
    yield Figure(
        what=f"{what}, first call to last answer",
        measured=[lap.seconds for lap in laps],
        ideal=ideal,
        bound=bound,
        calls=median_of(laps, "calls"),
        refused=refused,
    )
    per_200 = 200 * refused / calls
    yield Figure(what=f"{what}, 429s in 200 calls", measured=[per_200], unit="", bound=1 if count == 8 else 0)
    yield Figure(
        what=f"{what}, calls of the slowest by its fair share",
        measured=shares,
        unit="×",
        ideal=1,
        bound=0.5,
        is_least=True,
    )


def side_by_side(sandbox: Account, *, count: int, contacts: int) -> tuple[Lap, float]:
    """The lap, and how the calls of the slowest compare with the mean while all were at it."""
    connections = [connected(sandbox, streams=["contacts"]) for _ in range(count)]
    sandbox.reset()
    commands = [sync_command(connection) for connection in connections]
    share = least_share(connections, commands)
    for command, connection in zip(commands, connections, strict=True):
        command.wait_for_success()
        require_rows(connection, "contacts", contacts)
    return lap_of(sandbox), share


def least_share(connections: Sequence[Connection], commands: Sequence[Command]) -> float:
    """Counted from when the last of them has begun until the first of them has ended."""
    syncs = Sync.objects.filter(connection__in=connections)
    begun: dict[int, int] = {}
    while syncs.active().count() == len(connections) or syncs.count() < len(connections):
        calls = dict(syncs.values_list("pk", "calls"))
        if not begun and len(calls) == len(connections) and all(calls.values()):
            begun = calls
        if any(command.has_ended() for command in commands):
            break
        time.sleep(0.1)
    made = [calls - begun.get(pk, 0) for pk, calls in syncs.values_list("pk", "calls")]
    return min(made) * len(made) / max(sum(made), 1)


def on_many_accounts(effort: Effort, *, count: int, contacts: int, rate: float, processes: int) -> Iterator[Figure]:
    """One sync on each; the workers are warm when the syncs are asked for."""
    ratios, all_laps = [], []
    options = {"contacts": contacts, "deals": 0, "latency_ms": LATENCY_MS, "rate": max(1, int(rate))}
    with accounts(count, **options) as sandboxes, workers(processes, ACTIVECAMPAIGN_RATE=str(rate)):
        time.sleep(2 + processes)  # They start side by side, on as many cores as there are.
        for _ in range(effort.laps):
            laps = one_sync_each(sandboxes, contacts=contacts)
            ratios.append(max(by_its_ideal(lap, rate=rate) for lap in laps))
            all_laps += laps
    yield Figure(
        what=f"{count} accounts at {rate:g} a second in {processes} workers, the slowest by its own ideal",
        measured=ratios,
        unit="×",
        ideal=1,
        bound=1.15,
        calls=median_of(all_laps, "calls"),
        refused=sum(lap.refused for lap in all_laps),
    )


def one_sync_each(sandboxes: Sequence[Account], *, contacts: int) -> list[Lap]:
    connections = [connected(sandbox, streams=["contacts"]) for sandbox in sandboxes]
    for sandbox in sandboxes:
        sandbox.reset()
    syncs = [Sync.objects.queue(connection, trigger=Trigger.SCHEDULE, full=True) for connection in connections]
    until_complete(syncs)
    for connection in connections:
        require_rows(connection, "contacts", contacts)
    return [lap_of(sandbox) for sandbox in sandboxes]


def by_its_ideal(lap: Lap, *, rate: float) -> float:
    return lap.seconds / ideal_seconds(lap.calls, rate=rate, latency_ms=LATENCY_MS)
