"""Processes under one parent: their lines carry their name, and none outlives the parent's stop."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

GRACE_SECONDS = 10.0  # A worker finishes its page first; a page is answered within this by any API worth waiting for.
NAME_WIDTH = 8
printing = threading.Lock()


def say(text: str) -> None:
    """Print at once and whole, also when several speak and when the output is a pipe."""
    with printing:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


def repeat_lines(name: str, lines: Iterable[str]) -> None:
    for line in lines:
        say(f"{name:<{NAME_WIDTH}}| {line.rstrip()}")


class Child:
    """A started process; what it prints is printed with its name before each line."""

    def __init__(self, name: str, command: Sequence[str], *, environment: Mapping[str, str], directory: Path) -> None:
        self.name = name
        self.started = time.monotonic()
        self.process = subprocess.Popen(  # noqa: S603 - the commands are ours, and no shell reads them.
            command,
            cwd=directory,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            # Out of the terminal's group: Ctrl-C reaches the parent alone, which then stops each in good order.
            start_new_session=True,
        )
        self.echo = threading.Thread(target=repeat_lines, args=(name, self.process.stdout or ()), daemon=True)
        self.echo.start()

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self.process.poll()

    @property
    def age(self) -> float:
        return time.monotonic() - self.started

    def ask_to_stop(self) -> None:
        if self.exit_code is None:
            self.process.send_signal(signal.SIGTERM)

    def end(self, *, deadline: float) -> None:
        """Wait until `deadline` (of the monotonic clock), then kill what is left of it and of what it started."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=max(0.0, deadline - time.monotonic()))
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.echo.join(timeout=1)  # Its last words.


def stop_all(children: Iterable[Child], *, grace: float = GRACE_SECONDS) -> None:
    running = list(children)
    for child in running:
        child.ask_to_stop()
    deadline = time.monotonic() + grace
    for child in running:
        child.end(deadline=deadline)
