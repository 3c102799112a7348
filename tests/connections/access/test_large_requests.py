"""Requests that are larger or odder than any form of ours makes them."""

import io
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from connections.models import Connection, User
from sources.activecampaign.sandbox.server import SandboxServer
from tests.conftest import PASSWORD, Connect
from tests.connections.stepper.walking import begin, details, error_at

PLACE = "/w/harbour-tea/"
SEARCHES = {
    "very long": "a" * 60_000,
    "very many words": "a " * 20_000,
    "very many accents": "a" + "\u0301\u0323" * 10_000,
    "wildcards": "%_%_" * 20,
    "nothing but blanks": " " * 5_000,
    "a NUL": "a\0b",
    "quotes": "'\"\\;--",
    "half a bracket": "http://[",
    "half a bracket and no scheme": "//[",
    "half a bracket and a letter": "https://[a",
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


@pytest.mark.parametrize("what", SEARCHES)
def test_whatever_staff_look_up_while_they_type_gets_an_answer(what: str, staff_client: Client) -> None:
    asked = {"app_label": "connections", "model_name": "membership", "field_name": "user", "term": SEARCHES[what]}

    assert staff_client.get("/admin/autocomplete/", asked).status_code == 200


def test_no_search_of_staff_puts_a_nul_to_the_database(staff_client: Client) -> None:
    """PostgreSQL fails on it; SQLite takes it."""
    asked = {"app_label": "connections", "model_name": "membership", "field_name": "user", "term": "a\0b"}
    with CaptureQueriesContext(database) as queries:
        staff_client.get("/admin/autocomplete/", asked)

    assert any("%ab%" in query["sql"] for query in queries)


@pytest.mark.parametrize(
    "asked",
    [
        "sync/?created_at__year=99999",
        "sync/?created_at__year=9999",
        "sync/?created_at__year=" + "9" * 30,
        "sync/?created_at__year=0",
        "sync/?created_at__month=" + "9" * 30,
        "sync/?created_at__year__gte=2026",
        "sync/?created_at__gte=2026-01-01",
        "sync/?state__exact=%00",
        "connection/?shown=%00",
    ],
)
def test_a_filter_that_no_database_can_follow_is_refused(asked: str, staff_client: Client) -> None:
    assert staff_client.get(f"/admin/connections/{asked}").status_code == 400


@pytest.mark.parametrize(
    "asked", ["year=2026", "year=2026&created_at__month=2&created_at__day=28", "year=2026&created_at__month=13"]
)
def test_the_days_that_the_page_links_to_are_followed(asked: str, staff_client: Client) -> None:
    assert staff_client.get(f"/admin/connections/sync/?created_at__{asked}", follow=True).status_code == 200


@pytest.mark.parametrize("then", ["http://[", "//[", "https://[a", "http://%5B"])
@pytest.mark.parametrize("page", ["login", "logout", "password/reset", "reauthenticate"])
def test_a_next_address_that_is_none_is_left_aside(page: str, then: str, alice: User, alice_client: Client) -> None:
    typed = {"login": alice.email, "password": PASSWORD, "email": alice.email, "next": then}

    for client in (Client(), alice_client):
        shown = client.get(f"/accounts/{page}/", {"next": then})
        sent = client.post(f"/accounts/{page}/", typed)
        assert max(shown.status_code, sent.status_code) < 400
        assert "[" not in sent.get("Location", "").partition("?")[0]


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
