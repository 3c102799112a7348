"""The customer's guide, step by step, acted through the pages. docs/guide-coverage.md says which sentence is where."""

import re

import pytest
from django.test import Client

from connections.models import Connection, Team, User, Workspace
from sources.activecampaign.sandbox.server import SandboxServer
from tests.connections.stepper.walking import (
    ADD,
    begin,
    chosen,
    connect_through_pages,
    controls,
    details,
    link,
    pulls,
    read,
    send,
    set_up,
    value,
    words,
    work_off,
)

pytestmark = pytest.mark.usefixtures("no_limit")

LIST = "/w/harbour-tea/connections/"
CHOICES = {
    "workspace": "Shared with Workspace",
    "private": "Private to Me",
    "team": "Shared with Team",
}


@pulls
def test_a_finished_connection_pulls_data_from_activecampaign(alice_client: Client, sandbox: SandboxServer) -> None:
    connection = connect_through_pages(alice_client, sandbox)
    email = sandbox.world.row("contacts", sandbox.world.first_ids("contacts")[0])["email"]

    work_off()

    page = words(read(alice_client, f"{connection.get_absolute_url()}data/"))
    assert (
        "Contacts Everybody whom you write to or sell to, and how to reach them. 250" in page
        and "with whom. 40" in page
    )
    assert email in read(alice_client, f"{connection.get_absolute_url()}data/contacts/?sort=id")


# 1. Go to the Connections Page ------------------------------------------------------------------------------------


def test_the_settings_cog_in_the_header_opens_a_menu_that_leads_to_the_connections_page(
    alice_client: Client, workspace: Workspace
) -> None:
    page = alice_client.get("/", follow=True).content.decode()

    header = re.search(r"<header.*?</header>", page, re.DOTALL)[0]
    cog = re.search(r'<button[^>]*popovertarget="settings-menu"[^>]*>', header)[0]
    menu = re.search(r'<nav[^>]*id="settings-menu".*?</nav>', header, re.DOTALL)[0]
    assert 'aria-label="Settings"' in cog
    assert "<h1>Connections</h1>" in read(alice_client, link(menu, "Connections").address)


def test_the_add_connection_button_opens_the_stepper(alice_client: Client) -> None:
    button = link(read(alice_client, LIST), "Add Connection")

    stepper = re.search(r'<ol class="stepper".*?</ol>', read(alice_client, button.address), re.DOTALL)[0]
    assert words(stepper) == "1 Select Source 2 Set Up Credentials 3 Finish"


# 2. Add Connection ------------------------------------------------------------------------------------------------


def test_activecampaign_is_selected_in_the_select_source_tab(alice_client: Client) -> None:
    page = read(alice_client, ADD)
    assert re.search(r'aria-current="step">\s*<span>.*?Select Source', page, re.DOTALL)
    card = re.search(r'name="source" value="(activecampaign)"', page)

    after = alice_client.post(ADD, {"source": card[1]}, follow=True).content.decode()

    assert re.search(r'aria-current="step">\s*<span>.*?Set Up Credentials', after, re.DOTALL)
    assert "Connect ActiveCampaign" in after


def test_the_set_up_credentials_tab_has_a_few_fields_to_fill_in(alice_client: Client, growth: Team) -> None:
    page = read(alice_client, begin(alice_client))

    for label, name in {
        "API Access URL": "api_url",
        "API Key": "api_key",
        "Connection Name": "name",
        "Privacy": "privacy",
    }.items():
        assert controls(page, name)
        assert re.search(rf"<(?:label|legend)[^>]*>{label}</", page)


def test_the_tab_may_be_left_for_activecampaign_and_come_back_to(alice_client: Client, sandbox: SandboxServer) -> None:
    step_2 = begin(alice_client)
    send(alice_client, step_2, {"name": "Main account", "privacy": "private"})

    back = read(alice_client, step_2)

    assert value(back, "name") == "Main account"
    assert chosen(back, "privacy") == ["private"]
    assert step_2 in read(alice_client, ADD)


