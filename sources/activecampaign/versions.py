"""Which of two versions of a row is the later one, when they came by calls that were under way at the same time."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sources.activecampaign.rows import Answer, is_same
from sources.spec import Along, Row, TextRow, text_of

# What the API writes when a row changes, whatever else a row says about times: a due date may be moved back.
CHANGE_STAMPS = (
    "updated_utc_timestamp",
    "updated_timestamp",
    "updatedTimestamp",
    "updatedDate",
    "udate",
    "mdate",
    "lastdate",
)


class _Texts(Mapping[str, Row]):
    """Rows of which few are looked at again: their texts, which take a quarter of the room."""

    def __init__(self, rows: Mapping[str, Row]) -> None:
        self._texts = {key: text_of(row) for key, row in rows.items()}

    def __getitem__(self, key: str) -> Row:
        text = self._texts[key]
        return TextRow(json.loads(text), text)

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)


def in_texts(answer: Answer) -> Answer:
    """The answer, in less room, for others to be settled by."""
    along = {key: replace(one, rows=_Texts(one.rows)) for key, one in answer.along.items()}
    return replace(answer, rows=_Texts(answer.rows), along=along)


def settled(answer: Answer, others: Iterable[Answer]) -> Answer | None:
    """The answer with each row in its latest version among all of these; None where that cannot be told.

    So it is with what came along. Where a row had other rows along in another answer, nobody knows which are gone.
    """
    heard = [*others]
    rows = _latest(answer.rows, [other.rows for other in heard])
    along: dict[str, Along] = {}
    for key, one in answer.along.items():
        beside = [other.along[key] for other in heard if key in other.along]
        latest = _latest(one.rows, [other.rows for other in beside])
        if latest is None or any(_differ(one, other) for other in beside):
            return None
        along[key] = replace(one, rows=latest)
    return None if rows is None else replace(answer, rows=rows, along=along)


def _latest(rows: Mapping[str, Row], others: Iterable[Mapping[str, Row]]) -> dict[str, Row] | None:
    found = dict(rows)
    for other in others:
        for key in found.keys() & other.keys():
            if is_same(found[key], other[key]):
                continue
            later = _later(found[key], other[key])
            if later is None:
                return None
            found[key] = later
    return found


def _differ(one: Along, other: Along) -> bool:
    return any(one.complete[key] != other.complete[key] for key in one.complete.keys() & other.complete.keys())


def _later(one: Row, other: Row) -> Row | None:
    for name in CHANGE_STAMPS:
        first, second = moment_in(one.get(name)), moment_in(other.get(name))
        if first and second and first != second:
            return one if first > second else other
    return None


def moment_in(stamp: Any) -> datetime | None:
    """A time as rows write it, of those without a zone as if in UTC; None for anything else."""
    try:
        moment = datetime.fromisoformat(stamp)
    except (TypeError, ValueError):  # No date, or the year 0000 that the API gives for none.
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
