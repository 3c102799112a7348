"""What only a database that locks single rows can get wrong. `test_postgresql` runs it; SQLite's writers queue up."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections, transaction

from connections.access.access import present_row
from connections.checking.checking import is_still_there
from connections.models import Connection, Sync, User
from connections.models.sync import SyncState, Trigger
from connections.operating.filling import fill_a_piece
from connections.syncing.syncing import run
from sources.activecampaign.sandbox.server import SandboxServer
from tests.conftest import Connect
from tests.connections.engine import again, at_page, store_rows
from tests.processes import until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_limit")]

PATIENCE = 3.0  # Seconds; longer than PostgreSQL looks on at a deadlock.


def test_these_tests_run_on_postgresql() -> None:
    assert connections["default"].vendor == "postgresql"


@pytest.mark.parametrize(
    "lock", [lambda row, by: present_row(row, by=by), lambda row, by: is_still_there(row)], ids=["edit", "test"]
)
def test_a_page_is_stored_while_somebody_holds_the_connection_and_then_stops_the_sync(
    sandbox: SandboxServer, connect: Connect, alice: User, lock: Callable[[Connection, User], Any]
) -> None:
    connection = connect(sandbox)
    holds, may_stop = threading.Event(), threading.Event()

    def hold_and_stop() -> None:
        with transaction.atomic():
            lock(again(connection), alice)
            holds.set()
            may_stop.wait(PATIENCE)
            again(connection).stop_syncs("Somebody stopped it.")
        connections.close_all()

    def two_pages_are_stored() -> bool:
        return connection.records.count() == 200

    other = threading.Thread(target=hold_and_stop)
    at_page(sandbox, 2, lambda: (other.start(), holds.wait()))
    at_page(sandbox, 3, lambda: (until(two_pages_are_stored, what="page 2"), may_stop.set(), other.join()))

    run(Sync.objects.start(connection, trigger=Trigger.SCHEDULE, only=["contacts"]))

    assert Sync.objects.get().state == SyncState.STOPPED
    assert two_pages_are_stored()


def test_filling_waits_for_no_row_that_a_sync_holds(connect: Connect) -> None:
    connection = connect()
    store_rows(connection, "contacts", *({"id": str(number), "email": f"{number}@x.example"} for number in range(3)))
    connection.records.update(label=None)
    connection.row_counts.update(filled_with=0)
    looked: list[int] = []

    def look() -> None:
        looked.append(fill_a_piece())
        connections.close_all()

    with transaction.atomic():
        connection.records.select_for_update().get(external_id="1")
        worker = threading.Thread(target=look)
        worker.start()
        worker.join(PATIENCE)
    assert looked == [0]

    assert fill_a_piece() == 3
    assert {*connection.records.values_list("label", flat=True)} == {f"{number}@x.example" for number in range(3)}
