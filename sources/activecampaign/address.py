"""The one form in which an account's address is kept: `https://` and a host, rebuilt from what was typed.

Parsers of URLs disagree about odd input, so this grammar reads plain ASCII by itself and refuses what is odd.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NoReturn

MESSAGES = {
    "not_text": "Enter the API URL as text.",
    "empty": "Enter the API URL.",
    "too_long": "That address is too long.",
    "control_char": "The address contains a line break or a hidden control character. Copy it again.",
    "non_ascii": (
        "The address contains a character that is not plain ASCII (it may only look like one). "
        "Copy it again from ActiveCampaign, Settings > Developer."
    ),
    "inner_space": "The address contains a space.",
    "bad_char": "The address contains a character that cannot be part of it.",
    "percent": "The address must not contain % codes.",
    "no_scheme": "The address must start with https://.",
    "not_https": "The address must start with https://, not http://.",
    "bad_scheme": "Only https:// addresses are accepted.",
    "malformed": "The address must start with https:// (two slashes).",
    "no_host": "The address has no host name.",
    "userinfo": "Remove the part before the @ sign. Do not put a user name or password in the address.",
    "ip_literal": "Enter the ActiveCampaign host name, not an IP address.",
    "port": "Remove the port number.",
    "trailing_dot": "Remove the dot at the end of the host name.",
    "bad_host": "That is not a valid host name.",
    "idn": "International host names are not accepted here.",
    "host_not_allowed": (
        "That host is not an ActiveCampaign API host. It should look like https://youraccount.api-us1.com. "
        "Copy it from ActiveCampaign, Settings > Developer. If it is another one there, ask whoever runs BlinkMetrics."
    ),
    "extra_label": "There is one name too many in front of the ActiveCampaign domain.",
    "fragment": "Remove everything from the # sign on.",
    "query": "Remove everything from the ? sign on.",
    "path": "Enter only the API URL shown in ActiveCampaign, Settings > Developer, without a page path.",
}

MOST_CHARACTERS = 255
API_PATHS = ("", "/", "/api/3", "/api/3/")
SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
AUTHORITY = re.compile(r"[^/?#]*")
LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
NUMERIC = re.compile(r"0x[0-9a-f]*|[0-9]+")  # Resolvers read these as an IP address, whatever stands before.


class RefusedAddress(ValueError):
    """This text is not an address of an account. Its message says what to change, without repeating the text."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True)
class _Parts:
    authority: str
    rest: str


def clean_address(typed: object, *, suffixes: Iterable[str], sandbox_origins: Iterable[str] = ()) -> str:
    """`https://host` of the account, or the sandbox's origin. Raises RefusedAddress.

    Removed are only outer blanks, capitals of scheme and host, `/`, `/api/3`, `/api/3/` and `:443`.
    """
    if not isinstance(typed, str):
        _refuse("not_text")
    text = typed.strip()
    _check_characters(text)
    sandbox = _sandbox_origin(text, sandbox_origins)
    if sandbox:
        return sandbox
    parts = _split(text)
    host = _host(parts.authority)
    _check_host(host, suffixes=suffixes)
    _check_rest(parts.rest)
    return f"https://{host}"


def notes_on(typed: str, cleaned: str) -> str:
    """What cleaning changed, in a sentence for the person who typed it; empty when nothing was changed."""
    text = typed.strip()
    removed = []
    if text != typed:
        removed.append("the blanks around it")
    rest = text[len(cleaned) :]
    if rest.startswith(":443"):
        removed.append(":443")
    rest = rest.removeprefix(":443")
    if rest:
        removed.append("the slash at the end" if rest == "/" else f"{rest} from the end")
    notes = [f"We removed {' and '.join(removed)}."] if removed else []
    if not text.startswith(cleaned):
        notes.append("We wrote it in small letters.")
    return " ".join(notes)


def _refuse(code: str) -> NoReturn:
    raise RefusedAddress(code, MESSAGES[code])


def _check_characters(text: str) -> None:
    if not text:
        _refuse("empty")
    if len(text) > MOST_CHARACTERS:
        _refuse("too_long")
    if any(unicodedata.category(character) == "Cc" for character in text):
        _refuse("control_char")
    if not text.isascii():
        _refuse("non_ascii")
    if " " in text:
        _refuse("inner_space")
    if any(character in text for character in '"<>\\^`{|}'):
        _refuse("bad_char")
    if "%" in text:
        _refuse("percent")


def _sandbox_origin(text: str, origins: Iterable[str]) -> str | None:
    """A sandbox's origin is accepted as it stands in the settings, and in no other spelling of its host."""
    return next((origin for origin in origins if text.lower() in {origin + path for path in API_PATHS}), None)


def _split(text: str) -> _Parts:
    found = SCHEME.match(text)
    after = text[found.end() :] if found else ""
    # "acme.api-us1.com:443" and "localhost:80" begin with a host and a port, not with a scheme.
    if not found or (not after.startswith("//") and ("." in found[1] or after[:1].isdigit())):
        _refuse("no_scheme")
    scheme = found[1].lower()
    if scheme == "http":
        _refuse("not_https")
    if scheme != "https":
        _refuse("bad_scheme")
    if not after.startswith("//"):
        _refuse("malformed")
    authority = AUTHORITY.match(after, 2)
    end = authority.end() if authority else 2
    return _Parts(authority=after[2:end], rest=after[end:])


def _host(authority: str) -> str:
    if not authority:
        _refuse("no_host")
    if "@" in authority:
        _refuse("userinfo")
    if "[" in authority or "]" in authority or authority.count(":") > 1:
        _refuse("ip_literal")
    host, colon, port = authority.partition(":")
    if not host:
        _refuse("no_host")
    if colon and port != "443":
        _refuse("port")
    return host.lower()


def _check_host(host: str, *, suffixes: Iterable[str]) -> None:
    if host.endswith("."):
        _refuse("trailing_dot")
    labels = host.split(".")
    if NUMERIC.fullmatch(labels[-1]):
        _refuse("ip_literal")
    if not all(LABEL.fullmatch(label) for label in labels):
        _refuse("bad_host")
    if any(label[2:4] == "--" for label in labels):
        _refuse("idn")
    account = _account(host, suffixes)
    if not account:
        _refuse("host_not_allowed")
    if "." in account:
        _refuse("extra_label")


def _account(host: str, suffixes: Iterable[str]) -> str:
    """What stands before an accepted domain; of two that fit, the longer leaves the account's own name."""
    endings = ("." + suffix.strip(".").lower() for suffix in suffixes if suffix.strip("."))
    return min((host.removesuffix(ending) for ending in endings if host.endswith(ending)), key=len, default="")


def _check_rest(rest: str) -> None:
    if "#" in rest:
        _refuse("fragment")
    if "?" in rest:
        _refuse("query")
    if rest not in API_PATHS:
        _refuse("path")
