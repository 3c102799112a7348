"""Lists that only grow: what is new is found at one end of them, and nothing is missed on the way there."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from sources.activecampaign.headings import DEEP, heading_of
from sources.activecampaign.rows import Answer, answer_of
from sources.activecampaign.walks import ListWalk
from sources.spec import Cursor, Growing
from tests.sources.activecampaign.side_by_side import Run, run

NEWEST = Growing(orders=("id", "tstamp"))
RISING = Growing(after="after")
BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
PARAMETERS = ("orders[id]", "orders[tstamp]", "after")


class Journal:
    """A list that only grows, but for a row that goes now and then; some seconds have many rows."""

    def __init__(self, dice: Random, rows: int, *, ignores: tuple[str, ...] = ()) -> None:
        self.dice, self.ignores = dice, ignores
        self.rows: dict[int, datetime] = {}
        self.newest, self.now = 0, BEGIN
        self.grow(rows)

    def grow(self, rows: int) -> None:
        for _ in range(rows):
            self.now += timedelta(seconds=self.dice.choice([0, 0, 0, 0, 1, 40]))
            self.newest += self.dice.choice([1, 1, 2])
            self.rows[self.newest] = self.now

    def stir(self, most: int) -> None:
        self.grow(self.dice.randint(0, most))
        if self.rows and self.dice.random() < 0.05:
            del self.rows[self.dice.choice([*self.rows])]

    def read(self, params: Mapping[str, str]) -> Answer:
        heeded = {name: text for name, text in params.items() if name not in self.ignores}
        after = datetime.fromisoformat(heeded.get("after", "2000-01-01T00:00:00Z"))
        found = [one for one, moment in self.rows.items() if moment > after]
        if "DESC" in (heeded.get("orders[id]"), heeded.get("orders[tstamp]")):
            found.reverse()
        page = found[int(params["offset"]) :][: int(params["limit"])]
        rows = [{"id": str(one), "tstamp": self.rows[one].isoformat()} for one in page]
        return answer_of({"rows": rows, "meta": {"total": str(len(found))}}, envelope="rows")


def walk(growing: Growing, bookmark: Cursor | None = None, *, cursor: Cursor | None = None, **when: Any) -> ListWalk:
    heading = heading_of(growing, bookmark, when.get("since"))
    return ListWalk(json.loads(json.dumps(cursor)), is_whole=bookmark is None, heading=heading)


def bookmark_of(done: Run) -> Cursor | None:
    return json.loads(json.dumps(done.pages[-1].bookmark))


def deepest(done: Run) -> int:
    return max(int(params["offset"]) for params in done.asked)


@pytest.mark.parametrize("growing", [NEWEST, RISING], ids=["newest", "rising"])
def test_what_is_new_costs_as_many_calls_as_it_has_pages(growing: Growing) -> None:
    journal = Journal(Random(1), 9000)
    first = run(walk(growing), journal.read)
    journal.grow(230)

    second = run(walk(growing, bookmark_of(first)), journal.read)
    third = run(walk(growing, bookmark_of(second)), journal.read)

    assert first.seen | second.seen == {*journal.rows}
    assert (first.is_proven, second.is_proven) == (True, True)
    assert second.calls <= 5
    assert third.calls <= 2
    assert bookmark_of(third) == bookmark_of(second)


def test_along_their_moments_rows_are_read_without_a_deep_offset() -> None:
    done = run(walk(RISING), Journal(Random(3), 9000).read, dice=Random(3))

    assert deepest(done) <= DEEP
    assert done.told == 9000
    assert done.calls < 110


def test_within_a_second_that_fills_more_than_that_the_offset_goes_on() -> None:
    journal = Journal(Random(3), 150)
    journal.rows |= {journal.newest + number: journal.now for number in range(1, DEEP + 700)}
    journal.newest = max(journal.rows)
    journal.grow(300)

    done = run(walk(RISING), journal.read, dice=Random(3))

    assert done.seen == {*journal.rows}
    assert done.is_proven
    assert DEEP < deepest(done) < DEEP + 1000


def test_rows_of_a_second_that_fills_more_than_a_page_are_new_as_others_are() -> None:
    journal = Journal(Random(3), 2500)
    journal.rows |= {journal.newest + number: journal.now for number in range(1, 400)}
    journal.newest = max(journal.rows)
    first = run(walk(RISING), journal.read)
    journal.rows |= {journal.newest + number: journal.now for number in range(1, 60)}

    second = run(walk(RISING, bookmark_of(first)), journal.read)

    assert first.seen | second.seen == {*journal.rows}
    assert second.calls <= 7


@pytest.mark.parametrize(
    ("growing", "ignores", "asked"),
    [
        (NEWEST, ("orders[id]",), "orders[tstamp]"),
        (NEWEST, ("orders[id]", "orders[tstamp]"), None),
        (RISING, ("after",), None),
    ],
)
def test_what_is_not_heeded_is_found_out_by_the_rows(
    growing: Growing, ignores: tuple[str, ...], asked: str | None
) -> None:
    journal = Journal(Random(5), 4000, ignores=ignores)

    done = run(walk(growing), journal.read)

    assert done.seen == {*journal.rows}
    assert done.is_proven
    assert [name for name in PARAMETERS if name in done.asked[-1]] == ([asked] if asked else [])
    assert (bookmark_of(done) is not None) == (asked is not None)


@pytest.mark.parametrize("growing", [NEWEST, RISING], ids=["newest", "rising"])
def test_an_account_that_heeds_it_no_more_is_read_whole(growing: Growing) -> None:
    journal = Journal(Random(7), 700)
    first = run(walk(growing), journal.read)
    journal.grow(200)
    journal.ignores = PARAMETERS

    second = run(walk(growing, bookmark_of(first)), journal.read)

    assert second.seen == {*journal.rows}
    assert second.is_proven


def test_rows_that_may_still_change_are_read_again() -> None:
    journal = Journal(Random(9), 3000)
    first = run(walk(NEWEST), journal.read)
    since = journal.now - timedelta(hours=1)

    again = run(walk(NEWEST, bookmark_of(first), since=since), journal.read)

    younger = {one for one, moment in journal.rows.items() if moment >= since}
    assert younger <= again.seen
    assert len(again.seen) < len(younger) + 1700


def test_an_end_that_comes_before_the_mark_moves_no_mark() -> None:
    journal = Journal(Random(11), 900)
    first = run(walk(NEWEST), journal.read)
    journal.rows.clear()
    journal.grow(80)

    assert bookmark_of(run(walk(NEWEST, bookmark_of(first)), journal.read)) is None


def refreshes(seed: int, growing: Growing) -> list[str]:
    """Some refreshes, each killed now and then, while rows come; what was missed is named."""
    dice = Random(seed)
    ignores = dice.choice([(), (), (), ("orders[id]",), PARAMETERS])
    journal = Journal(dice, dice.choice([3, 90, 700, 2600]), ignores=ignores)
    stored, breaches, bookmark = set[int](), list[str](), None
    most = dice.choice([0, 3, 40])
    for number in range(4):
        journal.grow(dice.choice([0, 1, 30, 400]))
        there_before, cursor, is_proven, is_first = {*journal.rows}, None, True, True
        while is_first or cursor is not None:
            done = run(
                walk(growing, bookmark, cursor=cursor),
                journal.read,
                threads=dice.choice([1, 2, 8]),
                dice=dice,
                between=lambda: journal.stir(most),
                most_pages=dice.choice([None, 1, 2, 7]),
            )
            stored |= done.seen
            is_proven = is_proven and done.is_proven
            cursor, is_first = done.pages[-1].cursor, False
            journal.grow(dice.choice([0, 0, 150]))
        missing = (there_before & {*journal.rows}) - stored
        if missing and is_proven:
            breaches.append(f"{number}: {sorted(missing)[:5]}")
        bookmark = bookmark_of(done) if is_proven else None
    return breaches


@pytest.mark.parametrize("growing", [NEWEST, RISING], ids=["newest", "rising"])
def test_no_row_is_missed_whatever_comes_whoever_is_killed_and_whatever_is_ignored(growing: Growing) -> None:
    breaches = {seed: found for seed in range(60) if (found := refreshes(seed, growing))}

    assert not breaches
