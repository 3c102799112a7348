"""The Pulling page: which streams, at which pace, and when; by whom, and what becomes of two people's changes."""

import re
from collections.abc import Callable
from datetime import time, timedelta
from html import unescape
from typing import Any

import pytest
from django.http import Http404, QueryDict
from django.test import Client
from django.utils import timezone

from connections.models import Connection, Pace, Schedule, Sync, User
from connections.models.stream_run import RunState
from connections.models.sync import SyncState
from connections.syncing.forms import PullingForm
from connections.syncing.planning import save_pulling
from connections.syncing.syncing import run
from sources.activecampaign.sandbox.server import SandboxServer
from sources.registry import get_source
from tests.conftest import Connect
from tests.connections.engine import again, calls_for, pull
from tests.connections.stepper.walking import controls, error_at, error_summary, title, words

SOURCE = get_source("activecampaign")
USUAL = [stream.key for stream in SOURCE.default_streams]


really_pulls = pytest.mark.django_db(transaction=True)


@pytest.fixture
def connection(connect: Connect) -> Connection:
    return connect(pace="considerate")


def address_of(connection: Connection) -> str:
    return f"{connection.get_absolute_url()}pulling/"


def as_shown(connection: Connection, **changed: object) -> dict[str, object]:
    """What the browser posts when the form is sent as it was rendered, but for `changed`."""
    row = again(connection)
    shown = {
        "streams": row.stream_keys,
        "pace": row.pace,
        "schedule": row.schedule,
        "daily_at": f"{row.daily_at:%H:%M}",
        "version": row.version,
    }
    return {**shown, **changed}


def save(client: Client, connection: Connection, **changed: object) -> Any:
    return client.post(address_of(connection), as_shown(connection, **changed), follow=True)


def page_of(client: Client, connection: Connection) -> str:
    return client.get(address_of(connection)).content.decode()


def columns(connection: Connection) -> dict[str, Any]:
    return Connection.objects.filter(pk=connection.pk).values().get()


def line_of(html: str, name: str) -> str:
    """What stands beside the check box of a stream."""
    lines = re.findall(r"<li[^>]*><label.*?</label></li>", html, re.DOTALL)
    return next(words(line) for line in lines if words(line).startswith(name))


# What it shows ----------------------------------------------------------------------------------------------------


def test_every_stream_of_the_source_is_offered_and_the_chosen_ones_are_checked(
    alice_client: Client, connection: Connection
) -> None:
    boxes = controls(page_of(alice_client, connection), "streams")

    assert len(boxes) == len(SOURCE.streams)
    checked = [re.search(r'value="(\w+)"', box)[1] for box in boxes if " checked" in box]
    assert checked == USUAL


def test_usual_ones_are_in_sight_heavy_and_unverified_ones_one_click_away(
    alice_client: Client, connection: Connection
) -> None:
    html = page_of(alice_client, connection)
    folded = re.findall(r"<details.*?</details>", html, re.DOTALL)
    in_sight = re.sub(r"<details.*?</details>", "", html, flags=re.DOTALL)

    assert len(controls(in_sight, "streams")) == len(USUAL)
    heavy = next(one for one in folded if "Large:" in one)
    assert 'value="linkData"' in heavy
    assert "of a large account the first read can take hours" in heavy
    assert not any("<details open" in one or " open>" in one[:80] for one in folded)
    assert 'id="data-linkData"' in heavy
    led_there = alice_client.get(address_of(connection), {"open": "linkData"}).content.decode()
    assert led_there.count('<details class="disclosure" open>') == 1


def test_what_the_source_does_not_document_is_labelled_wherever_it_stands(
    alice_client: Client, connection: Connection
) -> None:
    html = page_of(alice_client, connection)

    for stream in SOURCE.streams:
        assert ("experimental" in line_of(html, stream.name)) == (stream.sureness == "unverified"), stream.key


def test_a_folded_group_is_open_while_one_of_its_streams_is_chosen(
    alice_client: Client, connection: Connection
) -> None:
    save(alice_client, connection, streams=[*USUAL, "links"])

    [heavy] = [
        one
        for one in re.findall(r"<details.*?</details>", page_of(alice_client, connection), re.DOTALL)
        if "Large:" in one
    ]

    assert heavy.startswith('<details class="disclosure" open>')
    assert "1 chosen" in heavy


