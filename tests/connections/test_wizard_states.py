"""What becomes of a set-up when pages are reloaded, shared, forged, or overtaken by events."""

import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from connections import setting_up
from connections.leaving import disband
from connections.models import Connection, Membership, Sync, Team, User, Workspace
from connections.working import queue_due
from sources.activecampaign.sandbox.server import SandboxServer
from tests.conftest import PASSWORD, client_of
from tests.connections.stepper import (
    ADD,
    begin,
    connect_through_pages,
    controls,
    details,
    error_at,
    messages,
    read,
    rows,
    send,
    set_up,
    value,
    words,
)

pytestmark = pytest.mark.usefixtures("no_limit")

LIST = "/w/harbour-tea/connections/"
PAGES = ("", "finish/", "discard/")


@pytest.fixture
def between(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], None]:
    """Let something happen while the account is being asked."""
    ask = setting_up.ask

    def happen(event: Callable[[], Any]) -> None:
        def asked(*args: Any) -> Any:
            monkeypatch.setattr(setting_up, "ask", ask)
            proof = ask(*args)
            event()
            return proof

        monkeypatch.setattr(setting_up, "ask", asked)

    return happen


# Back, reload, and pressing twice --------------------------------------------------------------------------------


def test_back_after_finish_leads_to_the_connection(alice_client: Client, sandbox: SandboxServer) -> None:
    step_3 = set_up(alice_client, sandbox)
    detail = alice_client.post(step_3)["Location"]
    before = rows()

    for address in (step_3, step_3.removesuffix("finish/")):
        assert alice_client.get(address)["Location"] == detail
    assert rows() == before


def test_a_second_press_of_finish_meets_the_same_connection(alice_client: Client, sandbox: SandboxServer) -> None:
    step_3 = set_up(alice_client, sandbox)

    first, second = (alice_client.post(step_3)["Location"] for _ in range(2))

    assert first == second
    assert Connection.objects.count() == Sync.objects.count() == 1
    assert Connection.objects.get().events.filter(verb="connected").count() == 1


def test_two_presses_of_continue_meet_the_same_draft(alice_client: Client, sandbox: SandboxServer) -> None:
    step_2 = begin(alice_client)

    first, second = (alice_client.post(step_2, details(sandbox))["Location"] for _ in range(2))

    assert first == second
    assert Connection.objects.count() == 1


def test_a_reload_of_the_page_with_an_error_sends_the_same_refusal_again(
    alice_client: Client, sandbox: SandboxServer
) -> None:
    step_2 = begin(alice_client)

    first, second = (
        error_at(send(alice_client, step_2, details(sandbox, api_key="f" * 40)), "api_key") for _ in range(2)
    )

    assert first == second != ""
    assert Connection.objects.get().state == "draft"


def test_looking_changes_nothing(alice_client: Client, sandbox: SandboxServer) -> None:
    step_3 = set_up(alice_client, sandbox)
    before = rows()
    sandbox.reset()

    for address in (ADD, step_3, step_3.removesuffix("finish/"), LIST):
        assert alice_client.get(f"{address}?source=activecampaign&name=x&save_unverified=1").status_code == 200
    assert alice_client.get(step_3.replace("finish/", "discard/")).status_code == 405
    assert rows() == before
    assert not sandbox.requests


def test_the_last_step_before_the_second_leads_to_the_second(alice_client: Client) -> None:
    step_2 = begin(alice_client)
    before = rows()

    for response in (alice_client.get(f"{step_2}finish/"), alice_client.post(f"{step_2}finish/", {"pace": "full"})):
        assert response["Location"] == step_2
    assert rows() == before
    assert not Sync.objects.exists()


# Two tabs --------------------------------------------------------------------------------------------------------


def test_what_was_finished_in_one_tab_is_not_undone_by_another(alice_client: Client, sandbox: SandboxServer) -> None:
    step_3 = set_up(alice_client, sandbox)
    step_2 = step_3.removesuffix("finish/")
    alice_client.post(step_3)
    before = rows()

    response = alice_client.post(step_2, details(sandbox, name="Late", privacy="private"), follow=True)

    assert "already finished" in messages(response.content.decode())
    assert response.redirect_chain[-1][0] == Connection.objects.get().get_absolute_url()
    assert rows() == before


