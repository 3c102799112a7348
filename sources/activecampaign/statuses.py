"""What ActiveCampaign means by each status, as an error to act on."""

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

SERVICE = "ActiveCampaign"
REFUSALS = (401, 403)  # A bad key is answered with 403, mostly.


def refuses_the_key(response: httpx.Response) -> bool:
    """A 403 in the form of a web page is a firewall's, and says nothing about the key."""
    return response.status_code in REFUSALS and not is_web_page(response.content)


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
        case _:
            return UnexpectedAnswer(f"{SERVICE} did not accept our request.", code="request_refused")


def _busy(response: httpx.Response) -> RateLimited:
    seconds = response.extensions.get("wait_seconds", 1.0)
    unit = "second" if round(seconds) == 1 else "seconds"
    return RateLimited(f"{SERVICE} is busy and asks us to wait {round(seconds)} {unit}.", retry_after=seconds)
