"""Lets a request out only to where its key belongs, and hands it the key only then."""

from collections.abc import Callable, Mapping

import httpx

from sources.http.failures import Failures
from sources.spec import Secret

Allowed = Callable[[str], bool]


def origin_of(url: httpx.URL) -> str:
    port = "" if url.port is None else f":{url.port}"
    return f"{url.scheme}://{url.host}{port}"


class Guard(httpx.BaseTransport):
    """Above this transport no request carries the key, so none can print it.

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
        return self._inner.handle_request(self._with_key(request))

    def close(self) -> None:
        self._inner.close()

    def _may_go(self, request: httpx.Request) -> bool:
        if request.method != "GET" or request.url.userinfo:
            return False
        origin = origin_of(request.url)
        return origin in self._exempt or (request.url.scheme == "https" and self._allowed(origin))

    def _with_key(self, request: httpx.Request) -> httpx.Request:
        outgoing = httpx.Request(request.method, request.url, headers=request.headers)
        for name, secret in self._secret_headers.items():
            outgoing.headers[name] = secret.reveal()
        return outgoing
