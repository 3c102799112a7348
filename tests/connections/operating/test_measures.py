"""What operators may ask: measures of the whole site, and which part of readiness fails."""

import json
import re
from datetime import timedelta
from math import inf
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from connections.checking.checking import note_failure
from connections.models import AccountBudget, Connection, Engine, Health, Notice, RowCount, Sync, Workspace
from connections.models.notice import NoticeState
from connections.models.sync import SyncState, Trigger
from sources.activecampaign.sandbox.server import SandboxServer
from sources.errors import BadCredentials
from tests.conftest import Connect, User
from tests.processes import ROOT

DOCUMENTS = ("operating.md", "alerts.yml")
TOKEN = "operators-only-0123456789-abcdefghij"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def with_token(settings: Any) -> None:
    settings.OPERATOR_TOKEN = TOKEN


def operator() -> Client:
    return Client(headers={"authorization": f"Bearer {TOKEN}"})


def measured() -> dict[str, float]:
    """Each series as `name` or `name word`."""
    response = operator().get("/metrics")
    assert response.status_code == 200
    families = text_string_to_metric_families(response.content.decode())
    samples = [one for family in families for one in family.samples]
    return {" ".join([one.name.removeprefix("blinkmetrics_"), *one.labels.values()]): one.value for one in samples}


