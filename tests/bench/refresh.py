"""What a day of hourly refreshes costs in calls, and seeded days on which what is stored is held against the account.

Each hour one in a hundred contacts changes: its fields, a tag, a list or a deal of its own. The clock is moved, and the
account runs in this process, so that both read the same time.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random

import time_machine
from django.conf import settings

from connections.models import Connection, Schedule, Sync
from connections.models.sync import SyncState, Trigger
from connections.syncing.syncing import run
from sources.activecampaign.sandbox.server import SandboxServer
from tests.bench.figures import Effort, Figure
from tests.bench.refreshes import CONTACTS, DEALS, Day, pulled_by
from tests.bench.stage import Account, NotDone, connected, require_rows
from tests.bench.storage import empty

BEGIN = datetime(2026, 10, 12, 6, tzinfo=UTC)
HOURS = 24
BOUNDS = {20_000: 35, 100_000: 60}
WITHOUT_CHANGES = 30
PAGE = 100
MOST_OF_NEW = 6
OPENERS, MEANWHILE = 3, 6  # A third of those who got a mail open it; of these who have not yet, a sixth in each hour.


def measure(effort: Effort) -> Iterator[Figure]:
    settings.ACTIVECAMPAIGN_RATE = 100_000.0
    for contacts in (effort.of(20_000, 600), effort.of(100_000, 1200)):
        yield from a_day(contacts, hours=effort.of(HOURS, 3))
        empty()
    yield growth(effort.of(27_000, 600), new=effort.of(200, 20))
    empty()
    yield seeds(effort.of(500, 10))


def a_day(contacts: int, *, hours: int) -> Iterator[Figure]:
    dice = Random(contacts)
    with (
        time_machine.travel(BEGIN) as clock,
        SandboxServer(contacts=contacts, deals=contacts // 10) as sandbox,
    ):
        connection = connected(Account(sandbox.origin, sandbox.api_key))
        connection.schedule = Schedule.HOURLY
        connection.save(update_fields=["schedule"])
        whole = synced(sandbox, connection)
        yield Figure(what=f"{contacts:,} contacts: the first sync", measured=[whole], unit="calls")
        costs = []
        for _ in range(hours):
            clock.shift(timedelta(hours=1))
            stir(sandbox, dice, contacts // 100)
            costs.append(synced(sandbox, connection))
        yield Figure(
            what=f"{contacts:,} contacts: the {hours}th refresh, 1 % changed each hour ({by_stream(sandbox)})",
            measured=[costs[-1]],
            unit="calls",
            bound=BOUNDS.get(contacts),
        )
        yield Figure(what=f"{contacts:,} contacts: all {hours} refreshes", measured=[sum(costs)], unit="calls")
        clock.shift(timedelta(hours=1))
        yield Figure(
            what=f"{contacts:,} contacts: the refresh after that, in whose hour nothing changed",
            measured=[synced(sandbox, connection)],
            unit="calls",
            bound=WITHOUT_CHANGES,
        )
        yield after_a_mailing(sandbox, connection, clock, hours=hours, whole=whole)


def after_a_mailing(
    sandbox: SandboxServer, connection: Connection, clock: time_machine.Traveller, *, hours: int, whole: int
) -> Figure:
    """To all contacts: whoever opens it is dated anew. `whole` is what a whole walk costs."""
    people = sandbox.world.ids("contacts")
    waiting = Random(len(people)).sample(people, len(people) // OPENERS)
    changed = calls = 0
    for _ in range(hours):
        clock.shift(timedelta(hours=1))
        opening = len(waiting) // MEANWHILE
        for contact in waiting[:opening]:
            sandbox.world.insert("linkData", subscriberid=contact)
        waiting, changed = waiting[opening:], changed + opening
        calls += synced(sandbox, connection)
    return Figure(
        what=f"{len(people):,} contacts: {hours} refreshes after a mailing to all, which {changed:,} open "
        f"({hours * whole:,} calls by whole walks)",
        measured=[calls],
        unit="calls",
        bound=2 * changed / PAGE + hours * WITHOUT_CHANGES,
    )


def growth(contacts: int, *, new: int) -> Figure:
    """Two mails to each contact, and some more since the sync before."""
    with SandboxServer(contacts=contacts, deals=0) as sandbox:
        connection = connected(Account(sandbox.origin, sandbox.api_key), streams=("emailActivities",))
        whole = synced(sandbox, connection)
        for _ in range(new):
            sandbox.world.insert("emailActivities")
        calls = synced(sandbox, connection)
        require_rows(connection, "emailActivities", sandbox.world.count("emailActivities"))
    what = f"{2 * contacts:,} e-mail activities of which {new} are new ({whole} calls by whole walk)"
    return Figure(what=what, measured=[calls], unit="calls", bound=MOST_OF_NEW)


def synced(sandbox: SandboxServer, connection: Connection) -> int:
    sandbox.reset()
    sync = Sync.objects.start(connection, trigger=Trigger.SCHEDULE)
    run(sync)
    sync.refresh_from_db()
    if sync.state != SyncState.COMPLETE:
        raise NotDone(f"It ended as {sync.state}: {sync.reason}")
    return int(sandbox.stats()["requests"])


def by_stream(sandbox: SandboxServer) -> str:
    counts = Counter(call.place for call in sandbox.requests)
    return ", ".join(f"{place} {count}" for place, count in counts.most_common())


def stir(sandbox: SandboxServer, dice: Random, changes: int) -> None:
    world = sandbox.world
    people = world.ids("contacts")
    for contact in dice.sample(people, changes):
        match dice.randrange(4):
            case 0:
                world.change("contacts", contact, firstName="Ida")
            case 1:
                world.insert("contactTags", contact=contact)
            case 2:
                world.change("contactLists", dice.choice(world.ids("contactLists")), status="2")
            case 3:
                world.change("deals", dice.choice(world.ids("deals")), title="Another word")


def seeds(count: int) -> Figure:
    broken = {}
    for seed in range(1, count + 1):
        with SandboxServer(seed=seed, contacts=CONTACTS, deals=DEALS) as sandbox:
            connection = connected(Account(sandbox.origin, sandbox.api_key), streams=pulled_by(seed))
            breaches = Day(seed, sandbox, connection).live()
        if breaches:
            broken[seed] = breaches[0]
        if seed % 20 == 0:
            empty()
    told = "; ".join(f"seed {seed}: {breach}" for seed, breach in [*broken.items()][:5])
    return Figure(
        what=f"Of {count:,} seeded days those on which a refresh or a whole walk breaks its promise {told}".strip(),
        measured=[len(broken)],
        unit="",
        ideal=0,
        bound=0,
        must_hold=True,
    )
