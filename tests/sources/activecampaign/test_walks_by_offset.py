"""Pages by offset in any order: what falls between two of them is noticed, and the end is where the rows end."""

import json
from collections.abc import Callable, Mapping
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.activecampaign.by_offset import OVERLAP
from sources.activecampaign.rows import Answer
from sources.activecampaign.walks import ListWalk
from sources.activecampaign.ways import PAGE_SIZE, Neighbours
from sources.errors import UnexpectedAnswer
from tests.sources.activecampaign.side_by_side import (
    Lie,
    Params,
    Table,
    answer,
    caps_at,
    repeats_rows,
    run,
    run_with_kills,
    total_is,
)

FIXED_SEEDS = range(25)
STEP = PAGE_SIZE - OVERLAP


def table_of(size: int) -> Table:
    return Table(range(1, size + 1))


def offsets(asked: list[Params]) -> list[int]:
    return [int(params["offset"]) for params in asked]


@pytest.mark.parametrize(
    ("size", "calls"), [(0, 1), (1, 2), (20, 2), (99, 2), (100, 2), (194, 2), (195, 3), (1000, 11), (5000, 53)]
)
def test_a_quiet_stream_is_read_whole_in_the_fewest_calls(size: int, calls: int) -> None:
    table = table_of(size)

    done = run(ListWalk(), table.read, dice=Random(size))

    assert done.seen == set(table.ids)
    assert done.is_proven
    assert done.calls == calls
    assert done.pages[0].total == size
    assert [page.cursor is None for page in done.pages] == [False] * (len(done.pages) - 1) + [True]


@pytest.mark.parametrize(("size", "calls"), [(1, 1), (20, 2), (99, 1), (100, 2), (150, 2), (195, 3)])
def test_a_list_of_one_page_ends_with_it_where_the_accounts_other_lists_have_shown_longer_ones(
    size: int, calls: int
) -> None:
    """But for the length that the API sends to whoever names no limit; and only as far as the total agrees."""
    neighbours = Neighbours()
    run(ListWalk(neighbours=neighbours), table_of(300).read)

    done, cut = (run(ListWalk(neighbours=neighbours), read) for read in (table_of(size).read, cut_at_its_total(size)))

    assert (len(done.seen), done.is_proven, done.calls) == (size, True, calls)
    assert cut.calls > 1


def test_once_the_offset_is_heeded_pages_are_asked_side_by_side_as_far_as_the_total_reaches() -> None:
    table = table_of(500)
    walk = ListWalk()

    for _ in range(2):
        ask = walk.ask()
        assert ask and walk.ask() is None
        walk.hear(ask, table.read(ask.params))
    asked = [ask.params["offset"] for ask in iter(walk.ask, None)]

    assert asked == ["190", "285", "380", "475"]


def cut_at_its_total(size: int) -> Callable[[Params], Answer]:
    """One page of so many rows, of a list that says that it has one more."""
    return lambda params: total_is(size + 1)(table_of(size), params)


def ends_at(most: int) -> Lie:
    """Nothing comes from an offset of so many on."""
    return lambda table, params: table.read(params) if int(params["offset"]) < most else answer([])


