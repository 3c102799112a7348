"""One client for one account, built from the four transports."""

import ssl
import time
from collections.abc import Callable, Mapping

import httpx
from django.conf import settings

from sources.http.answer import json_object
from sources.http.dialling import Dial, dial_directly
from sources.http.failures import Failures
from sources.http.guard import Allowed, Guard
from sources.http.limits import BULK, Limits
from sources.http.lookup import Resolve, ask_resolver
from sources.http.retry import Inspect, Retry, Sleep
from sources.http.throttle import Throttle
from sources.http.waiting import StillWanted, always
from sources.http.wire import Wire, host_and_port, strict_tls
from sources.spec import Budget, Lane, Secret

USER_AGENT = "BlinkMetrics-Connections"


def polite_client(
    *,
    base_url: str,
    service: str,
    allowed: Allowed,
    budget: Budget,
    lane: Lane,
    secret_headers: Mapping[str, Secret],
    limits: Limits = BULK,
    seconds: float | None = None,
    exempt: frozenset[str] = frozenset(),
    sleep: Sleep = time.sleep,
    resolve: Resolve = ask_resolver,
    dial: Dial = dial_directly,
    tls: ssl.SSLContext | None = None,
    still_wanted: StillWanted = always,
    wire: httpx.BaseTransport | None = None,
    wait_for_room: Callable[[int], None] = lambda size: None,
) -> httpx.Client:
    """A client that waits its turn, asks again where that helps, and raises only SourceError.

    The JSON object of a 2xx answer is in its extension `json`. `seconds` bounds all of the client's calls together.
    `exempt` are origins that need neither https nor a public address. What `still_wanted` raises gives up what is under
    way, within half a second. A `wire` stands in for the network and all that is said of it here. `wait_for_room` is
    called before an answer of so many bytes is read into what it says, which takes several times as much.
    """
    failures = Failures(service)
    wire = wire or Wire(
        failures=failures,
        limits=limits,
        exempt=frozenset(map(host_and_port, exempt)),
        ends_at=float("inf") if seconds is None else time.monotonic() + seconds,
        resolve=resolve,
        dial=dial,
        tls=tls or strict_tls(settings.OUTGOING_CA_FILE),
        still_wanted=still_wanted,
        proxy=settings.OUTGOING_PROXY,
    )
    guard = Guard(wire, allowed=allowed, failures=failures, exempt=exempt, secret_headers=secret_headers)
    throttle = Throttle(guard, budget=budget, lane=lane)
    return httpx.Client(
        base_url=base_url,
        headers={"accept": "application/json", "accept-encoding": "gzip", "user-agent": USER_AGENT},
        transport=Retry(throttle, lane=lane, inspect=_keep_json(failures, wait_for_room), sleep=sleep),
        trust_env=False,
        follow_redirects=False,
        event_hooks={"response": [_out_of_its_circle]},
    )


def _out_of_its_circle(response: httpx.Response) -> None:
    """It was read, and is tied to its stream: all that it says would stay until garbage is looked for."""
    response.stream = httpx.ByteStream(b"")


def _keep_json(failures: Failures, wait_for_room: Callable[[int], None]) -> Inspect:
    def inspect(response: httpx.Response) -> None:
        wait_for_room(len(response.content))
        response.extensions["json"] = json_object(response, failures=failures)

    return inspect
