"""Times as an ActiveCampaign account writes them: US Central wall clocks, with and without their offset."""

import calendar
import time
from datetime import UTC, datetime, timedelta, timezone
from functools import cache, lru_cache

WORLD_BEGINS = calendar.timegm((2023, 1, 9, 14, 0, 0))
WORLD_ENDS = calendar.timegm((2026, 6, 30, 22, 0, 0))
# Fixed, not relative to today: the same seed gives the same rows, so a restarted sandbox shows nothing as changed.
SPAN = WORLD_ENDS - WORLD_BEGINS


def now() -> int:
    return int(time.time())


def iso(moment: int) -> str:
    """`2026-03-02T09:14:11-06:00`."""
    clock, hours = _wall(moment)
    return f"{clock[:10]}T{clock[11:]}-0{-hours}:00"


def plain(moment: int) -> str:
    """`2026-03-02 09:14:11`: the same wall clock without its offset, as the older columns have it."""
    return _wall(moment)[0]


def day(moment: int) -> str:
    return plain(moment)[:10]


def parse(text: str) -> float:
    """Seconds since 1970 of an ISO time or day; one without a zone is the account's wall clock. Raises ValueError."""
    found = datetime.fromisoformat(text.strip())
    if found.tzinfo is None:
        local = found.replace(tzinfo=UTC).timestamp()
        found = found.replace(tzinfo=timezone(timedelta(hours=_offset(int(local) + 6 * 3600))))
    return found.timestamp()


@lru_cache(maxsize=1_000)  # Rows write the same moment in several columns.
def _wall(moment: int) -> tuple[str, int]:
    hours = _offset(moment)
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(moment + hours * 3600)), hours


def _offset(moment: int) -> int:
    begins, ends = _summer(time.gmtime(moment).tm_year)
    return -5 if begins <= moment < ends else -6


@cache
def _summer(year: int) -> tuple[int, int]:
    """When US Central summer time begins and ends, by the rule since 2007: no machine needs a zone database for it."""
    return calendar.timegm((year, 3, _sunday(year, 3, nth=2), 8, 0, 0)), calendar.timegm(
        (year, 11, _sunday(year, 11, nth=1), 7, 0, 0)
    )


def _sunday(year: int, month: int, *, nth: int) -> int:
    first = 1 + (6 - calendar.weekday(year, month, 1)) % 7
    return first + 7 * (nth - 1)
