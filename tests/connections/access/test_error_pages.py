"""Our own pages for refusals and faults, and the probes."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.core.exceptions import SuspiciousOperation
from django.db import DatabaseError, connections
from django.db.migrations.executor import MigrationExecutor
from django.test import Client
from django.test.utils import CaptureQueriesContext

from connections.keeping import views
from tests.conftest import Connect, User, client_of

MISSING = "/w/harbour-tea/connections/activecampaign/00000000-0000-4000-8000-000000000000/"


@pytest.fixture(params=[True, False], ids=["DEBUG", "production"])
def debug(request: pytest.FixtureRequest, settings: Any) -> bool:
    settings.DEBUG = request.param
    return bool(request.param)


def test_what_is_not_there_is_our_own_page_without_token_nonce_or_path(alice_client: Client, debug: bool) -> None:
    for path in ("/nothing/", "/w/nobody/connections/", MISSING, "/w/harbour-tea/connections/nonsense/x/"):
        response = alice_client.get(path)
        page = response.content.decode()

        assert response.status_code == 404
        assert "Page not found" in page
        for absent in ("nonce", "csrf", path, "Alice", "urlpatterns", "Traceback"):
            assert absent not in page


@pytest.mark.parametrize("send", ["get", "post"])
def test_an_old_login_is_led_to_confirm_and_no_fault(alice: User, send: str, debug: bool) -> None:
    with time_machine.travel(datetime.now(UTC) - timedelta(minutes=10)):
        client = client_of(alice)

    answer = getattr(client, send)("/accounts/2fa/totp/activate/")

    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/reauthenticate/")


def test_two_missing_pages_are_the_same_bytes(alice_client: Client, debug: bool) -> None:
    first, second = alice_client.get(MISSING), alice_client.get(MISSING.replace("0000-4000", f"{uuid4()}"[9:18]))

    assert first.content == second.content
    assert {name for name, value in first.items() if second.get(name) != value} <= {"X-Request-ID"}


def test_a_refusal_is_our_own_page(bob_client: Client, connect: Connect, debug: bool) -> None:
    response = bob_client.post(f"{connect().get_absolute_url()}pause/")

    assert response.status_code == 403
    assert b"Main account" not in response.content
    assert b"csrf" not in response.content


def test_a_missing_token_has_its_own_words(alice: User, debug: bool) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice, backend="allauth.account.auth_backends.AuthenticationBackend")

    response = client.post("/w/harbour-tea/connections/add/", {"source": "activecampaign"})

    assert response.status_code == 403
    assert b"CSRF" not in response.content
    assert b"<h1>" in response.content


def test_a_fault_is_our_own_page_and_tells_nothing(
    alice: User, debug: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_args: object, **_kwargs: object) -> None:
        raise ZeroDivisionError("the inner reason")

    monkeypatch.setattr(views.access, "my_workspaces", fail)
    client = client_of(alice)
    client.raise_request_exception = False

    response = client.get("/")

    assert response.status_code == 500
    assert b"<h1>" in response.content
    for absent in (b"inner reason", b"Traceback", b"ZeroDivisionError"):
        assert absent not in response.content
    assert "the inner reason" in caplog.text


def test_a_suspicious_request_is_our_own_page(alice: User, debug: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    def suspect(*_args: object, **_kwargs: object) -> None:
        raise SuspiciousOperation("too many fields")

    monkeypatch.setattr(views.access, "my_workspaces", suspect)

    response = client_of(alice).get("/")

    assert response.status_code == 400
    assert b"too many fields" not in response.content


@pytest.mark.parametrize("path", ["/w/harbour-tea/connections", "/accounts/login", MISSING.rstrip("/")])
def test_an_address_that_lacks_its_slash_is_led_to_the_right_one(alice_client: Client, path: str, debug: bool) -> None:
    response = alice_client.get(path)

    assert (response.status_code, response["Location"]) == (301, f"{path}/")


def test_an_address_that_leads_nowhere_is_not_led_further(client: Client, debug: bool) -> None:
    assert client.get("/nothing").status_code == 404
    assert client.post("/w/harbour-tea/connections").status_code == 404


@pytest.mark.parametrize("number", ["0", "9" * 18, "9" * 25, "9" * 400])
def test_a_number_that_no_row_can_have_is_not_found(alice_client: Client, connect: Connect, number: str) -> None:
    settings = "/w/harbour-tea/settings"

    assert alice_client.get(f"{connect().get_absolute_url()}syncs/{number}/").status_code == 404
    assert alice_client.get(f"{settings}/teams/{number}/").status_code == 404
    assert alice_client.post(f"{settings}/members/{number}/remove/").status_code == 404
    assert alice_client.post(f"{settings}/members/left/{number}/delete/").status_code == 302


def test_nothing_that_a_person_sees_may_be_kept_in_a_cache(alice_client: Client, connect: Connect) -> None:
    for path in ("/w/harbour-tea/connections/", connect().get_absolute_url(), MISSING):
        assert alice_client.get(path)["Cache-Control"] == "no-store, private"


def test_who_has_no_workspace_is_told_so(staff_client: Client) -> None:
    response = staff_client.get("/")

    assert response.status_code == 200
    assert b"You are in no workspace yet" in response.content
    assert b'href="/admin/"' in response.content


def test_who_has_no_workspace_and_is_no_staff_is_told_whom_to_ask(charlie: User) -> None:
    charlie.memberships.all().delete()

    page = client_of(charlie).get("/").content.decode()

    assert "Ask whoever looks after BlinkMetrics in your company" in page
    assert "/admin/" not in page
    assert "write to us" not in page


@pytest.mark.parametrize("path", ["/accounts/login/", "/accounts/signup/", "/accounts/inactive/"])
def test_nobody_is_sent_to_an_admin_of_their_workspace_who_cannot_add_people(client: Client, db: None, path: str):
    page = client.get(path).content.decode()

    assert "Ask whoever looks after BlinkMetrics in your company" in page
    assert "BlinkMetrics’ support" in page
    assert "admin of your workspace" not in page


def test_a_refusal_fits_who_may_not_even_see_the_thing(bob_client: Client) -> None:
    response = bob_client.get("/admin/", follow=True)

    assert response.status_code == 403
    assert b"You can see this" not in response.content
    assert "BlinkMetrics’ own staff" in response.content.decode()


def test_a_shortened_address_leads_to_what_remains_of_it(alice_client: Client, charlie_client: Client) -> None:
    assert alice_client.get("/w/harbour-tea/settings/")["Location"] == "/w/harbour-tea/settings/members/"
    assert charlie_client.get("/w/harbour-tea/settings/").status_code == 404


def test_the_first_page_leads_to_my_workspace(alice_client: Client, client: Client) -> None:
    assert alice_client.get("/")["Location"] == "/w/harbour-tea/connections/"
    assert client.get("/")["Location"].startswith("/accounts/login/")


# Probes -----------------------------------------------------------------------------------------------------------


def test_healthz_answers_without_a_login_and_without_the_database(client: Client) -> None:
    # No database is asked for in this test: any query would fail it.
    response = client.get("/healthz")

    assert (response.status_code, response.content) == (200, b"ok")


def test_readyz_says_that_all_is_well(client: Client, db: None) -> None:
    response = client.get("/readyz")

    assert (response.status_code, json.loads(response.content)) == (200, {"ready": True})


def test_readyz_says_that_migrations_are_missing(client: Client, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MigrationExecutor, "migration_plan", lambda *_args: [("connections", False)])

    response = client.get("/readyz")

    assert (response.status_code, json.loads(response.content)) == (503, {"ready": False})


def test_readyz_says_that_the_database_does_not_answer(
    client: Client, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_args: object) -> None:
        raise DatabaseError("gone")

    monkeypatch.setattr("connections.operating.readiness.MigrationExecutor", gone)

    response = client.get("/readyz")

    assert (response.status_code, json.loads(response.content)) == (503, {"ready": False})


def test_an_error_page_asks_the_database_for_nothing(client: Client, db: None) -> None:
    with CaptureQueriesContext(connections["default"]) as queries:
        client.get("/nothing/")

    assert len(queries) == 0
