"""Many threads fetch, one consumer stores: order, bounds, failures, and a clean end whenever the consumer stops."""

import itertools
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest

from sources.dispatching import PullBudget, PullEnded, nap, wait_for_room
from sources.errors import BadCredentials, NotPermitted, RateLimited, SourceError, TemporarilyDown, UnexpectedAnswer
from sources.pulling import (
    MOST_DOWN_IN_A_ROW,
    MOST_IN_FLIGHT,
    MOST_READ,
    MOST_SECOND_LOOKS,
    MOST_TOGETHER,
    pull,
    pull_in_turn,
)
from sources.spec import Allowance, Lane, Page, Pulled, Stream, Wanted

AT_ONCE = 6
LONG = 30.0  # Seconds that nothing here may take; a test that needs them hangs.


def stream(key: str) -> Stream:
    return Stream(key=key, name=key.title(), path=key, envelope=key)


@dataclass
class Pieces:
    """A walk over so many numbered pages, all of which may be asked for at once."""

    size: int
    cursor: list[int] = field(default_factory=list)
    asked: int = 0
    refuses: bool = False

    @property
    def is_over(self) -> bool:
        return len(self.cursor) == self.size

    @property
    def remaining(self) -> float:
        return self.size - self.asked

    def ask(self, *, may_split: bool = False) -> int | None:
        if self.asked == self.size:
            return None
        self.asked += 1
        return self.asked

    def hear(self, ask: int, answer: str) -> Page:
        if self.refuses:
            raise UnexpectedAnswer("Odd.")
        self.cursor.append(ask)
        return Page(rows={answer: {"id": answer}}, cursor=None if self.is_over else {"done": [*self.cursor]})


def answered(stream: Stream, ask: int) -> str:
    return f"{stream.key}-{ask}"


def fetchers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith(("fetch", "dispatch"))]


@pytest.fixture(autouse=True)
def no_thread_outlives_the_pull() -> Iterator[None]:
    yield
    assert fetchers() == []


def start(fetch: Callable[[Stream, int], str] = answered, *, budget: PullBudget | None = None, **sizes: int) -> Any:
    return pull([(stream(key), Pieces(size)) for key, size in sizes.items()], fetch, at_once=AT_ONCE, budget=budget)


def rows(pulled: list[Pulled]) -> set[str]:
    return {key for one in pulled if one.page for key in one.page.rows}


def test_every_page_of_every_stream_comes_once() -> None:
    pulled = list(start(a=30, b=1, c=7))

    assert len(pulled) == 38
    assert len(rows(pulled)) == 38
    assert sorted(one.stream.key for one in pulled if one.is_over) == ["a", "b", "c"]


def test_nothing_wanted_is_nothing_pulled() -> None:
    assert list(start()) == []


def test_a_cursor_says_what_came_before_it_and_with_it() -> None:
    def unevenly(stream: Stream, ask: int) -> str:
        time.sleep(0.005 * (ask % 3))
        return answered(stream, ask)

    came: list[int] = []
    for one in start(unevenly, a=20):
        assert one.page is not None
        came += [int(key.removeprefix("a-")) for key in one.page.rows]
        assert (one.page.cursor is None) == one.is_over
        assert one.page.cursor in (None, {"done": came})


def test_calls_run_side_by_side_but_the_first_goes_alone() -> None:
    under_way: list[int] = []
    running, lock = [0], threading.Lock()

    def slow(stream: Stream, ask: int) -> str:
        with lock:
            running[0] += 1
            under_way.append(running[0])
        time.sleep(0.05)
        with lock:
            running[0] -= 1
        return answered(stream, ask)

    list(start(slow, a=12, b=12))

    assert under_way[:2] == [1, 1]
    assert max(under_way) == AT_ONCE


def test_what_is_fetched_but_not_stored_never_passes_the_number_of_threads() -> None:
    fetched: list[str] = []

    def counted(stream: Stream, ask: int) -> str:
        fetched.append(answered(stream, ask))
        return fetched[-1]

    stored = in_hand = 0
    for one in start(counted, a=25):
        time.sleep(0.01)
        assert len(fetched) <= stored + AT_ONCE
        in_hand += 1
        if not one.is_followed:
            stored, in_hand = stored + in_hand, 0


