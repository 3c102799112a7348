"""Reads JSON so that each row of an answer keeps the text that it came as."""

import json
import logging
import math
from typing import Any, NoReturn

from sources.http.tokens import BRACKETS, frame_of, is_deeper, past_blanks, rewritten, without_blanks
from sources.spec import Row, TextRow

logger = logging.getLogger(__name__)

# Brackets in one another. What reads a row again, such as a page, may stand deeper in the stack than what reads an
# answer, and would fail at a row that went just in.
MOST_DEEP = 100


def read(text: str) -> Any:
    """What the text says. Where that is an object, the objects in its lists are a `TextRow` each.

    Raises JSONDecodeError, ValueError for a number that is none or out of range, and RecursionError.
    """
    frame = frame_of(text.strip())
    has_blanks = bool(frame.translate(None, BRACKETS + b":"))
    reader = _Reader(text, has_blanks=has_blanks)
    found = reader.whole()
    if reader.names < frame.count(b":"):
        found = _Reader(text, has_blanks=has_blanks, looks_at_names=True).whole()
    if is_deeper(frame, MOST_DEEP):
        raise RecursionError("nested deeper than any row")
    return found


class _Reader:
    """Goes through the outer object, and where need be its lists, to know where a row ends; the rest is json's in C.

    Each method takes where something begins, and gives what it is and where it ends. To look at the names of each
    object takes half as long again, so it is done where some are known to be missing.
    """

    def __init__(self, text: str, *, has_blanks: bool, looks_at_names: bool = False) -> None:
        self._text = text
        self._has_blanks = has_blanks
        self._is_careful = has_blanks or looks_at_names
        self._objects = _Objects()
        self._value = json.JSONDecoder(
            parse_constant=_refuse,
            parse_float=_finite,
            object_hook=self._objects.count,
            object_pairs_hook=self._objects.of if looks_at_names else None,
        ).raw_decode

    @property
    def names(self) -> int:
        """How many names there are in all objects, each once."""
        return self._objects.names

    def whole(self) -> Any:
        at = past_blanks(self._text, 0)
        found, end = self._answer(at) if self._sign(at) == "{" else self._value(self._text, at)
        end = past_blanks(self._text, end)
        if end < len(self._text):
            raise self._error("Extra data", end)
        return found

    def _answer(self, at: int) -> tuple[Row, int]:
        pairs: list[tuple[str, Any]] = []
        at = past_blanks(self._text, at + 1)
        while self._sign(at) != "}" or pairs:
            name, at = self._name(at)
            value, at = self._rows(at) if self._sign(at) == "[" else self._value(self._text, at)
            pairs.append((name, value))
            at = past_blanks(self._text, at)
            if self._sign(at) == "}":
                break
            at = self._past(",", at)
        return self._objects.of(pairs), at + 1

    def _name(self, at: int) -> tuple[str, int]:
        if self._sign(at) != '"':
            raise self._error("Expecting a name", at)
        name, at = self._value(self._text, at)
        return name, self._past(":", past_blanks(self._text, at))

    def _rows(self, at: int) -> tuple[list[Any], int]:
        """At once, where it is plain which text is whose: a name that all rows have is then made once."""
        if self._is_careful:
            return self._one_by_one(at)
        names = self._objects.names
        found, end = self._value(self._text, at)
        texts = self._text[at + 2 : end - 2].split("},{")
        # One of these is between any two rows; where there are no more of them, none is within a row.
        if len(texts) == len(found) and all(isinstance(row, dict) for row in found):
            return [TextRow(row, f"{{{text}}}") for row, text in zip(found, texts, strict=True)], end
        self._objects.names = names
        return self._one_by_one(at)

    def _one_by_one(self, at: int) -> tuple[list[Any], int]:
        found: list[Any] = []
        at = past_blanks(self._text, at + 1)
        while self._sign(at) != "]" or found:
            row, at = self._row(at)
            found.append(row)
            at = past_blanks(self._text, at)
            if self._sign(at) == "]":
                break
            at = self._past(",", at)
        return found, at + 1

    def _row(self, at: int) -> tuple[Any, int]:
        self._objects.had_a_name_twice = False
        row, end = self._value(self._text, at)
        if not isinstance(row, dict):
            return row, end
        text = self._text[at:end]
        if self._objects.had_a_name_twice:
            text = rewritten(text, str)
        elif self._has_blanks:
            text = without_blanks(text)
        return TextRow(row, text), end

    def _sign(self, at: int) -> str:
        return self._text[at : at + 1]

    def _past(self, sign: str, at: int) -> int:
        if self._sign(at) != sign:
            raise self._error(f"Expecting '{sign}'", at)
        return past_blanks(self._text, at + 1)

    def _error(self, message: str, at: int) -> json.JSONDecodeError:
        return json.JSONDecodeError(message, self._text, at)


class _Objects:
    """Sees each object. Apart from the reader, which would be in a circle with what it reads by."""

    def __init__(self) -> None:
        self.names = 0
        self.had_a_name_twice = False

    def count(self, found: Row) -> Row:
        self.names += len(found)
        return found

    def of(self, pairs: list[tuple[str, Any]]) -> Row:
        found = self.count(dict(pairs))
        if len(found) < len(pairs):
            logger.warning("A name came twice in one object: the last was kept.")
            self.had_a_name_twice = True
        return found


def _refuse(word: str) -> NoReturn:
    raise ValueError("not a JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number out of range")
    return number
