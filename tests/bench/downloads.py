"""Two people of two workspaces download sixteen files from one web process, eight of them at 1 kB/s."""

import os
import time
from collections.abc import Iterator, Sequence

from tests.bench.figures import Effort, Figure, percentile
from tests.downloading import Downloader, Reader, probe, web_process

SLOW = 1000.0  # Bytes a second.
PROBES = 100
OF_EACH = 4  # Slow ones of each person, and fast ones.


def measure(effort: Effort) -> Iterator[Figure]:
    # What is read slowly is small, so that it ends: the places, not the size, are what this is about.
    long = [Downloader(f"long-{name}", rows=effort.of(100_000, 1000)) for name in ("one", "two")]
    short = [Downloader("short", rows=effort.of(600, 300), beside=one) for one in long]
    pace = effort.of(int(SLOW), 20_000)
    with web_process(DATABASE_URL=os.environ["DATABASE_URL"]) as site:
        slow = [Reader(site, one, lambda taken: time.sleep(taken / pace)) for one in short for _ in range(OF_EACH)]
        fast = [Reader(site, one) for one in long for _ in range(OF_EACH)]
        for reader in (*slow, *fast):
            reader.start()
        pages = [probe(site, page) for _ in range(PROBES // 2) for page in ("/healthz", "/accounts/login/")]
        for reader in (*fast, *slow):
            reader.join()
    yield from figures(slow, fast, pages)


def figures(slow: Sequence[Reader], fast: Sequence[Reader], pages: Sequence[float]) -> Iterator[Figure]:
    readers = (*slow, *fast)
    complete = sum(reader.is_complete for reader in readers)
    yield Figure(what="Meanwhile, the 99th of 100 probes and login pages", measured=[percentile(pages, 0.99)], bound=1)
    yield Figure(
        what="Downloads that were complete in the end",
        measured=[complete],
        unit="",
        ideal=16,
        bound=16,
        is_least=True,
        must_hold=True,
    )
    yield Figure(
        what="Times that both people were refused at once",
        measured=[both_refused(readers)],
        unit="",
        ideal=0,
        bound=0,
        must_hold=True,
    )
    yield Figure(what="The slowest of the fast ones", measured=[max(reader.seconds for reader in fast)])
    yield Figure(what="The slowest of the slow ones", measured=[max(reader.seconds for reader in slow)])


def both_refused(readers: Sequence[Reader]) -> int:
    """How often a person was refused while the other was waiting after a refusal."""
    waits = [(reader.downloader.person.pk, *wait) for reader in readers for wait in reader.refused_until]
    return sum(one != other and begin <= at < end for one, at, _ in waits for other, begin, end in waits)
