"""The budget that the detail page shows, the time that a sync still needs, and who may start and stop one."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from connections.frame.outlook import calls_a_second, in_words
from connections.models import AccountBudget, Connection, Sync, User
from connections.models.stream_run import RunState
from connections.models.sync import SyncState
from sources.activecampaign.sandbox.server import SandboxServer
from tests.conftest import Connect
from tests.connections.engine import again, pull
from tests.connections.stepper.walking import words

NOON = datetime(2026, 11, 24, 12, 0, 30, tzinfo=UTC)


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock


@pytest.fixture
def connection(connect: Connect) -> Connection:
    return connect(pace="considerate")


@pytest.fixture
def budget(connection: Connection) -> AccountBudget:
    return AccountBudget.objects.create(account=connection.account_fingerprint)


def spent(budget: AccountBudget, *, minutes_ago: int, calls: int) -> None:
    minute = timezone.now().replace(second=0, microsecond=0) - timedelta(minutes=minutes_ago)
    budget.minutes.create(minute=minute, calls=calls)


def moving(client: Client, connection: Connection) -> str:
    """The part of the syncs' page that moves, as it is fetched anew."""
    return client.get(f"{connection.get_absolute_url()}syncs/", HTTP_HX_REQUEST="true").content.decode()


def running(connection: Connection, **wanted: Any) -> Sync:
    return Sync.objects.queue(connection, trigger="schedule", **wanted).take()


def began(connection: Connection, clock: Any, *, seconds_ago: int, calls: int) -> Sync:
    clock.move_to(NOON - timedelta(seconds=seconds_ago))
    sync = running(connection)
    clock.move_to(NOON)
    sync.hold(calls=calls)
    sync.refresh_from_db()
    return sync


# The budget -------------------------------------------------------------------------------------------------------


def test_calls_now_and_in_the_last_hour_are_shown_beside_what_the_account_bears(
    clock: Any, bob_client: Client, connection: Connection, budget: AccountBudget
) -> None:
    spent(budget, minutes_ago=0, calls=90)
    spent(budget, minutes_ago=1, calls=180)
    spent(budget, minutes_ago=30, calls=1_000)
    spent(budget, minutes_ago=61, calls=7_777)

    html = moving(bob_client, connection)

    assert "3.0 of 5 calls a second in the last minute 1,270 calls in the last hour" in words(html)
    assert re.search(r'<meter min="0" max="5(\.0)?" value="3.0" aria-label="[^"]+">', html)


def test_the_rate_of_a_young_sync_shows_before_a_minute_is_over(
    clock: Any, bob_client: Client, connection: Connection, budget: AccountBudget
) -> None:
    began(connection, clock, seconds_ago=20, calls=60)
    spent(budget, minutes_ago=0, calls=60)

    assert "3.0 of 5 calls a second" in words(moving(bob_client, connection))


def test_a_young_sync_is_not_charged_with_what_others_called_before_it(
    clock: Any, bob_client: Client, connection: Connection, budget: AccountBudget
) -> None:
    began(connection, clock, seconds_ago=5, calls=10)
    spent(budget, minutes_ago=0, calls=70)

    assert "3.0 of 5 calls a second" in words(moving(bob_client, connection))


def test_the_rate_of_a_sync_that_began_in_the_minute_before(
    clock: Any, connection: Connection, budget: AccountBudget
) -> None:
    sync = began(connection, clock, seconds_ago=40, calls=120)
    spent(budget, minutes_ago=0, calls=90)
    spent(budget, minutes_ago=1, calls=30)

    assert calls_a_second(budget, sync) == 3.0


def test_never_more_is_shown_than_the_account_bears(
    clock: Any, bob_client: Client, connection: Connection, budget: AccountBudget
) -> None:
    began(connection, clock, seconds_ago=0, calls=40)
    spent(budget, minutes_ago=0, calls=40)

    assert "5.0 of 5 calls a second" in words(moving(bob_client, connection))


def test_an_account_that_was_never_called_has_spent_nothing(bob_client: Client, connection: Connection) -> None:
    assert "0.0 of 5 calls a second in the last minute 0 calls in the last hour" in words(
        moving(bob_client, connection)
    )