def test_what_is_here_at_once_is_said_to_be_but_for_a_half_that_may_be_under_way_meanwhile() -> None:
    together = [0]
    for one in start(a=25):
        time.sleep(0.01)
        together[-1] += 1
        if not one.is_followed:
            together.append(0)

    assert max(together) == MOST_TOGETHER


def test_the_largest_stream_is_not_left_for_the_end() -> None:
    order: list[str] = []

    def noted(stream: Stream, ask: int) -> str:
        order.append(stream.key)
        time.sleep(0.002)
        return answered(stream, ask)

    list(start(noted, small=8, large=64))

    assert "small" in order[-20:]
    assert order[:20].count("large") > 12


@pytest.mark.parametrize("error", [NotPermitted("No."), UnexpectedAnswer("Odd.")])
def test_a_failure_of_one_stream_ends_that_stream_alone(error: SourceError) -> None:
    def refused(stream: Stream, ask: int) -> str:
        if stream.key == "b":
            raise error
        return answered(stream, ask)

    pulled = list(start(refused, a=20, b=20))

    assert rows(pulled) == {f"a-{ask}" for ask in range(1, 21)}
    assert [(one.failure, one.is_over) for one in pulled if one.stream.key == "b"] == [(error, True)]


def test_an_answer_that_the_walk_refuses_ends_its_stream_alone() -> None:
    walks = [(stream("a"), Pieces(5)), (stream("b"), Pieces(5, refuses=True))]

    pulled = list(pull(walks, answered, at_once=AT_ONCE))

    assert len(rows(pulled)) == 5
    assert [type(one.failure) for one in pulled if one.failure] == [UnexpectedAnswer]


class LeaseGone(Exception):
    pass


@pytest.mark.parametrize("error", [BadCredentials("No."), TemporarilyDown("Later."), LeaseGone(), ZeroDivisionError()])
def test_what_concerns_the_account_is_raised_after_the_pages_that_had_come(error: Exception) -> None:
    def dying(stream: Stream, ask: int) -> str:
        if ask == 6:
            raise error
        return answered(stream, ask)

    pulled: list[Pulled] = []
    with pytest.raises(type(error)) as raised:
        for one in start(dying, a=500):
            pulled.append(one)

    assert raised.value is error
    assert fetchers() == []
    assert rows(pulled) >= {"a-1", "a-2"}
    assert len(pulled) < 6 + AT_ONCE


def test_a_stream_that_is_down_is_put_off_while_others_are_answered() -> None:
    def partly(stream: Stream, ask: int) -> str:
        if stream.key == "a" and ask > 2:
            raise TemporarilyDown("Later.")
        return answered(stream, ask)

    pulled = list(start(partly, a=30, b=30))

    failures = [(one.stream.key, type(one.failure), one.is_over) for one in pulled if one.failure]
    assert failures == [("a", TemporarilyDown, True)]
    assert rows(pulled) >= {f"b-{number}" for number in range(1, 31)}


def test_when_no_stream_is_answered_the_account_is_down() -> None:
    asked = set[str]()

    def never(stream: Stream, ask: int) -> str:
        asked.add(stream.key)
        raise TemporarilyDown("Later.")

    sizes = {f"s{number}": 5 for number in range(20)}
    with pytest.raises(TemporarilyDown):
        list(pull([(stream(key), Pieces(size)) for key, size in sizes.items()], never, at_once=1))

    assert len(asked) == MOST_DOWN_IN_A_ROW + 1


def test_a_limit_that_was_met_concerns_all_streams() -> None:
    def limited(stream: Stream, ask: int) -> str:
        if stream.key == "a":
            raise RateLimited("Wait.", retry_after=9)
        return answered(stream, ask)

    with pytest.raises(RateLimited):
        list(pull([(stream("a"), Pieces(5)), (stream("b"), Pieces(5))], limited, at_once=1))


def test_a_failure_while_all_others_wait_for_its_answer_is_raised_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(300):
            with pytest.raises(TemporarilyDown):
                list(pull([(stream("a"), OneByOne(9))], down_at(3), at_once=8))
    finally:
        sys.setswitchinterval(usual)


