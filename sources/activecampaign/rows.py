"""One answer's rows, each under its id."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sources.activecampaign.statuses import request_refused, says_failure
from sources.errors import UnexpectedAnswer
from sources.spec import Row

USABLE_ID = re.compile(r"[0-9]{1,20}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
MOST_ROWS = 1000  # More than the hundred that were asked for is odd; this many is no list of one page.


@dataclass(frozen=True, kw_only=True)
class Answer:
    """`count` is how many rows arrived, usable or not: what decides whether a page was full."""

    rows: Mapping[str, Row]
    count: int
    total: int | None

    @property
    def unreadable(self) -> int:
        """Rows that cannot be kept. A row that came twice is kept once and is not counted."""
        return self.count - self.usable

    usable: int = 0


def joined(pieces: Sequence[Answer], *, count: int) -> Answer:
    """One page that came in several answers; `count` is how many rows it has, those of two pieces counted once."""
    rows = {key: row for piece in pieces for key, row in piece.rows.items()}
    unreadable = sum(piece.unreadable for piece in pieces)
    return Answer(rows=rows, usable=count - unreadable, count=count, total=pieces[-1].total)


def answer_of(body: Row, *, envelope: str) -> Answer:
    """Raises UnexpectedAnswer when the list is missing, or stands beside an error: that is no list of all there is."""
    listed = body.get(envelope)
    if not isinstance(listed, list):
        raise UnexpectedAnswer(
            "ActiveCampaign sent an answer without the records that we asked for.", code="no_envelope"
        )
    if says_failure(body):
        raise request_refused()
    if len(listed) > MOST_ROWS:
        raise UnexpectedAnswer("ActiveCampaign sent far more records than we asked for.", code="too_many_rows")
    usable = [(key, row) for row in listed if isinstance(row, dict) and (key := _id_of(row))]
    return Answer(rows=dict(usable), usable=len(usable), count=len(listed), total=_total(body.get("meta")))


def _id_of(row: Row) -> str | None:
    key = row.get("id")
    if isinstance(key, int) and not isinstance(key, bool):
        key = str(key) if abs(key) < 10**20 else ""
    return key if isinstance(key, str) and USABLE_ID.fullmatch(key) else None


def _total(meta: Any) -> int | None:
    """`meta.total` is a string on some lists and a number on others; nonsense counts as absent."""
    total = meta.get("total") if isinstance(meta, dict) else None
    if isinstance(total, str) and re.fullmatch(r"[0-9]{1,15}", total, re.ASCII):
        return int(total)
    if isinstance(total, int) and not isinstance(total, bool) and 0 <= total < 10**15:
        return total
    return None
