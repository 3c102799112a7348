"""Editing a connection: what is proven first, what is kept, and what is refused."""

import re
from collections.abc import Callable

import pytest
from django.test import Client

from connections.models import Connection, Sync, Team, User, Workspace
from sources.activecampaign.sandbox.server import SandboxServer
from tests.conftest import Connect
from tests.connections.keeping.editing_page import OTHER_KEY, let_in, now, save, text

NewSandbox = Callable[..., SandboxServer]


# What a save keeps and changes ------------------------------------------------------------------------------------


def test_a_new_name_is_saved_and_the_key_stays(alice_client: Client, connect: Connect) -> None:
    connection = connect()
    before = connection.credentials()

    response = save(alice_client, connection, name="Shop account")

    assert response.redirect_chain == [(connection.get_absolute_url(), 302)]
    assert "Saved." in text(response)
    assert now(connection).name == "Shop account"
    assert now(connection).credentials() == before


def test_the_privacy_can_be_changed_to_each_of_the_three(
    alice_client: Client, connect: Connect, growth: Team, bob: User
) -> None:
    connection = connect()

    save(alice_client, connection, privacy="team", team=growth.pk)
    assert now(connection).team == growth
    save(alice_client, connection, privacy="private")
    assert (now(connection).privacy, now(connection).team) == ("private", None)
    assert not Connection.objects.visible_to(bob).exists()
    save(alice_client, connection, privacy="workspace", team=growth.pk)
    assert (now(connection).privacy, now(connection).team) == ("workspace", None)


def test_a_change_of_the_privacy_says_who_loses_and_who_wins_access(
    alice_client: Client, connect: Connect, growth: Team, erin: User, dana: User
) -> None:
    connection = connect()

    narrowed = save(alice_client, connection, privacy="team", team=growth.pk)
    assert "No longer able to use it: Erin Sato." in text(narrowed)
    closed = save(alice_client, connection, privacy="private")
    assert "No longer able to use it: Bob Lindqvist and Dana Reyes." in text(closed)
    widened = save(alice_client, connection, privacy="team", team=growth.pk)
    assert "Now also able to use it: Bob Lindqvist and Dana Reyes." in text(widened)


def test_narrowing_the_privacy_stops_a_sync_that_runs(alice_client: Client, connect: Connect) -> None:
    connection = connect()
    Sync.objects.queue(connection, trigger="person")

    save(alice_client, connection, privacy="private")

    assert connection.syncs.get().state == "stopped"
    assert "narrowed" in connection.syncs.get().reason


def test_an_admin_who_makes_another_ones_connection_private_is_led_to_the_list(
    dana_client: Client, connect: Connect
) -> None:
    connection = connect()

    response = save(dana_client, connection, privacy="private")

    assert response.status_code == 200
    assert response.redirect_chain == [("/w/harbour-tea/connections/activecampaign/", 302)]
    assert now(connection).privacy == "private"


def test_a_changed_address_asks_for_the_key_again(
    alice_client: Client, connect: Connect, sandbox: SandboxServer
) -> None:
    connection = connect(sandbox)
    before = connection.credentials()

    response = save(alice_client, connection, api_url="https://other.api-us1.com")

    assert 'id="id_api_key_error"' in response.content.decode()
    assert "Enter the key again" in text(response)
    assert now(connection).credentials() == before
    assert sandbox.stats()["requests"] == 0


def test_new_credentials_are_proven_and_then_replace_the_old_ones(
    alice_client: Client, connect: Connect, new_sandbox: NewSandbox
) -> None:
    connection, other = connect(new_sandbox()), new_sandbox(api_key=OTHER_KEY)

    response = save(alice_client, connection, api_url=other.origin, api_key=OTHER_KEY)

    assert "The new credentials work" in text(response)
    assert now(connection).credentials().api_url == other.origin
    assert now(connection).credentials().api_key.reveal() == OTHER_KEY
    assert connection.syncs.get().trigger == "new_key"


def test_a_refused_new_key_leaves_the_old_one_and_is_not_echoed(
    alice_client: Client, connect: Connect, sandbox: SandboxServer
) -> None:
    connection = connect(sandbox)
    before = connection.credentials()

    response = save(alice_client, connection, api_key=OTHER_KEY, name="Renamed")

    page = response.content.decode()
    assert 'id="id_api_key_error"' in page
    assert "Error:" in page.split("</title>")[0]
    assert 'value="Renamed"' in page
    assert OTHER_KEY not in page
    assert now(connection).credentials() == before
    assert now(connection).name == "Main account"
    assert not connection.syncs.exists()


def test_an_account_that_is_down_leaves_the_old_credentials(
    alice_client: Client, connect: Connect, sandbox: SandboxServer
) -> None:
    connection = connect(sandbox)
    before = connection.credentials()
    let_in(sandbox, OTHER_KEY)
    sandbox.fault("*", status=503, headers={"Retry-After": "0"})

    response = save(alice_client, connection, api_key=OTHER_KEY)

    assert response.status_code == 200
    assert now(connection).credentials() == before
    assert "Save without testing" not in text(response)