class OneByOne(Pieces):
    """Asks only when the answer before has come."""

    def ask(self, *, may_split: bool = False) -> int | None:
        return super().ask() if self.asked == len(self.cursor) else None


def down_at(number: int) -> Callable[[Stream, int], str]:
    def fetch(stream: Stream, ask: int) -> str:
        if ask == number:
            raise TemporarilyDown("Later.")
        return answered(stream, ask)

    return fetch


def test_of_two_calls_that_disagree_about_a_row_while_both_are_under_way_one_is_made_again() -> None:
    """Call 2 is answered before call 3, with the older version, and its answer comes after that of call 3."""
    asked: list[int] = []
    third_came = threading.Event()

    def fetch(stream: Stream, ask: int) -> str:
        asked.append(ask)
        if ask == 2 and asked.count(2) == 1:
            assert third_came.wait(LONG)
            return "old"
        return {1: "first", 2: "new", 3: "new"}[ask]

    stored: list[str] = []

    def settle(answer: str, others: Iterable[str]) -> str | None:
        return None if answer == "old" and "new" in others else answer

    for one in pull([(stream("a"), Pieces(3))], fetch, at_once=2, settle=settle):
        stored += one.page.rows if one.page else ()
        if "new" in stored:
            third_came.set()

    assert sorted(asked) == [1, 2, 2, 3]
    assert stored == ["first", "new", "new"]


def test_what_the_source_settles_is_what_is_stored() -> None:
    pulled = list(pull([(stream("a"), Pieces(3))], answered, at_once=2, settle=lambda answer, others: f"{answer}!"))

    assert rows(pulled) == {"a-1!", "a-2!", "a-3!"}


def test_answers_that_never_agree_cost_no_more_than_a_few_calls_and_are_kept() -> None:
    calls: list[int] = []

    def fetch(stream: Stream, ask: int) -> str:
        calls.append(ask)
        time.sleep(0.001)
        return answered(stream, ask)

    pulled = list(pull([(stream("a"), Pieces(200))], fetch, at_once=AT_ONCE, settle=lambda answer, others: None))

    assert len(rows(pulled)) == 200
    assert len(calls) == 200 + MOST_SECOND_LOOKS


def test_a_dead_key_costs_one_call() -> None:
    calls: list[int] = []

    def refused(stream: Stream, ask: int) -> str:
        calls.append(ask)
        raise BadCredentials("No.")

    with pytest.raises(BadCredentials):
        list(start(refused, a=9, b=9, c=9, d=9))

    assert len(calls) == 1


def test_a_fault_of_the_walk_itself_is_raised_and_hangs_nobody() -> None:
    class Broken(Pieces):
        def hear(self, ask: int, answer: str) -> Page:
            raise LookupError

    with pytest.raises(LookupError):
        list(pull([(stream("a"), Broken(3))], answered, at_once=AT_ONCE))


def test_an_error_of_a_walk_that_is_asked_for_a_call_is_raised_and_hangs_nobody() -> None:
    class Broken(Pieces):
        def ask(self, *, may_split: bool = False) -> None:
            raise LookupError

    with pytest.raises(LookupError):
        list(pull([(stream("a"), Broken(3))], answered, at_once=AT_ONCE))


def test_a_walk_is_split_only_when_no_other_has_a_call_to_make() -> None:
    asked: list[tuple[int, bool]] = []

    class Noted(Pieces):
        def ask(self, *, may_split: bool = False) -> int | None:
            asked.append((self.asked, may_split))
            return super().ask() if may_split or self.asked < 2 else None

    list(pull([(stream("a"), Noted(3)), (stream("b"), Pieces(40))], answered, at_once=1))

    assert [number for number, may_split in asked if may_split] == [2]


def test_a_walk_that_neither_asks_nor_ends_is_a_fault_and_hangs_nobody() -> None:
    class Stuck(Pieces):
        def ask(self, *, may_split: bool = False) -> None:
            return None

    with pytest.raises(RuntimeError, match="neither asks"):
        list(pull([(stream("a"), Stuck(3))], answered, at_once=AT_ONCE))


