"""Single steps of a walk that whole walks do not tell apart: what is asked next, what is covered, what is kept."""

import json
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import pytest

from sources.activecampaign.keyset_walk import KeysetWalk, _Range
from sources.activecampaign.offset_walk import OffsetWalk, _Spot
from sources.activecampaign.rows import answer_of
from sources.errors import UnexpectedAnswer
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
@pytest.mark.parametrize("total", [6, 7])
def test_what_was_doubted_and_is_empty_is_covered_up_to_its_end_and_no_further(
    doubt: list[int | None], covers: tuple[int, int | None], total: int
) -> None:
    walk = keyset(ranges=[[100, 103]], total=total, seen=5, doubts=[doubt])
    before = walk.cursor

    empty, last = hear_next(walk, [101, 102])

    assert (empty.rows, empty.covers) == ({}, covers)
    assert (empty.cursor, empty.total) == (before, total)
    assert last.covers == (100, 102)
    assert last.cursor is None


@pytest.mark.parametrize(
    ("doubts", "looked_at"),
    [
        ([[1000, 1100], [10, 500]], ("10", "500")),
        ([[10, 500], [1000, 1100]], ("10", "500")),
        ([[10, 500], [600, None]], ("600", None)),
    ],
)
def test_with_rows_wanting_the_widest_doubt_is_looked_at(
    doubts: list[list[int | None]], looked_at: tuple[str, str | None]
) -> None:
    walk = keyset(ranges=[[2000, 2003]], total=20, seen=5, doubts=doubts)

    hear_next(walk, [2001, 2002])

    ask = walk.ask()
    assert ask is not None
    assert (ask.params["id_greater"], ask.params.get("id_less")) == looked_at


def test_one_look_tells_that_short_pages_are_ends() -> None:
    walk = keyset(ranges=[[2000, 2003]], total=20, seen=5, doubts=[[10, 500], [1000, 1100]])
    hear_next(walk, [2001, 2002])

    pages = hear_next(walk, [])

    assert {(10, 499), (1000, 1099)} <= {page.covers for page in pages}
    assert walk.is_over


def test_a_walk_that_was_killed_while_it_doubted_trusts_no_short_page() -> None:
    walk = keyset(ranges=[[2000, 2003]], total=8, seen=5, doubts=[[10, 500]])
    (page,) = hear_next(walk, [2001, 2002])

    (page,) = hear_next(KeysetWalk(page.cursor), [20])

    assert (page.covers, page.cursor is None) == ((10, 20), False)


def test_no_row_of_an_account_that_says_that_it_has_some_proves_nothing() -> None:
    walk = KeysetWalk()
    hear_next(walk, [], total=5)

    (page,) = hear_next(walk, [], total=5)

    assert (page.covers, page.seam_proven, page.cursor) == (None, False, None)


def test_the_total_of_a_later_page_is_not_that_of_the_whole() -> None:
    walk = KeysetWalk()
    hear_next(walk, range(1, 101))

    (page,) = hear_next(walk, range(900, 800, -1), total=700)

    assert page.total is None


def test_rows_outside_of_what_was_asked_for_are_not_counted() -> None:
    walk = keyset(ranges=[[100, 111], [1000, 1010]], total=50)

    hear_next(walk, [100, 101, 105, 110, 111])

    assert walk.cursor["seen"] == 3


def test_a_page_covers_no_more_than_what_was_asked_for() -> None:
    walk = keyset(ranges=[[0, 100]], total=150)

    (page,) = hear_next(walk, range(1, 101))

    assert page.covers == (0, 99)


@pytest.mark.parametrize(("total", "order"), [(300, "ASC"), (301, "DESC")])
def test_the_other_end_is_looked_at_when_more_than_two_pages_are_left(total: int, order: str) -> None:
    walk = KeysetWalk()
    hear_next(walk, range(1, 101), total=total)

    ask = walk.ask()

    assert ask and ask.params["orders[id]"] == order


def test_the_other_end_is_looked_at_however_low_the_first_page_ended() -> None:
    walk = KeysetWalk()
    hear_next(walk, [1], total=1000)

    ask = walk.ask()

    assert ask and ask.params["orders[id]"] == "DESC"


def test_a_walk_that_is_taken_up_does_not_look_at_the_other_end_again() -> None:
    ask = keyset(ranges=[[100, None]], total=1000, seen=100, descended=True).ask()

    assert ask and ask.params["orders[id]"] == "ASC"


