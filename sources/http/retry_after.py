"""How long a busy server asks us to wait."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

LEAST, MOST = 1.0, 24 * 3600.0  # Seconds. After a day it is worth a look, whatever was said.
SECONDS = re.compile(r"[0-9]+", re.ASCII)
HTTP_DATE = re.compile(r"[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT", re.ASCII)


def asked_seconds(response: httpx.Response) -> float | None:
    """The seconds of a Retry-After header, within bounds; None when there is none that makes sense."""
    value = response.headers.get("retry-after", "").strip()
    if SECONDS.fullmatch(value):
        return _bounded(float(value[:9]))
    until = _date(value)
    if until is None:
        return None
    sent = _date(response.headers.get("date", "").strip()) or datetime.now(UTC)
    return _bounded((until - sent).total_seconds())


def _bounded(seconds: float) -> float:
    return min(MOST, max(LEAST, seconds))


def _date(value: str) -> datetime | None:
    if not HTTP_DATE.fullmatch(value):
        return None
    try:
        return parsedate_to_datetime(value)
    except ValueError:
        return None