def test_a_consumer_that_stops_ends_all_threads_and_makes_no_more_calls() -> None:
    calls: list[int] = []

    def slow(stream: Stream, ask: int) -> str:
        calls.append(ask)
        time.sleep(0.02)
        return answered(stream, ask)

    with closing(start(slow, a=1000)) as pulled:
        next(pulled)
        next(pulled)

    assert fetchers() == []
    made = len(calls)
    assert made <= 2 + AT_ONCE
    time.sleep(0.1)
    assert len(calls) == made


def test_a_thread_that_naps_wakes_when_the_consumer_stops() -> None:
    woken: list[str] = []

    def napping(stream: Stream, ask: int) -> str:
        if ask > 1:
            try:
                nap(LONG)
            except PullEnded:
                woken.append("yes")
                raise
        return answered(stream, ask)

    began = time.monotonic()
    with closing(start(napping, a=9)) as pulled:
        next(pulled)
        time.sleep(0.1)

    assert time.monotonic() - began < LONG / 2
    assert woken


def test_a_pull_that_was_never_begun_has_no_threads() -> None:
    start(a=3).close()

    assert fetchers() == []


def test_threads_see_the_context_of_whoever_pulls() -> None:
    told: ContextVar[str] = ContextVar("told", default="nothing")
    told.set("sync 7")
    heard: set[str] = set()

    def listening(stream: Stream, ask: int) -> str:
        heard.add(told.get())
        return answered(stream, ask)

    list(start(listening, a=9))

    assert heard == {"sync 7"}


@dataclass
class Purse:
    """A budget of slots. It keeps count, and of the threads in which it would ask its database."""

    waits: float = 0.0
    misses: int = 0
    taken: int = 0
    used: list[int] = field(default_factory=list)
    slowed: list[float] = field(default_factory=list)
    threads: set[str] = field(default_factory=set)
    left: int = 0
    sleep: Callable[[float], None] = time.sleep
    aside: Callable[[Callable[[], None]], None] = lambda work: work()

    def take(self, lane: Lane) -> None:
        while not self.meets(self.next_slot(lane)):
            continue

    def next_slot(self, lane: Lane) -> int:
        self.note_thread()
        self.sleep(self.waits)
        self.taken += 1
        return self.taken

    def meets(self, slot: int) -> bool:
        if self.misses:
            self.misses -= 1
            return False
        self.used.append(slot)
        return True

    def slow_down(self, seconds: float) -> None:
        def write() -> None:
            self.note_thread()
            self.slowed.append(seconds)

        self.aside(write)

    def leave(self) -> None:
        self.note_thread()
        self.left += 1

    def note_thread(self) -> None:
        self.threads.add(threading.current_thread().name)


def spending(budget: PullBudget, calls: int = 1) -> Callable[[Stream, int], str]:
    """As a client does, which asks again now and then."""

    def fetch(stream: Stream, ask: int) -> str:
        for _ in range(calls):
            budget.take(Lane.BULK)
        return answered(stream, ask)

    return fetch


def test_one_thread_takes_all_slots_and_each_call_uses_its_own() -> None:
    purse = Purse(misses=3)
    budget = PullBudget(purse)

    pulled = list(start(spending(budget, calls=2), budget=budget, a=20, b=20))

    assert len(rows(pulled)) == 40
    assert len(purse.used) == len({*purse.used}) == 80
    assert purse.taken == 83
    assert (purse.threads, purse.left) == ({"dispatch"}, 1)


def test_what_calls_tell_is_written_where_slots_are_taken_and_before_the_next_one() -> None:
    purse = Purse()
    budget = PullBudget(purse)

    def refused(stream: Stream, ask: int) -> str:
        budget.take(Lane.BULK)
        budget.slow_down(ask)
        return answered(stream, ask)

    list(start(refused, budget=budget, a=30))

    assert sorted(purse.slowed) == [*range(1, 31)]
    assert purse.threads <= {"dispatch", threading.current_thread().name}  # The last ones once all have come.


def test_a_wait_for_a_slot_is_no_reason_to_write_later() -> None:
    purse = Purse()
    budget = PullBudget(purse)
    written = threading.Event()

    def refused(stream: Stream, ask: int) -> str:
        budget.take(Lane.BULK)
        if ask == 1:
            return answered(stream, ask)
        purse.waits = LONG
        time.sleep(0.05)
        budget.slow_down(9.0)
        while not purse.slowed:
            time.sleep(0.001)
        written.set()
        return answered(stream, ask)

    with closing(start(refused, budget=budget, a=30)) as pulled:
        next(pulled)
        assert written.wait(LONG / 3)


