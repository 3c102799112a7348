"""Sockets and HTTP/1.1: one thread a connection, kept open between calls."""

import logging
import socket
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock
from typing import Any

from sources.activecampaign.sandbox.answering.answers import Call, read_call
from sources.activecampaign.sandbox.answering.delivery import Reply, deliver

MOST_BODY = 1_000_000
log = logging.getLogger(__name__)

Replies = Callable[[Call, bytes], Reply]
Answering = Callable[[Call], None]


class Listener(ThreadingHTTPServer):
    """Listens on this machine only, asks `reply` for what to say, and tells `answering` when that goes out."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, port: int, *, reply: Replies, answering: Answering) -> None:
        self.reply = reply
        self.answering = answering
        self.stopping = Event()
        self._lock = Lock()
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), Conversation)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """End the connections that callers keep open: a stopped server must not answer one more call."""
        self.stopping.set()
        with self._lock:
            left = list(self._open)
        for connection in left:
            _hang_up(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        log.exception("sandbox_call_failed")


def _hang_up(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        log.debug("sandbox_caller_gone")


class Conversation(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Listener

    def handle(self) -> None:
        """A caller may hang up at any time; that is the caller's affair and no fault here."""
        try:
            super().handle()
        except ConnectionError:
            log.debug("sandbox_caller_gone")

    def answer(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        call = read_call(self.path, method=self.command, headers=headers, arrived=time.monotonic())
        length = int(headers.get("content-length", "0"))
        body = self.rfile.read(min(length, MOST_BODY))

        def send(part: bytes) -> None:
            self.server.answering(call)  # First, so that whoever has the answer finds it counted.
            self.connection.sendall(part)

        is_sound = deliver(
            self.server.reply(call, body),
            send=send,
            stopping=self.server.stopping,
            has_body=self.command != "HEAD",
        )
        if not is_sound or length > MOST_BODY or self.server.stopping.is_set():
            self.close_connection = True

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: a line a call would drown the terminal; the counters are at /__stats."""