@pytest.mark.parametrize(("ids", "covers"), [([900, 800], (799, None)), ([900], None)])
def test_two_rows_show_that_the_order_from_above_is_known(ids: list[int], covers: tuple[int, None] | None) -> None:
    walk = keyset(ranges=[[100, None]], total=1000, seen=100, descended=False)

    (page,) = hear_next(walk, ids)

    assert page.covers == covers


def test_where_both_ends_meet_each_row_is_counted_once_and_nothing_is_left() -> None:
    walk = KeysetWalk()
    hear_next(walk, range(1, 101), total=1000)

    (page,) = hear_next(walk, range(150, 50, -1))

    assert (page.covers, page.cursor) == ((50, None), None)
    assert walk.cursor["seen"] == 150


def test_a_page_that_is_under_way_when_both_ends_meet_is_the_end_nevertheless() -> None:
    walk = KeysetWalk()
    hear_next(walk, range(1, 101), total=1000)
    descent, ascent = walk.ask(), walk.ask()
    assert descent and ascent

    walk.hear(descent, answer(range(150, 50, -1)))
    (page,) = walk.hear(ascent, answer(range(101, 151)))

    assert (page.covers, page.cursor) == ((100, None), None)


@pytest.mark.parametrize(
    ("lowest", "total", "count"),
    [
        (501, 600, 2),
        (501, 599, 1),
        (401, 5000, 1),  # There is no room for as many.
    ],
)
def test_as_many_rows_are_expected_between_the_ends_as_are_left_and_have_room(
    lowest: int, total: int, count: int
) -> None:
    walk = KeysetWalk()
    hear_next(walk, range(1, 101), total=total)

    hear_next(walk, range(lowest + 99, lowest - 1, -1))

    assert len(walk.cursor["ranges"]) == count


def test_without_a_total_and_a_page_to_look_at_each_id_may_be_a_row() -> None:
    walk = keyset(ranges=[[100, None]], seen=100, descended=False)

    hear_next(walk, range(600, 500, -1))

    assert walk.cursor["ranges"] == [[100, 392], [391, 501]]


@pytest.mark.parametrize(("total", "count"), [(350, 1), (599, 1), (600, 2), (900, 3), (1800, 6), (5000, 8)])
def test_what_is_unread_is_divided_among_ranges_that_touch_and_do_not_overlap(total: int, count: int) -> None:
    walk = KeysetWalk()
    hear_next(walk, range(1, 101), total=total)

    hear_next(walk, range(total, total - 100, -1), total=total)

    ranges = walk.cursor["ranges"]
    assert len(ranges) == count
    assert (ranges[0][0], ranges[-1][1]) == (100, total - 99)
    assert [after for after, _ in ranges[1:]] == [before - 1 for _, before in ranges[:-1]]


def test_without_a_total_what_is_unread_is_judged_by_the_gaps_between_ids() -> None:
    walk = KeysetWalk()
    hear_next(walk, range(1, 1001, 10))

    hear_next(walk, range(50_000, 49_000, -10))

    # 48,018 ids at one row in ten are 4,802 rows: seven pages of 97 for each of the eight.
    assert walk.cursor["ranges"][:2] == [[991, 991 + 6790 + 1], [991 + 6790, 991 + 2 * 6790 + 1]]


def test_without_a_total_a_short_page_is_the_end() -> None:
    walk = KeysetWalk()

    (page,) = hear_next(walk, range(1, 51))

    assert (page.covers, page.cursor) == ((0, None), None)


@pytest.mark.parametrize(("before", "seen_up_to"), [(1020, 1019), (1040, 1039), (1041, 990), (1051, 990)])
def test_a_short_page_is_doubted_when_five_rows_would_fit_behind_it(before: int, seen_up_to: int) -> None:
    walk = keyset(ranges=[[0, before], [5000, 6000]], total=500, seen=0)
    ask = next(ask for ask in (walk.ask(), walk.ask()) if ask and ask.params["id_greater"] == "0")

    (page,) = walk.hear(ask, answer(range(10, 1000, 10), total=500))

    assert page.covers == (0, seen_up_to)


@pytest.mark.parametrize(("before", "seen_up_to"), [(70, 69), (71, 20)])
def test_two_rows_are_enough_to_see_how_far_ids_lie_apart(before: int, seen_up_to: int) -> None:
    walk = keyset(ranges=[[0, before]], total=500)

    (page,) = hear_next(walk, [10, 20])

    assert page.covers == (0, seen_up_to)


@pytest.mark.parametrize(("last", "upper"), [(9, None), (10, None), (11, (11, 20)), (18, (18, 20)), (19, None)])
def test_a_range_is_cut_where_something_is_left_on_either_side(last: int, upper: tuple[int, int] | None) -> None:
    one = _Range(10, 20, density=0.5)

    cut = KeysetWalk()._cut(one, last)

    assert (cut and (cut.after, cut.before)) == upper
    assert cut is None or cut.density == 0.5
    assert one.before == (last + 1 if upper else 20)


