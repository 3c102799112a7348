"""Requests that are larger or odder than any form of ours makes them."""

import io
from typing import Any

import pytest
from django.test import Client

from connections.models import Connection
from sources.activecampaign.sandbox.server import SandboxServer
from tests.conftest import Connect
from tests.connections.stepper import begin, details, error_at

PLACE = "/w/harbour-tea/"
SEARCHES = {
    "very long": "a" * 60_000,
    "very many words": "a " * 20_000,
    "very many accents": "a" + "\u0301\u0323" * 10_000,
    "wildcards": "%_%_" * 20,
    "nothing but blanks": " " * 5_000,
    "a NUL": "a\0b",
    "quotes": "'\"\\;--",
}
PAGES = ["0", "-1", "9" * 30, "9" * 5_000, "1e9", "٣", "a\0", ""]
ADMIN = ("connection", "sync", "event", "user", "workspace", "team")


@pytest.mark.parametrize("what", SEARCHES)
def test_whatever_is_searched_for_gets_a_page(what: str, alice_client: Client, connect: Connect) -> None:
    connect()

    for page in ("connections/", "connections/activecampaign/", "connections/add/"):
        assert alice_client.get(f"{PLACE}{page}", {"q": SEARCHES[what]}).status_code == 200


@pytest.mark.parametrize("what", SEARCHES)
def test_whatever_staff_search_for_gets_a_page(what: str, staff_client: Client, connect: Connect) -> None:
    connect()

    for model in ADMIN:
        answer = staff_client.get(f"/admin/connections/{model}/", {"q": SEARCHES[what]}, follow=True)
        assert answer.status_code == 200


@pytest.mark.parametrize("number", PAGES, ids=lambda number: ascii(number[:8]))
def test_whatever_page_is_asked_for_there_is_one(number: str, alice_client: Client, connect: Connect) -> None:
    connection = connect()
    places = ("connections/", "settings/activity/")
    here = [*(f"{PLACE}{place}" for place in places), f"{connection.get_absolute_url()}data/contacts/"]

    for address in [*here, f"{connection.get_absolute_url()}syncs/"]:
        assert alice_client.get(address, {"page": number}).status_code == 200


def test_an_address_that_is_no_text_gets_a_page(alice_client: Client) -> None:
    assert alice_client.get(f"{PLACE}connections/?q=%ff%fe%00&page=%ff&source=%ff&health=%00").status_code == 200


@pytest.mark.parametrize("field", ["api_url", "api_key", "name", "privacy", "team", "version"])
def test_a_field_as_large_as_a_request_may_be_is_refused_at_the_field(
    field: str, alice_client: Client, connect: Connect, sandbox: SandboxServer
) -> None:
    connection, step_2 = connect(sandbox), begin(alice_client)
    typed: dict[str, Any] = {**details(sandbox), "privacy": "team", field: "x" * 240_000}

    answers = [alice_client.post(address, typed) for address in (step_2, connection.get_absolute_url())]

    assert {answer.status_code for answer in answers} <= {200, 409}
    if field not in ("version",):
        assert error_at(answers[0].content.decode(), field)
    assert Connection.objects.get(pk=connection.pk).name == "Main account"


@pytest.mark.parametrize("size", [10, 1_000_000])
def test_a_file_is_refused_before_it_is_kept_anywhere(
    size: int, alice_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.NamedTemporaryFile", None)

    answer = alice_client.post(begin(alice_client), {"name": "With a file", "logo": io.BytesIO(b"x" * size)})

    assert answer.status_code == (400 if size == 10 else 413)


def test_more_boxes_than_members_of_any_workspace_are_refused(dana_client: Client, workspace: object) -> None:
    members = [str(number) for number in range(1_001)]

    answer = dana_client.post(f"{PLACE}settings/teams/", {"name": "Everybody", "members": members})

    assert answer.status_code == 400