def test_a_pause_that_the_account_asked_for_says_until_when(
    clock: Any, bob_client: Client, connection: Connection, budget: AccountBudget
) -> None:
    AccountBudget.objects.update(paused_until=(NOON + timedelta(seconds=12)).timestamp(), ease=0.5)

    said = words(moving(bob_client, connection))

    assert "ActiveCampaign asked for a pause: it goes on by itself at 12:00:42 UTC ." in said
    assert "Slowed down" not in said


def test_slowing_down_says_to_what_and_why(
    clock: Any, bob_client: Client, connection: Connection, budget: AccountBudget
) -> None:
    AccountBudget.objects.update(paused_until=(NOON - timedelta(seconds=1)).timestamp(), ease=0.5)

    assert "Slowed down to 1.5 a second, since ActiveCampaign refused calls." in words(moving(bob_client, connection))


def test_a_sync_that_waits_says_for_what_and_until_when(clock: Any, bob_client: Client, connection: Connection) -> None:
    running(connection).set_back("ActiveCampaign is busy.", until=NOON + timedelta(seconds=40))

    said = words(moving(bob_client, connection))

    assert "Waiting: ActiveCampaign is busy. It goes on by itself at 12:01:10 UTC ." in said


def test_the_pace_is_that_of_the_sync_that_runs_and_else_the_connections(
    bob_client: Client, connection: Connection
) -> None:
    assert "Pace Gentle: leaves room" in words(moving(bob_client, connection))

    running(connection, pace="full")
    assert "Pace Fast: nearly all" in words(moving(bob_client, connection))


def test_the_moving_part_names_only_those_on_the_account_that_i_may_see(
    alice_client: Client, bob_client: Client, bob: User, connection: Connection, connect: Connect
) -> None:
    connect(name="Second")
    connect(name="Hidden", by=bob, privacy="private")

    assert "Shares its account with Second" in words(moving(alice_client, connection))
    assert "Hidden" not in moving(alice_client, connection)
    assert "Hidden" in moving(bob_client, connection)


def test_an_account_that_cannot_be_read_any_more_breaks_nothing(bob_client: Client, connection: Connection) -> None:
    Connection.objects.update(api_url="tampered")

    assert "Shares its account" not in moving(bob_client, connection)


# The time that is left --------------------------------------------------------------------------------------------


def with_sizes(connection: Connection, **counts: int) -> Connection:
    Connection.objects.update(stream_keys=[*counts], account_facts={"counts": counts})
    return again(connection)


def test_the_time_left_comes_from_the_rows_left_at_the_granted_rate(bob_client: Client, connection: Connection) -> None:
    sync = running(with_sizes(connection, contacts=95_000, deals=9_500))
    sync.stream_runs.create(stream="contacts", state=RunState.RUNNING, read=38_000, total=95_000)

    # 600 calls of contacts and 100 of deals, at three a second.
    assert "about 4 minutes left" in words(moving(bob_client, connection))


def test_full_pace_slowing_down_and_pauses_change_the_time_left(
    clock: Any, bob_client: Client, connection: Connection, budget: AccountBudget
) -> None:
    running(with_sizes(connection, contacts=97 * 1_200), pace="full")
    assert "about 4 minutes left" in words(moving(bob_client, connection))

    AccountBudget.objects.update(ease=0.5)
    assert "about 8 minutes left" in words(moving(bob_client, connection))

    AccountBudget.objects.update(paused_until=(NOON + timedelta(minutes=3)).timestamp())
    assert "about 11 minutes left" in words(moving(bob_client, connection))


def test_syncs_beside_it_on_the_account_make_it_longer(
    bob_client: Client, connection: Connection, connect: Connect
) -> None:
    running(with_sizes(connection, contacts=97 * 720))
    assert "about 4 minutes left" in words(moving(bob_client, connection))

    running(connect(name="Beside"))
    assert "about 8 minutes left" in words(moving(bob_client, connection))


def test_where_a_size_is_unknown_the_time_is_that_of_what_is_counted(
    bob_client: Client, connection: Connection
) -> None:
    with_sizes(connection, contacts=97 * 720)
    Connection.objects.update(stream_keys=["contacts", "notes"])
    running(again(connection))

    assert "about 4 minutes left" in words(moving(bob_client, connection))


