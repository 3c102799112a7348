"""The Members and Teams pages."""

import re
from typing import Any
from urllib.parse import unquote

import pytest
from django.test import Client
from django.utils import timezone

from connections.models import Connection, Membership, Role, Sync, Team, User, Workspace
from connections.people.leaving import end_membership
from tests.conftest import PASSWORD, Connect, client_of, person

MEMBERS = "/w/harbour-tea/settings/members/"
TEAMS = "/w/harbour-tea/settings/teams/"


def text(response: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def membership(user: User) -> Membership:
    return Membership.objects.get(user=user)


# Members ----------------------------------------------------------------------------------------------------------


def test_everybody_of_the_workspace_sees_its_members(bob_client: Client, alice: User, growth: Team) -> None:
    words = text(bob_client.get(MEMBERS))

    assert "Alice Okafor alice@harbourtea.example Owner Growth" in words
    assert "Bob Lindqvist bob@harbourtea.example Member Growth" in words


def test_administrators_alone_see_how_many_private_connections_a_person_has(
    alice_client: Client, bob_client: Client, bob: User, connect: Connect
) -> None:
    for name in ("Secret one", "Secret two"):
        connect(by=bob, name=name, privacy="private", api_url="https://secret.api-us1.com")
    connect(by=bob)

    seen, hidden = text(alice_client.get(MEMBERS)), text(bob_client.get(MEMBERS))

    assert re.search(r"Bob Lindqvist bob@harbourtea.example Owner Admin Member Change .* – Off 2 Remove", seen)
    assert "Secret" not in seen
    assert "secret.api-us1.com" not in seen
    assert "Private connections" not in hidden
    assert "Remove" not in hidden


def test_an_administrator_removes_a_member_whose_access_ends_at_once(
    dana_client: Client, bob_client: Client, bob: User, connect: Connect
) -> None:
    shared, private = connect(by=bob), connect(by=bob, privacy="private")
    running = Sync.objects.queue(private, trigger="person").take()

    response = dana_client.post(f"{MEMBERS}{membership(bob).pk}/remove/", follow=True)

    assert "Bob Lindqvist is no longer a member of Harbour Tea." in text(response)
    assert not Membership.objects.filter(user=bob).exists()
    for place in (MEMBERS, shared.get_absolute_url(), private.get_absolute_url()):
        assert bob_client.get(place).status_code == 404
    running.refresh_from_db()
    assert running.state == "stopped"
    assert shared in Connection.objects.may_run()
    assert private not in Connection.objects.may_run()


def test_a_member_of_another_workspace_cannot_be_removed(alice_client: Client, charlie: User) -> None:
    assert alice_client.post(f"{MEMBERS}{membership(charlie).pk}/remove/").status_code == 404
    assert Membership.objects.filter(user=charlie).exists()


def test_the_last_owner_can_neither_leave_nor_be_removed(
    alice: User, alice_client: Client, dana_client: Client
) -> None:
    removed = dana_client.post(f"{MEMBERS}{membership(alice).pk}/remove/", follow=True)
    left = alice_client.post(f"{MEMBERS}leave/", follow=True)

    for response in (removed, left):
        assert "Alice Okafor is the last owner of Harbour Tea" in text(response)
    assert Membership.objects.filter(user=alice).exists()


def test_one_of_two_owners_may_leave(alice: User, alice_client: Client, dana: User) -> None:
    Membership.objects.filter(user=dana).update(role=Role.OWNER)

    response = alice_client.post(f"{MEMBERS}leave/", follow=True)

    assert "You have left Harbour Tea." in text(response)
    assert not Membership.objects.filter(user=alice).exists()
    assert alice_client.get(MEMBERS).status_code == 404


def test_removing_asks_first_and_says_what_stops_and_what_stays(
    dana_client: Client, bob: User, connect: Connect
) -> None:
    for number in (1, 2):
        connect(by=bob, name=f"Secret {number}", privacy="private", api_url="https://secret.api-us1.com")
    connect(by=bob)
    address = f"{MEMBERS}{membership(bob).pk}/remove/"

    page = dana_client.get(address)

    assert "2 private connections of theirs stop at once; the keys are wiped after 30 days." in text(page)
    assert "1 shared connection that they added stays and runs on." in text(page)
    assert "ecret" not in text(page)
    assert f'href="{address}"' in dana_client.get(MEMBERS).content.decode()
    assert Membership.objects.filter(user=bob).exists()


def test_nothing_is_said_about_connections_that_there_are_not(
    dana_client: Client, bob_client: Client, bob: User, connect: Connect
) -> None:
    pages = (dana_client, f"{MEMBERS}{membership(bob).pk}/remove/"), (bob_client, f"{MEMBERS}leave/")
    for client, address in pages:
        words = text(client.get(address))
        assert "nothing stops" in words
        assert "0 " not in words

    connect(by=bob)

    for client, address in pages:
        words = text(client.get(address))
        assert "1 shared connection" in words
        assert "private" not in words


def test_nobody_is_offered_to_remove_the_last_owner_or_themselves(
    alice: User, dana: User, alice_client: Client, dana_client: Client
) -> None:
    for client in (alice_client, dana_client):
        page = client.get(MEMBERS).content.decode()
        assert f"{MEMBERS}{membership(alice).pk}/" not in page
    assert f"{MEMBERS}{membership(dana).pk}/remove/" not in dana_client.get(MEMBERS).content.decode()
    asked = dana_client.get(f"{MEMBERS}{membership(alice).pk}/remove/", follow=True)
    assert "Alice Okafor is the last owner of Harbour Tea" in text(asked)


# Roles ------------------------------------------------------------------------------------------------------------


def give(client: Client, user: User, role: str) -> str:
    return text(client.post(f"{MEMBERS}{membership(user).pk}/role/", {"role": role}, follow=True))


def test_an_administrator_gives_a_member_another_role(dana_client: Client, bob: User, workspace: Workspace) -> None:
    assert "Bob Lindqvist has the role Admin now." in give(dana_client, bob, "admin")

    assert membership(bob).role == Role.ADMIN
    event = workspace.events.get()
    assert (event.verb, event.about, event.detail) == ("changed the role of", "Bob Lindqvist", "Now admin.")


@pytest.mark.parametrize(("who", "role"), [("bob", "admin"), ("bob", "owner"), ("dana", "member")])
def test_an_old_login_does_not_do_for_another_role(
    who: str, role: str, alice: User, bob: User, dana: User, workspace: Workspace
) -> None:
    person, client = {"bob": bob, "dana": dana}[who], client_of(alice, logged_in_ago=360)
    before = membership(person).role

    asked = client.post(f"{MEMBERS}{membership(person).pk}/role/", {"role": role})

    assert asked["Location"].startswith("/accounts/reauthenticate/?next=")
    assert "Nothing was changed yet." in text(client.get(asked["Location"]))
    assert membership(person).role == before
    assert not workspace.events.exists()
    back = client.post(asked["Location"], {"password": PASSWORD, "next": MEMBERS})
    assert back["Location"] == MEMBERS
    assert "has the role" in give(client, person, role)


def test_an_old_login_does_not_do_to_remove_somebody_to_leave_or_to_delete_what_was_left_behind(
    alice: User, bob: User, dana: User, erin: User, connect: Connect, workspace: Workspace, growth: Team
) -> None:
    connect(by=erin, privacy="private")
    end_membership(membership(erin), by=alice)
    gone = f"{MEMBERS}left/{erin.pk}/delete/"
    before = workspace.events.count()
    long_ago = client_of(dana, logged_in_ago=360)

    disbanding = f"{TEAMS}{growth.pk}/delete/"
    for address in (f"{MEMBERS}{membership(bob).pk}/remove/", f"{MEMBERS}leave/", disbanding, gone):
        assert long_ago.get(address).status_code == 200
        asked = long_ago.post(address)
        assert unquote(asked["Location"]) == f"/accounts/reauthenticate/?next={address}"
        assert "Nothing was changed yet." in text(long_ago.get(asked["Location"]))

    assert workspace.memberships.count() == 3
    assert Team.objects.exists()
    assert Connection.objects.filter(created_by=erin).exists()
    assert workspace.events.count() == before
    back = long_ago.post(asked["Location"], {"password": PASSWORD, "next": gone})
    assert back["Location"] == gone
    long_ago.post(gone)
    long_ago.post(f"{MEMBERS}{membership(bob).pk}/remove/")
    assert not Connection.objects.filter(created_by=erin).exists()
    assert not workspace.memberships.filter(user=bob).exists()


def test_the_same_role_once_more_leaves_no_trace(dana_client: Client, bob: User, workspace: Workspace) -> None:
    give(dana_client, bob, "member")

    assert not workspace.events.exists()


def test_an_owner_makes_another_owner_and_then_may_leave(alice: User, alice_client: Client, dana: User) -> None:
    give(alice_client, dana, "owner")

    alice_client.post(f"{MEMBERS}leave/")

    assert membership(dana).role == Role.OWNER
    assert not Membership.objects.filter(user=alice).exists()


def test_owners_alone_make_unmake_and_remove_owners(dana_client: Client, alice: User, bob: User, erin: User) -> None:
    Membership.objects.filter(user=erin).update(role=Role.OWNER)

    answers = [give(dana_client, bob, "owner"), give(dana_client, alice, "member")]
    answers.append(text(dana_client.post(f"{MEMBERS}{membership(alice).pk}/remove/", follow=True)))

    for words in answers:
        assert "Only an owner can" in words
    assert [membership(user).role for user in (alice, bob, erin)] == ["owner", "member", "owner"]
    page = dana_client.get(MEMBERS).content.decode()
    assert f"{MEMBERS}{membership(alice).pk}/" not in page
    assert 'value="owner"' not in page


def test_the_last_owner_stays_owner(alice_client: Client, alice: User) -> None:
    assert "Alice Okafor is the last owner" in give(alice_client, alice, "admin")

    assert membership(alice).role == Role.OWNER


def test_one_of_two_owners_may_step_back(alice_client: Client, alice: User, dana: User) -> None:
    give(alice_client, dana, "owner")

    words = give(alice_client, alice, "member")

    assert "Alice Okafor has the role Member now." in words
    assert "Private connections" not in words


@pytest.mark.parametrize("role", ["", "king", "OWNER", "\x00"])
def test_a_role_that_is_none_is_refused(alice_client: Client, bob: User, role: str) -> None:
    assert "Choose a role." in give(alice_client, bob, role)
    assert membership(bob).role == Role.MEMBER


def test_a_member_changes_nobodys_role(bob_client: Client, bob: User, charlie: User, alice_client: Client) -> None:
    assert bob_client.post(f"{MEMBERS}{membership(bob).pk}/role/", {"role": "admin"}).status_code == 403
    assert alice_client.post(f"{MEMBERS}{membership(charlie).pk}/role/", {"role": "member"}).status_code == 404
    assert "<select" not in bob_client.get(MEMBERS).content.decode()
    assert [membership(user).role for user in (bob, charlie)] == ["member", "owner"]


def test_leaving_asks_first_and_says_what_stops(bob_client: Client, bob: User, connect: Connect) -> None:
    connect(by=bob, privacy="private")
    connect(by=bob)

    words = text(bob_client.get(f"{MEMBERS}leave/"))

    assert "1 private connection of yours stops at once" in words
    assert "1 shared connection that you added stays and runs on" in words
    assert Membership.objects.filter(user=bob).exists()


# Left behind ------------------------------------------------------------------------------------------------------


@pytest.fixture
def left_by_bob(dana_client: Client, bob: User, connect: Connect) -> Connection:
    connection = connect(by=bob, name="Secret", privacy="private", api_url="https://secret.api-us1.com")
    dana_client.post(f"{MEMBERS}{membership(bob).pk}/remove/")
    connection.refresh_from_db()
    return connection


def test_an_administrator_learns_that_private_connections_were_left_and_in_which_state(
    left_by_bob: Connection, dana_client: Client, erin: User
) -> None:
    words = text(dana_client.get(MEMBERS))
    today = timezone.now().strftime("%-d %B %Y")

    assert f"Bob Lindqvist has 1 private connection, stopped since {today}, " in words
    assert " UTC ; 1 key is still kept." in words
    assert "Secret" not in words
    assert "secret.api-us1.com" not in words

    left_by_bob.forget_key()
    left_by_bob.save()
    assert "no key is kept" in text(dana_client.get(MEMBERS))


def test_members_who_are_no_administrators_learn_nothing_of_it(left_by_bob: Connection, workspace: Workspace) -> None:
    erin = person("erin2@harbourtea.example", "Erin")
    Membership.objects.create(workspace=workspace, user=erin)

    assert "private connection" not in text(client_of(erin).get(MEMBERS))


def test_what_was_left_behind_stays_hidden_from_administrators(left_by_bob: Connection, dana_client: Client) -> None:
    assert dana_client.get(left_by_bob.get_absolute_url()).status_code == 404
    assert "Secret" not in text(dana_client.get("/w/harbour-tea/connections/"))


def test_an_administrator_deletes_what_was_left_behind_and_nothing_else(
    left_by_bob: Connection, dana_client: Client, bob: User, alice: User, connect: Connect
) -> None:
    shared, private = connect(by=bob, name="Shared"), connect(by=alice, privacy="private")

    response = dana_client.post(f"{MEMBERS}left/{bob.pk}/delete/", follow=True)
    dana_client.post(f"{MEMBERS}left/{alice.pk}/delete/")

    assert "1 private connection deleted, with keys and data." in text(response)
    assert set(Connection.objects.all()) == {shared, private}
    assert "Connections of former members" not in text(response)


def test_deleting_what_was_left_behind_asks_first(left_by_bob: Connection, dana_client: Client, bob: User) -> None:
    words = text(dana_client.get(f"{MEMBERS}left/{bob.pk}/delete/"))

    assert "This cannot be undone: 1 private connection of Bob Lindqvist is deleted, with keys and data." in words
    assert "ecret" not in words
    assert Connection.objects.exists()


def test_what_nobody_left_behind_cannot_be_deleted(dana_client: Client, bob: User) -> None:
    for ask in (dana_client.get, dana_client.post):
        words = text(ask(f"{MEMBERS}left/{bob.pk}/delete/", follow=True))
        assert "Nothing of theirs is left behind." in words
        assert "0 private" not in words


def test_what_a_deleted_account_left_behind_can_be_deleted_too(
    left_by_bob: Connection, dana_client: Client, bob: User
) -> None:
    bob.delete()
    assert "A deleted account has 1 private connection" in text(dana_client.get(MEMBERS))

    dana_client.post(f"{MEMBERS}left/0/delete/")

    assert not Connection.objects.exists()
    assert "Secret" not in text(dana_client.get("/w/harbour-tea/settings/activity/"))


# Teams ------------------------------------------------------------------------------------------------------------


def test_everybody_sees_the_teams_and_administrators_alone_a_form(
    alice_client: Client, bob_client: Client, growth: Team
) -> None:
    assert "Growth Alice Okafor, Bob Lindqvist" in text(bob_client.get(TEAMS))
    assert "<form" not in bob_client.get(TEAMS).content.decode().split('id="main"')[1]
    assert "Create a team" in text(alice_client.get(TEAMS))


def test_without_teams_the_page_says_whom_to_ask(bob_client: Client, alice_client: Client) -> None:
    assert "Ask an owner or admin of the workspace" in text(bob_client.get(TEAMS))
    assert "Create one below." in text(alice_client.get(TEAMS))


def test_an_administrator_creates_a_team_of_members(dana_client: Client, bob: User, workspace: Workspace) -> None:
    response = dana_client.post(TEAMS, {"name": "Field", "members": [membership(bob).pk]}, follow=True)

    assert "The team Field was created." in text(response)
    assert [*workspace.teams.get(name="Field").members.all()] == [membership(bob)]


def test_a_team_name_that_is_taken_in_any_capitals_is_refused(alice_client: Client, growth: Team) -> None:
    response = alice_client.post(TEAMS, {"name": " gRoWth "})

    assert 'id="id_name_error"' in response.content.decode()
    assert "There is a team of this name already." in text(response)
    assert Team.objects.get() == growth


def test_two_workspaces_may_have_teams_of_one_name(alice_client: Client, charlie: User, workspace: Workspace) -> None:
    Team.objects.create(workspace=membership(charlie).workspace, name="Growth")

    alice_client.post(TEAMS, {"name": "Growth"})

    assert workspace.teams.get().name == "Growth"


def test_nobody_of_another_workspace_can_be_put_into_a_team(alice_client: Client, growth: Team, charlie: User) -> None:
    before = set(growth.members.all())

    response = alice_client.post(growth.get_absolute_url(), {"name": "Growth", "members": [membership(charlie).pk]})

    assert 'id="id_members_error"' in response.content.decode()
    assert set(growth.members.all()) == before


@pytest.mark.parametrize("nonsense", ["x", "-1", "9" * 25, "\x00"])
def test_nonsense_for_a_member_is_refused_at_the_field(alice_client: Client, growth: Team, nonsense: str) -> None:
    response = alice_client.post(growth.get_absolute_url(), {"name": "Growth", "members": [nonsense]})

    assert 'id="id_members_error"' in response.content.decode()


def test_an_administrator_renames_a_team_and_sets_its_members(
    dana_client: Client, growth: Team, erin: User, bob_client: Client, connect: Connect
) -> None:
    connection = connect(privacy="team", team=growth)

    dana_client.post(growth.get_absolute_url(), {"name": "Field", "members": [membership(erin).pk]})

    growth.refresh_from_db()
    assert (growth.name, [*growth.members.all()]) == ("Field", [membership(erin)])
    assert bob_client.get(connection.get_absolute_url()).status_code == 404


def test_a_team_of_another_workspace_is_not_found(alice_client: Client, charlie: User) -> None:
    theirs = Team.objects.create(workspace=membership(charlie).workspace, name="Theirs")

    for part in ("", "delete/"):
        for ask in (alice_client.get, alice_client.post):
            assert ask(f"{TEAMS}{theirs.pk}/{part}").status_code == 404
    assert Team.objects.get() == theirs


def test_deleting_a_team_says_first_what_becomes_private_to_whom(
    dana_client: Client, growth: Team, bob: User, connect: Connect
) -> None:
    connect(name="Mail", by=bob, privacy="team", team=growth)

    words = text(dana_client.get(f"{growth.get_absolute_url()}delete/"))

    assert "1 connection is shared with it." in words
    assert "Mail: private to Bob Lindqvist" in words
    assert Team.objects.exists()


def test_a_deleted_teams_connections_become_private_to_their_creators(
    dana_client: Client, bob_client: Client, growth: Team, bob: User, alice: User, connect: Connect
) -> None:
    connection = connect(by=bob, privacy="team", team=growth)
    running = Sync.objects.queue(connection, trigger="person").take()

    dana_client.post(f"{growth.get_absolute_url()}delete/")

    connection.refresh_from_db()
    running.refresh_from_db()
    assert (connection.privacy, connection.team, running.state) == ("private", None, "stopped")
    assert not Team.objects.exists()
    assert bob_client.get(connection.get_absolute_url()).status_code == 200
    for user in (alice, membership(bob).workspace.memberships.get(user__name="Dana Reyes").user):
        assert not Connection.objects.visible_to(user).exists()


def test_a_deleted_teams_connection_of_a_former_member_is_left_behind(
    dana_client: Client, growth: Team, bob: User, connect: Connect
) -> None:
    connection = connect(by=bob, privacy="team", team=growth)
    membership(bob).delete()
    assert "who is no longer a member, so that it stops" in text(dana_client.get(f"{growth.get_absolute_url()}delete/"))

    dana_client.post(f"{growth.get_absolute_url()}delete/")

    connection.refresh_from_db()
    assert connection.orphaned_at
    assert "Bob Lindqvist has 1 private connection" in text(dana_client.get(MEMBERS))
