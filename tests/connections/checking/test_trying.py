"""How often people may have credentials checked."""

import threading
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection as database
from django.test import Client
from django.utils import timezone

from connections.models import CheckTry, Connection, Membership, Role, User, Workspace
from connections.models.check_try import TooManyTries
from sources.activecampaign.sandbox.server import SandboxServer
from tests.conftest import Connect, client_of
from tests.connections.stepper.walking import begin, details, error_at

pytestmark = pytest.mark.usefixtures("no_limit")

WRONG = "f" * 40
SAVEPOINT = 2  # Within a test's own transaction.


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


def test_checks_that_succeed_do_not_count_as_failed(
    alice_client: Client, connect: Connect, sandbox: SandboxServer, settings: Any
) -> None:
    settings.ACTIVECAMPAIGN_RATE = 10_000.0
    settings.CHECKS_PER_PERSON = settings.CHECKS_PER_WORKSPACE = settings.CHECKS_PER_ACCOUNT = 1
    connection = connect(sandbox)

    for _ in range(3):
        alice_client.post(f"{connection.get_absolute_url()}test/")

    assert not CheckTry.objects.filter(succeeded=False).exists()
    assert alice_client.post(begin(alice_client), details(sandbox)).status_code == 302


def test_all_tries_of_a_person_count_under_a_wider_limit_those_that_succeed_too(
    alice_client: Client, bob_client: Client, connect: Connect, sandbox: SandboxServer, settings: Any
) -> None:
    settings.ACTIVECAMPAIGN_RATE, settings.CHECKS_PER_PERSON_IN_ALL = 10_000.0, 3
    address = f"{connect(sandbox).get_absolute_url()}test/"
    said = [alice_client.post(address, follow=True).content.decode() for _ in range(3)]
    asked = sandbox.stats()["requests"]

    again = alice_client.post(address, follow=True).content.decode()
    set_up = alice_client.post(begin(alice_client), details(sandbox))

    assert all("It works" in page for page in said)
    assert "You have tested very often. Try again in" in again
    assert set_up.status_code == 429
    assert sandbox.stats()["requests"] == asked
    assert "It works" in bob_client.post(address, follow=True).content.decode()


def test_what_succeeded_and_what_failed_fill_the_wider_limit_together(
    alice_client: Client, connect: Connect, sandbox: SandboxServer, settings: Any
) -> None:
    settings.ACTIVECAMPAIGN_RATE, settings.CHECKS_PER_PERSON_IN_ALL = 10_000.0, 2
    alice_client.post(f"{connect(sandbox).get_absolute_url()}test/")

    assert fail(alice_client, begin(alice_client), sandbox, 2) == [200, 429]


def test_the_wider_limit_is_over_after_ten_minutes(
    alice_client: Client, connect: Connect, sandbox: SandboxServer, settings: Any
) -> None:
    settings.CHECKS_PER_PERSON_IN_ALL = 1
    address = f"{connect(sandbox).get_absolute_url()}test/"
    alice_client.post(address)

    with time_machine.travel(timezone.now() + timedelta(minutes=10, seconds=1), tick=True):
        page = alice_client.post(address, follow=True).content.decode()

    assert "It works" in page


def test_the_limit_of_an_account_counts_over_all_workspaces(
    alice_client: Client, charlie_client: Client, sandbox: SandboxServer, settings: Any
) -> None:
    settings.CHECKS_PER_ACCOUNT = 4
    fail(alice_client, begin(alice_client), sandbox, 4)

    assert fail(charlie_client, strangers_step_2(charlie_client), sandbox, 4) == [200, 200, 200, 429]


def test_strangers_who_succeed_do_not_fill_the_limit_of_an_account(
    alice_client: Client, charlie_client: Client, sandbox: SandboxServer, settings: Any
) -> None:
    settings.CHECKS_PER_ACCOUNT, step_2 = 4, begin(alice_client)
    assert [alice_client.post(step_2, details(sandbox)).status_code for _ in range(4)] == [302] * 4

    assert fail(charlie_client, strangers_step_2(charlie_client), sandbox, 5) == [200, 200, 200, 200, 429]


def test_others_who_fail_do_not_keep_a_newcomer_with_the_right_key_out(
    alice_client: Client, charlie_client: Client, sandbox: SandboxServer, settings: Any
) -> None:
    settings.CHECKS_PER_ACCOUNT = 4
    theirs = strangers_step_2(charlie_client)
    assert fail(charlie_client, theirs, sandbox, 5) == [200, 200, 200, 200, 429]

    step_2 = begin(alice_client)
    mistyped = fail(alice_client, step_2, sandbox, 2)
    right = alice_client.post(step_2, details(sandbox))

    assert mistyped == [200, 200]
    assert right.status_code == 302
    assert fail(charlie_client, theirs, sandbox, 1) == [429]