def test_each_stream_says_its_calls_and_minutes_at_this_accounts_size(
    alice_client: Client, connection: Connection
) -> None:
    Connection.objects.update(account_facts={"counts": {"contacts": 97_000, "deals": 10}})

    html = page_of(alice_client, connection)

    assert "97,000 rows: 1,000 calls, about 5.5 minutes" in line_of(html, "Contacts")
    assert "10 rows: 2 calls, less than 20 seconds" in line_of(html, "Deals")
    assert "Not counted yet; it may hold a row for each contact or more" in line_of(html, "Opens and clicks")
    assert line_of(html, "Notes").endswith("Not counted yet")


@really_pulls
def test_what_is_stored_counts_where_it_is_more_than_the_account_said(
    alice_client: Client, connect: Connect, sandbox: SandboxServer, no_limit: None
) -> None:
    connection = connect(sandbox)  # Said to hold 3 contacts.
    Sync.objects.queue(connection, trigger="first", only=["contacts"])
    run(Sync.objects.claim())

    assert "250 rows: 3 calls" in line_of(page_of(alice_client, connection), "Contacts")


@really_pulls
def test_each_kind_of_data_says_what_keeping_it_fresh_took(
    alice_client: Client, connect: Connect, sandbox: SandboxServer, no_limit: None
) -> None:
    connection = connect(sandbox)
    save(alice_client, connection, streams=["contacts", "contactTags", "tags", "notes"])
    connection = again(connection)
    pull(connection)  # By the schedule, as after a first one that was stopped: it reads all for the first time.
    pull(connection, trigger="command")
    assert "as counted over the last refresh." in words(page_of(alice_client, connection))  # That of the command.
    before = {place: calls_for(sandbox, place) for place in ("contacts", "tags", "notes")}

    for _ in range(2):
        pull(again(connection))

    html = page_of(alice_client, connection)
    for name, place in (("Contacts", "contacts"), ("Tags", "tags"), ("Notes", "notes")):
        calls = round((calls_for(sandbox, place) - before[place]) / 2)
        assert f"refreshed with about {calls} call{'s' * (calls != 1)} an hour" in line_of(html, name)
    assert "refreshed along with Contacts, without calls of its own" in line_of(html, "Contact tags")
    total = round(
        sum(again(sync).calls for sync in connection.syncs.filter(trigger="schedule").order_by("created_at")[1:]) / 2
    )
    assert f"Refreshes take about {total} calls an hour in all, as counted over the last 2 refreshes." in words(html)
    assert f"Every 15 minutes About {total} calls each, some {round(96 * total, -1):,} a day." in words(html)
    assert f"Every day About {total} calls each. Manual only" in words(html)

    save(alice_client, again(connection), streams=["contacts", "contactTags", "tags", "notes", "accounts"])
    pull(again(connection))

    html = words(page_of(alice_client, connection))  # What was read for the first time says nothing of a refresh.
    assert f"Refreshes take about {total} calls an hour in all, as counted over the last 2 refreshes." in html


def test_what_came_back_empty_is_known_to_be_empty(alice_client: Client, connection: Connection) -> None:
    sync = Sync.objects.queue(connection, trigger="first").take()
    sync.stream_runs.create(stream="scores", state=RunState.COMPLETE)
    sync.stream_runs.create(stream="deals", state=RunState.SKIPPED, reason="Your plan has no Deals.")
    sync.finish(SyncState.PARTLY_DONE)

    html = page_of(alice_client, connection)

    assert "0 rows: 1 call" in line_of(html, "Scores")
    assert "Not counted yet" in line_of(html, "Deals")


def test_each_pace_says_how_fast_it_is_and_how_long_all_that_is_chosen_takes(
    alice_client: Client, connection: Connection
) -> None:
    Connection.objects.update(
        stream_keys=["contacts", "deals"], account_facts={"counts": {"contacts": 970_000, "deals": 10}}
    )

    said = words(page_of(alice_client, connection))

    assert "Gentle 3 calls a second: leaves room for your own forms and tools." in said
    assert "All that is chosen takes about 56 minutes (10,001 calls)." in said
    assert "Fast 5 calls a second: nearly all that the account allows" in said
    assert "All that is chosen takes about 33 minutes (10,001 calls)." in said


