"""Staff see at one page what is late, why, and what to press, over all workspaces."""

from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from connections.checking.notices import tell_broken
from connections.models import (
    AccountBudget,
    CallMinute,
    Connection,
    Engine,
    Health,
    KeyCanary,
    Membership,
    Privacy,
    StreamHealth,
    Sync,
    User,
    Workspace,
)
from tests.conftest import Connect, client_of, person
from tests.connections.engine import store_rows

pytestmark = pytest.mark.django_db
OPERATION = "/admin/connections/engine/"
HOUR = timedelta(hours=1)


def page(client: Client) -> str:
    answer = client.get(OPERATION)
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def line_of(connection: Connection, shown: str) -> str:
    """The row of the table that begins with it."""
    return next(row for row in shown.split("<tr>") if f"{connection.pk}/change/" in row)


def make_late(connection: Connection, reason: str = "") -> Connection:
    moment = timezone.now() - HOUR
    StreamHealth.objects.filter(connection=connection, stream="contacts").update(late_at=moment, reason=reason)
    Connection.objects.filter(pk=connection.pk).update(late_at=moment, health=Health.WAITING)
    return connection


def break_down(connection: Connection, reason: str, code: str = "key_refused") -> Connection:
    connection.set_health(Health.ACTION_NEEDED, reason, code=code)
    connection.save_health()
    return connection


def test_each_connection_that_wants_somebody_stands_there_with_why_and_what_to_press(
    staff_client: Client, connect: Connect, bob: User
) -> None:
    Engine.objects.beat()
    stuck = make_late(connect(name="Stuck"), reason="ActiveCampaign sent far more records than we asked for.")
    waits = make_late(connect(name="Waits"))
    Sync.objects.queue(waits, trigger="schedule")
    Sync.objects.filter(connection=waits).update(reason="The account is busy.", run_after=timezone.now() + HOUR)
    dead = break_down(connect(name="Dead"), "It no longer accepts this key.")
    hidden = break_down(connect(name="Quiet cove", by=bob, privacy=Privacy.PRIVATE), "quietcove refuses Mira Holt.")
    full = break_down(connect(name="Full"), "No more fits in.", code="full")
    connect(name="Fine")

    shown = page(staff_client)

    told = {
        stuck: ("Late", "Contacts", "far more records", "Sync now."),
        waits: ("Late", "The account is busy.", "it goes on by itself"),
        dead: ("Action needed", "no longer accepts", "another key"),
        hidden: ("private, of Bob Lindqvist", "key_refused", "another key"),
        full: ("No more fits in.", "room", "sync_now"),
    }
    for connection, words in told.items():
        assert [word for word in words if word not in line_of(connection, shown)] == [], connection.name
    assert [
        word for word in ("Quiet cove", "quietcove", "Fine", "Mira Holt") if word in shown.partition("</table>")[0]
    ] == []
    assert shown.index("Dead") < shown.index("Stuck")

    answer = staff_client.post(
        "/admin/connections/connection/", {"action": "sync_now", "_selected_action": str(stuck.pk)}, follow=True
    )
    assert "a sync is queued" in answer.content.decode() and stuck.syncs.active().exists()


def test_of_one_whose_owner_has_left_nobody_is_told_to_press_anything(
    staff_client: Client, connect: Connect, bob: User
) -> None:
    rests = make_late(connect(name="Quiet cove", by=bob, privacy=Privacy.PRIVATE))
    Membership.objects.filter(user=bob).delete()
    Connection.objects.leave_behind()

    line = line_of(rests, page(staff_client))

    assert "Its owner has left" in line and "sync_now" not in line


def test_its_own_page_says_that_it_is_late_and_what_was_not_read(
    staff_client: Client, connect: Connect, bob: User
) -> None:
    stuck = make_late(connect(name="Stuck"), reason="Harbour Tea is busy.")
    hidden = make_late(connect(name="Quiet cove", by=bob, privacy=Privacy.PRIVATE), reason="quietcove is busy.")

    def told(connection: Connection) -> str:
        return unescape(staff_client.get(f"/admin/connections/connection/{connection.pk}/change/").content.decode())

    assert [word for word in ("Late", "Contacts, last read to the end", "is busy.") if word not in told(stuck)] == []
    assert "Contacts, last read to the end" in told(hidden) and "quietcove" not in told(hidden)