def test_where_next_to_nothing_is_counted_no_time_is_claimed(bob_client: Client, connection: Connection) -> None:
    running(connection)

    assert "time left not known yet" in words(moving(bob_client, connection))


def test_more_rows_than_were_announced_leave_no_time_below_nothing(bob_client: Client, connection: Connection) -> None:
    sync = running(with_sizes(connection, contacts=10))
    sync.stream_runs.create(stream="contacts", state=RunState.RUNNING, read=5_000, total=100)

    assert "less than 20 seconds left" in words(moving(bob_client, connection))


def test_streams_show_how_far_they_are_and_the_whole_how_far_it_is(bob_client: Client, connection: Connection) -> None:
    sync = running(with_sizes(connection, contacts=950, deals=950))
    sync.stream_runs.create(stream="contacts", state=RunState.RUNNING, read=475, new=475, total=950)
    Sync.objects.update(calls=5)

    html = moving(bob_client, connection)

    assert '<progress aria-label="Contacts" max="950" value="475">' in html
    assert '<progress aria-label="Sync under way" max="20" value="5">' in html
    assert "Running: 475 of 950" in words(html)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "less than 20 seconds"),
        (86, "about 85 seconds"),
        (100, "about 100 seconds"),
        (101, "about 1.5 minutes"),
        (240, "about 4 minutes"),
        (10 * 60 + 31, "about 11 minutes"),
        (100 * 60, "about 100 minutes"),
        (100 * 60 + 1, "about 1.5 hours"),
        (3 * 3600 + 1, "about 3 hours"),
    ],
)
def test_times_are_rounded_to_what_a_person_would_say(seconds: float, said: str) -> None:
    assert in_words(seconds) == said


def test_slow_answers_are_said_while_a_sync_runs_and_make_it_longer(
    bob_client: Client, connection: Connection, budget: AccountBudget
) -> None:
    running(with_sizes(connection, contacts=97 * 720))
    AccountBudget.objects.update(answers_take=4.0)
    quick = words(moving(bob_client, connection))

    AccountBudget.objects.update(answers_take=12.0)
    slow = words(moving(bob_client, connection))

    assert "is slow today" not in quick
    assert "ActiveCampaign is slow today: an answer takes 12 seconds. All of it comes, only later." in slow
    assert "about 4.5 minutes left" in slow  # Thirty-two calls at once, of twelve seconds each: eight in three seconds.


@pytest.mark.django_db(transaction=True)
def test_how_long_answers_take_is_learned_from_them(
    new_sandbox: Callable[..., SandboxServer], connect: Connect, no_limit: None
) -> None:
    connection = connect(new_sandbox(latency_ms=100))

    pull(connection, only=["contacts"])

    assert 0.1 <= AccountBudget.objects.get().answers_take < 5


# Sync now, at either pace -----------------------------------------------------------------------------------------


def sync_now(client: Client, connection: Connection, **posted: str) -> Any:
    return client.post(f"{connection.get_absolute_url()}sync/", posted, follow=True)


def test_who_manages_may_sync_once_at_full_speed_and_the_everyday_pace_stays(
    alice_client: Client, connection: Connection
) -> None:
    page = alice_client.get(connection.get_absolute_url()).content.decode()
    assert "Sync fast" in page

    sync_now(alice_client, connection, pace="full")

    assert connection.syncs.get().pace == "full"
    assert again(connection).pace == "considerate"


def test_of_a_connection_at_full_speed_the_other_pace_is_offered(alice_client: Client, connect: Connect) -> None:
    connection = connect(pace="full")
    assert "Sync gently" in alice_client.get(connection.get_absolute_url()).content.decode()

    sync_now(alice_client, connection, pace="considerate")

    assert connection.syncs.get().pace == "considerate"


def test_who_may_only_use_it_syncs_at_the_connections_own_pace(bob_client: Client, connection: Connection) -> None:
    assert "Sync fast" not in bob_client.get(connection.get_absolute_url()).content.decode()

    assert sync_now(bob_client, connection, pace="full").status_code == 403
    assert not connection.syncs.exists()

    assert sync_now(bob_client, connection, pace="considerate").status_code == 200
    assert connection.syncs.get().pace == "considerate"


