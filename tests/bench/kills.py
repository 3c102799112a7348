"""Workers killed with -9 at any moment, over a run of syncs: nothing lost, stored twice or wrongly marked deleted."""

import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count
from django.utils import timezone

from connections.models import Connection, Sync
from connections.models.sync import SyncState, Trigger
from tests.bench.figures import Effort, Figure
from tests.bench.stage import LOOK_AGAIN, Account, Command, NotDone, accounts, connected, until_ended, workers

STREAMS = ("contacts", "deals", "contactTags")
ACCOUNTS = 3
WORLD = {"contacts": 3000, "deals": 800, "latency_ms": 100, "rate": 0, "changes": 0.3}
SETTINGS = {"SYNC_LEASE_SECONDS": "2", "ACTIVECAMPAIGN_RATE": "20"}
LIVES = (0.05, 2.5)  # Seconds from when a worker holds a sync until it is killed.
AT_ONCE = 8  # Of a pull at this latency: a kill repeats no more calls than were under way or not yet stored.
PATIENCE = 60.0


def measure(effort: Effort) -> Iterator[Figure]:
    """The rows of the accounts change a little with every call, so that deleting and changing is part of it."""
    kills = effort.of(200, 4)
    dice = random.Random(7)
    with accounts(ACCOUNTS, **WORLD) as sandboxes:
        targets = [Target(account=sandbox, connection=connected(sandbox, streams=STREAMS)) for sandbox in sandboxes]
        with workers(1, **SETTINGS) as running:
            undisturbed = whole_round(targets)
            struck = sum(kill_one(running, targets, dice=dice) for _ in range(kills))
            until_ended([target.sync for target in targets])
            settle(targets)
    yield from figures(targets, kills=kills, struck=struck, undisturbed=undisturbed)


@dataclass
class Target:
    """One account with its connection, the sync that is at it, and what was found wrong after each."""

    account: Account
    connection: Connection
    since: dict[str, int] = field(default_factory=dict)
    sync: Any = None
    syncs: int = 0
    repeated: int = 0
    lost: int = 0
    twice: int = 0
    wrongly_deleted: int = 0

    def begin(self) -> None:
        self.since = {stream: self.account.history(stream)["mark"] for stream in STREAMS}
        self.account.reset()
        self.sync = Sync.objects.queue(self.connection, trigger=Trigger.SCHEDULE, full=True)

    def judge(self) -> None:
        """After a sync has ended, and before the next is asked for: meanwhile nothing changes in the account."""
        self.sync.refresh_from_db()
        if self.sync.state not in (SyncState.COMPLETE, SyncState.PARTLY_DONE):
            raise NotDone(f"A sync ended as {self.sync.state}: {self.sync.reason}")
        self.syncs += 1
        self.repeated += self.account.stats()["repeated"]
        for stream in STREAMS:
            self.judge_stream(stream)

    def judge_stream(self, stream: str) -> None:
        lasting = self.account.history(stream, since=self.since[stream])["lasting"]
        records = self.connection.records.filter(stream=stream)
        living = set(records.living().values_list("external_id", flat=True))
        marked = set(records.exclude(deleted_at=None).values_list("external_id", flat=True))
        self.lost += len(lasting.keys() - living - marked)
        self.wrongly_deleted += len(lasting.keys() & marked)
        self.twice += records.values("external_id").annotate(times=Count("pk")).filter(times__gt=1).count()


def whole_round(targets: Sequence[Target]) -> int:
    """One sync each that nobody disturbs; returns how many calls asked the same again."""
    for target in targets:
        target.begin()
    until_ended([target.sync for target in targets])
    settle(targets)
    repeated = sum(target.repeated for target in targets)
    for target in targets:
        target.syncs = target.repeated = 0
        target.begin()
    return repeated


def settle(targets: Sequence[Target]) -> None:
    for target in targets:
        target.judge()


def kill_one(running: list[Command], targets: Sequence[Target], *, dice: random.Random) -> int:
    """Kill the worker while it holds at least one sync, and start another; returns how many syncs were struck."""
    wait_until_held(targets)
    time.sleep(dice.uniform(*LIVES))
    struck = len(held(targets))
    running[0].kill()
    running[0] = Command("worker", **SETTINGS)
    # What is left behind by this worker must not be taken for what the next one holds.
    time.sleep(float(SETTINGS["SYNC_LEASE_SECONDS"]))
    return struck


def wait_until_held(targets: Sequence[Target]) -> None:
    """Meanwhile, who has ended is looked at and begins anew."""
    deadline = time.monotonic() + PATIENCE
    while not held(targets):
        if time.monotonic() > deadline:
            raise NotDone("No worker took up what a killed one had left behind.")
        begin_anew(targets)
        time.sleep(LOOK_AGAIN)
    begin_anew(targets)


def begin_anew(targets: Sequence[Target]) -> None:
    for target in targets:
        if not Sync.objects.active().filter(pk=target.sync.pk).exists():
            target.judge()
            target.begin()


def held(targets: Sequence[Target]) -> list[Sync]:
    mine = Sync.objects.filter(pk__in=[target.sync.pk for target in targets])
    return [*mine.filter(state=SyncState.RUNNING, lease_until__gt=timezone.now())]


def figures(targets: Sequence[Target], *, kills: int, struck: int, undisturbed: int) -> Iterator[Figure]:
    syncs, repeated = (sum(getattr(target, name) for target in targets) for name in ("syncs", "repeated"))
    yield Figure(
        what=f"{kills} kills, which struck {struck} running syncs: syncs that ended", measured=[syncs], unit=""
    )
    for name, words in (
        ("lost", "rows lost"),
        ("twice", "rows stored twice"),
        ("wrongly_deleted", "rows wrongly marked deleted"),
    ):
        found = sum(getattr(target, name) for target in targets)
        yield Figure(what=f"In all of them: {words}", measured=[found], unit="", ideal=0, bound=0, must_hold=True)
    yield Figure(what="Calls repeated for each kill", measured=[repeated / kills], unit="")
    yield Figure(
        what="Calls repeated for each running sync that was struck",
        measured=[repeated / max(struck, 1)],
        unit="",
        bound=AT_ONCE,
    )
    yield Figure(what=f"Calls repeated in {len(targets)} syncs that nobody disturbed", measured=[undisturbed], unit="")
