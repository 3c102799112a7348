"""Lets a request out only to where its key belongs, hands it the key only then, and lets no key come back."""

import re
from collections.abc import Callable, Iterable, Mapping

import httpx

from sources.http.failures import Failures
from sources.spec import Secret

Allowed = Callable[[str], bool]

MASK = b"****"
# A letter, digit or sign that needs no escape. An honest answer has hardly any of these: accents are what is escaped.
ESCAPED_LETTER = re.compile(rb"\\u00([2-7][0-9a-fA-F])")


def origin_of(url: httpx.URL) -> str:
    port = "" if url.port is None else f":{url.port}"
    return f"{url.scheme}://{url.host}{port}"


class Guard(httpx.BaseTransport):
    """Above this transport nothing carries the key, so nothing can print it: no request, and no answer that echoes it.

    `allowed` judges an origin (`https://host`); an origin in `exempt` needs neither https nor its permission.
    """

    def __init__(
        self,
        inner: httpx.BaseTransport,
        *,
        allowed: Allowed,
        failures: Failures,
        exempt: frozenset[str] = frozenset(),
        secret_headers: Mapping[str, Secret] | None = None,
    ) -> None:
        self._inner = inner
        self._allowed = allowed
        self._failures = failures
        self._exempt = exempt
        self._secret_headers = dict(secret_headers or {})

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if not self._may_go(request):
            raise self._failures.not_allowed()
        return self._without_key(self._inner.handle_request(self._with_key(request)))

    def close(self) -> None:
        self._inner.close()

    def _may_go(self, request: httpx.Request) -> bool:
        if request.method != "GET" or request.url.userinfo:
            return False
        origin = origin_of(request.url)
        return origin in self._exempt or (request.url.scheme == "https" and self._allowed(origin))

    def _with_key(self, request: httpx.Request) -> httpx.Request:
        outgoing = httpx.Request(request.method, request.url, headers=request.headers, extensions=request.extensions)
        for name, secret in self._secret_headers.items():
            outgoing.headers[name] = secret.reveal()
        return outgoing

    def _without_key(self, response: httpx.Response) -> httpx.Response:
        keys = {secret.reveal() for secret in self._secret_headers.values() if secret}
        spellings = {spelling.encode() for key in keys for spelling in _spellings(key)}
        body = _unescaped(response.content)
        told = [body, *(value for _, value in response.headers.raw)]
        if not any(spelling in text for spelling in spellings for text in told):
            return response
        headers = [(name, _masked(value, spellings)) for name, value in response.headers.raw]
        content = _masked(body, spellings)
        return httpx.Response(response.status_code, headers=_without_length(headers), content=content)


def _spellings(key: str) -> Iterable[str]:
    """As JSON may write it, and in letters of another size; the whole key alone, so that rows stay what they are."""
    return [spelling for text in (key, key.lower(), key.upper()) for spelling in (text, text.replace("/", "\\/"))]


def _unescaped(body: bytes) -> bytes:
    """To look for the key in; not for use where there is none, as after a backslash this is no escape."""
    if not ESCAPED_LETTER.search(body):
        return body
    return ESCAPED_LETTER.sub(_letter, body)


def _letter(found: re.Match[bytes]) -> bytes:
    letter = bytes.fromhex(found[1].decode())
    return found[0] if letter in b'"\\' else letter


def _masked(text: bytes, spellings: Iterable[bytes]) -> bytes:
    for spelling in spellings:
        text = text.replace(spelling, MASK)
    return text


def _without_length(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in headers if name.lower() != b"content-length"]
