"""When the next sync is due: spread over the interval, at a time of the workspace's zone, whatever its clocks do."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from connections.models import Connection, Holding, Pace, Schedule, Sync, User, Workspace
from connections.models.connection_query import ConnectionQuerySet
from connections.models.schedule import DAILY_SPREAD, next_run
from connections.models.sync import SyncState
from connections.syncing.working import queue_due
from tests.conftest import Connect
from tests.connections.engine import again

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
HALF_PAST_TWO, HALF_PAST_ONE = time(2, 30), time(1, 30)


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock


def runs(schedule: Schedule, start: datetime, count: int, **where: Any) -> list[datetime]:
    """The next so many moments, each found from the one before."""
    found = [start]
    for _ in range(count):
        run = next_run(schedule, now=found[-1], **({"at": time(6), "zone": UTC, "spread": 0} | where))
        assert run
        found.append(run)
    return found[1:]


# At intervals -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schedule", "interval"),
    [(Schedule.QUARTER_HOURLY, timedelta(minutes=15)), (Schedule.HOURLY, timedelta(hours=1))],
)
def test_syncs_at_intervals_keep_to_them(schedule: Schedule, interval: timedelta) -> None:
    found = runs(schedule, NOON, 5, spread=1_000_003)

    assert {later - earlier for earlier, later in pairwise(found)} == {interval}


@pytest.mark.parametrize("schedule", [Schedule.QUARTER_HOURLY, Schedule.HOURLY, Schedule.DAILY])
def test_connections_that_were_made_together_do_not_start_together(schedule: Schedule) -> None:
    connections = [UUID(int=number * 0x9E3779B97F4A7C15).int for number in range(1, 61)]

    starts = [runs(schedule, NOON, 1, spread=spread)[0] for spread in connections]

    minutes = [start.replace(second=0) for start in starts]
    assert max(minutes.count(minute) for minute in minutes) <= 60 / 4


def test_one_connection_always_starts_at_its_own_minute() -> None:
    spread = UUID("6f1c2a34-1111-4222-8333-444455556666").int

    starts = {
        run.minute for now in (NOON, NOON + timedelta(days=9)) for run in runs(Schedule.HOURLY, now, 3, spread=spread)
    }

    assert len(starts) == 1


def test_a_sync_that_took_nearly_the_whole_interval_is_not_followed_by_the_next_at_once() -> None:
    for minute in range(60):
        now = NOON + timedelta(minutes=minute)
        [run] = runs(Schedule.HOURLY, now, 1, spread=77)
        assert timedelta(minutes=15) < run - now <= timedelta(minutes=75)


def test_off_plans_nothing() -> None:
    assert next_run(Schedule.OFF, now=NOON, at=time(6), zone=UTC, spread=1) is None


# Daily ------------------------------------------------------------------------------------------------------------


def test_daily_is_at_that_time_of_the_workspaces_zone() -> None:
    [run] = runs(Schedule.DAILY, NOON, 1, at=time(6), zone=BERLIN)

    assert run == datetime(2026, 11, 25, 5, tzinfo=UTC)


def test_daily_begins_within_a_quarter_of_an_hour_after_the_time_and_never_before() -> None:
    for spread in range(0, 4_000, 7):
        [run] = runs(Schedule.DAILY, NOON, 1, spread=spread)
        assert timedelta(0) <= run - datetime(2026, 11, 25, 6, tzinfo=UTC) < DAILY_SPREAD


def test_a_time_that_is_still_to_come_today_is_today() -> None:
    [run] = runs(Schedule.DAILY, NOON, 1, at=time(20), zone=NEW_YORK)

    assert run == datetime(2026, 11, 25, 1, tzinfo=UTC)  # The evening of the 24th there.


def test_in_summer_as_in_winter_it_is_the_same_time_on_the_wall() -> None:
    found = runs(Schedule.DAILY, datetime(2026, 3, 27, 12, tzinfo=UTC), 4, at=time(6), zone=BERLIN)

    assert {run.astimezone(BERLIN).time() for run in found} == {time(6)}
    assert {run.hour for run in found} == {4, 5}


def test_where_the_clocks_skip_the_time_it_runs_once_and_as_much_later_as_they_skip() -> None:
    saturday = datetime(2026, 3, 28, 12, tzinfo=UTC)

    on_sunday, on_monday = runs(Schedule.DAILY, saturday, 2, at=HALF_PAST_TWO, zone=BERLIN)

    assert on_sunday.astimezone(BERLIN).replace(tzinfo=None) == datetime(2026, 3, 29, 3, 30)
    assert on_monday.astimezone(BERLIN).replace(tzinfo=None) == datetime(2026, 3, 30, 2, 30)


@pytest.mark.parametrize("spread", [0, 899])
def test_where_the_clocks_repeat_the_time_it_runs_once_and_at_the_first_of_the_two(spread: int) -> None:
    saturday = datetime(2026, 10, 31, 12, tzinfo=UTC)

    on_sunday, on_monday = runs(Schedule.DAILY, saturday, 2, at=HALF_PAST_ONE, zone=NEW_YORK, spread=spread)

    assert on_sunday - timedelta(seconds=spread) == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
    assert on_monday - timedelta(seconds=spread) == datetime(2026, 11, 2, 6, 30, tzinfo=UTC)


def test_every_day_of_two_years_has_one_run_wherever_on_earth() -> None:
    for name in ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu", "UTC"):
        zone = ZoneInfo(name)
        found = runs(Schedule.DAILY, datetime(2026, 1, 1, 12, tzinfo=UTC), 730, at=HALF_PAST_TWO, zone=zone, spread=600)
        days = [run.astimezone(zone).date() for run in found]
        assert {later - earlier for earlier, later in pairwise(days)} == {timedelta(days=1)}, name


def test_a_day_that_a_zone_skips_has_no_run() -> None:
    apia = ZoneInfo("Pacific/Apia")  # Went over the date line on 30 December 2011.

    found = runs(Schedule.DAILY, datetime(2011, 12, 29, 0, tzinfo=UTC), 3, at=time(6), zone=apia)

    assert [run.astimezone(apia).day for run in found] == [29, 31, 1]


# On the row -------------------------------------------------------------------------------------------------------


def test_a_daily_connection_is_due_at_its_workspaces_time(clock: Any, connect: Connect, workspace: Workspace) -> None:
    Workspace.objects.update(timezone="Asia/Tokyo")
    connection = again(connect())
    connection.schedule, connection.daily_at = Schedule.DAILY, time(6)

    connection.plan_next_sync()

    assert timedelta(0) <= connection.next_sync_at - datetime(2026, 11, 24, 21, tzinfo=UTC) < DAILY_SPREAD
    assert connection.schedule_words == "Every day at 06:00 (Asia/Tokyo)"


def test_a_zone_that_the_machine_does_not_know_counts_as_utc(clock: Any, connect: Connect) -> None:
    Workspace.objects.update(timezone="Mars/Olympus_Mons")
    connection = again(connect())
    connection.schedule = Schedule.DAILY

    connection.plan_next_sync()

    assert connection.next_sync_at.replace(minute=0, second=0) == datetime(2026, 11, 25, 6, tzinfo=UTC)


@pytest.mark.parametrize("schedule", [Schedule.QUARTER_HOURLY, Schedule.HOURLY, Schedule.DAILY])
def test_all_times_that_were_missed_run_once(clock: Any, connect: Connect, schedule: Schedule) -> None:
    Connection.objects.update(schedule=schedule)
    connection = connect()
    clock.shift(timedelta(days=5))

    queued = [queue_due()]
    Sync.objects.update(state=SyncState.COMPLETE)
    queued += [queue_due()]

    assert queued == [1, 0]
    assert again(connection).next_sync_at > timezone.now()


def test_a_connection_is_late_after_twice_its_schedule_and_never_when_that_is_off(clock: Any, connect: Connect) -> None:
    connection = connect()
    for schedule, hours in ((Schedule.QUARTER_HOURLY, 0.5), (Schedule.HOURLY, 2), (Schedule.DAILY, 48)):
        connection.schedule = schedule
        assert connection.late_from_now() == NOON + timedelta(hours=hours)

    connection.schedule = Schedule.OFF
    assert connection.late_from_now() is None


def test_resuming_makes_due_what_has_a_schedule_and_only_that(clock: Any, connect: Connect, alice: User) -> None:
    connection = connect()
    connection.pause(by=alice)
    connection.resume(by=alice)
    assert again(connection).next_sync_at == NOON

    Connection.objects.update(schedule=Schedule.OFF)
    connection = again(connection)
    connection.pause(by=alice)
    connection.resume(by=alice)
    assert again(connection).next_sync_at is None
    assert again(connection).late_at is None


def test_a_new_connection_is_pulled_hourly_and_considerately(workspace: Workspace, alice: User) -> None:
    fresh = Connection(workspace=workspace, created_by=alice)

    assert (fresh.schedule, fresh.pace) == (Schedule.HOURLY, Pace.CONSIDERATE)


# The workspace's zone ---------------------------------------------------------------------------------------------


def test_staff_choose_the_zone_of_a_workspace_and_what_is_daily_follows(
    clock: Any, staff_client: Client, connect: Connect, workspace: Workspace
) -> None:
    daily, hourly = connect(name="Daily"), connect(name="Hourly")
    Connection.objects.filter(pk=daily.pk).update(schedule=Schedule.DAILY)
    before = again(hourly).next_sync_at

    response = staff_client.post(address_of(workspace), posted(workspace, timezone="Europe/Berlin"))

    assert response.status_code == 302
    assert again(workspace).timezone == "Europe/Berlin"
    assert again(daily).next_sync_at.replace(minute=0, second=0) == datetime(2026, 11, 25, 5, tzinfo=UTC)
    assert again(hourly).next_sync_at == before


def test_a_zone_that_there_is_not_is_refused(staff_client: Client, connect: Connect, workspace: Workspace) -> None:
    response = staff_client.post(address_of(workspace), posted(workspace, timezone="Europe/Atlantis"))

    assert response.status_code == 200
    assert again(workspace).timezone == "UTC"


def address_of(workspace: Workspace) -> str:
    return f"/admin/connections/workspace/{workspace.pk}/change/"


def posted(workspace: Workspace, **changed: str) -> dict[str, object]:
    """The admin's form as it is rendered, but for `changed`."""
    [owner] = workspace.memberships.all()
    inlines = {
        "memberships-TOTAL_FORMS": 1,
        "memberships-INITIAL_FORMS": 1,
        "memberships-0-id": owner.pk,
        "memberships-0-workspace": workspace.pk,
        "memberships-0-user": owner.user_id,
        "memberships-0-role": owner.role,
        "teams-TOTAL_FORMS": 0,
        "teams-INITIAL_FORMS": 0,
    }
    return {"name": workspace.name, "slug": workspace.slug, "timezone": workspace.timezone, **inlines, **changed}


def test_nothing_is_planned_anew_for_drafts(workspace: Workspace, alice: User) -> None:
    draft = Connection.objects.create(
        workspace=workspace,
        source_key="activecampaign",
        created_by=alice,
        schedule="daily",
        holding=Holding.objects.create(),
    )
    everything: ConnectionQuerySet = workspace.connections.all()

    everything.plan_anew()

    assert again(draft).next_sync_at is None
