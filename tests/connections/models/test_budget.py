"""One account's calls, shared by everybody who calls it: the row, the waiting, the counting."""

import time
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from connections.models import AccountBudget, Pace, SharedBudget, budget
from connections.models.pacing import CATCH_UP, UNTOLD
from connections.models.shared_budget import MISSED, PATIENCE
from sources.errors import RateLimited
from sources.spec import Allowance, Lane, SlottedBudget, WatchfulBudget
from tests.connections.models.budget_at_a_clock import RATE, Clock, caller, clock, row, times_of

__all__ = ["clock"]

pytestmark = pytest.mark.django_db


def most_in_a_second(times: list[float]) -> int:
    return max(sum(start <= other < start + 1.0 for other in times) for start in times)


def test_it_is_what_pulls_and_the_throttle_look_for(clock: Clock) -> None:
    assert isinstance(caller(clock), SlottedBudget)
    assert isinstance(caller(clock), WatchfulBudget)


def test_a_pull_at_full_pace_takes_five_calls_a_second_and_never_more(clock: Clock) -> None:
    times = times_of(clock, caller(clock), 60)

    assert most_in_a_second(times) == 5
    assert 59 / (times[-1] - times[0]) > 4.95


def test_a_considerate_pull_takes_three_calls_a_second(clock: Clock) -> None:
    times = times_of(clock, caller(clock, pace=Pace.CONSIDERATE), 40)

    assert most_in_a_second(times) <= 4  # The fourth after a second to the millisecond.
    assert 39 / (times[-1] - times[0]) == pytest.approx(3.0)


def test_two_callers_of_one_account_share_its_calls(clock: Clock) -> None:
    pair = [caller(clock), caller(clock)]
    times = [moment for _ in range(20) for one in pair for moment in times_of(clock, one, 1)]

    assert most_in_a_second(times) == 5


def test_a_slot_is_taken_shortly_before_its_moment_so_that_waking_late_costs_nothing(clock: Clock) -> None:
    one = caller(clock)
    overslept = 0.01
    one.sleep = lambda seconds: clock.sleep(seconds + overslept)

    times = times_of(clock, one, 60)

    assert (times[-1] - times[0]) / 59 < 0.21


def test_a_call_that_left_late_is_told_to_all(clock: Clock) -> None:
    one = caller(clock)
    slot = one.next_slot(Lane.BULK)
    clock.now = slot.leaves + 0.1

    assert one.meets(slot)
    assert row().sent == [[slot.moment, pytest.approx(0.1, abs=1e-3)]]


def test_a_slot_that_was_overslept_for_long_is_not_used(clock: Clock) -> None:
    one = caller(clock)
    one.take(Lane.BULK)
    naps = iter([0.0, MISSED])
    one.sleep = lambda seconds: clock.sleep(seconds + next(naps, 0.0))

    one.take(Lane.BULK)

    first, missed, used = (moment for moment, _ in row().sent)
    assert missed - first == pytest.approx(0.2 / CATCH_UP, abs=1e-3)
    assert used - missed >= MISSED
    assert clock.now == pytest.approx(used, abs=1e-3)
    assert one.take_tally()[0] == 2


def test_an_answer_that_was_late_is_told_with_the_next_slot_or_at_once_when_it_was_very_late(clock: Clock) -> None:
    one = caller(clock)
    for seconds in (0.3, 0.31, 0.39):
        one.take(Lane.BULK)
        clock.now += seconds
        one.answered()
    known = [late for _, late in row().sent]
    one.take(Lane.BULK)

    assert known[-1] > 0.09
    assert known[1] > 0.01
    assert [late for _, late in row().sent][:3] == pytest.approx(known)


def test_an_answer_to_nothing_that_was_taken_here_means_nothing(clock: Clock) -> None:
    one = caller(clock)

    one.answered(Allowance(remaining=0))

    assert row().version == 0


def test_calls_of_other_callers_are_kept_farther_off(clock: Clock) -> None:
    one, other = caller(clock), caller(clock)
    first = times_of(clock, one, 5)[0]

    other.take(Lane.BULK)

    assert clock.now - first >= 1.0 + UNTOLD


def test_of_two_that_want_the_same_slot_one_gets_it(clock: Clock) -> None:
    one, other = caller(clock), caller(clock)
    readings = one.read(), other.read()

    taken = [
        who.take_slot(reading, clock.now, lane=Lane.BULK) for who, reading in zip((one, other), readings, strict=True)
    ]

    assert taken == [True, False]


