"""One answer's rows, each under its id."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sources.activecampaign.statuses import request_refused, says_failure
from sources.errors import UnexpectedAnswer
from sources.spec import Along, Row

USABLE_ID = re.compile(r"[0-9]{1,20}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
MOST_ROWS = 100_000  # Some lists send all they have, whatever is asked for; this many is no list of one page.
LONGEST_EXCERPT = 500  # Characters: enough to tell which row it is.
TOO_LONG = (
    "too_large",
    "odd_json",
    "odd_text",
)  # Failures that may be of one row alone: fewer rows may come all the same.


@dataclass(frozen=True, kw_only=True)
class Odd:
    """A row that cannot be kept, by its beginning as JSON."""

    why: str
    excerpt: str


@dataclass(frozen=True, kw_only=True)
class Answer:
    """`marks` tell the rows apart in the order that they came in: an id, or else a hash of what the row holds.

    `odd` are those without an id to keep them by, under each one's place in the answer. With `failure` there are no
    rows: what was asked for does not come at once. `along` is what came beside them, by the keys of its streams.
    """

    rows: Mapping[str, Row] = field(default_factory=dict)
    marks: tuple[str, ...] = ()
    odd: Mapping[int, Odd] = field(default_factory=dict)
    total: int | None = None
    failure: UnexpectedAnswer | None = None
    along: Mapping[str, Along] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many rows arrived, usable or not, also those that came twice."""
        return len(self.marks)


def answer_of(body: Row, *, envelope: str) -> Answer:
    """Raises UnexpectedAnswer when the list is missing, or stands beside an error: that is no list of all there is."""
    listed = body.get(envelope)
    if not isinstance(listed, list):
        raise UnexpectedAnswer(
            "ActiveCampaign sent an answer without the records that we asked for.", code="no_envelope"
        )
    total = _total(body.get("meta"))
    # What it says beside rows is not read. Beside none it may be why: unless the answer counts them, too, as none.
    if says_failure(body) or (body.get("message") and not listed and total != 0):
        raise request_refused()
    if len(listed) > MOST_ROWS:
        raise UnexpectedAnswer("ActiveCampaign sent far more records than we asked for.", code="too_many_rows")
    rows: dict[str, Row] = {}
    odd: dict[int, Odd] = {}
    marks: list[str] = []
    for place, row in enumerate(listed):
        key = id_of(row)
        why_not = _why_not(rows.setdefault(key, row), row) if key else "it has no usable id"
        if why_not:
            odd[place] = Odd(why=why_not, excerpt=_text_of(row)[:LONGEST_EXCERPT])
        marks.append(_mark_of(row) if why_not or not key else key)
    return Answer(rows=rows, marks=tuple(marks), odd=odd, total=total)


def is_same(one: Row, other: Row) -> bool:
    """Some answers give ids as numbers; that is no version of the row."""
    return one == other or one | {"id": str(one["id"])} == other | {"id": str(other["id"])}


def _why_not(kept: Row, row: Row) -> str:
    """People know a row by its id, so of two that share one the first is kept: 5 and "5" are the same to them."""
    return "" if kept is row or is_same(kept, row) else "another row has its id"


def id_of(row: Any) -> str | None:
    """The row's id as text, where it has one that can be kept."""
    key = row.get("id") if isinstance(row, dict) else None
    if isinstance(key, int) and not isinstance(key, bool):
        key = str(key) if abs(key) < 10**20 else ""
    return key if isinstance(key, str) and USABLE_ID.fullmatch(key) else None


def _mark_of(row: Any) -> str:
    return "?" + hashlib.sha256(_text_of(row).encode()).hexdigest()[:16]


def _text_of(row: Any) -> str:
    return json.dumps(row, ensure_ascii=False, sort_keys=True)


def _total(meta: Any) -> int | None:
    """`meta.total` is a string on some lists and a number on others; nonsense counts as absent."""
    total = meta.get("total") if isinstance(meta, dict) else None
    if isinstance(total, str) and re.fullmatch(r"[0-9]{1,15}", total, re.ASCII):
        return int(total)
    if isinstance(total, int) and not isinstance(total, bool) and 0 <= total < 10**15:
        return total
    return None