def rounds_down_to(page: int) -> Lie:
    def read(table: Table, params: Params) -> Answer:
        return caps_at(page)(table, {**params, "offset": str(int(params["offset"]) // page * page)})

    return read


@pytest.mark.parametrize("lie", [ends_at(1000), rounds_down_to(50), rounds_down_to(20), rounds_down_to(25)])
def test_where_no_two_pages_meet_the_walk_ends_and_says_that_it_is_not_complete(lie: Lie) -> None:
    done = run(ListWalk(), lambda params: lie(table_of(1330), params))

    assert not done.is_proven
    assert done.calls < 500


def check_nothing_is_lost(dice: Random, *, size: int, most: int) -> bool:
    table = table_of(size)
    before = set(table.ids)

    done = run(ListWalk(), table.read, dice=dice, between=lambda: table.stir(dice, most=most))

    assert not done.is_proven or before - table.removed <= done.seen
    assert done.pages[-1].cursor is None
    return done.is_proven


@pytest.mark.parametrize("seed", FIXED_SEEDS)
def test_nothing_is_lost_while_rows_come_and_go(seed: int) -> None:
    dice = Random(seed)

    assert check_nothing_is_lost(dice, size=dice.randint(0, 900), most=3)


@given(st.randoms(use_true_random=False), st.integers(0, 900), st.integers(0, 40))
def test_between_proven_pages_nothing_is_lost_whatever_the_order(dice: Random, size: int, most: int) -> None:
    check_nothing_is_lost(dice, size=size, most=most)


def check_kills(seed: int) -> None:
    dice = Random(seed)
    table = table_of(dice.randint(0, 1200))
    before = set(table.ids)

    seen, is_proven = run_with_kills(ListWalk, table, dice, most=dice.choice([0, 1, 3, 10, 30]))

    assert not is_proven or before - table.removed <= seen


# 134, 1152, 7704: the last page, read a second time, no longer hung together with what its neighbour was joined to.
@pytest.mark.parametrize("seed", [*FIXED_SEEDS, 134, 1152, 7704])
def test_a_walk_that_is_killed_goes_on_from_its_cursor(seed: int) -> None:
    check_kills(seed)


@given(st.integers(0, 2**32))
def test_a_walk_goes_on_from_any_cursor(seed: int) -> None:
    check_kills(seed)


def test_a_kill_repeats_at_most_one_page_for_each_thread() -> None:
    table = table_of(3000)
    for seed in range(20):
        pages = 1 + seed
        begun = run(ListWalk(), table.read, dice=Random(seed), most_pages=pages)

        rest = run(ListWalk(begun.pages[-1].cursor), table.read, dice=Random(seed))

        assert begun.seen | rest.seen == set(table.ids)
        assert begun.is_proven
        assert rest.is_proven
        assert begun.calls + rest.calls <= 32 + 8


def test_a_cursor_of_another_kind_begins_again() -> None:
    table = table_of(250)

    assert run(ListWalk({"offset": 95, "tail": []}), table.read).seen == set(table.ids)


def test_a_cursor_does_not_grow_with_the_stream() -> None:
    sizes = [len(json.dumps(page.cursor)) for page in run(ListWalk(), table_of(20_000).read, dice=Random(1)).pages]

    assert max(sizes) < 3000


def at_call(number: int, change: Callable[[Table], None], table: Table) -> Callable[[Params], Answer]:
    """Change the table before this call is answered, and never again."""
    calls = [0]

    def read(params: Params) -> Answer:
        calls[0] += 1
        if calls[0] == number:
            change(table)
        return table.read(params)

    return read


def test_a_gap_is_noticed_and_read_again_until_it_is_closed() -> None:
    table = table_of(250)

    done = run(ListWalk(), at_call(2, lambda table: table.remove(slice(0, 20)), table), threads=1)

    assert done.seen >= set(table.ids)
    assert done.is_proven
    assert offsets(done.asked) == [0, 95, 0, 95, 190]


def test_a_gap_at_the_very_end_is_noticed_too() -> None:
    table = table_of(104)

    done = run(ListWalk(), at_call(2, lambda table: table.remove(slice(0, 10)), table), threads=1)

    assert done.seen >= set(table.ids)
    assert done.is_proven


def test_a_seam_that_stays_open_is_said_and_the_walk_goes_on() -> None:
    table = table_of(900)
    calls = [0]

    def shrinking(params: Params) -> Answer:
        calls[0] += 1
        if calls[0] in (2, 3, 4):
            table.remove(slice(0, 120))
        return table.read(params)

    done = run(ListWalk(), shrinking, threads=1)

    assert not done.is_proven
    assert done.pages[-1].cursor is None


def test_a_page_that_is_empty_once_by_mistake_does_not_end_the_stream() -> None:
    table = table_of(500)
    calls = [0]

    def hollow(params: Params) -> Answer:
        calls[0] += 1
        return answer([], total=500) if calls[0] == 3 else table.read(params)

    done = run(ListWalk(), hollow)

    assert done.seen == set(table.ids)
    assert done.is_proven


# Servers that are not to be trusted


def heeds_no_limit(table: Table, params: Params) -> Answer:
    return answer(table.found({**params, "limit": "20"}))


def sends_more(table: Table, params: Params) -> Answer:
    return answer(table.found({**params, "limit": "250"}), total=len(table.ids))


LIES: Mapping[str, tuple[Lie, float]] = {
    "total 0": (total_is(0), 1),
    "total 1": (total_is(1), 1),
    "total of too many": (total_is(10**12), 1),
    "no total": (total_is(None), 1),
    "twenty rows a page": (caps_at(20), 7),
    "ninety-nine rows a page": (caps_at(99), 2),
    "ten rows a page": (caps_at(10), 20),
    "twenty rows a page and no total": (heeds_no_limit, 7),
    "rows that come twice": (repeats_rows, 1.1),
    "pages of 250": (sends_more, 1.1),
}


@pytest.mark.parametrize("name", LIES)
@pytest.mark.parametrize("size", [1, 20, 100, 250, 1000])
def test_a_lying_server_costs_calls_and_no_rows(name: str, size: int) -> None:
    lie, cost = LIES[name]
    table = table_of(size)

    done = run(ListWalk(), lambda params: lie(table, params), dice=Random(7))

    assert done.seen == set(table.ids)
    assert done.is_proven
    assert done.calls <= size / STEP * cost + 12


def test_no_row_of_a_stream_that_says_it_has_some_is_asked_for_again_and_proves_nothing() -> None:
    denied = run(ListWalk(), lambda params: answer([], total=230))
    empty = run(ListWalk(), lambda params: answer([], total=0))

    assert (denied.calls, denied.is_proven, denied.pages[-1].cursor) == (2, False, None)
    assert (empty.calls, empty.is_proven) == (1, True)


def test_a_first_page_that_is_empty_once_by_mistake_costs_one_call() -> None:
    table = table_of(230)
    answers = iter([answer([], total=230)])

    done = run(ListWalk(), lambda params: next(answers, None) or table.read(params))

    assert done.seen == set(table.ids)
    assert done.is_proven
    assert done.calls == 4


def test_a_total_that_promises_more_costs_one_call() -> None:
    assert run(ListWalk(), lambda params: total_is(51)(table_of(50), params)).calls == 2


def test_a_total_that_shrinks_or_grows_meanwhile_is_followed() -> None:
    for change in (lambda table: table.remove(slice(300, 900)), lambda table: [table.insert(0) for _ in range(400)]):
        table = table_of(1000)
        before = set(table.ids)

        done = run(ListWalk(), at_call(5, change, table))

        assert done.seen >= before - table.removed or not done.is_proven
        assert done.calls < 30


@pytest.mark.parametrize(("total", "is_proven"), [(None, True), (100, True), (5000, False), (10**12, False)])
def test_the_same_page_for_ever_is_all_there_is_unless_more_are_announced(total: int | None, is_proven: bool) -> None:
    done = run(ListWalk(), lambda params: answer(range(1, 101), total=total))

    assert len(done.seen) == done.told == 100
    assert (done.is_proven, done.calls) == (is_proven, 3)


def test_pages_that_go_round_in_circles_come_to_an_end_and_prove_nothing() -> None:
    table = table_of(1000)

    def circle(params: Params) -> Answer:
        return table.read({**params, "offset": str(int(params["offset"]) % 900)})

    done = run(ListWalk(), circle)

    assert not done.is_proven
    assert done.calls < 60


@pytest.mark.parametrize("threads", [4, 16])
def test_rows_that_are_too_large_are_named_once_whatever_the_order_of_answers(threads: int) -> None:
    table, huge = table_of(300), {11, 201}

    def read(params: Params) -> Answer:
        if huge & {*table.found(params)}:
            return Answer(failure=UnexpectedAnswer("Too large.", code="too_large"))
        return table.read(params)

    for seed in range(200):
        done = run(ListWalk(), read, threads=threads, dice=Random(seed))
        assert (done.seen, done.is_proven) == ({*table.ids} - huge, True), seed
        assert sum(len(page.unkept) for page in done.pages) == len(huge), seed
