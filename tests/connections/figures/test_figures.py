"""Numbers are what the account's own rows come to: recomputed from the sandbox's world, day for day."""

from collections.abc import Callable
from datetime import date, timedelta
from threading import Event

import pytest

from connections.figures.counting import stir_outdated
from connections.figures.figure import Figure, Period
from connections.figures.figures import figures
from connections.figures.keeping_up import count_and_prove
from connections.models import Connection, Workspace
from sources.activecampaign.sandbox.server import SandboxServer
from tests.conftest import Connect
from tests.connections.engine import pull
from tests.connections.figures.recomputed import recomputed

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_limit")]

STREAMS = [
    *("contacts", "lists", "contactLists", "campaigns", "automations", "contactAutomations"),
    *("deals", "dealGroups", "dealStages"),
]
SPRING = Period(start=date(2026, 3, 1), end=date(2026, 3, 31))  # Clocks change in it, here and there.
PERIODS = (
    SPRING,
    Period(start=date(2025, 1, 1), end=date(2025, 12, 31), step="month"),
    Period(start=date(2023, 1, 1), end=date.today() + timedelta(days=2), step="week"),
)


@pytest.fixture
def account(new_sandbox: Callable[..., SandboxServer]) -> SandboxServer:
    return new_sandbox(contacts=240, deals=120)


@pytest.fixture
def connection(account: SandboxServer, connect: Connect) -> Connection:
    connection = connect(account)
    synced(connection)
    return connection


def synced(connection: Connection) -> None:
    pull(connection, only=STREAMS, full=True)
    count_and_prove(Event())


def shown(connection: Connection, period: Period) -> dict[tuple[str, str], Figure]:
    return {(one.definition.key, one.currency): one for one in figures(connection, period)}


def assert_all_agree(connection: Connection, account: SandboxServer, zone: str) -> None:
    for period in PERIODS:
        wanted = recomputed(account.world, zone, period.start, period.end)
        found = shown(connection, period)
        if period.end < date.today():  # How many there were then, nobody has seen.
            wanted = {key: None if found[key].is_stock else value for key, value in wanted.items()}
        assert {key: found[key].value for key in wanted} == wanted
        for figure in found.values():
            summed = [point.value for point in figure.series if point.value is not None]
            if figure.definition.how in ("count", "sum") and not figure.is_stock and period.end < date(2026, 7, 1):
                assert sum(summed) == figure.value


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Pacific/Auckland"])
def test_numbers_are_what_the_account_has_in_each_zone_also_after_the_past_has_changed(
    connection: Connection, account: SandboxServer, workspace: Workspace, zone: str
) -> None:
    workspace.timezone = zone
    workspace.save()
    connection = Connection.objects.get()
    count_outdated()

    assert_all_agree(connection, account, zone)

    change_the_past(account)
    synced(connection)

    assert_all_agree(connection, account, zone)


def count_outdated() -> None:
    stir_outdated()
    count_and_prove(Event())


def change_the_past(account: SandboxServer) -> None:
    world = account.world
    for identity in world.ids("contacts")[10:14]:
        world.remove("contacts", identity)
    for identity in world.ids("campaigns")[:3]:
        world.change("campaigns", identity, send_amt="500", uniqueopens="77")
    for identity in world.ids("deals")[:9]:
        world.change("deals", identity, status="0", value="12345", isDisabled=False)
    for identity in world.ids("contactLists")[20:40]:
        world.change("contactLists", identity, status="2", udate="2026-03-29T00:30:00+01:00")
    world.insert("contacts", moment=1_774_000_000)
