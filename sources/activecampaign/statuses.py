"""What ActiveCampaign means by each status, as an error to act on."""

import re
from typing import Any

import httpx

from sources.errors import (
    AccountUnavailable,
    BadCredentials,
    RateLimited,
    SourceError,
    TemporarilyDown,
    UnexpectedAnswer,
    WrongAddress,
)
from sources.http.answer import is_web_page
from sources.http.retry import AGAIN
from sources.spec import Row

SERVICE = "ActiveCampaign"
FAILED = ("error", "fail", "failed", "failure")
NO = (0, "0", "false")  # False is 0, too.
REFUSALS = (401, 403)  # A bad key is answered with 403, mostly.


def refuses_the_key(response: httpx.Response) -> bool:
    """A 403 in the form of a web page is a firewall's, and says nothing about the key."""
    return response.status_code in REFUSALS and not _is_firewalls(response.content)


def refuses_the_stream(response: httpx.Response) -> bool:
    """What the plan lacks, or the key may not read, is answered with any of these."""
    return refuses_the_key(response) or response.status_code in (402, 404)


def blames_the_plan(response: httpx.Response) -> bool:
    """Whether a refusal speaks of the plan. It picks a sentence, and decides nothing."""
    words = response.content.lower()
    return b"upgrade" in words or b" plan" in words


def _is_firewalls(body: bytes) -> bool:
    """Cloudflare, which stands before the API, sends programs a bare number instead of its page."""
    return is_web_page(body) or body.lstrip().startswith(b"error code: 1")


def says_no_record(response: httpx.Response) -> bool:
    """Some resources answer 403 for a record that is not there, in the words that others say with 404."""
    if is_web_page(response.content):
        return False
    return response.status_code == 404 or (response.status_code == 403 and b"No Result found" in response.content)


def error_of(response: httpx.Response) -> SourceError:
    """The error for an answer that is no success."""
    status = response.status_code
    match status:
        case 401 | 403 if refuses_the_key(response):
            return BadCredentials(f"{SERVICE} did not accept this key. Copy it again from Settings > Developer.")
        case 401 | 403:
            return TemporarilyDown(f"{SERVICE} blocked our request. Try again later.", code="blocked")
        case 402:
            return AccountUnavailable(
                f"{SERVICE} says that this account has a payment problem. Settle it there, then try again."
            )
        case 404:
            return WrongAddress(
                f"Nothing that speaks {SERVICE}'s API is at this address. Copy the API URL again "
                "from Settings > Developer.",
                code="no_api",
            )
        case 429 | 503:
            return _busy(response)
        case _ if status in AGAIN or 500 <= status < 600:
            return TemporarilyDown(f"{SERVICE} had an error. Try again later.", code="server_error")
        case _ if status < 600:
            return request_refused()
        case _:  # HTTP has no such status.
            return UnexpectedAnswer(f"{SERVICE} sent an answer we couldn't read.", code="request_refused")


def request_refused() -> UnexpectedAnswer:
    return UnexpectedAnswer(f"{SERVICE} did not accept our request.", code="request_refused")


def says_failure(body: Row) -> bool:
    """Whether an answer that calls itself a success holds a refusal: some of them do."""
    is_named = any(body.get(name) for name in ("errors", "error")) or body.get("status") in FAILED
    is_numbered = any(_is_number_of_a_failure(body.get(name)) for name in ("code", "status"))
    return is_named or is_numbered or any(body.get(name, 1) in NO for name in ("succeeded", "success", "result_code"))


def _is_number_of_a_failure(value: Any) -> bool:
    """A status of HTTP, as a number or a text."""
    return bool(re.fullmatch(r"[45][0-9]{2}", str(value), re.ASCII))


def _busy(response: httpx.Response) -> RateLimited:
    seconds = response.extensions.get("wait_seconds", 1.0)
    was_asked = response.extensions.get("was_asked", False)
    rest = f" and asks us to wait {_in_words(seconds)}." if was_asked else ". Try again later."
    return RateLimited(f"{SERVICE} is busy{rest}", retry_after=seconds)


def _in_words(seconds: float) -> str:
    for unit, length in (("hour", 3600), ("minute", 60)):
        if seconds >= 2 * length:
            return f"{round(seconds / length)} {unit}s"
    return f"{round(seconds)} second{'' if round(seconds) == 1 else 's'}"
