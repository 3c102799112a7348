"""What adds rows has a bound, a generous one: whoever works meets none, and who runs a loop is told when to go on."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from connections.access.acting import MOST_ACTS, MOST_SIGN_INS, WITHIN
from connections.models import Connection, Event, SignIn, Sync, User
from connections.models.sign_in import Outcome
from tests.conftest import PASSWORD, Connect


@pytest.fixture
def connection(connect: Connect) -> Connection:
    return connect()


def acts(person: User, count: int, connection: Connection) -> None:
    for _ in range(count):
        connection.record("paused", by=person)


def rows() -> int:
    return Sync.objects.count() + Event.objects.count()


def test_a_member_who_asks_for_syncs_and_stops_them_without_end_is_told_to_wait(
    bob: User, bob_client: Client, connection: Connection
) -> None:
    page, statuses, before = connection.get_absolute_url(), [], rows()

    for number in range(1, 61):
        statuses.append(bob_client.post(f"{page}sync/").status_code)
        statuses.append(bob_client.post(f"{page}syncs/{number}/cancel/").status_code)

    assert statuses == [302] * MOST_ACTS + [429] * (120 - MOST_ACTS)
    assert rows() - before == MOST_ACTS


def test_a_refusal_says_when_to_go_on_and_changes_nothing(
    bob: User, bob_client: Client, connection: Connection
) -> None:
    acts(bob, MOST_ACTS, connection)
    before = rows()

    refused = bob_client.post(f"{connection.get_absolute_url()}sync/")

    page = refused.content.decode()
    assert refused.status_code == 429
    assert 0 < int(refused["Retry-After"]) <= WITHIN.total_seconds()
    assert f"You have changed a great deal just now. Try again in {refused['Retry-After']} seconds." in page
    assert rows() == before


def test_the_bound_is_each_persons_own_and_passes(
    bob: User, bob_client: Client, alice_client: Client, connection: Connection
) -> None:
    acts(bob, MOST_ACTS, connection)
    address = f"{connection.get_absolute_url()}sync/"

    assert alice_client.post(address).status_code == 302
    Event.objects.filter(actor=bob).update(at=timezone.now() - WITHIN - timedelta(seconds=1))
    assert bob_client.post(address).status_code == 302


@pytest.mark.parametrize("page", ["settings/teams/", "connections/add/", "settings/members/leave/"])
def test_it_holds_for_whatever_is_changed_in_a_workspace(
    alice: User, alice_client: Client, connection: Connection, page: str
) -> None:
    acts(alice, MOST_ACTS, connection)
    before = rows()

    refused = alice_client.post(f"/w/harbour-tea/{page}", {"name": "More", "source": "activecampaign"})

    assert refused.status_code == 429
    assert rows() == before


def test_who_has_acted_a_great_deal_may_still_look_and_leave(
    bob: User, bob_client: Client, connection: Connection
) -> None:
    acts(bob, MOST_ACTS, connection)

    assert bob_client.get(connection.get_absolute_url()).status_code == 200
    assert bob_client.get(f"{connection.get_absolute_url()}data/contacts.csv").status_code == 200
    assert bob_client.post("/accounts/logout/").status_code == 302


def test_a_loop_of_right_passwords_is_told_to_wait(bob: User, client: Client) -> None:
    SignIn.objects.bulk_create(SignIn(person=bob, outcome=Outcome.SIGNED_IN) for _ in range(MOST_SIGN_INS))

    refused = client.post("/accounts/login/", {"login": bob.email, "password": PASSWORD})

    assert refused.status_code == 429
    assert "You have signed in very often just now. Try again in" in refused.content.decode()
    assert "_auth_user_id" not in client.session
    assert SignIn.objects.count() == MOST_SIGN_INS


def test_a_loop_that_looks_at_no_page_does_not_fill_its_session(bob_client: Client, connection: Connection) -> None:
    Sync.objects.queue(connection, trigger="first")
    for _ in range(30):
        bob_client.post(f"{connection.get_absolute_url()}sync/")

    waiting = bob_client.session["_messages"]
    page = bob_client.get(connection.get_absolute_url()).content.decode()

    assert waiting.count("already under way") == page.count("already under way") == 20
