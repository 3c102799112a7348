"""A key that was typed for one address is never sent to another, whatever two tabs do at the same time."""

import random
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections
from django.test import Client

from connections.checking import trying
from connections.models import Connection, User
from connections.stepper import setting_up, views
from sources.activecampaign.sandbox.server import SandboxServer
from tests.conftest import Connect, client_of
from tests.connections.stepper.walking import begin, details, error_at

pytestmark = pytest.mark.usefixtures("no_limit", "no_patience")

AddressAndKey = tuple[SandboxServer, str]


@pytest.fixture
def first(new_sandbox: Callable[..., SandboxServer]) -> SandboxServer:
    return new_sandbox(api_key="key-of-the-first-account")


@pytest.fixture
def second(new_sandbox: Callable[..., SandboxServer]) -> SandboxServer:
    return new_sandbox(api_key="key-of-the-second-account")


def keys_seen_by(sandbox: SandboxServer) -> set[str]:
    return {call.headers["api-token"] for call in sandbox.requests}


def held_for(client: Client, sandbox: SandboxServer) -> str:
    """A set-up whose key is kept because the account was busy; returns the address of its step 2."""
    step_2 = begin(client)
    sandbox.fault("users/me", status=503)
    client.post(step_2, details(sandbox))
    sandbox.clear_faults()
    assert Connection.objects.get().has_key
    return step_2


def once_before(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, event: Callable[[], Any]) -> None:
    """Let something happen just before that step of a request, the first time that it is taken."""
    real = getattr(module, name)

    def stepped(*args: Any, **kwargs: Any) -> Any:
        monkeypatch.setattr(module, name, real)
        event()
        return real(*args, **kwargs)

    monkeypatch.setattr(module, name, stepped)


@pytest.mark.parametrize(("module", "step"), [(views, "keep_typed"), (setting_up, "ask"), (setting_up, "store")])
def test_a_kept_key_does_not_go_to_the_address_that_another_tab_has_just_left(
    alice_client: Client,
    alice: User,
    first: SandboxServer,
    second: SandboxServer,
    monkeypatch: pytest.MonkeyPatch,
    module: Any,
    step: str,
) -> None:
    step_2 = held_for(alice_client, first)
    other_tab = client_of(alice)

    def move_to_the_second_account() -> None:
        with monkeypatch.context() as another_process:  # In this one a person tests one key at a time.
            another_process.setattr(trying, "places", trying.Places())
            assert other_tab.post(step_2, details(second)).status_code == 302

    once_before(monkeypatch, module, step, move_to_the_second_account)
    alice_client.post(step_2, details(first, api_key=""))

    assert keys_seen_by(first) == {first.api_key}
    assert keys_seen_by(second) == {second.api_key}
    assert Connection.objects.get().is_readable


def test_who_came_second_is_asked_for_the_key_again(
    alice_client: Client,
    alice: User,
    first: SandboxServer,
    second: SandboxServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    step_2 = held_for(alice_client, first)
    other_tab = client_of(alice)
    once_before(monkeypatch, views, "keep_typed", lambda: other_tab.post(step_2, details(second)))

    response = alice_client.post(step_2, details(first, api_key=""))

    assert response.status_code == 200
    assert "the address has changed" in error_at(response.content.decode(), "api_key")
    assert Connection.objects.get().credentials().api_url == second.origin


def test_a_set_up_that_another_tab_has_reopened_is_not_finished(
    alice_client: Client, alice: User, first: SandboxServer, second: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    step_3 = alice_client.post(begin(alice_client), details(first))["Location"]
    other_tab = client_of(alice)
    second.fault("users/me", status=503)
    once_before(monkeypatch, views, "activate", lambda: other_tab.post(step_3.removesuffix("finish/"), details(second)))

    response = alice_client.post(step_3, {})

    assert response["Location"] == step_3
    assert Connection.objects.get().is_draft


@pytest.mark.django_db(transaction=True)
def test_two_tabs_of_a_set_up_that_post_without_end_mix_nothing(
    alice: User, first: SandboxServer, second: SandboxServer, settings: Any
) -> None:
    settings.RATE_LIMITS = False
    step_2 = held_for(client_of(alice), first)
    failures: list[int] = []

    def tab(seed: int) -> None:
        client, dice = client_of(alice), random.Random(seed)
        for _ in range(12):
            sandbox = dice.choice([first, second])
            typed = details(sandbox, api_key=dice.choice(["", sandbox.api_key]))
            status = client.post(step_2, typed).status_code
            failures.extend([status] if status not in (200, 302, 429) else [])
        connections.close_all()

    run_side_by_side(tab)

    assert not failures
    assert_nothing_mixed(first, second)


@pytest.mark.django_db(transaction=True)
def test_two_people_who_edit_a_connection_without_end_mix_nothing(
    alice: User, connect: Connect, first: SandboxServer, second: SandboxServer, settings: Any
) -> None:
    settings.RATE_LIMITS = False
    connection = connect(first)
    failures: list[int] = []

    def tab(seed: int) -> None:
        client, dice = client_of(alice), random.Random(seed)
        for _ in range(12):
            sandbox = dice.choice([first, second])
            typed = details(sandbox, api_key=dice.choice(["", sandbox.api_key]))
            version = Connection.objects.get().version - dice.choice([0, 0, 1])
            status = client.post(connection.get_absolute_url(), {**typed, "version": version}).status_code
            failures.extend([status] if status not in (200, 302, 409, 429) else [])
        connections.close_all()

    run_side_by_side(tab)

    assert not failures
    assert_nothing_mixed(first, second)


def run_side_by_side(tab: Callable[[int], None]) -> None:
    threads = [threading.Thread(target=tab, args=[seed]) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def assert_nothing_mixed(first: SandboxServer, second: SandboxServer) -> None:
    assert keys_seen_by(first) == {first.api_key}
    assert keys_seen_by(second) == {second.api_key}
    stored = Connection.objects.get().credentials()
    assert (stored.api_url, stored.api_key.reveal()) in {(one.origin, one.api_key) for one in (first, second)}
