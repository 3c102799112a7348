"""Who is kept out of what is held, known by keyed hashes alone; and what a row is without them."""

import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote
from uuid import UUID

from connections.models.columns import reference
from sources.spec import Personal, Reference, Row, Stream

BLANK = "(erased)"
HASHED = "hashed:"  # Before the hash that is stored in the place of a value.
# What may stand in an address in practice. It begins where nothing of it stands before, so that a long text without
# one is walked through once; `/`, `=`, `&` and the like end it, as they do in links.
PART = r"[\w.!$%'*+`{}~^-]"
ADDRESS = re.compile(rf"(?<!{PART}){PART}{{1,128}}(?:@|%40)[\w-]{{1,63}}(?:\.[\w-]{{1,63}})+", re.IGNORECASE)


def spelled_plainly(address: str) -> str:
    """The one form in which addresses are compared: accounts keep capitals, and no two people differ by them."""
    return unquote(address).strip().lstrip("'`").lower()


def is_address(text: str) -> bool:
    """Whether it can be found in rows."""
    return ADDRESS.fullmatch(text) is not None


@dataclass
class KeptOut:
    """Of one holding. `marks` are hashes under the workspace's `key`, each with the erasure that it belongs to.

    Marks say who it is by address, wherever in the workspace, and by id, in this holding. When a person's row is met by
    its address, its id is marked too, and stands in `found` until somebody takes it from there.
    """

    key: bytes
    holding: UUID
    marks: dict[str, int]
    found: list[tuple[int, str, str]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.marks)

    def mark_of_address(self, address: str) -> str:
        return self._mark("address", spelled_plainly(address))

    def mark_of_row(self, stream: str, external_id: str) -> str:
        return self._mark("row", str(self.holding), stream, external_id)

    def _mark(self, *parts: str) -> str:
        return hmac.new(self.key, json.dumps(parts).encode(), hashlib.sha256).hexdigest()

    def without_them(self, stream: Stream, rows: Mapping[str, Row]) -> dict[str, Row]:
        """What of a page may be stored. What a row names of theirs is blanked; the others are the very same rows."""
        cleansed = ((external_id, self.cleansed(stream, external_id, row)) for external_id, row in rows.items())
        return {external_id: row for external_id, row in cleansed if row is not None}

    def cleansed(self, stream: Stream, external_id: str, row: Row) -> Row | None:
        """The row without what it says of them; None when nothing of it is left."""
        personal = stream.personal
        if self.is_theirs(stream, external_id, row):
            return None
        belonging = [one for one in personal.belongs_to if self._refers(one, row)]
        if belonging and not personal.is_kept:
            return None
        if belonging:
            emptied = {one.field for one in belonging}.union(personal.blanked)
            row = {name: _empty(value) if name in emptied else value for name, value in row.items()}
        return self._blanked(row)

    def is_theirs(self, stream: Stream, external_id: str, row: Row) -> bool:
        """Whether it is their row by its address, or is known by its id."""
        erasure = self._by_address(stream.personal, row)
        if not stream.personal.is_person:
            return erasure is not None
        mark = self.mark_of_row(stream.key, external_id)
        if erasure is not None and mark not in self.marks:
            self.marks[mark] = erasure
            self.found.append((erasure, stream.key, external_id))
        return mark in self.marks

    def _by_address(self, personal: Personal, row: Row) -> int | None:
        named = (mark for name in personal.address for mark in self._marks_in(row.get(name)))
        return next((self.marks[mark] for mark in named if mark in self.marks), None)

    def _marks_in(self, value: Any) -> Iterator[str]:
        """Of the addresses there, or of the one that is stored as its hash."""
        if isinstance(value, str) and value.startswith(HASHED):
            yield value.removeprefix(HASHED)
        yield from map(self.mark_of_address, _addresses(value))

    def _refers(self, by: Reference, row: Row) -> bool:
        if by.only_if and str(row.get(by.only_if[0])).lower() != by.only_if[1].lower():
            return False
        named = reference(row.get(by.field))
        return named is not None and self.mark_of_row(by.stream, named) in self.marks

    def _blanked(self, value: Any) -> Any:
        """The very same where nothing had to be blanked: such a row knows the text that it came as."""
        match value:
            case str():
                return ADDRESS.sub(self._blank, value) if "@" in value or "%40" in value else value
            case dict():
                found = {self._blanked(name): self._blanked(one) for name, one in value.items()}
                return value if found == value else found
            case list():
                listed = [self._blanked(one) for one in value]
                return value if listed == value else listed
        return value

    def _blank(self, found: re.Match[str]) -> str:
        named = _addresses(found[0])
        return BLANK if any(self.mark_of_address(one) in self.marks for one in named) else found[0]


def _addresses(value: Any) -> Iterator[str]:
    """Those in a text, however a link spells them; or in the texts of a list."""
    if isinstance(value, list):
        for one in value:
            yield from _addresses(one)
    elif isinstance(value, str) and ("@" in value or "%40" in value):
        for found in ADDRESS.finditer(value):
            yield from (one[0] for one in ADDRESS.finditer(unquote(found[0])))
            yield from (one[0] for one in ADDRESS.finditer(unquote(found[0]).lstrip("'`")))


def _empty(value: Any) -> Any:
    """Of the same kind: whoever reads the stream expects a text where there was one."""
    return "" if isinstance(value, str) else None
