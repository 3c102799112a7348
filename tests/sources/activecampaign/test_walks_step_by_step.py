"""Single steps of a walk that whole walks do not tell apart: what is asked next, what is covered, what is kept."""

from collections.abc import Sequence
from typing import Any

import pytest

from sources.activecampaign.keyset_walk import KeysetWalk
from sources.activecampaign.offset_walk import OffsetWalk, _Spot
from sources.spec import Page
from tests.sources.activecampaign.side_by_side import answer


def keyset(**changed: Any) -> KeysetWalk:
    state = {"ranges": [[0, None]], "total": None, "seen": 0, "doubts": [], "trusts": True, "descended": True}
    return KeysetWalk({**state, **changed})


def hear_next(walk: KeysetWalk | OffsetWalk, ids: Sequence[int], *, total: Any = None) -> list[Page]:
    ask = walk.ask()
    assert ask is not None
    return walk.hear(ask, answer(ids, total=total))


# By id ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("doubt", "covers"), [([10, 50], (10, 49)), ([200, None], (200, None))])
def test_what_was_doubted_and_is_empty_is_covered_up_to_its_end_and_no_further(
    doubt: list[int | None], covers: tuple[int, int | None]
) -> None:
    walk = keyset(ranges=[[100, 103]], total=6, seen=5, doubts=[doubt])

    empty, last = hear_next(walk, [101, 102])

    assert (empty.rows, empty.covers) == ({}, covers)
    assert last.covers == (100, 102)
    assert last.cursor is None


# By offset --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("total", "second"), [(99, None), (100, "95"), (101, "95")])
def test_the_second_page_is_asked_for_beside_the_first_when_the_total_reaches_it(
    total: int, second: str | None
) -> None:
    walk = OffsetWalk({"spots": [{"at": 0}], "total": total})

    asked = [walk.ask(), walk.ask()]

    assert [ask and ask.params["offset"] for ask in asked] == ["0", second]


def test_a_place_that_begins_anew_keeps_its_newest_reading_alone() -> None:
    spot = _Spot(95)
    for ids in ([1, 2], [2, 3], [3, 4]):
        spot.hear(answer(ids))

    spot.begin_anew()

    assert spot.readings == [("3", "4")]
    assert spot.was_read_again is False
