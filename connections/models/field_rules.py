"""What of a stream's rows is left out or hashed, before anything is stored."""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import models

from connections.models.kept_out import HASHED, spelled_plainly
from sources.spec import Kind, Row, Stream, TextRow, text_of

IS_HASHED = re.compile(f"{HASHED}[0-9a-f]{{64}}")
TEXTS = (Kind.TEXT, Kind.LONG_TEXT, Kind.EMAIL, Kind.PHONE, Kind.ADDRESS)
STRING = re.compile(r'"(?:[^"\\]|\\.)*"?')
PLAIN = re.compile(r"[^,}\]]*")
value_at = json.JSONDecoder().raw_decode


class Rule(models.TextChoices):
    KEEP = "keep", "Keep"
    LEAVE_OUT = "leave_out", "Leave out"
    HASH = "hash", "Hash"


Rules = Mapping[str, str]
"""By field, what is done with it; what is kept has none."""


def rules_of(stream: Stream, chosen: Rules) -> dict[str, str]:
    """As somebody chose it, else as the source suggests."""
    found = {**dict.fromkeys(stream.personal.left_out, Rule.LEAVE_OUT.value), **chosen}
    return {name: rule for name, rule in found.items() if rule != Rule.KEEP}


def choices_for(stream: Stream, name: str) -> list[Rule]:
    """What may be done with a field. By some the product finds its way: which row it is, whose, and of whom."""
    personal, fact = stream.personal, stream.facts.field(name)
    needed = {"id", stream.sideload.column if stream.sideload else "id"}
    for one in personal.belongs_to:
        needed |= {one.field, *(one.only_if or ())[:1]}
    if name in needed or (fact and (fact.of or fact.fills in ("parent", "related"))):
        return [Rule.KEEP]
    if name in personal.address:  # By it a person is found who wants to be erased, and a hash does for that.
        return [Rule.KEEP, Rule.HASH]
    if fact is None or fact.kind in TEXTS:
        return [*Rule]
    return [Rule.KEEP, Rule.LEAVE_OUT]


def must_be_read_again(before: Rules, after: Rules) -> bool:
    """Whether something is wanted that nobody has any more."""
    return any(
        rule != after.get(name) and (rule == Rule.LEAVE_OUT or name not in after) for name, rule in before.items()
    )


@dataclass(frozen=True)
class FieldRules:
    """Those of one stream. `key` is the workspace's, and empty where nothing is hashed."""

    rules: Rules = field(default_factory=dict)
    key: bytes = b""

    def __bool__(self) -> bool:
        return bool(self.rules)

    def applied(self, row: Row) -> Row:
        """The row as it may be stored; the very same where nothing had to go. What stays is spelled as it came."""
        there = {name: self.value(name, row[name]) for name in self.rules if name in row}
        # What would be hashed and is empty, or is a hash already, stays.
        changes = {name: one for name, one in there.items() if self.rules[name] == Rule.LEAVE_OUT or one != row[name]}
        if not changes:
            return row
        text: str | None = text_of(row)
        for name, instead in changes.items():
            text = in_text(text, name, row[name], instead) if text else None
        changed = {name: changes.get(name, row[name]) for name in row if changes.get(name, "") is not None}
        return changed if text is None else TextRow(changed, text)

    def value(self, name: str, value: Any) -> Any:
        """What is kept of a field's value: None for nothing. An empty one stays as it is where it would be hashed."""
        if self.rules[name] == Rule.LEAVE_OUT:
            return None
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
        if value in (None, "", [], {}) or IS_HASHED.fullmatch(text):
            return value
        return f"{HASHED}{self._hash(text)}"

    def _hash(self, text: str) -> str:
        """The same for the same text, in whichever capitals, in all of a workspace.

        Of an address it is what keeps somebody out who was erased, so that their rows are still known as theirs.
        """
        return hmac.new(self.key, json.dumps(("address", spelled_plainly(text))).encode(), hashlib.sha256).hexdigest()

    def excerpt(self, text: str) -> str:
        """The beginning of a row that could not be kept, without the values of these fields, hashed ones included."""
        for name in self.rules:
            text = without_value(text, json.dumps(name))
        return text


def in_text(text: str, name: str, value: Any, instead: Any) -> str | None:
    """The row's text with another value there, or without the field; None where its place in it is not plain."""
    token = f"{json.dumps(name)}:"
    if text.count(token) != 1:
        return None
    begin = text.index(token)
    at = begin + len(token)
    at += text[at] == " "  # As rows have it from before texts were kept as they came.
    found, end = value_at(text, at)
    if found != value:
        return None
    if instead is not None:
        return f"{text[:at]}{json.dumps(instead)}{text[end:]}"
    if text[end] == ",":
        return text[:begin] + text[end + 1 :].removeprefix(" ")
    return text[:begin].rstrip(", ") + text[end:]


def without_value(text: str, name: str) -> str:
    at = text.find(f"{name}:")
    while at >= 0:
        begin = at + len(name) + 1
        rest = text[begin:].lstrip()
        if rest[:1] in ("{", "["):
            return text[:begin]
        value = (STRING if rest[:1] == '"' else PLAIN).match(rest)
        text = f'{text[:begin]}"…"{rest[value.end() if value else 0 :]}'
        at = text.find(f"{name}:", begin)
    return text
