"""Connections to judged addresses only, whose every read obeys the running call's limits."""

import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import httpcore

from sources.errors import SourceError
from sources.http.failures import Failures
from sources.http.limits import Call
from sources.http.lookup import MOST_ANSWERS, Resolve, ask_resolver, look_up
from sources.http.public_addresses import by_turns, is_public
from sources.http.waiting import LOOK, StillWanted, always, in_time

logger = logging.getLogger(__name__)

Dial = Callable[[str, int], tuple[str, int]]

DNS_SAYS_LATER = {socket.EAI_AGAIN, socket.EAI_SYSTEM, socket.EAI_MEMORY}
SHARE = 0.2  # Of the time for connecting, for each address but the last: a silent one is soon passed over.


def dial_directly(address: str, port: int) -> tuple[str, int]:
    return address, port


class Dialler(httpcore.SyncBackend):
    """Looks a name up once, judges every answer, and connects to a judged address rather than to the name.

    `exempt` are the (host, port) pairs that are not judged. A call runs in one thread from the first look-up to the
    last byte, so the call that runs now is kept per thread. What `still_wanted` raises cuts it within half a second.
    """

    def __init__(
        self,
        *,
        failures: Failures,
        exempt: frozenset[tuple[str, int]] = frozenset(),
        resolve: Resolve = ask_resolver,
        dial: Dial = dial_directly,
        still_wanted: StillWanted = always,
    ) -> None:
        self.still_wanted = still_wanted
        self._failures = failures
        self._exempt = exempt
        self._resolve = resolve
        self._dial = dial
        self._running = threading.local()

    @property
    def call(self) -> Call:
        call: Call = self._running.call
        return call

    @call.setter
    def call(self, call: Call) -> None:
        self._running.call = call

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        seconds = self.call.seconds_left(timeout)
        ends_at = time.monotonic() + seconds
        addresses = by_turns(self._judged_addresses(host, port))
        for address in addresses:
            left = ends_at - time.monotonic()
            if left <= 0:
                break
            # By the clock of the whole, so that addresses that refuse at once leave the time to the others.
            patience = left if address == addresses[-1] else min(left, SHARE * seconds)
            try:
                stream = self._connect(*self._dial(address, port), seconds=patience)
            except (httpcore.ConnectError, httpcore.ConnectTimeout, TimeoutError):
                continue  # The next address may be alive.
            self.call.connected = True
            return LimitedStream(stream, dialler=self, failures=self._failures)
        raise self._failures.no_answer()

    def _connect(self, address: str, port: int, *, seconds: float) -> httpcore.NetworkStream:
        connect = super().connect_tcp
        return in_time(
            lambda: connect(address, port, timeout=seconds),
            seconds=seconds,
            still_wanted=self.still_wanted,
            drop=lambda late: late.close(),
            name="connect",
        )

    def _judged_addresses(self, host: str, port: int) -> list[str]:
        answers = self._answers(host, port)
        if (host, port) in self._exempt:
            return answers
        if len(answers) > MOST_ANSWERS or not all(is_public(answer) for answer in answers):
            # Told to the log alone: to the person it reads like a name that does not exist.
            logger.warning("A name led to addresses that are not called: %r", answers[: MOST_ANSWERS + 1])
            raise self._failures.no_such_host("dns_refused")
        return answers

    def _answers(self, host: str, port: int) -> list[str]:
        try:
            answers = look_up(
                host,
                port,
                resolve=self._resolve,
                seconds=self.call.seconds_left(),
                still_wanted=self.still_wanted,
            )
        except socket.gaierror as error:
            if error.errno in DNS_SAYS_LATER:
                raise self._failures.lookup_failed() from None
            raise self._failures.no_such_host("dns_not_found") from None
        except OSError:
            raise self._failures.lookup_failed() from None
        if not answers:
            raise self._failures.no_such_host("dns_not_found")
        return answers


class LimitedStream(httpcore.NetworkStream):
    """A stream that gives each read and write no more than what the running call has left."""

    def __init__(self, stream: httpcore.NetworkStream, *, dialler: Dialler, failures: Failures) -> None:
        self._stream = stream
        self._dialler = dialler
        self._failures = failures

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        call = self._dialler.call
        if call.bytes_left <= 0:
            raise self._failures.too_large() if call.head_is_read else self._failures.unreadable("endless_head")
        received = self._read(max_bytes, self._seconds(timeout))
        call.received += len(received)
        return received

    def _read(self, max_bytes: int, seconds: float) -> bytes:
        """In short pieces of time: nothing else ends the read of a call that nobody wants any more."""
        ends_at = time.monotonic() + seconds
        while True:
            self._dialler.still_wanted()
            left = ends_at - time.monotonic()
            try:
                return self._stream.read(max_bytes, max(0.001, min(LOOK, left)))
            except httpcore.ReadTimeout:
                if left <= LOOK:
                    raise

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._seconds(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        seconds, shake_hands = self._seconds(timeout), self._stream.start_tls
        try:
            stream = in_time(
                lambda: shake_hands(ssl_context, server_hostname, seconds),
                seconds=seconds,
                still_wanted=self._dialler.still_wanted,
                drop=lambda late: late.close(),
                name="handshake",
            )
        except (httpcore.ConnectTimeout, TimeoutError):
            self.close()
            raise self._failures.no_answer() from None
        except httpcore.ConnectError as error:
            raise self._why_not_trusted(error.__cause__) from None
        return LimitedStream(stream, dialler=self._dialler, failures=self._failures)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

    def _seconds(self, timeout: float | None) -> float:
        seconds = self._dialler.call.seconds_left(timeout)
        if seconds <= 0:
            raise self._failures.too_slow("deadline")
        return seconds

    def _why_not_trusted(self, cause: BaseException | None) -> SourceError:
        hung_up = isinstance(cause, (ssl.SSLEOFError, ssl.SSLZeroReturnError))
        if isinstance(cause, ssl.SSLCertVerificationError):
            return self._failures.not_trusted("tls")
        if isinstance(cause, ssl.SSLError) and not hung_up:
            return self._failures.not_trusted("tls_handshake")
        return self._failures.cut_off()