def test_a_call_is_chosen_only_when_the_one_before_has_its_slot() -> None:
    """So an ask is not made before it is known what came until then."""
    walk = Pieces(12)
    ahead: list[int] = []

    class Slow(Purse):
        def next_slot(self, lane: Lane) -> int:
            ahead.append(walk.asked - self.taken)
            return super().next_slot(lane)

    purse = Slow(waits=0.005)
    budget = PullBudget(purse)
    list(pull([(stream("a"), walk)], spending(budget), at_once=AT_ONCE, budget=budget))

    assert {*ahead} == {1}


def test_what_the_budget_raises_ends_the_pull_and_hangs_nobody() -> None:
    class Lost(Purse):
        def next_slot(self, lane: Lane) -> int:
            if self.taken == 5:
                raise LeaseGone
            return super().next_slot(lane)

    budget = PullBudget(Lost())
    pulled: list[Pulled] = []

    with pytest.raises(LeaseGone):
        for one in start(spending(budget, calls=2), budget=budget, a=50):
            pulled.append(one)

    assert len(pulled) <= 3


def test_a_call_is_not_taken_any_more_once_the_pull_is_over() -> None:
    purse = Purse()
    budget = PullBudget(purse)
    may_go = threading.Event()

    def late(stream: Stream, ask: int) -> str:
        if ask > 1:
            may_go.wait(LONG)
        budget.take(Lane.BULK)
        return answered(stream, ask)

    with closing(start(late, budget=budget, a=9)) as pulled:
        next(pulled)
        threading.Timer(0.1, may_go.set).start()

    assert purse.used == [1]
    assert purse.left == 1


def test_whoever_waits_for_a_call_waits_no_longer_once_the_pull_is_over() -> None:
    purse = Purse()
    budget = PullBudget(purse)

    def fetch(stream: Stream, ask: int) -> str:
        budget.take(Lane.BULK)
        purse.waits = 10 * LONG
        return answered(stream, ask)

    with closing(start(fetch, budget=budget, a=9)) as pulled:
        next(pulled)

    assert fetchers() == []
    assert len(purse.used) <= 2


def test_outside_of_a_pull_the_budget_is_the_same_as_ever() -> None:
    purse = Purse()

    PullBudget(purse).take(Lane.INTERACTIVE)
    PullBudget(purse).slow_down(2.0)

    assert (purse.taken, purse.slowed) == (1, [2.0])


def test_a_budget_without_slots_is_taken_from_by_the_same_one_thread() -> None:
    class Plain:
        taken: ClassVar[list[str]] = []

        def take(self, lane: Lane) -> None:
            self.taken.append(threading.current_thread().name)

        def slow_down(self, seconds: float) -> None: ...

    budget = PullBudget(Plain())

    list(start(spending(budget), budget=budget, a=9))
    budget.answered(None)

    assert Plain.taken == ["dispatch"] * 9


LARGE = 20_000_000  # Characters.


def test_of_large_pages_only_as_many_are_under_way_as_fit() -> None:
    held: list[int] = []
    running, lock = [0], threading.Lock()

    class Large(Pieces):
        def hear(self, ask: int, answer: str) -> Page:
            page = super().hear(ask, answer)
            vars(page)["length"] = LARGE
            return page

    def slow(stream: Stream, ask: int) -> str:
        with lock:
            running[0] += 1
            held.append(running[0])
        time.sleep(0.02)
        with lock:
            running[0] -= 1
        return answered(stream, ask)

    list(pull([(stream("a"), Large(12))], slow, at_once=AT_ONCE))

    assert max(held) == MOST_IN_FLIGHT // LARGE + 1


class Third(Pieces):
    """Three of its pages may be read and not yet stored."""

    def hear(self, ask: int, answer: str) -> Page:
        page = super().hear(ask, answer)
        vars(page)["length"] = MOST_READ // 3
        return page


