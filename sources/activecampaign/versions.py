"""Which of two versions of a row is the later one, when they came by calls that were under way at the same time."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sources.activecampaign.rows import Answer, is_same
from sources.spec import Row

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


def settled(answer: Answer, others: Iterable[Answer]) -> Answer | None:
    """The answer with each row in its latest version among all of these; None where that cannot be told."""
    rows = dict(answer.rows)
    for other in others:
        for key in rows.keys() & other.rows.keys():
            if is_same(rows[key], other.rows[key]):
                continue
            later = _later(rows[key], other.rows[key])
            if later is None:
                return None
            rows[key] = later
    return replace(answer, rows=rows)


def _later(one: Row, other: Row) -> Row | None:
    for name in CHANGE_STAMPS:
        first, second = _moment(one.get(name)), _moment(other.get(name))
        if first and second and first != second:
            return one if first > second else other
    return None


def _moment(stamp: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(stamp)
    except (TypeError, ValueError):  # No date, or the year 0000 that the API gives for none.
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