def test_what_another_tab_finishes_during_the_check_stays_finished(
    alice_client: Client, alice: User, sandbox: SandboxServer, between: Callable[..., None]
) -> None:
    step_3 = set_up(alice_client, sandbox)
    between(lambda: client_of(alice).post(step_3))

    response = alice_client.post(step_3.removesuffix("finish/"), details(sandbox, name="Late"), follow=True)

    connection = Connection.objects.get()
    assert (connection.state, connection.name) == ("active", "Main account")
    assert response.redirect_chain[-1][0] == connection.get_absolute_url()


def test_what_another_tab_discards_during_the_check_stays_discarded(
    alice_client: Client, alice: User, sandbox: SandboxServer, between: Callable[..., None]
) -> None:
    step_2 = begin(alice_client)
    between(lambda: client_of(alice).post(f"{step_2}discard/"))

    response = alice_client.post(step_2, details(sandbox), follow=True)

    assert response.status_code == 404
    assert rows() == []


def test_finish_is_not_pressed_for_what_was_not_seen(alice_client: Client, sandbox: SandboxServer) -> None:
    step_3 = set_up(alice_client, sandbox)
    seen = value(read(alice_client, step_3), "version")
    alice_client.post(step_3.removesuffix("finish/"), details(sandbox, privacy="private"))

    response = alice_client.post(step_3, {"version": seen}, follow=True)

    assert "The set-up changed since this page was shown." in messages(response.content.decode())
    assert "Private to Me" in words(response.content.decode())
    assert Connection.objects.get().state == "draft"


def test_two_set_ups_side_by_side_do_not_mix(alice_client: Client, sandbox: SandboxServer) -> None:
    first = set_up(alice_client, sandbox, name="First")
    second = set_up(alice_client, sandbox, name="Second", privacy="private")

    for step_3 in (first, second):
        alice_client.post(step_3)

    assert sorted(Connection.objects.values_list("name", "privacy")) == [("First", "workspace"), ("Second", "private")]


# Leaving and coming back -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["", "finish/"])
def test_login_returns_to_the_same_step_when_the_session_has_ended(
    step: str, alice_client: Client, sandbox: SandboxServer
) -> None:
    address = set_up(alice_client, sandbox).removesuffix("finish/") + step
    alice_client.logout()
    before = rows()

    login = alice_client.post(address, details(sandbox, name="Late"))["Location"]
    page = read(alice_client, login)
    back = alice_client.post(login, {"login": "alice@harbourtea.example", "password": PASSWORD, "next": address})

    assert login == f"/accounts/login/?next={address}"
    assert value(page, "next") == address
    assert back["Location"] == address
    assert rows() == before
    assert "Main account" in read(alice_client, address)


def test_an_unfinished_set_up_is_offered_to_continue(alice_client: Client, sandbox: SandboxServer) -> None:
    step_2 = begin(alice_client)
    send(alice_client, step_2, details(sandbox, name="Half way", api_key=""))

    for address in (ADD, LIST):
        page = read(alice_client, address)
        assert "You have an unfinished ActiveCampaign connection, “Half way”" in words(page)
        assert re.search(rf'<a[^>]*href="{step_2}"[^>]*>Continue</a>', page)
    assert value(read(alice_client, step_2), "name") == "Half way"


def test_a_set_up_that_nothing_was_typed_into_is_not_worth_offering(alice_client: Client) -> None:
    begin(alice_client)

    assert "unfinished" not in read(alice_client, ADD)


def test_a_set_up_can_be_discarded(alice_client: Client, sandbox: SandboxServer) -> None:
    step_3 = set_up(alice_client, sandbox)

    response = alice_client.post(step_3.replace("finish/", "discard/"), follow=True)

    assert response.redirect_chain[-1][0] == ADD
    assert "The unfinished set-up was discarded." in messages(response.content.decode())
    assert rows() == []
    assert alice_client.get(step_3).status_code == 404


def test_a_finished_connection_cannot_be_discarded(alice_client: Client, sandbox: SandboxServer) -> None:
    step_3 = set_up(alice_client, sandbox)
    alice_client.post(step_3)
    before = rows()

    response = alice_client.post(step_3.replace("finish/", "discard/"))

    assert response["Location"] == Connection.objects.get().get_absolute_url()
    assert rows() == before