def test_answers_that_come_faster_than_they_are_stored_are_read_only_as_there_is_room() -> None:
    read, handed_over, held = itertools.count(1), [0], list[int]()

    def fetch(stream: Stream, ask: int) -> str:
        wait_for_room(MOST_READ // 3)
        held.append(next(read) - handed_over[0])
        return answered(stream, ask)

    for _ in pull([(stream("a"), Third(12))], fetch, at_once=AT_ONCE):
        handed_over[0] += 1
        time.sleep(0.01)

    assert 1 < max(held) <= 3


def test_whoever_has_read_an_answer_reads_the_next_one_too_and_no_room_is_waited_for_once_the_pull_is_over() -> None:
    waiting = threading.Semaphore(0)

    def fetch(stream: Stream, ask: int) -> str:
        waiting.release()
        wait_for_room(MOST_READ)
        wait_for_room(MOST_READ)
        return answered(stream, ask)

    with closing(pull([(stream("a"), Third(12))], fetch, at_once=AT_ONCE)) as arriving:
        assert rows([next(arriving)]) == {"a-1"}
        assert all(waiting.acquire(timeout=LONG) for _ in range(2))


def test_a_stream_that_begins_when_another_has_ended_is_pulled_along_with_the_rest() -> None:
    order: list[str] = []
    later = [(stream("late"), Pieces(3))]

    def more() -> list[Any]:
        found, later[:] = ([*later], []) if "a" in ended else ([], later)
        return found

    ended: list[str] = []
    for one in pull([(stream("a"), Pieces(2)), (stream("b"), Pieces(40))], answered, at_once=2, more=more):
        order.append(one.stream.key)
        ended += [one.stream.key] if one.is_over else []

    assert order.count("late") == 3
    assert order.index("late") > max(place for place, key in enumerate(order) if key == "a")
    assert order.index("late") < max(place for place, key in enumerate(order) if key == "b")


def test_a_stream_that_others_wait_for_is_read_first() -> None:
    walks = [(stream("a"), Pieces(8)), (stream("b"), Pieces(60))]

    order = [one.stream.key for one in pull(walks, answered, at_once=1, awaited={"a"})]

    assert order[:8] == ["a"] * 8


def test_before_a_walk_that_others_wait_for_is_split_lists_are_asked_but_for_as_many_as_calls_are_under_way() -> None:
    asked: list[str] = []

    class Noted(Pieces):
        def ask(self, *, may_split: bool = False) -> int | None:
            if self.size == 1 and not self.asked:
                asked.append("a list")
            elif may_split and self.asked > len(self.cursor) and self.asked < self.size:
                asked.append("a split")
            elif self.asked > len(self.cursor):
                return None
            return super().ask()

    def slow(stream: Stream, ask: int) -> str:
        time.sleep(0.01)
        return answered(stream, ask)

    walks = [(stream("a"), Noted(12)), *((stream(key), Noted(1)) for key in "bcdef")]
    list(pull(walks, slow, at_once=2, awaited={"a"}))

    assert asked[:5] == ["a list"] * 4 + ["a split"]


def test_what_an_answer_tells_reaches_a_budget_that_listens() -> None:
    class Listening(Purse):
        heard: ClassVar[list[tuple[Allowance | None, float]]] = []

        def answered(self, allowance: Allowance | None = None, *, ago: float = 0.0) -> None:
            self.heard.append((allowance, ago))

    PullBudget(Listening()).answered(Allowance(remaining=3), ago=0.5)

    assert Listening.heard == [(Allowance(remaining=3), 0.5)]


def test_streams_can_be_pulled_in_turn_from_a_source_that_has_only_pages() -> None:
    def pages(stream: Stream, *, cursor: Any = None, changed_since: Any = None) -> Iterator[Page]:
        if stream.key == "b":
            raise NotPermitted("No.")
        yield Page(rows={"1": {}}, cursor={"at": 1})
        yield Page(rows={"2": {}}, cursor=None)

    pulled = list(pull_in_turn(pages, [Wanted(stream=stream(key)) for key in "abc"]))

    assert [(one.stream.key, one.is_over, bool(one.failure)) for one in pulled] == [
        ("a", False, False), ("a", True, False), ("b", True, True), ("c", False, False), ("c", True, False),
    ]  # fmt: skip
