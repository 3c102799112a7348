"""Seeded days of an account, refreshed by what changed and what comes along; `make bench` has five hundred."""

from collections.abc import Callable

import pytest

from sources.activecampaign.sandbox.server import SandboxServer
from tests.bench.refreshes import CONTACTS, DEALS, Day, pulled_by
from tests.conftest import Connect

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_limit", "no_pauses")]


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The waits before asking again are left out; that it is asked again is not."""
    monkeypatch.setattr("sources.http.retry._jitter", lambda state: 0.0)


@pytest.mark.parametrize("first", [1, *(pytest.param(first, marks=pytest.mark.scale) for first in range(6, 26, 5))])
def test_each_refresh_shows_what_it_promises_and_each_whole_walk_shows_all(
    new_sandbox: Callable[..., SandboxServer], connect: Connect, first: int
) -> None:
    breaches = {}
    for seed in range(first, first + 5):
        sandbox = new_sandbox(seed=seed, contacts=CONTACTS, deals=DEALS)
        connection = connect(sandbox)
        connection.stream_keys = [*pulled_by(seed)]
        connection.save(update_fields=["stream_keys"])
        breaches[seed] = Day(seed, sandbox, connection).live()

    assert not any(breaches.values()), breaches