def test_replacing_the_key_stops_a_sync_that_uses_the_old_one(
    alice_client: Client, connect: Connect, sandbox: SandboxServer
) -> None:
    connection = connect(sandbox)
    old = Sync.objects.queue(connection, trigger="schedule")
    let_in(sandbox, OTHER_KEY)

    save(alice_client, connection, api_key=OTHER_KEY)

    old.refresh_from_db()
    assert (old.state, old.reason) == ("stopped", "The key was replaced during the sync.")
    assert connection.syncs.active().get().trigger == "new_key"


def test_fields_that_the_form_does_not_have_change_nothing(
    alice_client: Client, connect: Connect, charlie: User
) -> None:
    connection = connect()
    before = now(connection)

    save(
        alice_client,
        connection,
        workspace=charlie.memberships.get().workspace_id,
        created_by=charlie.pk,
        state="paused",
        health="healthy",
        key_hint="abcd",
        source_key="custom",
        person="Somebody",
    )

    columns = [field.attname for field in Connection._meta.concrete_fields]
    assert {name: getattr(now(connection), name) for name in columns} == {
        name: getattr(before, name) for name in columns
    }


@pytest.mark.parametrize("name", ["x" * 101, "   ", "two\nlines", "right\u202eto left"])
def test_a_name_that_cannot_be_read_is_refused_at_its_field(alice_client: Client, connect: Connect, name: str) -> None:
    connection = connect()

    response = save(alice_client, connection, name=name)

    assert 'id="id_name_error"' in response.content.decode()
    assert now(connection).name == "Main account"


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "حساب المتجر", "Tea 🍵 & Co", "x" * 100, "Main account"])
def test_any_readable_name_is_kept_and_shown_as_text(alice_client: Client, connect: Connect, name: str) -> None:
    connect(name="Main account")  # The same name twice is allowed.
    connection = connect(name="Second")

    response = save(alice_client, connection, name=name)

    assert now(connection).name == name
    assert "<script>alert" not in response.content.decode()


# Teams ------------------------------------------------------------------------------------------------------------


def offered_teams(client: Client, connection: Connection) -> set[str]:
    select = re.search(
        r'<select name="team".*?</select>', client.get(connection.get_absolute_url()).content.decode(), re.S
    )
    assert select
    return set(re.findall(r'<option value="(\d+)"', select[0]))


def test_the_teams_offered_are_mine_and_the_present_one(
    dana_client: Client, connect: Connect, growth: Team, workspace: Workspace, dana: User
) -> None:
    mine = Team.objects.create(workspace=workspace, name="Mine")
    mine.members.set(workspace.memberships.filter(user=dana))
    Team.objects.create(workspace=workspace, name="Nobody's")

    assert offered_teams(dana_client, connect()) == {str(mine.pk)}
    assert offered_teams(dana_client, connect(privacy="team", team=growth)) == {str(mine.pk), str(growth.pk)}


@pytest.mark.parametrize("whose", ["another workspace's", "not mine", "deleted meanwhile", "nonsense", "enormous"])
def test_a_team_that_is_not_offered_is_refused(
    alice_client: Client, connect: Connect, workspace: Workspace, charlie: User, whose: str
) -> None:
    connection = connect()
    elsewhere = Team.objects.create(workspace=charlie.memberships.get().workspace, name="Theirs")
    not_mine = Team.objects.create(workspace=workspace, name="Not mine")
    ids = {"another workspace's": elsewhere.pk, "not mine": not_mine.pk, "deleted meanwhile": 999}
    posted = {**ids, "nonsense": "x", "enormous": "9" * 25}

    response = save(alice_client, connection, privacy="team", team=posted[whose])

    assert 'id="id_team_error"' in response.content.decode()
    assert now(connection).privacy == "workspace"


# A source that is gone --------------------------------------------------------------------------------------------


def test_a_connection_whose_source_is_gone_is_shown_and_can_be_deleted(alice_client: Client, connect: Connect) -> None:
    connection = connect()
    Connection.objects.update(source_key="gone")
    address = now(connection).get_absolute_url()

    page = alice_client.get(address)
    saved = alice_client.post(address, {"name": "New name"}, follow=True)
    deleted = alice_client.post(f"{address}delete/", follow=True)

    assert "no longer part of BlinkMetrics" in text(page)
    assert 'id="edit-form"' not in page.content.decode()
    assert "Nothing was saved." in text(saved)
    assert deleted.status_code == 200
    assert not Connection.objects.exists()


def test_an_admin_reads_whose_private_connection_it_would_become(dana_client: Client, connect: Connect) -> None:
    page = text(dana_client.get(connect().get_absolute_url()))

    assert "Private to Alice Okafor" in page
    assert "You lose it too" in page


def test_the_connection_of_somebody_who_left_cannot_be_made_private(
    alice_client: Client, connect: Connect, bob: User
) -> None:
    connection = connect(by=bob)
    bob.memberships.all().delete()

    response = save(alice_client, connection, privacy="private")

    assert "nobody could use it" in text(response)
    assert now(connection).privacy == "workspace"


def test_a_sync_that_a_narrower_privacy_stopped_begins_anew(alice_client: Client, connect: Connect) -> None:
    connection = connect()
    Sync.objects.queue(connection, trigger="schedule")

    narrowed = save(alice_client, connection, privacy="private")

    assert connection in Connection.objects.due()
    assert "The sync that was under way was stopped, and begins anew" in text(narrowed)
