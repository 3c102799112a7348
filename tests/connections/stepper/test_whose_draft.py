"""Who finds a set-up, and which teams it may be given to."""

import uuid

import pytest
from django.test import Client

from connections.models import Connection, Membership, Sync, Team, User, Workspace
from connections.people.leaving import disband
from connections.syncing.working import queue_due
from sources.activecampaign.sandbox.server import SandboxServer
from tests.conftest import client_of
from tests.connections.stepper.walking import (
    ADD,
    LIST,
    PAGES,
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
    assert "No connections yet" in read(alice_client, LIST)
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
    assert (draft.team, draft.set_up_at) == (None, None)


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

    page = send(alice_client, step_3, {})

    assert error_at(page, "team") == "Choose one of your teams."
    assert rows() == before
    assert alice_client.post(step_3, {"privacy": "private"}).status_code == 302
    assert Connection.objects.get().privacy == "private"


def test_a_set_up_whose_team_was_deleted_becomes_private_and_is_shown_again(
    alice_client: Client, alice: User, sandbox: SandboxServer, growth: Team
) -> None:
    step_3 = set_up(alice_client, sandbox, privacy="team", team=str(growth.pk))
    seen = value(read(alice_client, step_3), "version")
    disband(growth, by=alice)

    page = alice_client.post(step_3, {"version": seen}, follow=True).content.decode()

    assert "The set-up changed since this page was shown." in messages(page)
    assert "Private to Me Nobody else in Harbour Tea sees it, not even its administrators" in words(page)
    draft = Connection.objects.get()
    assert (draft.state, draft.privacy, draft.team) == ("draft", "private", None)