def test_where_sizes_are_unknown_both_paces_tell_the_time_of_what_is_counted(
    alice_client: Client, connection: Connection
) -> None:
    Connection.objects.update(stream_keys=["contacts", "notes"], account_facts={"counts": {"contacts": 97 * 239}})

    said = words(page_of(alice_client, connection))

    for so_long in ("about 80 seconds", "about 50 seconds"):
        assert f"What is chosen takes {so_long} (240 calls): not everything is counted yet." in said

    Connection.objects.update(account_facts={})
    said = words(page_of(alice_client, connection))
    assert said.count("How long it takes is known once the first sync has counted.") == 2


def test_daily_says_by_whose_clocks(alice_client: Client, connection: Connection) -> None:
    connection.workspace.timezone = "Europe/Berlin"
    connection.workspace.save()

    assert "In the workspace’s time zone, Europe/Berlin." in words(page_of(alice_client, connection))


# Saving -----------------------------------------------------------------------------------------------------------


def test_streams_pace_and_schedule_are_saved_and_said_on_the_detail_page(
    alice_client: Client, connection: Connection
) -> None:
    response = save(
        alice_client, connection, streams=["deals", "contacts"], pace="full", schedule="daily", daily_at="04:30"
    )

    row = again(connection)
    assert row.stream_keys == ["contacts", "deals"]  # In the source's order.
    assert (row.pace, row.schedule, row.daily_at) == (Pace.FULL, Schedule.DAILY, time(4, 30))
    said = words(response.content.decode())
    assert "Saved. The schedule holds at once, data and pace from the next sync on." in said
    assert "Schedule Every day at 04:30 (UTC)" in said


def test_a_changed_schedule_counts_from_now_and_lateness_follows(alice_client: Client, connection: Connection) -> None:
    Connection.objects.update(late_at=timezone.now() - timedelta(days=1))

    save(alice_client, connection, schedule="quarter_hourly")

    row = again(connection)
    assert timedelta(0) < row.next_sync_at - timezone.now() <= timedelta(minutes=19)
    assert timedelta(minutes=29) < row.late_at - timezone.now() <= timedelta(minutes=30)

    save(alice_client, connection, schedule="off")
    assert (again(connection).next_sync_at, again(connection).late_at) == (None, None)


def test_other_changes_leave_the_schedules_times_alone(alice_client: Client, connection: Connection) -> None:
    before = again(connection)

    save(alice_client, connection, pace="full", streams=["contacts"])

    after = again(connection)
    assert (after.next_sync_at, after.late_at) == (before.next_sync_at, before.late_at)


@really_pulls
def test_the_next_sync_pulls_what_was_chosen_at_the_chosen_pace(
    alice_client: Client, connect: Connect, sandbox: SandboxServer, no_limit: None
) -> None:
    connection = connect(sandbox, pace="considerate")
    save(alice_client, connection, streams=["tags", "notes"], pace="full")

    Sync.objects.queue(again(connection), trigger="schedule")
    run(Sync.objects.claim())

    sync = connection.syncs.get()
    assert sync.pace == "full"
    assert {one.stream for one in sync.stream_runs.all()} == {"tags", "notes"}
    assert {call.place for call in sandbox.requests} == {"tags", "notes"}


@really_pulls
def test_rows_of_what_is_left_out_stay(
    alice_client: Client, connect: Connect, sandbox: SandboxServer, no_limit: None
) -> None:
    connection = connect(sandbox)
    Sync.objects.queue(connection, trigger="first", only=["tags"])
    run(Sync.objects.claim())
    kept = connection.records.filter(stream="tags").count()

    save(alice_client, connection, streams=["contacts"])

    assert kept
    assert connection.records.filter(stream="tags", deleted_at=None).count() == kept
    data = words(alice_client.get(f"{connection.get_absolute_url()}data/").content.decode())
    assert f"how many have each. {kept}" in data
    assert "Deals" not in data


def test_the_trail_says_what_was_changed_by_whom(alice_client: Client, alice: User, connection: Connection) -> None:
    left_out = [key for key in USUAL if key != "scores"]

    save(alice_client, connection, streams=[*left_out, "notes"], pace="full", schedule="daily", daily_at="06:00")

    event = connection.events.first()
    assert (event.verb, event.actor, sorted(event.changes)) == ("edited", alice, ["pace", "schedule", "streams"])
    assert event.detail == "Added: Notes. Left out: Scores. Fast. Every day at 06:00 (UTC)."
    activity = words(alice_client.get("/w/harbour-tea/settings/activity/").content.decode())
    assert "Alice Okafor edited Main account : pace, schedule, streams. Added: Notes." in activity


