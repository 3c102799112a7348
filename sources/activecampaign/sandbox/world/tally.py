"""Sums over a table's rows that follow each change of one, so that counters need no second look at all rows."""

from collections import Counter
from collections.abc import Callable, Iterable

from sources.activecampaign.sandbox.world.resource import Count, Row


class Tally:
    def __init__(self, counts: Callable[[Row], Iterable[Count]]) -> None:
        self._counts = counts
        self._sums: Counter[tuple[str, str]] = Counter()
        self._persons: Counter[tuple[str, str, str]] = Counter()

    def sum(self, name: str, of: str) -> int:
        return self._sums[name, of]

    def add(self, outline: Row, *, times: int = 1) -> None:
        """Count a row, or with -1 take it away again."""
        for count in self._counts(outline):
            if not count.person:
                self._sums[count.name, count.of] += times * count.amount
                continue
            before = self._persons[count.name, count.of, count.person]
            self._persons[count.name, count.of, count.person] += times
            self._sums[count.name, count.of] += (before + times > 0) - (before > 0)
