"""The page of a workspace: owners say what it is called and which clock it goes by."""

from datetime import time
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from connections.models import Connection, Schedule, User, Workspace
from tests.conftest import Connect

PAGE = "/w/harbour-tea/settings/workspace/"


def test_an_owner_renames_it_and_its_clock_moves_what_runs_at_a_time_of_the_day(
    alice_client: Client, workspace: Workspace, connect: Connect
) -> None:
    connection = connect()
    Connection.objects.update(schedule=Schedule.DAILY, daily_at=time(6))

    page = alice_client.post(PAGE, {"name": "Harbour Tea & Co", "timezone": "asia/ho chi minh"}, follow=True)

    assert "Harbour Tea &amp; Co</span>" in page.content.decode()
    workspace.refresh_from_db()
    assert (workspace.name, workspace.timezone, workspace.slug) == (
        "Harbour Tea & Co",
        "Asia/Ho_Chi_Minh",
        "harbour-tea",
    )
    planned = Connection.objects.get(pk=connection.pk).next_sync_at
    assert planned.astimezone(ZoneInfo("Asia/Ho_Chi_Minh")).hour == 6
    event = workspace.events.get(verb="changed the workspace")
    assert (str(event.actor), event.detail) == ("Alice Okafor", "Its name was Harbour Tea. Its time zone was UTC.")


def test_zones_are_offered_to_be_searched_and_others_are_refused(alice_client: Client, workspace: Workspace) -> None:
    assert '<option value="Europe/Vienna">' in alice_client.get(PAGE).content.decode()

    page = alice_client.post(PAGE, {"name": "", "timezone": "Mars"}).content.decode()

    assert "Choose one of the zones that are offered, such as Europe/Berlin." in page
    assert "Give the workspace a name." in page
    workspace.refresh_from_db()
    assert (workspace.name, workspace.timezone) == ("Harbour Tea", "UTC")


@pytest.mark.parametrize(
    ("typed", "zone"),
    [("Berlin", "Europe/Berlin"), (" new york ", "America/New_York"), ("utc", "UTC"), ("Istanbul", "UTC")],
)
def test_of_a_city_its_name_is_enough_where_no_other_is_called_so(
    alice_client: Client, workspace: Workspace, typed: str, zone: str
) -> None:
    alice_client.post(PAGE, {"name": "Harbour Tea", "timezone": typed})

    workspace.refresh_from_db()
    assert workspace.timezone == zone


def test_others_read_it_and_change_nothing(dana_client: Client, workspace: Workspace) -> None:
    assert "Owners may change it." in dana_client.get(PAGE).content.decode()
    assert dana_client.post(PAGE, {"name": "Mine", "timezone": "UTC"}).status_code == 403
    workspace.refresh_from_db()
    assert workspace.name == "Harbour Tea"


def test_the_foot_of_each_page_leads_to_the_guide_to_what_is_new_and_to_whom_to_ask(
    alice_client: Client, client: Client, settings: object
) -> None:
    settings.HELP_CONTACT = "mailto:help@example.com"  # type: ignore[attr-defined]
    foot = alice_client.get(PAGE).content.decode().partition("<footer")[2]
    assert 'href="mailto:help@example.com"' in foot
    guide = alice_client.get("/help/guide/").content.decode()
    assert "Where to find these two in ActiveCampaign" in guide
    assert "Copy each of them into its field in the Set Up Credentials tab." in guide
    news = alice_client.get("/help/new/").content.decode()
    assert "Connect your ActiveCampaign account in three steps" in news
    assert "**" not in news and "`" not in news
    assert client.get("/help/new/").status_code == 302


@pytest.fixture
def in_two_workspaces(alice_client: Client, alice: User, workspace: Workspace) -> Client:
    """Somebody who was in Harbour Tea last, and is a member of Another too."""
    other = Workspace.objects.create(name="Another", slug="another")
    other.memberships.create(user=alice, role="member")
    alice_client.get("/w/harbour-tea/connections/")
    return alice_client


def test_pages_of_no_workspace_have_the_header_of_the_one_that_i_was_in(in_two_workspaces: Client) -> None:
    for page in ("/accounts/password/change/", "/accounts/sign-ins/", "/help/guide/"):
        head = in_two_workspaces.get(page).content.decode().partition("<main")[0]
        assert 'href="/w/harbour-tea/connections/"' in head
        assert head.count("Harbour Tea") == 2 and head.count("Another") == 1


def test_a_workspace_that_wants_two_steps_stands_around_no_page_of_who_has_one(
    alice_client: Client, workspace: Workspace
) -> None:
    Workspace.objects.update(requires_second_factor=True)

    head = alice_client.get("/accounts/2fa/totp/activate/").content.decode().partition("<main")[0]

    assert "Harbour Tea" not in head and "/w/" not in head


def test_where_the_last_workspace_wants_two_steps_another_that_is_open_stands_around(
    in_two_workspaces: Client, workspace: Workspace
) -> None:
    Workspace.objects.filter(pk=workspace.pk).update(requires_second_factor=True)

    head = in_two_workspaces.get("/accounts/sign-ins/").content.decode().partition("<main")[0]

    assert 'href="/w/another/connections/"' in head