def test_a_source_switched_off_is_said_and_keeps_what_was_typed(
    alice_client: Client, sandbox: SandboxServer, settings: Any
) -> None:
    step_3 = set_up(alice_client, sandbox)
    step_2 = step_3.removesuffix("finish/")
    settings.SOURCES_SWITCHED_OFF = ["activecampaign"]
    before = rows()

    assert "ActiveCampaign cannot be connected right now" in read(alice_client, step_2)
    assert "cannot be connected right now" in send(alice_client, step_2, details(sandbox, name="Late"))
    assert alice_client.get(step_3)["Location"] == alice_client.post(step_3)["Location"] == step_2
    assert not re.search(r'<button[^>]* value="activecampaign"', read(alice_client, ADD))
    assert error_at(send(alice_client, ADD, {"source": "activecampaign"}), "source")
    assert rows() == before

    settings.SOURCES_SWITCHED_OFF = []
    assert value(read(alice_client, step_2), "name") == "Main account"


# Who else ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def draft(alice_client: Client, sandbox: SandboxServer) -> str:
    """Step 2 of Alice's set-up, which has been through it."""
    return set_up(alice_client, sandbox).removesuffix("finish/")


@pytest.mark.parametrize("who", ["bob", "dana", "staff", "charlie"])
@pytest.mark.parametrize("step", PAGES)
def test_a_draft_of_somebody_else_is_the_404_of_a_random_id(
    who: str, step: str, draft: str, sandbox: SandboxServer, request: pytest.FixtureRequest
) -> None:
    client = client_of(request.getfixturevalue(who))
    random = f"{ADD}activecampaign/{uuid.uuid4()}/"
    before = rows()

    for ask in (client.post, *([client.get] if step != "discard/" else [])):
        hidden, missing = ask(f"{draft}{step}"), ask(f"{random}{step}")
        assert (hidden.status_code, hidden.content) == (404, missing.content)
    assert rows() == before


@pytest.mark.parametrize("step", PAGES)
def test_a_stranger_is_asked_to_log_in_whether_there_is_a_draft_or_not(step: str, draft: str, client: Client) -> None:
    before = rows()

    for address in (draft, f"{ADD}activecampaign/{uuid.uuid4()}/"):
        assert client.post(f"{address}{step}")["Location"].startswith("/accounts/login/")
    assert rows() == before


@pytest.mark.parametrize("who", ["bob", "dana"])
def test_a_draft_is_in_nobody_elses_lists(who: str, draft: str, request: pytest.FixtureRequest) -> None:
    client = client_of(request.getfixturevalue(who))

    for address in (LIST, f"{LIST}activecampaign/", f"{LIST}?q=Main", ADD, "/w/harbour-tea/settings/activity/"):
        page = read(client, address)
        assert "Main account" not in page and "unfinished" not in page


def test_a_draft_is_no_connection_even_for_its_creator(alice_client: Client, draft: str) -> None:
    detail = Connection.objects.get().get_absolute_url()

    for page in ("", "syncs/", "data/", "progress/"):
        assert alice_client.get(f"{detail}{page}").status_code == 404
    for page in ("", "test/", "sync/", "pause/", "delete/"):
        assert alice_client.post(f"{detail}{page}").status_code == 404
    assert "No connections that you may use yet" in read(alice_client, LIST)
    assert queue_due() == 0 and not Sync.objects.exists()


def test_who_is_no_longer_a_member_finds_nothing(alice_client: Client, draft: str, sandbox: SandboxServer) -> None:
    Membership.objects.all().delete()
    before = rows()

    for page in PAGES:
        assert alice_client.post(f"{draft}{page}", details(sandbox, name="Late")).status_code == 404
    assert alice_client.post(ADD, {"source": "activecampaign"}).status_code == 404
    assert rows() == before


def test_a_draft_is_found_only_in_its_own_workspace(alice_client: Client, alice: User, draft: str) -> None:
    other = Workspace.objects.create(name="Other", slug="other")
    Membership.objects.create(workspace=other, user=alice)

    assert alice_client.get(draft.replace("harbour-tea", "other")).status_code == 404


@pytest.mark.parametrize("step", PAGES)
def test_a_form_without_its_token_is_refused(step: str, alice: User, draft: str, sandbox: SandboxServer) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice, backend="allauth.account.auth_backends.AuthenticationBackend")
    before = rows()

    assert client.post(f"{draft}{step}", details(sandbox, name="Forged")).status_code == 403
    assert rows() == before


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_other_methods_are_refused(method: str, alice_client: Client, draft: str) -> None:
    before = rows()

    for address in (ADD, draft, f"{draft}finish/", f"{draft}discard/"):
        assert getattr(alice_client, method)(address).status_code == 405
    assert rows() == before


