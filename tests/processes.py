"""A copy of the project to start things in, and a grip on all that was started there."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOT_COPIED = shutil.ignore_patterns(
    *(".git", ".venv*", ".env", "db.sqlite3*", "var", "staticfiles", "test-results", ".*_cache", "*.pyc.*"),
)
PATIENCE = 60.0  # Seconds; a bound for a busy machine, not a wait.


def copy_project(to: Path) -> Path:
    """The work tree without what is made in it; its `.venv` is the present one."""
    shutil.copytree(ROOT, to, ignore=NOT_COPIED)
    (to / ".venv").symlink_to(Path(sys.prefix), target_is_directory=True)
    return to


def bare_environment(**settings: str) -> dict[str, str]:
    """The environment of a new terminal: none of the settings that the tests themselves run with."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**kept, **settings}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def until(happened: Callable[[], object], *, what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < deadline, f"In {PATIENCE:.0f} seconds not seen: {what}"
        time.sleep(0.05)


class Started:
    """A process, what it has said so far, and every process that descends from it."""

    def __init__(self, command: list[str], *, directory: Path, environment: dict[str, str]) -> None:
        self.mark = f"STARTED_AS={uuid.uuid4()}"
        name, value = self.mark.split("=")
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            command,
            cwd=directory,
            # Whoever writes a title over their command line would write over the mark, too.
            env={**environment, name: value, "SPT_NOENV": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self.lines.append(line.rstrip("\n"))

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    def says(self, text: str) -> None:
        """Wait until it has printed the text; it may end only after that."""

        def said_or_ended() -> bool:
            return text in self.output or self.process.poll() is not None

        until(said_or_ended, what=f"{text!r} in:\n{self.output}")
        self.reader.join(timeout=0 if self.process.poll() is None else 5)
        assert text in self.output, self.output

    def exit_code(self) -> int:
        code = self.process.wait(timeout=PATIENCE)
        self.reader.join(timeout=5)
        return code

    def alive(self, *, named: str = "") -> list[int]:
        """Ids of the living processes that came of this one, wherever they hang in the tree."""
        return [pid for pid, command in marked_processes(self.mark) if named in command]


def marked_processes(mark: str) -> Iterator[tuple[int, str]]:
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            environment = (folder / "environ").read_bytes()  # Empty for the dead that nobody has buried.
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue  # Ended while we looked, or not ours to look at.
        if mark.encode() in environment.split(b"\0"):
            yield int(folder.name), command


@contextmanager
def started(command: list[str], *, directory: Path, environment: dict[str, str]) -> Iterator[Started]:
    it = Started(command, directory=directory, environment=environment)
    try:
        yield it
    finally:
        for pid in it.alive():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        it.exit_code()
