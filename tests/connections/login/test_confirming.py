"""Another address or key wants a login, or a confirmation, of the last minutes."""

import re
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.db import connection as database
from django.test import Client

from connections.models import Connection, User
from sources.activecampaign.sandbox.server import SandboxServer
from tests.conftest import PASSWORD, Connect, client_of
from tests.connections.keeping.editing_page import OTHER_KEY, as_shown, let_in, now, save, text

CONFIRM = "/accounts/reauthenticate/"


@pytest.fixture
def long_ago(alice: User) -> Client:
    """Alice, who logged in six minutes ago."""
    return client_of(alice, logged_in_ago=360)


def post(client: Client, connection: Connection, **changed: object) -> Any:
    return client.post(connection.get_absolute_url(), as_shown(connection, **changed))


def confirm(client: Client, asked: Any, password: str = PASSWORD) -> Any:
    """On the page that a refused edit led to; follows where it leads."""
    address = urlsplit(asked["Location"])
    return client.post(CONFIRM, {"password": password, "next": parse_qs(address.query)["next"]}, follow=True)


def form_values(html: str) -> dict[str, str]:
    form = html.partition('id="edit-form"')[2].partition("</form>")[0]
    inputs = re.findall(r'<input type="(?:text|url|hidden)" name="(\w+)" value="([^"]*)"', form)
    chosen = re.findall(r'<input type="radio" name="(\w+)" value="(\w+)"[^>]*? checked', form)
    return dict([*inputs, *chosen])


@pytest.mark.parametrize("changed", [{"api_key": OTHER_KEY}, {"api_url": "https://other.api-us1.com"}], ids=str)
def test_an_old_login_does_not_do_for_another_key_or_address(
    long_ago: Client, connect: Connect, sandbox: SandboxServer, changed: dict[str, str]
) -> None:
    connection = connect(sandbox)
    let_in(sandbox, OTHER_KEY)
    before = Connection.objects.filter(pk=connection.pk).values().get()

    asked = post(long_ago, connection, name="New name", **changed)

    assert asked.status_code == 302
    assert asked["Location"].startswith(f"{CONFIRM}?next=")
    assert Connection.objects.filter(pk=connection.pk).values().get() == before
    assert sandbox.stats()["requests"] == 0


def test_the_key_that_was_posted_is_kept_nowhere(long_ago: Client, connect: Connect, sandbox: SandboxServer) -> None:
    connection = connect(sandbox)
    other = "https://quiet-harbour.api-us1.com"

    asked = post(long_ago, connection, api_key=OTHER_KEY, api_url=other)
    pages = [long_ago.get(asked["Location"]), confirm(long_ago, asked)]

    kept = [str(session.get_decoded()) for session in Session.objects.all()] + [asked["Location"]]
    with database.cursor() as cursor:
        cursor.execute("SELECT value FROM cache")
        kept += [str(row) for row in cursor.fetchall()]
    assert kept
    for text_of in [*kept, *(page.content.decode() for page in pages)]:
        assert OTHER_KEY not in text_of
    assert not [one for one in kept if "quiet-harbour" in one]


def test_who_confirms_finds_what_they_typed_and_pastes_the_key_again(
    long_ago: Client, connect: Connect, sandbox: SandboxServer
) -> None:
    connection = connect(sandbox)
    let_in(sandbox, OTHER_KEY)

    asked = post(long_ago, connection, api_key=OTHER_KEY, name="New name", privacy="private")
    assert "then paste the key again" in text(long_ago.get(asked["Location"]))
    back = confirm(long_ago, asked)

    assert back.redirect_chain == [(connection.get_absolute_url(), 302)]
    assert "Paste the key again" in text(back)
    values = form_values(back.content.decode())
    assert (values["name"], values["privacy"], values["api_url"]) == ("New name", "private", sandbox.origin)

    long_ago.post(connection.get_absolute_url(), {**values, "api_key": OTHER_KEY})

    assert now(connection).credentials().api_key.reveal() == OTHER_KEY
    assert (now(connection).name, now(connection).privacy) == ("New name", "private")


def test_what_was_typed_is_shown_once_and_for_its_own_connection_alone(
    long_ago: Client, connect: Connect, sandbox: SandboxServer
) -> None:
    connection, other = connect(sandbox), connect(name="Another")

    asked = post(long_ago, connection, api_key=OTHER_KEY, name="New name")
    assert "New name" not in long_ago.get(connection.get_absolute_url()).content.decode()  # Not confirmed yet.
    long_ago.post(CONFIRM, {"password": PASSWORD, "next": other.get_absolute_url()})

    assert "New name" not in long_ago.get(other.get_absolute_url()).content.decode()
    assert "New name" in long_ago.get(connection.get_absolute_url()).content.decode()
    assert "New name" not in long_ago.get(connection.get_absolute_url()).content.decode()
    assert asked.status_code == 302


