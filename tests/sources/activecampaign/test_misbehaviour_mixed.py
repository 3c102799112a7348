"""Mishaps mixed at will, in any order and at any call: no row is lost, and the walk comes to an end."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sources.activecampaign.client import open_line
from sources.activecampaign.sandbox.server import SandboxServer
from sources.activecampaign.streams import STREAMS
from sources.errors import SourceError
from sources.spec import Credentials, Wanted
from tests.sources.activecampaign.conftest import FreeBudget

STREAM = {stream.key: stream for stream in STREAMS}
MISHAPS: list[dict[str, Any]] = [
    {"kind": "busy"},
    {"kind": "down"},
    {"kind": "forbidden", "times": 2},
    {"kind": "web_page"},
    {"kind": "empty", "times": 2},
    {"status": 500, "times": 4},
    {"status": 522, "body": "<html>"},
    {"status": 429, "headers": {"Retry-After": "7200"}},
    {"cut": "length", "times": 3},
    {"cut": "bare"},
    {"cut": "unanswered"},
    {"envelope": "null", "times": 2},
    {"total": 0, "times": 3},
    {"total": 10**12, "times": 3},
    {"same_page": True},
    {"duplicates": 7},
    {"ids": "numbers", "times": 3},
    {"headers": {"Retry-After": "30", "RateLimit-Remaining": "0"}},
]
mishaps = st.builds(
    lambda mishap, path, skip: mishap | {"path": path, "skip": skip},
    st.sampled_from(MISHAPS),
    st.sampled_from(["contacts", "deals", "*"]),
    st.integers(0, 4),
)
MOST_TRIES = 40


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mixture=st.lists(mishaps, max_size=6))
@example(mixture=[{"same_page": True, "path": "deals", "skip": 1}, {"duplicates": 7, "path": "deals", "skip": 0}])
def test_whatever_happens_in_whatever_order_no_row_is_lost_and_the_end_is_reached(
    mixture: list[dict[str, Any]], account: SandboxServer, credentials: Credentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sources.http.retry._jitter", lambda state: 0.0)
    account.clear_faults()
    for mishap in mixture:
        account.fault(**mishap)
    kept: dict[str, set[str]] = {"contacts": set(), "deals": set()}
    left: dict[str, Any] = dict.fromkeys(kept)

    for _ in range(MOST_TRIES):
        try_once(credentials, kept, left)
        if not left:
            break

    assert not left
    assert kept == {key: set(account.world.ids(key)) for key in kept}


def try_once(credentials: Credentials, kept: dict[str, set[str]], left: dict[str, Any]) -> None:
    """One try as a sync makes it: rows and cursors are kept together, a stream that failed begins anew."""
    wanted = [Wanted(stream=STREAM[key], cursor=cursor) for key, cursor in left.items()]
    with suppress(SourceError), open_line(credentials, budget=FreeBudget()) as line:
        for pulled in line.pull(wanted):
            key, page = pulled.stream.key, pulled.page
            left[key] = page.cursor if page else None
            kept[key].update(page.rows if page else ())
            if pulled.is_over and page and page.seam_proven:
                del left[key]
