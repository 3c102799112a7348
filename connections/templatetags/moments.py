"""Moments, in UTC, and how long something took. A script puts moments into the reader's own time, and into words."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

from django import template
from django.template.defaultfilters import pluralize
from django.utils.formats import date_format
from django.utils.html import format_html

register = template.Library()

MANY = 1000  # Pages say one moment at each of dozens of numbers.


@register.filter
def moment(when: datetime | None) -> str:
    return format_html('<time datetime="{}">{}</time>', when.isoformat(), in_utc(when)) if when else ""


@register.filter
def exact_moment(when: datetime | None) -> str:
    return format_html('<time data-exact datetime="{}">{}</time>', when.isoformat(), in_utc(when)) if when else ""


@lru_cache(maxsize=MANY)
def in_utc(when: datetime) -> str:
    return f"{date_format(when.astimezone(UTC), 'j F Y, H:i')} UTC"


@register.filter
def duration(length: timedelta | None) -> str:
    """“1 second”, “3 minutes 5 seconds”, “2 hours 1 minute”."""
    if length is None:
        return ""
    seconds = round(length.total_seconds())
    units = (("hour", seconds // 3600), ("minute", seconds // 60 % 60), ("second", seconds % 60))
    said = [f"{count} {unit}{pluralize(count)}" for unit, count in units if count]
    return " ".join(said[:2]) or "less than a second"
