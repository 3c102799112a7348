"""What the account answers to the live check, as a sentence at the field at fault."""

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client

from connections.models import Connection, User
from sources.activecampaign.sandbox.server import SandboxServer
from tests.connections.stepper.walking import (
    begin,
    controls,
    details,
    error_at,
    pulls,
    read,
    rows,
    send,
    title,
    value,
    words,
    work_off,
)

pytestmark = pytest.mark.usefixtures("no_limit")

UNTESTED = "Save without testing"
REFUSED = "ActiveCampaign did not accept this key. Copy it again from Settings > Developer."


@pytest.fixture
def closed_port(settings: Any) -> Iterator[str]:
    """An address that is accepted and where nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # Bound and never listening: nobody else gets the port meanwhile.
        origin = f"http://127.0.0.1:{taken.getsockname()[1]}"
        settings.ACTIVECAMPAIGN_SANDBOX_ORIGINS = [*settings.ACTIVECAMPAIGN_SANDBOX_ORIGINS, origin]
        yield origin


def test_a_key_refused_three_times_is_refused(alice_client: Client, sandbox: SandboxServer) -> None:
    sandbox.fault("users/me", kind="forbidden_bare", times=3)

    page = send(alice_client, begin(alice_client), details(sandbox))

    assert error_at(page, "api_key") == REFUSED
    assert [call.place for call in sandbox.requests] == ["users/me"] * 3


@pytest.mark.parametrize("times", [1, 2])
def test_a_refusal_that_passes_is_no_bad_key(times: int, alice_client: Client, sandbox: SandboxServer) -> None:
    sandbox.fault("users/me", kind="forbidden", times=times)

    assert alice_client.post(begin(alice_client), details(sandbox)).status_code == 302
    assert Connection.objects.get().health == "healthy"


def test_a_person_who_may_not_read_contacts_is_named(alice_client: Client, sandbox: SandboxServer) -> None:
    identity = sandbox.world.first_ids("users")[-1]
    user = sandbox.world.row("users", identity)
    sandbox.add_key("c0ffee" * 8, user_id=identity, denied=["contacts"])

    page = send(alice_client, begin(alice_client), details(sandbox, api_key="c0ffee" * 8))

    assert error_at(page, "api_key") == (
        f"The key works and belongs to {user['firstName']} {user['lastName']}, "
        "but that person's permission group may not read contacts."
    )


DEFINITE: dict[str, tuple[dict[str, Any], str, str]] = {
    "refused": ({"kind": "forbidden", "times": None}, "api_key", REFUSED),
    "unpaid": ({"kind": "unpaid"}, "api_url", "this account has a payment problem. Settle it there"),
    "not found": ({"kind": "not_found"}, "api_url", "Nothing that speaks ActiveCampaign's API is at this address."),
    "a web page": ({"kind": "web_page"}, "api_url", "A web page answered instead of ActiveCampaign's API."),
    "no JSON": ({"body": "nearly json", "status": 200, "times": None}, "api_url", "A web page answered instead"),
    "another API": ({"document": {"hello": "world"}}, "api_url", "is not ActiveCampaign's API"),
    "a redirect": ({"redirect": "https://elsewhere.example/"}, "api_url", "pointed us to another address"),
}
PASSING: dict[str, tuple[dict[str, Any], str]] = {
    "429": (
        {"kind": "busy", "headers": {"Retry-After": "7"}},
        "ActiveCampaign is busy and asks us to wait 7 seconds.",
    ),
    "429 with one second": ({"kind": "busy"}, "ActiveCampaign is busy and asks us to wait 1 second."),
    "503": ({"kind": "down"}, "ActiveCampaign is busy. Try again later."),
    "500": ({"status": 500}, "ActiveCampaign had an error. Try again later."),
    "502": ({"status": 502, "body": "<html>", "content_type": "text/html"}, "ActiveCampaign had an error."),
    "520": ({"status": 520}, "ActiveCampaign had an error."),
    "a firewall's page": (
        {"status": 403, "body": "<html>", "content_type": "text/html"},
        "ActiveCampaign blocked our request.",
    ),
    "an empty answer": ({"kind": "empty", "times": None}, "ActiveCampaign sent an empty answer."),
    "a cut answer": ({"cut": "unanswered", "times": None}, "The connection to ActiveCampaign was cut off."),
}


@pytest.mark.parametrize("answer", DEFINITE)
def test_a_definite_no_is_said_at_its_field_and_keeps_no_key(
    answer: str, alice_client: Client, sandbox: SandboxServer
) -> None:
    fault, field, sentence = DEFINITE[answer]
    sandbox.fault("users/me", **fault)

    page = send(alice_client, begin(alice_client), details(sandbox))

    assert sentence in error_at(page, field)
    assert f'aria-describedby="id_{field}_helptext id_{field}_error"' in controls(page, field)[0]
    assert title(page).startswith("Error:")
    assert UNTESTED not in page
    assert value(page, "name") == "Main account"
    draft = Connection.objects.get()
    assert (draft.state, draft.has_key, draft.set_up_at) == ("draft", False, None)


@pytest.mark.parametrize("answer", PASSING)
def test_what_may_pass_is_said_at_the_address_and_offers_to_save_untested(
    answer: str, alice_client: Client, sandbox: SandboxServer
) -> None:
    fault, sentence = PASSING[answer]
    sandbox.fault("users/me", **fault)

    page = send(alice_client, begin(alice_client), details(sandbox))

    assert sentence in error_at(page, "api_url")
    assert not error_at(page, "api_key")
    assert UNTESTED in page
    assert title(page).startswith("Error:")
    draft = Connection.objects.get()
    assert (draft.state, draft.has_key, draft.set_up_at) == ("draft", True, None)


def test_a_closed_port_did_not_answer(alice_client: Client, closed_port: str, sandbox: SandboxServer) -> None:
    page = send(alice_client, begin(alice_client), details(sandbox, api_url=closed_port))

    assert error_at(page, "api_url") == "ActiveCampaign did not answer. Try again later."
    assert UNTESTED in page


def test_the_accounts_own_words_are_not_repeated(alice_client: Client, sandbox: SandboxServer) -> None:
    sandbox.fault("users/me", status=402, document={"message": "<b>Pay at evil.example</b>"})

    assert "evil.example" not in send(alice_client, begin(alice_client), details(sandbox))


def test_a_name_from_the_other_side_is_shown_as_text(alice_client: Client, sandbox: SandboxServer) -> None:
    sandbox.world.change("users", str(sandbox.world.first_ids("users")[0]), firstName="<script>alert(1)</script>")

    page = alice_client.post(begin(alice_client), details(sandbox), follow=True).content.decode()

    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert(1)" not in page


def test_a_right_key_is_kept_when_only_another_field_is_wrong(alice_client: Client, sandbox: SandboxServer) -> None:
    step_2 = begin(alice_client)

    page = send(alice_client, step_2, details(sandbox, name=""))

    assert error_at(page, "name") and not error_at(page, "api_key")
    assert "A key ending" in words(page) and sandbox.api_key not in page
    assert alice_client.post(step_2, details(sandbox, api_key=""))["Location"] == f"{step_2}finish/"


@pytest.mark.parametrize(("kind", "field"), [("forbidden", "api_key"), ("busy", "api_url")])
def test_a_key_that_is_not_proven_right_is_not_said_to_be_kept(
    kind: str, field: str, alice_client: Client, sandbox: SandboxServer
) -> None:
    sandbox.fault("users/me", kind=kind, times=None)

    page = send(alice_client, begin(alice_client), details(sandbox, name=""))

    assert error_at(page, "name") and error_at(page, field)
    assert Connection.objects.get().has_key == (kind == "busy")  # For the next try, as of a form that is right.


# Save without testing --------------------------------------------------------------------------------------------


@pytest.fixture
def unreachable(alice_client: Client, sandbox: SandboxServer) -> str:
    """Step 2 of a set-up whose account could not be asked."""
    sandbox.fault(status=500, times=None)
    step_2 = begin(alice_client)
    assert UNTESTED in send(alice_client, step_2, details(sandbox))
    sandbox.reset()
    return step_2


def test_untested_credentials_are_saved_with_a_blank_key(
    alice_client: Client, alice: User, sandbox: SandboxServer, unreachable: str
) -> None:
    response = alice_client.post(unreachable, details(sandbox, api_key="", save_unverified="1"))
    finish = read(alice_client, response["Location"])
    detail = alice_client.post(response["Location"], follow=True).content.decode()

    assert "could not be asked yet" in finish and "Not verified" in words(finish)
    assert "Not verified" in words(detail)
    connection = Connection.objects.visible_to(alice).get()
    assert connection.health == "not_verified"
    assert connection.credentials().api_key.reveal() == sandbox.api_key
    assert not sandbox.requests


@pulls
def test_the_worker_checks_what_was_saved_untested_before_it_pulls(
    alice_client: Client, sandbox: SandboxServer, unreachable: str
) -> None:
    finish = alice_client.post(unreachable, details(sandbox, api_key="", save_unverified="1"))["Location"]
    alice_client.post(finish)
    sandbox.clear_faults()

    work_off()

    connection = Connection.objects.get()
    assert (connection.health, connection.syncs.get().state) == ("healthy", "complete")
    assert connection.person
    assert sandbox.requests[0].place == "users/me"


def test_the_page_says_that_the_key_is_kept_for_the_next_try(
    alice_client: Client, sandbox: SandboxServer, unreachable: str
) -> None:
    page = read(alice_client, unreachable)

    assert f"A key ending {sandbox.api_key[-4:]} is stored" in words(page)
    assert sandbox.api_key not in page


def test_a_blank_key_without_that_button_is_tried_again(
    alice_client: Client, sandbox: SandboxServer, unreachable: str
) -> None:
    sandbox.clear_faults()

    assert alice_client.post(unreachable, details(sandbox, api_key="")).status_code == 302
    assert Connection.objects.get().health == "healthy"
    assert sandbox.requests


def test_nothing_untested_is_saved_when_nothing_was_tried(alice_client: Client, sandbox: SandboxServer) -> None:
    sandbox.fault("users/me", kind="forbidden", times=None)

    page = send(alice_client, begin(alice_client), details(sandbox, save_unverified="1"))

    assert error_at(page, "api_key") == REFUSED
    assert sandbox.requests
    assert not Connection.objects.get().has_key


@pytest.mark.parametrize("changed", ["key", "address"])
def test_other_values_than_those_that_were_tried_are_asked_for_themselves(
    changed: str,
    alice_client: Client,
    sandbox: SandboxServer,
    new_sandbox: Callable[..., SandboxServer],
    unreachable: str,
) -> None:
    other = new_sandbox(contacts=1, deals=0)
    other.fault(kind="forbidden", times=None)
    sandbox.clear_faults()
    posted = details(other) if changed == "address" else details(sandbox, api_key="f" * 40)

    page = send(alice_client, unreachable, posted | {"save_unverified": "1"})

    assert error_at(page, "api_key") == REFUSED
    assert (other if changed == "address" else sandbox).requests
    assert Connection.objects.get().set_up_at is None


def test_a_held_key_that_is_then_refused_is_forgotten_and_cannot_be_saved_untested(
    alice_client: Client, sandbox: SandboxServer, unreachable: str
) -> None:
    sandbox.clear_faults()
    sandbox.revoke(sandbox.api_key)

    refused = send(alice_client, unreachable, details(sandbox, api_key=""))
    again = send(alice_client, unreachable, details(sandbox, api_key="", save_unverified="1"))

    assert error_at(refused, "api_key") == REFUSED
    assert "It stands below the URL" in refused and "is stored since" not in refused
    assert error_at(again, "api_key") == "Enter the API key."
    draft = Connection.objects.get()
    assert (draft.has_key, draft.key_hint, draft.key_fingerprint, draft.set_up_at) == (False, "", "", None)


def test_a_proven_key_stays_when_another_one_is_refused(alice_client: Client, sandbox: SandboxServer) -> None:
    step_2 = begin(alice_client)
    alice_client.post(step_2, details(sandbox))

    send(alice_client, step_2, details(sandbox, api_key="f" * 40))

    draft = Connection.objects.get()
    assert draft.credentials().api_key.reveal() == sandbox.api_key
    assert alice_client.get(f"{step_2}finish/").status_code == 200


def test_save_untested_still_needs_the_other_fields(
    alice_client: Client, sandbox: SandboxServer, unreachable: str
) -> None:
    before = [row["api_key"] for row in rows()]

    page = send(alice_client, unreachable, details(sandbox, api_key="", privacy="", save_unverified="1"))

    assert error_at(page, "privacy")
    assert Connection.objects.get().set_up_at is None
    assert [row["api_key"] for row in rows()] == before


def test_a_stored_key_that_cannot_be_opened_any_more_is_asked_for_again(
    alice_client: Client, sandbox: SandboxServer, settings: Any
) -> None:
    step_2 = begin(alice_client)
    step_3 = alice_client.post(step_2, details(sandbox))["Location"]
    settings.CREDENTIAL_KEYS = ["tS0Pa0J0tVn6iO0cLhDe4lCXMhUzCkZkQ7zUeBhVbnA="]

    assert alice_client.get(step_3)["Location"] == step_2
    page = send(alice_client, step_2, details(sandbox, api_key=""))

    assert error_at(page, "api_key") == "The stored key cannot be read any more. Enter the key again."
    assert alice_client.post(step_2, details(sandbox)).status_code == 302
