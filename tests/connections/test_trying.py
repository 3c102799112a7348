"""How often people may have credentials checked."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection as database
from django.test import Client
from django.utils import timezone

from blinkmetrics import serving
from blinkmetrics import settings as real_settings
from connections.models import CheckTry, Connection, User, Workspace
from connections.models.check_try import TooManyAtOnce
from connections.trying import places
from sources.activecampaign.sandbox.answers import Call
from sources.activecampaign.sandbox.server import SandboxServer
from tests.conftest import Connect, client_of
from tests.connections.stepper import begin, details, error_at, value
from tests.processes import PATIENCE

WRONG = "f" * 40


def fail(client: Client, step_2: str, sandbox: SandboxServer, times: int) -> list[int]:
    return [client.post(step_2, details(sandbox, api_key=WRONG)).status_code for _ in range(times)]


def strangers_step_2(client: Client) -> str:
    return client.post("/w/stranger/connections/add/", {"source": "activecampaign"})["Location"]


def test_over_the_limit_no_call_is_made_and_the_seconds_are_said_at_the_key(
    alice_client: Client, sandbox: SandboxServer, settings: Any
) -> None:
    settings.CHECKS_PER_PERSON = 2
    step_2 = begin(alice_client)
    assert fail(alice_client, step_2, sandbox, 2) == [200, 200]
    asked = sandbox.stats()["requests"]

    response = alice_client.post(step_2, details(sandbox, api_key=WRONG))

    page = response.content.decode()
    assert response.status_code == 429
    assert "Try again in" in error_at(page, "api_key")
    assert "save_unverified" not in page
    assert sandbox.stats()["requests"] == asked
    assert not Connection.objects.get().has_key


def test_the_right_key_is_taken_again_when_the_time_is_over(
    alice_client: Client, sandbox: SandboxServer, settings: Any
) -> None:
    settings.CHECKS_PER_PERSON = 1
    step_2 = begin(alice_client)
    fail(alice_client, step_2, sandbox, 1)

    with time_machine.travel(timezone.now() + timedelta(minutes=10, seconds=1), tick=True):
        response = alice_client.post(step_2, details(sandbox))

    assert response.status_code == 302


def test_checks_that_succeed_do_not_count(
    alice_client: Client, connect: Connect, sandbox: SandboxServer, settings: Any
) -> None:
    settings.ACTIVECAMPAIGN_RATE = 10_000.0
    connection = connect(sandbox)

    for _ in range(12):
        alice_client.post(f"{connection.get_absolute_url()}test/")

    assert not CheckTry.objects.exists()


def test_the_limit_of_an_account_counts_over_all_workspaces(
    alice_client: Client, charlie_client: Client, sandbox: SandboxServer, settings: Any
) -> None:
    settings.CHECKS_PER_ACCOUNT = 1
    fail(alice_client, begin(alice_client), sandbox, 1)

    assert fail(charlie_client, strangers_step_2(charlie_client), sandbox, 1) == [429]


def test_strangers_who_guess_keys_do_not_keep_out_those_whose_account_it_is(
    alice_client: Client, charlie_client: Client, connect: Connect, sandbox: SandboxServer, settings: Any
) -> None:
    connection = connect(sandbox)
    settings.CHECKS_PER_ACCOUNT = 1
    fail(charlie_client, strangers_step_2(charlie_client), sandbox, 1)

    tested = alice_client.post(f"{connection.get_absolute_url()}test/", follow=True)
    set_up = alice_client.post(begin(alice_client), details(sandbox))

    assert "It works" in tested.content.decode()
    assert set_up.status_code == 302


@pytest.mark.parametrize("change", [{"person": ""}, {"state": "draft"}])
def test_who_has_not_proven_a_key_of_an_account_counts_as_a_stranger(
    alice_client: Client,
    charlie_client: Client,
    connect: Connect,
    sandbox: SandboxServer,
    settings: Any,
    change: dict[str, str],
) -> None:
    Connection.objects.filter(pk=connect(sandbox).pk).update(**change)
    settings.CHECKS_PER_ACCOUNT = 1
    fail(charlie_client, strangers_step_2(charlie_client), sandbox, 1)

    assert alice_client.post(begin(alice_client), details(sandbox)).status_code == 429


def test_those_whose_account_it_is_are_counted_too(
    alice_client: Client, charlie_client: Client, connect: Connect, sandbox: SandboxServer, settings: Any
) -> None:
    connect(sandbox)
    settings.CHECKS_PER_ACCOUNT = 1
    step_2 = begin(alice_client)
    assert fail(alice_client, step_2, sandbox, 2) == [200, 429]

    assert fail(charlie_client, strangers_step_2(charlie_client), sandbox, 2) == [200, 429]


def test_the_limit_of_a_workspace_counts_over_its_people(
    alice_client: Client, bob_client: Client, sandbox: SandboxServer, settings: Any
) -> None:
    settings.CHECKS_PER_WORKSPACE = 1
    fail(alice_client, begin(alice_client), sandbox, 1)

    assert fail(bob_client, begin(bob_client), sandbox, 1) == [429]


def test_an_edit_over_the_limit_keeps_the_old_key(
    alice_client: Client, connect: Connect, sandbox: SandboxServer, settings: Any
) -> None:
    settings.CHECKS_PER_PERSON = 0
    connection = connect(sandbox)
    before = connection.credentials()
    typed = {"api_url": sandbox.origin, "api_key": WRONG, "name": "Main account", "privacy": "workspace"}

    response = alice_client.post(connection.get_absolute_url(), {**typed, "version": connection.version})

    assert response.status_code == 429
    assert Connection.objects.get().credentials() == before


def test_a_held_key_outlives_a_try_that_was_not_made(
    alice_client: Client, sandbox: SandboxServer, settings: Any
) -> None:
    step_2 = begin(alice_client)
    sandbox.fault("users/me", status=503, times=1)
    alice_client.post(step_2, details(sandbox))
    settings.CHECKS_PER_PERSON = 0

    alice_client.post(step_2, details(sandbox))

    assert Connection.objects.get().has_key


@pytest.mark.django_db(transaction=True)
def test_twenty_tries_at_once_cause_no_more_calls_than_are_allowed(
    alice: User, workspace: Workspace, sandbox: SandboxServer, settings: Any
) -> None:
    settings.CHECKS_PER_PERSON, settings.ACTIVECAMPAIGN_RATE = 3, 10_000.0
    step_2 = begin(client_of(alice))

    def attempt() -> None:
        client_of(alice).post(step_2, details(sandbox, api_key=WRONG))
        database.close()

    threads = [threading.Thread(target=attempt) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert CheckTry.objects.count() == 3
    assert sandbox.stats()["requests"] <= 3 * 3  # A refusal is asked for twice more.


# Many at the same moment ------------------------------------------------------------------------------------------


@pytest.fixture
def one_is_under_way(
    alice: User, workspace: Workspace, sandbox: SandboxServer, settings: Any
) -> Iterator[Callable[[], list[int]]]:
    """There is one place, and a check that an account does not answer holds it; ends with the call of the fixture."""
    settings.CHECKS_AT_ONCE, settings.ACTIVECAMPAIGN_RATE = 1, 10_000.0
    arrived, may_answer, statuses = threading.Event(), threading.Event(), []

    def hold(call: Call) -> None:
        arrived.set()
        may_answer.wait(PATIENCE)

    def attempt() -> None:
        client = client_of(alice)
        statuses.append(client.post(begin(client), details(sandbox, name="Slow")).status_code)
        database.close()

    sandbox.on_call(hold)
    thread = threading.Thread(target=attempt)
    thread.start()
    assert arrived.wait(PATIENCE)

    def end() -> list[int]:
        may_answer.set()
        thread.join()
        return statuses

    yield end
    end()


@pytest.mark.django_db(transaction=True)
def test_while_all_places_are_taken_nobody_waits_and_nothing_that_was_typed_is_lost(
    bob: User, sandbox: SandboxServer, one_is_under_way: Callable[[], list[int]]
) -> None:
    client = client_of(bob)
    step_2 = begin(client)
    asked = len(sandbox.requests)

    response = client.post(step_2, details(sandbox, name="Quick"))

    page = response.content.decode()
    assert response.status_code == 429
    assert "Try again in a few seconds" in error_at(page, "api_key")
    assert "save_unverified" not in page
    assert value(page, "name") == "Quick"
    assert len(sandbox.requests) == asked
    assert not CheckTry.objects.filter(person=bob).exists()
    assert one_is_under_way() == [302]
    assert client.post(step_2, details(sandbox, name="Quick", api_key="")).status_code == 302


@pytest.mark.django_db(transaction=True)
def test_while_all_places_are_taken_stored_credentials_stay_as_they_are(
    alice: User,
    staff_client: Client,
    connect: Connect,
    sandbox: SandboxServer,
    one_is_under_way: Callable[[], list[int]],
) -> None:
    connection, client = connect(sandbox), client_of(alice)
    page, before = connection.get_absolute_url(), Connection.objects.get(pk=connection.pk).credentials()
    typed = details(sandbox, api_key=WRONG)
    act = {"action": "test_now", "_selected_action": [str(connection.pk)]}

    edited = client.post(page, {**typed, "version": connection.version})
    tested = client.post(f"{page}test/", follow=True)
    by_staff = staff_client.post("/admin/connections/connection/", act, follow=True)

    assert edited.status_code == 429
    for answer in (edited, tested, by_staff):
        assert "Try again in a few seconds" in answer.content.decode()
    now = Connection.objects.get(pk=connection.pk)
    assert (now.credentials(), now.health) == (before, connection.health)


def test_a_place_is_given_back_whatever_happens(settings: Any) -> None:
    settings.CHECKS_AT_ONCE = 1

    for _ in range(3):
        with pytest.raises(ZeroDivisionError), places.one():
            raise ZeroDivisionError

    with places.one(), pytest.raises(TooManyAtOnce), places.one():
        pass
    assert places.taken == 0


def test_the_demonstration_has_more_threads_than_places() -> None:
    assert serving.threads > real_settings.CHECKS_AT_ONCE
