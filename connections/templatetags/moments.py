"""Moments, in UTC. A script puts them into the reader's own time and, unless they are exact, into words."""

from datetime import UTC, datetime

from django import template
from django.utils.formats import date_format
from django.utils.html import format_html

register = template.Library()


@register.filter
def moment(when: datetime | None) -> str:
    return format_html('<time datetime="{}">{}</time>', when.isoformat(), in_utc(when)) if when else ""


@register.filter
def exact_moment(when: datetime | None) -> str:
    return format_html('<time data-exact datetime="{}">{}</time>', when.isoformat(), in_utc(when)) if when else ""


def in_utc(when: datetime) -> str:
    return f"{date_format(when.astimezone(UTC), 'j F Y, H:i')} UTC"
