"""Beside each number stands what the account says: the same, or by how much it differs and why."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from django.utils import timezone

from connections.checking.patience import of_a_person
from connections.figures.counting import count_holding
from connections.figures.figure import Figure, Period, Said
from connections.figures.figures import figures
from connections.figures.keeping_up import count_and_prove
from connections.figures.proving import prove
from connections.models import Connection, MissingRows, NumberState, StreamMark
from sources.activecampaign.sandbox.server import SandboxServer
from sources.activecampaign.telling import read
from sources.errors import SourceError
from sources.spec import Ask
from tests.conftest import Connect
from tests.connections.engine import pull, store_rows
from tests.connections.figures.recomputed import active_by_list

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_limit")]

STREAMS = ["contacts", "lists", "contactLists", "campaigns", "deals", "dealGroups", "dealStages", "linkData", "links"]
ALL = Period(start=date(2023, 1, 1), end=date(2030, 1, 1), step="month")
PAYLOADS = Path(__file__).parents[2] / "sources" / "activecampaign" / "payloads"


@pytest.fixture
def account(new_sandbox: Callable[..., SandboxServer]) -> SandboxServer:
    return new_sandbox(contacts=90, deals=60)


@pytest.fixture
def connection(account: SandboxServer, connect: Connect) -> Connection:
    connection = connect(account)
    connection.stream_keys = STREAMS
    connection.save(update_fields=["stream_keys"])
    pull(connection, only=STREAMS, full=True)
    count_and_prove(Event())
    return connection


def of(connection: Connection, key: str, **more: Any) -> Figure:
    return figures(connection, ALL, keys=[key], **more)[0]


def said_of(connection: Connection, key: str, by: str) -> dict[str, Said | None]:
    return {part.group: part.said for part in of(connection, key, by=by).parts}


def test_after_a_sync_the_account_has_said_what_ours_say(connection: Connection, account: SandboxServer) -> None:
    for key in ("contacts_total", "contacts_bounced", "campaigns_sent", "mails_sent", "mails_clicked", "list_active"):
        figure = of(connection, key)
        assert figure.said is not None, key
        assert (figure.said.value, figure.said.difference_words) == (figure.in_all, ""), key
    values = {one.currency: one for one in figures(connection, ALL, keys=["deals_new_value"])}
    assert {currency: one.said.value for currency, one in values.items() if one.said} == {
        currency: one.in_all for currency, one in values.items()
    }
    lists = said_of(connection, "list_active", "list")
    assert {group: one.value for group, one in lists.items() if one} == active_by_list(account.world)


def test_where_they_differ_it_says_by_how_much_and_why(connection: Connection, account: SandboxServer) -> None:
    account.world.insert("contacts")
    before = len(account.requests)

    assert prove(connection, keys=["contacts_total"], patience=of_a_person()) == 1

    said = of(connection, "contacts_total").said
    assert said is not None
    assert (said.value, said.ours) == (91, 90)
    assert said.difference_words.startswith("1 fewer here than there. What came")
    assert [call.place for call in account.requests[before:]] == ["contacts"]
    MissingRows.objects.create(holding=connection.holding, stream="contacts", missing=7, held=90)
    for identity in account.world.ids("contacts")[:5]:
        account.world.remove("contacts", identity)
    prove(connection, keys=["contacts_total"], patience=of_a_person())
    said = of(connection, "contacts_total").said
    assert said is not None
    assert said.difference_words == (
        "4 more here than there. 7 rows that the last whole read did not find stay until somebody decides."
    )
    pipelines = said_of(connection, "deals_new", "pipeline")
    differing = [one for one in pipelines.values() if one and not one.agrees]
    assert differing
    assert all("the plan does not cover" in one.difference_words for one in differing)


def test_one_campaign_costs_one_call_and_a_rate_that_cannot_be_is_a_fault_until_its_counter_agrees(
    connection: Connection, account: SandboxServer
) -> None:
    campaign = next(row["id"] for row in account.world.rows("campaigns") if int(row["send_amt"]) >= 50)
    row = account.world.row("campaigns", campaign)
    store_rows(connection, "campaigns", row | {"uniqueopens": row["send_amt"]})
    count_only(connection)
    assert of(connection, "open_rate", by="campaign", group=campaign).fault

    account.world.change("campaigns", campaign, uniqueopens=row["send_amt"])
    before = len(account.requests)
    keys = ["mails_sent", "mails_opened", "mails_clicked"]
    assert prove(connection, keys=keys, by="campaign", group=campaign, patience=of_a_person()) == 3

    assert len(account.requests) == before + 1
    figure = of(connection, "open_rate", by="campaign", group=campaign)
    assert (figure.value, figure.count, figure.fault) == (1, int(row["send_amt"]), "")


def count_only(connection: Connection) -> None:
    count_holding(connection.holding)


def test_what_an_account_does_not_say_is_no_figure_and_a_dead_key_is_an_error(
    connection: Connection, account: SandboxServer
) -> None:
    account.revoke(account.api_key)

    with pytest.raises(SourceError):
        prove(connection, patience=of_a_person())

    ask = Ask(path="lists", envelope="lists", by="list", field="active_subscribers")
    rows = [{"id": "1", "active_subscribers": "7"}, {"id": "2", "active_subscribers": "many"}]
    assert read(ask, {"lists": rows, "meta": {"total": "2"}}, group="") == {("1", ""): 7}
    assert read(replace(ask, single="list"), {"list": {"id": "1" * 65, "active_subscribers": "7"}}, group="1") == {}
    of_deals = Ask(path="deals", envelope="deals", in_currencies=True)
    sums = {"eur": {"value": "7"}, "a currency of many words": {"value": "8"}, "usd": "9"}
    assert read(of_deals, {"deals": [], "meta": {"currencies": sums}}, group="") == {("", "EUR"): 7}


def test_opens_are_counted_once_a_contact_and_campaign_and_people_once_a_period(
    connection: Connection, account: SandboxServer
) -> None:
    traces = account.world.rows("linkData")
    opened = {(row["subscriberid"], row["campaignid"]) for row in traces if row["isread"] == "1"}
    clicked = {(row["subscriberid"], row["campaignid"]) for row in traces if row["isread"] == "0"}

    assert of(connection, "opened_by_day").value == len(opened)
    assert of(connection, "clicked_by_day").value == len(clicked) < sum(row["isread"] == "0" for row in traces)
    assert of(connection, "people_reached").value == len({row["subscriberid"] for row in traces})


def payload(name: str) -> Any:
    return json.loads((PAYLOADS / f"{name}.json").read_text())


def test_of_recorded_answers_the_figures_are_the_counters_of_the_account_by_name(connect: Connect) -> None:
    connection = connect()
    connection.stream_keys = STREAMS
    connection.save(update_fields=["stream_keys"])
    campaign, held = payload("campaigns_list")["campaigns"][0], payload("lists_list")["lists"][0]
    deals, pipelines = payload("deals_list"), payload("dealGroups_list")
    active, on_it = int(held["active_subscribers"]), int(held["non_deleted_subscribers"])
    joins = [
        {"id": f"{number}", "contact": f"{number}", "list": held["id"], "status": "1" if number <= active else "2"}
        for number in range(1, on_it + 1)
    ]
    for stream, rows in {
        "campaigns": [campaign],
        "lists": [held],
        "contactLists": joins,
        "deals": deals["deals"],
        "dealStages": pipelines["dealStages"],
        "dealGroups": pipelines["dealGroups"],
    }.items():
        store_rows(connection, stream, *rows)
        now = timezone.now()
        StreamMark.objects.create(holding=connection.holding, stream=stream, changed_through=now, complete_at=now)
    count_only(connection)

    counters = {
        "mails_sent": "send_amt",
        "mails_opened": "uniqueopens",
        "mails_opened_verified": "verified_unique_opens",
        "mails_clicked": "subscriberclicks",
        "mails_link_clicks": "uniquelinkclicks",
        "mails_clicks": "linkclicks",
        "mails_unsubscribed": "unsubscribes",
        "mails_bounced": "hardbounces",
        "mails_bounced_softly": "softbounces",
    }
    found = {key: of(connection, key, by="campaign", group=campaign["id"]).value for key in counters}
    assert found == {key: int(campaign[name]) for key, name in counters.items()}
    assert of(connection, "click_to_open").value == int(campaign["subscriberclicks"]) / int(campaign["uniqueopens"])
    assert [part.value for part in of(connection, "list_active", by="list").parts] == [active]
    pipeline = pipelines["dealGroups"][0]
    by_pipeline = {part.group: part.value for part in of(connection, "deals_new", by="pipeline").parts}
    assert of(connection, "deals_new").in_all == deals["meta"]["total"] == int(pipeline["count"])
    assert (by_pipeline.get(pipeline["id"]), of(connection, "deals_new").undated) == (2, 1)
    value = of(connection, "deals_new_value")
    assert (value.in_all, value.unknown) == (int(deals["meta"]["currencies"]["USD"]["value"]), 1)
    assert value.unknown_words.startswith("Not in it: 1 row among all deals, of any state and day, whose value")


def test_a_sync_that_changes_one_stream_counts_that_alone(connection: Connection, account: SandboxServer) -> None:
    before = dict(NumberState.objects.values_list("stream", "counted_at"))
    account.world.insert("contacts")

    pull(connection, only=STREAMS, full=True)
    count_and_prove(Event())

    after = dict(NumberState.objects.values_list("stream", "counted_at"))
    assert {key for key in after if after[key] != before[key]} == {"contacts"}
    assert of(connection, "contacts_total").value == 91


def test_what_an_account_makes_up_is_no_number_and_keeps_no_other_from_being_counted(
    connect: Connect,
) -> None:
    hostile, other = connect(), connect(name="Other")
    for one in (hostile, other):
        one.stream_keys = STREAMS
        one.save(update_fields=["stream_keys"])
    huge = ["9" * 18, "9" * 19, "9" * 300, 10**18, 10**300, 1e300]
    said = [*huge, "12abc", "-", "--", "", None, True, [1], "1.5", "-7", 5]
    sent = {"status": "5", "send_amt": "1", "ldate": "2026-03-04T12:00:00-06:00"}
    rows = [{**sent, "id": f"{number}", "uniqueopens": one} for number, one in enumerate(said, start=1)]
    deal = {"value": "9" * 15, "currency": "eur", "status": "0", "cdate": "2026-03-04T12:00:00-06:00"}
    deals = [{**deal, "id": f"{number}"} for number in range(1, 9_301)]  # Of so many the sum is more than 2**63.
    for one, those in ((hostile, deals), (other, deals[:2])):
        for stream, stored in {"campaigns": rows, "deals": those}.items():
            store_rows(one, stream, *stored)
            now = timezone.now()
            StreamMark.objects.create(holding=one.holding, stream=stream, changed_through=now, complete_at=now)

    count_and_prove(Event())

    opened = [of(one, "mails_opened").in_all for one in (hostile, other)]
    assert opened[0] == opened[1] in (-2, -1)  # PostgreSQL tells true from 1.
    assert of(other, "deals_new_value").in_all == 2 * (10**15 - 1)
    assert of(hostile, "deals_new_value").as_of is None
