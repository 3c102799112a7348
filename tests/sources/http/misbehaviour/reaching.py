"""Rows 1 to 23: names, connections and TLS that fail, and answers that do not end as they should."""

import datetime
import socket
import ssl
import threading
from collections.abc import Callable
from typing import Any

import trustme

from sources.errors import TemporarilyDown, TooSlow, UnexpectedAnswer, WrongAddress
from sources.http.limits import Limits
from tests.sources.http.conftest import HOST, PUBLIC, server_tls
from tests.sources.http.misbehaviour.case import ME, SHORT, Case, Cases
from tests.sources.http.scripted_server import HangUp, Step, answers, closes_after, drips, hangs, repeats, resets, says

Resolve = Callable[[int], list[str]]

OK = b"HTTP/1.1 200 OK\r\n"
NOT_FOUND = "We couldn't find that ActiveCampaign address. Check the spelling of the API URL."
LOOK_UP_LATER = "We couldn't look up the address just now. Try again later."
NO_ANSWER = "ActiveCampaign did not answer. Try again later."
NOT_TRUSTED = "The secure connection could not be verified, so we did not send your key."
CUT_OFF = "The connection to ActiveCampaign was cut off. Try again later."
TOO_SLOW = "ActiveCampaign is taking too long to answer. Try again later."
UNREADABLE = "ActiveCampaign sent an answer we couldn't read."
EMPTY = "ActiveCampaign sent an empty answer. Try again later."

no_host: dict[str, Any] = {"error": WrongAddress, "says": NOT_FOUND, "requests": 0, "slept": 0}
later: dict[str, Any] = {"error": TemporarilyDown, "code": "dns_temporary", "says": LOOK_UP_LATER, "requests": 0}
silent: dict[str, Any] = {"error": TemporarilyDown, "code": "no_connection", "says": NO_ANSWER, "requests": 0}
untrusted: dict[str, Any] = {"error": WrongAddress, "says": NOT_TRUSTED, "requests": 0}
cut: dict[str, Any] = {"error": TemporarilyDown, "code": "cut_off", "says": CUT_OFF}
slow: dict[str, Any] = {"error": TooSlow, "code": "read_timeout", "says": TOO_SLOW, "limits": SHORT}
endless: dict[str, Any] = {"error": TooSlow, "code": "deadline", "says": TOO_SLOW, "limits": SHORT}
garbled: dict[str, Any] = {"error": UnexpectedAnswer, "code": "protocol", "says": UNREADABLE}
empty: dict[str, Any] = {"error": TemporarilyDown, "code": "empty_answer", "says": EMPTY}


def fails(kind: int) -> Resolve:
    def resolve(number: int) -> list[str]:
        raise socket.gaierror(kind, "made up")

    return resolve


def never_answers(number: int) -> list[str]:
    threading.Event().wait(3)  # Seconds; nobody waits for it.
    return [PUBLIC]


def gives(*addresses: str) -> Resolve:
    return lambda number: list(addresses)


def flips(number: int) -> list[str]:
    return ["127.0.0.1"] if number else [PUBLIC]