# Teams ------------------------------------------------------------------------------------------------------------


def test_a_team_has_to_be_named(alice_client: Client, sandbox: SandboxServer, growth: Team) -> None:
    page = send(alice_client, begin(alice_client), details(sandbox, privacy="team"))

    assert error_at(page, "team") == "Choose the team that may use this connection."
    assert not sandbox.requests


def test_only_my_teams_are_offered(dana_client: Client, growth: Team, workspace: Workspace, dana: User) -> None:
    mine = Team.objects.create(workspace=workspace, name="Operations")
    mine.members.set(workspace.memberships.filter(user=dana))

    page = read(dana_client, begin(dana_client))

    assert "Operations" in page and "Growth" not in page


@pytest.mark.parametrize("whose", ["of another workspace", "not mine", "deleted", "random", "nonsense", "huge"])
def test_a_team_that_i_may_not_choose_gets_the_answer_of_one_that_there_is_not(
    whose: str,
    dana_client: Client,
    dana: User,
    charlie: User,
    workspace: Workspace,
    growth: Team,
    sandbox: SandboxServer,
) -> None:
    mine = Team.objects.create(workspace=workspace, name="Operations")
    mine.members.set(workspace.memberships.filter(user=dana))
    foreign = Team.objects.create(workspace=Workspace.objects.get(slug="stranger"), name="Strangers")
    gone = Team.objects.create(workspace=workspace, name="Gone")
    gone_id = gone.pk
    step_2 = begin(dana_client)
    gone.delete()
    team = {
        "of another workspace": str(foreign.pk),
        "not mine": str(growth.pk),
        "deleted": str(gone_id),
        "random": "987654",
        "nonsense": "Growth",
        "huge": "9" * 40,
    }[whose]

    page = send(dana_client, step_2, details(sandbox, privacy="team", team=team))

    assert error_at(page, "team") == "Choose one of your teams."
    assert "Strangers" not in page and "Growth" not in page.replace('value="Growth"', "")
    draft = Connection.objects.get()
    assert (draft.team, draft.set_up_at, draft.has_key) == (None, None, False)


def test_without_a_team_the_choice_is_shown_with_the_reason(
    alice_client: Client, workspace: Workspace, sandbox: SandboxServer
) -> None:
    step_2 = begin(alice_client)

    closed = [tag for tag in controls(read(alice_client, step_2), "privacy") if " disabled" in tag]
    page = send(alice_client, step_2, details(sandbox, privacy="team"))

    assert len(closed) == 1 and 'value="team"' in closed[0]
    assert "You are in no team of this workspace" in words(read(alice_client, step_2))
    assert "You are in no team of this workspace" in error_at(page, "team")


def test_a_team_left_over_from_another_choice_does_not_matter(alice_client: Client, sandbox: SandboxServer) -> None:
    connection = connect_through_pages(alice_client, sandbox, privacy="private", team="987654")

    assert (connection.privacy, connection.team) == ("private", None)


def test_who_left_the_team_before_finish_chooses_again(
    alice_client: Client, alice: User, sandbox: SandboxServer, growth: Team
) -> None:
    step_3 = set_up(alice_client, sandbox, privacy="team", team=str(growth.pk))
    growth.members.remove(growth.members.get(user=alice))
    before = rows()

    response = alice_client.post(step_3, follow=True)

    assert response.redirect_chain[-1][0] == step_3.removesuffix("finish/")
    assert "You are no longer in that team." in messages(response.content.decode())
    assert value(response.content.decode(), "name") == "Main account"
    assert rows() == before


def test_a_set_up_whose_team_was_deleted_becomes_private_and_is_shown_again(
    alice_client: Client, alice: User, sandbox: SandboxServer, growth: Team
) -> None:
    step_3 = set_up(alice_client, sandbox, privacy="team", team=str(growth.pk))
    seen = value(read(alice_client, step_3), "version")
    disband(growth, by=alice)

    page = alice_client.post(step_3, {"version": seen}, follow=True).content.decode()

    assert "The set-up changed since this page was shown." in messages(page)
    assert "Private to Me: nobody else sees it" in words(page)
    draft = Connection.objects.get()
    assert (draft.state, draft.privacy, draft.team) == ("draft", "private", None)