def test_callers_hesitate_by_chance_and_less_the_longer_they_have_waited(clock: Clock) -> None:
    one = caller(clock)

    fresh = [one.hesitation(clock.now) for _ in range(50)]
    waiting = [one.hesitation(clock.now - 1.0) for _ in range(50)]

    assert len(set(fresh)) > 40
    assert 0.0 <= min(fresh) < 0.02 < 0.06 < max(fresh) <= 0.08
    assert 0.0 <= min(waiting) <= max(waiting) <= 0.08 / 6


def test_another_account_has_calls_of_its_own(clock: Clock) -> None:
    caller(clock).take(Lane.BULK)
    began = clock.now

    SharedBudget(account="other", rate=RATE, sleep=clock.sleep, clock=lambda: clock.now).take(Lane.BULK)

    assert clock.now == began


def test_a_call_costs_one_reading_and_one_writing_of_the_row(clock: Clock) -> None:
    one = caller(clock)
    for _ in range(10):
        one.take(Lane.BULK)
        clock.now += 0.3
        one.answered()

    with CaptureQueriesContext(connection) as queries:
        one.take(Lane.BULK)
        clock.now += 0.3
        one.answered()

    assert [query["sql"].split()[0] for query in queries] == ["SELECT", "UPDATE"]


def test_where_an_account_bears_very_many_nobody_watches_single_calls(clock: Clock) -> None:
    one = SharedBudget(account="harbourtea", rate=1000.0, sleep=clock.sleep, clock=lambda: clock.now)
    one.take(Lane.BULK)
    slot = one.next_slot(Lane.BULK)
    clock.now = slot.leaves + 0.1
    before = row().version

    assert one.meets(slot)
    one.answered(Allowance(remaining=0))

    assert row().version == before


def test_an_answer_that_comes_after_many_others_leaves_nothing_behind(clock: Clock) -> None:
    one = caller(clock)
    one.take(Lane.BULK)
    slot = one.here.slot
    times_of(clock, one, 40)

    one.here.slot = slot
    one.answered()

    assert one.took == {}
    assert len(one.left_late) <= 20


# People ---------------------------------------------------------------------------------------------------------------


def test_a_person_gets_the_next_slot_before_a_pull_that_waits(clock: Clock) -> None:
    person, pull = caller(clock), caller(clock)
    pull.take(Lane.BULK)
    began = clock.now

    moment = person.next_slot(Lane.INTERACTIVE).moment

    assert clock.now == began  # The slot is theirs at once.
    assert moment == pytest.approx(began + 0.2 / CATCH_UP, abs=1e-3)
    assert pull.next_slot(Lane.BULK).moment >= moment + 0.2 / CATCH_UP - 1e-6


def test_after_a_person_a_pull_that_waits_comes_before_the_next_person(clock: Clock) -> None:
    person, pull = caller(clock), caller(clock)
    person.take(Lane.INTERACTIVE)
    before = row().version

    awake = []
    person.sleep = lambda seconds: (awake.append(seconds), clock.sleep(seconds), pull.next_slot(Lane.BULK))
    person.next_slot(Lane.INTERACTIVE)

    assert awake  # Had the person taken the slot at once, there would have been nothing to wait for.
    assert row().version == before + 1 + len(awake)


def test_a_person_is_told_instead_of_kept_waiting_for_long(clock: Clock) -> None:
    one = caller(clock)
    one.slow_down(60.0)
    before = row().version

    with pytest.raises(RateLimited, match="60 seconds") as refused:
        one.take(Lane.INTERACTIVE)

    assert refused.value.retry_after == 60
    assert row().version == before
    assert clock.naps == []


def test_a_person_before_whom_others_are_served_for_long_is_told_so(clock: Clock) -> None:
    person, others = caller(clock), caller(clock)
    others.take(Lane.INTERACTIVE)
    began = clock.now

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        others.take(Lane.INTERACTIVE)

    person.sleep = sleep
    with pytest.raises(RateLimited, match="Too many are asking this account at once"):
        person.take(Lane.INTERACTIVE)

    assert PATIENCE < clock.now - began < PATIENCE + 2


# Slowing down ---------------------------------------------------------------------------------------------------------


