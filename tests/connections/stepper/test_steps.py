"""The stepper: its three steps, what they show, and what they keep."""

import re
from collections.abc import Callable

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
    error_at,
    error_summary,
    messages,
    read,
    rows,
    send,
    stored_texts,
    title,
    value,
    words,
)

pytestmark = pytest.mark.usefixtures("no_limit")


def steps(html: str) -> dict[str, tuple[str, str]]:
    """Each step's state and where it leads."""
    found = re.findall(r'<li class="step" data-state="(\w+)"[^>]*>(.*?)</li>', html, re.DOTALL)
    return {
        re.sub(r" \(done\)|^\d ", "", words(inside)): (
            state,
            (re.findall(r'href="([^"]+)"', inside) or [""])[0],
        )
        for state, inside in found
    }


def test_the_journey_creates_one_connection_and_queues_its_first_sync(
    alice_client: Client, alice: User, workspace: Workspace, sandbox: SandboxServer
) -> None:
    step_2 = begin(alice_client)

    finish = alice_client.post(step_2, details(sandbox))["Location"]
    detail = alice_client.post(finish)["Location"]

    connection = Connection.objects.visible_to(alice).get()
    assert detail == connection.get_absolute_url()
    assert connection.syncs.get().trigger == "first"
    page = alice_client.get(detail).content.decode()
    assert "ActiveCampaign Connections" in page
    assert '<strong>Main account</strong><span class="side-nav-new">New</span>' in page
    assert "Connection saved" in page


def test_each_step_has_its_own_address_and_the_stepper_shows_which_are_done(
    alice_client: Client, sandbox: SandboxServer
) -> None:
    step_2 = begin(alice_client)
    step_3 = alice_client.post(step_2, details(sandbox))["Location"]

    first, second, third = (steps(read(alice_client, address)) for address in (ADD, step_2, step_3))

    assert step_2.startswith(f"{ADD}activecampaign/") and step_3 == f"{step_2}finish/"
    assert first == {"Select Source": ("current", ""), "Set Up Credentials": ("todo", ""), "Finish": ("todo", "")}
    assert second == {"Select Source": ("done", ADD), "Set Up Credentials": ("current", ""), "Finish": ("todo", "")}
    assert third == {"Select Source": ("done", ADD), "Set Up Credentials": ("done", step_2), "Finish": ("current", "")}


def test_each_source_is_a_card_with_logo_and_one_line_that_is_a_forms_button(alice_client: Client) -> None:
    page = read(alice_client, ADD)

    card = re.search(r'<button class="choice-card" name="source" value="activecampaign">.*?</button>', page, re.DOTALL)
    assert "<svg" in card[0]
    assert words(card[0]) == (
        "ActiveCampaign Contacts, deals, campaigns and automations from your ActiveCampaign account."
    )


