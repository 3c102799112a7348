"""The lowest transport: one call to a judged address, within its limits, without redirects, proxies or cookies."""

import logging
import ssl
import time
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from typing import cast
from urllib.parse import unquote, urlsplit

import httpcore
import httpx

from sources.errors import SourceError, TemporarilyDown
from sources.http.body import read_body, unpacked
from sources.http.dialling import Dial, Dialler, dial_directly
from sources.http.failures import Failures
from sources.http.limits import BULK, Call, Limits
from sources.http.lookup import Resolve, ask_resolver
from sources.http.waiting import StillWanted, always

logger = logging.getLogger(__name__)

FAILURE_BODY_BYTES = 64_000  # Of a refusal only the first characters are ever looked at.
MOST_CONNECTIONS = 32
NOT_PASSED_ON = {b"content-encoding", b"content-length", b"transfer-encoding", b"set-cookie"}


@cache
def strict_tls(ca_file: str = "") -> ssl.SSLContext:
    """Verification with the bundled authorities, and those in the operator's file: none that the environment names."""
    context = httpx.create_ssl_context(trust_env=False)
    if ca_file:
        context.load_verify_locations(ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def host_and_port(origin: str) -> tuple[str, int]:
    parts = urlsplit(origin)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def _proxy(address: str, *, tls: ssl.SSLContext) -> httpcore.Proxy:
    parts = urlsplit(address)
    auth = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
    host, port = host_and_port(address)
    return httpcore.Proxy(
        httpcore.URL(scheme=parts.scheme, host=host, port=port, target="/"),
        auth=auth,
        ssl_context=tls if parts.scheme == "https" else None,
    )


class Wire(httpx.BaseTransport):
    """Sends a request and reads its whole answer. Raises SourceError, never one of httpx's.

    A request's extension `limits` stands in for the usual ones. The answer's extension `began` is when its head was
    there (monotonic).

    Through a `proxy` (`http://user:password@host:port`) goes all but what is exempt: it looks the names up, so that
    there are no addresses to judge here. `exempt` are (host, port) pairs whose address is not judged. `ends_at`
    (monotonic) bounds all calls together. What `still_wanted` raises gives up the call that is under way. `resolve`,
    `dial` and `tls` stand in for the network in tests.
    """

    def __init__(
        self,
        *,
        failures: Failures,
        limits: Limits = BULK,
        exempt: frozenset[tuple[str, int]] = frozenset(),
        ends_at: float = float("inf"),
        resolve: Resolve = ask_resolver,
        dial: Dial = dial_directly,
        tls: ssl.SSLContext | None = None,
        still_wanted: StillWanted = always,
        proxy: str = "",
    ) -> None:
        self._failures = failures
        self._limits = limits
        self._ends_at = ends_at
        self._exempt = exempt
        ways_out = {host_and_port(proxy)} if proxy else set()
        self._dialler = Dialler(
            failures=failures, exempt=exempt | ways_out, resolve=resolve, dial=dial, still_wanted=still_wanted
        )
        self._tls = tls or strict_tls()
        self._direct = self._pool()
        self._usual = self._pool(_proxy(proxy, tls=self._tls)) if proxy else self._direct

    def _pool(self, proxy: httpcore.Proxy | None = None) -> httpcore.ConnectionPool:
        return httpcore.ConnectionPool(
            ssl_context=self._tls,
            network_backend=self._dialler,
            max_connections=MOST_CONNECTIONS,
            keepalive_expiry=30.0,
            proxy=proxy,
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        try:
            return self._call(request)
        except SourceError as error:
            logger.warning("A call failed: %s", error.code)
            raise

    def close(self) -> None:
        self._direct.close()
        self._usual.close()

    def _call(self, request: httpx.Request) -> httpx.Response:
        limits: Limits = request.extensions.get("limits", self._limits)
        ends_at = min(self._ends_at, time.monotonic() + limits.total)
        call = Call(ends_at=ends_at, limits=limits)
        self._dialler.call = call
        try:
            return self._send(request, call)
        except TemporarilyDown:
            if call.seconds_left():
                raise
            raise self._failures.too_slow("deadline") from None  # Whatever it was at when its time was over.
        except httpcore.TimeoutException:
            raise self._failures.too_slow("read_timeout" if call.seconds_left() else "deadline") from None
        except httpcore.ProxyError as refusal:
            logger.warning("The proxy did not let a call through: %s", refusal)
            raise self._failures.no_way_out() from None
        except httpcore.NetworkError:
            raise self._failures.cut_off() from None
        except httpcore.RemoteProtocolError:
            raise self._cut_or_garbled(call) from None
        except httpcore.LocalProtocolError:
            raise self._failures.unreadable("request_refused") from None

    def _send(self, request: httpx.Request, call: Call) -> httpx.Response:
        outgoing = self._outgoing(request)
        goes_directly = (request.url.host, outgoing.url.origin.port) in self._exempt
        pool = self._direct if goes_directly else self._usual
        try:
            answer = pool.handle_request(outgoing)
        except (httpcore.NetworkError, httpcore.RemoteProtocolError):
            if call.connected or call.received:
                raise
            # A kept connection that the other side had closed meanwhile: nothing was answered on it.
            answer = pool.handle_request(self._outgoing(request))
        call.head_is_read = True
        began = time.monotonic()
        try:
            response = self._read(answer, call.limits)
        finally:
            answer.close()
        response.extensions["began"] = began
        return response

    def _outgoing(self, request: httpx.Request) -> httpcore.Request:
        limits = self._limits
        waits = {"connect": limits.connect, "read": limits.read, "write": limits.read, "pool": limits.total}
        url = request.url
        return httpcore.Request(
            method=request.method,
            url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            content=request.read(),
            extensions={"timeout": waits},
        )

    def _read(self, answer: httpcore.Response, limits: Limits) -> httpx.Response:
        if 300 <= answer.status < 400:
            raise self._failures.redirected()
        headers = [(name, value) for name, value in answer.headers if name.lower() not in NOT_PASSED_ON]
        body = self._body(answer, limits) if answer.status < 300 else self._body_of_refusal(answer)
        return httpx.Response(answer.status, headers=headers, content=body)

    def _body(self, answer: httpcore.Response, limits: Limits) -> bytes:
        named = httpx.Headers(answer.headers)
        length = named.get("content-length", "")
        if length.isdecimal() and int(length[:12]) > limits.wire_bytes:
            raise self._failures.too_large()
        return read_body(
            cast("Iterable[bytes]", answer.stream),
            encoding=named.get("content-encoding", ""),
            wire_bytes=limits.wire_bytes,
            decoded_bytes=limits.decoded_bytes,
            failures=self._failures,
        )

    def _body_of_refusal(self, answer: httpcore.Response) -> bytes:
        """Its beginning: the status says it already, and must not be hidden by a broken page that explains it."""
        encoding = httpx.Headers(answer.headers).get("content-encoding", "")
        body = bytearray()
        with suppress(SourceError, httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError):
            for piece in unpacked(cast("Iterable[bytes]", answer.stream), encoding=encoding, failures=self._failures):
                body += piece
                if len(body) >= FAILURE_BODY_BYTES:
                    break
        return bytes(body[:FAILURE_BODY_BYTES])

    def _cut_or_garbled(self, call: Call) -> SourceError:
        """What is no HTTP at all is garbage; an answer that begins well and stops was cut off."""
        if call.head_is_read or not call.received:
            return self._failures.cut_off()
        return self._failures.unreadable("protocol")
