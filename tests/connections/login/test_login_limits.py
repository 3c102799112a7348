"""How many wrong passwords there may be, counted for whom, and what cannot be done with that."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.core.cache import cache, caches
from django.core.cache.backends.db import DatabaseCache
from django.test import Client, RequestFactory

from connections.access.requests import client_address
from connections.models import User
from tests.conftest import PASSWORD, client_of

LOGIN = "/accounts/login/"
HOME, ATTACKER = "198.51.100.7", "203.0.113.66"
WRONG = "not-it-at-all"


@pytest.fixture(autouse=True)
def _a_fresh_count(db: None) -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def try_to_log_in(email: str, password: str, *, client: str = HOME, **headers: str) -> Any:
    return Client(REMOTE_ADDR=client, headers=headers).post(LOGIN, {"login": email, "password": password})


def lets_in(email: str, *, client: str = HOME, **headers: str) -> bool:
    return bool(try_to_log_in(email, PASSWORD, client=client, **headers).status_code == 302)


def fail(times: int, email: str, *, client: str = HOME, **headers: str) -> list[int]:
    return [try_to_log_in(email, WRONG, client=client, **headers).status_code for _ in range(times)]


# What counts ------------------------------------------------------------------------------------------------------


def test_after_five_wrong_passwords_the_right_one_is_refused_there_too(alice: User) -> None:
    assert fail(5, alice.email) == [200] * 5

    refused = try_to_log_in(alice.email, PASSWORD)

    assert refused.status_code == 429
    assert refused["Retry-After"] == "300"
    assert "Too many tries that failed. Wait five minutes, then try again." in refused.content.decode()
    assert PASSWORD not in refused.content.decode()


def test_after_five_minutes_the_right_one_lets_in_again(alice: User) -> None:
    with time_machine.travel(0, tick=False) as clock:
        fail(5, alice.email)
        assert not lets_in(alice.email)
        clock.shift(301)

        assert lets_in(alice.email)


def test_a_stranger_cannot_lock_anybody_out(alice: User) -> None:
    fail(7, alice.email, client=ATTACKER)

    assert lets_in(alice.email, client=HOME)
    assert not lets_in(alice.email, client=ATTACKER)


def test_right_passwords_do_not_count(alice: User) -> None:
    fail(4, alice.email)

    assert all(lets_in(alice.email) for _ in range(8))
    assert try_to_log_in(alice.email, WRONG).status_code == 200
    assert not lets_in(alice.email)


@pytest.mark.parametrize(
    "spelt", ["ALICE@HarbourTea.Example", " alice@harbourtea.example ", "alice@harbourtea.example"]
)
def test_an_address_is_one_however_it_is_spelt(alice: User, spelt: str) -> None:
    fail(5, spelt)

    assert try_to_log_in(alice.email, PASSWORD).status_code == 429


def test_an_address_that_nobody_has_is_counted_and_answered_alike(alice: User) -> None:
    known = [try_to_log_in(alice.email, WRONG) for _ in range(6)]
    unknown = [try_to_log_in("nobody@harbourtea.example", WRONG) for _ in range(6)]

    assert [one.status_code for one in known] == [one.status_code for one in unknown] == [200] * 5 + [429]
    for ours, theirs in zip(known, unknown, strict=True):
        assert errors(ours) == errors(theirs)


def errors(response: Any) -> list[str]:
    return [str(error) for errors in response.context["form"].errors.values() for error in errors]


def limit_each_client(settings: Any, most: int) -> None:
    assert settings.ACCOUNT_RATE_LIMITS["login_failed_of_client"] == "50/10m/ip"  # Too many for a test.
    settings.ACCOUNT_RATE_LIMITS = {**settings.ACCOUNT_RATE_LIMITS, "login_failed_of_client": f"{most}/10m/ip"}


def test_one_client_that_tries_many_addresses_is_stopped_and_nobody_else(alice: User, settings: Any) -> None:
    limit_each_client(settings, 8)

    tried = [try_to_log_in(f"person{n}@harbourtea.example", WRONG, client=ATTACKER).status_code for n in range(9)]

    assert tried == [200] * 8 + [429]
    assert not lets_in(alice.email, client=ATTACKER)
    assert lets_in(alice.email, client=HOME)


def test_being_refused_counts_for_nobody_elses_address(alice: User, bob: User, settings: Any) -> None:
    limit_each_client(settings, 6)

    fail(12, alice.email)

    assert lets_in(bob.email)


def test_right_passwords_do_not_count_for_the_client_either(alice: User, settings: Any) -> None:
    limit_each_client(settings, 3)

    assert all(lets_in(alice.email) for _ in range(5))


def test_what_is_refused_to_the_client_counts_for_no_address(alice: User, bob: User, settings: Any) -> None:
    limit_each_client(settings, 3)
    with time_machine.travel(0) as clock:
        fail(3, bob.email)
        clock.shift(590)
        assert fail(5, alice.email) == [429] * 5
        clock.shift(15)

        assert lets_in(alice.email)


def test_more_names_than_a_small_cache_holds_push_no_count_out(alice: User) -> None:
    fail(5, alice.email)

    for number in range(400):
        cache.set(f"noise-{number}", number)

    assert not lets_in(alice.email)


def test_the_count_is_in_a_cache_that_every_process_reads() -> None:
    assert isinstance(caches["default"], DatabaseCache)


def test_the_confirmation_of_who_it_is_has_the_same_limit(alice: User) -> None:
    client = client_of(alice)

    answers = [client.post("/accounts/reauthenticate/", {"password": WRONG}).status_code for _ in range(6)]

    assert answers == [200] * 5 + [429]
    assert client.post("/accounts/reauthenticate/", {"password": PASSWORD}).status_code == 429


def test_the_old_password_is_not_guessed_on_the_page_that_changes_it(alice: User) -> None:
    thief, new = client_of(alice), "Another-password-7"

    def change(old: str) -> int:
        typed = {"oldpassword": old, "password1": new, "password2": new}
        return thief.post("/accounts/password/change/", typed).status_code

    with time_machine.travel(time.time(), tick=False) as clock:
        assert [change(WRONG) for _ in range(5)] == [200] * 5
        clock.shift(200)
        assert change(PASSWORD) == 429
        clock.shift(101)
        assert change(PASSWORD) == 302


def test_confirming_often_is_no_failure(alice: User) -> None:
    client = client_of(alice)

    assert {client.post("/accounts/reauthenticate/", {"password": PASSWORD}).status_code for _ in range(12)} == {302}


def test_without_limits_nothing_is_counted(alice: User, settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = False

    assert fail(12, alice.email) == [200] * 12
    assert lets_in(alice.email)


# Who asks ---------------------------------------------------------------------------------------------------------


def address(forwarded: str = "", *, nearest: str = HOME) -> str:
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    return client_address(RequestFactory().get("/", REMOTE_ADDR=nearest, headers=headers))


def test_without_proxies_of_ours_what_a_client_says_of_itself_counts_nothing(alice: User) -> None:
    assert address("192.0.2.1") == HOME

    for number in range(5):
        fail(1, alice.email, client=ATTACKER, **{"X-Forwarded-For": f"192.0.2.{number}"})

    assert not lets_in(alice.email, client=ATTACKER, **{"X-Forwarded-For": "192.0.2.99"})


@pytest.mark.parametrize(
    ("count", "forwarded", "expected"),
    [
        (1, "192.0.2.1", "192.0.2.1"),
        (1, "10.9.9.9, 192.0.2.1", "192.0.2.1"),
        (2, "10.9.9.9,192.0.2.1 , 192.0.2.2", "192.0.2.1"),
        (2, "192.0.2.1", HOME),  # Somebody who came past a proxy.
        (1, "", HOME),
        (1, "192.0.2.1, unknown", HOME),
        (1, "192.0.2.1:4711", "192.0.2.1"),
        (1, "[2001:db8::1]:4711", "2001:db8::1"),
        (1, "2001:db8::1", "2001:db8::1"),
        (1, "::ffff:192.0.2.1", "192.0.2.1"),
        (1, "<script>", HOME),
    ],
)
def test_behind_proxies_the_one_counts_that_the_outermost_of_ours_saw(
    settings: Any, count: int, forwarded: str, expected: str
) -> None:
    settings.TRUSTED_PROXY_COUNT = count

    assert address(forwarded) == expected


def test_behind_a_proxy_each_client_is_counted_by_itself_and_a_forged_one_is_not(settings: Any, alice: User) -> None:
    settings.TRUSTED_PROXY_COUNT = 1
    for number in range(5):
        fail(1, alice.email, **{"X-Forwarded-For": f"192.0.2.{number}, {ATTACKER}"})

    assert not lets_in(alice.email, **{"X-Forwarded-For": ATTACKER})
    assert lets_in(alice.email, **{"X-Forwarded-For": f"{ATTACKER}, 192.0.2.200"})


def test_the_addresses_of_one_ipv6_home_are_one_client(alice: User) -> None:
    for number in range(5):
        fail(1, alice.email, client=f"2001:db8:1:2::{number + 1}")

    assert not lets_in(alice.email, client="2001:db8:1:2:ffff::1")
    assert lets_in(alice.email, client="2001:db8:1:3::1")


def test_a_request_from_nowhere_is_counted_too(alice: User) -> None:
    assert address(nearest="") == ""

    assert fail(6, alice.email, client="") == [200] * 5 + [429]
