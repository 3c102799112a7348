"""Contacts in id ranges side by side: nothing is lost, few calls are made, and no answer is trusted blindly."""

import json
from collections.abc import Mapping
from itertools import accumulate
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.activecampaign.rows import Answer, answer_of
from sources.activecampaign.ways import PAGE_SIZE
from tests.sources.activecampaign.side_by_side import (
    Lie,
    Params,
    Run,
    Table,
    answer,
    by_id,
    caps_at,
    repeats_rows,
    run,
    run_with_kills,
    total_is,
)

FIXED_SEEDS = range(25)


def account(size: int, dice: Random) -> Table:
    """Ids with the gaps that deleted rows leave."""
    return Table(accumulate(dice.choices((1, 1, 1, 2, 3), k=size)))


@pytest.mark.parametrize(
    ("size", "calls"),
    [(0, 1), (1, 2), (99, 2), (100, 2), (101, 2), (199, 2), (200, 3), (299, 3), (300, 4), (1000, 14)],
)
def test_a_quiet_account_is_read_whole_in_few_calls(size: int, calls: int) -> None:
    table = account(size, Random(size))

    done = run(by_id(), table.read)

    assert done.seen == set(table.ids)
    assert done.calls <= calls
    assert done.pages[0].total == size
    assert [page.cursor is None for page in done.pages] == [False] * (len(done.pages) - 1) + [True]


@pytest.mark.parametrize("seed", FIXED_SEEDS)
def test_five_thousand_contacts_cost_at_most_58_calls(seed: int) -> None:
    dice = Random(seed)
    table = account(5000, dice)

    done = run(by_id(), table.read, threads=dice.randint(1, 4), dice=dice)

    assert done.seen == set(table.ids)
    assert done.calls <= 58


