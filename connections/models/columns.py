"""Typed columns beside a row's text, read from the row by its stream's facts."""
# ruff: noqa: DJ001  None is where a row says nothing, and what a new column holds without a write to any row.

import json
import re
import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from django.db import models

from connections.models.hidden_address import BEGIN
from sources.spec import Columns, Row

LONGEST_LABEL = 200  # Characters, of what people read in one line.
LONGEST_SEARCH = 500  # An index takes no more than that, in letters of four bytes.
LONGEST_CODE = 60
LONGEST_ID = 64
# What lies outside is a mistake, or another way to say that there is none: the year 0, the first moment of computers.
FIRST_MOMENT, LAST_MOMENT = "1970-01-01 00:00:00", "2200-01-01 00:00:00"
WHOLE_NUMBER = re.compile(r"(-?[0-9]{1,15})(?:\.0*)?", re.ASCII)
MOST = 10**15  # Of the smallest parts of a unit: a sum of thousands of these is still a number to both databases.
CODE = re.compile(rf"[^\s/{BEGIN}](?:[^\n/{BEGIN}]*[^\s/{BEGIN}])?")  # No place, so that none is hidden in it.
CURRENCY = re.compile(r"[A-Za-z]{3}", re.ASCII)

CUT = {LONGEST_LABEL, LONGEST_SEARCH}

Value = str | int | None
Read = Callable[[Row], Value]


class TypedColumns(models.Model):
    """What pages and numbers look into. Where the text has a mark in the place of the address, these have it too.

    None where the row says nothing, or nothing that can be meant. `amount` is in the smallest parts of its unit.
    """

    label = models.CharField(max_length=LONGEST_LABEL, null=True)
    search = models.CharField(max_length=1000, null=True)  # It was cut later once.
    happened_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    amount = models.BigIntegerField(null=True)
    currency = models.CharField(max_length=3, null=True)
    choice = models.CharField(max_length=LONGEST_CODE, null=True)
    parent = models.CharField(max_length=LONGEST_ID, null=True)
    related = models.CharField(max_length=LONGEST_ID, null=True)
    owner = models.CharField(max_length=LONGEST_ID, null=True)

    class Meta:
        abstract = True


NAMES = tuple(field.name for field in TypedColumns._meta.fields)


@lru_cache(maxsize=1024)
def readers(facts: Columns) -> Mapping[str, Read]:
    """What reads each column from a row; of those alone that the facts fill."""
    found: dict[str, Read | None] = {
        "label": _label(facts) if facts.label or facts.label_else else None,
        "search": _folded(facts.search) if facts.search else None,
        "happened_at": _moment(facts.happened_at, facts.zone),
        "ended_at": _moment(facts.ended_at, facts.zone),
        "amount": _read(facts.amount, amount),
        "currency": _read(facts.currency, currency),
        "choice": _read(facts.choice, code),
        "parent": _read(facts.parent, reference),
        "related": _read(facts.related, reference),
        "owner": _read(facts.owner, reference),
    }
    return {name: read for name, read in found.items() if read}


def _read(field: str, kind: Callable[[Any], Value]) -> Read | None:
    return (lambda row: kind(row.get(field))) if field else None


def _moment(field: str, zone: str) -> Read | None:
    here = ZoneInfo(zone)
    return _read(field, lambda value: moment(value, zone=here))


def _label(facts: Columns) -> Read:
    first, second = _words(facts.label, LONGEST_LABEL), _words((facts.label_else,), LONGEST_LABEL)
    return lambda row: first(row) or second(row)


def _words(fields: tuple[str, ...], most: int) -> Read:
    def read(row: Row) -> str | None:
        """With one blank between words."""
        said = [*map(row.get, fields)]
        try:
            words = " ".join(filter(None, said)).split()
        except TypeError:  # Hardly ever: one is no text.
            words = " ".join(map(plain, said)).split()
        return " ".join(words)[:most] or None

    return read


def _folded(fields: tuple[str, ...]) -> Read:
    """Never none, so that rows are in one order by it."""
    words = _words(fields, LONGEST_SEARCH)
    return lambda row: folded(str(words(row) or ""))[:LONGEST_SEARCH]


def folded(text: str) -> str:
    """As texts are looked for and sorted: in small letters without accents, with one blank between words."""
    if text.isascii():
        return text.lower()
    words = [word.lower() if word.isascii() else _folded_word(word) for word in text.split()]
    return " ".join(" ".join(words).split())


@lru_cache(maxsize=4096)
def _folded_word(word: str) -> str:
    apart = unicodedata.normalize("NFKD", word.casefold())
    return unicodedata.normalize("NFC", "".join(letter for letter in apart if not unicodedata.combining(letter)))


def plain(value: Any) -> str:
    """A text, a number without a fraction, or yes and no; empty for what else JSON may hold."""
    match value:
        case str():
            return value
        case int():
            return str(int(value))
    return ""


def moment(value: Any, *, zone: ZoneInfo) -> str | None:
    """In UTC, as both databases read it."""
    if not isinstance(value, str) or value[4:5] != "-":
        return None
    try:
        found = datetime.fromisoformat(value)
        found = (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    text = found.isoformat(" ").removesuffix("+00:00")
    return text if FIRST_MOMENT < text < LAST_MOMENT else None


def amount(value: Any) -> int | None:
    number = WHOLE_NUMBER.fullmatch(value if isinstance(value, str) else plain(value))
    return int(number[1]) if number and abs(int(number[1])) < MOST else None


def currency(value: Any) -> str | None:
    """In capitals, as accounts spell it in either way."""
    return value.upper() if isinstance(value, str) and CURRENCY.fullmatch(value) else None


def code(value: Any) -> str | None:
    text = plain(value)
    return text if len(text) <= LONGEST_CODE and CODE.fullmatch(text) else None


def reference(value: Any) -> str | None:
    """The id of another row; none has 0."""
    text = plain(value)
    return text if len(text) <= LONGEST_ID and text != "0" and CODE.fullmatch(text) else None


def values_of(rows: Collection[Row], texts: Sequence[str], facts: Columns, *, address: str) -> list[tuple[Value, ...]]:
    """What stands in the columns of `readers`, as the rows' stored texts have it: without the address."""
    reading = tuple(readers(facts).values())
    found = [tuple([read(row) for read in reading]) for row in rows]
    if _may_hide(found, address):
        found = [tuple([read(row) for read in reading]) for row in map(json.loads, texts)]
    return found


def _may_hide(found: list[tuple[Value, ...]], address: str) -> bool:
    """Whether one has what is hidden in the texts, or is cut, perhaps in the middle of that. Asked of all at once."""
    said = [value for values in found for value in values if type(value) is str]
    together = "\n".join(said)
    return address in together or BEGIN in together or not CUT.isdisjoint(map(len, said))
