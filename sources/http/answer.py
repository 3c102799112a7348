"""From the bytes of a 2xx answer to a JSON object that can be stored."""

import json
import logging
import math
import re
from typing import Any, NoReturn

import httpx

from sources.http.failures import Failures
from sources.spec import Row

logger = logging.getLogger(__name__)

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # No database and no UTF-8 file takes these.
# JSON can hold them in this spelling alone: a NUL, and a half that has no other half beside it.
ESCAPED_UNSTORABLE = re.compile(
    r"\\u(?:0000|[dD](?:[89abAB]..(?!\\u[dD][c-fC-F])|[c-fC-F](?<!\\u[dD][89abAB]..\\u[dD].)))"
)
ESCAPED_BACKSLASH = r"\\"  # What follows it is no escape.
MOST_VALUES = (
    1_000_000  # In one answer; each costs up to seventy bytes. A page of a hundred rows has some ten thousand.
)
LONGEST_TEXT = 1_000_000  # Characters. The longest mail is shorter; what is longer would burden every page of the rows.


def is_web_page(body: bytes) -> bool:
    return body.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<"


def json_object(response: httpx.Response, *, failures: Failures) -> Row:
    """The object in this answer; its content type does not matter, since APIs mislabel it.

    Raises TemporarilyDown for what asking again may cure (nothing, half of it, a web page), else UnexpectedAnswer.
    """
    body = response.content
    if not body.strip():
        raise failures.empty()
    if is_web_page(body):
        raise failures.web_page()
    if _values_in(body) > MOST_VALUES:
        raise failures.too_large()
    found = _parsed(body, failures=failures)
    if not isinstance(found, dict):
        raise failures.unreadable("not_an_object")
    return found


def _values_in(body: bytes) -> int:
    """At most so many, counted before there are any: millions of empty objects fit into a few packed kilobytes."""
    return sum(body.count(mark) for mark in (b",", b"[", b"{"))


def _parsed(body: bytes, *, failures: Failures) -> Any:
    try:
        text = body.decode("utf-8-sig")  # By hand, because json.loads guesses UTF-16 and UTF-32 from bytes.
        found = json.loads(text, parse_constant=_refuse, parse_float=_finite, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        raise (failures.cut_off() if _is_cut(error) else failures.unreadable("not_json")) from None
    except UnicodeDecodeError:
        raise failures.unreadable("not_json") from None
    except (ValueError, RecursionError):
        raise failures.unreadable("odd_json") from None
    return _storable(found) if _needs_mending(text) else found


def _needs_mending(text: str) -> bool:
    """Seldom: going through all that was found takes longer than all the rest of reading it."""
    plain = text.replace(ESCAPED_BACKSLASH, "  ")
    return len(text) > LONGEST_TEXT or bool(ESCAPED_UNSTORABLE.search(plain))


def _refuse(word: str) -> NoReturn:
    raise ValueError("not a JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number out of range")
    return number


def _object(pairs: list[tuple[str, Any]]) -> Row:
    found = dict(pairs)
    if len(found) < len(pairs):
        logger.warning("A name came twice in one object: the last was kept.")
    return found


def _is_cut(error: json.JSONDecodeError) -> bool:
    """An object that stops before its end; what is wrong within would be wrong again."""
    text = error.doc.rstrip()
    stops = error.pos >= len(text) or error.msg.startswith("Unterminated string") or text[-1:] != "}"
    return text.lstrip()[:1] == "{" and stops


def _storable(value: Any) -> Any:
    match value:
        case str():
            return UNSTORABLE.sub("\ufffd", _not_too_long(value))
        case dict():
            return {_storable(key): _storable(item) for key, item in value.items()}
        case list():
            return [_storable(item) for item in value]
        case _:
            return value


def _not_too_long(text: str) -> str:
    if len(text) > LONGEST_TEXT:
        logger.warning("A text of %d characters was cut to %d.", len(text), LONGEST_TEXT)
    return text[:LONGEST_TEXT]
