"""How many calls and minutes a pull will take, honestly rounded."""

import math
from dataclasses import dataclass

from connections.models import Connection, Pace
from connections.models.budget import SHARE

ROWS_PER_CALL = 95  # Pages of 100 that overlap by five.


@dataclass(frozen=True)
class Estimate:
    """What a first pull takes at one pace."""

    pace: Pace
    calls: int
    minutes: int


def estimates(connection: Connection) -> list[Estimate]:
    """One for each pace. Only counted streams can be estimated; each other one is taken as a single page."""
    counts = connection.account_facts.get("counts", {})
    source = connection.known_source()
    calls = sum(max(1, math.ceil(counts.get(stream.key, 0) / ROWS_PER_CALL)) for stream in source.default_streams)
    rate = source.calls_per_second()
    return [Estimate(pace=pace, calls=calls, minutes=math.ceil(calls / (rate * SHARE[pace]) / 60)) for pace in Pace]
