"""From the bytes of a 2xx answer to a JSON object that can be stored."""

import json
from typing import Any

import httpx

from sources.http.exact import read
from sources.http.failures import Failures
from sources.http.mending import mended, needs_mending
from sources.spec import Row

MOST_VALUES = (
    1_000_000  # In one answer; each costs up to seventy bytes. A page of a hundred rows has some ten thousand.
)
NO_VALUES = bytes(sign for sign in range(256) if sign not in b",[{")
WITHIN_A_TEXT = ("Invalid control character", "Invalid \\")  # What json says of one row's text, and not of the whole.


def is_web_page(body: bytes) -> bool:
    return body.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<"


def json_object(response: httpx.Response, *, failures: Failures) -> Row:
    """The object in this answer; its content type does not matter, since APIs mislabel it.

    Objects in its lists are a `TextRow` each.
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
    return len(body.translate(None, NO_VALUES))


def _parsed(body: bytes, *, failures: Failures) -> Any:
    try:
        text = body.decode("utf-8-sig")  # By hand, because json.loads guesses UTF-16 and UTF-32 from bytes.
        found = read(text)
        return mended(found) if needs_mending(text) else found
    except json.JSONDecodeError as error:
        if _is_cut(error):
            raise failures.cut_off() from None
        raise failures.unreadable("odd_text" if error.msg.startswith(WITHIN_A_TEXT) else "not_json") from None
    except UnicodeDecodeError:
        raise failures.unreadable("odd_text" if _is_like_an_object(body) else "not_json") from None
    except (ValueError, RecursionError):
        raise failures.unreadable("odd_json") from None


def _is_like_an_object(body: bytes) -> bool:
    """From its beginning to its end, whatever is wrong with a text in it."""
    body = body.removeprefix(b"\xef\xbb\xbf").strip()
    return body[:1] == b"{" and body[-1:] == b"}"


def _is_cut(error: json.JSONDecodeError) -> bool:
    """An object that stops before its end; what is wrong within would be wrong again."""
    text = error.doc.rstrip()
    stops = error.pos >= len(text) or error.msg.startswith("Unterminated string") or text[-1:] != "}"
    return text.lstrip()[:1] == "{" and stops