@pytest.mark.parametrize(
    ("ranges", "total", "split_at"),
    [
        ([[0, 10_001]], 10_000, "5147"),
        ([[0, 401]], 400, "394"),
        ([[0, 400]], 400, None),
        ([[0, 10_001], [20_000, 21_001]], 6000, "2916"),  # Elsewhere there are 545, by the even look of it.
        ([[0, 10_001], *([at, at + 1001] for at in range(20_000, 26_000, 1000))], 9000, "2916"),
        ([[0, 10_001], *([at, at + 1001] for at in range(20_000, 27_000, 1000))], 9000, None),  # Eight are enough.
    ],
)
def test_a_thread_that_has_nothing_to_do_gets_the_upper_half_of_what_is_left(
    ranges: list[list[int]], total: int, split_at: str | None
) -> None:
    state = {"total": total, "seen": 0, "doubts": [], "trusts": True, "descended": True}
    walk = KeysetWalk({"ranges": ranges, **state})
    hear_next(walk, range(1, 101), total=total)
    for _ in ranges:
        assert walk.ask()
    assert walk.ask(may_split=False) is None

    ask = walk.ask()

    assert (ask and ask.params["id_greater"]) == split_at


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


def places(walk: OffsetWalk) -> list[int]:
    return [spot["at"] for spot in walk.cursor["spots"]]


@pytest.mark.parametrize(("count", "expected"), [(98, [0, 93]), (60, [0, 55, 93])])
def test_behind_a_page_that_ends_early_another_begins_unless_one_does_already(count: int, expected: list[int]) -> None:
    walk = OffsetWalk({"spots": [{"at": 0}, {"at": 93}], "total": 200})

    hear_next(walk, range(count), total=200)

    assert places(walk) == expected
    assert "is_joined" not in walk.cursor["spots"][0]


@pytest.mark.parametrize(("count", "total", "goes_on"), [(20, 300, True), (20, 210, False), (100, 300, False)])
def test_a_place_is_taken_up_again_as_it_was_left(count: int, total: int, goes_on: bool) -> None:
    spot = _Spot(190)
    spot.hear(answer(range(count), total=total))

    again = _Spot.from_json(json.loads(json.dumps(spot.as_json())))

    assert (again.offset, again.count, again.goes_on, again.is_joined) == (190, count, goes_on, False)
    assert again.as_json() == spot.as_json()
    again.is_joined = True
    assert _Spot.from_json(again.as_json()).is_joined is True


def read(at: int, *ids: int, rows: int = 100) -> dict[str, Any]:
    return {"at": at, "rows": rows, "ids": [[str(one) for one in ids]]}


def test_of_a_walk_that_is_taken_up_only_what_is_unread_is_asked_for() -> None:
    walk = OffsetWalk({"spots": [read(0, 1, 2), {"at": 95}, read(190, 8, 9, rows=10)], "total": 200})

    asked = [walk.ask(), walk.ask()]

    assert [ask and ask.params["offset"] for ask in asked] == ["95", None]
    assert walk.cursor["total"] == 200


def test_a_total_that_was_told_once_is_kept_when_it_is_told_no_more() -> None:
    walk = OffsetWalk()
    hear_next(walk, range(100), total=300)

    (page,) = hear_next(walk, range(95, 195))

    assert (page.total, walk.cursor["total"]) == (300, 300)


def test_rows_that_cannot_be_kept_are_counted() -> None:
    walk = OffsetWalk()
    ask = walk.ask()
    assert ask is not None

    (page,) = walk.hear(ask, answer_of({"rows": [{"id": "1"}, {"name": "no id"}]}, envelope="rows"))

    assert page.unreadable == 1


@pytest.mark.parametrize(("offset", "is_too_far"), [(5_000_000, False), (5_000_001, True)])
def test_no_stream_is_longer_than_five_million_rows(offset: int, is_too_far: bool) -> None:
    walk = OffsetWalk({"spots": [{"at": offset}], "total": None})

    with pytest.raises(UnexpectedAnswer) if is_too_far else nullcontext():
        hear_next(walk, range(100))


def test_the_same_page_may_come_twice_and_not_three_times() -> None:
    walk = OffsetWalk({"spots": [{"at": at} for at in (0, 95, 190)], "total": 1000})
    for _ in range(2):
        hear_next(walk, range(100), total=1000)

    with pytest.raises(UnexpectedAnswer):
        hear_next(walk, range(100), total=1000)
