"""How many calls and minutes a pull will take, honestly rounded."""

import math
from dataclasses import dataclass

from connections.models import Connection, Pace
from connections.models.budget import SHARE

ROWS_PER_CALL = 95  # Pages of 100 that overlap by five.


@dataclass(frozen=True)
class Estimate:
    """What a first pull takes at one pace, in calls a second."""

    pace: Pace
    rate: float
    calls: int
    minutes: int


def estimates(connection: Connection) -> list[Estimate]:
    """One for each pace. Only counted streams can be estimated; each other one is taken as a single page."""
    counts = connection.account_facts.get("counts", {})
    source = connection.known_source()
    calls = sum(max(1, math.ceil(counts.get(stream.key, 0) / ROWS_PER_CALL)) for stream in source.default_streams)
    rates = {pace: source.calls_per_second() * SHARE[pace] for pace in Pace}
    return [
        Estimate(pace=pace, rate=rate, calls=calls, minutes=math.ceil(calls / rate / 60))
        for pace, rate in rates.items()
    ]
