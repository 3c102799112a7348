"""Whether an account reads the moment from which changes are asked for as it is meant, put to a row of its own."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sources.spec import Row, Stream

A_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d{1,2}:\d\d:\d\d(?:\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)

UPDATED_AFTER, UPDATED_BEFORE = "filters[updated_after]", "filters[updated_before]"
STAMPS = {"contacts": "udate", "deals": "mdate"}  # What the filter goes by.
LOOKED_AT = "20"  # Rows, of which one says with its zone when it changed.
MOMENT = timedelta(seconds=1)

Ask = Callable[[Mapping[str, str]], Mapping[str, Row]]
"""Gives the rows of a page of the stream, by id."""


def heeds_zones(stream: Stream, ask: Ask) -> bool:
    """Observed: RP (A), UTC was asked for and -05:00 answered, and both agreed. Three calls.

    A row is among what changed after the second before it did, and not among what changed after the next one. By
    numbers of rows nothing can be told, as a page holds a hundred of either.
    """
    stamp = STAMPS.get(stream.key)
    if stamp is None or stream.changed_since != UPDATED_AFTER:
        return False
    dated = ((key, moment_of(row.get(stamp))) for key, row in ask({"limit": LOOKED_AT}).items())
    key, changed = next(((key, moment) for key, moment in dated if moment), ("", None))
    if changed is None:
        return False

    def is_found(after: datetime) -> bool:
        near = {"id_greater": str(int(key) - 1), "id_less": str(int(key) + 1)}
        around = near if stream.paging == "keyset" else {UPDATED_BEFORE: in_utc(changed + 2 * MOMENT)}
        return key in ask({UPDATED_AFTER: in_utc(after), "limit": "100", **around})

    return is_found(changed - MOMENT) and not is_found(changed + MOMENT)


def moment_of(value: Any) -> datetime | None:
    """A time with its offset; None for anything else."""
    if not isinstance(value, str) or not A_TIME.fullmatch(value):
        return None
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None  # An hour without its zero was documented once.


def in_utc(moment: datetime) -> str:
    """As filters are given it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