def test_what_was_typed_is_kept_for_an_hour(long_ago: Client, connect: Connect, sandbox: SandboxServer) -> None:
    with time_machine.travel(time.time(), tick=False) as clock:
        connection = connect(sandbox)
        asked = post(long_ago, connection, api_key=OTHER_KEY, name="New name")
        clock.shift(3601)

        assert "New name" not in confirm(long_ago, asked).content.decode()


def test_what_others_changed_meanwhile_is_still_noticed(
    long_ago: Client, connect: Connect, sandbox: SandboxServer, dana_client: Client
) -> None:
    connection = connect(sandbox)
    let_in(sandbox, OTHER_KEY)
    asked = post(long_ago, connection, api_key=OTHER_KEY, name="Mine")
    save(dana_client, connection, name="Theirs")

    values = form_values(confirm(long_ago, asked).content.decode())
    answer = long_ago.post(connection.get_absolute_url(), {**values, "api_key": OTHER_KEY})

    assert answer.status_code == 409
    assert now(connection).name == "Theirs"


def test_a_wrong_password_confirms_nothing(long_ago: Client, connect: Connect, sandbox: SandboxServer) -> None:
    connection = connect(sandbox)
    let_in(sandbox, OTHER_KEY)
    asked = post(long_ago, connection, api_key=OTHER_KEY)

    confirm(long_ago, asked, password="not-it-at-all")

    assert post(long_ago, connection, api_key=OTHER_KEY).status_code == 302
    assert now(connection).credentials().api_key.reveal() == sandbox.api_key


def test_a_name_and_a_privacy_need_no_confirmation(long_ago: Client, connect: Connect) -> None:
    connection = connect()

    saved = save(long_ago, connection, name="New name", privacy="private")

    assert saved.redirect_chain == [(connection.get_absolute_url(), 302)]
    assert (now(connection).name, now(connection).privacy) == ("New name", "private")


def test_the_page_says_beforehand_that_they_will_have_to_confirm(
    long_ago: Client, alice_client: Client, connect: Connect
) -> None:
    connection = connect()
    link = f'href="{CONFIRM}?next={connection.get_absolute_url().replace("/", "%2F")}"'

    assert link in long_ago.get(connection.get_absolute_url()).content.decode()
    assert CONFIRM not in alice_client.get(connection.get_absolute_url()).content.decode()


@pytest.mark.parametrize("forged", [-60.0, None], ids=["of the future", "none"])
def test_only_a_proof_of_the_last_minutes_counts(
    alice: User, connect: Connect, sandbox: SandboxServer, forged: float | None
) -> None:
    client = client_of(alice, logged_in_ago=forged or 0.0)
    if forged is None:
        session = client.session
        del session["account_authentication_methods"]
        session.save()

    assert post(client, connect(sandbox), api_key=OTHER_KEY).status_code == 302


def test_the_minutes_are_a_setting(long_ago: Client, connect: Connect, sandbox: SandboxServer, settings: Any) -> None:
    settings.REAUTHENTICATION_SECONDS = 600
    connection = connect(sandbox)
    let_in(sandbox, OTHER_KEY)

    save(long_ago, connection, api_key=OTHER_KEY)

    assert now(connection).credentials().api_key.reveal() == OTHER_KEY


def test_a_login_through_the_page_is_a_proof(alice: User, connect: Connect, sandbox: SandboxServer) -> None:
    connection, client = connect(sandbox), Client()
    let_in(sandbox, OTHER_KEY)
    begun = time.time()

    client.post("/accounts/login/", {"login": alice.email, "password": PASSWORD})
    save(client, connection, api_key=OTHER_KEY)

    assert client.session["account_authentication_methods"][-1]["at"] >= begun
    assert now(connection).credentials().api_key.reveal() == OTHER_KEY


def test_somebody_elses_typing_is_not_shown_after_another_login(
    long_ago: Client, connect: Connect, sandbox: SandboxServer, dana: User
) -> None:
    connection = connect(sandbox)
    post(long_ago, connection, api_key=OTHER_KEY, name="Secret plan")

    long_ago.post("/accounts/logout/")
    long_ago.post("/accounts/login/", {"login": dana.email, "password": PASSWORD})

    assert "Secret plan" not in long_ago.get(connection.get_absolute_url()).content.decode()