def expired(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    yesterday = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    authority.issue_cert(HOST, not_before=yesterday - datetime.timedelta(days=9), not_after=yesterday).configure_cert(
        context
    )
    return context


def self_signed(authority: trustme.CA) -> ssl.SSLContext:
    return server_tls(trustme.CA())


def for_another_name(authority: trustme.CA) -> ssl.SSLContext:
    return server_tls(authority, "other.api-us1.com")


def old_version(authority: trustme.CA) -> ssl.SSLContext:
    context = server_tls(authority)
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    return context


def wants_a_certificate(authority: trustme.CA) -> ssl.SSLContext:
    """Ends the handshake with an alert, since none is sent."""
    context = server_tls(authority)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def plain_http(connection: socket.socket) -> None:
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    raise HangUp


def chunked(chunk: bytes, *, end: bool) -> Step:
    body = b"%x\r\n%b\r\n" % (len(chunk), chunk) + (b"0\r\n\r\n" if end else b"")
    return says(OK + b"Transfer-Encoding: chunked\r\n\r\n" + body)


LONG_LIST = gives(*[f"8.8.{number // 250}.{number % 250}" for number in range(1000)])

NAMES: Cases = (
    Case(row=1, does="has no such name", resolve=fails(socket.EAI_NONAME), code="dns_not_found", **no_host),
    Case(row=1, does="has no such name", by="test", resolve=fails(socket.EAI_NONAME), code="dns_not_found", **no_host),
    Case(row=2, does="is not found for now", resolve=fails(socket.EAI_AGAIN), slept=3, lookups=4, **later),
    Case(row=2, does="is not found for now", by="test", resolve=fails(socket.EAI_AGAIN), slept=1, lookups=2, **later),
    Case(
        row=2,
        does="is looked up for ever",
        by="test",
        resolve=never_answers,
        patches={"sources.http.lookup.LOOKUP_SECONDS": 0.1},
        **later,
    ),
    *(
        Case(row=3, does=f"leads to {what}", resolve=gives(*where), code="dns_refused", logs="not called", **no_host)
        for what, where in {
            "a private address": ["10.0.0.7"],
            "this machine": ["127.0.0.1"],
            "a cloud's metadata": ["169.254.169.254"],
            "both a public and an inner address": [PUBLIC, "192.168.1.1"],
            "this machine over IPv6": ["::ffff:127.0.0.1"],
        }.items()
    ),
    Case(row=4, does="leads elsewhere when asked again", resolve=flips, lookups=1, requests=1),
    Case(row=5, does="has a thousand addresses", resolve=LONG_LIST, code="dns_refused", **no_host),
    Case(row=5, does="is an alias of itself", resolve=fails(socket.EAI_FAIL), code="dns_not_found", **no_host),
)

CONNECTIONS: Cases = (
    Case(row=6, does="refuses the connection", dead=(PUBLIC,), dials=4, slept=3, **silent),
    Case(row=6, does="refuses the connection", by="test", dead=(PUBLIC,), dials=2, slept=1, **silent),
    Case(row=7, does="lets wait at its address", deaf=(PUBLIC,), limits=SHORT, dials=4, slept=3, **silent),
    Case(
        row=7,
        does="lets wait at each of many addresses",
        by="test",
        resolve=gives(PUBLIC, "8.8.4.4", "1.1.1.1", "1.0.0.1"),
        deaf=(PUBLIC, "8.8.4.4", "1.1.1.1", "1.0.0.1"),
        limits=Limits(connect=0.2),
        dials=8,
        **silent,
    ),
    Case(
        row=8,
        does="is dead at its first address",
        resolve=gives("8.8.4.4", PUBLIC),
        dead=("8.8.4.4",),
        requests=1,
        slept=0,
    ),
    Case(
        row=8,
        does="is deaf at its first address",
        resolve=gives("8.8.4.4", PUBLIC),
        deaf=("8.8.4.4",),
        limits=Limits(connect=0.2),
        requests=1,
        slept=0,
    ),
    Case(
        row=8,
        does="is deaf over IPv6 and not over IPv4",
        by="test",
        resolve=gives("2606:4700::1111", "2606:4700::1001", PUBLIC),
        deaf=("2606:4700::1111", "2606:4700::1001"),
        limits=Limits(connect=0.5),
        requests=3,
        dials=2,
        slept=0,
    ),
    Case(row=9, does="has an expired certificate", certificate=expired, code="tls", slept=0, **untrusted),
    Case(row=9, does="has signed for itself", certificate=self_signed, code="tls", slept=0, **untrusted),
    Case(row=9, does="has another's certificate", certificate=for_another_name, code="tls", slept=0, **untrusted),
    Case(row=9, does="has an expired certificate", by="test", certificate=expired, code="tls", **untrusted),
    Case(row=10, does="speaks an old TLS", certificate=old_version, code="tls_handshake", slept=1, **untrusted),
    Case(row=10, does="ends the handshake", certificate=wants_a_certificate, code="tls_handshake", **untrusted),
    Case(row=10, does="speaks no TLS", greeting=plain_http, code="tls_handshake", slept=1, **untrusted),
    Case(row=11, does="hangs in the handshake", greeting=hangs(), limits=SHORT, slept=3, **silent),
    Case(row=12, does="resets before the status", script=(resets,), requests=4, **cut),
    Case(row=12, does="closes before the status", script=(says(b""),), requests=4, **cut),
    Case(row=12, does="closes before the status", by="test", script=(says(b""),), requests=1, **cut),
    Case(row=12, does="resets once", script=(resets,), recovers=True, requests=2),
    Case(
        row=13,
        does="closes the connection that was kept",
        by="test",
        script=(closes_after(answers(ME)),),
        recovers=True,
        requests=3,
        slept=0,
    ),
    Case(
        row=13,
        does="closes it with the next request",
        by="test",
        script=(answers(ME), says(b"")),
        recovers=True,
        requests=4,
        slept=0,
    ),
)

HALF = OK + b'Content-Length: 500\r\n\r\n{"contacts": [{"id": "1"}'
ENDINGS: Cases = (
    Case(row=14, does="says nothing", script=(hangs(),), requests=2, **slow),
    Case(row=14, does="says nothing", by="test", script=(hangs(),), requests=1, **slow),
    Case(row=15, does="drips its headers", script=(drips(b"X-More: yes\r\n", first=OK),), requests=2, **endless),
    Case(row=16, does="hangs half-way", script=(hangs(HALF),), requests=2, **slow),
    Case(row=16, does="hangs half-way once", script=(hangs(HALF),), recovers=True, requests=2, limits=SHORT),
    Case(row=17, does="drips its body", script=(drips(b" ", first=HALF),), requests=2, **endless),
    Case(
        row=18,
        does="says 100 for ever",
        script=(repeats(b"HTTP/1.1 100 Continue\r\n\r\n" * 100),),
        requests=1,
        error=UnexpectedAnswer,
        code="endless_head",
        says=UNREADABLE,
    ),
    Case(
        row=18,
        does="says 100 for ever, slowly",
        script=(drips(b"HTTP/1.1 100 Continue\r\n\r\n", seconds=0.001),),
        requests=2,
        **endless,
    ),
    *(
        Case(row=19, does=f"sends {what}", script=(says(raw),), requests=2, **garbled)
        for what, raw in {
            "garbage": b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
            "HTTP/0.9": b'{"contacts": []}',
            "two lengths": OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
            "a huge header": OK + b"X-Big: " + b"a" * 300_000 + b"\r\n\r\n{}",
        }.items()
    ),
    *(
        Case(
            row=20,
            does=f"answers {status}",
            script=(answers(b"{}", status=status),),
            requests=1,
            error=UnexpectedAnswer,
            code="request_refused",
            says=UNREADABLE,
        )
        for status in (600, 999)
    ),
    Case(
        row=20,
        does="gives no reason",
        script=(says(b'HTTP/1.1 200 \r\n\r\n{"contacts": [{"id": "1"}]}'),),
        rows={"1": {"id": "1"}},
        requests=1,
    ),
    Case(row=21, does="answers 204", script=(answers(b"", status=204),), requests=2, **empty),
    Case(row=21, does="answers with nothing", script=(answers(b""),), requests=2, **empty),
    Case(row=21, does="answers with nothing", by="test", script=(answers(b""),), requests=1, **empty),
    Case(row=21, does="answers with nothing once", script=(answers(b""),), recovers=True, requests=2),
    Case(row=22, does="stops before its length", script=(says(HALF),), requests=4, **cut),
    Case(row=22, does="stops within its chunks", script=(chunked(b'{"contacts":', end=False),), requests=4, **cut),
    Case(row=22, does="stops once", script=(says(HALF),), recovers=True, requests=2),
    Case(row=23, does="stops without a length", script=(says(OK + b'\r\n{"contacts": [{"i'),), requests=4, **cut),
    Case(
        row=23, does="stops at a bracket", script=(chunked(b'{"contacts": [{"id": "1"}', end=True),), requests=4, **cut
    ),
    Case(row=23, does="stops once", script=(says(OK + b'\r\n{"contacts": [{"i'),), recovers=True, requests=2),
)

REACHING: Cases = (*NAMES, *CONNECTIONS, *ENDINGS)