def test_it_says_that_no_worker_is_there_which_e_mails_wait_and_how_fast_whose_account_is_called(
    staff_client: Client, connect: Connect, bob: User, settings: Any
) -> None:
    late = make_late(connect(name="Main"))
    connect(name="Quiet cove", by=bob, privacy=Privacy.PRIVATE)
    Connection.objects.filter(pk=late.pk).update(next_sync_at=timezone.now() - HOUR)
    tell_broken(late)
    budget = AccountBudget.objects.create(
        account=late.account_fingerprint, ease=0.5, refusals=7, refused_at=timezone.now() - HOUR, calls=4
    )
    CallMinute.objects.create(budget=budget, minute=timezone.now() - timedelta(minutes=9), calls=30)

    shown = page(staff_client)

    assert (
        "Work has waited for 1\xa0hour" in shown
        and "No worker is running." in shown
        and "manage.py worker" in line_of(late, shown)
    )
    assert "1 waits" in shown and "0 given up" in shown
    most = settings.ACTIVECAMPAIGN_RATE
    assert f"at most {most / 2:.1f} of {most:.1f} calls a second now" in shown
    assert "34 calls in the last hour" in shown and "7 in all" in shown
    users = shown.partition("Used by")[2].partition("</li>")[0]
    assert "Main" in users and "private, of Bob Lindqvist" in users and "Quiet cove" not in shown


def test_that_a_key_of_ours_is_missing_stands_above_and_beside_what_waits_for_it(
    staff_client: Client, connect: Connect
) -> None:
    Engine.objects.beat()
    late = make_late(connect(name="Main"))
    KeyCanary.objects.plant()
    Sync.objects.queue(late, trigger="schedule")
    Sync.objects.update(reason="That is ours to mend.", run_after=timezone.now() + HOUR)
    assert "missing" not in page(staff_client)

    KeyCanary.objects.update(sealed="by another key")

    shown = page(staff_client)
    assert "A key is missing from CREDENTIAL_KEYS." in shown
    assert "manage.py doctor says which" in line_of(late, shown)


def test_what_is_large_is_told_by_table_workspace_and_connection(staff_client: Client, connect: Connect) -> None:
    large, small = connect(name="Large"), connect(name="Small")
    store_rows(large, "contacts", *[{"id": str(number), "text": "x" * 5000} for number in range(3)])
    store_rows(small, "contacts", {"id": "1"})

    sizes = page(staff_client).partition("operation-sizes")[2]

    assert sizes.index("Large") < sizes.index("Small") and "Harbour Tea" in sizes
    assert "14.7\xa0KB" in sizes, "of one connection"
    assert ("connections_record" if database.vendor == "postgresql" else "the database’s file") in sizes


def test_its_queries_do_not_grow_with_the_connections(
    staff_client: Client, connect: Connect, workspace: Workspace
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(database) as asked:
            page(staff_client)
        return len(asked)

    for number in range(2):
        store_rows(make_late(connect(name=f"One {number}")), "contacts", {"id": "1"})
    AccountBudget.objects.create(account=Connection.objects.first().account_fingerprint, minute=timezone.now())
    few = queries()
    for number in range(60):
        store_rows(make_late(connect(name=f"More {number}")), "contacts", {"id": "1"})

    assert queries() == few
    assert "All 62" in page(staff_client)


def test_staff_without_that_right_do_not_see_it(db: None) -> None:
    clerk = client_of(person("clerk@blinkmetrics.example", "Clerk", is_staff=True))

    assert clerk.get(OPERATION).status_code == 403


@pytest.mark.parametrize(
    ("typed", "kept"), [("europe/berlin", "Europe/Berlin"), ("America/New York", "America/New_York"), ("Mars", "")]
)
def test_a_zone_is_searched_by_what_is_typed(staff_client: Client, workspace: Workspace, typed: str, kept: str) -> None:
    address = f"/admin/connections/workspace/{workspace.pk}/change/"
    shown = staff_client.get(address).content.decode()
    assert (
        '<option value="Europe/Berlin">' in shown
        and "<select" not in shown.partition("timezone")[2].partition("</div>")[0]
    )
    totals = {f"{name}-{field}": 0 for name in ("memberships", "teams") for field in ("TOTAL_FORMS", "INITIAL_FORMS")}

    answer = staff_client.post(
        address, {"name": workspace.name, "slug": workspace.slug, "timezone": typed, **totals}, follow=True
    )

    workspace.refresh_from_db()
    assert workspace.timezone == (kept or "UTC")
    assert ("such as Europe/Berlin" in answer.content.decode()) == (not kept)
