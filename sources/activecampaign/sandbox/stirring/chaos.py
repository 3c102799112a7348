"""A seeded world: what goes wrong while somebody walks through it, the same for the same seed."""

from collections import Counter
from dataclasses import dataclass, replace
from random import Random
from threading import Event, Lock
from typing import Any, Literal

from sources.activecampaign.sandbox.answering.answers import Call
from sources.activecampaign.sandbox.answering.faults import Fault, make_fault
from sources.activecampaign.sandbox.stirring.neighbour import POLITE, RUDE, Neighbour
from sources.activecampaign.sandbox.stirring.stirring import KINDS, PLACES, ChangeKind, Place, stir
from sources.activecampaign.sandbox.world.catalogue import RESOURCES
from sources.activecampaign.sandbox.world.world import World

FaultKind = Literal["forbidden", "broken", "down", "cut", "empty"]
FAULTS: dict[FaultKind, dict[str, Any]] = {
    "forbidden": {"kind": "forbidden"},
    "broken": {"status": 500, "document": {}},
    "down": {"kind": "down", "headers": {"Retry-After": "1"}},
    "cut": {"cut": "length"},
    "empty": {"kind": "empty"},
}
MOST_IN_A_ROW = 2  # Faults that one question meets; a third would be no sporadic fault but an outage.
UNSTIRRED = frozenset({"users"})  # A key dies with its user, and that is another story.


@dataclass(frozen=True, kw_only=True)
class Chaos:
    """The ingredients, none of them in it unless given; `drawn` takes all of them from the seed.

    `changes` is how many rows of a stream come, change, merge or go before each call that asks for it, until it
    `calms_after` so many calls: no reader of pages gets to the end of a stream that never holds still. Shares are of
    the calls: those that meet `faults`, those with a `lying_totals`, with `duplicates`, with `number_ids` (1 for "1").
    A call takes up to `jitter_ms` to arrive and its answer up to `slow_ms` more, so answers overtake each other.

    What happens depends on the seed and on how many calls for the same stream came before, never on the time: streams
    may be read side by side, and a run can be replayed. Changes are dated at `began` plus that number, or now.
    """

    seed: int
    changes: float = 0
    calms_after: int | None = None
    kinds: tuple[ChangeKind, ...] = KINDS
    places: tuple[Place, ...] = PLACES
    jitter_ms: float = 0
    slow_ms: float = 0
    faults: float = 0
    fault_kinds: tuple[FaultKind, ...] = tuple(FAULTS)
    lying_totals: float = 0
    duplicates: float = 0
    number_ids: float = 0
    neighbour: Neighbour | None = None
    began: int | None = None

    @classmethod
    def drawn(cls, seed: int, **given: Any) -> "Chaos":
        """Everything from one number, but what is given."""
        dice = Random(f"{seed}/ingredients")  # noqa: S311 - The same seed must give the same world.
        ingredients = {
            "changes": dice.choice((0.2, 1, 3)),
            "calms_after": dice.choice((10, 30, 100)),
            "jitter_ms": dice.choice((0, 20, 100)),
            "slow_ms": dice.choice((0, 50, 300)),
            "faults": dice.choice((0, 0.02, 0.1)),
            "lying_totals": dice.choice((0, 0.3, 1)),
            "duplicates": dice.choice((0, 0.1)),
            "number_ids": dice.choice((0, 0.2)),
            "neighbour": dice.choice((None, None, POLITE, RUDE)),
        }
        return cls(**({"seed": seed} | ingredients | given))


class Unrest:
    """A chaos at work on one world."""

    def __init__(self, chaos: Chaos, world: World) -> None:
        self._chaos = chaos
        self._world = world
        self._lock = Lock()
        self._arrived: Counter[str] = Counter()
        self._asked: Counter[str] = Counter()
        self._stirred: Counter[str] = Counter()
        self._in_a_row: Counter[str] = Counter()
        world.history.keeps_answers = True

    def arrive(self, call: Call, *, stopping: Event) -> None:
        """Hold a call up on its way here."""
        dice = self._dice("arrival", call.place, self._count(self._arrived, call.place))
        stopping.wait(dice.random() * self._chaos.jitter_ms / 1000)

    def stir(self, call: Call) -> None:
        """Let rows of the stream that is asked for, and of those beside it, come and go before it is answered."""
        for place in (call.place, *call.query.get("include", "").split(",")):
            if place in RESOURCES and place not in UNSTIRRED:
                self._stir(place)

    def _stir(self, stream: str) -> None:
        with self._world.lock:
            number = self._count(self._stirred, stream)
            if self._chaos.calms_after is not None and number >= self._chaos.calms_after:
                return
            dice = self._dice("change", stream, number)
            for _ in range(_times(self._chaos.changes, dice)):
                kind, where = dice.choice(self._chaos.kinds), dice.choice(self._chaos.places)
                moment = None if self._chaos.began is None else self._chaos.began + number
                stir(
                    self._world,
                    RESOURCES[stream],
                    kind=kind,
                    where=where,
                    dice=dice,
                    moment=moment,
                    word=f"edit {number}",
                )

    def fault(self, call: Call) -> Fault:
        """What becomes of the answer to this call, by how often the same was asked before."""
        question = f"{call.place}?{sorted(call.query.items())}"
        dice = self._dice("fault", question, self._count(self._asked, question))
        delay = dice.random() * self._chaos.slow_ms / 1000
        kind = dice.choice(self._chaos.fault_kinds)
        if dice.random() < self._chaos.faults and self._may_fail(question):
            return replace(make_fault(**FAULTS[kind]), delay=delay)
        self._in_a_row[question] = 0
        return self._bent(dice, delay=delay)

    def _bent(self, dice: Random, *, delay: float) -> Fault:
        lie = dice.choice((0, "0", 7, "1000000000000", -1, None, "many"))
        repeats = 1 + int(dice.random() * 4)
        return Fault(
            delay=delay,
            total=lie if dice.random() < self._chaos.lying_totals else ...,
            duplicates=repeats if dice.random() < self._chaos.duplicates else 0,
            ids="numbers" if dice.random() < self._chaos.number_ids else "",
        )

    def _may_fail(self, question: str) -> bool:
        return self._count(self._in_a_row, question) < MOST_IN_A_ROW

    def _count(self, counter: Counter[str], name: str) -> int:
        """How often this was counted before."""
        with self._lock:
            counter[name] += 1
            return counter[name] - 1

    def _dice(self, what: str, where: str, number: int) -> Random:
        return Random(f"{self._chaos.seed}/{what}/{where}/{number}")  # noqa: S311 - A run must be replayable.


def _times(expected: float, dice: Random) -> int:
    return int(expected) + (dice.random() < expected % 1)