def test_a_pace_that_there_is_not_starts_nothing(alice_client: Client, connection: Connection) -> None:
    assert "There is no such pace." in words(sync_now(alice_client, connection, pace="ludicrous").content.decode())
    assert not connection.syncs.exists()


# Stopping one -----------------------------------------------------------------------------------------------------


def stop(client: Client, sync: Sync) -> Any:
    return client.post(f"{sync.get_absolute_url()}cancel/", follow=True)


def test_who_manages_stops_a_sync_and_it_says_by_whom(
    alice_client: Client, alice: User, connection: Connection
) -> None:
    sync = running(connection)
    token = sync.token

    said = words(stop(alice_client, sync).content.decode())

    sync = again(sync)
    assert (sync.state, sync.reason) == (SyncState.STOPPED, "By Alice Okafor.")
    assert sync.token > token  # Whoever works on it stores nothing more.
    assert "The sync was stopped. What had come in stays; the next one reads what was not finished from" in said
    assert "By Alice Okafor." in said
    assert connection.events.filter(verb="stopped a sync", actor=alice).count() == 1


def test_who_asked_for_a_sync_may_stop_it_and_no_other(bob: User, bob_client: Client, connection: Connection) -> None:
    mine = Sync.objects.queue(connection, trigger="person", by=bob)
    assert "Stop the sync" in bob_client.get(connection.get_absolute_url()).content.decode()
    stop(bob_client, mine)
    assert again(mine).reason == "By Bob Lindqvist."

    scheduled = running(connection)
    assert "Stop the sync" not in bob_client.get(connection.get_absolute_url()).content.decode()
    assert stop(bob_client, scheduled).status_code == 403
    assert again(scheduled).state == SyncState.RUNNING


def test_who_asked_for_a_sync_and_may_no_longer_see_the_connection_stops_nothing(
    bob: User, bob_client: Client, connection: Connection
) -> None:
    sync = Sync.objects.queue(connection, trigger="person", by=bob)
    Connection.objects.update(privacy="private")

    assert stop(bob_client, sync).status_code == 404
    assert again(sync).state == SyncState.QUEUED


def test_a_sync_that_has_ended_stays_as_it_ended(alice_client: Client, connection: Connection) -> None:
    sync = running(connection)
    sync.finish(SyncState.COMPLETE)

    assert "That sync had already ended." in words(stop(alice_client, sync).content.decode())

    assert again(sync).state == SyncState.COMPLETE
    assert not connection.events.filter(verb="stopped a sync").exists()


def test_stopping_one_sync_leaves_a_later_one_alone(alice_client: Client, connection: Connection) -> None:
    first = running(connection)
    first.finish(SyncState.COMPLETE)
    second = running(connection)

    stop(alice_client, first)

    assert again(second).state == SyncState.RUNNING


def buttons(client: Client, connection: Connection) -> str:
    """As they come with the part of the connection's page that moves."""
    moved = client.get(f"{connection.get_absolute_url()}progress/", HTTP_HX_REQUEST="true").content.decode()
    return moved.partition('id="sync-buttons"')[2].partition('id="notice"')[0]


def test_the_button_goes_away_with_the_sync(alice_client: Client, connection: Connection) -> None:
    sync = running(connection)
    assert "Stop the sync" in buttons(alice_client, connection)

    sync.finish(SyncState.COMPLETE)

    assert "Stop the sync" not in buttons(alice_client, connection)
    assert "Sync now" in buttons(alice_client, connection)


# What a sync cost --------------------------------------------------------------------------------------------------


def test_a_sync_tells_how_long_a_call_waited_and_not_the_sum_of_those_that_waited_together(
    alice_client: Client, connection: Connection
) -> None:
    sync = running(connection)
    sync.hold(calls=200, seconds_waited=80.0)

    page = words(alice_client.get(sync.get_absolute_url()).content.decode())

    assert "Calls 200; on average each waited 0.4 seconds for the account’s limit" in page
