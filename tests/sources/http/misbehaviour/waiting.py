"""Rows 45 to 57, 74 and 75: accounts that are closed, busy or out of order, and clocks that jump."""

import time
from collections.abc import Callable
from typing import Any

from sources.errors import AccountUnavailable, RateLimited, TemporarilyDown, WrongAddress
from tests.sources.http.misbehaviour.answering import PAGE
from tests.sources.http.misbehaviour.case import CONTACTS, Case, Cases
from tests.sources.http.scripted_server import Step, answers

UNPAID = "ActiveCampaign says that this account has a payment problem. Settle it there, then try again."
NO_API = (
    "Nothing that speaks ActiveCampaign's API is at this address. Copy the API URL again from Settings > Developer."
)
OUT_OF_ORDER = "ActiveCampaign had an error. Try again later."

DATE = ("Date", "Tue, 24 Nov 2026 10:00:00 GMT")
A_YEAR_AGO = ("Date", "Tue, 25 Nov 2025 10:00:00 GMT")

out_of_order: dict[str, Any] = {"error": TemporarilyDown, "code": "server_error", "says": OUT_OF_ORDER, "requests": 4}


def busy(*headers: tuple[str, str], status: int = 429) -> Step:
    return answers({"message": "Too Many Requests"}, status=status, headers=headers)


def asking(value: str, *more: tuple[str, str], status: int = 429) -> Step:
    return busy(("Retry-After", value), *more, status=status)


def wait_of(seconds: str) -> dict[str, Any]:
    says = f"ActiveCampaign is busy and asks us to wait {seconds}."
    return {"error": RateLimited, "code": "rate_limited", "says": says}


def jumping(seconds: float) -> Callable[[], float]:
    """A clock that leaps with each look at it."""
    looks = [0]
    true = time.time

    def now() -> float:
        looks[0] += 1
        return true() + seconds * looks[0]

    return now


CLOSED: Cases = (
    Case(row=45, does="is unpaid", by="test", script=(answers({}, status=402),), requests=1, error=AccountUnavailable,
         says=UNPAID),
    Case(row=45, does="is unpaid", script=(answers({}, status=402),), requests=4, error=AccountUnavailable,
         says=UNPAID),
    Case(row=45, does="is not there", by="test", script=(answers(PAGE, status=404),), requests=1, error=WrongAddress,
         code="no_api", says=NO_API),
    Case(row=59, does="names nobody", by="test", script=(answers({"user": None}),), requests=1, error=WrongAddress,
         code="not_the_api", says="What answered at this address is not ActiveCampaign's API. Copy the API URL again "
         "from Settings > Developer."),
)  # fmt: skip

BUSY: Cases = (
    Case(row=47, does="asks for 30 seconds", script=(asking("30"),), recovers=True, requests=2, slowed=(30,)),
    Case(row=47, does="asks for 30 seconds", by="test", script=(asking("30"),), requests=1, slowed=(30,),
         **wait_of("30 seconds")),
    Case(row=48, does="asks for no number of seconds", script=(busy(),) * 3, recovers=True, requests=4,
         slowed=(2, 4, 8)),
    *(
        Case(row=row, does=f"asks for {value!r}", script=(asking(value, DATE),), recovers=True, requests=2,
             slowed=(seconds,))
        for row, value, seconds in (
            (49, "Tue, 24 Nov 2026 10:00:42 GMT", 42),
            (49, "Tue, 24 Nov 2026 10:05:00 GMT", 300),
            (50, "Tue, 24 Nov 2026 09:00:00 GMT", 1),
            (50, "0", 1),
            (50, "-5", 2),
            (50, "٣٠", 2),
            (51, "1e3", 2),
            (51, "soon", 2),
            (51, "30, 60", 2),
        )
    ),
    *(
        Case(row=row, does=f"asks for {value!r}", script=(asking(value, DATE, status=status),), requests=1,
             slowed=(300,), **wait_of(words))
        for row, value, words in (
            (51, "99999999999", "24 hours"),
            (51, "7200", "2 hours"),
            (49, "Tue, 24 Nov 2026 10:30:00 GMT", "30 minutes"),
        )
        for status in (429, 503)
    ),
    Case(row=52, does="says that nothing remains", requests=1, slept=0,
         script=(answers(CONTACTS, headers=[("RateLimit-Remaining", "0"), ("Retry-After", "30")]),)),
    Case(row=52, does="says that very much remains", requests=1, slept=0,
         script=(answers(CONTACTS, headers=[("RateLimit-Limit", "1000"), ("RateLimit-Remaining", "9" * 30)]),)),
    Case(row=53, does="is busy for ever", script=(asking("100"),), requests=10, slowed=(100,) * 10,
         **wait_of("100 seconds")),
)  # fmt: skip

BROKEN: Cases = (
    *(
        Case(row=54, does=f"answers {status}", script=(answers(b"", status=status),), **out_of_order)
        for status in (500, 502, 504)
    ),
    Case(row=54, does="answers 500 once", script=(answers(b"", status=500),), recovers=True, requests=2),
    Case(row=54, does="answers 500", by="test", script=(answers(b"", status=500),), **(out_of_order | {"requests": 1})),
    Case(row=55, does="answers 503", script=(busy(status=503),), requests=4, slowed=(2, 4, 8, 16),
         error=RateLimited, code="rate_limited", says="ActiveCampaign is busy. Try again later."),
    Case(row=55, does="answers 503 with seconds", script=(asking("7", status=503),), requests=4, slowed=(7,) * 4,
         **wait_of("7 seconds")),
    Case(row=55, does="answers 503 once", script=(busy(status=503),), recovers=True, requests=2, slowed=(2,)),
    *(
        Case(row=56, does=f"answers {status}", script=(answers(PAGE, status=status),), **out_of_order)
        for status in (*range(520, 528), 530)
    ),
)  # fmt: skip

CLOCKS: Cases = (
    *(
        Case(row=74, does=f"sees our clock leap by {seconds / 86400:+} days", script=(asking("30"),), recovers=True,
             requests=2, slowed=(30,), patches={"time.time": jumping(seconds)})
        for seconds in (86400, -86400)
    ),
    Case(row=75, does="lives a year ago", script=(asking("Tue, 25 Nov 2025 10:00:10 GMT", A_YEAR_AGO),), recovers=True,
         requests=2, slowed=(10,)),
)  # fmt: skip

WAITING: Cases = (*CLOSED, *BUSY, *BROKEN, *CLOCKS)