def test_saving_without_a_change_leaves_no_trace(alice_client: Client, connection: Connection) -> None:
    before, events = columns(connection), connection.events.count()

    assert save(alice_client, connection).status_code == 200

    assert columns(connection) == before
    assert connection.events.count() == events


# Refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "field", "said"),
    [
        ({"streams": []}, "streams", "Choose at least one."),
        ({"streams": ["contacts", "<b>pwned"]}, "streams", "There is nothing called <b>pwned to sync."),
        ({"pace": "ludicrous"}, "pace", "Select a valid choice"),
        ({"pace": ""}, "pace", "Choose a pace."),
        ({"schedule": "hourly-ish"}, "schedule", "Select a valid choice"),
        ({"schedule": ""}, "schedule", "Choose a schedule."),
        ({"schedule": "daily", "daily_at": ""}, "daily_at", "Choose the time of the day."),
        ({"schedule": "daily", "daily_at": "25:99"}, "daily_at", "Enter a time such as 06:00."),
    ],
)
def test_nonsense_is_refused_at_its_field_and_nothing_changes(
    changed: dict[str, object], field: str, said: str, alice_client: Client, connection: Connection
) -> None:
    before = columns(connection)

    response = alice_client.post(address_of(connection), as_shown(connection, **changed))

    html = response.content.decode()
    assert response.status_code == 200
    assert said in unescape(error_at(html, field))
    assert title(html).startswith("Error:")
    assert error_summary(html)
    assert all(f"id_{field}_error" in tag or "<fieldset" in html for tag in controls(html, field))
    assert "<b>pwned" not in html
    assert columns(connection) == before


def test_a_broken_time_is_of_no_account_where_it_is_not_asked_for(alice_client: Client, connection: Connection) -> None:
    save(alice_client, connection, schedule="quarter_hourly", daily_at="nonsense")

    assert again(connection).schedule == Schedule.QUARTER_HOURLY
    assert again(connection).daily_at == time(6)


def test_who_may_only_use_it_neither_sees_nor_saves_the_form(bob_client: Client, connection: Connection) -> None:
    before = columns(connection)

    assert bob_client.get(address_of(connection)).status_code == 403
    assert bob_client.post(address_of(connection), as_shown(connection, pace="full")).status_code == 403
    assert "/pulling/" not in bob_client.get(connection.get_absolute_url()).content.decode()
    assert columns(connection) == before


def test_an_admin_may_change_what_is_shared_and_not_what_is_private(
    dana_client: Client, connect: Connect, bob: User
) -> None:
    shared, private = connect(by=bob), connect(by=bob, privacy="private")

    assert save(dana_client, shared, schedule="off").status_code == 200
    assert again(shared).schedule == Schedule.OFF
    assert save(dana_client, private, schedule="off").status_code == 404
    assert again(private).schedule == Schedule.HOURLY


def test_a_source_that_is_gone_has_nothing_to_choose_from(alice_client: Client, connection: Connection) -> None:
    Connection.objects.update(source_key="gone")

    response = alice_client.get(address_of(again(connection)), follow=True)

    assert "no longer part of BlinkMetrics" in words(response.content.decode())


# Two people -------------------------------------------------------------------------------------------------------

Post = Callable[..., Any]


def test_two_people_who_choose_different_streams_both_get_theirs(
    alice_client: Client, dana_client: Client, connection: Connection
) -> None:
    as_alice_saw_it = as_shown(connection)
    without_scores = [key for key in USUAL if key != "scores"]

    save(dana_client, connection, streams=[*without_scores, "notes"])
    without_forms = [key for key in USUAL if key != "forms"]
    alice_client.post(address_of(connection), {**as_alice_saw_it, "streams": [*without_forms, "links"]})

    assert set(again(connection).stream_keys) == {*USUAL, "notes", "links"} - {"scores", "forms"}


