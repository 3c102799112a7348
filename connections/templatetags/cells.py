"""How pulled rows read in a table: columns in words, moments in the reader's own time."""

import re
from datetime import UTC
from typing import Any

from django import template
from django.utils.dateparse import parse_datetime

from connections.templatetags.moments import exact_moment
from sources.spec import Source

register = template.Library()

MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?([+-]\d\d:?\d\d|Z)")
WORD_BEGINS = re.compile(r"(?<=[a-z])(?=[A-Z])|_")


@register.filter
def column_word(column: str, source: Source | None) -> str:
    """What people call this column: the source's word for it, else its name taken apart."""
    told = source.column_words.get(column) if source else None
    return told or WORD_BEGINS.sub(" ", column).capitalize()


@register.filter
def cell(value: Any) -> str:
    if value is None or value == "":
        return "–"
    moment = moment_in(value)
    return str(value) if moment is None else exact_moment(moment)


def moment_in(value: Any) -> Any:
    """The moment that a text with date, time and zone names; None for everything else."""
    if not isinstance(value, str) or not MOMENT.fullmatch(value):
        return None
    try:
        found = parse_datetime(value)
        return found and found.astimezone(UTC)
    except (ValueError, OverflowError):  # A day that there is not, such as 30 February, or one before the first.
        return None
