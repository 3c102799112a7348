"""When an account's next call may arrive, worked out without a database and without time passing."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connections.models import Pace
from connections.models.pacing import (
    CATCH_UP,
    CROWDED_LEAST,
    FARTHEST,
    SETTLED_LEAST,
    SLACK,
    SLOWEST,
    UNTOLD,
    Pacing,
    Sent,
)
from connections.models.timing import Alignment, Travels
from sources.spec import Lane

NOW = 1_800_000_000.0
RATE = 5.0
CLOSEST = 1.0 / RATE / CATCH_UP
FRESH = Pacing(rate=RATE)


def granted(pacing: Pacing, *moments: float, lane: Lane = Lane.BULK, pace: str = Pace.FULL) -> Pacing:
    for moment in moments:
        pacing = pacing.granted(NOW + moment, lane=lane, pace=pace, now=NOW + moment)
    return pacing


def free_in(pacing: Pacing, lane: Lane = Lane.BULK, *, at: float) -> float:
    """In how many seconds from then."""
    return pacing.free_at(lane, now=NOW + at) - NOW - at


FIVE = granted(FRESH, 0.0, 0.2, 0.4, 0.6, 0.8)


def test_an_account_that_was_not_called_is_free_at_once() -> None:
    assert free_in(FRESH, at=0.0) == 0.0
    assert free_in(FRESH, Lane.INTERACTIVE, at=0.0) == 0.0


@pytest.mark.parametrize(("pace", "seconds"), [(Pace.FULL, CLOSEST), (Pace.CONSIDERATE, 1 / 3)])
def test_calls_of_a_pull_are_spaced_evenly_by_its_pace(pace: str, seconds: float) -> None:
    assert free_in(granted(FRESH, 0.0, pace=pace), at=0.0) == pytest.approx(seconds)


def test_a_slowed_pull_is_exactly_as_slow_as_it_should_be() -> None:
    assert free_in(granted(replace(FRESH, ease=0.5), 0.0), at=0.0) == pytest.approx(0.4)


def test_the_sixth_call_waits_until_the_first_has_left_its_second() -> None:
    assert free_in(FIVE, at=0.8) == pytest.approx(0.2 + SLACK, abs=1e-6)


def test_a_call_that_arrived_late_keeps_the_fifth_after_it_back_by_as_much() -> None:
    late = FIVE.corrected({one.moment: 0.0 for one in FIVE.sent} | {FIVE.sent[0].moment: 0.07})

    assert free_in(late, at=0.8) == pytest.approx(0.27 + SLACK, abs=1e-6)


def test_a_late_call_that_is_not_the_oldest_keeps_nobody_back_yet() -> None:
    late = FIVE.corrected({one.moment: 0.0 for one in FIVE.sent} | {FIVE.sent[2].moment: 0.09})

    assert free_in(late, at=0.8) == pytest.approx(0.2 + SLACK, abs=1e-6)


def test_a_call_that_arrived_after_later_ones_counts_by_its_arrival() -> None:
    late = FIVE.corrected({one.moment: 0.0 for one in FIVE.sent} | {FIVE.sent[0].moment: 0.3})

    assert free_in(late, at=0.8) == pytest.approx(0.4 + SLACK, abs=1e-6)  # The second is the oldest now.


def test_calls_of_other_processes_are_taken_to_be_as_late_as_they_may_be_untold() -> None:
    assert free_in(FIVE.corrected({}), at=0.8) == pytest.approx(0.2 + SLACK + UNTOLD, abs=1e-6)


def test_whoever_sent_a_call_knows_best_how_late_it_was() -> None:
    moment = FIVE.sent[0].moment
    told = FIVE.corrected({moment: 0.08})

    assert told.corrected({moment: 0.02}).sent[0].late == 0.02
    assert told.corrected({}).sent[0].late == 0.08


def test_an_account_that_bears_one_call_in_two_seconds_is_called_as_often() -> None:
    pacing = granted(Pacing(rate=0.5), 0.0)

    assert free_in(pacing, at=0.0) == pytest.approx(2.0 + SLACK, abs=1e-6)


def test_who_bears_many_calls_keeps_no_list_of_them() -> None:
    pacing = granted(Pacing(rate=1000.0), *(place / 100 for place in range(100)))

    assert len(pacing.sent) == 1
    assert free_in(pacing, at=1.0) == 0.0


def test_a_person_does_not_wait_for_the_pace_of_a_pull() -> None:
    pacing = granted(replace(FRESH, ease=0.5), 0.0, pace=Pace.CONSIDERATE)

    assert free_in(pacing, at=0.0) == pytest.approx(2 / 3)
    assert free_in(pacing, Lane.INTERACTIVE, at=0.0) == pytest.approx(CLOSEST)


def test_a_pull_leaves_an_interval_after_a_person() -> None:
    pacing = granted(granted(FRESH, 0.0, pace=Pace.CONSIDERATE), 0.3, lane=Lane.INTERACTIVE)

    assert free_in(pacing, at=0.3) == pytest.approx(CLOSEST)


def test_a_person_keeps_within_the_second_too() -> None:
    assert free_in(FIVE, Lane.INTERACTIVE, at=0.8) == pytest.approx(0.2 + SLACK, abs=1e-6)


def test_a_refusal_makes_everybody_wait() -> None:
    pacing = FIVE.refused(3.0, now=NOW + 1.0)

    assert [free_in(pacing, lane, at=1.0) for lane in Lane] == pytest.approx([3.0, 3.0])


def test_a_shorter_pause_does_not_cut_a_longer_one() -> None:
    pacing = FRESH.refused(6.0, now=NOW).refused(1.0, now=NOW + 1.0)

    assert [free_in(pacing, lane, at=1.0) for lane in Lane] == pytest.approx([5.0, 5.0])


def test_calls_refused_together_halve_the_pace_once() -> None:
    pacing = FRESH
    for place in range(4):
        pacing = pacing.refused(1.0, now=NOW + place / 10)

    assert pacing.ease == 0.5
    assert pacing.settled == 0.95


def test_refusals_after_each_pause_slow_down_to_a_least_pace() -> None:
    pacing = FRESH
    for place in range(20):
        pacing = pacing.refused(1.0, now=NOW + 2 * place)

    assert (pacing.ease, pacing.settled) == (SLOWEST, SETTLED_LEAST)


def test_the_pace_climbs_back_while_calls_succeed_and_stays_a_little_lower_for_minutes() -> None:
    pacing = FRESH.refused(1.0, now=NOW)
    eases = []
    for place in range(20):
        pacing = granted(pacing, 1.0 + place)
        eases.append(pacing.ease)

    assert eases == sorted(eases)
    assert eases[0] < 0.6
    assert eases[-1] == 1.0
    assert [pacing.bears(NOW + 1.0 + 60 * minutes) for minutes in range(4)] == pytest.approx([0.95, 0.97, 0.99, 1.0])


def test_what_the_account_bears_spaces_calls_at_either_pace() -> None:
    pacing = replace(FRESH, settled=0.8, paused_until=NOW)

    assert free_in(granted(pacing, 0.0), at=0.0) == pytest.approx(CLOSEST / 0.8)
    assert free_in(granted(pacing, 0.0, pace=Pace.CONSIDERATE), at=0.0) == pytest.approx(1 / 2.4)
    assert free_in(granted(pacing, 0.0, 0.2, 0.4, 0.6, 0.8), at=0.8) == pytest.approx((1 + SLACK) / 0.8 - 0.8, abs=1e-3)


def test_a_crowded_account_is_called_less_often_but_on_its_word_never_less_than_half_as_often() -> None:
    eases = [pacing.ease for pacing in (FRESH.crowded(), FRESH.crowded().crowded())]
    assert eases == pytest.approx([0.9, 0.81])

    pacing = FRESH
    for _ in range(30):
        pacing = pacing.crowded()
    assert pacing.ease == CROWDED_LEAST
    assert replace(FRESH, ease=0.3).crowded().ease == 0.3


def test_what_the_account_has_left_counts_every_call_that_may_still_be_in_its_second() -> None:
    pacing = granted(FRESH, 0.0, 0.35, 0.7, pace=Pace.CONSIDERATE)

    assert pacing.left_after(NOW + 1.05) == 1  # The first arrived 1.05 seconds before: perhaps it counts, perhaps not.
    assert pacing.left_after(NOW + 1.2) == 2
    assert FIVE.left_after(NOW + 1.003) < 0


def test_a_clock_that_was_set_back_leaves_nothing_to_wait_for() -> None:
    tomorrow = granted(FRESH, 86_400.0).refused(1.0, now=NOW + 86_400.0)

    believed = tomorrow.believed(NOW)

    assert [free_in(believed, lane, at=0.0) for lane in Lane] == [0.0, 0.0]
    assert believed.sent == ()
    assert FIVE.believed(NOW + FARTHEST) == FIVE


MOVES = st.lists(
    st.one_of(
        st.tuples(st.just("pass"), st.floats(0.0, 0.7)),
        st.tuples(st.just("pull"), st.sampled_from([*Pace])),
        st.tuples(st.just("person"), st.none()),
        st.tuples(st.just("refused"), st.floats(0.1, 2.0)),
        st.tuples(st.just("late"), st.floats(0.0, 0.2)),
        st.tuples(st.just("crowded"), st.none()),
    ),
    max_size=60,
)


@settings(max_examples=300, deadline=None)
@given(moves=MOVES)
def test_whoever_asks_in_whatever_order_no_second_sees_more_than_five_arrivals(moves: list) -> None:
    pacing, now, pauses = FRESH, NOW, [0.0]
    arrivals: list[Sent] = []
    for move, detail in moves:
        match move:
            case "pass":
                now += detail
            case "pull" | "person":
                lane = Lane.BULK if move == "pull" else Lane.INTERACTIVE
                now = pacing.free_at(lane, now=now)
                assert now >= max(pauses) - 1e-6
                pacing = pacing.granted(now, lane=lane, pace=detail or Pace.FULL, now=now)
                arrivals.append(Sent(moment=now))
            case "late" if arrivals:
                arrivals[-1] = replace(arrivals[-1], late=detail)
                told = {one.moment: one.late for one in arrivals}
                pacing = pacing.corrected(told)
            case "refused":
                pacing, pauses = pacing.refused(detail, now=now), [*pauses, now + detail]
            case "crowded":
                pacing = pacing.crowded()

    moments = sorted(one.arrival for one in arrivals)
    assert all(sixth - first >= 1.0 for first, sixth in zip(moments, moments[5:], strict=False))
    assert all(later.moment - sooner.moment >= CLOSEST - 1e-6 for sooner, later in pairwise(arrivals))


# Two clocks, and how long calls travel ------------------------------------------------------------------------------


def test_of_several_readings_of_two_clocks_the_quickest_is_believed() -> None:
    alignment = Alignment()
    for slowness in (0.03, 0.001, 0.2):  # Seconds between the reading of theirs and that of ours.
        alignment.note(theirs=NOW, ours=70.0 + slowness)

    assert alignment.ours(NOW + 5.0) == pytest.approx(75.001)


def heard(*seconds: float) -> Travels:
    travels = Travels()
    for one in seconds:
        travels.note(one)
    return travels


def test_what_a_call_took_longer_than_the_quickest_is_how_late_it_arrived() -> None:
    travels = heard(*[0.3] * 98, 0.34, 0.3)

    assert travels.lateness(0.34) == pytest.approx(0.04, abs=0.001)
    assert travels.lateness(0.3) == pytest.approx(0.0, abs=0.001)


def test_a_quicker_call_shows_those_before_it_to_have_been_late() -> None:
    travels = heard(*[0.33] * 50)
    assert travels.lateness(0.33) < 0.001

    travels.note(0.3)

    assert travels.lateness(0.33) == pytest.approx(0.03, abs=0.002)


def test_what_took_very_long_was_worked_on_and_did_not_travel() -> None:
    assert heard(0.3).lateness(4.0) == 0.5


def test_the_fewer_answers_were_heard_the_later_each_may_have_been() -> None:
    lateness = [heard(*[0.3, 0.32] * count).lateness(0.3) for count in (1, 5, 50)]

    assert lateness[0] > lateness[1] > lateness[2] > 0.0
    assert [heard(*[0.3] * count).lateness(0.3) for count in (1, 4)] == pytest.approx([0.1, 0.1 / 8])


def test_an_account_that_answers_more_slowly_than_before_is_not_held_to_its_best_day() -> None:
    assert heard(0.1, *[0.15] * 100).lateness(0.15) < 0.001
