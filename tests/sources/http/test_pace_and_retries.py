"""Waiting: before calls, when the other side is busy, and between tries."""

import socket
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from sources.errors import RateLimited
from sources.http.limits import Limits
from sources.http.retry_after import asked_seconds
from sources.http.throttle import LocalBudget
from sources.spec import Allowance, Lane
from tests.sources.http.conftest import FreeBudget, MakeRig
from tests.sources.http.scripted_server import answers, says

DATE = "Tue, 24 Nov 2026 10:00:00 GMT"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("30", 30),
        (" 30 ", 30),
        ("1", 1),
        ("0", 1),
        ("300", 300),
        ("301", 301),
        ("86401", 86400),
        ("99999999999", 86400),
        ("9" * 5000, 86400),
        ("Tue, 24 Nov 2026 10:00:42 GMT", 42),
        ("Tue, 24 Nov 2026 09:00:00 GMT", 1),
        ("Tue, 24 Nov 2026 12:00:00 GMT", 7200),
        ("Tue, 24 Nov 2099 12:00:00 GMT", 86400),
        ("-5", None),
        ("1e3", None),
        ("1.5", None),
        ("٣٠", None),
        ("30, 60", None),
        ("soon", None),
        ("", None),
        ("Tue, 99 Nov 2026 10:00:42 GMT", None),
        ("Tuesday, 24-Nov-26 10:00:42 GMT", None),
    ],
)
def test_retry_after_is_read_strictly_and_within_bounds(value: str, seconds: float | None) -> None:
    response = httpx.Response(429, headers=[(b"retry-after", value.encode()), (b"date", DATE.encode())])

    assert asked_seconds(response) == seconds


def test_a_date_without_the_servers_own_date_is_taken_from_our_clock() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)

    seconds = asked_seconds(httpx.Response(429, headers={"retry-after": soon}))

    assert seconds is not None
    assert 80 < seconds <= 100


def test_a_server_whose_clock_is_off_by_a_year_is_still_understood() -> None:
    headers = {"retry-after": "Tue, 24 Nov 2020 10:00:10 GMT", "date": "Tue, 24 Nov 2020 10:00:00 GMT"}

    assert asked_seconds(httpx.Response(429, headers=headers)) == 10


@dataclass
class HearingBudget(FreeBudget):
    """Learns from answers."""

    heard: list[Allowance | None] = field(default_factory=list)
    ago: list[float] = field(default_factory=list)

    def answered(self, allowance: Allowance | None = None, *, ago: float = 0.0) -> None:
        self.heard.append(allowance)
        self.ago.append(ago)


def test_everybody_is_slowed_down_by_a_busy_answer(make_rig: MakeRig) -> None:
    rig = make_rig(answers(b"", status=429, headers=[("Retry-After", "30")]), answers({}))

    assert rig.get().status_code == 200
    assert rig.budget.slowed == [30]
    assert rig.slept == [0]  # The budget makes everybody wait, this caller too.


def test_busy_answers_without_seconds_slow_down_more_and_more(make_rig: MakeRig) -> None:
    busy = answers(b"", status=429)
    rig = make_rig(busy, busy, busy, answers({}), busy, answers({}))

    rig.get()
    rig.get()

    assert rig.budget.slowed == [2, 4, 8, 2]


def test_seconds_on_a_good_answer_mean_nothing(make_rig: MakeRig) -> None:
    rig = make_rig(answers({}, headers=[("Retry-After", "30"), ("RateLimit-Remaining", "0")]))

    rig.get()

    assert rig.budget.slowed == []


TOLD: list[tuple[dict[str, str], Allowance | None]] = [
    ({}, None),
    ({"RateLimit-Remaining": "3"}, Allowance(remaining=3)),
    ({"RateLimit-Limit": "5", "RateLimit-Remaining": "0"}, Allowance(remaining=0, limit=5)),
    ({"RateLimit-Limit": "1000", "RateLimit-Remaining": " 999 "}, Allowance(remaining=999, limit=1000)),
    ({"RateLimit-Limit": "5"}, None),
    ({"RateLimit-Limit": "five", "RateLimit-Remaining": "3"}, Allowance(remaining=3)),
    *(({"RateLimit-Remaining": value}, None) for value in ("", "-1", "1.5", "1e3", "some", "3, 4", "9" * 30)),
]


@pytest.mark.parametrize(("headers", "told"), TOLD)
def test_what_an_answer_tells_about_the_limit_is_read_strictly(
    headers: dict[str, str], told: Allowance | None, make_rig: MakeRig
) -> None:
    budget = HearingBudget()
    rig = make_rig(answers({}, headers=[*headers.items()]), budget=budget)

    rig.get()

    assert budget.heard == [told]


