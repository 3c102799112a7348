"""Fixtures: management commands as processes of their own, on the test's database."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection

from tests.processes import PATIENCE, ROOT

StartCommand = Callable[..., "Command"]


class Command:
    """A running program of the project. Its two outputs are kept apart."""

    def __init__(self, *words: str, environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, *words],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.out = self.err = ""

    def exit_code(self) -> int:
        """Wait for its end; `out` and `err` hold what it said."""
        self.out, self.err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode

    def send(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.exit_code()

    def kill(self) -> None:
        """As `kill -9` does: it can put nothing in order."""
        if self.process.poll() is None:
            self.send(signal.SIGKILL)


def database_url() -> str:
    """The test's database, as a setting for another process."""
    facts = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{facts['NAME']}"
    host, port = quote(facts["HOST"], safe=""), facts["PORT"]
    return f"postgres://{facts['USER']}:{quote(facts['PASSWORD'], safe='')}@{host}:{port}/{facts['NAME']}"


@pytest.fixture
def start_python(settings: Any) -> Iterator[StartCommand]:
    """`start_python("-m", "celery", …, NAME="setting")`; what still runs at the end is killed."""
    with ExitStack() as running:

        def start(*words: str, **variables: str) -> Command:
            of_the_test = {
                "DATABASE_URL": database_url(),
                "ACTIVECAMPAIGN_SANDBOX_ORIGINS": ",".join(settings.ACTIVECAMPAIGN_SANDBOX_ORIGINS),
                "ACTIVECAMPAIGN_RATE": str(settings.ACTIVECAMPAIGN_RATE),
            }
            command = Command(*words, environment={**os.environ, **of_the_test, **variables})
            running.callback(command.kill)
            return command

        yield start


@pytest.fixture
def start_command(start_python: StartCommand) -> StartCommand:
    """`start_command("worker", "--once", SYNC_LEASE_SECONDS="2")`"""
    return partial(start_python, "manage.py")