@pytest.mark.parametrize(("most", "is_offered"), [(6, False), (0, True)])
def test_a_search_box_is_there_once_there_are_many_sources(
    most: int, is_offered: bool, alice_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connections.stepper.views.SEARCHABLE", most)

    assert bool(controls(read(alice_client, ADD), "q")) == is_offered
    assert "ActiveCampaign" in read(alice_client, f"{ADD}?q=CONTACTS")
    assert "No source is called that" in read(alice_client, f"{ADD}?q=nothing")


@pytest.mark.parametrize("posted", [{}, {"source": ""}, {"source": "toothpaste"}, {"source": "add"}])
def test_an_unknown_source_is_refused_at_its_field_and_makes_no_draft(
    posted: dict[str, str], alice_client: Client
) -> None:
    page = send(alice_client, ADD, posted)

    assert error_at(page, "source")
    assert title(page).startswith("Error:")
    assert rows() == []


def test_choosing_the_source_twice_takes_up_the_untouched_draft(alice_client: Client) -> None:
    assert begin(alice_client) == begin(alice_client)
    assert Connection.objects.count() == 1


def test_the_form_asks_for_five_things_by_the_contracts_names(alice_client: Client, growth: Team) -> None:
    page = read(alice_client, begin(alice_client))

    for name in ("api_url", "api_key", "name", "privacy", "team"):
        assert controls(page, name)
    for label in ("API Access URL", "API Key", "Connection Name", "Privacy", "Team"):
        assert re.search(rf"<(?:label|legend)[^>]*>{label}</", page)
    assert re.search(r"<button class=\"button button-primary\"[^>]*>Finish</button>", page)


def test_the_guide_stands_beside_the_form(alice_client: Client) -> None:
    page = words(read(alice_client, begin(alice_client)))

    for said in (
        "Settings icon in the bottom-left corner",
        "Developer in the Settings sidebar",
        "The API Access section shows a URL and a Key",
        "When the user is deleted, their key stops working and so does the connection",
        "every user can see API Access, whichever permission group they belong to",
        "prefer a user made for integrations",
    ):
        assert said in page


def test_no_privacy_is_preselected(alice_client: Client, growth: Team) -> None:
    page = read(alice_client, begin(alice_client))

    assert len(controls(page, "privacy")) == 3
    assert chosen(page, "privacy") == []


def test_a_privacy_has_to_be_chosen(alice_client: Client, sandbox: SandboxServer) -> None:
    step_2 = begin(alice_client)

    page = send(alice_client, step_2, details(sandbox, privacy=""))

    assert error_at(page, "privacy") == "Choose who may use this connection."


def test_an_empty_form_says_at_each_field_what_is_missing(alice_client: Client) -> None:
    page = send(alice_client, begin(alice_client), {})

    assert error_at(page, "api_url") == "Enter the API URL."
    assert error_at(page, "api_key") == "Enter the API key."
    assert error_at(page, "name") == "Give the connection a name."
    assert error_at(page, "privacy") == "Choose who may use this connection."
    assert title(page) == "Error: Set Up Credentials · BlinkMetrics"


def test_each_error_is_tied_to_its_field_and_summed_up_on_top(alice_client: Client) -> None:
    page = send(alice_client, begin(alice_client), {"privacy": "nonsense"})

    for name in ("api_url", "api_key", "name", "privacy"):
        for tag in controls(page, name):
            assert 'aria-invalid="true"' in tag
            assert re.search(rf'aria-describedby="[^"]*\bid_{name}_error\b', tag)
        assert error_at(page, name) in error_summary(page)
    assert 'href="#id_api_url"' in page


def test_nothing_that_was_typed_is_lost_but_the_key(alice_client: Client, sandbox: SandboxServer, growth: Team) -> None:
    step_2 = begin(alice_client)
    typed = {"name": "Hafen–Tee ☕", "privacy": "team", "team": str(growth.pk), "api_url": "https://nonsense.example"}

    refused = send(alice_client, step_2, details(sandbox, **typed))
    later = read(alice_client, step_2)

    for page in (refused, later):
        assert value(page, "api_url") == "https://nonsense.example"
        assert value(page, "name") == "Hafen–Tee ☕"
        assert chosen(page, "privacy") == ["team"]
        assert chosen(page, "team") == [str(growth.pk)]
        assert value(page, "api_key") is None
        assert sandbox.api_key not in page


def test_a_refused_key_is_said_at_its_field_and_stores_no_connection(
    alice_client: Client, alice: User, sandbox: SandboxServer
) -> None:
    step_2 = begin(alice_client)

    page = alice_client.post(step_2, details(sandbox, api_key="f" * 40)).content.decode()

    assert 'id="id_api_key_error"' in page
    assert "Error:" in page.split("</title>")[0]
    assert not Connection.objects.visible_to(alice).exists()
    assert not Connection.objects.get().has_key


@pytest.mark.parametrize("key", ["abc-12345", "Bearer abcdefabcdefabcdef", "••••••••••••", "me@harbourtea.example"])
def test_a_malformed_key_is_refused_without_asking_and_is_not_stored(
    key: str, alice_client: Client, sandbox: SandboxServer
) -> None:
    page = send(alice_client, begin(alice_client), details(sandbox, api_key=key))

    assert error_at(page, "api_key")
    assert key not in page
    assert not sandbox.requests
    assert not Connection.objects.get().has_key


def test_the_key_is_on_no_page_and_in_no_column(alice_client: Client, sandbox: SandboxServer) -> None:
    step_2 = begin(alice_client)
    step_3 = alice_client.post(step_2, details(sandbox))["Location"]

    pages = [read(alice_client, address) for address in (ADD, step_2, step_3)]
    detail = alice_client.post(step_3, follow=True).content.decode()

    for text in (*pages, detail, stored_texts(), str(dict(alice_client.session))):
        assert sandbox.api_key not in text


@pytest.mark.parametrize(
    ("extra", "note"),
    [
        ("/", "API Access URL: We removed the slash at the end."),
        ("/api/3", "API Access URL: We removed /api/3 from the end."),
        ("/api/3/", "API Access URL: We removed /api/3/ from the end."),
        ("  ", "API Access URL: We removed the blanks around it."),
    ],
)
def test_cleaning_is_visible_and_the_cleaned_address_is_what_stays(
    extra: str, note: str, alice_client: Client, sandbox: SandboxServer
) -> None:
    step_2 = begin(alice_client)

    finish = alice_client.post(step_2, details(sandbox, api_url=f"{sandbox.origin}{extra}"), follow=True)

    assert note in messages(finish.content.decode())
    assert value(read(alice_client, step_2), "api_url") == sandbox.origin
    assert Connection.objects.get().address() == sandbox.origin


def test_cleaning_is_visible_when_the_account_says_no(alice_client: Client, sandbox: SandboxServer) -> None:
    typed = details(sandbox, api_url=f"{sandbox.origin}/api/3/", api_key=f"  {'f' * 40}")

    page = send(alice_client, begin(alice_client), typed)

    assert "We removed /api/3/ from the end." in messages(page)
    assert "API Key: We removed the blanks around the key." in messages(page)
    assert value(page, "api_url") == sandbox.origin


@pytest.mark.parametrize(
    ("address", "hint"),
    [
        ("http://harbourtea.api-us1.com", "must start with https://, not http://"),
        ("harbourtea.api-us1.com", "must start with https://"),
        ("https://harbourtea.activehosted.com/admin", "without a page path"),
        ("https://harbourtea.api-us1.com/api/3/contacts", "without a page path"),
        ("https://harbourtea.api-us1.com?key=1", "from the ? sign on"),
        ("https://127.0.0.1", "not an IP address"),
        ("https://tea.example.com", "Settings > Developer. If it is another one there, ask whoever runs BlinkMetrics."),
        ("https://user:pass@harbourtea.api-us1.com", "Remove the part before the @ sign"),
    ],
)
def test_any_other_address_is_refused_with_a_hint_and_is_not_asked(
    address: str, hint: str, alice_client: Client, sandbox: SandboxServer
) -> None:
    page = send(alice_client, begin(alice_client), details(sandbox, api_url=address))

    assert hint in error_at(page, "api_url")
    assert value(page, "api_url") == address
    assert not Connection.objects.get().has_key


@pytest.mark.parametrize("privacy", ["workspace", "private", "team"])
def test_any_member_may_add_a_connection_with_any_privacy(
    privacy: str, bob_client: Client, bob: User, sandbox: SandboxServer, growth: Team
) -> None:
    team = growth if privacy == "team" else None

    connection = connect_through_pages(bob_client, sandbox, privacy=privacy, team=str(team.pk) if team else "")

    assert (connection.privacy, connection.team, connection.created_by) == (privacy, team, bob)


def test_the_stored_keys_hint_names_its_ending_and_who_stored_it(alice_client: Client, sandbox: SandboxServer) -> None:
    step_2 = begin(alice_client)
    alice_client.post(step_2, details(sandbox))

    page = words(read(alice_client, step_2))

    assert f"A key ending {sandbox.api_key[-4:]} is stored since" in page
    assert "by you. Leave this blank to keep it." in page


def test_the_ending_of_a_short_key_is_not_told(alice_client: Client, new_sandbox: Callable[..., SandboxServer]) -> None:
    account = new_sandbox(api_key="0123456789abcdef0123456789abcde", contacts=1, deals=0)  # One short of 32.
    step_2 = begin(alice_client)
    alice_client.post(step_2, details(account))

    assert "A key is stored since" in words(read(alice_client, step_2))


def test_a_blank_key_keeps_the_stored_one(alice_client: Client, sandbox: SandboxServer) -> None:
    step_2 = begin(alice_client)
    alice_client.post(step_2, details(sandbox))

    response = alice_client.post(step_2, details(sandbox, api_key="", name="Other name"))

    assert response.status_code == 302
    draft = Connection.objects.get()
    assert (draft.name, draft.credentials().api_key.reveal()) == ("Other name", sandbox.api_key)


def test_a_changed_address_asks_for_the_key_again(
    alice_client: Client, sandbox: SandboxServer, new_sandbox: Callable[..., SandboxServer]
) -> None:
    step_2 = begin(alice_client)
    alice_client.post(step_2, details(sandbox))
    other = new_sandbox(contacts=1, deals=0)

    page = send(alice_client, step_2, details(other, api_key=""))

    assert "Enter the key again" in error_at(page, "api_key")
    assert not other.requests
    assert Connection.objects.get().address() == sandbox.origin
