"""Pages of rows as in `reading`, in SQLite: one connection has two hundred thousand contacts of two kilobytes."""

from collections.abc import Iterator

from tests.bench.figures import Effort, Figure
from tests.bench.reading import fill, pages_of

SMALLER = {"contacts": 200_000, "linkData": 60_000, "contactTags": 20_000, "deals": 4000, "dealActivities": 12_000}


def measure(effort: Effort) -> Iterator[Figure]:
    yield from pages_of(*fill(effort, SMALLER))
