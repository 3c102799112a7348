"""One account's calls, shared by everybody who calls it."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from django.db.models import Value
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connections.models import AccountBudget, Pace, SharedBudget, budget
from connections.models.budget import LATE, SHARE, SLOWEST, UNEVEN_TRAVEL, Departures, count_call
from sources.errors import RateLimited
from sources.spec import Lane

pytestmark = pytest.mark.django_db

RATE = 5.0
FULL = 1.0 / (RATE * SHARE[Pace.FULL])


@dataclass
class Clock:
    """A database's clock that moves when it is told to, and by naps."""

    now: float = 1_000_000.0
    naps: list[float] = field(default_factory=list)

    def __call__(self) -> Value:
        return Value(self.now)

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(budget, "Clock", clock)
    monkeypatch.setattr(budget, "DEPARTURES", Departures(lambda: clock.now))
    return clock


def caller(clock: Clock, *, pace: str = Pace.FULL, still_wanted: Callable[[], None] = lambda: None) -> SharedBudget:
    return SharedBudget(account="harbourtea", rate=RATE, pace=pace, sleep=clock.sleep, still_wanted=still_wanted)


def row() -> AccountBudget:
    return AccountBudget.objects.get(account="harbourtea")


def times_of(clock: Clock, one: SharedBudget, count: int, *, lane: Lane = Lane.BULK) -> list[float]:
    times = []
    for _ in range(count):
        one.take(lane)
        times.append(clock.now)
    return times


def most_in_a_second(times: list[float]) -> int:
    return max(sum(start <= other < start + 1.0 for other in times) for start in times)


def test_a_pull_at_full_pace_takes_nearly_five_calls_a_second_and_never_more(clock: Clock) -> None:
    times = times_of(clock, caller(clock), 60)

    assert most_in_a_second(times) == 5
    assert 59 / (times[-1] - times[0]) > 4.5


def test_a_considerate_pull_takes_three_calls_a_second(clock: Clock) -> None:
    times = times_of(clock, caller(clock, pace=Pace.CONSIDERATE), 40)

    assert most_in_a_second(times) <= 3
    assert 39 / (times[-1] - times[0]) > 2.7


def test_two_callers_of_one_account_share_its_calls(clock: Clock) -> None:
    pair = [caller(clock), caller(clock)]
    times = [moment for _ in range(20) for one in pair for moment in times_of(clock, one, 1)]

    assert most_in_a_second(times) == 5


def test_a_slot_is_taken_shortly_before_its_moment_so_that_waking_late_costs_nothing(clock: Clock) -> None:
    one = caller(clock)
    overslept = 0.01
    one.sleep = lambda seconds: clock.sleep(seconds + overslept)

    times = times_of(clock, one, 60)

    assert (times[-1] - times[0]) / 59 < (1.0 + UNEVEN_TRAVEL) / RATE + 0.001


def test_a_call_that_left_late_moves_those_behind_it(clock: Clock) -> None:
    one = caller(clock)
    one.take(Lane.BULK)
    before = row().tat

    one.make_up_for(0.2)

    assert row().tat == pytest.approx(before + 0.2 - LATE)


def test_of_two_that_want_the_same_slot_one_gets_it(clock: Clock) -> None:
    one, other = caller(clock), caller(clock)
    same = one.next_slot(), other.next_slot()

    assert [one.take_slot(same[0], share=1.0), other.take_slot(same[1], share=1.0)] == [True, False]


def test_another_account_has_calls_of_its_own(clock: Clock) -> None:
    caller(clock).take(Lane.BULK)
    began = clock.now

    SharedBudget(account="other", rate=RATE, sleep=clock.sleep).take(Lane.BULK)

    assert clock.now == began


def test_a_person_is_let_in_before_a_pull_that_waits(clock: Clock) -> None:
    person, pull = caller(clock), caller(clock)
    pull.take(Lane.BULK)

    moment = person.reserve_next()

    assert clock.now < moment <= clock.now + FULL
    assert pull.wait_for_free() >= moment + FULL - 1e-6


def test_people_queue_behind_each_other_and_not_at_one_slot(clock: Clock) -> None:
    person = caller(clock)

    waits = [person.reserve_next() - clock.now for _ in range(3)]

    assert waits == pytest.approx([0.0, FULL, 2 * FULL], abs=1e-6)


def test_a_busy_account_is_left_alone_by_everybody_for_as_long_as_it_asked(clock: Clock) -> None:
    one, other = caller(clock), caller(clock)
    began = clock.now
    one.slow_down(3.0)

    other.take(Lane.BULK)

    assert clock.now >= began + 3.0


def test_a_shorter_pause_does_not_cut_a_longer_one(clock: Clock) -> None:
    one = caller(clock)
    one.slow_down(6.0)
    one.slow_down(1.0)

    assert one.reserve_next() - clock.now == pytest.approx(6.0, abs=1e-6)


