"""Waits for the account's budget before each call, and slows everybody down when the account says so."""

import threading
import time
from collections.abc import Callable

import httpx

from sources.errors import NoCallFree
from sources.http.allowance import told_allowance
from sources.http.retry_after import asked_seconds
from sources.spec import Budget, Lane, WatchfulBudget

BUSY = (429, 503)  # ActiveCampaign and others answer 503 at the limit as well.
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 60.0
LONGEST_WAIT = 300.0  # Seconds for which everybody is held back; a longer wait is an outage, and each pull ends at it.
PERSON_WAITS = 10.0  # Seconds after which a person is better told than kept waiting.


class Throttle(httpx.BaseTransport):
    """Leaves in a busy answer's extensions the `wait_seconds`, and whether these were what it asked (`was_asked`)."""

    def __init__(self, inner: httpx.BaseTransport, *, budget: Budget, lane: Lane) -> None:
        self._inner = inner
        self._budget = budget
        self._lane = lane
        self._pause = FIRST_PAUSE

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._budget.take(self._lane)
        response = self._inner.handle_request(request)
        if response.status_code in BUSY:
            asked = asked_seconds(response)
            seconds = asked or self._growing_pause()
            self._budget.slow_down(min(seconds, LONGEST_WAIT))
            response.extensions |= {"wait_seconds": seconds, "was_asked": asked is not None}
        else:
            self._pause = FIRST_PAUSE
        # Refusals are answered at once, by whoever stands in front: they tell nothing about how long calls travel.
        if response.is_success and isinstance(self._budget, WatchfulBudget):
            ago = time.monotonic() - response.extensions["began"] if "began" in response.extensions else 0.0
            self._budget.answered(told_allowance(response), ago=ago)
        return response

    def close(self) -> None:
        self._inner.close()

    def _growing_pause(self) -> float:
        pause = self._pause
        self._pause = min(LONGEST_PAUSE, pause * 2)
        return pause


class LocalBudget:
    """A budget of one process: `rate` calls a second, evenly spaced (GCRA). Safe between threads."""

    def __init__(
        self,
        rate: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._spacing = 1.0 / rate
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._next_free = clock()

    def take(self, lane: Lane) -> None:
        """Wait for the next free call. Raises NoCallFree when a person would wait for long."""
        with self._lock:
            now = self._clock()
            wait = max(0.0, self._next_free - now)
            if lane is Lane.INTERACTIVE and wait > PERSON_WAITS:
                raise NoCallFree(f"The account is busy. Try again in {wait:.0f} seconds.", retry_after=wait)
            self._next_free = max(self._next_free, now) + self._spacing
        if wait:
            self._sleep(wait)

    def slow_down(self, seconds: float) -> None:
        with self._lock:
            self._next_free = max(self._next_free, self._clock() + seconds)
