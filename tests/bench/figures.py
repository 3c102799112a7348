"""What a scenario measures, and how a row of it reads."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace

HEAD = (
    "| what | ideal | measured | spread | bound | | calls | 429s |\n"
    "|:-----|------:|---------:|-------:|------:|-|------:|-----:|"
)


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How much to do. `quick` runs prove that the bench works, not how fast the product is."""

    laps: int = 5
    quick: bool = False

    def of(self, whole: int, quick: int) -> int:
        return quick if self.quick else whole


@dataclass(frozen=True, kw_only=True)
class Lap:
    """One run as the account saw it: seconds from the first call to the last answer. `whole` is the command's time."""

    seconds: float
    calls: int
    refused: int = 0
    whole: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One row. `measured` holds a value a lap; the bound is the most that it may be, or the least.

    `must_hold` marks what is no matter of speed: where that is over, the bench fails.
    """

    what: str
    measured: Sequence[float]
    unit: str = "s"
    ideal: float | None = None
    bound: float | None = None
    is_least: bool = False
    calls: float | None = None
    refused: float | None = None
    must_hold: bool = False

    @property
    def median(self) -> float:
        return statistics.median(self.measured)

    @property
    def verdict(self) -> str:
        if self.bound is None:
            return ""
        return "ok" if (self.median >= self.bound if self.is_least else self.median <= self.bound) else "OVER"

    @property
    def has_failed(self) -> bool:
        return self.must_hold and self.verdict == "OVER"

    def without_bound(self) -> "Figure":
        """Small numbers prove nothing about speed."""
        return self if self.must_hold else replace(self, bound=None)

    def row(self) -> str:
        low, high = min(self.measured), max(self.measured)
        spread = f"{number(low)}-{number(high)}" if len(self.measured) > 1 else ""
        sign = "≥" if self.is_least else "≤"
        bound = "" if self.bound is None else f"{sign} {number(self.bound)}"
        cells = [
            self.what,
            number(self.ideal),
            f"{number(self.median)} {self.unit}".strip(),
            spread,
            bound,
            self.verdict,
            number(self.calls),
            number(self.refused),
        ]
        return f"| {' | '.join(cells)} |"


def number(value: float | None) -> str:
    """Whole numbers as they are, large ones without and small ones with two places; nothing for None."""
    if value is None:
        return ""
    return f"{value:,.0f}" if value == round(value) or abs(value) >= 1000 else f"{value:,.2f}"


def ideal_seconds(calls: float, *, rate: float, latency_ms: float) -> float:
    """The first call leaves at once, each other one when the account admits it, and the last answer has to arrive."""
    return max(calls - 1, 0) / rate + latency_ms / 1000


def fewest_calls(rows: Sequence[int], *, page_size: int = 100) -> int:
    """One call a page for each stream, and one to learn that a stream is empty."""
    return sum(max(1, math.ceil(count / page_size)) for count in rows)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that so many of them do not pass; `share` is from 0 to 1."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def median_of(laps: Sequence[Lap], name: str) -> float:
    return statistics.median(getattr(lap, name) for lap in laps)
