"""Single steps of the budget's arithmetic, at the very edge of each."""

import pytest

from connections.models import AccountBudget
from connections.models.pacing import FARTHEST, UNCERTAIN, Pacing, Sent
from connections.models.timing import Alignment, Travels
from sources.spec import Lane

NOW = 1000.0


def test_a_row_keeps_all_that_is_known_of_an_account() -> None:
    sent = (Sent(moment=3.0, late=0.25), Sent(moment=4.0))
    pacing = Pacing(rate=5.0, tat=1.5, ease=0.5, settled=0.75, paused_until=2.5, sent=sent)

    assert AccountBudget(**pacing.columns()).pacing(rate=5.0) == pacing


@pytest.mark.parametrize("lane", Lane)
@pytest.mark.parametrize("now", [0.0, 0.5, NOW])
def test_an_account_that_was_never_called_is_free_at_once(lane: Lane, now: float) -> None:
    assert Pacing(rate=5.0).free_at(lane, now=now) == now


@pytest.mark.parametrize("ahead", [0.0, FARTHEST])
def test_what_lies_no_farther_ahead_than_any_pause_is_believed(ahead: float) -> None:
    pacing = Pacing(rate=5.0, tat=NOW + ahead, paused_until=NOW + ahead, sent=(Sent(moment=NOW + ahead),))

    assert pacing.believed(NOW) == pacing


def test_what_lies_farther_ahead_is_forgotten_as_if_it_had_never_been() -> None:
    beyond = NOW + FARTHEST + 0.001
    pacing = Pacing(rate=5.0, tat=beyond, paused_until=beyond, sent=(Sent(moment=NOW), Sent(moment=beyond)))

    assert pacing.believed(NOW) == Pacing(rate=5.0, tat=0.0, paused_until=0.0, sent=(Sent(moment=NOW),))


def test_of_an_account_that_bears_many_calls_a_second_only_the_last_is_kept() -> None:
    pacing = Pacing(rate=25.0, sent=(Sent(moment=6.0),))

    assert pacing.granted(7.0, lane=Lane.BULK, pace="full", now=7.0).sent == (Sent(moment=7.0),)


@pytest.mark.parametrize(("now", "ease"), [(99.9, 1.0), (100.0, 1.0), (100.1, 0.5)])
def test_a_refusal_slows_down_when_the_pause_before_it_is_over(now: float, ease: float) -> None:
    assert Pacing(rate=5.0, paused_until=100.0).refused(1.0, now=now).ease == ease


@pytest.mark.parametrize(("moved", "left"), [(-0.001, 4), (0.0, 4), (0.001, 3)])
def test_a_call_counts_while_it_may_still_be_within_the_second(moved: float, left: int) -> None:
    arrived = 10.0 - 1.0 - UNCERTAIN + moved

    assert Pacing(rate=5.0, sent=(Sent(moment=arrived),)).left_after(10.0) == left


def test_clocks_are_compared_by_the_last_readings() -> None:
    alignment = Alignment()
    alignment.note(theirs=1000.0, ours=0.0)
    for _ in range(49):
        alignment.note(theirs=10.0, ours=0.0)
    assert alignment.ours(1000.0) == 0.0

    alignment.note(theirs=10.0, ours=0.0)

    assert alignment.ours(1000.0) == 990.0


def test_answers_are_compared_with_the_quickest_of_the_last_ones() -> None:
    travels = Travels()
    for seconds in [0.1, *[0.3] * 49]:
        travels.note(seconds)
    assert travels.lateness(0.3) > 0.2

    travels.note(0.3)

    assert travels.lateness(0.3) < 0.001
