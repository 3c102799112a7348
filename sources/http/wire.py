"""The lowest transport: one call to a judged address, within its limits, without redirects, proxies or cookies."""

import logging
import ssl
import time
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from typing import cast

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
MOST_CONNECTIONS = 8
NOT_PASSED_ON = {b"content-encoding", b"content-length", b"transfer-encoding", b"set-cookie"}


@cache
def strict_tls() -> ssl.SSLContext:
    """Verification with the bundled authorities: no file or folder that the environment names is trusted."""
    context = httpx.create_ssl_context(trust_env=False)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


class Wire(httpx.BaseTransport):
    """Sends a request and reads its whole answer. Raises SourceError, never one of httpx's.

    The answer's extension `began` is when its head was there (monotonic).

    `exempt` are (host, port) pairs whose address is not judged. `ends_at` (monotonic) bounds all calls together.
    What `still_wanted` raises gives up the call that is under way. `resolve`, `dial` and `tls` stand in for the network
    in tests.
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
    ) -> None:
        self._failures = failures
        self._limits = limits
        self._ends_at = ends_at
        self._dialler = Dialler(failures=failures, exempt=exempt, resolve=resolve, dial=dial, still_wanted=still_wanted)
        self._pool = httpcore.ConnectionPool(
            ssl_context=tls or strict_tls(),
            network_backend=self._dialler,
            max_connections=MOST_CONNECTIONS,
            keepalive_expiry=30.0,
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        try:
            return self._call(request)
        except SourceError as error:
            logger.warning("A call failed: %s", error.code)
            raise

    def close(self) -> None:
        self._pool.close()

    def _call(self, request: httpx.Request) -> httpx.Response:
        ends_at = min(self._ends_at, time.monotonic() + self._limits.total)
        call = Call(ends_at=ends_at, wire_bytes=self._limits.wire_bytes)
        self._dialler.call = call
        try:
            return self._send(request, call)
        except TemporarilyDown:
            if call.seconds_left():
                raise
            raise self._failures.too_slow("deadline") from None  # Whatever it was at when its time was over.
        except httpcore.TimeoutException:
            raise self._failures.too_slow("read_timeout" if call.seconds_left() else "deadline") from None
        except httpcore.NetworkError:
            raise self._failures.cut_off() from None
        except httpcore.RemoteProtocolError:
            raise self._cut_or_garbled(call) from None
        except httpcore.LocalProtocolError:
            raise self._failures.unreadable("request_refused") from None

    def _send(self, request: httpx.Request, call: Call) -> httpx.Response:
        try:
            answer = self._pool.handle_request(self._outgoing(request))
        except (httpcore.NetworkError, httpcore.RemoteProtocolError):
            if call.connected or call.received:
                raise
            # A kept connection that the other side had closed meanwhile: nothing was answered on it.
            answer = self._pool.handle_request(self._outgoing(request))
        call.head_is_read = True
        began = time.monotonic()
        try:
            response = self._read(answer)
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

    def _read(self, answer: httpcore.Response) -> httpx.Response:
        if 300 <= answer.status < 400:
            raise self._failures.redirected()
        headers = [(name, value) for name, value in answer.headers if name.lower() not in NOT_PASSED_ON]
        body = self._body(answer) if answer.status < 300 else self._body_of_refusal(answer)
        return httpx.Response(answer.status, headers=headers, content=body)

    def _body(self, answer: httpcore.Response) -> bytes:
        named = httpx.Headers(answer.headers)
        length = named.get("content-length", "")
        if length.isdecimal() and int(length[:12]) > self._limits.wire_bytes:
            raise self._failures.too_large()
        return read_body(
            cast("Iterable[bytes]", answer.stream),
            encoding=named.get("content-encoding", ""),
            wire_bytes=self._limits.wire_bytes,
            decoded_bytes=self._limits.decoded_bytes,
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
