"""Asks again where that helps: patiently for a pull, hardly at all while a person waits."""

import time
from collections.abc import Callable

import httpx
from tenacity import RetryCallState, Retrying, wait_random_exponential

from sources.errors import SourceError, TemporarilyDown
from sources.http.throttle import BUSY, LONGEST_WAIT
from sources.spec import Lane

FINAL = {501, 505}  # Of the faults of a server: it does not know what was asked for, and will not in a minute.
AGAIN = frozenset({408, 425, 429, *range(500, 600)}) - FINAL
MOST_RETRIES = 3
MOST_WAITING = 15 * 60.0  # Seconds that 429 may cost one call before it counts as a failure.
RETRIES_BY_CODE = {
    "deadline": 1,  # Each try costs the whole time limit.
    "read_timeout": 1,
    "tls_handshake": 1,
    "empty_answer": 1,
    "protocol": 1,
    "encoding": 1,
    "not_json": 1,
    "odd_text": 1,
    "web_page": 0,  # Maintenance takes longer than any retry.
}

Inspect = Callable[[httpx.Response], None]
Sleep = Callable[[float], None]


class Retry(httpx.BaseTransport):
    """`inspect` may refuse a 2xx answer by raising SourceError; it is then asked for again like any other failure."""

    def __init__(self, inner: httpx.BaseTransport, *, lane: Lane, inspect: Inspect, sleep: Sleep = time.sleep) -> None:
        self._inner = inner
        self._lane = lane
        self._inspect = inspect
        self._sleep = sleep

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        patience = PullPatience() if self._lane is Lane.BULK else PersonPatience()
        attempts = Retrying(
            retry=patience.wants_more,
            stop=patience.is_at_an_end,
            wait=_pause,
            sleep=self._sleep,
            retry_error_callback=_last_outcome,
        )
        response: httpx.Response = attempts(self._ask, request)
        return response

    def close(self) -> None:
        self._inner.close()

    def _ask(self, request: httpx.Request) -> httpx.Response:
        response = self._inner.handle_request(request)
        if response.is_success:
            self._inspect(response)
        return response


class PullPatience:
    """Nobody waits: try up to three times more, and outlast any 429 for a quarter of an hour."""

    def __init__(self) -> None:
        self._failures = 0
        self._waited = 0.0

    def wants_more(self, state: RetryCallState) -> bool:
        error, response = _outcome(state)
        if response is not None:
            return response.status_code in AGAIN
        return isinstance(error, TemporarilyDown) or _code(error) in RETRIES_BY_CODE

    def is_at_an_end(self, state: RetryCallState) -> bool:
        error, response = _outcome(state)
        wait = response.extensions.get("wait_seconds", 1.0) if response is not None else 0.0
        if wait > LONGEST_WAIT:
            return True
        if response is not None and response.status_code == 429:
            self._waited += wait
            return self._waited > MOST_WAITING
        self._failures += 1
        return self._failures > RETRIES_BY_CODE.get(_code(error), MOST_RETRIES)


class PersonPatience:
    """A person waits: once more when no connection came about; anything else they are told at once."""

    def wants_more(self, state: RetryCallState) -> bool:
        error, _ = _outcome(state)
        return _code(error) in ("no_connection", "dns_temporary")

    def is_at_an_end(self, state: RetryCallState) -> bool:
        return state.attempt_number > 1


_jitter = wait_random_exponential(multiplier=1, max=60)


def _pause(state: RetryCallState) -> float:
    """Full jitter; nothing after a busy answer, since the throttle already makes everybody wait."""
    _, response = _outcome(state)
    if response is not None and response.status_code in BUSY:
        return 0.0
    return _jitter(state)


def _outcome(state: RetryCallState) -> tuple[BaseException | None, httpx.Response | None]:
    outcome = state.outcome
    if outcome is None or outcome.failed:
        return (outcome.exception() if outcome else None), None
    return None, outcome.result()


def _code(error: BaseException | None) -> str:
    return error.code if isinstance(error, SourceError) else ""


def _last_outcome(state: RetryCallState) -> httpx.Response:
    error, response = _outcome(state)
    if response is None:
        raise error or RuntimeError("a call without an outcome")
    return response
