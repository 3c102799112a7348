"""Single steps of a walk that whole walks do not tell apart: what is asked next, what is covered, what is kept."""

from collections.abc import Sequence
from typing import Any

import pytest

from sources.activecampaign.by_id import ById, _Range
from sources.activecampaign.walks import FORM, ListWalk
from sources.activecampaign.ways import Facts
from sources.spec import Page
from tests.sources.activecampaign.side_by_side import answer, by_id


def keyset(*, ranges: Any = ((0, None),), total: Any = None, seen: int = 0, **place: Any) -> ListWalk:
    """Taken up where this is left to read, in the middle of a list whose pages have a hundred rows."""
    place = {"doubts": [], "trusts": True, "descended": True} | place
    return ListWalk(
        {
            "form": FORM,
            "by_id": True,
            "place": place | {"ranges": [[*bounds, 0] for bounds in ranges]},
            "facts": {"total": total, "seen": seen, "kept": seen, "longest": 100},
            "told": seen,
        }
    )


def hear_next(walk: ListWalk, ids: Sequence[int], *, total: Any = None) -> Page:
    ask = walk.ask()
    assert ask is not None
    return walk.hear(ask, answer(ids, total=total))


# By id ------------------------------------------------------------------------------------------------------------


def left_to_read(walk: ListWalk) -> list[list[int | None]]:
    return [bounds[:2] for bounds in walk.cursor["place"]["ranges"]]


@pytest.mark.parametrize("doubt", [[10, 50], [200, None]])
def test_with_no_row_wanting_what_was_doubted_is_not_looked_at(doubt: list[int | None]) -> None:
    walk = keyset(ranges=[[100, 103]], total=7, seen=5, doubts=[doubt])

    page = hear_next(walk, [101, 102])

    assert page.cursor is None
    assert walk.cursor["place"]["doubts"] == []


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


@pytest.mark.parametrize("total", [20, None, 6])
def test_behind_short_pages_is_looked_while_rows_are_wanting_or_no_total_says_that_there_are_none(
    total: int | None,
) -> None:
    walk = keyset(ranges=[[2000, 2003]], total=total, seen=5, doubts=[[10, 500], [1000, 1100]])
    hear_next(walk, [2001, 2002])

    hear_next(walk, [])
    hear_next(walk, [])

    assert walk.is_over


def test_where_far_more_rows_are_wanting_than_may_have_gone_an_empty_answer_is_not_believed_at_once() -> None:
    walk = keyset(ranges=[[2000, 2003]], total=300, seen=5, doubts=[[10, 500]])
    hear_next(walk, [2001, 2002])
    hear_next(walk, [])

    hear_next(walk, [20, 21])

    assert left_to_read(walk) == [[21, 500]]


def test_a_walk_that_was_killed_while_it_doubted_trusts_no_short_page() -> None:
    walk = keyset(ranges=[[2000, 2003]], total=8, seen=5, doubts=[[10, 500]])
    page = hear_next(walk, [2001, 2002])
    taken_up = by_id(page.cursor)

    hear_next(taken_up, [20])

    assert left_to_read(taken_up) == [[20, 500]]


def test_no_row_of_an_account_that_says_that_it_has_some_proves_nothing() -> None:
    walk = by_id()
    hear_next(walk, [], total=5)

    page = hear_next(walk, [], total=5)

    assert (page.seam_proven, page.cursor) == (False, None)


def test_the_total_of_a_later_page_is_not_that_of_the_whole() -> None:
    walk = by_id()
    hear_next(walk, range(1, 101))

    page = hear_next(walk, range(900, 800, -1), total=700)

    assert page.total is None


def test_rows_outside_of_what_was_asked_for_are_not_counted() -> None:
    walk = keyset(ranges=[[100, 111], [1000, 1010]], total=50)

    hear_next(walk, [100, 101, 105, 110, 111])

    assert walk.cursor["facts"]["seen"] == 3


def test_a_page_that_reaches_the_end_of_what_was_asked_for_leaves_nothing_of_it() -> None:
    walk = keyset(ranges=[[0, 100]], total=150)

    page = hear_next(walk, range(1, 101))

    assert (page.cursor, walk.cursor["facts"]["seen"]) == (None, 99)


@pytest.mark.parametrize(("total", "order"), [(300, "ASC"), (301, "DESC")])
def test_the_other_end_is_looked_at_when_more_than_two_pages_are_left(total: int, order: str) -> None:
    walk = by_id()
    hear_next(walk, range(1, 101), total=total)

    ask = walk.ask()

    assert ask and ask.params["orders[id]"] == order


def test_the_other_end_is_looked_at_however_low_the_first_page_ended() -> None:
    walk = by_id()
    hear_next(walk, [1], total=1000)

    ask = walk.ask()

    assert ask and ask.params["orders[id]"] == "DESC"


def test_a_walk_that_is_taken_up_does_not_look_at_the_other_end_again() -> None:
    ask = keyset(ranges=[[100, None]], total=1000, seen=100, descended=True).ask()

    assert ask and ask.params["orders[id]"] == "ASC"


@pytest.mark.parametrize(("ids", "left"), [([900, 800], [100, 800]), ([900], [100, None])])
def test_two_rows_show_that_the_order_from_above_is_known(ids: list[int], left: list[int | None]) -> None:
    walk = keyset(ranges=[[100, None]], total=250, seen=0, descended=False)

    hear_next(walk, ids)

    assert left_to_read(walk) == [left]