def test_how_long_a_body_takes_to_be_read_is_not_counted_as_the_way_of_the_call(make_rig: MakeRig) -> None:
    def slowly(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
        time.sleep(0.8)
        connection.sendall(b"{}")

    budget = HearingBudget()
    rig = make_rig(slowly, budget=budget)

    rig.get()

    assert budget.ago[0] > 0.25


@pytest.mark.parametrize("status", [429, 503, 403, 404, 500])
def test_a_refusal_tells_a_budget_nothing_about_how_long_calls_travel(status: int, make_rig: MakeRig) -> None:
    budget = HearingBudget()
    rig = make_rig(answers(b"", status=status, headers=[("RateLimit-Remaining", "0")]), answers({}), budget=budget)

    rig.get()

    assert budget.heard == [None] * (status not in (403, 404))


def test_a_pull_outlasts_429_for_a_quarter_of_an_hour(make_rig: MakeRig) -> None:
    rig = make_rig(answers(b"", status=429, headers=[("Retry-After", "100")]))

    response = rig.get()

    assert response.status_code == 429
    assert len(rig.server.heard) == 10  # Nine waits of 100 seconds are the quarter; the tenth is one too many.


@pytest.mark.parametrize("status", [429, 503])
def test_a_wait_of_more_than_five_minutes_ends_the_call_and_holds_others_back_for_five(
    status: int, make_rig: MakeRig
) -> None:
    rig = make_rig(answers(b"", status=status, headers=[("Retry-After", "7200")]), answers({}))

    response = rig.get()

    assert (response.status_code, response.extensions["wait_seconds"]) == (status, 7200)
    assert rig.budget.slowed == [300]
    assert len(rig.server.heard) == 1


@pytest.mark.parametrize("status", [408, 425, 500, 502, 503, 504, 509, 511, 520, 527, 530, 598])
def test_a_pull_tries_a_fault_three_times_more(status: int, make_rig: MakeRig) -> None:
    rig = make_rig(answers(b"", status=status))

    assert rig.get().status_code == status
    assert len(rig.server.heard) == 4


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 410, 418, 422, 451, 501, 999])
def test_a_pull_does_not_repeat_what_is_final(status: int, make_rig: MakeRig) -> None:
    rig = make_rig(answers(b"", status=status))

    assert rig.get().status_code == status
    assert len(rig.server.heard) == 1


def test_the_pauses_between_tries_grow_and_differ(make_rig: MakeRig) -> None:
    rig = make_rig(answers(b"", status=500))

    for _ in range(20):
        rig.get()

    first, third = rig.slept[0::3], rig.slept[2::3]
    assert max(first) <= 1
    assert max(third) <= 4
    assert len(set(first)) > 1


@pytest.mark.parametrize("status", [429, 503, 500])
def test_a_person_is_told_at_once(status: int, make_rig: MakeRig) -> None:
    rig = make_rig(answers(b"", status=status, headers=[("Retry-After", "7")]), lane=Lane.INTERACTIVE)

    response = rig.get()

    assert len(rig.server.heard) == 1
    assert response.extensions.get("wait_seconds") == (None if status == 500 else 7)


def test_a_person_waits_for_one_more_connection_attempt_only(make_rig: MakeRig) -> None:
    tried: list[str] = []

    def dial(address: str, port: int) -> tuple[str, int]:
        tried.append(address)
        return "127.0.0.1", 1

    rig = make_rig(answers({}), lane=Lane.INTERACTIVE, dial=dial, limits=Limits(connect=1))
    with pytest.raises(Exception, match="did not answer"):
        rig.get()

    assert len(tried) == 2


def test_a_cut_answer_is_not_repeated_for_a_person(make_rig: MakeRig) -> None:
    rig = make_rig(says(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{"), lane=Lane.INTERACTIVE)

    with pytest.raises(Exception, match="cut off"):
        rig.get()

    assert len(rig.server.heard) == 1


def test_every_try_takes_a_call_from_the_budget(make_rig: MakeRig) -> None:
    rig = make_rig(answers(b"", status=500), answers({}))

    rig.get()

    assert rig.budget.taken == [Lane.BULK, Lane.BULK]


class Clock:
    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def test_a_local_budget_spaces_calls_evenly() -> None:
    clock = Clock()
    budget = LocalBudget(5, clock=clock, sleep=clock.sleep)

    for _ in range(6):
        budget.take(Lane.BULK)

    assert clock.now == pytest.approx(101.0)


def test_an_idle_local_budget_saves_nothing_up() -> None:
    clock = Clock()
    budget = LocalBudget(5, clock=clock, sleep=clock.sleep)
    clock.now += 60

    budget.take(Lane.BULK)
    budget.take(Lane.BULK)

    assert clock.slept == [pytest.approx(0.2)]


def test_a_slowed_local_budget_makes_pulls_wait_and_tells_people() -> None:
    clock = Clock()
    budget = LocalBudget(5, clock=clock, sleep=clock.sleep)
    budget.slow_down(30)

    with pytest.raises(RateLimited) as told:
        budget.take(Lane.INTERACTIVE)
    budget.take(Lane.BULK)

    assert told.value.retry_after == pytest.approx(30)
    assert clock.slept == [pytest.approx(30)]


def test_threads_share_a_local_budget_without_taking_a_call_twice() -> None:
    frozen = Clock()
    waits: list[float] = []
    budget = LocalBudget(10, clock=frozen, sleep=waits.append)
    threads = [threading.Thread(target=budget.take, args=(Lane.BULK,)) for _ in range(20)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(waits) == pytest.approx([n / 10 for n in range(1, 20)])