def test_two_people_cannot_take_away_everything_between_them(
    alice_client: Client, dana_client: Client, connection: Connection
) -> None:
    Connection.objects.update(stream_keys=["contacts", "deals"])
    as_alice_saw_it = as_shown(connection)

    save(dana_client, connection, streams=["contacts"])
    response = alice_client.post(address_of(connection), {**as_alice_saw_it, "streams": ["deals"]})

    assert "somebody else has just taken the others away" in error_at(response.content.decode(), "streams")
    assert again(connection).stream_keys == ["contacts"]


def test_changes_to_different_things_both_hold(
    alice_client: Client, dana_client: Client, connection: Connection
) -> None:
    as_alice_saw_it = as_shown(connection)

    save(dana_client, connection, schedule="daily", daily_at="05:00")
    alice_client.post(address_of(connection), {**as_alice_saw_it, "pace": "full"})

    row = again(connection)
    assert (row.pace, row.schedule, row.daily_at) == (Pace.FULL, Schedule.DAILY, time(5))


def test_a_schedule_that_both_changed_is_refused_with_who_changed_it_and_what_it_is_now(
    alice_client: Client, dana_client: Client, connection: Connection
) -> None:
    as_alice_saw_it = as_shown(connection)
    save(dana_client, connection, schedule="daily", daily_at="05:00")
    before = columns(connection)

    mine = {**as_alice_saw_it, "schedule": "daily", "daily_at": "09:15", "pace": "full"}
    response = alice_client.post(address_of(connection), mine)

    html = response.content.decode()
    assert response.status_code == 409
    assert "Dana Reyes changed the schedule" in words(html)
    assert "It is now “Every day at 05:00 (UTC)”; yours is “Every day 09:15”." in words(html)
    assert columns(connection) == before
    assert 'value="09:15"' in html  # What was typed is kept.


@pytest.mark.parametrize(("theirs", "kept"), [("", "off"), ("schedule", "daily")])
def test_the_person_decides_whose_schedule_holds(
    theirs: str, kept: str, alice_client: Client, dana_client: Client, connection: Connection
) -> None:
    as_alice_saw_it = as_shown(connection)
    save(dana_client, connection, schedule="daily", daily_at="05:00")
    mine = {**as_alice_saw_it, "schedule": "off", "pace": "full"}
    refused = alice_client.post(address_of(connection), mine).content.decode()
    version = re.search(r'name="version" value="(\d+)"', refused)[1]

    alice_client.post(address_of(connection), {**mine, "version": version, "theirs": theirs})

    assert (again(connection).schedule, again(connection).pace) == (kept, "full")


def test_a_form_without_its_version_meets_whatever_is_there(alice_client: Client, connection: Connection) -> None:
    before = columns(connection)
    posted = as_shown(connection, streams=["contacts"], pace="full", version="")

    response = alice_client.post(address_of(connection), posted)

    assert response.status_code == 409
    assert columns(connection) == before


def test_the_rules_and_the_row_are_those_of_the_moment_of_saving(
    connection: Connection, alice: User, dana: User
) -> None:
    seen = again(connection)
    posted = QueryDict(mutable=True)
    posted.setlist("streams", ["contacts"])
    posted.update({"pace": "full", "schedule": "hourly", "version": str(seen.version)})
    Connection.objects.update(name="Renamed meanwhile")

    def read(row: Connection) -> PullingForm:
        return PullingForm(posted, connection=row)

    assert save_pulling(seen, read, by=alice).is_valid()
    assert (again(connection).name, again(connection).pace) == ("Renamed meanwhile", "full")

    dana.memberships.update(role="member")
    with pytest.raises(Http404):
        save_pulling(seen, read, by=dana)


def test_an_empty_form_is_refused_and_changes_nothing(alice_client: Client, connection: Connection) -> None:
    before = columns(connection)

    response = alice_client.post(address_of(connection), {})

    assert response.status_code == 200
    assert error_at(response.content.decode(), "streams")
    assert columns(connection) == before


def test_an_edit_of_the_connection_itself_is_no_hindrance(
    alice_client: Client, dana_client: Client, connection: Connection, dana: User
) -> None:
    as_alice_saw_it = as_shown(connection)
    row = again(connection)
    before = {"name": row.name}
    row.name = "Renamed"
    row.save_changes(before, by=dana)

    assert alice_client.post(address_of(connection), {**as_alice_saw_it, "pace": "full"}).status_code == 302

    assert (again(connection).name, again(connection).pace) == ("Renamed", "full")
