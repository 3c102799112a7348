"""A key that is pasted into another field than its own is refused there, and neither shown nor kept."""

from typing import Any

import pytest
from django.test import Client

from connections.checking.checking import check
from connections.forms.fields import holds_key
from connections.keeping.standing_by import store_standby
from connections.models import Connection, User
from sources.activecampaign.sandbox.server import SandboxServer
from sources.spec import Secret
from tests.conftest import Connect
from tests.connections.stepper.walking import begin, details, error_at, read, send, value

KEY = "C4nary-of-an-odd-shape-7q"
HEX = "0123456789abcdef" * 4 + "a1b2c3d4"

pytestmark = pytest.mark.usefixtures("no_limit")


@pytest.mark.parametrize(
    "name", [KEY, KEY.upper(), f" {KEY} ", f"{KEY[:9]} {KEY[9:]}", f"Main {KEY}", HEX, HEX.upper()]
)
def test_a_key_as_a_name_is_refused_at_the_name_without_an_echo(
    alice_client: Client, sandbox: SandboxServer, name: str
) -> None:
    step_2 = begin(alice_client)

    page = send(alice_client, step_2, details(sandbox, api_key=KEY, name=name))

    assert "That is a key, not a name" in error_at(page, "name")
    assert value(page, "name") in (None, "")
    assert name.strip() not in page
    assert name.strip() not in read(alice_client, step_2)
    assert "That is a key" not in str(Connection.objects.get().typed_values())
    assert Connection.objects.get().typed_values()["name"] == ""


def test_a_connection_is_not_renamed_to_the_key_that_it_holds(alice_client: Client, connect: Connect) -> None:
    connection = connect(api_key=KEY)
    shown = {"api_url": connection.address(), "privacy": "workspace", "version": connection.version}

    page = send(alice_client, connection.get_absolute_url(), {**shown, "name": KEY.lower(), "api_key": ""})

    assert "That is a key, not a name" in error_at(page, "name")
    assert KEY.lower() not in page
    assert Connection.objects.get().name == "Main account"


def test_a_connection_is_not_renamed_to_its_standby_key(
    alice: User, alice_client: Client, connect: Connect, sandbox: SandboxServer
) -> None:
    sandbox.add_key(KEY, user_id=sandbox.world.first_ids("users")[1], admin=True)
    connection = connect(sandbox)
    check(connection, by=alice)
    store_standby(connection, Secret(KEY), by=alice)
    connection.refresh_from_db()
    shown = {"api_url": connection.address(), "privacy": "workspace", "version": connection.version}

    page = send(alice_client, connection.get_absolute_url(), {**shown, "name": KEY, "api_key": ""})

    assert "That is a key, not a name" in error_at(page, "name")
    assert KEY not in page


@pytest.mark.parametrize("typed", [HEX, f"https://acme.api-us1.com/?api_key={KEY}", KEY])
def test_a_key_in_the_address_is_not_shown_again(alice_client: Client, sandbox: SandboxServer, typed: str) -> None:
    step_2 = begin(alice_client)

    page = send(alice_client, step_2, details(sandbox, api_key=KEY, api_url=typed))

    assert error_at(page, "api_url")
    assert typed not in page
    assert typed not in read(alice_client, step_2)


def test_what_looks_like_a_key_is_not_kept_while_it_is_typed(alice_client: Client) -> None:
    step_2 = begin(alice_client)

    alice_client.post(f"{step_2}keep/", {"name": HEX, "api_url": HEX, "privacy": "private"})

    assert Connection.objects.get().typed_values() == {"name": "", "api_url": "", "privacy": "private", "team": ""}


def test_names_that_are_none_are_left_alone(alice_client: Client, sandbox: SandboxServer) -> None:
    names: list[Any] = ["Main account", "cafe" * 20, "ActiveCampaign – main account", "2026-11-24"]

    assert not any(holds_key(name, [KEY, "", "main"]) for name in names)
    assert holds_key("Main", ["main"])
    assert alice_client.post(begin(alice_client), details(sandbox, name="Main account")).status_code == 302
