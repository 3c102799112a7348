"""How many calls a walk says are still to be made: what decides which stream is asked next."""

from typing import Any

import pytest

from sources.activecampaign.walks import FORM, ListWalk
from sources.activecampaign.ways import UNKNOWN


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
    place = {"ranges": [[*one, 0] for one in ranges], "doubts": [], "trusts": True, "descended": True}

    assert taken_up(place, by_id=True, total=total, seen=seen).remaining == calls


def taken_up(place: dict[str, Any], *, by_id: bool, **facts: Any) -> ListWalk:
    return ListWalk({"form": FORM, "by_id": by_id, "place": place, "facts": facts})


def unread(at: int) -> list[Any]:
    return [at, 100, 0, 0, None, 0]


def read(at: int, rows: int) -> list[Any]:
    return [at, 100, rows, rows, [], 0]


@pytest.mark.parametrize(
    ("spots", "total", "calls"),
    [
        ([unread(0)], None, UNKNOWN),
        ([unread(0)], 475, 1 + 380 / 95),
        ([read(0, 100), unread(95), unread(190)], 855, 2 + 570 / 95),
        ([unread(0)], 20, 1.0),
    ],
)
def test_of_a_walk_by_offset_the_pages_that_are_unread_remain_and_those_that_the_total_promises_beyond(
    spots: list[list[Any]], total: int | None, calls: float
) -> None:
    place = {"spots": spots, "first": "", "heeded": True, "bounded": False, "open": 0, "probes": False}

    assert taken_up(place, by_id=False, total=total, longest=100).remaining == pytest.approx(calls)