def test_a_busy_account_is_left_alone_by_everybody_for_as_long_as_it_asked(clock: Clock) -> None:
    one, other = caller(clock), caller(clock)
    began = clock.now
    one.slow_down(3.0)

    other.take(Lane.BULK)

    assert clock.now >= began + 3.0
    assert (row().ease < 0.6, row().refusals, row().is_slowed) == (True, 1, True)
    assert row().refused_at is not None


def test_a_slowed_account_is_called_half_as_often(clock: Clock) -> None:
    one = caller(clock)
    one.slow_down(1.0)

    times = times_of(clock, one, 5)

    assert most_in_a_second(times) <= 3


NONE_LEFT = Allowance(remaining=0, limit=5)


def considerate_answers(clock: Clock, count: int, allowance: Allowance | None) -> list[float]:
    """How the account stands after each of so many calls that were answered like that."""
    one, eases = caller(clock, pace=Pace.CONSIDERATE), []
    for _ in range(count):
        one.take(Lane.BULK)
        clock.now += 0.1
        one.answered(allowance)
        eases.append(row().ease)
    return eases


def test_where_others_fill_what_we_leave_it_goes_slower_before_a_call_is_refused(clock: Clock) -> None:
    eases = considerate_answers(clock, 10, NONE_LEFT)

    assert eases[-1] < 0.8
    assert row().refusals == 0


@pytest.mark.parametrize(
    "allowance",
    [
        None,
        Allowance(remaining=1, limit=5),
        Allowance(remaining=999, limit=1000),
        Allowance(remaining=0, limit=1000),
        Allowance(remaining=10**8),
    ],
)
def test_what_says_nothing_about_others_slows_nobody_down(clock: Clock, allowance: Allowance | None) -> None:
    assert considerate_answers(clock, 10, allowance) == [1.0] * 10


def test_at_full_pace_nothing_is_left_by_our_own_calls(clock: Clock) -> None:
    one = caller(clock)
    times_of(clock, one, 4)
    eases = []
    for _ in range(10):
        one.take(Lane.BULK)
        one.answered(NONE_LEFT)
        eases.append(row().ease)

    assert eases == [1.0] * 10


def test_an_account_that_always_says_that_nothing_is_left_is_not_believed_for_ever(clock: Clock) -> None:
    eases = considerate_answers(clock, 70, NONE_LEFT)

    assert min(eases) >= 0.5
    assert eases[-1] == 1.0


def test_it_is_believed_again_when_it_refuses_a_call(clock: Clock) -> None:
    one = caller(clock, pace=Pace.CONSIDERATE)
    one.none_left = 100

    one.slow_down(1.0)

    assert one.none_left == 0


# What is kept ---------------------------------------------------------------------------------------------------------


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


def test_the_calls_of_the_last_hour_are_counted_with_the_slot_itself(clock: Clock) -> None:
    times_of(clock, caller(clock), 2)
    times_of(clock, caller(clock), 1)

    assert row().calls_in_last_hour() == 3


def test_a_minute_that_is_over_is_kept_and_the_next_counted_anew(clock: Clock) -> None:
    one = caller(clock)
    times_of(clock, one, 2)
    this_minute = row().minute
    assert this_minute is not None
    AccountBudget.objects.update(minute=this_minute - timedelta(minutes=1))

    times_of(clock, one, 3)

    assert row().calls_by_minute(since=timezone.now() - timedelta(minutes=5)) == {
        this_minute - timedelta(minutes=1): 2,
        this_minute: 3,
    }


def test_two_machines_whose_clocks_disagree_about_the_minute_lose_no_call(clock: Clock) -> None:
    one = caller(clock)
    for minutes in (0, -1, 0, -1):
        times_of(clock, one, 2)
        AccountBudget.objects.update(
            minute=timezone.now().replace(second=0, microsecond=0) + timedelta(minutes=minutes)
        )

    assert row().calls_in_last_hour() == 8


def test_the_clock_is_the_databases_and_moves_within_a_transaction() -> None:
    one = SharedBudget(account="harbourtea", rate=RATE)
    readings = []
    for _ in range(2):
        readings.append(one.row().values_list(budget.Clock(), flat=True).get())
        time.sleep(0.02)

    assert readings[0] < readings[1]
    assert abs(readings[1] - time.time()) < 60  # Both are seconds since 1970; the other clock is another machine's.
