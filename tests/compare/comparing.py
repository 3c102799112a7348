"""One account, read by the tap and by `manage.py sync`."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from connections.models import Connection
from sources.activecampaign.streams import STREAMS
from sources.spec import Row
from tests.bench.stage import account, connected, sync_lap
from tests.compare.reader import Reader

SIZE = {"contacts": 250, "deals": 230}


class Known(NamedTuple):
    """Rows that one of the two leaves out, and why."""

    reason: str
    is_left_out: Callable[[Row], bool]


LEFT_OUT_BY_THE_TAP = {
    "deals": Known(
        "the tap drops deals without mdate, which the plan no longer covers", lambda row: "mdate" not in row
    ),
    "dealStages": Known("the tap drops stages without a date", lambda row: not row["udate"] and not row["cdate"]),
}


class Line(NamedTuple):
    stream: str
    tap: int | None
    ours: int | None
    remark: str = ""

    @property
    def differs(self) -> bool:
        return None not in (self.tap, self.ours) and self.tap != self.ours and not self.remark

    def __str__(self) -> str:
        counts = ["-" if count is None else f"{count:,}" for count in (self.tap, self.ours)]
        remark = self.remark or ("DIFFERS" if self.differs else "")
        return f"{self.stream:<28}{counts[0]:>8}{counts[1]:>8}  {remark}".rstrip()


LISTS = [stream for stream in STREAMS if not stream.nested]  # The tap has others by the names of their envelopes.


def compare(folder: Path) -> int:
    """Print both counts for each stream, and return how many differ without a known reason."""
    with account(**SIZE, latency_ms=0, rate=0) as sandbox:
        reader = Reader(folder)
        lists, counts = reader.lists(), reader.rows(sandbox)
        calls = sandbox.stats()["requests"]
        connection = connected(sandbox, streams=[stream.key for stream in LISTS])
        lap = sync_lap(sandbox, connection)
    lines = [*lines_of({lists[name]: count for name, count in counts.items()}, connection)]
    head = f"{'stream':<28}{'tap':>8}{'ours':>8}"
    differing = [line for line in lines if line.differs]
    end = (
        f"{len(counts)} streams of the tap, {len(differing)} of those that both have differ. "
        f"It made {calls:,} calls, and we made {lap.calls:,}."
    )
    sys.stdout.write("\n".join([head, *map(str, lines), end, ""]))
    return len(differing)


def lines_of(tap: Mapping[str, int], connection: Connection) -> Iterator[Line]:
    """By the names of the API's lists, those that both have first."""
    ours = Counter(connection.records.living().values_list("stream", flat=True))
    stored = {stream.envelope: ours[stream.key] for stream in LISTS}
    for name in sorted(tap.keys() | stored.keys(), key=lambda name: (name not in tap, name not in stored, name)):
        yield Line(name, tap.get(name), stored.get(name), remark(name, tap, stored, connection))


def remark(name: str, tap: Mapping[str, int], stored: Mapping[str, int], connection: Connection) -> str:
    known = LEFT_OUT_BY_THE_TAP.get(name)
    if known is None or name not in tap or name not in stored:
        return ""
    address = str(connection.credentials().api_url)
    rows = (record.row(address=address) for record in connection.records.living().filter(stream=name))
    left_out = sum(map(known.is_left_out, rows))
    return known.reason if left_out and stored[name] - tap[name] == left_out else ""
