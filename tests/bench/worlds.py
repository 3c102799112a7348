"""Seeded worlds, whose rows come, change, merge and go while they are read, with faults and lies in the answers.

The rule: every row that is there from before the sync to after it is stored, as it was shown last, and no row is
marked deleted that still exists. Each world is synced twice: what goes is marked deleted by a second whole walk at the
earliest. Beside it, what plain offset pages lose in the same worlds. A seed gives the same world again.
"""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from unittest.mock import patch

from django.conf import settings
from django.core.management import call_command
from django.db import connection as database
from django.db import connections
from django.utils import timezone

from connections.models import Connection, Sync
from connections.models.stream_run import RunState
from connections.models.sync import Trigger
from connections.syncing.syncing import run
from sources.activecampaign.sandbox.server import SandboxServer
from sources.activecampaign.sandbox.stirring.chaos import Chaos
from sources.spec import Row
from tests.bench.figures import Effort, Figure
from tests.bench.plain import plain_walk
from tests.bench.stage import Account, connected
from tests.bench.storage import empty

STREAMS = ("contacts", "deals", "contactTags", "contactAutomations")
SIZE = {"contacts": 450, "deals": 200}
HASTE = 10  # Answers overtake each other as much when all delays are a tenth.


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one world, or one sync of it, came to.

    `said` are rows missing from streams that the sync itself called incomplete, `missing` those after the second sync.
    """

    lost: int = 0
    said: int = 0
    outdated: int = 0
    wrongly_deleted: int = 0
    missing: int = 0
    plainly_lost: int = 0
    rows: int = 0
    seed: int = 0
    is_partly_done: bool = False

    @property
    def breaks_the_rule(self) -> bool:
        return bool(self.lost or self.outdated or self.wrongly_deleted)


def measure(effort: Effort) -> Iterator[Figure]:
    seeds = range(1, effort.of(1000, 20) + 1)
    connections.close_all()  # A line to the database must not be shared by two processes.
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(os.cpu_count(), mp_context=context, initializer=begin) as pool:
        yield from figures(list(pool.map(replay, seeds, chunksize=5)))


def begin() -> None:
    """A database of its own for this process, and no limit: time is not what is looked at here."""
    connections.close_all()
    database.settings_dict["NAME"] += f"-{os.getpid()}"
    settings.ACTIVECAMPAIGN_RATE = 100_000.0
    call_command("migrate", verbosity=0)


def replay(seed: int) -> Outcome:
    with unhurried(), world_of(seed) as sandbox:
        connection = connected(Account(sandbox.origin, sandbox.api_key), streams=STREAMS)
        first, second = (judged(sandbox, connection, whole_sync(connection)) for _ in range(2))
        empty()
    with world_of(seed) as sandbox:
        plain = sum(plainly_lost(sandbox, stream) for stream in STREAMS)
    return Outcome(
        seed=seed,
        lost=first.lost + second.lost,
        said=first.said,
        outdated=first.outdated + second.outdated,
        wrongly_deleted=first.wrongly_deleted + second.wrongly_deleted,
        missing=second.said + second.lost,
        plainly_lost=plain,
        rows=second.rows,
        is_partly_done=first.is_partly_done,
    )


def whole_sync(connection: Connection) -> Sync:
    """To its end: one that has to wait is taken up at once."""
    sync = Sync.objects.start(connection, trigger=Trigger.SCHEDULE, full=True)
    run(sync)
    while Sync.objects.active().filter(pk=sync.pk).update(run_after=timezone.now()):
        claimed = Sync.objects.claim(pk=sync.pk)
        assert claimed is not None
        run(claimed)
    return sync


@contextmanager
def unhurried() -> Iterator[None]:
    """The waits before asking again are left out; that it is asked again is not."""
    with ExitStack() as patches:
        patches.enter_context(patch("sources.http.retry._jitter", lambda state: 0.0))
        patches.enter_context(patch("sources.activecampaign.client.CONFIRM_AFTER", (0.0, 0.0)))
        yield


def world_of(seed: int) -> SandboxServer:
    chaos = Chaos.drawn(seed)
    delays = {"jitter_ms": chaos.jitter_ms / HASTE, "slow_ms": chaos.slow_ms / HASTE}
    return SandboxServer(seed=seed, chaos=replace(chaos, neighbour=None, **delays), **SIZE)


def judged(sandbox: SandboxServer, connection: Connection, sync: Sync) -> Outcome:
    states = dict(sync.stream_runs.values_list("stream", "state"))
    verdicts = {stream: judged_stream(sandbox, connection, stream) for stream in STREAMS}
    whole = [stream for stream in STREAMS if states.get(stream) == RunState.COMPLETE]
    return Outcome(
        lost=sum(verdicts[stream][0] for stream in whole),
        said=sum(verdicts[stream][0] for stream in STREAMS if stream not in whole),
        outdated=sum(verdict[1] for verdict in verdicts.values()),
        wrongly_deleted=sum(verdict[2] for verdict in verdicts.values()),
        is_partly_done=len(whole) < len(STREAMS),
        rows=sum(len(sandbox.world.history.lasting(stream)) for stream in STREAMS),
    )


def judged_stream(sandbox: SandboxServer, connection: Connection, stream: str) -> tuple[int, int, int]:
    """Rows that are missing, rows that are stored in an older version than was shown, rows wrongly marked deleted."""
    history = sandbox.world.history
    lasting, shown = history.lasting(stream), history.shown(stream)
    records = {record.external_id: record for record in connection.records.filter(stream=stream)}
    living = {identity for identity, record in records.items() if record.deleted_at is None}
    outdated = [
        identity
        for identity in lasting.keys() & living & shown.keys()
        if with_text_id(records[identity].row(address=sandbox.origin)) != shown[identity]
    ]
    wrongly_deleted = (records.keys() - living) & set(sandbox.world.ids(stream))
    return len(lasting.keys() - records.keys()), len(outdated), len(wrongly_deleted)


def with_text_id(row: Row) -> Row:
    """Some answers give ids as numbers; that is a lie of the answer and no version of the row."""
    return row | {"id": str(row["id"])}


def plainly_lost(sandbox: SandboxServer, stream: str) -> int:
    seen = set(plain_walk(sandbox.origin, sandbox.api_key, stream))
    return len(sandbox.world.history.lasting(stream).keys() - seen)


def figures(outcomes: Sequence[Outcome]) -> Iterator[Figure]:
    def total(name: str) -> int:
        return sum(getattr(outcome, name) for outcome in outcomes)

    def worlds(is_one: Callable[[Outcome], object]) -> int:
        return sum(bool(is_one(outcome)) for outcome in outcomes)

    broken = [one.seed for one in outcomes if one.breaks_the_rule]
    where = f" (seeds {', '.join(map(str, broken[:8]))}{', …' if len(broken) > 8 else ''})" if broken else ""
    yield Figure(
        what=f"Of {len(outcomes):,} worlds with {total('rows'):,} lasting rows, those that break the rule{where}",
        measured=[len(broken)],
        unit="",
        ideal=0,
        bound=0,
        must_hold=True,
    )
    for name, words in (
        ("lost", "Rows lost unsaid"),
        ("outdated", "Rows stored in an older version than was shown"),
        ("wrongly_deleted", "Rows wrongly marked deleted"),
    ):
        yield Figure(what=words, measured=[total(name)], unit="", ideal=0, bound=0)
    partly = worlds(lambda one: one.is_partly_done)
    yield Figure(
        what="Worlds in whose first sync a stream was said to be incomplete", measured=[partly], unit="", ideal=0
    )
    yield Figure(what="Rows missing from those streams until the next sync", measured=[total("said")], unit="", ideal=0)
    yield Figure(what="Rows missing after that next sync", measured=[total("missing")], unit="", ideal=0)
    plain = worlds(lambda one: one.plainly_lost)
    yield Figure(what="A plain offset walk: worlds in which it loses rows, unsaid", measured=[plain], unit="")
    yield Figure(what="A plain offset walk: rows lost", measured=[total("plainly_lost")], unit="")
