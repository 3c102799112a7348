"""Runs a walk as many threads would, without threads: answers are made and come back in any order, rows come and go."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from sources.activecampaign.rows import Answer, answer_of
from sources.activecampaign.walks import ListWalk
from sources.activecampaign.ways import Ask
from sources.spec import Cursor, Page

Params = Mapping[str, str]
MOST_CALLS = 20_000


def answer(ids: Iterable[int], *, total: Any = None) -> Answer:
    return answer_of({"rows": [{"id": str(one)} for one in ids], "meta": {"total": total}}, envelope="rows")


def by_id(cursor: Cursor | None = None, **options: Any) -> ListWalk:
    return ListWalk(cursor, by_id=True, **options)


class Table:
    """Rows in an order that holds, as an API without a lie sends them."""

    def __init__(self, ids: Iterable[int]) -> None:
        self.ids = list(ids)
        self.removed: set[int] = set()
        self.newest = max(self.ids, default=0)

    def read(self, params: Params) -> Answer:
        return answer(self.found(params), total=len(self.ids))

    def found(self, params: Params) -> list[int]:
        limit = int(params["limit"])
        if "orders[id]" not in params:
            return self.ids[int(params["offset"]) :][:limit]
        low, high = int(params.get("id_greater", 0)), int(params.get("id_less", 10**18))
        inside = sorted(one for one in self.ids if low < one < high)
        return (inside[::-1] if params["orders[id]"] == "DESC" else inside)[:limit]

    def remove(self, places: slice) -> None:
        self.removed.update(self.ids[places])
        del self.ids[places]

    def insert(self, place: int) -> None:
        self.newest += 1
        self.ids.insert(place, self.newest)

    def stir(self, dice: Random, *, most: int) -> None:
        for _ in range(dice.randint(0, most)):
            if self.ids and dice.random() < 0.6:
                place = dice.randrange(len(self.ids))
                self.remove(slice(place, place + dice.choice([1, 1, 1, 5])))
            else:
                self.insert(dice.choice([0, len(self.ids), dice.randint(0, len(self.ids))]))


Lie = Callable[[Table, Params], Answer]


def total_is(total: object) -> Lie:
    return lambda table, params: answer(table.found(params), total=total)


def caps_at(most: int) -> Lie:
    return lambda table, params: answer(table.found(params)[:most], total=len(table.ids))


def repeats_rows(table: Table, params: Params) -> Answer:
    found = table.found(params)
    return answer([*found[:3], *found], total=len(table.ids))


@dataclass
class Run:
    """What a walk asked and gave."""

    pages: list[Page] = field(default_factory=list)
    asked: list[Params] = field(default_factory=list)

    @property
    def calls(self) -> int:
        return len(self.asked)

    @property
    def seen(self) -> set[int]:
        return {int(key) for page in self.pages for key in page.rows}

    @property
    def told(self) -> int:
        return sum(len(page.rows) - page.repeated for page in self.pages)

    @property
    def is_proven(self) -> bool:
        return all(page.seam_proven for page in self.pages)


def run(
    walk: ListWalk,
    read: Callable[[Params], Answer],
    *,
    threads: int = 8,
    dice: Random | None = None,
    between: Callable[[], None] = lambda: None,
    most_pages: int | None = None,
) -> Run:
    """Walk to the end, or until `most_pages` were given. Without `dice`, answers come in the order of the calls."""
    done = Run()
    sent: list[Ask] = []
    ready: list[tuple[Ask, Answer]] = []
    while not walk.is_over and (most_pages is None or len(done.pages) < most_pages):
        while len(sent) + len(ready) < threads and (ask := walk.ask()) is not None:
            sent.append(ask)
            done.asked.append(ask.params)
        assert sent or ready, "the walk neither asks nor ends"
        assert done.calls < MOST_CALLS
        if sent and (not ready or dice is None or dice.random() < 0.6):
            ask = sent.pop(dice.randrange(len(sent)) if dice else 0)
            between()
            ready.append((ask, read(ask.params)))
        if ready and (dice is None or not sent or dice.random() < 0.6):
            ask, came = ready.pop(dice.randrange(len(ready)) if dice else 0)
            done.pages.append(walk.hear(ask, came))
    return done


def run_with_kills(kind: Callable[..., ListWalk], table: Table, dice: Random, *, most: int) -> tuple[set[int], bool]:
    """Walk from kill to kill, each time from the last cursor; return what was seen and whether all was proven."""
    walk, seen, is_proven = kind(), set[int](), True
    while True:
        threads, pages = dice.choice([1, 2, 8]), dice.choice([None, 3, 9, 30])
        done = run(
            walk,
            table.read,
            threads=threads,
            dice=dice,
            between=lambda: table.stir(dice, most=most),
            most_pages=pages,
        )
        seen |= done.seen
        is_proven = is_proven and done.is_proven
        cursor = done.pages[-1].cursor
        assert (cursor is None) == walk.is_over
        if cursor is None:
            return seen, is_proven
        walk = kind(json.loads(json.dumps(cursor)))
