"""How the steps of a period are called, and its days."""

from datetime import date
from functools import lru_cache

from django.utils.formats import date_format

from connections.figures.figure import Period

FORMATS = {"day": "j M Y", "week": "\\w\\e\\e\\k \\o\\f j M Y", "month": "M Y"}


@lru_cache(maxsize=4096)  # A page says the same days many times over.
def at_step(day: date, step: str) -> str:
    return date_format(day, FORMATS[step])


def days_in_words(period: Period) -> str:
    """From the first to the last, as short as it can be said; of one day that alone."""
    start, end = period.start, period.end
    if start == end:
        return at_step(end, "day")
    if (start.year, start.month) == (end.year, end.month):
        return f"{start.day}–{at_step(end, 'day')}"
    return f"{date_format(start, 'j M' if start.year == end.year else 'j M Y')} – {at_step(end, 'day')}"
