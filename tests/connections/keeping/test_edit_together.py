"""Two people who edit one connection at once, and what happens while a key is being proven."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from connections.keeping import editing
from connections.models import Connection, Membership, Role, Team, User
from connections.people.leaving import disband
from sources.activecampaign.sandbox.server import SandboxServer
from sources.spec import Proof
from tests.conftest import Connect, client_of
from tests.connections.keeping.editing_page import OTHER_KEY, THIRD_KEY, as_shown, let_in, now, save, text

NewSandbox = Callable[..., SandboxServer]


def meanwhile(monkeypatch: pytest.MonkeyPatch, act: Callable[[], None]) -> None:
    """Let something happen in the seconds in which the account is asked."""
    real = editing.ask

    def ask(*args: Any) -> Proof:
        proof = real(*args)
        monkeypatch.setattr(editing, "ask", real)  # Once; what happens may itself ask.
        act()
        return proof

    monkeypatch.setattr(editing, "ask", ask)


def test_changes_to_different_fields_both_hold(alice_client: Client, dana_client: Client, connect: Connect) -> None:
    connection = connect()
    rendered = as_shown(connection)

    alice_client.post(connection.get_absolute_url(), {**rendered, "name": "By Alice"})
    response = dana_client.post(connection.get_absolute_url(), {**rendered, "privacy": "private"})

    assert response.status_code == 302
    assert (now(connection).name, now(connection).privacy) == ("By Alice", "private")


def test_the_same_field_is_refused_with_who_what_and_when(
    alice_client: Client, dana_client: Client, connect: Connect
) -> None:
    connection = connect()
    rendered = as_shown(connection)
    alice_client.post(connection.get_absolute_url(), {**rendered, "name": "By Alice"})

    response = dana_client.post(
        connection.get_absolute_url(), {**rendered, "name": "By Dana", "api_key": "typed-" + OTHER_KEY}
    )

    page = response.content.decode()
    assert response.status_code == 409
    assert "Alice Okafor changed the name on" in text(response)
    assert "It is now “By Alice”; yours is “By Dana”." in text(response)
    assert 'value="By Dana"' in page
    assert OTHER_KEY not in page
    assert now(connection).name == "By Alice"


@pytest.mark.parametrize(("choice", "outcome"), [("Take theirs", "By Alice"), ("Keep mine", "By Dana")])
def test_a_conflict_offers_theirs_and_mine_and_both_work(
    alice_client: Client, dana_client: Client, connect: Connect, choice: str, outcome: str
) -> None:
    connection = connect()
    rendered = as_shown(connection)
    alice_client.post(connection.get_absolute_url(), {**rendered, "name": "By Alice"})
    mine = {**rendered, "name": "By Dana", "privacy": "private"}
    page = dana_client.post(connection.get_absolute_url(), mine).content.decode()
    version = re.search(r'name="version" value="(\d+)"', page)
    button = re.search(rf"<button([^>]*)>{choice}", page)
    assert version and button
    pressed = dict(re.findall(r'name="(\w+)" value="([^"]*)"', button[1]))

    response = dana_client.post(connection.get_absolute_url(), {**mine, "version": version[1], **pressed})

    assert response.status_code == 302
    assert (now(connection).name, now(connection).privacy) == (outcome, "private")


def test_a_key_that_both_replaced_is_a_conflict(
    alice_client: Client, dana_client: Client, connect: Connect, sandbox: SandboxServer
) -> None:
    connection = connect(sandbox)
    let_in(sandbox, OTHER_KEY)
    rendered = as_shown(connection)
    alice_client.post(connection.get_absolute_url(), {**rendered, "api_key": OTHER_KEY})

    response = dana_client.post(connection.get_absolute_url(), {**rendered, "api_key": sandbox.api_key})

    assert response.status_code == 409
    assert "changed the API key" in text(response)
    assert now(connection).credentials().api_key.reveal() == OTHER_KEY


@pytest.mark.parametrize("version", ["", "0", "-1", "999", "nonsense"])
def test_a_missing_or_impossible_version_counts_as_stale(alice_client: Client, connect: Connect, version: str) -> None:
    connection = connect()

    response = save(alice_client, connection, name="Blind", version=version)

    assert response.status_code == 409
    assert "yours is “Blind”" in text(response)
    assert now(connection).name == "Main account"


def test_a_team_deleted_while_the_page_was_open_does_not_stand_in_the_way_of_another_change(
    alice_client: Client, dana: User, growth: Team, connect: Connect
) -> None:
    connection = connect(privacy="team", team=growth)
    posted = as_shown(connection, name="By Alice")
    disband(growth, by=dana)

    response = alice_client.post(connection.get_absolute_url(), posted)

    assert response.status_code == 302
    assert (now(connection).name, now(connection).privacy) == ("By Alice", "private")


def test_a_team_deleted_while_it_was_being_chosen_is_said_at_its_field(
    alice_client: Client, dana: User, growth: Team, connect: Connect
) -> None:
    connection = connect()
    posted = as_shown(connection, privacy="team", team=growth.pk)
    disband(growth, by=dana)

    response = alice_client.post(connection.get_absolute_url(), posted)

    assert 'id="id_team_error"' in response.content.decode()
    assert now(connection).privacy == "workspace"


def test_another_field_saved_while_the_key_was_being_proven_holds(
    alice_client: Client, connect: Connect, sandbox: SandboxServer, dana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = connect(sandbox)
    let_in(sandbox, OTHER_KEY)
    posted = as_shown(connection, api_key=OTHER_KEY)
    meanwhile(monkeypatch, lambda: rename(connection, "By Dana", by=dana))

    response = alice_client.post(connection.get_absolute_url(), posted)

    assert response.status_code == 302
    assert now(connection).name == "By Dana"
    assert now(connection).credentials().api_key.reveal() == OTHER_KEY


def test_the_same_field_saved_while_the_key_was_being_proven_is_a_conflict_that_can_be_settled(
    alice_client: Client, connect: Connect, sandbox: SandboxServer, dana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = connect(sandbox)
    before = connection.credentials()
    let_in(sandbox, OTHER_KEY)
    posted = as_shown(connection, api_key=OTHER_KEY, name="By Alice")
    with monkeypatch.context() as patched:
        meanwhile(patched, lambda: rename(connection, "By Dana", by=dana))
        response = alice_client.post(connection.get_absolute_url(), posted)

    assert response.status_code == 409
    assert "Dana Reyes changed the name" in text(response)
    assert (now(connection).name, now(connection).credentials()) == ("By Dana", before)
    again = alice_client.post(connection.get_absolute_url(), {**posted, "version": now(connection).version})
    assert again.status_code == 302
    assert now(connection).name == "By Alice"


def test_an_address_changed_while_another_key_was_being_proven_keeps_what_was_saved_first(
    alice_client: Client, connect: Connect, new_sandbox: NewSandbox, dana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = new_sandbox(), new_sandbox(api_key=OTHER_KEY)
    connection = connect(first)
    let_in(first, THIRD_KEY)
    posted = as_shown(connection, api_key=THIRD_KEY)
    meanwhile(monkeypatch, lambda: move(connection, second, by=dana))

    response = alice_client.post(connection.get_absolute_url(), posted)

    assert response.status_code == 409
    assert now(connection).credentials().api_url == second.origin
    assert now(connection).credentials().api_key.reveal() == OTHER_KEY


def test_a_connection_deleted_while_its_new_key_was_being_proven_is_not_found(
    alice_client: Client, connect: Connect, sandbox: SandboxServer, dana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = connect(sandbox)
    posted = as_shown(connection, api_key=sandbox.api_key)
    meanwhile(monkeypatch, lambda: now(connection).remove(by=dana))

    response = alice_client.post(connection.get_absolute_url(), posted)

    assert response.status_code == 404
    assert not Connection.objects.exists()


def test_a_role_lost_while_a_key_was_being_proven_saves_nothing(
    dana_client: Client, dana: User, connect: Connect, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = connect(sandbox)
    before = connection.credentials()
    let_in(sandbox, OTHER_KEY)
    posted = as_shown(connection, api_key=OTHER_KEY, name="By Dana")
    meanwhile(monkeypatch, lambda: demote(dana))

    response = dana_client.post(connection.get_absolute_url(), posted)

    assert response.status_code == 404
    assert (now(connection).name, now(connection).credentials()) == ("Main account", before)


def test_a_role_lost_while_the_page_was_open_is_refused(dana_client: Client, dana: User, connect: Connect) -> None:
    connection = connect()
    posted = as_shown(connection, name="By Dana")
    demote(dana)

    response = dana_client.post(connection.get_absolute_url(), posted)

    assert response.status_code == 403
    assert now(connection).name == "Main account"
    page = dana_client.get(connection.get_absolute_url()).content.decode()
    assert 'id="edit-form"' not in page
    assert "Managed by Alice Okafor" in page


def rename(connection: Connection, name: str, *, by: User) -> None:
    row = now(connection)
    before = {"name": row.value_of("name")}
    row.name = name
    row.save_changes(before, by=by)


def move(connection: Connection, sandbox: SandboxServer, *, by: User) -> None:
    response = client_of(by).post(
        connection.get_absolute_url(), as_shown(connection, api_url=sandbox.origin, api_key=sandbox.api_key)
    )
    assert response.status_code == 302


def demote(user: User) -> None:
    Membership.objects.filter(user=user).update(role=Role.MEMBER)
