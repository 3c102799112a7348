"""How the values of rows read: amounts with their currency, codes in words, moments in the reader's own time."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django import template
from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.formats import date_format
from django.utils.html import format_html

from connections.templatetags.moments import exact_moment
from sources.spec import Field, Kind

register = template.Library()

NOTHING = "–"
WORD_BEGINS = re.compile(r"(?<=[a-z])(?=[A-Z])|_")
FIRST_MOMENT = datetime(1970, 1, 1, tzinfo=UTC)  # What is not later says that there is none, as the year 0 does.
WHOLE_NUMBER = re.compile(r"-?[0-9]{1,30}", re.ASCII)
SIGNS = {"USD": "$", "EUR": "€", "GBP": "£"}  # Others have signs that several share.
# Whether ActiveCampaign counts these in hundredths, too, no live account has shown yet.
WITHOUT_CENTS = {
    *("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF")
}
YES_OR_NO = {"1": "Yes", "0": "No", "true": "Yes", "false": "No"}


@register.filter
def or_dash(value: Any) -> Any:
    return NOTHING if value is None or value == "" else value


@register.filter
def counted(number: int) -> str:
    """A dash for none, so that what there is stands out."""
    return f"{number:,}" if number else NOTHING


@register.filter
def name_in_words(name: str) -> str:
    """What a field is called that nobody has named: its name taken apart."""
    return WORD_BEGINS.sub(" ", name).capitalize()


def in_words(value: Any, field: Field, *, zone: str = "UTC", currency: str = "") -> str:
    """The value as people read it; empty where there is none, and as it came where it is not of its kind."""
    text = as_text(value)
    if not text.strip():
        return ""
    match field.kind:
        case Kind.MONEY:
            return money(text, field, currency)
        case Kind.MOMENT:
            return moment_in_words(text, ZoneInfo(zone))
        case kind if kind in PLAINLY:
            return PLAINLY[kind](text)
        case Kind.CHOICE:
            return field.word(text)
        case Kind.OPTIONS:
            return ", ".join(options_in(text).values()) or text
        case Kind.TEXT if field.fills == "currency":
            return text.upper()
        case Kind.TEXT:
            return without_bars(text)
    return text


def options_in(text: str) -> dict[str, str]:
    """The labels of what can be chosen, by the codes that stand for them; none in what a table has cut."""
    try:
        listed = json.loads(text)
    except ValueError:
        return {}
    listed = listed if isinstance(listed, list) else []
    pairs = ((one.get("value"), one.get("label")) if isinstance(one, dict) else (one, one) for one in listed)
    return {as_text(code): as_text(label or code) for code, label in pairs if code or label}


@register.filter
def without_bars(text: str) -> str:
    """Several choices come in one text, between bars."""
    return ", ".join(filter(None, text.split("||"))) if text.startswith("||") else text


def as_text(value: Any) -> str:
    match value:
        case None:
            return ""
        case str():
            return value
    return json.dumps(value, ensure_ascii=False)


def number(text: str) -> str:
    return str(intcomma(text)) if WHOLE_NUMBER.fullmatch(text) else text


def money(text: str, field: Field, currency: str) -> str:
    """Whole cents in units: 14700 are $ 147.00."""
    if not WHOLE_NUMBER.fullmatch(text):
        return text
    digits = text.lstrip("-").zfill(field.scale + 1)
    amount = f"{intcomma(digits[: -field.scale])}.{digits[-field.scale :]}"
    code = currency.upper()
    unproven = " (unproven)" if code in WITHOUT_CENTS else ""
    return f"{'-' if text.startswith('-') else ''}{SIGNS.get(code, code)} {amount}{unproven}".strip()


def yes_or_no(text: str) -> str:
    return YES_OR_NO.get(text, text)


def day(text: str) -> str:
    """A date without a clock, which no zone moves."""
    try:
        found = date.fromisoformat(text[:10])
    except ValueError:
        return "" if text.startswith("0000-00-00") else text
    return date_format(found, "j F Y") if found >= FIRST_MOMENT.date() else ""


def moment_in_words(text: str, zone: ZoneInfo) -> str:
    if text.startswith("0000-00-00"):
        return ""
    try:
        found = datetime.fromisoformat(text)
        found = (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):  # A day that there is not, such as 30 February, or one after the last.
        return text
    return exact_moment(found) if found > FIRST_MOMENT else ""


PLAINLY: Mapping[Kind, Callable[[str], str]] = {
    Kind.NUMBER: number,
    Kind.YES_NO: yes_or_no,
    Kind.DAY: day,
}


def leading(text: str, kind: Kind) -> str:
    """The value as a link, where its kind leads anywhere."""
    if kind == Kind.EMAIL and "@" in text:
        return format_html('<a href="mailto:{}">{}</a>', text, text)
    if kind == Kind.PHONE and sum(map(str.isdigit, text)) > 4:
        return format_html('<a href="tel:{}">{}</a>', re.sub(r"[^\d+]", "", text), text)
    if kind == Kind.ADDRESS and is_on_the_web(text):
        return format_html('<a href="{}" rel="noopener noreferrer nofollow">{}</a>', text, text)
    return text


def is_on_the_web(text: str) -> bool:
    try:
        return urlsplit(text).scheme in ("http", "https")
    except ValueError:
        return False