def test_where_both_ends_meet_each_row_is_counted_once_and_nothing_is_left() -> None:
    walk = by_id()
    hear_next(walk, range(1, 101), total=1000)

    page = hear_next(walk, range(150, 50, -1))

    assert page.cursor is None
    assert walk.cursor["facts"]["seen"] == 150


def test_a_page_that_is_under_way_when_both_ends_meet_is_the_end_nevertheless() -> None:
    walk = by_id()
    hear_next(walk, range(1, 101), total=1000)
    descent, ascent = walk.ask(), walk.ask()
    assert descent and ascent

    walk.hear(descent, answer(range(150, 50, -1)))
    page = walk.hear(ascent, answer(range(101, 151)))

    assert page.cursor is None


def test_before_the_other_end_is_known_a_few_pages_at_a_time_are_put_at_stake() -> None:
    walk = by_id()
    hear_next(walk, range(1, 101), total=5000)

    asked = [walk.ask() for _ in range(5)]

    assert [ask and ask.params.get("id_greater") for ask in asked] == [None, "100", "491", "882", "1273"]
    assert left_to_read(walk)[:2] == [[100, 492], [491, 883]]
    assert left_to_read(walk)[-1] == [1273, None]


@pytest.mark.parametrize("total", [199, 299, None])
def test_of_little_or_of_nobody_knows_how_much_nothing_is_put_at_stake(total: int | None) -> None:
    walk = by_id()
    hear_next(walk, range(1, 101), total=total)

    asked = [walk.ask() for _ in range(5)]

    assert {ask.params.get("id_greater") for ask in asked if ask} <= {None, "100"}


def test_what_is_above_the_ends_that_are_known_is_divided_for_whoever_could_ask() -> None:
    walk = by_id()
    hear_next(walk, range(1, 101), total=5000)
    hear_next(walk, range(5000, 4900, -1), total=5000)

    asked = [walk.ask() for _ in range(16)]

    ranges = sorted(left_to_read(walk))
    assert all(asked)
    assert len(ranges) == 16
    assert (ranges[0][0], ranges[-1][1]) == (100, 4901)
    assert [after for after, _ in ranges[1:]] == [before - 1 for _, before in ranges[:-1]]


def test_of_the_first_page_nobody_knows_whether_it_is_short() -> None:
    walk = by_id()

    first, last = hear_next(walk, range(1, 51), total=50), hear_next(walk, [], total=50)

    assert first.cursor is not None
    assert last.cursor is None


def test_behind_a_short_page_nothing_is_said_before_the_end() -> None:
    walk = keyset(ranges=[[0, 1020], [5000, 6000]], total=500)
    ask = next(ask for ask in (walk.ask(), walk.ask()) if ask and ask.params["id_greater"] == "0")

    walk.hear(ask, answer(range(10, 1000, 10), total=500))

    assert walk.cursor["place"]["doubts"] == [[990, 1020]]


@pytest.mark.parametrize(("last", "upper"), [(9, None), (10, None), (11, (11, 20)), (18, (18, 20)), (19, None)])
def test_a_range_is_cut_where_something_is_left_on_either_side(last: int, upper: tuple[int, int] | None) -> None:
    one = _Range(10, 20, density=0.5)

    cut = ById(Facts())._cut(one, last)

    assert (cut and (cut.after, cut.before)) == upper
    assert cut is None or cut.density == 0.5
    assert one.before == (last + 1 if upper else 20)


@pytest.mark.parametrize(
    ("ranges", "total", "split_at"),
    [
        ([[0, 10_001]], 10_000, "5147"),
        ([[0, 401]], 400, "394"),
        ([[0, 196]], 400, "180"),  # The page on its way may be too short for all that is left.
        ([[0, 195]], 400, None),
        ([[0, 10_001], [20_000, 21_001]], 6000, "2916"),  # Elsewhere there are 545, by the even look of it.
        ([[0, 10_001], *([at, at + 1001] for at in range(20_000, 26_000, 1000))], 9000, "2916"),
    ],
)
def test_a_thread_that_has_nothing_to_do_gets_the_upper_half_of_what_is_left(
    ranges: list[list[int]], total: int, split_at: str | None
) -> None:
    walk = keyset(ranges=ranges, total=total)
    hear_next(walk, range(1, 101), total=total)
    for _ in ranges:
        assert walk.ask()
    assert walk.ask(may_split=False) is None

    ask = walk.ask()

    assert (ask and ask.params["id_greater"]) == split_at


# What is on its way when the end is seen -----------------------------------------------------------------------------


def test_an_answer_that_is_on_its_way_at_the_end_is_heard_and_a_kill_before_it_sees_the_end_again() -> None:
    walk = by_id()
    hear_next(walk, range(1, 101), total=301)
    descent, *ascents = [ask for ask in (walk.ask(), walk.ask()) if ask]

    end = walk.hear(ascents[0], answer([]))
    late = walk.hear(descent, answer(range(100, 0, -1)))

    assert (len(late.rows), late.repeated, late.cursor, walk.is_over) == (100, 100, None, True)
    assert left_to_read(by_id(end.cursor)) == [[100, None]]