@pytest.mark.parametrize("header", ["", "Bearer ", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", TOKEN, f"Basic {TOKEN}"])
def test_without_the_token_there_is_nothing_at_metrics_and_readyz_has_no_details(header: str) -> None:
    client = Client(headers={"authorization": header})

    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics").content == client.get("/nothing/").content
    assert json.loads(client.get("/readyz").content) == {"ready": True}


def test_while_no_token_is_set_nobody_is_an_operator(settings: Any) -> None:
    settings.OPERATOR_TOKEN = ""

    assert Client(headers={"authorization": "Bearer "}).get("/metrics").status_code == 404


def test_staff_who_are_logged_in_are_no_operators(admin_client: Client) -> None:
    assert admin_client.get("/metrics").status_code == 404


def test_operators_read_which_part_of_readiness_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = operator().get("/readyz")
    monkeypatch.setattr("connections.operating.readiness.is_migrated", lambda: False)
    part = operator().get("/readyz")

    fine = {"ready": True, "database": True, "migrations": True, "credential_keys": True, "worker": True}
    assert json.loads(whole.content) == fine
    assert json.loads(part.content) == {**dict.fromkeys(fine, False), "database": True}
    assert part.status_code == 503


def test_connections_are_counted_by_what_a_person_reads(connect: Connect) -> None:
    healthy, paused = connect(), connect()
    healthy.set_health(Health.HEALTHY)
    Connection.objects.filter(pk=paused.pk).update(state="paused")

    found = measured()

    assert (found["connections healthy"], found["connections paused"], found["connections late"]) == (1, 1, 0)


def test_work_that_is_due_and_that_nobody_does_shows_as_a_wait(connect: Connect) -> None:
    Connection.objects.filter(pk=connect().pk).update(next_sync_at=timezone.now() - timedelta(minutes=9))

    assert 540 <= measured()["longest_wait_seconds"] < 600


def test_notices_that_wait_or_were_given_up_show(connect: Connect) -> None:
    found = measured()
    assert (found["notices_waiting"], found["oldest_notice_seconds"], found["notices_given_up_last_day"]) == (0, 0, 0)
    for name in ("One", "Other", "Third"):
        note_failure(connect(name=name, privacy="private"), BadCredentials("Refused."))
    one, other, _ = Notice.objects.order_by("pk")
    Notice.objects.filter(pk=one.pk).update(written_at=timezone.now() - timedelta(minutes=9))
    other.end(NoticeState.GIVEN_UP)

    found = measured()

    assert (found["notices_waiting"], found["notices_given_up_last_day"]) == (2, 1)
    assert 540 <= found["oldest_notice_seconds"] < 600


def test_a_sync_whose_worker_is_gone_is_counted_apart(connect: Connect) -> None:
    sync = Sync.objects.start(connect(), trigger=Trigger.PERSON)
    assert measured()["syncs_without_worker"] == 0

    Sync.objects.filter(pk=sync.pk).update(lease_until=timezone.now() - timedelta(minutes=2))

    found = measured()
    assert (found["syncs running"], found["syncs queued"], found["syncs_without_worker"]) == (1, 0, 1)


@pytest.mark.django_db(transaction=True)
def test_a_pull_shows_in_calls_and_in_syncs_that_ended(connect: Connect, sandbox: SandboxServer) -> None:
    connection = connect(sandbox)
    with pytest.raises(SystemExit, match="0"):
        call_command("sync", str(connection.pk), "--stream", "lists")

    found = measured()

    assert found["syncs_ended_last_day complete"] == 1
    assert found["calls_last_hour"] == sum(one.calls_in_last_hour() for one in AccountBudget.objects.all()) > 0
    assert found["accounts_refusing_last_hour"] == 0


def test_what_is_stored_shows_in_all_and_as_the_share_of_the_fullest_workspace(
    connect: Connect, charlie: User, settings: Any
) -> None:
    settings.MOST_BYTES_PER_WORKSPACE = 1000
    assert measured()["fullest_workspace_share"] == 0
    one, two, hidden = connect(), connect(), connect()
    elsewhere = connect(by=charlie, home=Workspace.objects.get(slug="stranger"))
    for connection, size in ((one, 100), (two, 200), (hidden, 50), (elsewhere, 340)):
        RowCount.objects.note(connection.holding, "tags", 1, stored=1, size=size)
    hidden.part_from_rows()
    hidden.save()

    found = measured()

    assert (found["stored_rows"], found["stored_bytes"], found["fullest_workspace_share"]) == (4, 690, 0.35)


def test_calls_per_refresh_leave_out_what_asked_nothing(connect: Connect) -> None:
    assert measured()["calls_per_refresh_last_day"] == 0
    for calls in (10, 30, 0):
        Sync.objects.filter(pk=Sync.objects.queue(connect(), trigger="schedule").pk).update(
            calls=calls, state=SyncState.COMPLETE, finished_at=timezone.now()
        )

    assert measured()["calls_per_refresh_last_day"] == 20


def test_when_a_worker_was_last_seen_shows() -> None:
    assert measured()["worker_seen_seconds_ago"] == inf

    Engine.objects.beat()

    assert 0 <= measured()["worker_seen_seconds_ago"] < 60


def test_the_time_of_a_page_is_counted_under_its_routes_name_and_never_its_address(
    alice_client: Client, connect: Connect
) -> None:
    connection = connect()
    count = "request_seconds_count connections:detail 2xx"
    before = measured().get(count, 0.0)

    for address in (connection.get_absolute_url(), "/nothing/Sesame/", "/healthz"):
        alice_client.get(address)

    found = measured()
    assert found[count] == before + 1
    assert found["request_seconds_count connections.access.error_pages.not_found 4xx"] >= 1
    assert "Sesame" not in operator().get("/metrics").content.decode()
    assert [name for name in found if "healthz" in name] == []


def test_each_measure_that_the_documents_name_is_there() -> None:
    """And each that is there is named."""
    there = {name.partition(" ")[0] for name in measured() if not name.startswith("request_seconds_")}
    named = [re.findall(r"\bblinkmetrics_([a-z_]+)", (ROOT / "docs" / name).read_text()) for name in DOCUMENTS]

    assert {*named[0]} == {*there, "request_seconds"}
    assert {*named[1]} <= {*there, "request_seconds_bucket", "request_seconds_count"}


def test_failed_logins_show(alice: User) -> None:
    Client().post("/accounts/login/", {"login": alice.email, "password": "wrong"})

    assert measured()["sign_ins_last_hour wrong_password"] == 1


def test_measures_name_nobody_and_cost_the_same_however_much_there_is(connect: Connect, alice: User) -> None:
    with CaptureQueriesContext(connections["default"]) as few:
        operator().get("/metrics")
    made = [connect() for _ in range(4)]
    with CaptureQueriesContext(connections["default"]) as many:
        text = operator().get("/metrics").content.decode()

    assert len(many) == len(few)
    for secret in (made[0].name, made[0].workspace.slug, alice.email, str(made[0].pk), "127.0.0.1"):
        assert secret not in text
    assert not re.search(r"(?<![\d.])[0-9a-f]{12}", text)


def test_every_state_of_a_sync_has_a_series() -> None:
    names = {name.partition(" ")[2] for name in measured() if name.startswith("syncs")}

    assert names - {""} == set(SyncState)
