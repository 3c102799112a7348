"""The rule of who may see and manage what, asked directly: pages, jobs and commands all go through it."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, transaction

from connections.models import Connection, Membership, Role, Team, User, Workspace
from sources.registry import get_source
from tests.conftest import Connect


@pytest.fixture
def greta(workspace: Workspace) -> User:
    """A plain member, in no team, who adds connections."""
    user = User.objects.create_user("greta@harbourtea.example", name="Greta Nuñez")
    Membership.objects.create(workspace=workspace, user=user)
    return user


Who = Callable[[str], set[str]]


@pytest.fixture
def who(greta: User, alice: User, bob: User, charlie: User, dana: User, erin: User, staff: User, growth: Team) -> Who:
    """Who passes a rule, by first name."""
    people = [greta, alice, bob, charlie, dana, erin, staff]

    def who(rule: str) -> set[str]:
        return {user.name.split()[0] for user in people if getattr(Connection.objects, rule)(user).exists()}

    return who


def test_workspace_privacy_is_for_all_members_and_managed_by_creator_and_administrators(
    who: Who, connect: Connect, greta: User
) -> None:
    connect(by=greta, privacy="workspace")

    assert who("visible_to") == {"Greta", "Alice", "Bob", "Dana", "Erin"}
    assert who("manageable_by") == {"Greta", "Alice", "Dana"}


def test_team_privacy_is_for_its_members_the_creator_and_administrators(
    who: Who, connect: Connect, greta: User, growth: Team
) -> None:
    connect(by=greta, privacy="team", team=growth)

    assert who("visible_to") == {"Greta", "Bob", "Alice", "Dana"}
    assert who("manageable_by") == {"Greta", "Alice", "Dana"}


def test_private_is_for_the_creator_alone(who: Who, connect: Connect, greta: User) -> None:
    connect(by=greta, privacy="private")

    assert who("visible_to") == {"Greta"}
    assert who("manageable_by") == {"Greta"}


@pytest.mark.parametrize("privacy", ["workspace", "private"])
def test_a_creator_who_is_no_longer_a_member_is_an_outsider(
    connect: Connect, greta: User, alice: User, privacy: str
) -> None:
    connect(by=greta, privacy=privacy)
    Membership.objects.get(user=greta).delete()

    assert not Connection.objects.visible_to(greta).exists()
    assert not Connection.objects.manageable_by(greta).exists()
    assert Connection.objects.visible_to(alice).exists() == (privacy == "workspace")


def test_an_administrator_of_another_workspace_is_an_outsider(connect: Connect, charlie: User, growth: Team) -> None:
    connect(privacy="workspace")
    connect(privacy="team", team=growth)

    assert not Connection.objects.visible_to(charlie).exists()


def test_a_member_of_two_workspaces_sees_each_by_its_own_role(
    connect: Connect, charlie: User, workspace: Workspace, growth: Team
) -> None:
    shared = connect(privacy="workspace")
    connect(privacy="team", team=growth)
    Membership.objects.create(workspace=workspace, user=charlie, role=Role.MEMBER)

    assert [*Connection.objects.visible_to(charlie)] == [shared]
    assert not Connection.objects.manageable_by(charlie).exists()


def test_a_row_that_several_rules_admit_is_found_once(connect: Connect, alice: User, growth: Team) -> None:
    Team.objects.create(workspace=growth.workspace, name="Another").members.set(growth.members.all())
    connect(by=alice, privacy="team", team=growth)

    assert Connection.objects.visible_to(alice).count() == 1
    assert Connection.objects.for_list(alice).count() == 1


def test_a_draft_is_neither_visible_nor_manageable(alice: User, workspace: Workspace) -> None:
    source = get_source("activecampaign")
    assert source is not None
    draft = Connection.objects.take_up_draft(workspace=workspace, user=alice, source=source)

    assert not Connection.objects.visible_to(alice).exists()
    assert not Connection.objects.manageable_by(alice).exists()
    assert [*Connection.objects.drafts_of(alice)] == [draft]


def test_a_draft_is_its_creators_only_while_they_are_a_member(alice: User, dana: User, workspace: Workspace) -> None:
    source = get_source("activecampaign")
    assert source is not None
    Connection.objects.take_up_draft(workspace=workspace, user=alice, source=source)
    assert not Connection.objects.drafts_of(dana).exists()

    Membership.objects.get(user=alice).delete()
    assert not Connection.objects.drafts_of(alice).exists()


def test_nobody_is_admitted_who_is_not_logged_in(connect: Connect) -> None:
    connect()

    with pytest.raises(TypeError):
        Connection.objects.visible_to(AnonymousUser()).exists()


@pytest.mark.parametrize("wrong", ["team without one", "workspace with one", "finished without privacy"])
def test_the_database_itself_refuses_a_privacy_that_says_two_things(connect: Connect, growth: Team, wrong: str) -> None:
    connect()
    change = {
        "team without one": {"privacy": "team"},
        "workspace with one": {"team": growth},
        "finished without privacy": {"privacy": ""},
    }[wrong]

    with pytest.raises(IntegrityError), transaction.atomic():
        Connection.objects.update(**change)
