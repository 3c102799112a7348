"""Numbers are what the account's own rows come to: recomputed from the sandbox's world, day for day."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from threading import Event

import pytest
from django.test import Client
from django.utils import timezone

from connections.figures.counting import stir_outdated
from connections.figures.figure import Figure, Period
from connections.figures.figures import figures
from connections.figures.keeping_up import count_and_prove
from connections.models import Connection, Holding, NumberDay, Workspace
from connections.operating.erasing import erase_a_piece
from sources.activecampaign.sandbox.server import SandboxServer
from tests.conftest import Connect
from tests.connections.engine import pull
from tests.connections.figures.recomputed import day_of, recomputed

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_limit")]

STREAMS = [
    *("contacts", "lists", "contactLists", "campaigns", "automations", "contactAutomations"),
    *("deals", "dealGroups", "dealStages"),
]
SPRING = Period(start=date(2026, 3, 1), end=date(2026, 3, 31))  # Clocks change in it, here and there.
PERIODS = (
    SPRING,
    Period(start=date(2026, 3, 29), end=date(2026, 3, 29)),  # The day of 23 hours in Berlin.
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
                assert sum(summed) == (figure.value or 0)


@pytest.mark.parametrize("zone", ["Europe/Berlin", pytest.param("Pacific/Auckland", marks=pytest.mark.scale)])
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


def test_a_count_leads_to_the_rows_that_it_counts(connection: Connection, alice_client: Client) -> None:
    for figure in figures(connection, SPRING, keys=["contacts_new", "deals_new", "deals_open", "list_active"]):
        assert figure.rows is not None
        lines = alice_client.get(
            f"{connection.get_absolute_url()}data/{figure.rows.stream}.jsonl", query_params=figure.rows.query
        )
        assert len(lines.getvalue().splitlines()) == (figure.in_all if figure.is_stock else figure.value)


def test_people_lead_to_all_rows_by_which_they_are_counted(
    connection: Connection, account: SandboxServer, alice_client: Client
) -> None:
    connection.stream_keys = ["linkData"]
    connection.save(update_fields=["stream_keys"])
    pull(connection, only=["linkData"], full=True)
    count_and_prove(Event())
    [figure] = figures(connection, SPRING, keys=["people_reached"])
    assert figure.rows is not None and figure.rows.are_more

    lines = alice_client.get(f"{connection.get_absolute_url()}data/linkData.jsonl", query_params=figure.rows.query)
    rows = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert len({row["subscriberid"] for row in rows}) == figure.value
    assert len(rows) == sum(day_of(row["tstamp"], "UTC") in {*SPRING} for row in account.world.rows("linkData"))


def test_a_zone_that_changes_moves_what_lies_at_midnight_and_nothing_is_shifted(
    connection: Connection, account: SandboxServer, workspace: Workspace
) -> None:
    account.world.insert("contacts", moment=1_772_400_600, cdate="2026-03-01T15:30:00-06:00")
    synced(connection)
    march = Period(start=date(2026, 3, 1), end=date(2026, 3, 2))
    before = [point.value for point in figures(connection, march, keys=["contacts_new"])[0].series]

    workspace.timezone = "Pacific/Auckland"
    workspace.save()
    count_outdated()
    after = [point.value for point in figures(Connection.objects.get(), march, keys=["contacts_new"])[0].series]

    wanted = [
        sum(day_of(row["cdate"], zone) == day for row in account.world.rows("contacts"))
        for zone in ("UTC", "Pacific/Auckland")
        for day in march
    ]
    assert before + after == wanted
    assert before != after


def test_what_is_held_no_more_loses_its_numbers_in_pieces(connection: Connection) -> None:
    holding = connection.holding
    connection.part_from_rows()
    connection.save()
    Holding.objects.filter(pk=holding.pk).update(erase_at=timezone.now())

    while erase_a_piece():
        continue

    assert not NumberDay.objects.exists()
    assert not Holding.objects.filter(pk=holding.pk).exists()
