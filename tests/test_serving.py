"""The server of a real site: what slow and large requests may cost."""

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress

import httpx
import pytest

from blinkmetrics import serving
from tests.processes import PATIENCE, ROOT, bare_environment, free_port, started, until

# Two threads, and patience that a test has time for.
SETTINGS = """
from blinkmetrics import serving
from blinkmetrics.serving import *
serving.LONGEST_ARRIVAL, serving.LONGEST_STALL, threads = 1.0, 2, 2
"""
APPLICATION = """
def application(environ, start_response):
    if environ["PATH_INFO"] != "/unread":
        environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "text/plain")])
    if environ["PATH_INFO"] == "/scheme":
        return [f"{environ['wsgi.url_scheme']} {environ['HTTP_X_FORWARDED_PROTO']}".encode()]
    return (b"x" * 65_536 for _ in range(500)) if environ["PATH_INFO"] == "/much" else [b"ok"]
"""
HEAD = b"POST /%s HTTP/1.1\r\nHost: app.example.com\r\n"
UNFINISHED = {
    "nothing": b"",
    "half a head": HEAD % b"",
    "half a body": HEAD % b"" + b"Content-Length: 100000\r\n\r\nabc",
    "an answer that nobody takes": HEAD % b"much" + b"Content-Length: 0\r\n\r\n",
}


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A server of its own, with an application that reads what it gets."""
    folder, port = tmp_path_factory.mktemp("serving"), free_port()
    (folder / "settings.py").write_text(SETTINGS)
    (folder / "slow_application.py").write_text(APPLICATION)
    words = [f"--config={folder / 'settings.py'}", f"--chdir={folder}", f"--bind=127.0.0.1:{port}"]
    command = [sys.executable, "-m", "gunicorn", *words, "--no-control-socket", "slow_application"]
    environment = bare_environment(PYTHONPATH=str(ROOT))
    with started(command, directory=folder, environment=environment) as server:
        try:
            until(lambda: answers(port, within=PATIENCE), what=f"the server:\n{server.output}")
            yield port
        finally:
            os.killpg(server.process.pid, signal.SIGKILL)  # It overwrites the mark by which its processes are found.


def answers(port: int, *, within: float) -> bool:
    with suppress(httpx.TransportError):
        return httpx.get(f"http://127.0.0.1:{port}/", timeout=within).text == "ok"
    return False


@pytest.fixture
def connect(port: int) -> Iterator[Callable[[bytes], socket.socket]]:
    with ExitStack() as open_ones:

        def connect(first: bytes) -> socket.socket:
            connection = open_ones.enter_context(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE))
            connection.sendall(first)
            return connection

        yield connect


@pytest.mark.parametrize("what", UNFINISHED)
def test_clients_that_stop_half_way_do_not_keep_others_from_being_served(
    what: str, port: int, connect: Callable[[bytes], socket.socket]
) -> None:
    for _ in range(3):
        connect(UNFINISHED[what])

    assert answers(port, within=30.0)


def test_requests_that_are_answered_unread_hold_up_nobody(port: int, connect: Callable[[bytes], socket.socket]) -> None:
    """gunicorn alone would wait two seconds for each, one after the other."""
    for _ in range(12):
        connect(HEAD % b"unread" + b"Content-Length: 100000\r\n\r\nabc")

    assert answers(port, within=15.0)


def test_clients_that_drip_are_hung_up_on(port: int, connect: Callable[[bytes], socket.socket]) -> None:
    slow = [connect(HEAD % b"") for _ in range(3)]
    over = threading.Event()

    def drip() -> None:
        while not over.wait(0.1):
            for connection in slow:
                with suppress(OSError):
                    connection.sendall(b"X-Slow: 1\r\n"[:1])

    dripping = threading.Thread(target=drip)
    dripping.start()
    try:
        assert answers(port, within=30.0)
    finally:
        over.set()
        dripping.join()


@pytest.mark.parametrize(
    "request_text",
    [
        b"GET /" + b"x" * 5_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX-Long: " + b"x" * 9_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X-More: 1\r\n" * 100 + b"\r\n",
    ],
    ids=["a long address", "a long header", "many headers"],
)
def test_a_large_head_is_refused(request_text: bytes, connect: Callable[[bytes], socket.socket]) -> None:
    assert connect(request_text).recv(200).startswith(b"HTTP/1.1 4")


def test_a_client_does_not_say_that_it_came_by_https_and_what_it_says_goes_on_to_django(port: int) -> None:
    said = {"X-Forwarded-Proto": "https", "X-Forwarded-Ssl": "on", "X-Forwarded-Protocol": "ssl"}

    answer = httpx.get(f"http://127.0.0.1:{port}/scheme", headers=said, timeout=PATIENCE)

    assert answer.text == "http https"


def test_an_answer_that_is_taken_slowly_goes_on(port: int) -> None:
    received = 0
    with httpx.stream("GET", f"http://127.0.0.1:{port}/much", timeout=PATIENCE) as answer:
        for number, piece in enumerate(answer.iter_raw(1_000_000)):
            received += len(piece)
            if number % 5 == 0:
                time.sleep(0.3)  # All in all longer than a request may take to arrive.

    assert received == 500 * 65_536


def test_the_demonstration_is_served_like_a_real_site() -> None:
    assert "--config=python:blinkmetrics.serving" in (ROOT / "blinkmetrics" / "run.py").read_text()
    assert serving.worker_class.rpartition(".")[2] in vars(serving)