@given(st.integers(0, 3000), st.sampled_from([(1,), (1, 1, 2, 3), (1, 90)]), st.integers(1, 40), st.randoms())
def test_no_more_calls_are_lost_than_are_borne_whatever_the_ids_and_however_many_may_be_asked(
    size: int, gaps: tuple[int, ...], at_once: int, dice: Random
) -> None:
    table = Table(accumulate(dice.choices(gaps, k=size)))

    done = run(by_id(), table.read, threads=at_once, dice=dice)

    assert done.seen == set(table.ids)
    assert done.calls <= -(-size // PAGE_SIZE) + 24


def test_beside_other_streams_5000_contacts_cost_as_many_calls_as_they_have_pages() -> None:
    table, walk, calls = Table(range(1, 5001)), by_id(), 0

    while ask := walk.ask(may_split=False):
        walk.hear(ask, table.read(ask.params))
        calls += 1

    assert (calls, walk.is_over) == (50, True)


UNEVEN: Mapping[str, list[int]] = {
    "all but the newest old": [*range(1, 4800), *range(10**9, 10**9 + 200)],
    "one crowd in the middle": [*range(1, 150), *range(10**8, 10**8 + 4600), *range(10**9, 10**9 + 250)],
    "two crowds far apart": [*range(1, 2500), *range(10**9, 10**9 + 2500)],
    "ever wider gaps": sorted({int(1.003**one * 10) + one for one in range(5000)}),
    "most of the old ones deleted": [*range(0, 50_000, 100)[1:], *range(50_000, 54_500)],
}


@pytest.mark.parametrize("name", UNEVEN)
@pytest.mark.parametrize("seed", range(5))
def test_ids_may_lie_as_unevenly_as_they_like(name: str, seed: int) -> None:
    table = Table(UNEVEN[name])

    done = run(by_id(), table.read, dice=Random(seed))

    assert done.seen == set(table.ids)
    assert done.calls <= len(table.ids) / PAGE_SIZE + 24


def test_the_first_call_goes_alone_and_the_second_comes_from_the_other_end() -> None:
    table = account(5000, Random(1))
    walk = by_id()

    first = walk.ask()
    assert walk.ask() is None
    assert first is not None
    walk.hear(first, table.read(first.params))
    second = walk.ask()

    assert first.params == {"orders[id]": "ASC", "id_greater": "0", "limit": "100"}
    assert second is not None
    assert second.params == {"orders[id]": "DESC", "limit": "100"}


def test_ranges_are_asked_side_by_side() -> None:
    table = account(5000, Random(1))

    done = run(by_id(), table.read)

    begins = {params["id_greater"] for params in done.asked[2:9]}
    assert len(begins) == 7


def check_nothing_is_lost(dice: Random, *, size: int, most: int) -> Run:
    table = account(size, dice)
    before = set(table.ids)

    done = run(by_id(), table.read, dice=dice, between=lambda: table.stir(dice, most=most))

    assert before - table.removed <= done.seen
    assert done.is_proven
    return done


@pytest.mark.parametrize("seed", FIXED_SEEDS)
def test_nothing_is_lost_while_rows_come_and_go(seed: int) -> None:
    dice = Random(seed)

    size = dice.randint(0, 2000)
    assert check_nothing_is_lost(dice, size=size, most=20).calls <= size / PAGE_SIZE + 24


@given(st.randoms(use_true_random=False), st.integers(0, 1500), st.integers(0, 30))
def test_nothing_is_lost_whatever_the_order(dice: Random, size: int, most: int) -> None:
    done = check_nothing_is_lost(dice, size=size, most=most)

    # Thirty changes between any two calls, each where it hurts most: still no walk without end.
    assert done.calls <= size / PAGE_SIZE + 60


def check_kills(seed: int) -> None:
    dice = Random(seed)
    table = account(dice.randint(0, 1500), dice)
    before = set(table.ids)

    seen, _ = run_with_kills(by_id, table, dice, most=dice.choice([0, 1, 3, 10, 30]))

    assert before - table.removed <= seen


@pytest.mark.parametrize("seed", FIXED_SEEDS)
def test_a_walk_that_is_killed_goes_on_from_its_cursor(seed: int) -> None:
    check_kills(seed)


@given(st.integers(0, 2**32))
def test_a_walk_goes_on_from_any_cursor(seed: int) -> None:
    check_kills(seed)


def test_a_cursor_does_not_grow_with_the_account() -> None:
    pages = run(by_id(), account(20_000, Random(1)).read, dice=Random(1)).pages

    assert max(len(json.dumps(page.cursor)) for page in pages) < 2000


def test_a_kill_repeats_at_most_one_page_for_each_thread() -> None:
    table = account(5000, Random(3))
    whole = run(by_id(), table.read).calls
    for pages in range(1, 50, 7):
        begun = run(by_id(), table.read, most_pages=pages)

        rest = run(by_id(begun.pages[-1].cursor), table.read)

        assert begun.seen | rest.seen == set(table.ids)
        assert pages + rest.calls <= whole + 8


def test_a_cursor_of_another_kind_begins_again() -> None:
    table = account(250, Random(1))

    assert run(by_id({"after": "100"}), table.read).seen == set(table.ids)


def test_a_small_account_is_its_one_page_and_the_look_behind_it() -> None:
    assert [len(page.rows) for page in run(by_id(), Table([3, 7]).read).pages] == [2, 0]
    assert [len(page.rows) for page in run(by_id(), Table([]).read).pages] == [0]


# Servers that are not to be trusted


def without(*names: str) -> Lie:
    """A server that does not know these parameters."""
    return lambda table, params: table.read({key: value for key, value in params.items() if key not in names})


def knows_no_descent(table: Table, params: Params) -> Answer:
    return table.read({**params, "orders[id]": "ASC"})


LIES: Mapping[str, tuple[Lie, float]] = {
    "total 0": (total_is(0), 1.3),
    "total 1": (total_is(1), 1.3),
    "total 500": (total_is(500), 1.6),
    "total of too many": (total_is(10**12), 2.0),
    "no total": (total_is(None), 1.3),
    "twenty rows a page": (caps_at(20), 7.0),
    "ninety-nine rows a page": (caps_at(99), 1.5),
    "one row a page": (caps_at(1), 110.0),
    "no id_less": (without("id_less"), 1.5),
    "no order from above": (knows_no_descent, 1.3),
    "rows that come twice": (repeats_rows, 1.5),
}


@pytest.mark.parametrize("name", LIES)
@pytest.mark.parametrize("size", [0, 1, 20, 100, 250, 2000])
def test_a_lying_server_costs_calls_and_no_rows(name: str, size: int) -> None:
    lie, cost = LIES[name]
    table = account(size, Random(size))

    done = run(by_id(), lambda params: lie(table, params), dice=Random(7))

    assert done.seen == set(table.ids)
    assert done.calls <= size / PAGE_SIZE * cost + 24


def check_lies_lose_nothing(seed: int) -> None:
    dice = Random(seed)
    gaps = dice.choice([(1,), (1, 1, 2, 3), (1, 1, 1, 1, 5000), (1, 10**6)])
    table = Table(accumulate(dice.choices(gaps, k=dice.randint(0, 1500))))
    total = dice.choice([None, 0, 300, 500, len(table.ids) // 2, len(table.ids) + 1, len(table.ids) + 100, 10**12])
    lie = dice.choice([total_is(total), caps_at(dice.choice([7, 20, 50, 99]))])

    done = run(by_id(), lambda params: lie(table, params), threads=dice.choice([1, 2, 8]), dice=dice)

    assert done.seen == set(table.ids)


@pytest.mark.parametrize("seed", FIXED_SEEDS)
def test_no_total_and_no_page_size_costs_a_row(seed: int) -> None:
    check_lies_lose_nothing(seed)


@given(st.integers(0, 2**32))
def test_no_total_and_no_page_size_costs_a_row_in_any_order(seed: int) -> None:
    check_lies_lose_nothing(seed)


def test_a_total_that_promises_more_costs_one_call() -> None:
    table = account(50, Random(1))

    assert run(by_id(), lambda params: total_is(51)(table, params)).calls == 3


def test_pages_that_shrink_in_the_middle_lose_nothing() -> None:
    table = account(3000, Random(2))
    calls = [0]

    def shrinking(params: Params) -> Answer:
        calls[0] += 1
        return caps_at(40 if calls[0] > 9 else 100)(table, params)

    assert run(by_id(), shrinking).seen == set(table.ids)


def test_where_ids_come_in_no_order_the_list_is_read_by_offset() -> None:
    table = Table(range(1, 251))

    def mixed_up(params: Params) -> Answer:
        found = table.found(params)
        return answer([*found[50:], *found[:50]], total=250)

    done = run(by_id(), mixed_up)

    assert done.seen == set(table.ids)
    assert done.is_proven
    assert done.told == 250


@pytest.mark.parametrize(("total", "is_proven"), [(None, True), (150, True), (5000, False)])
def test_the_same_page_for_ever_is_all_there_is_unless_more_are_announced(total: int | None, is_proven: bool) -> None:
    done = run(by_id(), lambda params: answer(range(1, 151), total=total))

    assert len(done.seen) == done.told == 150
    assert done.is_proven == is_proven
    assert done.calls <= 24


def test_rows_without_an_id_are_stepped_over() -> None:
    def read(params: Params) -> Answer:
        left = Table(range(1, 41)).found({**params, "limit": "40"})[int(params.get("offset", 0)) :][:2]
        rows = [{"id": None if one in (7, 8) else str(one), "n": one} for one in left]
        return answer_of({"rows": rows, "meta": {"total": 40}}, envelope="rows")

    done = run(by_id(), read)

    assert done.seen == {*range(1, 41)} - {7, 8}
    assert [(one.place, one.excerpt) for page in done.pages for one in page.unkept] == [
        ("row 1 of those after id 6", '{"id": null, "n": 7}'),
        ("row 2 of those after id 6", '{"id": null, "n": 8}'),
    ]


def test_a_wide_gap_that_a_bulk_deletion_left_is_not_asked_about_again_and_again() -> None:
    """Behind a short page it looks as if rows were wanting, and none are."""
    table = Table([*range(1, 601), *range(2001, 2601), *range(4001, 4201)])

    done = run(by_id(), table.read)

    assert done.seen == set(table.ids)
    assert done.calls <= len(table.ids) / PAGE_SIZE * 1.6
