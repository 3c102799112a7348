"""How many calls a walk says are still to be made: what decides which stream is asked next."""

from typing import Any

import pytest

from sources.activecampaign.keyset_walk import KeysetWalk
from sources.activecampaign.offset_walk import OffsetWalk
from sources.activecampaign.walks import UNKNOWN


@pytest.mark.parametrize(
    ("ranges", "total", "seen", "calls"),
    [
        ([[200, None]], 1000, 200, 8.0),
        ([[0, 5001]], 1000, 200, 8.0),
        ([[200, None]], 1000, 950, 1.0),
        ([[200, None]], 200, 200, 1.0),
        ([[200, None]], None, 200, UNKNOWN),
        ([[200, None]], 199, 200, UNKNOWN),  # A total that was passed says nothing.
        ([[0, 301], [400, 801]], None, 200, 7.0),
        ([[0, 51]], None, 200, 1.0),
    ],
)
def test_of_a_walk_by_id_what_is_left_of_the_total_remains_or_each_id_in_its_ranges(
    ranges: list[list[int | None]], total: int | None, seen: int, calls: float
) -> None:
    state = {"ranges": ranges, "total": total, "seen": seen, "doubts": [], "trusts": True, "descended": True}

    assert KeysetWalk(state).remaining == calls


def read(at: int, rows: int) -> dict[str, Any]:
    return {"at": at, "rows": rows, "ids": []}


@pytest.mark.parametrize(
    ("spots", "total", "calls"),
    [
        ([{"at": 0}], None, UNKNOWN),
        ([{"at": 0}], 475, 1 + 380 / 95),
        ([read(0, 100), {"at": 95}, {"at": 190}], 855, 2 + 570 / 95),
        ([{"at": 0}, read(95, 50)], 145, 1.0),
        ([{"at": 0}, {"at": 95}, read(190, 50)], 1000, 2.0),
        ([{"at": 0}], 20, 1.0),
    ],
)
def test_of_a_walk_by_offset_the_pages_that_are_unread_remain_and_those_that_the_total_promises_beyond(
    spots: list[dict[str, Any]], total: int | None, calls: float
) -> None:
    assert OffsetWalk({"spots": spots, "total": total}).remaining == pytest.approx(calls)
