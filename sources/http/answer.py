"""From the bytes of a 2xx answer to a JSON object that can be stored."""

import json
import math
import re
from typing import Any, NoReturn

import httpx

from sources.http.failures import Failures
from sources.spec import Row

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # No database and no UTF-8 file takes these.


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
    try:
        found = _storable(_parsed(body))
    except (ValueError, RecursionError):
        raise (failures.cut_off() if _looks_cut(body) else failures.unreadable("not_json")) from None
    if not isinstance(found, dict):
        raise failures.unreadable("not_an_object")
    return found


def _parsed(body: bytes) -> Any:
    # Decoded first, because json.loads guesses UTF-16 and UTF-32 from bytes.
    return json.loads(body.decode("utf-8-sig"), parse_constant=_refuse, parse_float=_finite)


def _refuse(word: str) -> NoReturn:
    raise ValueError("not a JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number out of range")
    return number


def _looks_cut(body: bytes) -> bool:
    return body.lstrip()[:1] == b"{" and body.rstrip()[-1:] != b"}"


def _storable(value: Any) -> Any:
    match value:
        case str():
            return UNSTORABLE.sub("\ufffd", value)
        case dict():
            return {_storable(key): _storable(item) for key, item in value.items()}
        case list():
            return [_storable(item) for item in value]
        case _:
            return value
