"""No row is lost between pages, whatever comes and goes meanwhile."""

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.activecampaign.rows import Answer, answer_of
from sources.activecampaign.walks import OVERLAP, PAGE_SIZE, keyset_walk, offset_walk
from sources.errors import UnexpectedAnswer
from sources.spec import Cursor, Page


class Table:
    """Rows that change between two reads."""

    def __init__(self, size: int, *, change: Callable[["Table"], None] = lambda table: None) -> None:
        self.ids = list(range(1, size + 1))
        self.change = change
        self.reads: list[Mapping[str, str]] = []

    def read(self, params: Mapping[str, str]) -> Answer:
        if self.reads:
            self.change(self)
        self.reads.append(params)
        if "id_greater" in params:
            found = sorted(one for one in self.ids if one > int(params["id_greater"]))[: int(params["limit"])]
        else:
            found = self.ids[int(params["offset"]) :][: int(params["limit"])]
        return answer(found, total=len(self.ids))


def answer(ids: list[Any], **meta: Any) -> Answer:
    return answer_of({"rows": [{"id": str(one)} for one in ids], "meta": meta}, envelope="rows")


def walked(pages: list[Page]) -> set[int]:
    return {int(key) for page in pages for key in page.rows}


@pytest.mark.parametrize("size", [0, 1, 5, 99, 100, 101, 195, 196, 1000])
@pytest.mark.parametrize("walk", [keyset_walk, offset_walk])
def test_a_quiet_table_is_read_whole(walk: Any, size: int) -> None:
    table = Table(size)

    pages = list(walk(table.read, None))

    assert walked(pages) == set(table.ids)
    assert all(page.seam_proven for page in pages)
    assert [page.cursor is None for page in pages] == [False] * (len(pages) - 1) + [True]
    assert pages[0].total == size


@pytest.mark.parametrize("walk", [keyset_walk, offset_walk])
def test_a_walk_goes_on_from_every_cursor(walk: Any) -> None:
    table = Table(430)
    pages = list(walk(table.read, None))

    for position, page in enumerate(pages[:-1]):
        rest = list(walk(table.read, page.cursor))
        assert walked(pages[: position + 1]) | walked(rest) == set(table.ids)
        assert all(one.seam_proven for one in rest)
        assert len(rest) == len(pages) - position - 1


def test_neighbouring_offset_pages_overlap_by_five_rows() -> None:
    table = Table(250)

    pages = list(offset_walk(table.read, None))

    assert [read["offset"] for read in table.reads] == ["0", "95", "190"]
    assert len(pages[0].rows.keys() & pages[1].rows.keys()) == OVERLAP
    assert pages[0].cursor == {"offset": 95, "tail": ["96", "97", "98", "99", "100"]}


def test_deleted_rows_that_open_a_gap_are_noticed_and_the_pages_read_again() -> None:
    def delete_twenty(table: Table) -> None:
        if len(table.reads) == 1:
            del table.ids[:20]

    table = Table(250, change=delete_twenty)
    pages = list(offset_walk(table.read, None))

    assert walked(pages) >= set(table.ids)
    assert all(page.seam_proven for page in pages)
    assert [read["offset"] for read in table.reads] == ["0", "95", "0", "95", "190"]


def test_a_gap_at_the_very_end_is_noticed_too() -> None:
    def delete_ten(table: Table) -> None:
        if len(table.reads) == 1:
            del table.ids[:10]

    table = Table(104, change=delete_ten)
    pages = list(offset_walk(table.read, None))

    assert walked(pages) >= set(table.ids)
    assert pages[-1].seam_proven


def test_a_seam_that_stays_open_is_said_and_the_walk_goes_on() -> None:
    def delete_many(table: Table) -> None:
        if len(table.reads) in (1, 2, 3):
            del table.ids[:120]

    table = Table(900, change=delete_many)
    pages = list(offset_walk(table.read, None))

    assert not all(page.seam_proven for page in pages)
    assert pages[-1].cursor is None


@given(st.randoms(use_true_random=False), st.integers(0, 700), st.integers(0, 30))
def test_no_row_that_stays_is_lost_between_proven_pages(random: Random, size: int, most: int) -> None:
    def stir(table: Table) -> None:
        for _ in range(random.randint(0, most)):
            if table.ids and random.random() < 0.6:
                removed.add(table.ids.pop(random.randrange(len(table.ids))))
            else:
                table.ids.insert(random.randint(0, len(table.ids)), 10_000 + len(removed) + len(table.ids) * 1000)

    removed: set[int] = set()
    table = Table(size, change=stir)
    stayed = set(table.ids)
    pages = list(offset_walk(table.read, None))

    if all(page.seam_proven for page in pages):
        assert stayed - removed <= walked(pages)


