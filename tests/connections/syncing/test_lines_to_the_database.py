"""How many lines to the database a worker needs, however many calls are under way."""

import threading
from collections import Counter
from typing import Any

import pytest
from django.db.backends.signals import connection_created

from connections.models import Sync
from connections.models.sync import SyncState, Trigger
from connections.syncing.working import SIDE_BY_SIDE, Worker
from sources.activecampaign.sandbox.server import SandboxServer
from tests.conftest import Connect

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_limit")]
MOST = 24


def test_eight_syncs_open_two_lines_each_and_one_for_all_their_leases(
    new_sandbox: type[SandboxServer], connect: Connect
) -> None:
    opened: list[str] = []

    def note(**signal: Any) -> None:
        opened.append(threading.current_thread().name)

    for number in range(SIDE_BY_SIDE):
        sandbox = new_sandbox(contacts=300, deals=0, latency_ms=50, seed=number + 1)
        Sync.objects.queue(connect(sandbox, name=f"Account {number}"), trigger=Trigger.FIRST, only=["contacts"])
    connection_created.connect(note)
    try:
        Worker().serve_once()
    finally:
        connection_created.disconnect(note)

    assert {sync.state for sync in Sync.objects.all()} == {SyncState.COMPLETE}
    kinds = Counter(name.split("_")[0] for name in opened)
    assert kinds["fetch"] == 0
    assert kinds["dispatch"] == SIDE_BY_SIDE
    assert kinds["sync"] + kinds["dispatch"] + 2 <= MOST
