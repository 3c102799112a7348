"""A sync by its own budget, on an account that others call, too, or that tells odd things about its limit."""

from collections.abc import Callable
from typing import Any

import pytest

from connections.models import AccountBudget, Sync
from connections.models.pacing import Pacing
from connections.models.sync import SyncState, Trigger
from connections.syncing.syncing import run
from sources.activecampaign.sandbox.server import SandboxServer
from sources.activecampaign.sandbox.stirring.chaos import Chaos
from sources.activecampaign.sandbox.stirring.neighbour import Neighbour
from tests.conftest import Connect
from tests.connections.engine import again

pytestmark = pytest.mark.django_db(transaction=True)

NewSandbox = Callable[..., SandboxServer]


@pytest.fixture(autouse=True)
def _as_on_a_real_site(settings: Any) -> None:
    settings.ACTIVECAMPAIGN_RATE = 5.0


def synced(sandbox: SandboxServer, connect: Connect, *, pace: str) -> Sync:
    sync = Sync.objects.start(connect(sandbox), trigger=Trigger.SCHEDULE, only=["contacts"], pace=pace)
    run(sync)
    return again(sync)


def test_what_the_account_tells_slows_a_sync_down_before_a_call_is_refused(
    new_sandbox: NewSandbox, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    slowed: list[float] = []
    crowded = Pacing.crowded

    def noted(pacing: Pacing) -> Pacing:
        slowed.append(pacing.ease)
        return crowded(pacing)

    monkeypatch.setattr(Pacing, "crowded", noted)
    beside = Chaos(seed=1, neighbour=Neighbour(rate=2.2, heeds=True))
    sandbox = new_sandbox(contacts=900, deals=0, rate=5, chaos=beside)

    sync = synced(sandbox, connect, pace="considerate")

    assert sync.state == SyncState.COMPLETE
    assert sandbox.stats()["callers"]["neighbour"]["accepted"] > 3
    assert sandbox.stats()["rejected_429"] <= 1
    assert slowed


@pytest.mark.parametrize("value", ["0", "-1", "many", "9" * 30, ""])
def test_an_odd_number_of_calls_left_stalls_no_sync(value: str, new_sandbox: NewSandbox, connect: Connect) -> None:
    sandbox = new_sandbox(contacts=600, deals=0)
    sandbox.fault(times=None, headers={"RateLimit-Remaining": value, "Retry-After": "30"})

    sync = synced(sandbox, connect, pace="full")

    assert sync.state == SyncState.COMPLETE
    assert sandbox.stats()["seconds"] < 6.0
    assert AccountBudget.objects.get().refusals == 0
