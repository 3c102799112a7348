"""Keys that no account has answered for: nobody gets calls out of them that are not counted, nor reads along."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from connections.checking.checking import account_of
from connections.models import AccountBudget, CheckTry, Connection, Health, Sync, User
from connections.models.sync import SyncState, Trigger
from sources.activecampaign.sandbox.server import SandboxServer
from sources.spec import Credentials, Secret
from tests.conftest import Connect
from tests.connections.engine import again, pull, take_up
from tests.connections.stepper.walking import begin, details, error_at, send, words

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_limit")]

WRONG = "f" * 40
REFUSED = "ActiveCampaign did not accept this key. Copy it again from Settings > Developer."
UNTESTED = "Save without testing"


def pause(sandbox: SandboxServer) -> None:
    """The account has just asked everybody to wait."""
    account = account_of(Credentials(api_url=sandbox.origin, api_key=Secret(sandbox.api_key)))
    until = timezone.now().timestamp() + 60
    AccountBudget.objects.update_or_create(account=account, defaults={"paused_until": until})


def go_on() -> None:
    AccountBudget.objects.update(paused_until=0.0, tat=0.0, ease=1.0)


@pytest.fixture(params=["crowded", "paused"])
def never_tried(request: Any, alice_client: Client, sandbox: SandboxServer, settings: Any) -> str:
    """Step 2 of a set-up into which a wrong key was typed that did not reach the account."""
    step_2 = begin(alice_client)
    if request.param == "crowded":
        settings.CHECKS_AT_ONCE = 0
    else:
        pause(sandbox)
    page = alice_client.post(step_2, details(sandbox, api_key=WRONG)).content.decode()
    assert "Try again in" in words(page)
    assert UNTESTED not in page
    assert sandbox.requests == []
    settings.CHECKS_AT_ONCE = 4
    go_on()
    return step_2


# Set-up ---------------------------------------------------------------------------------------------------------------


def test_a_key_that_never_reached_the_account_is_not_saved_untested(
    alice_client: Client, sandbox: SandboxServer, never_tried: str
) -> None:
    page = send(alice_client, never_tried, details(sandbox, api_key="", save_unverified="1"))

    assert error_at(page, "api_key") == REFUSED
    assert CheckTry.objects.exists()
    draft = Connection.objects.get()
    assert (draft.set_up_at, draft.has_key) == (None, False)


def test_a_key_that_never_reached_the_account_waits_for_the_next_try(
    alice_client: Client, sandbox: SandboxServer, settings: Any
) -> None:
    step_2 = begin(alice_client)
    pause(sandbox)
    alice_client.post(step_2, details(sandbox))
    go_on()

    assert alice_client.post(step_2, details(sandbox, api_key="")).status_code == 302
    assert Connection.objects.get().health == Health.HEALTHY


def test_a_key_that_was_tried_stays_so_when_a_later_try_is_not_made(
    alice_client: Client, sandbox: SandboxServer, settings: Any
) -> None:
    step_2 = begin(alice_client)
    sandbox.fault("users/me", status=500, times=None)
    alice_client.post(step_2, details(sandbox))
    settings.CHECKS_AT_ONCE = 0
    alice_client.post(step_2, details(sandbox, api_key=""))

    response = alice_client.post(step_2, details(sandbox, api_key="", save_unverified="1"))

    assert response.status_code == 302
    assert Connection.objects.get().set_up_at


def test_a_proven_key_is_not_lost_to_a_try_of_the_same_that_is_not_made(
    alice_client: Client, sandbox: SandboxServer, settings: Any
) -> None:
    step_2 = begin(alice_client)
    alice_client.post(step_2, details(sandbox))
    settings.CHECKS_AT_ONCE = 0

    assert alice_client.post(step_2, details(sandbox)).status_code == 429
    assert alice_client.get(f"{step_2}finish/").status_code == 200


def test_a_busy_answer_of_the_account_was_a_try(alice_client: Client, sandbox: SandboxServer) -> None:
    step_2 = begin(alice_client)
    sandbox.fault("users/me", kind="busy", times=1)
    assert UNTESTED in alice_client.post(step_2, details(sandbox)).content.decode()

    assert alice_client.post(step_2, details(sandbox, api_key="", save_unverified="1")).status_code == 302


# Sync now -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def unproven(connect: Connect, sandbox: SandboxServer) -> Connection:
    """It was saved without testing, with a key that is wrong."""
    connection = connect(sandbox)
    connection.become_unverified()
    wrong = Credentials(api_url=sandbox.origin, api_key=Secret(WRONG))
    connection.keep_credentials(wrong, by=connection.created_by)
    connection.save()
    return connection


def press_sync(client: Client, connection: Connection) -> str:
    return words(client.post(f"{connection.get_absolute_url()}sync/", follow=True).content.decode())


def test_sync_now_says_what_to_do_where_the_key_is_what_is_wrong(
    bob_client: Client, connect: Connect, sandbox: SandboxServer
) -> None:
    connection = connect(sandbox)
    Connection.objects.update(health=Health.ACTION_NEEDED, health_code="key_refused")

    assert "Enter another key, or press Test now" in press_sync(bob_client, connection)
    assert not Sync.objects.exists()


def test_sync_now_is_there_for_an_account_that_was_unpaid(
    bob_client: Client, connect: Connect, sandbox: SandboxServer
) -> None:
    connection = connect(sandbox)
    Connection.objects.update(health=Health.ACTION_NEEDED, health_code="account_unavailable")

    assert "The sync starts in a moment." in press_sync(bob_client, connection)


def test_what_the_worker_checks_for_a_person_counts_as_their_try(
    alice: User, unproven: Connection, sandbox: SandboxServer
) -> None:
    pull(unproven, trigger=Trigger.FIRST, by=alice)

    assert CheckTry.objects.get().person == alice
    assert again(unproven).health == Health.ACTION_NEEDED


@pytest.mark.parametrize("health", [Health.NOT_VERIFIED, Health.ACTION_NEEDED])
def test_over_the_limit_the_sync_ends_without_a_call(
    alice: User, unproven: Connection, sandbox: SandboxServer, settings: Any, health: str
) -> None:
    settings.CHECKS_PER_PERSON = 0
    Connection.objects.update(health=health)

    sync = pull(again(unproven), trigger=Trigger.PERSON, by=alice)

    assert (sync.state, sandbox.requests) == (SyncState.FAILED, [])
    assert "Try again in" in sync.reason
    assert again(unproven).health == health


def test_a_refused_connection_whose_key_worked_before_is_counted_too(
    alice: User, connect: Connect, sandbox: SandboxServer, settings: Any
) -> None:
    settings.CHECKS_PER_PERSON = 0
    connection = connect(sandbox)
    Connection.objects.update(health=Health.ACTION_NEEDED)

    sync = pull(again(connection), trigger=Trigger.PERSON, by=alice)

    assert (sync.state, sandbox.requests) == (SyncState.FAILED, [])


def test_pressing_sync_now_again_and_again_makes_no_more_calls_than_are_allowed(
    alice: User, unproven: Connection, sandbox: SandboxServer, settings: Any
) -> None:
    settings.CHECKS_PER_PERSON = 2

    for _ in range(6):
        pull(again(unproven), trigger=Trigger.PERSON, by=alice)

    assert len(sandbox.requests) == 2 * 3  # A refusal is asked for twice more.


def test_while_all_places_are_taken_the_sync_waits(
    alice: User, unproven: Connection, sandbox: SandboxServer, settings: Any
) -> None:
    settings.CHECKS_AT_ONCE = 0
    sync = pull(unproven, trigger=Trigger.FIRST, by=alice)
    assert (sync.state, sandbox.requests) == (SyncState.QUEUED, [])
    settings.CHECKS_AT_ONCE = 4

    assert take_up(sync).state == SyncState.FAILED
    assert sandbox.requests


def test_nothing_of_a_key_that_was_never_proven_is_stored_before_it_is_checked(
    unproven: Connection, sandbox: SandboxServer
) -> None:
    unproven.keep_credentials(Credentials(api_url=sandbox.origin, api_key=Secret(sandbox.api_key)), by=None)
    unproven.health = Health.ACTION_NEEDED
    unproven.save()

    pull(unproven, trigger=Trigger.COMMAND, only=["tags"])

    assert sandbox.requests[0].place == "users/me"
    assert again(unproven).person


def test_a_sync_of_a_connection_that_works_is_neither_checked_nor_counted(
    alice: User, connect: Connect, sandbox: SandboxServer, settings: Any
) -> None:
    settings.CHECKS_PER_PERSON = 0

    sync = pull(connect(sandbox), trigger=Trigger.PERSON, by=alice, only=["tags"])

    assert (sync.state, {call.place for call in sandbox.requests}) == (SyncState.COMPLETE, {"tags"})


# What the page tells ----------------------------------------------------------------------------------------------


def test_what_others_call_the_account_is_told_to_those_alone_who_have_proven_a_key_of_it(
    bob_client: Client, unproven: Connection
) -> None:
    budget = AccountBudget.objects.create(account=unproven.account_fingerprint)
    budget.paused_until = timezone.now().timestamp() + 60
    budget.save()
    budget.minutes.create(minute=timezone.now().replace(second=0, microsecond=0), calls=1_234)
    address = f"{unproven.get_absolute_url()}syncs/"

    before = words(bob_client.get(address).content.decode())
    Connection.objects.update(person="Mira Holt")
    after = words(bob_client.get(address).content.decode())

    for told in ("1,234 calls in the last hour", "asked for a pause"):
        assert told not in before
        assert told in after
    assert "calls a second" not in before
