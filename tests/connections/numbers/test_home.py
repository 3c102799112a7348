"""Home: what needs me, how fresh all is, and what I pinned; and the sample account to look around in."""

import re
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from connections.checking.checking import note_failure
from connections.models import Connection, NumberDay, Pin, Team, User, Workspace
from connections.syncing.working import Worker
from sources.activecampaign.sandbox.server import SandboxServer
from sources.errors import BadCredentials
from tests.conftest import Connect, client_of
from tests.connections.numbers.counted import count

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_limit")]

HOME = "/w/harbour-tea/"


@pytest.fixture
def account(new_sandbox: Callable[..., SandboxServer]) -> SandboxServer:
    return new_sandbox(contacts=40, deals=20)


@pytest.fixture
def counted(account: SandboxServer, connect: Connect) -> Connection:
    connection = connect(account)
    count(connection)
    return connection


def home(client: Client) -> str:
    response = client.get(HOME)
    assert response.status_code == 200
    return re.sub(r"\s+", " ", response.content.decode())


def pin(client: Client, connection: Connection, number: str, **which: str) -> None:
    response = client.post(f"{connection.url('numbers')}{number}/pin/", {**which, "back": HOME})
    assert response["Location"] == HOME


def test_the_way_in_leads_home_once_something_is_connected(
    alice_client: Client, workspace: Workspace, connect: Connect
) -> None:
    assert alice_client.get("/")["Location"] == "/w/harbour-tea/connections/"

    connect()
    assert alice_client.get("/")["Location"] == HOME


def test_of_connections_that_i_may_not_use_home_tells_nothing(
    alice_client: Client, connect: Connect, bob: User
) -> None:
    connect(by=bob, privacy="private", name="Bob’s own")

    assert alice_client.get("/")["Location"] == "/w/harbour-tea/connections/"
    assert "Look around with sample data" in home(alice_client)
    assert "Bob’s own" not in home(alice_client)


def test_what_is_pinned_stands_on_my_home_and_on_nobody_elses(
    alice_client: Client, bob_client: Client, counted: Connection
) -> None:
    pin(alice_client, counted, "contacts_total")

    mine, bobs = home(alice_client), home(bob_client)

    assert '<p class="figure-value">40</p>' in mine
    assert "Your numbers" in mine
    assert "You have pinned none yet" in bobs
    assert "More to pin" in mine and mine.count('id="number-contacts_total') == 1
    assert Pin.objects.get().user.name == "Alice Okafor"


def test_asking_to_be_told_pins_once_it_is_saved(alice_client: Client, counted: Connection) -> None:
    way = f"{counted.url('numbers')}deals_open_value/pin/?currency=EUR"
    assert f'href="{way}"' in alice_client.get(f"{counted.url('numbers')}deals_open_value/").content.decode()

    asked = alice_client.get(way).content.decode()
    sent = dict(re.findall(r'type="hidden" name="(number|currency|by|group|tell)" value="([^"]*)"', asked))
    refused = alice_client.post(way, {**sent, "alert": "above"}).content.decode()

    assert "Tell me by e-mail when" in asked and "Say above or below which number." in refused
    assert not Pin.objects.exists()
    assert alice_client.post(way, {**sent, "alert": "above", "bound": "5"})["Location"] == HOME
    kept = Pin.objects.get()
    assert (kept.number, kept.currency, kept.bound) == ("deals_open_value", "EUR", 5)
    assert alice_client.get(way)["Location"] == reverse("connections:pinned", args=["harbour-tea", kept.pk])


def test_pinning_twice_pins_once_and_it_can_be_taken_away(alice_client: Client, counted: Connection) -> None:
    pin(alice_client, counted, "deals_open_value", currency="EUR")
    pin(alice_client, counted, "deals_open_value", currency="EUR")
    assert f'Value of open deals, EUR is on <a href="{HOME}">your Home</a> now.' in home(alice_client)
    kept = Pin.objects.get()

    alice_client.post(reverse("connections:unpin", args=["harbour-tea", kept.pk]))

    assert not Pin.objects.exists()


def test_a_number_taken_away_on_its_own_page_leads_home(alice_client: Client, counted: Connection) -> None:
    pin(alice_client, counted, "deals_open")
    kept = Pin.objects.get()
    shown = alice_client.get(reverse("connections:pinned", args=["harbour-tea", kept.pk])).content.decode()
    [back] = re.findall(r'name="back" value="([^"]*)"', shown)

    gone = alice_client.post(reverse("connections:unpin", args=["harbour-tea", kept.pk]), {"back": back}, follow=True)

    assert (gone.status_code, gone.request["PATH_INFO"]) == (200, HOME)


@pytest.mark.parametrize("which", [{"currency": "XXX"}, {"by": "nothing", "group": "1"}], ids=str)
def test_nothing_is_pinned_that_there_is_not(alice_client: Client, counted: Connection, which: dict[str, str]) -> None:
    response = alice_client.post(f"{counted.url('numbers')}deals_open_value/pin/", {**which, "back": HOME})
    assert (response.status_code, Pin.objects.count()) == (404, 0)


