"""No permission makes more of itself: what staff may do, superusers alone decide."""

from typing import Any
from urllib.parse import unquote

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Group, Permission
from django.db.models import Q
from django.test import Client

from connections.models import Membership, Team, User, Workspace
from tests.conftest import PASSWORD, client_of, give_second_factor

GROUPS = "/admin/auth/group/"
PEOPLE = "/admin/connections/user/"


@pytest.fixture
def clerks(db: None) -> Group:
    """All that a group of staff may be given but every right."""
    group = Group.objects.create(name="Clerks")
    group.permissions.set(Permission.objects.filter(content_type__app_label__in=["connections", "auth", "account"]))
    return group


@pytest.fixture
def clerk(clerks: Group) -> User:
    user = User.objects.create_user("clerk@blinkmetrics.example", PASSWORD, name="Clerk", is_staff=True)
    user.groups.add(clerks)
    return user


def rights_of(user: User) -> tuple[Any, ...]:
    fresh = User.objects.get(pk=user.pk)
    return fresh.is_staff, fresh.is_superuser, fresh.get_all_permissions(), [*fresh.groups.all()]


def every_right() -> dict[str, Any]:
    rights = [*Permission.objects.values_list("pk", flat=True)]
    groups = [*Group.objects.values_list("pk", flat=True)]
    return {"is_staff": "on", "is_superuser": "on", "is_active": "on", "groups": groups, "user_permissions": rights}


def test_staff_who_may_change_groups_do_not_give_their_own_all_permissions(clerk: User, clerks: Group) -> None:
    before, client = rights_of(clerk), client_of(clerk)
    typed = {"name": "Clerks", "permissions": every_right()["user_permissions"]}

    for page in (GROUPS, f"{GROUPS}add/", f"{GROUPS}{clerks.pk}/change/", f"{GROUPS}{clerks.pk}/delete/"):
        assert client.get(page).status_code == 403
        assert client.post(page, {**typed, "post": "yes"}).status_code == 403

    assert rights_of(clerk) == before
    assert Group.objects.count() == 1
    assert GROUPS not in client.get("/admin/").content.decode()


def test_staff_give_neither_themselves_nor_others_more_than_they_have(clerk: User, alice: User, bob: User) -> None:
    before = {person: rights_of(person) for person in (clerk, alice, bob)}

    for person in before:
        typed = {"email": person.email, "name": "Changed", **every_right()}
        client_of(clerk).post(f"{PEOPLE}{person.pk}/change/", typed)

    assert {person: rights_of(person) for person in before} == before
    assert User.objects.filter(name="Changed").count() == 3


def test_whom_staff_add_is_no_staff(clerk: User) -> None:
    client_of(clerk).post(f"{PEOPLE}add/", {"email": "new@x.example", "name": "New", **every_right()})

    assert rights_of(User.objects.get(email="new@x.example")) == (False, False, set(), [])


@pytest.mark.parametrize("action", ["delete_selected", "switch_off_two_step_login", "make_superuser"])
def test_no_action_of_the_list_raises_anybody(clerk: User, staff: User, action: str) -> None:
    before = rights_of(clerk), rights_of(staff)

    client_of(clerk).post(PEOPLE, {"action": action, "_selected_action": [clerk.pk, staff.pk], "post": "yes"})

    assert (rights_of(clerk), rights_of(staff)) == before


@pytest.mark.parametrize("page", ["change/", "delete/", "password/"])
def test_a_superusers_account_is_not_changed_by_lesser_staff(clerk: User, staff: User, page: str) -> None:
    before = User.objects.filter(pk=staff.pk).values().get()
    typed = {"email": "mine@x.example", "password1": "kettle-on-9", "password2": "kettle-on-9", "post": "yes"}

    answer = client_of(clerk).post(f"{PEOPLE}{staff.pk}/{page}", typed)

    assert answer.status_code in (302, 403, 404)
    assert User.objects.filter(pk=staff.pk).values().get() == before


