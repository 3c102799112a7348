"""One account at full pace: how near a pull comes to the limit, and what the command costs beside the calls."""

from collections.abc import Iterator, Sequence

from sources.activecampaign.sandbox.world.world import World
from sources.registry import get_source
from tests.bench.figures import Effort, Figure, Lap, fewest_calls, ideal_seconds, median_of
from tests.bench.plain import walk_lap
from tests.bench.stage import Account, account, connected, require_rows, sync_lap

RATE = 5
LATENCIES = (300, 800, 1500, 2500, 4000)  # Milliseconds.
SLOW = 1000
AT_THE_ENDS = {4000: 4}  # Latencies for which an ideal pull has nothing to do at its beginning and its end; else 3.
MIXED = {"contacts": 2000, "deals": 400}


def measure(effort: Effort) -> Iterator[Figure]:
    for latency_ms in LATENCIES:
        yield from contacts(effort, count=effort.of(5000, 400), latency_ms=latency_ms)
    yield from many_contacts(effort, count=effort.of(20_000, 600), latency_ms=300)
    for latency_ms in (300, 2500):
        yield from mixed(effort, latency_ms=latency_ms)


def contacts(effort: Effort, *, count: int, latency_ms: int) -> Iterator[Figure]:
    what = f"{count:,} contacts at {latency_ms} ms"
    fewest = fewest_calls([count])
    ideal = ideal_seconds(fewest, rate=RATE, latency_ms=latency_ms)
    with account(contacts=count, latency_ms=latency_ms, rate=RATE) as sandbox:
        if latency_ms < SLOW:  # Of the longer ones it is known: the calls times the latency.
            yield plain_walk(sandbox, what=what, ideal=ideal)
        laps = contact_laps(sandbox, count=count, laps=effort.laps)
    yield timed(f"{what}, first call to last answer", laps, ideal=ideal, bound=bound_of(laps, latency_ms=latency_ms))
    most = fewest + (8 if latency_ms < SLOW else 24)
    yield Figure(what=f"{what}, calls", measured=[lap.calls for lap in laps], unit="", ideal=fewest, bound=most)
    yield refusals(what, laps)
    yield Figure(
        what=f"{what}, the whole command beyond that",
        measured=[lap.whole - lap.seconds for lap in laps],
        bound=1.5,
    )


def plain_walk(sandbox: Account, *, what: str, ideal: float) -> Figure:
    plain = walk_lap(sandbox)
    return Figure(
        what=f"{what}, plain walk (1 lap)",
        measured=[plain.seconds],
        ideal=ideal,
        calls=plain.calls,
        refused=plain.refused,
    )


def bound_of(laps: Sequence[Lap], *, latency_ms: int) -> float:
    return 1.05 * (median_of(laps, "calls") - 1) / RATE + AT_THE_ENDS.get(latency_ms, 3) * latency_ms / 1000


def many_contacts(effort: Effort, *, count: int, latency_ms: int) -> Iterator[Figure]:
    """Both readings of the ideal: of the calls that were made, and of the fewest that do."""
    with account(contacts=count, latency_ms=latency_ms, rate=RATE) as sandbox:
        laps = contact_laps(sandbox, count=count, laps=effort.laps)
    for words, calls in (("made", median_of(laps, "calls")), ("that are the fewest", fewest_calls([count]))):
        ideal = ideal_seconds(calls, rate=RATE, latency_ms=latency_ms)
        what = f"{count:,} contacts at {latency_ms} ms, against the ideal of the calls {words}"
        yield timed(what, laps, ideal=ideal, bound=1.04 * ideal)


def mixed(effort: Effort, *, latency_ms: int) -> Iterator[Figure]:
    sizes = {name: effort.of(size, size // 10) for name, size in MIXED.items()}
    counts = rows_by_stream(**sizes)
    with account(**sizes, latency_ms=latency_ms, rate=RATE) as sandbox:
        laps = []
        for _ in range(effort.laps):
            connection = connected(sandbox)
            laps.append(sync_lap(sandbox, connection))
            for stream, count in counts.items():
                require_rows(connection, stream, count)
    ideal = ideal_seconds(fewest_calls([*counts.values()]), rate=RATE, latency_ms=latency_ms)
    what = f"All {len(counts)} default streams, {sum(counts.values()):,} rows, at {latency_ms} ms"
    bound = 1.08 * ideal if latency_ms < SLOW else bound_of(laps, latency_ms=latency_ms)
    yield timed(what, laps, ideal=ideal, bound=bound)
    yield refusals(what, laps)


def rows_by_stream(*, contacts: int, deals: int) -> dict[str, int]:
    """What an account of that size holds for each default stream."""
    source = get_source("activecampaign")
    assert source is not None
    world = World(contacts=contacts, deals=deals)
    return {stream.key: world.count(stream.path) for stream in source.default_streams}


def contact_laps(sandbox: Account, *, count: int, laps: int) -> list[Lap]:
    done = []
    for _ in range(laps):
        connection = connected(sandbox, streams=["contacts"])
        done.append(sync_lap(sandbox, connection))
        require_rows(connection, "contacts", count)
    return done


def timed(what: str, laps: Sequence[Lap], *, ideal: float, bound: float | None) -> Figure:
    return Figure(
        what=what,
        measured=[lap.seconds for lap in laps],
        ideal=ideal,
        bound=bound,
        calls=median_of(laps, "calls"),
        refused=sum(lap.refused for lap in laps),
    )


def refusals(what: str, laps: Sequence[Lap]) -> Figure:
    return Figure(what=f"{what}, 429s in all laps", measured=[sum(lap.refused for lap in laps)], unit="", bound=0)