def test_calls_refused_together_halve_the_pace_once(clock: Clock) -> None:
    one = caller(clock)
    for _ in range(4):
        one.slow_down(1.0)

    assert row().ease == 0.5
    assert row().refusals == 4


def test_a_refusal_after_the_pause_halves_it_again_down_to_a_least_pace(clock: Clock) -> None:
    one = caller(clock)
    for _ in range(8):
        one.slow_down(1.0)
        clock.now += 1.5

    assert row().ease == SLOWEST


def test_the_pace_climbs_back_while_calls_succeed(clock: Clock) -> None:
    one = caller(clock)
    one.slow_down(1.0)

    eases = []
    for _ in range(45):
        one.take(Lane.BULK)
        eases.append(row().ease)

    assert eases == sorted(eases)
    assert eases[0] < 0.6
    assert eases[-1] == 1.0


def test_a_slowed_account_is_called_half_as_often(clock: Clock) -> None:
    one = caller(clock)
    one.slow_down(1.0)

    times = times_of(clock, one, 5)

    assert most_in_a_second(times) <= 3


def test_a_person_is_told_instead_of_kept_waiting_for_long(clock: Clock) -> None:
    one = caller(clock)
    one.slow_down(60.0)
    before = row().tat

    with pytest.raises(RateLimited, match="60 seconds") as refused:
        one.take(Lane.INTERACTIVE)

    assert refused.value.retry_after == 60
    assert row().tat == before
    assert clock.naps == []


def test_work_that_is_no_longer_wanted_ends_its_wait(clock: Clock) -> None:
    class Stopped(Exception):
        pass

    def still_wanted() -> None:
        if len(clock.naps) == 3:
            raise Stopped

    one = caller(clock, still_wanted=still_wanted)
    one.slow_down(60.0)

    with pytest.raises(Stopped):
        one.take(Lane.BULK)

    assert sum(clock.naps) < 4


def test_a_tally_tells_calls_and_seconds_waited_once(clock: Clock) -> None:
    one = caller(clock)
    times_of(clock, one, 3)

    calls, waited = one.take_tally()

    assert calls == 3
    assert waited == pytest.approx(sum(clock.naps))
    assert one.take_tally() == (0, 0.0)


def test_the_calls_of_the_last_hour_are_counted(clock: Clock) -> None:
    times_of(clock, caller(clock), 2)
    count_call("harbourtea")

    assert row().calls_in_last_hour() == 3


def test_a_late_call_holds_back_those_that_would_share_its_second() -> None:
    now = [0.0]
    departures = Departures(lambda: now[0])
    left = []
    for moment in (0.0, 0.35, 0.4, 0.6, 0.8, 1.0, 1.2):  # The second was to leave at 0.2.
        now[0] = moment
        left.append(moment + departures.delay("harbourtea", most=5))

    assert left[5] == pytest.approx(1.0 + UNEVEN_TRAVEL)
    assert left[6] == pytest.approx(1.35 + UNEVEN_TRAVEL)


def test_threads_of_one_process_never_leave_too_close_together() -> None:
    now = 7.0
    departures = Departures(lambda: now)
    left: list[float] = []

    def ask() -> None:
        for _ in range(10):
            left.append(now + departures.delay("harbourtea", most=5))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert most_in_a_second(left) == 5


MOVES = st.lists(
    st.one_of(
        st.tuples(st.just("pass"), st.floats(0.0, 0.7)),
        st.tuples(st.just("pull"), st.sampled_from([Pace.FULL, Pace.CONSIDERATE])),
        st.tuples(st.just("person"), st.none()),
        st.tuples(st.just("refused"), st.floats(0.1, 2.0)),
    ),
    max_size=25,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=MOVES)
def test_in_whatever_order_callers_ask_no_two_slots_come_closer_than_the_interval(clock: Clock, moves: list) -> None:
    AccountBudget.objects.all().delete()
    slots, pauses = [], [0.0]
    for move, detail in moves:
        one = caller(clock, pace=detail if move == "pull" else Pace.FULL)
        if move == "pass":
            clock.now += detail
        elif move == "pull":
            slots.append(one.wait_for_free())
            assert slots[-1] >= max(pauses) - 1e-6
        elif move == "person":
            try:
                slots.append(one.reserve_next())
            except RateLimited:
                continue
        elif move == "refused":
            one.slow_down(detail)
            pauses.append(clock.now + detail)

    gaps = [later - sooner for sooner, later in pairwise(slots)]
    assert all(gap >= FULL - 1e-6 for gap in gaps)


def test_the_clock_is_the_databases_and_moves_within_a_transaction() -> None:
    one = SharedBudget(account="harbourtea", rate=RATE)
    readings = []
    for _ in range(2):
        readings.append(one.row().values_list(budget.Clock(), flat=True).get())
        time.sleep(0.02)

    assert readings[0] < readings[1]
    assert abs(readings[1] - time.time()) < 60  # Both are seconds since 1970; the other clock is another machine's.
