"""When a schedule's next sync is due, each connection at a moment of its own so that not all start at once."""

from datetime import UTC, datetime, time, timedelta, tzinfo
from math import floor

from connections.models.choices import INTERVALS, Schedule

DAILY_SPREAD = timedelta(minutes=15)
LEAST_PAUSE = 0.25  # Of the interval. A sync that took nearly all of it is not followed by the next one at once.


def next_run(schedule: Schedule, *, now: datetime, at: time, zone: tzinfo, spread: int) -> datetime | None:
    """The next moment after `now`; None when the schedule is off. `at` and `zone` count for daily ones alone.

    `spread` is any number that stays the same for one connection and differs from that of others.
    """
    match schedule:
        case Schedule.OFF:
            return None
        case Schedule.DAILY:
            return next_day(now=now, at=at, zone=zone, delay=timedelta(seconds=spread % DAILY_SPREAD.total_seconds()))
        case _:
            interval = INTERVALS[schedule].total_seconds()
            return next_on_grid(now=now + LEAST_PAUSE * INTERVALS[schedule], interval=interval, offset=spread)


def next_on_grid(*, now: datetime, interval: float, offset: int) -> datetime:
    offset_within = offset % interval
    steps = floor((now.timestamp() - offset_within) / interval) + 1
    return datetime.fromtimestamp(steps * interval + offset_within, tz=UTC)


def next_day(*, now: datetime, at: time, zone: tzinfo, delay: timedelta) -> datetime:
    """Once for each day of the calendar there.

    Where the clocks skip that time it is as much later as they skip, and where they repeat it, the first of the two.
    """
    today = now.astimezone(zone).date()
    days = (today + timedelta(days=days) for days in range(-1, 3))  # A zone may skip a whole day.
    # Added in UTC: sums of local times know nothing of the clocks' changes.
    runs = (datetime.combine(day, at, tzinfo=zone).astimezone(UTC) + delay for day in days)
    return next(run for run in runs if run > now)
