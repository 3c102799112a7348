"""From an answer to bytes on the wire: whole, or as badly as a fault wants."""

import gzip
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from threading import Event

from sources.activecampaign.sandbox.answering.answers import Answer
from sources.activecampaign.sandbox.answering.faults import Fault

REASONS = {int(status): status.phrase for status in HTTPStatus}
LONGEST_HANG = 600.0  # Whoever waits longer for a hanging answer has proven the point.
SOUND = Fault()
CHUNKED = {"Transfer-Encoding": "chunked"}


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer, when it is due (by the monotonic clock), and how it is mistreated on its way."""

    answer: Answer
    due: float = 0.0
    fault: Fault = SOUND


def deliver(reply: Reply, *, send: Callable[[bytes], None], stopping: Event, has_body: bool = True) -> bool:
    """Send the reply; return whether the connection may be used again. `stopping` ends every wait."""
    fault = reply.fault
    _wait(stopping, reply.due - time.monotonic() + fault.delay)
    if fault.hang == "headers" or fault.cut == "unanswered":
        _wait(stopping, LONGEST_HANG if fault.hang else 0)
        return False
    body = reply.answer.bytes() if has_body else b""
    packed = gzip.compress(body, 1) if fault.gzip else body
    if fault.cut or fault.hang or fault.drip:
        return _mistreat(reply, packed, send=send, stopping=stopping)
    send(
        _head(reply, framing=CHUNKED if packed else _length(packed)) + (_chunk(packed) + _chunk(b"") if packed else b"")
    )
    return True


def _mistreat(reply: Reply, body: bytes, *, send: Callable[[bytes], None], stopping: Event) -> bool:
    fault = reply.fault
    framings = {"chunked": CHUNKED, "bare": {"Connection": "close"}}
    head = _head(reply, framing=framings.get(fault.cut, _length(body)))
    sent = body[: len(body) // 2] if fault.cut or fault.hang else body
    sent = _chunk(sent) if fault.cut == "chunked" else sent
    drips_from = 0 if fault.drip_from == "headers" else len(head)
    at_once = drips_from if fault.drip else len(head + sent)
    send((head + sent)[:at_once])
    _drip((head + sent)[at_once:], seconds=fault.drip, send=send, stopping=stopping)
    _wait(stopping, LONGEST_HANG if fault.hang else 0)
    return sent is body


def _drip(rest: bytes, *, seconds: float, send: Callable[[bytes], None], stopping: Event) -> None:
    for place in range(len(rest)):
        if stopping.wait(seconds):
            return
        send(rest[place : place + 1])


def _wait(stopping: Event, seconds: float) -> None:
    if seconds > 0:
        stopping.wait(seconds)


def _chunk(body: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(body), body)


def _length(body: bytes) -> Mapping[str, str]:
    return {"Content-Length": str(len(body))}


def _head(reply: Reply, *, framing: Mapping[str, str]) -> bytes:
    answer = reply.answer
    headers = {
        "Date": formatdate(usegmt=True),
        **({"Content-Type": answer.content_type} if answer.content_type else {}),
        **({"Content-Encoding": "gzip"} if reply.fault.gzip else {}),
        **answer.headers,
        **framing,
    }
    lines = [f"HTTP/1.1 {answer.status} {REASONS.get(answer.status, '')}", *(f"{k}: {v}" for k, v in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")
