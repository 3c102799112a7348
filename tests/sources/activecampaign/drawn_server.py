"""Servers drawn from a seed, each with its own lies, and a walk over one of them with its kills: what came of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil
from random import Random
from typing import Any

from sources.activecampaign.rows import Answer, answer_of
from sources.activecampaign.walks import ListWalk
from sources.activecampaign.ways import PAGE_SIZE, Ask, Neighbours
from sources.spec import Page

MOST_ROWS = 400
MOST_BEYOND = 8
MOST_CALLS = 5000
Params = Mapping[str, str]
CAPS = (1, 2, 3, 5, 10, 20, 50, 99, 100, 150, 400, 1000)


@dataclass(kw_only=True)
class DrawnServer:
    """`rows` are ids in the order that they are sent in, without those that are `hidden`. `cap` is the longest page."""

    rows: list[int]
    hidden: frozenset[int] = frozenset()
    cap: int
    total: int | None
    heeds_limit: bool = True
    heeds_offset: bool = True
    knows_ids: bool = False
    is_honest: bool = True
    error_rate: float = 0.0
    kill_rate: float = 0.0
    threads: int = 1

    @classmethod
    def drawn(cls, dice: Random) -> "DrawnServer":
        rows = drawn_rows(dice)
        total, is_honest = dice.choice([(None, True), (len(rows), True), (drawn_lie(dice, rows), False)])
        return cls(
            rows=rows,
            hidden=frozenset(dice.sample(rows, k=min(len(rows), dice.choice([0, 0, 0, 1, 4])))),
            cap=dice.choice([*CAPS, dice.randint(1, 1000), dice.randint(1, 60)]),
            total=total,
            is_honest=is_honest or total == len(rows),
            heeds_limit=dice.random() < 0.8,
            heeds_offset=dice.random() < 0.85,
            knows_ids=dice.random() < 0.25,
            error_rate=dice.choice([0.0, 0.0, 0.05, 0.3]),
            kill_rate=dice.choice([0.0, 0.0, 0.02, 0.1]),
            threads=dice.choice([1, 2, 8]),
        )

    @property
    def page(self) -> int:
        return min(self.cap, PAGE_SIZE) if self.heeds_limit else self.cap

    @property
    def shown(self) -> list[int]:
        """All that it ever sends."""
        return self.rows if self.heeds_offset or self.knows_ids else self.rows[: self.page]

    @property
    def needed(self) -> int:
        return max(1, ceil(len(self.shown) / self.page))

    @property
    def must_be_complete(self) -> bool:
        if self.shown and {*self.shown} <= self.hidden:
            return False
        if self.heeds_offset:
            return self.is_honest
        is_all = self.total is None or (self.is_honest and len(self.shown) == len(self.rows))
        return is_all and not (self.knows_ids and self.hidden)

    @property
    def must_not_be_complete(self) -> bool:
        """It says that it has more than it ever shows."""
        return not self.heeds_offset and not self.knows_ids and (self.total or 0) > len(self.shown)

    def read(self, params: Params) -> Answer:
        limit = min(int(params["limit"]), self.cap) if self.heeds_limit else self.cap
        found = self._by_id(params) if self.knows_ids and "orders[id]" in params else self.rows
        offset = int(params.get("offset", 0)) if self.heeds_offset else 0
        listed = [{"id": None if one in self.hidden else str(one), "n": one} for one in found[offset:][:limit]]
        return answer_of({"rows": listed, "meta": {"total": self.total}}, envelope="rows")

    def _by_id(self, params: Params) -> list[int]:
        low, high = int(params.get("id_greater", 0)), int(params.get("id_less", 10**18))
        inside = sorted(one for one in self.rows if low < one < high)
        return inside[::-1] if params["orders[id]"] == "DESC" else inside

    def is_beyond(self, params: Params) -> bool:
        return "orders[id]" not in params and int(params["offset"]) >= len(self.rows)


def drawn_rows(dice: Random) -> list[int]:
    """In any order; some come twice, beside each other or far apart."""
    size = dice.choice([0, 1, 2, dice.randint(0, 30), dice.randint(0, MOST_ROWS)])
    rows = dice.sample(range(1, 10 * size + 2), size)
    if dice.random() < 0.5:
        rows.sort()
    for place in dice.sample(range(size), k=min(size, dice.choice([0, 0, 0, 1, 5]))):
        rows.insert(dice.choice([place, dice.randint(0, len(rows))]), rows[place])
    return rows[:MOST_ROWS]


def drawn_lie(dice: Random, rows: list[int]) -> int:
    return dice.choice([0, 1, 20, 100, 500, 10**12, dice.randint(0, 2 * len(rows) + 1)])


@dataclass
class Outcome:
    """What a walk gave, and what it cost. `allowed` are calls that an error or a kill made in vain."""

    server: DrawnServer
    pages: list[Page] = field(default_factory=list)
    calls: int = 0
    allowed: int = 0
    beyond: int = 0

    @property
    def is_complete(self) -> bool:
        return all(page.seam_proven for page in self.pages)

    @property
    def stored(self) -> set[str]:
        return {key for page in self.pages for key in page.rows}

    @property
    def told(self) -> int:
        return sum(len(page.rows) - page.repeated for page in self.pages)

    @property
    def named(self) -> int:
        return len({one.excerpt for page in self.pages for one in page.unkept})

    def breaches(self) -> list[str]:
        """Which promises were broken."""
        server, wanted = self.server, {str(one) for one in {*self.server.shown} - self.server.hidden}
        has_doubles = len({*server.rows}) < len(server.rows)
        promises = {
            "complete, and a row is missing": self.is_complete and not wanted <= self.stored,
            "complete, and the server says that there are more": self.is_complete and server.must_not_be_complete,
            "incomplete, and nothing was wrong": not self.is_complete and server.must_be_complete,
            "too many calls": self.calls > 2 * server.needed + 10 + self.allowed,
            "too many calls beyond the end": self.beyond > MOST_BEYOND + self.allowed,
            "more or fewer rows told than stored": self.is_complete
            and not has_doubles
            and self.told != len(self.stored),
            "a row without an id is not named": self.is_complete and self.named < len({*server.shown} & server.hidden),
        }
        return [promise for promise, is_broken in promises.items() if is_broken]


def replay(seed: int) -> Outcome:
    dice = Random(seed)
    server = DrawnServer.drawn(dice)
    by_id = server.knows_ids or dice.random() < 0.1
    outcome = Outcome(server)
    # How long pages are is the server's, and any other list may have shown it; what totals say is of each list.
    other = Random(f"{seed} of neighbours")
    neighbours = Neighbours(longest=other.choice([0, server.page, other.randint(0, server.page)]))
    cursor: Any = None
    while cursor is not None or not outcome.pages:
        walk = ListWalk(json.loads(json.dumps(cursor)), by_id=by_id, neighbours=neighbours)
        until_killed(walk, outcome, dice)
        cursor = outcome.pages[-1].cursor if outcome.pages else None
    return outcome


def until_killed(walk: ListWalk, outcome: Outcome, dice: Random) -> None:
    """As `sources.pulling` runs a walk, with answers in any order; what is not stored at a kill is lost."""
    server, sent, heard = outcome.server, list[tuple[Ask, Answer]](), list[Page]()
    while not walk.is_over:
        while len(sent) < (server.threads if outcome.pages or heard else 1) and (ask := walk.ask()):
            outcome.calls += 1
            assert outcome.calls < MOST_CALLS, "the walk does not end"
            outcome.beyond += server.is_beyond(ask.params)
            while dice.random() < server.error_rate:
                outcome.calls, outcome.allowed = outcome.calls + 1, outcome.allowed + 1
            sent.append((ask, server.read(ask.params)))
        assert sent, "the walk neither asks nor ends"
        heard.append(walk.hear(*sent.pop(dice.randrange(len(sent)))))
        if dice.random() < server.kill_rate:
            stored = dice.randint(0, len(heard))
            outcome.allowed += len(sent) + len(heard) - stored
            outcome.pages += heard[:stored]
            # Once the end is seen, what was on its way there is asked for again until all of it has come.
            outcome.allowed += sum(page.cursor == outcome.pages[-1].cursor for page in outcome.pages[-server.threads :])
            return
        if dice.random() < 0.5:
            outcome.pages, heard = outcome.pages + heard, []
    outcome.pages += heard
