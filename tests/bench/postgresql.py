"""How many rows a second are stored in PostgreSQL: a scratch server on this machine, fsync off."""

from collections.abc import Iterator

from tests.bench.figures import Effort, Figure
from tests.bench.storage import rows_a_second, storing_alone


def measure(effort: Effort) -> Iterator[Figure]:
    yield from storing_alone(effort, rows=effort.of(50_000, 2000), least=20_000)
    yield from rows_a_second(effort, contacts=effort.of(50_000, 2000), least=5000)
