"""The trail: what is written into it, and who may read it."""

import re
from typing import Any

import pytest
from django.test import Client

from connections.models import Connection, Event, Membership, Team, User
from sources.activecampaign.sandbox.server import SandboxServer
from tests.conftest import Connect, client_of

ACTIVITY = "/w/harbour-tea/settings/activity/"
OTHER_KEY = "fedcba9876543210" * 4 + "d4c3b2a1"


def trail(client: Client, address: str = ACTIVITY) -> list[str]:
    """The sentences of a page's trail, newest first."""
    page = client.get(address).content.decode()
    found = re.findall(r'<div class="timeline-words"><p>(.*?)</p>', page, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", "", sentence).split()) for sentence in found]


def save(client: Client, connection: Connection, **changed: Any) -> None:
    connection.refresh_from_db()
    shown = {"api_url": connection.address(), "name": connection.name, "privacy": connection.privacy}
    answer = client.post(connection.get_absolute_url(), {**shown, "version": connection.version, **changed})
    assert answer.status_code == 302


def test_the_life_of_a_connection_is_told_by_who_did_what(
    alice_client: Client, connect: Connect, sandbox: SandboxServer, growth: Team
) -> None:
    connection = connect(sandbox)
    sandbox.add_key(OTHER_KEY, user_id=sandbox.world.first_ids("users")[0], admin=True)
    address = connection.get_absolute_url()

    alice_client.post(f"{address}test/")
    save(alice_client, connection, name="Shop", privacy="team", team=growth.pk)
    save(alice_client, connection, api_key=OTHER_KEY, team=growth.pk)
    alice_client.post(f"{address}pause/")
    alice_client.post(f"{address}resume/")
    b"".join(alice_client.get(f"{address}data/contacts.csv").streaming_content)
    alice_client.post(f"{address}delete/")

    assert trail(alice_client) == [
        "Alice Okafor deleted Shop",
        "Alice Okafor exported Contacts as CSV from Shop",
        "Alice Okafor resumed Shop",
        "Alice Okafor paused Shop",
        "Alice Okafor edited Shop: API key",
        "Alice Okafor edited Shop: name, privacy (now Shared with Team)",
        "Alice Okafor tested Main account. It works.",
        "Alice Okafor connected Main account",
    ]


def test_each_sentence_has_its_object_at_the_right_place(
    alice: User, alice_client: Client, connect: Connect, growth: Team
) -> None:
    connection = connect(privacy="team", team=growth)
    connection.record("exported", by=alice, detail="Deals as JSON lines")
    connection.record("stopped working", by=None, detail="The key was refused.")
    connection.record("stopped a sync", by=alice)
    growth.disband()

    assert trail(alice_client)[:4] == [
        "BlinkMetrics made Main account private. The team Growth was deleted.",
        "Alice Okafor stopped a sync of Main account",
        "Main account stopped working. The key was refused.",
        "Alice Okafor exported Deals as JSON lines from Main account",
    ]
    assert trail(alice_client, connection.get_absolute_url()) == [
        "BlinkMetrics made it private. The team Growth was deleted.",
        "Alice Okafor stopped a sync",
    ]


def test_no_secret_is_in_the_trail(alice_client: Client, connect: Connect, sandbox: SandboxServer) -> None:
    connection = connect(sandbox)
    sandbox.add_key(OTHER_KEY, user_id=sandbox.world.first_ids("users")[0], admin=True)
    old_key = sandbox.api_key
    save(alice_client, connection, api_key=OTHER_KEY)
    sandbox.revoke(OTHER_KEY)
    alice_client.post(f"{connection.get_absolute_url()}test/")

    everything = str([*Event.objects.values()]) + alice_client.get(ACTIVITY).content.decode()

    for secret in (OTHER_KEY, old_key, OTHER_KEY[-4:], sandbox.origin.removeprefix("http://")):
        assert secret not in everything


def test_what_happens_to_people_and_teams_is_for_administrators(
    alice_client: Client, dana_client: Client, bob_client: Client, bob: User, erin: User
) -> None:
    members = "/w/harbour-tea/settings/members/"
    dana_client.post("/w/harbour-tea/settings/teams/", {"name": "Field", "members": [bob.memberships.get().pk]})
    team = Team.objects.get()
    dana_client.post(team.get_absolute_url(), {"name": "Field crew", "members": []})
    dana_client.post(f"{team.get_absolute_url()}delete/")
    dana_client.post(f"{members}{erin.memberships.get().pk}/remove/")
    assert trail(bob_client) == []

    bob_client.post(f"{members}leave/")

    assert trail(alice_client) == [
        "Bob Lindqvist left Harbour Tea",
        "Dana Reyes removed the member Erin Sato",
        "Dana Reyes deleted the team Field crew",
        "Dana Reyes changed the team Field crew. Its members: nobody yet",
        "Dana Reyes created the team Field. Its members: Bob Lindqvist",
    ]


def test_a_private_connection_leaves_no_trace_for_others_living_or_deleted(
    bob: User, bob_client: Client, dana_client: Client, connect: Connect
) -> None:
    connection = connect(by=bob, name="Secret", privacy="private")
    bob_client.post(f"{connection.get_absolute_url()}pause/")
    assert trail(dana_client) == []

    bob_client.post(f"{connection.get_absolute_url()}delete/")

    assert trail(dana_client) == []
    assert trail(bob_client) == [
        "Bob Lindqvist deleted Secret",
        "Bob Lindqvist paused Secret",
        "Bob Lindqvist connected Secret",
    ]


def test_a_private_connection_stays_untold_when_its_creators_account_is_deleted(
    bob: User, bob_client: Client, dana_client: Client, connect: Connect
) -> None:
    connection = connect(by=bob, name="Secret", privacy="private")
    bob_client.post(f"{connection.get_absolute_url()}delete/")

    bob.delete()

    assert trail(dana_client) == []


def test_what_happened_in_private_stays_untold_when_the_connection_is_shared(
    bob: User, bob_client: Client, dana_client: Client, connect: Connect, growth: Team
) -> None:
    connection = connect(by=bob, name="Secret", privacy="private")
    save(bob_client, connection, name="Still secret")
    save(bob_client, connection, name="Main account", privacy="workspace")
    bob_client.post(f"{connection.get_absolute_url()}pause/")

    shared = ["Bob Lindqvist paused Main account", "Bob Lindqvist edited Main account: name, privacy"]
    for address in (ACTIVITY, connection.get_absolute_url()):
        told = trail(dana_client, address)
        assert len(told) == 2
        assert "ecret" not in str(told)
    assert [told.partition(" (")[0] for told in trail(dana_client)] == shared
    assert trail(bob_client)[2:] == ["Bob Lindqvist edited Still secret: name", "Bob Lindqvist connected Secret"]

    bob_client.post(f"{connection.get_absolute_url()}delete/")

    assert "ecret" not in str(trail(dana_client))
    assert len(trail(bob_client)) == 5


def test_what_was_left_behind_is_deleted_without_its_name(
    bob: User, alice_client: Client, dana_client: Client, connect: Connect
) -> None:
    connect(by=bob, name="Secret", privacy="private")
    dana_client.post(f"/w/harbour-tea/settings/members/{bob.memberships.get().pk}/remove/")

    dana_client.post(f"/w/harbour-tea/settings/members/left/{bob.pk}/delete/")

    assert trail(alice_client) == [
        "Dana Reyes deleted 1 private connection that nobody could reach",
        "Dana Reyes removed the member Bob Lindqvist",
    ]


def test_the_trail_of_a_team_connection_is_for_those_who_may_see_it(
    bob_client: Client, erin: User, connect: Connect, growth: Team
) -> None:
    connect(privacy="team", team=growth)

    assert trail(bob_client) == ["Alice Okafor connected Main account"]
    assert trail(client_of(erin)) == []


def test_a_deleted_shared_connection_is_told_to_administrators_and_to_who_did_it(
    bob: User, bob_client: Client, dana_client: Client, alice_client: Client, erin: User, connect: Connect
) -> None:
    connection = connect(by=bob)
    assert trail(client_of(erin)) == ["Bob Lindqvist connected Main account"]

    bob_client.post(f"{connection.get_absolute_url()}delete/")

    for client in (bob_client, dana_client, alice_client):
        assert trail(client)[0] == "Bob Lindqvist deleted Main account"
    assert trail(client_of(erin)) == []


def test_the_trail_of_another_workspace_is_not_mine(charlie_client: Client, connect: Connect) -> None:
    connect()

    assert "Main account" not in charlie_client.get("/w/stranger/settings/activity/").content.decode()


def test_the_trail_is_only_added_to(connect: Connect) -> None:
    connect()
    event = Event.objects.get()
    event.verb = "never happened"

    with pytest.raises(TypeError):
        event.save()
    with pytest.raises(TypeError):
        event.delete()
    assert Event.objects.get().verb == "connected"


def test_the_trail_outlives_the_person_who_acted(alice_client: Client, dana: User, connect: Connect) -> None:
    connection = connect(by=dana)
    Membership.objects.get(user=dana).delete()
    dana.delete()

    assert connection.events.get().actor is None
    assert trail(alice_client) == ["BlinkMetrics connected Main account"]


def test_a_long_trail_has_pages(alice_client: Client, connect: Connect) -> None:
    connection = connect()
    for _ in range(60):
        connection.record("tested", by=None)

    assert len(trail(alice_client)) == 50
    assert 'href="?page=2"' in alice_client.get(ACTIVITY).content.decode()
