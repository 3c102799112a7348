"""What staff do to people and workspaces stands in the trail of each workspace that it concerns, as theirs."""

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from connections.models import Event, Membership, Team, User, Workspace
from tests.conftest import Connect, client_of, give_second_factor
from tests.connections.admin.test_admin import act, workspace_form
from tests.connections.people.test_activity import ACTIVITY, trail

PEOPLE = "/admin/connections/user/"
STAFF = "BlinkMetrics staff (Site staff)"


def change(client: Client, person: User, **changed: Any) -> None:
    kept = {"email": person.email, "name": person.name, "is_active": "on"}
    typed = {name: value for name, value in {**kept, **changed}.items() if value is not None}
    assert client.post(f"{PEOPLE}{person.pk}/change/", typed).status_code == 302


def change_workspace(client: Client, workspace: Workspace, **changed: str) -> None:
    changed |= {"teams-0-workspace": str(workspace.pk)}
    form = workspace_form(workspace, [*workspace.memberships.order_by("pk")], **changed)
    assert client.post(f"/admin/connections/workspace/{workspace.pk}/change/", form).status_code == 302


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"name": "Harbour"}, "changed the workspace Harbour. Its name was Harbour Tea."),
        ({"slug": "harbour"}, "changed the workspace Harbour Tea. Its address was /w/harbour-tea/."),
        ({"timezone": "Asia/Tokyo"}, "changed the workspace Harbour Tea. Its time zone was UTC."),
        ({"requires_second_factor": "on"}, "now requires two-step login in Harbour Tea"),
        ({"memberships-1-role": "admin"}, "changed the role of Bob Lindqvist. Now admin."),
        ({"memberships-1-DELETE": "on"}, "removed the member Bob Lindqvist"),
        (
            {"teams-TOTAL_FORMS": "1", "teams-0-name": "Field"},
            "created the team Field",
        ),
    ],
    ids=lambda value: "" if isinstance(value, str) else "-".join(value),
)
def test_what_staff_change_of_a_workspace_is_told_there(
    staff_client: Client, workspace: Workspace, alice: User, bob: User, changed: dict[str, str], told: str
) -> None:
    alice_client = client_of(alice)
    if "requires_second_factor" in changed:
        give_second_factor(alice)

    change_workspace(staff_client, workspace, **changed)

    workspace.refresh_from_db()
    assert trail(alice_client, f"/w/{workspace.slug}/settings/activity/") == [f"{STAFF} {told}"]


def test_a_team_that_staff_rename_is_told_with_the_name_that_it_had(
    staff_client: Client, workspace: Workspace, growth: Team, alice_client: Client
) -> None:
    teams = {"teams-TOTAL_FORMS": "1", "teams-INITIAL_FORMS": "1", "teams-0-id": str(growth.pk)}

    change_workspace(staff_client, workspace, **teams, **{"teams-0-name": "Field"})

    assert trail(alice_client) == [f"{STAFF} changed the team Field. Its name was Growth."]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"name": "Robert"}, "changed the account of Robert. The name was Bob Lindqvist."),
        ({"email": "bob@new.example"}, "changed the e-mail address of Bob Lindqvist. From bob@harbourtea.example to"),
        ({"is_active": None}, "changed the account of Bob Lindqvist. May log in no longer."),
        ({"is_staff": "on"}, "changed the account of Bob Lindqvist. Is site staff now."),
        ({"is_superuser": "on"}, "changed the account of Bob Lindqvist. Has every right of site staff now."),
        ({"groups": True}, "changed the account of Bob Lindqvist. Has other rights as site staff."),
    ],
    ids=lambda value: "" if isinstance(value, str) else "-".join(value),
)
def test_what_staff_change_of_a_person_is_told_in_each_of_their_workspaces_and_in_no_other(
    staff_client: Client, bob: User, alice_client: Client, charlie_client: Client, changed: dict[str, Any], told: str
) -> None:
    Membership.objects.create(workspace=Workspace.objects.get(slug="stranger"), user=bob)
    other = Workspace.objects.create(name="Elsewhere", slug="elsewhere")
    if "groups" in changed:
        changed = {"groups": [Group.objects.create(name="Clerks").pk]}

    change(staff_client, bob, **changed)

    for client, place in ((alice_client, ACTIVITY), (charlie_client, "/w/stranger/settings/activity/")):
        (sentence,) = trail(client, place)
        assert sentence.startswith(f"{STAFF} {told}")
    assert not other.events.exists()


def test_nothing_is_told_where_nothing_was_changed(staff_client: Client, workspace: Workspace, bob: User) -> None:
    change(staff_client, bob)
    change_workspace(staff_client, workspace)

    assert not Event.objects.exists()


def test_a_second_factor_that_staff_switch_off_is_told(staff_client: Client, alice_client: Client, bob: User) -> None:
    give_second_factor(bob)

    staff_client.post(PEOPLE, {"action": "switch_off_two_step_login", "_selected_action": str(bob.pk)})

    assert trail(alice_client) == [f"{STAFF} switched off the two-step login of Bob Lindqvist"]


def test_teams_and_acts_on_connections_are_told_as_those_of_staff(
    staff_client: Client, alice_client: Client, connect: Connect, growth: Team
) -> None:
    connection = connect()

    act(staff_client, "pause", connection)
    staff_client.post(f"/admin/connections/team/{growth.pk}/delete/", {"post": "yes"})

    assert trail(alice_client)[:2] == [f"{STAFF} deleted the team Growth", f"{STAFF} paused Main account"]


def test_staff_who_are_members_act_there_as_themselves(
    staff: User, staff_client: Client, workspace: Workspace, alice_client: Client, connect: Connect
) -> None:
    connection = connect()
    Membership.objects.create(workspace=workspace, user=staff, role="admin")

    staff_client.post(f"{connection.get_absolute_url()}pause/")

    assert trail(alice_client)[0] == "Site staff paused Main account"


def test_what_staff_did_stays_theirs_when_their_account_is_gone(
    staff: User, staff_client: Client, alice_client: Client, connect: Connect
) -> None:
    act(staff_client, "pause", connect())

    staff.delete()

    assert trail(alice_client)[0] == "BlinkMetrics staff paused Main account"


def test_a_member_is_not_quietly_exchanged_for_somebody_else(
    staff_client: Client, workspace: Workspace, alice: User, bob: User, charlie: User
) -> None:
    change_workspace(staff_client, workspace, **{"memberships-1-user": str(charlie.pk)})

    assert workspace.memberships.filter(user=bob).exists()
    assert not workspace.memberships.filter(user=charlie).exists()


def test_a_workspace_is_not_deleted_with_its_trail(staff_client: Client, workspace: Workspace) -> None:
    assert staff_client.post(f"/admin/connections/workspace/{workspace.pk}/delete/", {"post": "yes"}).status_code == 403
    assert Workspace.objects.filter(pk=workspace.pk).exists()