def test_an_old_login_does_not_do_for_what_is_done_to_people(staff: User, alice: User, growth: Team) -> None:
    long_ago = client_of(staff, logged_in_ago=360)
    acts = [
        (f"{PEOPLE}{alice.pk}/change/", {"email": alice.email, "name": "Changed"}),
        (f"{PEOPLE}add/", {"email": "new@x.example", "is_active": "on"}),
        (PEOPLE, {"action": "switch_off_two_step_login", "_selected_action": alice.pk}),
        (f"/admin/connections/workspace/{growth.workspace.pk}/change/", {"name": "Changed"}),
        (f"/admin/connections/team/{growth.pk}/delete/", {"post": "yes"}),
        (f"{GROUPS}add/", {"name": "Changed"}),
    ]
    give_second_factor(alice)

    for address, typed in acts:
        assert long_ago.get(address).status_code == 200
        assert unquote(long_ago.post(address, typed)["Location"]) == f"/accounts/reauthenticate/?next={address}"

    assert Authenticator.objects.filter(user=alice).exists()
    assert not User.objects.filter(Q(name="Changed") | Q(email="new@x.example")).exists()
    assert Team.objects.filter(pk=growth.pk).exists()
    assert not Group.objects.exists()


def test_a_superuser_gives_rights_by_groups_and_by_person(staff_client: Client, clerks: Group, alice: User) -> None:
    view = Permission.objects.get(codename="view_user")
    staff_client.post(f"{GROUPS}{clerks.pk}/change/", {"name": "Clerks", "permissions": [view.pk]})
    typed = {"email": alice.email, "name": alice.name, "is_active": "on", "is_staff": "on", "groups": [clerks.pk]}

    staff_client.post(f"{PEOPLE}{alice.pk}/change/", typed)

    assert rights_of(alice) == (True, False, {"connections.view_user"}, [clerks])


ASK = "Ask a superuser to add you to a workspace."


def member_lines(workspace: Workspace, *lines: dict[str, Any]) -> dict[str, Any]:
    typed = {"name": workspace.name, "slug": workspace.slug, "timezone": workspace.timezone}
    typed |= {"memberships-TOTAL_FORMS": len(lines), "memberships-INITIAL_FORMS": workspace.memberships.count()}
    typed |= {"teams-TOTAL_FORMS": "0", "teams-INITIAL_FORMS": "0"}
    for place, line in enumerate(lines):
        typed |= {
            f"memberships-{place}-{field}": value for field, value in (line | {"workspace": workspace.pk}).items()
        }
    return typed


def line_of(member: Membership) -> dict[str, Any]:
    return {"id": member.pk, "user": member.user_id, "role": member.role}


def test_staff_who_are_no_superusers_give_themselves_no_place_in_a_workspace(
    clerk: User, bob: User, alice: User, workspace: Workspace
) -> None:
    page, client = f"/admin/connections/workspace/{workspace.pk}/change/", client_of(clerk)
    others = [line_of(member) for member in workspace.memberships.all()]

    added = client.post(page, member_lines(workspace, *others, {"user": clerk.pk, "role": "member"}))
    assert ASK in added.content.decode()
    assert not clerk.memberships.exists()

    mine = Membership.objects.create(workspace=workspace, user=clerk, role="member")
    lines = {member.pk: line_of(member) for member in workspace.memberships.all()}
    lines[mine.pk]["role"] = "owner"
    raised = client.post(page, member_lines(workspace, *lines.values()))
    assert ASK in raised.content.decode()
    assert clerk.memberships.get().role == "member"

    lines[mine.pk] |= {"role": "member", "DELETE": "on"}
    assert client.post(page, member_lines(workspace, *lines.values())).status_code == 302
    assert not clerk.memberships.exists()


def test_staff_who_are_no_superusers_make_no_workspace_of_their_own(clerk: User) -> None:
    typed = {"name": "Mine", "slug": "mine", "timezone": "UTC", "owner_email": clerk.email.upper()}

    page = client_of(clerk).post("/admin/connections/workspace/add/", typed)

    assert ASK in page.content.decode()
    assert not Workspace.objects.filter(slug="mine").exists()


def test_staff_who_are_no_superusers_do_not_join_a_team(clerk: User, growth: Team) -> None:
    mine = Membership.objects.create(workspace=growth.workspace, user=clerk, role="member")
    others = [*growth.members.values_list("pk", flat=True)]
    page, client = f"/admin/connections/team/{growth.pk}/change/", client_of(clerk)

    joined = client.post(page, {"name": "Growth", "members": [*others, mine.pk]})
    assert "Ask a superuser to add you to a team." in joined.content.decode()
    assert mine not in growth.members.all()

    growth.members.add(mine)
    assert client.post(page, {"name": "Renamed", "members": [*others, mine.pk]}).status_code == 302
