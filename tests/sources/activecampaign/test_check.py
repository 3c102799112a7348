"""The live check: whose key it is, what it may read, and a sentence at the right field when it fails."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from sources.activecampaign.check import check
from sources.activecampaign.sandbox.server import SandboxServer
from sources.errors import (
    AccountUnavailable,
    BadCredentials,
    NotPermitted,
    RateLimited,
    SourceError,
    TemporarilyDown,
    TooSlow,
    UnexpectedAnswer,
    WrongAddress,
)
from sources.spec import Credentials, Lane, Proof, Secret
from tests.sources.activecampaign.conftest import KEY, FreeBudget
from tests.sources.http.scripted_server import ScriptedServer, Step, answers, drips, gzipped, hangs, resets

ME = answers({"user": {"id": "3", "firstName": "Mira", "lastName": "Holt", "email": "mira@harbourtea.example"}})
CONTACTS = answers({"contacts": [{"id": "1"}], "meta": {"total": "18342"}})
FORBIDDEN = answers({"message": "Forbidden"}, status=403)
ACCOUNT = answers({"account": "harbourtea.activehosted.com", "subscriber_limit": 25000, "trial": False})
Start = Callable[..., tuple[ScriptedServer, Credentials]]


def failed_check(start: Start, *script: Step, seconds: float = 9.0) -> tuple[SourceError, ScriptedServer]:
    server, credentials = start(*script)
    with pytest.raises(SourceError) as raised:
        check(credentials, budget=FreeBudget(), seconds=seconds)
    return raised.value, server


def test_a_good_key_is_proven(credentials: Credentials, account: SandboxServer, budget: FreeBudget) -> None:
    proof = check(credentials, budget=budget, seconds=9.0)

    user = account.world.row("users", account.world.first_ids("users")[0])
    assert proof.person == f"{user['firstName']} {user['lastName']}"
    assert proof.person_email == user["email"]
    assert proof.counts == {"contacts": 250}
    assert proof.account == account.origin.removeprefix("http://")
    assert [call.place for call in account.requests] == ["users/me", "contacts", "settings/account"]
    assert budget.taken == [Lane.INTERACTIVE] * 3


def test_the_accounts_facts_are_added_when_they_may_be_read(scripted: Start) -> None:
    server, credentials = scripted(ME, CONTACTS, ACCOUNT)

    assert check(credentials, budget=FreeBudget(), seconds=9.0) == Proof(
        account=server.origin.removeprefix("http://"),
        person="Mira Holt",
        person_email="mira@harbourtea.example",
        owner="3",
        counts={"contacts": 18342},
        facts={
            "ActiveCampaign user ID": "3",
            "Contact limit": "25,000",
        },
    )


@pytest.mark.parametrize("last", [FORBIDDEN, answers(b"", status=500), answers(b"<html>"), answers([]), resets])
def test_facts_that_may_not_be_read_do_not_matter(last: Step, scripted: Start) -> None:
    _, credentials = scripted(ME, CONTACTS, last)

    assert check(credentials, budget=FreeBudget(), seconds=9.0).counts == {"contacts": 18342}


@pytest.mark.parametrize(
    "echo",
    [KEY, KEY.upper(), KEY[:-2], f"hello {KEY[3:15]}!", "-".join(KEY), " ".join(KEY)],
    ids=["whole", "capitals", "nearly whole", "a piece", "with dashes", "with blanks"],
)
@pytest.mark.parametrize("field", ["firstName", "lastName", "email", "id"])
def test_a_key_that_is_echoed_as_a_persons_name_is_not_told(field: str, echo: str, scripted: Start) -> None:
    spelled = "".join(f"\\u{ord(letter):04x}" for letter in echo)
    for text in (echo, spelled):
        _, credentials = scripted(
            answers(b'{"user": {"%b": "%b"}}' % (field.encode(), text.encode())), CONTACTS, ACCOUNT
        )

        proof = check(credentials, budget=FreeBudget(), seconds=9.0)

        told = "".join(letter for letter in str(proof).casefold() if letter.isalnum())
        assert KEY[3:15] not in told
        assert proof.person in ("****", "An ActiveCampaign user")


def test_a_key_in_two_halves_is_not_put_together(scripted: Start) -> None:
    user = {"firstName": KEY[:11], "lastName": KEY[11:22], "email": "mira@harbourtea.example"}
    _, credentials = scripted(answers({"user": user}), CONTACTS, ACCOUNT)

    assert check(credentials, budget=FreeBudget(), seconds=9.0).person == "mira@harbourtea.example"


def test_a_number_as_long_as_a_piece_of_a_key_is_no_fact(scripted: Start) -> None:
    _, credentials = scripted(ME, CONTACTS, answers({"subscriber_limit": 123456789012}))

    assert "Contact limit" not in check(credentials, budget=FreeBudget(), seconds=9.0).facts


def test_a_refusal_of_the_facts_is_not_asked_about_again(scripted: Start) -> None:
    server, credentials = scripted(ME, CONTACTS, FORBIDDEN)

    check(credentials, budget=FreeBudget(), seconds=9.0)

    assert len(server.heard) == 3


def test_a_total_that_is_not_told_is_left_out(scripted: Start) -> None:
    _, credentials = scripted(ME, answers({"contacts": []}), FORBIDDEN)

    assert check(credentials, budget=FreeBudget(), seconds=9.0).counts == {}


def test_a_wrong_key_is_asked_about_twice_more(scripted: Start) -> None:
    error, server = failed_check(scripted, FORBIDDEN)

    assert (type(error), error.field) == (BadCredentials, "api_key")
    assert len(server.heard) == 3


@pytest.mark.parametrize("size", [150_000, 3_000_000])
@pytest.mark.parametrize("large", ["users/me", "contacts", "settings/account"])
def test_an_answer_may_be_long(large: str, size: int, scripted: Start) -> None:
    bodies: dict[str, dict[str, Any]] = {
        "users/me": {"user": {"id": "3", "firstName": "Mira", "lastName": "Holt"}},
        "contacts": {"contacts": [{"id": "1"}], "meta": {"total": "1"}},
        "settings/account": {"trial": True},
    }
    bodies[large] |= {"signature": "x" * size}
    _, credentials = scripted(*(answers(body) for body in bodies.values()))

    proof = check(credentials, budget=FreeBudget(), seconds=9.0)

    assert (proof.person, proof.facts["Trial account"]) == ("Mira Holt", "yes")


def test_a_key_that_may_not_read_contacts_names_its_owner(scripted: Start) -> None:
    error, _ = failed_check(scripted, ME, FORBIDDEN)

    assert (type(error), error.field) == (NotPermitted, "api_key")
    assert str(error) == (
        "The key works and belongs to Mira Holt, but that person's permission group may not read contacts."
    )


FAILURES: dict[str, tuple[list[Step], type[SourceError], str]] = {
    "401": ([answers(b"", status=401)], BadCredentials, "api_key"),
    "402": ([answers({}, status=402)], AccountUnavailable, "api_url"),
    "403 of a firewall": ([answers(b"<html>", status=403)], TemporarilyDown, "api_url"),
    "404": ([answers({}, status=404)], WrongAddress, "api_url"),
    "429": ([answers({}, status=429)], RateLimited, "api_url"),
    "503": ([answers({}, status=503)], RateLimited, "api_url"),
    "500": ([answers({}, status=500)], TemporarilyDown, "api_url"),
    "redirect": ([answers(b"", status=301, headers=[("Location", "https://evil.com")])], WrongAddress, "api_url"),
    "web page": ([answers(b"<!doctype html>")], WrongAddress, "api_url"),
    "not JSON": ([answers(b"hello")], WrongAddress, "api_url"),
    "a list": ([answers([])], WrongAddress, "api_url"),
    "no user": ([answers({"hello": "world"})], WrongAddress, "api_url"),
    "reset": ([resets], TemporarilyDown, "api_url"),
    "empty": ([answers(b"")], TemporarilyDown, "api_url"),
    "contacts without a list": ([ME, answers({})], UnexpectedAnswer, "api_url"),
    "too large for a check": ([gzipped(b" " * 20_000_000)], UnexpectedAnswer, "api_url"),
    "contacts on a busy account": ([ME, answers({}, status=429)], RateLimited, "api_url"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_each_failure_is_said_at_the_field_at_fault(name: str, scripted: Start) -> None:
    script, kind, field = FAILURES[name]

    error, _ = failed_check(scripted, *script)

    assert (type(error), error.field) == (kind, field)
    assert KEY not in str(error)


def test_a_busy_account_tells_the_person_the_seconds(scripted: Start) -> None:
    error, server = failed_check(scripted, answers({}, status=429, headers=[("Retry-After", "30")]))

    assert "wait 30 seconds" in str(error)
    assert len(server.heard) == 1


def test_nothing_that_listens_is_temporarily_down(scripted: Start) -> None:
    server, credentials = scripted(ME)
    server.__exit__(None, None, None)

    with pytest.raises(TemporarilyDown):
        check(credentials, budget=FreeBudget(), seconds=9.0)


@pytest.mark.parametrize("slow", [hangs(), drips(b" ", first=b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n")])
def test_nobody_waits_longer_than_the_check_may_take(slow: Step, scripted: Start) -> None:
    began = time.monotonic()

    error, _ = failed_check(scripted, ME, slow, seconds=0.5)

    assert isinstance(error, TooSlow)
    assert time.monotonic() - began < 5


def test_an_address_outside_the_settings_is_not_called(account: SandboxServer, settings: Any) -> None:
    settings.ACTIVECAMPAIGN_SANDBOX_ORIGINS = []

    with pytest.raises(WrongAddress):
        check(Credentials(api_url=account.origin, api_key=Secret(KEY)), budget=FreeBudget(), seconds=9.0)

    assert account.requests == []
