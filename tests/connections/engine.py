"""How the tests of the engine queue, run and disturb syncs."""

import threading
from collections.abc import Callable
from typing import Any

from django.db import connections
from django.utils import timezone

from connections.models import Connection, Sync
from connections.models.sync import Trigger
from connections.syncing.syncing import run
from sources.activecampaign.sandbox.answering.answers import Call
from sources.activecampaign.sandbox.server import SandboxServer
from sources.spec import Row
from tests.storing import store_page


def pull(connection: Connection, *, trigger: str = Trigger.SCHEDULE, **wanted: Any) -> Sync:
    """Queue a sync, claim and run it; returns what became of it."""
    sync = Sync.objects.start(connection, trigger=trigger, **wanted)
    run(sync)
    return again(sync)


def again(row: Any) -> Any:
    """The row as it is stored now."""
    return type(row).objects.get(pk=row.pk)


def take_up(sync: Sync) -> Sync:
    """Claim a sync that waits, as if its time had come, and run it."""
    Sync.objects.filter(pk=sync.pk).update(run_after=timezone.now())
    claimed = Sync.objects.claim(pk=sync.pk)
    assert claimed is not None
    run(claimed)
    return again(sync)


def at_page(sandbox: SandboxServer, number: int, action: Callable[[], Any]) -> None:
    """Do it while the sandbox is about to answer that call for contacts; the sync stands still meanwhile."""
    asked = []

    def act(call: Call) -> None:
        asked.append(call.place)
        if asked.count("contacts") == number and call.place == "contacts":
            try:
                action()
            finally:
                connections.close_all()

    sandbox.on_call(act)


def store_rows(connection: Connection, stream: str, *rows: Row) -> None:
    """As a sync does it."""
    known = next(one for one in connection.known_source().streams if one.key == stream)
    store_page(connection.holding, known, {row["id"]: row for row in rows}, address="https://a.example")


def as_stored(connection: Connection, stream: str, row: Row) -> Row:
    """The row of an account without what nobody has asked to be stored."""
    known = next(one for one in connection.known_source().streams if stream in (one.key, one.path))
    return {name: value for name, value in row.items() if name not in connection.rules_of(known)}


def stored_ids(connection: Connection, stream: str) -> list[str]:
    return [*connection.records.filter(stream=stream).in_id_order().values_list("external_id", flat=True)]


def calls_for(sandbox: SandboxServer, place: str) -> int:
    return sum(call.place == place for call in sandbox.requests)


def leaving(work: Callable[[], object]) -> Callable[[], None]:
    """For a thread: it closes its line to the database at its end."""

    def work_and_leave() -> None:
        try:
            work()
        finally:
            connections.close_all()

    return work_and_leave


def in_a_thread(work: Callable[[], None]) -> None:
    thread = threading.Thread(target=leaving(work))
    thread.start()
    thread.join()
