"""Walks over servers drawn from a seed, which lie in every way that is known: which promises are broken."""

from collections import defaultdict
from collections.abc import Iterator

from tests.bench.figures import Effort, Figure
from tests.sources.activecampaign.drawn_server import replay


def measure(effort: Effort) -> Iterator[Figure]:
    seeds = effort.of(50_000, 500)
    broken = defaultdict[str, list[int]](list)
    calls = incomplete = 0
    for seed in range(seeds):
        outcome = replay(seed)
        calls += outcome.calls
        incomplete += not outcome.is_complete
        for promise in outcome.breaches():
            broken[promise].append(seed)
    yield Figure(
        what=f"Of {seeds:,} servers those over which a walk breaks a promise{_where(broken)}",
        measured=[len({seed for seeds in broken.values() for seed in seeds})],
        unit="",
        ideal=0,
        bound=0,
        calls=calls,
        must_hold=True,
    )
    yield Figure(what="Walks that say that they are incomplete", measured=[incomplete], unit="")


def _where(broken: dict[str, list[int]]) -> str:
    told = [f"{promise}: seeds {', '.join(map(str, seeds[:8]))}" for promise, seeds in broken.items()]
    return f" ({'; '.join(told)})" if told else ""
