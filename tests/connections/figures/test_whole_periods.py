"""Whoever is there on several days of a period is one of it, also where that was counted ahead."""

from collections.abc import Callable
from datetime import timedelta
from threading import Event
from zoneinfo import ZoneInfo

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from connections.figures.figure import Period
from connections.figures.figures import figures
from connections.figures.keeping_up import count_and_prove
from connections.models import Connection, Workspace
from sources.activecampaign.sandbox.server import SandboxServer
from tests.conftest import Connect
from tests.connections.engine import pull
from tests.connections.figures.recomputed import day_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_limit")]

ZONE = "America/Chicago"
ROWS = '"connections_record"'


@pytest.fixture
def account(new_sandbox: Callable[..., SandboxServer]) -> SandboxServer:
    return new_sandbox(contacts=120)


@pytest.fixture
def connection(account: SandboxServer, connect: Connect, workspace: Workspace) -> Connection:
    workspace.timezone = ZONE
    workspace.save()
    connection = connect(account)
    connection.stream_keys = ["contacts", "linkData", "links", "campaigns"]
    connection.save(update_fields=["stream_keys"])
    return connection


def synced(connection: Connection) -> None:
    pull(connection, only=["linkData"], full=True)
    count_and_prove(Event())


def reached(connection: Connection, period: Period) -> object:
    return figures(connection, period, keys=["people_reached"])[0].value


def whom(account: SandboxServer, period: Period) -> set[str]:
    """By the sandbox's own rows."""
    days = ((row["subscriberid"], day_of(row["tstamp"], ZONE)) for row in account.world.rows("linkData"))
    return {one for one, day in days if day is not None and period.start <= day <= period.end}


def test_people_are_one_each_of_every_period_also_after_rows_went(
    connection: Connection, account: SandboxServer
) -> None:
    usual = Period.usual(timezone.localdate(timezone=ZoneInfo(ZONE)))
    length = timedelta(days=400)
    periods = [
        *(usual, usual.before, Period(start=usual.before.end - length, end=usual.before.end)),
        *(Period(start=usual.end - timedelta(days=days), end=usual.end) for days in (6, 89, 900)),
        *(Period(start=usual.end - timedelta(days=days), end=usual.end - timedelta(days=9)) for days in (40, 700)),
    ]
    tomorrow = timezone.now() + timedelta(days=1)
    account.world.insert("linkData", subscriberid="99999", isread="1", tstamp=tomorrow.isoformat())
    synced(connection)
    found = {period: reached(connection, period) for period in periods}
    assert found == {period: len(whom(account, period)) for period in periods}
    assert sum(value > 0 for value in found.values() if isinstance(value, int)) > len(periods) // 2

    for one in account.world.ids("linkData")[::3]:
        account.world.remove("linkData", one)
    synced(connection)
    again = {period: reached(connection, period) for period in periods}
    assert again == {period: len(whom(account, period)) for period in periods} != found


def test_the_usual_page_does_not_go_through_all_rows_to_tell_people_apart(connection: Connection) -> None:
    synced(connection)
    usual = Period.usual(timezone.localdate(timezone=ZoneInfo(ZONE)))
    with CaptureQueriesContext(database) as asked:
        figure = figures(connection, usual, keys=["people_reached"])[0]

    assert figure.value is not None and figure.previous is not None
    assert not any(ROWS in one["sql"] for one in asked)
