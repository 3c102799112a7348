"""What is thrown away by itself, and when: not a minute earlier."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from connections.models import Connection, Membership, Role, User, Workspace
from connections.operating.housekeeping import keep_house
from connections.people.leaving import end_membership
from sources.activecampaign.sandbox.server import SandboxServer
from tests.conftest import Connect, client_of
from tests.connections.stepper.walking import begin, details, error_at, read, rows, send, set_up, value

NOW = datetime(2026, 5, 3, 12, tzinfo=UTC)
pytestmark = pytest.mark.usefixtures("no_limit")

MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _sessions_outlast_the_test(settings: Any) -> None:
    settings.SESSION_COOKIE_AGE = int(timedelta(days=400).total_seconds())


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def pass_by(clock: time_machine.Traveller, span: timedelta) -> None:
    clock.shift(span)
    keep_house()


def test_the_key_of_an_unfinished_set_up_is_wiped_after_24_hours(
    clock: time_machine.Traveller, alice_client: Client, sandbox: SandboxServer
) -> None:
    set_up(alice_client, sandbox)

    pass_by(clock, timedelta(hours=24) - MINUTE)
    assert Connection.objects.get().has_key
    pass_by(clock, 2 * MINUTE)

    draft = Connection.objects.get()
    assert (draft.api_key, draft.key_hint, draft.key_fingerprint) == ("", "", "")
    assert (draft.key_stored_at, draft.key_stored_by, draft.set_up_at) == (None, None, None)


def test_after_its_key_was_wiped_a_set_up_goes_on_from_step_2_with_all_else_that_was_typed(
    clock: time_machine.Traveller, alice_client: Client, sandbox: SandboxServer
) -> None:
    step_3 = set_up(alice_client, sandbox)
    step_2 = step_3.removesuffix("finish/")

    pass_by(clock, timedelta(hours=25))

    assert alice_client.get(step_3)["Location"] == alice_client.post(step_3)["Location"] == step_2
    assert value(read(alice_client, step_2), "name") == "Main account"
    assert error_at(send(alice_client, step_2, details(sandbox, api_key="")), "api_key") == "Enter the API key."
    assert alice_client.post(step_2, details(sandbox)).status_code == 302


def test_the_key_of_an_account_that_could_not_be_asked_is_wiped_too(
    clock: time_machine.Traveller, alice_client: Client, sandbox: SandboxServer
) -> None:
    sandbox.fault(status=500, times=None)
    send(alice_client, begin(alice_client), details(sandbox))
    assert Connection.objects.get().has_key

    pass_by(clock, timedelta(hours=25))

    assert not Connection.objects.get().has_key


def test_an_unfinished_set_up_is_deleted_after_7_days(
    clock: time_machine.Traveller, alice_client: Client, sandbox: SandboxServer
) -> None:
    step_3 = set_up(alice_client, sandbox)

    pass_by(clock, timedelta(days=7) - MINUTE)
    assert alice_client.get(step_3.removesuffix("finish/")).status_code == 200
    pass_by(clock, 2 * MINUTE)

    assert rows() == []
    assert alice_client.get(step_3).status_code == 404


def test_a_draft_taken_up_again_is_as_young_as_a_new_one(
    clock: time_machine.Traveller, alice_client: Client, sandbox: SandboxServer
) -> None:
    begin(alice_client)
    pass_by(clock, timedelta(days=6, hours=23))
    step_2 = begin(alice_client)

    pass_by(clock, timedelta(hours=2))

    assert alice_client.post(step_2, details(sandbox)).status_code == 302


def test_a_finished_connection_is_kept_with_its_key(
    clock: time_machine.Traveller, connect: Connect, dana: User
) -> None:
    connect(name="Shared")
    connect(name="Private", privacy="private", by=dana)
    before = rows()

    pass_by(clock, timedelta(days=400))

    assert rows() == before


@pytest.fixture
def left_behind(clock: time_machine.Traveller, connect: Connect, alice: User, bob: User) -> Connection:
    """Bob's private connection, after Bob has left."""
    connection = connect(name="Private", privacy="private", by=bob)
    end_membership(Membership.objects.get(user=bob), by=alice)
    return connection


def test_a_left_behind_private_key_is_wiped_after_30_days(
    clock: time_machine.Traveller, left_behind: Connection
) -> None:
    pass_by(clock, timedelta(days=30) - MINUTE)
    assert Connection.objects.get().has_key
    pass_by(clock, 2 * MINUTE)

    connection = Connection.objects.get()
    assert (connection.has_key, connection.key_hint, connection.key_fingerprint) == (False, "", "")


def test_an_admin_still_sees_that_it_exists_and_may_delete_it(
    clock: time_machine.Traveller, left_behind: Connection, bob: User, alice: User
) -> None:
    pass_by(clock, timedelta(days=31))
    clients = client_of(alice)

    assert "Bob Lindqvist" in read(clients, "/w/harbour-tea/settings/members/")
    clients.post(f"/w/harbour-tea/settings/members/left/{bob.pk}/delete/")

    assert not Connection.objects.exists()


def test_the_key_of_somebody_who_left_by_another_door_is_wiped_30_days_after_it_was_noticed(
    clock: time_machine.Traveller, connect: Connect, bob: User
) -> None:
    connect(name="Private", privacy="private", by=bob)
    Membership.objects.filter(user=bob).delete()

    pass_by(clock, timedelta(minutes=10))
    pass_by(clock, timedelta(days=29))
    assert Connection.objects.get().has_key
    pass_by(clock, timedelta(days=2))

    assert not Connection.objects.get().has_key


def test_who_comes_back_finds_the_private_connection_and_a_new_term(
    clock: time_machine.Traveller, left_behind: Connection, bob: User, workspace: Workspace
) -> None:
    pass_by(clock, timedelta(days=20))
    membership = Membership.objects.create(workspace=workspace, user=bob, role=Role.MEMBER)
    pass_by(clock, timedelta(days=20))
    assert Connection.objects.get().has_key
    membership.delete()

    pass_by(clock, timedelta(days=20))

    assert Connection.objects.visible_to(bob).count() == 0
    assert Connection.objects.get().has_key


def test_what_a_leaver_had_shared_keeps_its_key(
    clock: time_machine.Traveller, connect: Connect, alice: User, bob: User
) -> None:
    connect(name="Shared", by=bob)
    end_membership(Membership.objects.get(user=bob), by=alice)

    pass_by(clock, timedelta(days=60))

    assert Connection.objects.get().has_key
