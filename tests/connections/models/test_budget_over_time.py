"""Minutes of pulling from an account that judges arrivals, simulated: nobody is refused who need not be."""

import pytest

from connections.models import AccountBudget, budget
from sources.spec import Allowance
from tests.connections.models.simulated_account import Account, Time

pytestmark = pytest.mark.django_db

FIRST_MINUTE = 60.0


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    time = Time()
    monkeypatch.setattr(budget, "Clock", time.database)
    return time


def telling(remaining: int) -> Allowance:
    """As the sandbox and the documentation say it."""
    return Allowance(remaining=max(0, remaining), limit=5)


@pytest.mark.parametrize("latency", [0.02, 0.3, 0.8])
def test_at_full_pace_the_budget_is_full_and_no_call_is_refused(time: Time, latency: float) -> None:
    account = Account(time=time, latency=latency)
    account.pull(calls=200, pace="full")

    time.run()

    assert account.refused() == 0
    assert account.rate_of() > 4.93


@pytest.mark.parametrize(("jitter", "noise"), [(0.02, 0.001), (0.1, 0.001), (0.1, 0.01)])
@pytest.mark.parametrize("pace", ["full", "considerate"])
def test_calls_that_travel_unevenly_are_not_refused_either(time: Time, pace: str, jitter: float, noise: float) -> None:
    account = Account(time=time, jitter=jitter, noise=noise)
    account.pull(calls=400, pace=pace)

    time.run()

    assert account.count()[False] <= 1
    assert account.refused(since=FIRST_MINUTE) == 0
    assert account.rate_of() > (4.3 if pace == "full" else 2.9)


def test_answers_that_come_too_late_to_learn_from_cost_few_refusals(time: Time) -> None:
    account = Account(time=time, jitter=0.1, latency=1.4)
    account.pull(calls=500, pace="full")

    time.run()

    assert account.refused(since=FIRST_MINUTE) <= 0.02
    assert account.rate_of() > 3.8


@pytest.mark.parametrize(("processes", "noise"), [(4, 0.0), (8, 0.005)])
def test_processes_share_an_account_evenly_and_as_fast_as_one(time: Time, processes: int, noise: float) -> None:
    account = Account(time=time, noise=noise)
    names = [f"pull {number}" for number in range(processes)]
    for name in names:
        account.pull(calls=320 // processes, pace="full", name=name)

    time.run()

    over = min(max(at for at, who, _ in account.arrivals if who == name) for name in names)
    shares = [sum(at <= over for at, who, _ in account.arrivals if who == name) for name in names]
    assert sum(account.count(name)[False] for name in names) == 0
    assert min(shares) * processes >= 0.7 * sum(shares)
    moments = [at for at, _, _ in account.arrivals]
    assert (len(moments) - 1) / (moments[-1] - moments[0]) > 4.75


def test_a_polite_neighbour_is_hardly_ever_refused_at_the_considerate_pace(time: Time) -> None:
    account = Account(time=time, tells=telling)
    account.pull(calls=300, pace="considerate")
    account.neighbour(rate=0.5, heeds=True, seconds=100.0)

    time.run()

    assert account.refused("neighbour") <= 0.1
    assert account.refused() <= 0.01
    assert account.rate_of() > 2.7


def test_beside_a_neighbour_a_full_pull_finds_the_pace_at_which_both_get_on(time: Time) -> None:
    account = Account(time=time, tells=telling)
    account.pull(calls=600, pace="full")
    account.neighbour(rate=0.5, heeds=True, seconds=200.0)

    time.run()

    assert account.refused() < 0.03
    assert account.refused("neighbour") < 0.2
    assert account.rate_of() > 3.0


def test_what_the_account_tells_spares_refusals(time: Time) -> None:
    told = Account(time=time, tells=telling)
    told.pull(calls=300, pace="full")
    told.neighbour(rate=2.0, heeds=True, seconds=150.0)
    time.run()
    AccountBudget.objects.all().delete()
    untold = Account(time=time)
    untold.pull(calls=300, pace="full")
    untold.neighbour(rate=2.0, heeds=True, seconds=150.0)
    time.run()

    assert told.count()[False] < untold.count()[False]


def test_beside_a_neighbour_that_heeds_nothing_every_call_is_made_in_the_end(time: Time) -> None:
    account = Account(time=time)
    account.pull(calls=60, pace="full")
    account.neighbour(rate=12.0, heeds=False, seconds=600.0)

    time.pass_until(time.now + 600.0)

    assert account.count()[True] == 60


def test_a_person_waits_less_than_half_a_second_beside_a_full_pull(time: Time) -> None:
    account = Account(time=time)
    account.pull(calls=300, pace="full")
    waits = account.person(presses=30, between=1.0)

    time.run()

    assert len(waits) == 90
    assert max(waits) < 0.5


def test_twenty_people_do_not_keep_a_pull_from_every_second_call(time: Time) -> None:
    account = Account(time=time)
    account.pull(calls=150, pace="full")
    for number in range(20):
        account.person(presses=30, between=0.05, name=f"person {number}")

    time.pass_until(time.now + 60.0)

    assert account.rate_of() >= 2.2
    assert account.refused() == 0


@pytest.mark.parametrize("pace", ["full", "considerate"])
def test_an_account_that_says_none_left_with_every_answer_delays_a_pull_by_little(time: Time, pace: str) -> None:
    account = Account(time=time, tells=lambda remaining: Allowance(remaining=0))
    account.pull(calls=200, pace=pace)

    time.run()

    assert account.rate_of() > (4.5 if pace == "full" else 2.4)