def test_what_a_workspace_may_always_try_is_counted_of_each_account(
    alice_client: Client, charlie_client: Client, sandbox: SandboxServer, new_sandbox: Any, settings: Any
) -> None:
    settings.CHECKS_PER_ACCOUNT = 4
    another, step_2 = new_sandbox(), begin(alice_client)
    fail(charlie_client, strangers_step_2(charlie_client), sandbox, 4)

    assert fail(alice_client, step_2, another, 3) == [200] * 3
    assert fail(alice_client, step_2, sandbox, 4) == [200, 200, 200, 429]


def test_strangers_who_guess_keys_do_not_keep_out_those_whose_account_it_is(
    alice_client: Client, charlie_client: Client, connect: Connect, sandbox: SandboxServer, settings: Any
) -> None:
    connection = connect(sandbox)
    settings.CHECKS_PER_ACCOUNT = 4
    fail(charlie_client, strangers_step_2(charlie_client), sandbox, 4)
    fail(alice_client, begin(alice_client), sandbox, 3)

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
    settings.CHECKS_PER_ACCOUNT, step_2 = 4, begin(alice_client)
    fail(charlie_client, strangers_step_2(charlie_client), sandbox, 4)
    fail(alice_client, step_2, sandbox, 3)

    assert alice_client.post(step_2, details(sandbox)).status_code == 429


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


def test_plain_members_leave_a_third_of_the_workspaces_tries_to_owners_and_admins(
    alice_client: Client, bob_client: Client, dana_client: Client, erin: User, sandbox: SandboxServer, settings: Any
) -> None:
    settings.CHECKS_PER_WORKSPACE, settings.CHECKS_PER_ACCOUNT = 6, 100
    elsewhere = Workspace.objects.create(name="Erin's own", slug="erins-own")
    Membership.objects.create(workspace=elsewhere, user=erin, role=Role.OWNER)
    bobs, erins = begin(bob_client), client_of(erin)
    assert fail(bob_client, bobs, sandbox, 3) == [200] * 3
    assert fail(erins, begin(erins), sandbox, 2) == [200, 429]

    refused = bob_client.post(bobs, details(sandbox))

    assert refused.status_code == 429
    assert "Owners and admins can still test" in error_at(refused.content.decode(), "api_key")
    assert alice_client.post(begin(alice_client), details(sandbox)).status_code == 302
    assert fail(dana_client, begin(dana_client), sandbox, 3) == [200, 200, 429]


def test_what_owners_and_admins_fail_leaves_the_members_theirs_until_the_workspace_is_over_its_limit(
    alice_client: Client, bob_client: Client, sandbox: SandboxServer, settings: Any
) -> None:
    settings.CHECKS_PER_WORKSPACE, settings.CHECKS_PER_ACCOUNT = 6, 100
    fail(alice_client, begin(alice_client), sandbox, 3)

    assert fail(bob_client, begin(bob_client), sandbox, 4) == [200, 200, 200, 429]


def test_a_try_costs_few_queries(
    alice: User, workspace: Workspace, settings: Any, django_assert_num_queries: Any
) -> None:
    def attempt() -> None:
        CheckTry.objects.reserve(person=alice, workspace=workspace, account="a")

    with django_assert_num_queries(4 + SAVEPOINT):
        attempt()
    for _ in range(2):
        attempt()
    with django_assert_num_queries(6 + SAVEPOINT):
        attempt()


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

    assert 1 <= CheckTry.objects.count() <= 3  # Whoever came while another was under way had no place.
    assert sandbox.stats()["requests"] <= 3 * 3  # A refusal is asked for twice more.


@pytest.mark.django_db(transaction=True)
def test_of_twenty_at_once_in_as_many_processes_no_more_are_counted_than_are_allowed(
    alice: User, workspace: Workspace, settings: Any
) -> None:
    settings.CHECKS_PER_PERSON, outcomes = 3, []

    def attempt() -> None:
        try:
            CheckTry.objects.reserve(person=alice, workspace=workspace, account="a")
            outcomes.append("counted")
        except TooManyTries:
            outcomes.append("refused")
        database.close()

    threads = [threading.Thread(target=attempt) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["counted"] * 3 + ["refused"] * 17
    assert CheckTry.objects.count() == 3