def test_home_takes_no_more_numbers_than_it_shows(
    alice_client: Client, counted: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("access.at_home", "numbers.home_views", "numbers.pinning_views"):
        monkeypatch.setattr(f"connections.{module}.MOST_PINS", 2)
    for number in ("deals_open", "contacts_total", "contacts_new", "deals_open"):
        pin(alice_client, counted, number)

    assert [one.number for one in Pin.objects.all()] == ["deals_open", "contacts_total"]
    told = f'<a href="{HOME}">Your Home</a> has 2 numbers, and shows no more. Take one from it first.'
    assert told in home(alice_client)


def test_a_pin_of_one_group_shows_that_one(alice_client: Client, counted: Connection) -> None:
    listed = counted.records.filter(stream="lists").order_by("external_id").first()

    pin(alice_client, counted, "list_active", by="list", group=listed.external_id)

    active = counted.records.filter(stream="contactLists", related=listed.external_id, choice="1").count()
    assert escape(f"Main account · {listed.label}") in home(alice_client)
    assert f'<p class="figure-value">{active}</p>' in home(alice_client)


def test_home_of_all_time_begins_with_the_first_day_of_which_anything_is_kept(
    alice_client: Client, counted: Connection, account: SandboxServer
) -> None:
    pin(alice_client, counted, "deals_won")
    won = sum(row["status"] == "1" for row in account.world.rows("deals"))
    first = NumberDay.objects.exclude(day=None).earliest("day").day

    shown = alice_client.get(f"{HOME}?period=all").content.decode()

    assert f'<p class="figure-value">{won}</p>' in shown
    assert f"{first:%-d %B %Y} to " in shown


def test_two_numbers_of_one_name_are_told_apart(alice_client: Client, counted: Connection) -> None:
    pin(alice_client, counted, "contacts_unsubscribed")
    pin(alice_client, counted, "list_unsubscribed")

    shown = home(alice_client)

    assert "Contacts · Main account" in shown
    assert "Lists · Main account" in shown


def test_a_pin_of_a_connection_that_i_may_no_longer_use_shows_nothing(
    counted: Connection, bob: User, bob_client: Client, growth: Team
) -> None:
    counted.privacy, counted.team = "team", growth
    counted.save()
    pin(bob_client, counted, "contacts_total")
    theirs = Pin.objects.get()

    growth.members.filter(user=bob).first().teams.clear()

    assert "Main account" not in home(bob_client)
    settings = reverse("connections:pinned", args=["harbour-tea", theirs.pk])
    assert bob_client.get(settings).status_code == 404


def test_what_needs_me_stands_first_and_freshness_counts_it_out(alice_client: Client, counted: Connection) -> None:
    assert "Fresh: 1 of 1" in home(alice_client)

    note_failure(counted, BadCredentials("ActiveCampaign did not accept this key."))

    shown = home(alice_client)
    assert "Needs you (1)" in shown
    assert "Fresh: 0 of 1" in shown
    assert shown.index("Needs you") < shown.index("Your numbers" if "Your numbers" in shown else "Numbers to begin")


def test_home_asks_the_database_as_often_for_many_connections_as_for_one(
    alice_client: Client, counted: Connection, connect: Connect, django_assert_max_num_queries: Callable[..., object]
) -> None:
    pin(alice_client, counted, "contacts_total")
    pin(alice_client, counted, "contacts_new")
    for number in range(12):
        connect(name=f"Another {number}")

    with django_assert_max_num_queries(40):
        assert "Fresh:" in home(alice_client)


def test_looking_around_shows_numbers_of_invented_rows_that_only_i_see(
    alice_client: Client, bob_client: Client, alice: User
) -> None:
    first = alice_client.post("/w/harbour-tea/sample/")
    again = alice_client.post("/w/harbour-tea/sample/")
    Worker().serve_once()

    sample = Connection.objects.get()
    assert first["Location"] == again["Location"] == sample.url("numbers")
    assert sample.privacy == "private"
    shown = alice_client.get(first["Location"]).content.decode()
    assert "is invented" in shown
    assert "ActiveCampaign says 600" in re.sub(r"\s+", " ", shown)
    assert bob_client.get(first["Location"]).status_code == 404
    assert bob_client.post("/w/harbour-tea/sample/remove/").status_code == 404

    alice_client.post("/w/harbour-tea/sample/remove/")
    assert not Connection.objects.exists()


def test_nobody_changes_a_sample(alice: User, alice_client: Client) -> None:
    alice_client.post("/w/harbour-tea/sample/")
    sample = Connection.objects.get()
    before = Connection.objects.values().get()

    posted = {"name": "Mine", "api_url": "https://acme.api-us1.com", "privacy": "workspace", "version": sample.version}
    answers = [
        alice_client.post(sample.get_absolute_url(), posted),
        alice_client.post(sample.url("pulling"), {"streams": "contacts"}),
        alice_client.post(sample.url("delete")),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert Connection.objects.values().get() == before
    assert "Edit this connection" not in alice_client.get(sample.get_absolute_url()).content.decode()


def test_a_person_of_another_workspace_has_a_sample_of_their_own(charlie: User, alice_client: Client) -> None:
    alice_client.post("/w/harbour-tea/sample/")
    client_of(charlie).post("/w/stranger/sample/")

    hosts = {connection.host for connection in Connection.objects.all()}
    assert len(hosts) == 2
