"""Test now, edits and the standby key with an account that is slow: the check goes on in a worker."""

from collections.abc import Callable

import pytest
from django.test import Client

from connections.checking.checking import check
from connections.models import Connection, Health, LiveCheck, User
from sources.activecampaign.sandbox.server import SandboxServer
from tests.conftest import Connect, client_of
from tests.connections.engine import again, pull
from tests.connections.keeping.editing_page import OTHER_KEY, let_in, now, save, text
from tests.connections.keeping.standby import SECOND_KEY, let_in_second, post, standby_of
from tests.connections.slow import carry_on_all, hangs, impatient, sealed_columns, serve_once
from tests.connections.stepper.walking import error_at

__all__ = ["impatient"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_limit", "impatient")]

SLOW, ARRIVED = "ActiveCampaign is slow today", "ActiveCampaign has answered"


@pytest.fixture
def connection(sandbox: SandboxServer, connect: Connect) -> Connection:
    return connect(sandbox)


def test_a_slow_test_goes_on_and_is_told(alice_client: Client, connection: Connection, sandbox: SandboxServer) -> None:
    hangs(sandbox)
    test = f"{connection.get_absolute_url()}test/"

    waiting = text(alice_client.post(test, follow=True))
    serve_once()
    arrived = text(alice_client.get(connection.get_absolute_url()))
    told = text(alice_client.post(test, {"go_on": "1"}, follow=True))

    assert SLOW in waiting
    assert ARRIVED in arrived
    assert "It works: ActiveCampaign answered as" in told
    assert again(connection).health == Health.HEALTHY
    assert [event.verb for event in connection.events.all()].count("tested") == 1
    assert not LiveCheck.objects.exists()


def test_a_slow_test_that_fails_is_told_and_written_down_once(
    alice_client: Client, connection: Connection, sandbox: SandboxServer
) -> None:
    hangs(sandbox)
    test = f"{connection.get_absolute_url()}test/"
    alice_client.post(test)
    assert again(connection).health == Health.HEALTHY  # Nothing is known yet.
    sandbox.revoke(sandbox.api_key)

    carry_on_all()

    assert again(connection).health == Health.ACTION_NEEDED
    assert "ActiveCampaign did not accept this key." in text(alice_client.post(test, {"go_on": "1"}, follow=True))
    assert connection.events.filter(verb="tested").count() == 1


def test_each_person_hears_of_their_own_check_alone(
    alice_client: Client, bob_client: Client, connection: Connection, sandbox: SandboxServer
) -> None:
    hangs(sandbox)
    alice_client.post(f"{connection.get_absolute_url()}test/")

    assert SLOW not in text(bob_client.get(connection.get_absolute_url()))
    assert SLOW in text(alice_client.get(connection.get_absolute_url()))


def test_a_slow_edit_saves_what_was_typed_once_the_key_is_proven(
    alice_client: Client, connection: Connection, sandbox: SandboxServer
) -> None:
    let_in(sandbox, OTHER_KEY)
    hangs(sandbox)

    waiting = save(alice_client, connection, api_key=OTHER_KEY, name="Renamed")
    before = now(connection)
    carry_on_all()
    saved = alice_client.post(connection.get_absolute_url(), {"go_on": "1"}, follow=True)

    assert SLOW in text(waiting)
    assert OTHER_KEY not in text(waiting) + sealed_columns()
    assert (before.name, before.credentials().api_key.reveal()) == ("Main account", sandbox.api_key)
    assert "Saved. The new credentials work" in text(saved)
    assert (now(connection).name, now(connection).credentials().api_key.reveal()) == ("Renamed", OTHER_KEY)
    assert not LiveCheck.objects.exists()


def test_a_slow_edit_with_a_refused_key_says_so_at_the_key_and_keeps_what_was_typed(
    alice_client: Client, connection: Connection, sandbox: SandboxServer
) -> None:
    hangs(sandbox)
    save(alice_client, connection, api_key=OTHER_KEY, name="Renamed")

    carry_on_all()
    page = alice_client.post(connection.get_absolute_url(), {"go_on": "1"}).content.decode()

    assert error_at(page, "api_key").startswith("ActiveCampaign did not accept this key.")
    assert 'value="Renamed"' in page
    assert now(connection).credentials().api_key.reveal() == sandbox.api_key


def test_a_slow_edit_meets_what_others_changed_meanwhile(
    alice_client: Client, dana_client: Client, connection: Connection, sandbox: SandboxServer
) -> None:
    let_in(sandbox, OTHER_KEY)
    hangs(sandbox)
    save(alice_client, connection, api_key=OTHER_KEY, name="Of Alice")
    save(dana_client, connection, name="Of Dana")

    carry_on_all()
    response = alice_client.post(connection.get_absolute_url(), {"go_on": "1"})

    assert response.status_code == 409
    assert now(connection).name == "Of Dana"
    assert now(connection).credentials().api_key.reveal() == sandbox.api_key


def test_whose_account_it_is_is_found_out_in_the_worker_too(
    alice_client: Client, connection: Connection, new_sandbox: Callable[..., SandboxServer]
) -> None:
    pull(connection, only=["contacts"])
    other = new_sandbox(contacts=3, deals=0, seed=99)
    hangs(other, "contacts/*", times=None)
    hangs(other)
    save(alice_client, connection, api_url=other.origin, api_key=other.api_key, name="Typed")
    other.clear_faults()

    carry_on_all()
    asked = len(other.requests)
    question = alice_client.post(connection.get_absolute_url(), {"go_on": "1"})

    assert "of your contacts are there." in error_at(question.content.decode(), "account")
    assert len(other.requests) == asked
    replaced = save(alice_client, connection, api_url=other.origin, api_key=other.api_key, account="replace")
    assert "The data of before is hidden now." in text(replaced)
    assert len([call for call in other.requests if call.place == "users/me"]) == 2  # Neither is asked for again.


def test_a_slow_edit_needs_no_second_confirmation(alice: User, connection: Connection, sandbox: SandboxServer) -> None:
    let_in(sandbox, OTHER_KEY)
    hangs(sandbox)
    save(client_of(alice), connection, api_key=OTHER_KEY)
    carry_on_all()

    client_of(alice, logged_in_ago=3600).post(connection.get_absolute_url(), {"go_on": "1"})

    assert now(connection).credentials().api_key.reveal() == OTHER_KEY


def test_a_slow_standby_key_is_stored_in_the_end(
    alice_client: Client, connection: Connection, sandbox: SandboxServer, alice: User
) -> None:
    check(connection, by=alice)
    let_in_second(sandbox)
    hangs(sandbox)

    waiting = text(post(alice_client, connection, follow=True))
    carry_on_all()
    stored = text(alice_client.post(f"{connection.get_absolute_url()}standby/", {"go_on": "1"}, follow=True))

    assert SLOW in waiting
    assert "Stored. If the first key is refused" in stored
    standby = standby_of(connection)
    assert standby is not None
    assert standby.credentials().api_key.reveal() == SECOND_KEY


def test_whose_the_first_key_is_is_found_out_before_a_standby_key_in_the_worker_too(
    alice_client: Client, connection: Connection, sandbox: SandboxServer
) -> None:
    assert not connection.owner
    let_in(sandbox, SECOND_KEY)  # Another key of the same person.
    hangs(sandbox)
    post(alice_client, connection)

    carry_on_all()
    page = alice_client.post(f"{connection.get_absolute_url()}standby/", {"go_on": "1"}).content.decode()

    assert "both would die together" in page
    assert standby_of(connection) is None


@pytest.mark.parametrize("page", ["", "test/", "standby/"])
def test_to_go_on_with_nothing_changes_nothing(page: str, alice_client: Client, connection: Connection) -> None:
    before = [*Connection.objects.values()]

    response = alice_client.post(f"{connection.get_absolute_url()}{page}", {"go_on": "1"})

    assert response["Location"] == connection.get_absolute_url()
    assert [*Connection.objects.values()] == before


def test_checks_that_succeed_in_a_worker_do_not_count_as_failed(
    alice_client: Client, connection: Connection, sandbox: SandboxServer, settings: pytest.FixtureRequest
) -> None:
    settings.RATE_LIMITS, settings.CHECKS_PER_PERSON = True, 1  # type: ignore[attr-defined]
    test = f"{connection.get_absolute_url()}test/"
    for _ in range(2):
        hangs(sandbox)
        alice_client.post(test)
        carry_on_all()

        assert "It works" in text(alice_client.post(test, {"go_on": "1"}, follow=True))
