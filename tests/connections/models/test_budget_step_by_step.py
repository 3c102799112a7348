"""Single steps of taking calls out of an account's budget, at the very edge of each."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db.backends.postgresql.base import DatabaseWrapper
from django.utils import timezone

from connections.models import AccountBudget, Pace, SharedBudget
from connections.models.budget import Clock as DatabaseClock
from connections.models.timing import Travels
from sources.errors import RateLimited
from sources.spec import Allowance, Lane
from tests.connections.models.budget_at_a_clock import Clock, caller, clock, row, times_of

__all__ = ["clock"]

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
NONE_LEFT = Allowance(remaining=0, limit=5)
PROMPT = 0.1  # Seconds to an answer.


@pytest.fixture
def midnight(clock: Clock) -> Clock:
    """The clock at nothing, where seconds add up without errors."""
    clock.now = 0.0
    return clock


def stands(**columns: float) -> None:
    AccountBudget.objects.update(**columns)


# A slot ---------------------------------------------------------------------------------------------------------------


def test_who_has_nothing_to_wait_for_does_not_sleep(midnight: Clock) -> None:
    caller(midnight).take(Lane.BULK)

    assert midnight.naps == []


@pytest.mark.parametrize(
    ("lane", "column", "ahead"), [(Lane.BULK, "tat", 0.12), (Lane.INTERACTIVE, "paused_until", 0.3)]
)
def test_a_slot_is_taken_no_earlier_than_so_long_ahead(midnight: Clock, lane: Lane, column: str, ahead: float) -> None:
    one = caller(midnight)
    stands(**{column: ahead})
    assert one.next_slot(lane).moment == ahead
    assert midnight.naps == []

    midnight.now = 100.0
    stands(**{column: 100.2 + ahead}, served_person=False)
    assert one.next_slot(lane).moment == 100.2 + ahead

    assert 0.2 <= midnight.now - 100.0 + 1e-9 <= 0.28 + 1e-9


def test_a_nap_is_no_longer_than_half_a_second_and_ends_when_it_is_over(midnight: Clock) -> None:
    caller(midnight).nap(1.5)

    assert midnight.naps == [0.5, 0.5, 0.5]


def test_a_call_that_left_late_is_told_only_when_it_was_late_by_more_than_all_reckon_with(midnight: Clock) -> None:
    one = caller(midnight)
    slot = one.next_slot(Lane.BULK)

    midnight.now = 0.015
    assert one.meets(slot)
    assert row().sent == [[0.0, 0.0]]

    midnight.now = 0.016
    assert one.meets(slot)
    assert row().sent == [[0.0, 0.016]]


def test_a_slot_that_is_half_a_second_old_is_not_used_and_nothing_is_told_of_it(midnight: Clock) -> None:
    one = caller(midnight)
    slot = one.next_slot(Lane.BULK)

    midnight.now = 0.499
    assert one.meets(slot)
    told = row().version

    midnight.now = 0.5
    assert not one.meets(slot)
    assert row().version == told


def caller_of_many(clock: Clock, *, rate: float) -> SharedBudget:
    return SharedBudget(account="harbourtea", rate=rate, pace=Pace.FULL, sleep=clock.sleep, clock=lambda: clock.now)


def test_where_twenty_calls_a_second_are_borne_single_calls_are_watched_still(midnight: Clock) -> None:
    one = caller_of_many(midnight, rate=20.0)
    slot = one.next_slot(Lane.BULK)
    midnight.now = 0.1

    assert one.meets(slot)
    assert row().sent == [[0.0, 0.1]]


def test_where_twenty_calls_a_second_are_borne_the_next_waits_until_the_second_is_over(midnight: Clock) -> None:
    times = times_of(midnight, caller_of_many(midnight, rate=20.0), 21)

    assert times[19] < 0.9
    assert times[20] > 1.0


def test_where_very_many_are_borne_only_their_interval_is_kept(midnight: Clock) -> None:
    times = times_of(midnight, caller_of_many(midnight, rate=1000.0), 3)

    assert times == pytest.approx([0.0, 0.001, 0.002])


def test_the_last_twenty_calls_are_remembered_and_of_older_ones_not_even_the_answers(clock: Clock) -> None:
    one = caller(clock)
    one.take(Lane.BULK)
    one.answered()
    answered = [*one.took]

    times_of(clock, one, 19)
    assert [*one.took] == answered
    assert len(one.left_late) == 20

    one.take(Lane.BULK)
    assert one.took == {}
    assert len(one.left_late) == 20


def test_a_change_is_made_on_top_of_one_that_came_in_between(midnight: Clock) -> None:
    one, other = caller(midnight), caller(midnight)
    in_between = iter([lambda: other.slow_down(5.0)])

    def read() -> float:
        next(in_between, lambda: None)()
        return midnight.now

    one.clock = read
    one.slow_down(3.0)

    assert (row().refusals, row().paused_until) == (2, 5.0)


# People ---------------------------------------------------------------------------------------------------------------


def test_a_person_sits_through_eight_seconds_and_no_more(midnight: Clock) -> None:
    person = caller(midnight)
    stands(paused_until=8.0)
    person.take(Lane.INTERACTIVE)
    assert row().sent[-1][0] == 8.0

    stands(paused_until=midnight.now + 8.01)
    with pytest.raises(RateLimited) as refused:
        person.take(Lane.INTERACTIVE)

    assert str(refused.value) == "The account asked us to slow down. Try again in 9 seconds."
    assert refused.value.retry_after == 9


@pytest.mark.parametrize("waited", [8.0, 8.001])
def test_a_person_is_overtaken_for_eight_seconds_and_no_more(midnight: Clock, waited: float) -> None:
    person, other = caller(midnight), caller(midnight)
    other.take(Lane.INTERACTIVE)
    person.sleep = lambda seconds: setattr(midnight, "now", waited)

    if waited == 8.0:
        assert person.next_slot(Lane.INTERACTIVE).moment == 8.0
        return
    with pytest.raises(RateLimited) as refused:
        person.next_slot(Lane.INTERACTIVE)

    assert str(refused.value) == "Too many are asking this account at once. Try again in a minute."
    assert refused.value.retry_after == 60


def test_a_person_who_overslept_a_slot_is_a_person_still(midnight: Clock) -> None:
    person = caller(midnight)
    stands(paused_until=0.2)
    person.sleep = lambda seconds: midnight.sleep(seconds + 0.6)

    person.take(Lane.INTERACTIVE)

    assert [moment for moment, _ in row().sent] == [0.2, 0.8]
    assert row().served_person


def test_a_persons_call_holds_a_pull_back_by_what_the_account_bears_and_tells_nothing_of_its_pace(
    midnight: Clock,
) -> None:
    person = caller(midnight, pace=Pace.CONSIDERATE)
    stands(ease=0.5)

    person.take(Lane.INTERACTIVE)

    assert (row().ease, row().tat) == (0.5, pytest.approx(0.2 / 1.1))


# Answers --------------------------------------------------------------------------------------------------------------


def test_the_time_that_an_answer_lay_unread_is_no_part_of_its_way(midnight: Clock) -> None:
    one = caller(midnight)
    one.take(Lane.BULK)
    midnight.now += 0.3
    one.answered()
    one.take(Lane.BULK)
    midnight.now += 0.8
    one.answered(ago=0.5)

    assert [*one.took.values()] == pytest.approx([0.3, 0.3])


def test_an_answer_that_was_as_late_as_all_reckon_with_is_not_told_at_once(clock: Clock) -> None:
    class Reckoned(Travels):
        def lateness(self, seconds: float) -> float:
            return 0.015

    one = caller(clock)
    one.travels = Reckoned()
    one.take(Lane.BULK)
    told = row().version

    one.answered()

    assert row().version == told


def considerate_answers(clock: Clock, *allowances: Allowance) -> list[float]:
    """How the account stands after each of these answers."""
    one, eases = caller(clock, pace=Pace.CONSIDERATE), []
    for allowance in allowances:
        one.take(Lane.BULK)
        clock.now += PROMPT
        one.answered(allowance)
        eases.append(row().ease)
    return eases


def test_that_nothing_is_left_is_believed_thirty_times_in_a_row(clock: Clock) -> None:
    eases = considerate_answers(clock, *[NONE_LEFT] * 31)

    assert eases[-3:] == pytest.approx([0.5, 0.5, 0.52])


def test_an_answer_that_something_is_left_begins_the_row_anew(clock: Clock) -> None:
    some_left = Allowance(remaining=1, limit=5)

    eases = considerate_answers(clock, *[some_left] * 40, *[NONE_LEFT] * 31)

    assert eases[39] == 1.0
    assert eases[-3:] == pytest.approx([0.5, 0.5, 0.52])


# What is kept ---------------------------------------------------------------------------------------------------------


def test_calls_are_counted_by_the_whole_minute(clock: Clock) -> None:
    with time_machine.travel(NOON + timedelta(seconds=30.5), tick=False):
        caller(clock).take(Lane.BULK)

    assert row().minute == NOON


def test_what_is_an_hour_old_is_no_longer_counted() -> None:
    one = AccountBudget.objects.create(account="harbourtea")
    assert one.calls_in_last_hour() == 0

    minute = timezone.now().replace(second=0, microsecond=0)
    for minutes_ago, calls in [(59, 1), (61, 10)]:
        one.minutes.create(minute=minute - timedelta(minutes=minutes_ago), calls=calls)
    assert one.calls_in_last_hour() == 1

    one.minute, one.calls = minute - timedelta(minutes=61), 100
    assert one.calls_in_last_hour() == 1


def test_calls_since_a_minute_are_those_of_the_minutes_after_it() -> None:
    one = AccountBudget.objects.create(account="harbourtea", minute=NOON, calls=2)
    one.minutes.create(minute=NOON, calls=3)

    assert one.calls_by_minute(since=NOON) == {}
    assert one.calls_by_minute(since=NOON - timedelta(minutes=1)) == {NOON: 5}


def test_a_pause_that_is_over_in_this_moment_is_over() -> None:
    with time_machine.travel(NOON, tick=False):
        pauses = [AccountBudget(paused_until=(NOON + timedelta(seconds=more)).timestamp()) for more in (-1, 0, 1)]

        assert [one.resumes_at for one in pauses] == [None, None, NOON + timedelta(seconds=1)]


def test_an_account_that_never_refused_a_call_is_not_slowed() -> None:
    assert not AccountBudget().is_slowed


def test_a_pause_of_ten_minutes_is_believed_and_a_longer_one_is_the_clocks_fault(midnight: Clock) -> None:
    one = caller(midnight)
    paused = []
    for seconds in (600.0, 600.5):
        stands(paused_until=seconds)
        paused.append(one.read().pacing.paused_until)

    assert paused == [600.0, 0.0]


def test_a_budget_is_named_by_the_beginning_of_its_account_alone() -> None:
    assert str(AccountBudget(account="0123456789abcdef")) == "budget 01234567"


def test_on_postgresql_the_clock_is_one_that_moves_within_a_transaction() -> None:
    postgresql = DatabaseWrapper({"NAME": "nowhere", "OPTIONS": {}}, alias="default")
    query = AccountBudget.objects.values_list(DatabaseClock()).query

    assert "extract(epoch from clock_timestamp())::float8 AS" in query.get_compiler(connection=postgresql).as_sql()[0]
