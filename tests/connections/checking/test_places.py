"""Live checks at the same moment: each holds a thread, so nobody may take all places."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client

from blinkmetrics import serving
from blinkmetrics import settings as real_settings
from connections.checking.trying import Holder, places
from connections.models import CheckTry, Connection, User, Workspace
from connections.models.check_try import TooManyAtOnce
from sources.activecampaign.sandbox.answering.answers import Call
from sources.activecampaign.sandbox.server import SandboxServer
from tests.conftest import Connect, client_of
from tests.connections.stepper.walking import begin, details, error_at, value
from tests.processes import PATIENCE

WRONG = "f" * 40

Slow = Callable[[Callable[[], int]], Callable[[], int]]


@pytest.fixture
def slow(sandbox: SandboxServer, settings: Any) -> Iterator[Slow]:
    """Start what makes a check whose first call is not answered until what it returns is called, which ends it."""
    settings.ACTIVECAMPAIGN_RATE = 10_000.0
    with ExitStack() as begun:
        yield lambda post: start_slow(post, sandbox, begun)


def start_slow(post: Callable[[], int], sandbox: SandboxServer, begun: ExitStack) -> Callable[[], int]:
    arrived, may_answer, statuses = threading.Event(), threading.Event(), []

    def hold(call: Call) -> None:
        if not arrived.is_set():
            arrived.set()
            may_answer.wait(PATIENCE)

    def attempt() -> None:
        statuses.append(post())
        database.close()

    def end() -> int:
        may_answer.set()
        thread.join()
        return statuses[0]

    sandbox.on_call(hold)
    thread = threading.Thread(target=attempt)
    thread.start()
    begun.callback(end)
    assert arrived.wait(PATIENCE)
    return end


def setting_up(user: User, sandbox: SandboxServer) -> Callable[[], int]:
    client = client_of(user)
    return lambda: client.post(begin(client), details(sandbox, name="Slow")).status_code


@pytest.fixture
def one_is_under_way(
    alice: User, workspace: Workspace, sandbox: SandboxServer, settings: Any, slow: Slow
) -> Callable[[], int]:
    """There is one place, and a check that an account does not answer holds it; ends with the call of the fixture."""
    settings.CHECKS_AT_ONCE = 1
    return slow(setting_up(alice, sandbox))


@pytest.mark.django_db(transaction=True)
def test_while_all_places_are_taken_nobody_waits_and_nothing_that_was_typed_is_lost(
    bob: User, sandbox: SandboxServer, one_is_under_way: Callable[[], int]
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
    assert one_is_under_way() == 302
    assert client.post(step_2, details(sandbox, name="Quick", api_key="")).status_code == 302


@pytest.mark.django_db(transaction=True)
def test_while_all_places_are_taken_stored_credentials_stay_as_they_are(
    alice: User,
    staff_client: Client,
    connect: Connect,
    sandbox: SandboxServer,
    one_is_under_way: Callable[[], int],
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


@pytest.mark.django_db(transaction=True)
def test_one_person_holds_one_place_and_the_rest_stay_for_others(
    alice: User, charlie_client: Client, workspace: Workspace, sandbox: SandboxServer, slow: Slow
) -> None:
    slow(setting_up(alice, sandbox))
    mine = client_of(alice)
    theirs = charlie_client.post("/w/stranger/connections/add/", {"source": "activecampaign"})["Location"]

    again = mine.post(begin(mine), details(sandbox, name="Second"))
    by_another = charlie_client.post(theirs, details(sandbox))

    assert again.status_code == 429
    assert "You are testing another key at this moment" in error_at(again.content.decode(), "api_key")
    assert by_another.status_code == 302


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_is_being_tested_is_not_tested_a_second_time(
    alice: User, bob: User, connect: Connect, sandbox: SandboxServer, slow: Slow
) -> None:
    address = f"{connect(sandbox).get_absolute_url()}test/"
    first = slow(lambda: client_of(alice).post(address).status_code)
    asked = len(sandbox.requests)

    by_bob = client_of(bob).post(address, follow=True).content.decode()
    by_alice = client_of(alice).post(address, follow=True).content.decode()

    for page in (by_bob, by_alice):
        assert "This connection is being tested at this moment" in page
    assert len(sandbox.requests) == asked
    assert first() == 302
    assert "It works" in client_of(bob).post(address, follow=True).content.decode()


@pytest.mark.django_db(transaction=True)
def test_another_connection_is_tested_meanwhile(
    alice: User, bob: User, connect: Connect, sandbox: SandboxServer, slow: Slow
) -> None:
    one, other = (f"{connect(sandbox, name=name).get_absolute_url()}test/" for name in ("One", "Other"))
    slow(lambda: client_of(alice).post(one).status_code)

    assert "It works" in client_of(bob).post(other, follow=True).content.decode()


def test_a_workspace_holds_two_places() -> None:
    with places.one(Holder(person=1, workspace=1)), places.one(Holder(person=2, workspace=1)):
        with pytest.raises(TooManyAtOnce, match="in this workspace"), places.one(Holder(person=3, workspace=1)):
            pass
        with places.one(Holder(person=3, workspace=2)):
            pass


def test_whoever_finds_all_places_taken_is_told_to_come_again(settings: Any) -> None:
    settings.CHECKS_AT_ONCE = 2

    with places.one(Holder(person=1, workspace=1)), places.one(Holder(person=2, workspace=2)):
        with pytest.raises(TooManyAtOnce, match="Many keys"), places.one(Holder(person=3, workspace=3)):
            pass
        assert len(places.taken) == 2


def test_a_place_is_given_back_whatever_happens(settings: Any) -> None:
    settings.CHECKS_AT_ONCE, holder = 1, Holder(person=1, workspace=1)

    for _ in range(3):
        with pytest.raises(ZeroDivisionError), places.one(holder):
            raise ZeroDivisionError

    with places.one(holder), pytest.raises(TooManyAtOnce), places.one(Holder(person=2, workspace=2)):
        pass
    assert places.taken == []


def test_the_demonstration_has_more_threads_than_places() -> None:
    assert serving.threads > real_settings.CHECKS_AT_ONCE