# Names, twins and forged fields -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "n" * 100,
        "حساب المتجر الرئيسي",
        "Tea ☕ & 👩‍👩‍👧 family",
        "<script>alert(1)</script>",
        "{{ 7|add:7 }} {% now 'Y' %}",
        'O\'Brien "& Sons"',
    ],
)
def test_any_name_is_kept_and_shown_as_text(name: str, alice_client: Client, sandbox: SandboxServer) -> None:
    step_3 = set_up(alice_client, sandbox, name=name)
    pages = [read(alice_client, step_3), read(alice_client, ADD)]
    detail = alice_client.post(step_3, follow=True).content.decode()

    assert Connection.objects.get().name == name
    for page in (*pages, detail, read(alice_client, LIST)):
        assert name in words(page) or name in page or "&lt;script&gt;alert(1)&lt;/script&gt;" in page
        assert "<script>alert" not in page


def test_two_connections_may_bear_the_same_name(alice_client: Client, sandbox: SandboxServer) -> None:
    first, second = (connect_through_pages(alice_client, sandbox) for _ in range(2))

    assert first != second
    assert read(alice_client, LIST).count("<strong>Main account</strong>") == 2


def test_the_same_account_twice_is_noticed_and_allowed(
    alice_client: Client, bob_client: Client, bob: User, sandbox: SandboxServer
) -> None:
    first = connect_through_pages(alice_client, sandbox, name="Main")
    step_3 = set_up(bob_client, sandbox, name="Second")

    page = read(bob_client, step_3)
    second = bob_client.post(step_3)["Location"]

    assert "This account is already connected as Main . Open it, or add this one anyway" in words(page)
    assert f'href="{first.get_absolute_url()}"' in page
    assert second == Connection.objects.get(name="Second").get_absolute_url()


@pytest.mark.parametrize("hidden", ["private", "team", "draft"])
def test_the_same_account_is_not_disclosed_when_the_other_one_is_hidden(
    hidden: str,
    alice_client: Client,
    erin: User,
    sandbox: SandboxServer,
    new_sandbox: Callable[..., SandboxServer],
    growth: Team,
) -> None:
    other = new_sandbox(contacts=250, deals=40)
    if hidden == "draft":
        set_up(alice_client, sandbox, name="Hidden")
    else:
        connect_through_pages(
            alice_client, sandbox, name="Hidden", privacy=hidden, team=str(growth.pk) if hidden == "team" else ""
        )
    erins = client_of(erin)

    taken, free = (words(read(erins, set_up(erins, account))) for account in (sandbox, other))

    assert "already connected" not in taken and "Hidden" not in taken
    assert taken.replace(sandbox.origin[7:], "") == free.replace(other.origin[7:], "")


def test_fields_that_the_form_does_not_have_change_nothing(
    alice_client: Client, alice: User, bob: User, charlie: User, sandbox: SandboxServer
) -> None:
    asked_for = {"api_url", "api_key", "name", "privacy", "team", "typed", "version"}
    forged = {field.attname: str(bob.pk) for field in Connection._meta.concrete_fields if field.name not in asked_for}
    forged |= {"workspace": "stranger", "created_by": str(bob.pk), "is_verified": "1", "verified": "1"}
    forged |= {"state": "active", "health": "healthy", "source": "toothpaste", "source_key": "toothpaste"}
    step_2 = begin(alice_client)
    untouched = Connection.objects.get()

    step_3 = alice_client.post(step_2, details(sandbox) | forged)["Location"]
    draft = Connection.objects.get()
    alice_client.post(step_3, forged)

    connection = Connection.objects.get()
    for row in (draft, connection):
        assert (row.pk, row.workspace, row.created_by, row.source_key, row.created_at) == (
            untouched.pk,
            untouched.workspace,
            alice,
            "activecampaign",
            untouched.created_at,
        )
        assert (row.key_stored_by, row.schedule, row.orphaned_at) == (alice, "hourly", None)
    assert (draft.state, draft.next_sync_at) == ("draft", None)
    assert connection.pace == "considerate"


def test_an_over_long_post_is_refused(alice_client: Client, draft: str) -> None:
    before = rows()

    assert alice_client.post(draft, {"name": "n" * 300_000}).status_code == 400
    assert rows() == before