# 3. Collect the API Access URL and the API Key --------------------------------------------------------------------


def test_the_url_and_the_key_are_the_two_items_that_a_connection_needs(
    alice_client: Client, sandbox: SandboxServer
) -> None:
    complete = details(sandbox)

    for item in ("api_url", "api_key"):
        page = send(alice_client, begin(alice_client), complete | {item: ""})
        assert f'id="id_{item}_error"' in page
    assert alice_client.post(begin(alice_client), complete).status_code == 302


def test_the_page_itself_says_where_in_activecampaign_the_two_items_are(alice_client: Client) -> None:
    page = read(alice_client, begin(alice_client))

    guide = words(re.search(r'<aside class="guide".*?</aside>', page, re.DOTALL)[0])
    settings = guide.index("click the Settings icon in the bottom-left corner")
    developer = guide.index("Click Developer in the Settings sidebar")
    access = guide.index("The API Access section shows a URL and a Key . Copy each of them into its field")
    assert settings < developer < access


# 4. Set Up Credentials in BlinkMetrics ----------------------------------------------------------------------------


def test_url_and_key_are_pasted_into_their_fields_of_the_tab(alice_client: Client, sandbox: SandboxServer) -> None:
    pasted = details(sandbox, api_url=f" {sandbox.origin}/\n", api_key=f"\t{sandbox.api_key} ")

    finish = alice_client.post(begin(alice_client), pasted, follow=True).content.decode()

    assert sandbox.origin.removeprefix("http://") in words(finish)
    assert "Contacts 250" in words(finish)


def test_the_name_is_for_organising_and_the_form_recommends_to_say_which_account(
    alice_client: Client, sandbox: SandboxServer
) -> None:
    assert "Say which account it is" in words(read(alice_client, begin(alice_client)))

    for name in ("Main account", "Main account"):
        connect_through_pages(alice_client, sandbox, name=name)

    assert [*Connection.objects.values_list("name", flat=True)] == ["Main account"] * 2


@pytest.mark.parametrize("privacy", CHOICES)
def test_the_privacy_level_is_selected_from_the_three(
    privacy: str, alice_client: Client, sandbox: SandboxServer, growth: Team
) -> None:
    page = words(read(alice_client, begin(alice_client)))
    assert all(choice in page for choice in CHOICES.values())

    team = str(growth.pk) if privacy == "team" else ""
    connection = connect_through_pages(alice_client, sandbox, privacy=privacy, team=team)

    shown = read(alice_client, connection.get_absolute_url())
    assert re.search(rf'name="privacy" value="{privacy}"[^>]* checked', shown)
    assert connection.privacy == privacy


def test_a_connection_is_used_by_those_that_its_privacy_names(
    alice_client: Client, bob_client: Client, erin: User, client: Client, sandbox: SandboxServer, growth: Team
) -> None:
    client.force_login(erin, backend="allauth.account.auth_backends.AuthenticationBackend")
    for privacy in CHOICES:
        team = str(growth.pk) if privacy == "team" else ""
        connect_through_pages(alice_client, sandbox, name=f"For {privacy}", privacy=privacy, team=team)

    seen = [
        {privacy for privacy in CHOICES if f"For {privacy}" in read(who, LIST)}
        for who in (alice_client, bob_client, client)
    ]

    assert seen == [{"workspace", "private", "team"}, {"workspace", "team"}, {"workspace"}]


def test_finish_completes_the_connection(alice_client: Client, alice: User, sandbox: SandboxServer) -> None:
    step_3 = set_up(alice_client, sandbox)
    assert re.search(r"<button[^>]*>Save Connection</button>", read(alice_client, step_3))
    assert not Connection.objects.visible_to(alice).exists()

    page = alice_client.post(step_3, follow=True).content.decode()

    assert "Connection saved: Main account." in page
    assert Connection.objects.visible_to(alice).get().state == "active"
