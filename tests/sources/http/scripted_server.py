"""A real server on this machine that answers by a script."""

import contextlib
import gzip
import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

Step = Callable[[socket.socket], None]
"""Writes to the connection of a call whose head has been read. Raising HangUp closes the connection."""

STEP_SECONDS = 0.05


class HangUp(Exception):
    """The connection ends with this step."""


@dataclass
class Heard:
    """One request, as it arrived."""

    line: str
    headers: dict[str, str]
    connection: int

    @property
    def target(self) -> str:
        return self.line.split(" ")[1]


@dataclass
class ScriptedServer:
    """`with ScriptedServer([...]) as server`; `heard` has all requests. `tls` is a server's ssl context.

    Of a list each call gets the next step, the last one for ever; anything else is asked for each call's step.
    `greeting` is done to each connection before anything, TLS included.
    """

    script: Sequence[Step] | Callable[[Heard], Step]
    tls: ssl.SSLContext | None = None
    greeting: Step | None = None
    heard: list[Heard] = field(default_factory=list)
    connections: int = 0

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        # A blocked accept() is not woken by close(), but by shutdown().
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        self._thread.join(timeout=5)

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    @property
    def origin(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connection)
            self.connections += 1
            threading.Thread(target=self._converse, args=(connection, self.connections), daemon=True).start()

    def _converse(self, connection: socket.socket, number: int) -> None:
        try:
            if self.greeting:
                self.greeting(connection)
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            while head := _read_head(connection):
                self._next_step(head, number)(connection)
        except (OSError, HangUp):
            pass  # The client hung up, or the script did.
        finally:
            # close() alone would leave the client waiting while another name for the socket is alive.
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _next_step(self, head: str, number: int) -> Step:
        line, *rest = head.split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (item.partition(":") for item in rest if item)}
        with self._lock:
            self.heard.append(Heard(line, headers, number))
            if callable(self.script):
                return self.script(self.heard[-1])
            return self.script[min(len(self.heard), len(self.script)) - 1]


def _read_head(connection: socket.socket) -> str:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        received = connection.recv(4096)
        if not received:
            return ""
        head += received
    return head.decode("latin-1")


def answers(
    body: Any = None, *, status: int = 200, headers: Iterable[tuple[str, str]] = (), length: int | None = None
) -> Step:
    """A whole answer; `body` is bytes, or something that becomes JSON. `length` lies about it."""
    content = body if isinstance(body, bytes) else json.dumps({} if body is None else body).encode()
    announced = len(content) if length is None else length
    lines = [f"HTTP/1.1 {status} Scripted", f"Content-Length: {announced}", *(f"{name}: {v}" for name, v in headers)]

    def step(connection: socket.socket) -> None:
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + content)
        if announced != len(content):
            raise HangUp

    return step


def gzipped(body: bytes, *, encoding: str = "gzip", level: int = 9) -> Step:
    return answers(gzip.compress(body, level), headers=[("Content-Encoding", encoding)])


def says(raw: bytes) -> Step:
    """Exactly these bytes, then the end of the connection."""

    def step(connection: socket.socket) -> None:
        connection.sendall(raw)
        raise HangUp

    return step


def drips(raw: bytes, *, seconds: float = STEP_SECONDS, first: bytes = b"") -> Step:
    """`first` at once, then `raw` over and over, one byte at a time."""

    def step(connection: socket.socket) -> None:
        connection.sendall(first)
        while True:
            for byte in raw:
                connection.sendall(bytes([byte]))
                time.sleep(seconds)

    return step


def repeats(raw: bytes, *, first: bytes = b"") -> Step:
    """`first`, then `raw` for ever, as fast as it is read."""

    def step(connection: socket.socket) -> None:
        connection.sendall(first)
        while True:
            connection.sendall(raw)

    return step


def hangs(first: bytes = b"") -> Step:
    def step(connection: socket.socket) -> None:
        connection.sendall(first)
        while connection.recv(4096):
            pass  # Until the client goes.
        raise HangUp

    return step


def resets(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
    raise HangUp


def closes_after(step: Step) -> Step:
    """Answers as if the connection stayed open, and closes it."""

    def answered(connection: socket.socket) -> None:
        step(connection)
        raise HangUp

    return answered