@given(st.randoms(use_true_random=False), st.integers(0, 500))
def test_no_row_that_stays_is_lost_by_a_keyset_walk(random: Random, size: int) -> None:
    def stir(table: Table) -> None:
        for _ in range(random.randint(0, 30)):
            if table.ids and random.random() < 0.7:
                removed.add(table.ids.pop(random.randrange(len(table.ids))))
            else:
                table.ids.append(max(table.ids, default=size) + 1)

    removed: set[int] = set()
    table = Table(size, change=stir)
    stayed = set(table.ids)

    seen = walked(list(keyset_walk(table.read, None)))

    assert stayed - removed <= seen


@pytest.mark.parametrize("walk", [keyset_walk, offset_walk])
def test_the_same_page_for_ever_is_an_error(walk: Any) -> None:
    same = answer(list(range(1, PAGE_SIZE + 1)))
    pages = []

    with pytest.raises(UnexpectedAnswer) as refused:
        pages.extend(walk(lambda params: same, None))

    assert refused.value.code == "same_page"


def test_pages_that_go_round_in_circles_come_to_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sources.activecampaign.walks.FARTHEST_OFFSET", 20_000)
    table = Table(1000)

    def circle(params: Mapping[str, str]) -> Answer:
        return table.read({**params, "offset": str(int(params["offset"]) % 900)})

    with pytest.raises(UnexpectedAnswer):
        list(offset_walk(circle, None))


def test_a_page_larger_than_asked_for_is_taken_whole() -> None:
    sizes = iter([list(range(1, 251)), list(range(246, 300))])
    offsets = []

    def read(params: Mapping[str, str]) -> Answer:
        offsets.append(params["offset"])
        return answer(next(sizes))

    pages = list(offset_walk(read, None))

    assert offsets == ["0", "245"]
    assert walked(pages) == set(range(1, 300))


def test_a_wrong_total_changes_nothing() -> None:
    for total in (0, 1, 10**12):
        table = Table(250)

        def read(params: Mapping[str, str], table: Table = table, total: int = total) -> Answer:
            return answer([int(key) for key in table.read(params).rows], total=total)

        assert walked(list(offset_walk(read, None))) == set(table.ids)


@pytest.mark.parametrize(
    ("total", "read"),
    [("18342", 18342), (7, 7), ("0", 0), (None, None), (-1, None), ("-1", None), ("many", None), (True, None),
     (10**30, None), ("9" * 5000, None), (1.5, None), ([], None)],
)  # fmt: skip
def test_the_total_is_read_tolerantly(total: Any, read: int | None) -> None:
    assert answer_of({"rows": [], "meta": {"total": total}}, envelope="rows").total == read


@pytest.mark.parametrize("meta", [None, [], "x", {}])
def test_a_total_may_be_absent(meta: Any) -> None:
    assert answer_of({"rows": [], "meta": meta}, envelope="rows").total is None


def test_rows_without_a_usable_id_are_counted_and_left_out() -> None:
    uuid = "7f3c9f9e-2f5b-4a57-9d3a-0d1f5a1c2b3d"
    usable = [{"id": "1"}, {"id": 2}, {"id": uuid}, {"id": "12345678901234567890"}]
    unusable = [{"id": None}, {"id": -1}, {"id": 10**30}, {"id": "x" * 5000}, {"id": True}, {"id": 1.0}, {}, "row",
                None, {"id": "٣"}, {"id": ""}, {"id": "1\n"}]  # fmt: skip

    found = answer_of({"rows": [*usable, *unusable]}, envelope="rows")

    assert list(found.rows) == ["1", "2", uuid, "12345678901234567890"]
    assert found.unreadable == len(unusable)
    assert found.count == len(usable) + len(unusable)


def test_a_row_that_came_twice_is_kept_once_and_the_last_wins() -> None:
    found = answer_of({"rows": [{"id": "1", "a": 1}, {"id": 1, "a": 2}]}, envelope="rows")

    assert found.rows == {"1": {"id": 1, "a": 2}}
    assert found.unreadable == 0


@pytest.mark.parametrize("body", [{}, {"rows": None}, {"rows": {}}, {"rows": "x"}, {"errors": []}])
def test_a_missing_list_is_no_empty_list(body: dict) -> None:
    with pytest.raises(UnexpectedAnswer):
        answer_of(body, envelope="rows")


def test_far_too_many_rows_are_refused() -> None:
    with pytest.raises(UnexpectedAnswer):
        answer_of({"rows": [{}] * 1001}, envelope="rows")


def test_a_cursor_is_small_json() -> None:
    cursor: Cursor | None = next(iter(keyset_walk(Table(250).read, None))).cursor

    assert cursor == {"after": "100"}
