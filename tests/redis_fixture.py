"""Fixture: a scratch Redis that keeps nothing."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.processes import PATIENCE, free_port, until

NO_REDIS = "REDIS TESTS SKIPPED: install redis-server"


@pytest.fixture
def broker() -> Iterator[str]:
    """Its address."""
    program, port = shutil.which("redis-server"), free_port()
    if program is None:
        refuse = pytest.fail if os.environ.get("CI", "").lower() in {"1", "true"} else pytest.skip
        refuse(NO_REDIS)
    words = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    server = subprocess.Popen([program, *words], stdout=subprocess.DEVNULL)
    try:
        until(lambda: answers(port), what="Redis")
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait(timeout=PATIENCE)


def answers(port: int) -> bool:
    with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), timeout=5):
        return True
    return False
