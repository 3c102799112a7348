"""What is kept for so many days, and then forgotten: not a minute earlier, and never more than is old."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.db import models
from django.test import Client

from connections.models import Change, Connection, Event, Record, RowCount, StreamRun, Sync, User
from connections.operating import retention
from connections.operating.housekeeping import keep_house
from tests.conftest import Connect, client_of
from tests.connections.engine import store_rows

NOW = datetime(2026, 5, 3, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def connection(clock: time_machine.Traveller, connect: Connect) -> Connection:
    return connect()


def pass_by(clock: time_machine.Traveller, span: timedelta) -> None:
    clock.shift(span)
    keep_house()


# One thing a day, of five kinds ------------------------------------------------------------------------------------


def sync(connection: Connection, number: int, moment: datetime) -> None:
    ended = Sync.objects.create(connection=connection, number=number, state="complete", finished_at=moment)
    StreamRun.objects.create(sync=ended, stream="contacts")


def event(connection: Connection, number: int, moment: datetime) -> None:
    Event.objects.create(workspace=connection.workspace, connection=connection, verb="edited", at=moment)


def change(connection: Connection, number: int, moment: datetime) -> None:
    Change.objects.log_gone(connection.holding, "contactTags", [str(number)], seen_at=moment)


def gone_row(connection: Connection, number: int, moment: datetime) -> None:
    store_rows(connection, "contacts", {"id": str(number)})
    Record.objects.filter(external_id=str(number)).update(deleted_at=moment)


def session(connection: Connection, number: int, moment: datetime) -> None:
    Session.objects.create(session_key=f"key-{number}", expire_date=moment)


Make = Callable[[Connection, int, datetime], None]
KINDS: list[tuple[str, Make, type[models.Model], int]] = [
    ("SYNCS_KEPT_DAYS", sync, Sync, 400),
    ("TRAIL_KEPT_DAYS", event, Event, 730),
    ("CHANGES_KEPT_DAYS", change, Change, 1826),
    ("GONE_ROWS_KEPT_DAYS", gone_row, Record, 30),
]
each_kind = pytest.mark.parametrize(("setting", "make", "model", "days"), KINDS, ids=[kind[0] for kind in KINDS])


@pytest.mark.parametrize("piece", [1, 2, 2000])
@each_kind
def test_what_is_older_than_the_days_for_which_it_is_kept_goes_piece_by_piece_and_nothing_else(
    clock: time_machine.Traveller,
    connection: Connection,
    monkeypatch: pytest.MonkeyPatch,
    piece: int,
    setting: str,
    make: Make,
    model: type[models.Model],
    days: int,
) -> None:
    model._default_manager.all().delete()
    for number in range(5):
        make(connection, number, NOW + timedelta(number))
    monkeypatch.setattr(retention, "PIECE", piece)
    monkeypatch.setattr(retention, "SYNCS", piece)
    made = [*model._default_manager.order_by("pk").values_list("pk", flat=True)]

    pass_by(clock, timedelta(days=days))
    assert [*model._default_manager.order_by("pk").values_list("pk", flat=True)] == made
    pass_by(clock, timedelta(days=2) + MINUTE)

    assert [*model._default_manager.order_by("pk").values_list("pk", flat=True)] == made[3:]


@each_kind
def test_0_days_keep_it_for_ever(
    clock: time_machine.Traveller,
    connection: Connection,
    settings: Any,
    setting: str,
    make: Make,
    model: type[models.Model],
    days: int,
) -> None:
    setattr(settings, setting, 0)
    make(connection, 1, NOW)
    made = model._default_manager.count()

    pass_by(clock, timedelta(days=4000))

    assert model._default_manager.count() == made


def test_what_would_take_long_is_forgotten_over_several_rounds(
    clock: time_machine.Traveller, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        change(connection, number, NOW)
    monkeypatch.setattr(retention, "PIECE", 1)
    monkeypatch.setattr(retention, "MOST_PIECES", 2)

    pass_by(clock, timedelta(days=2000))
    assert Change.objects.count() == 3
    pass_by(clock, MINUTE)

    assert Change.objects.count() == 1


def test_the_last_sync_of_a_connection_stays_and_its_streams_with_it(
    clock: time_machine.Traveller, connection: Connection
) -> None:
    for number in range(1, 4):
        sync(connection, number, NOW)

    pass_by(clock, timedelta(days=900))

    assert [*Sync.objects.values_list("number", flat=True)] == [3]
    assert StreamRun.objects.count() == 1


def test_with_a_row_that_is_gone_its_room_is_free(clock: time_machine.Traveller, connection: Connection) -> None:
    store_rows(connection, "contacts", {"id": "7", "name": "Oolong"})
    before = RowCount.objects.values_list("stored", "bytes").get()
    gone_row(connection, 1, NOW)

    pass_by(clock, timedelta(days=31))

    assert [*Record.objects.values_list("external_id", flat=True)] == ["7"]
    assert RowCount.objects.values_list("stored", "bytes").get() == before


def test_a_session_ends_after_14_days_and_its_row_goes(clock: time_machine.Traveller, alice: User) -> None:
    client: Client = client_of(alice)

    pass_by(clock, timedelta(days=14) - MINUTE)
    assert client.get("/", follow=True).redirect_chain[-1][0].startswith("/w/")
    pass_by(clock, 2 * MINUTE)

    assert client.get("/")["Location"].startswith("/accounts/login/")
    assert not Session.objects.exists()
