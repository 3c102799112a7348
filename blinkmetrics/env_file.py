"""Files for us alone, and `.env`: how it is read; and on a fresh checkout made with secrets, later only added to."""

import io
import os
import re
import secrets
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import environ
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

HEADING = "# Made for this checkout alone. Each setting is explained in .env.example.\n"
ASSIGNMENT = re.compile(r"^\s*(?:export\s+)?(\w+)\s*=[^\S\n]*(.*?)\s*$", re.MULTILINE)


def read_env_file(path: Path) -> list[str]:
    """Put what the file says into the environment, unless it is there already; return the names that it gives.

    django-environ takes the quotes off. What a line is, is said here: it would pass over one that has blanks around its
    `=`, and print it with the secret in it. Raises ImproperlyConfigured, without repeating a line.
    """
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        raise ImproperlyConfigured(f"{path} cannot be read: {reason}.") from None
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip() and not line.lstrip().startswith("#") and (not ASSIGNMENT.match(line) or "\0" in line):
            raise ImproperlyConfigured(f"Write line {number} of {path} as NAME=value, or begin it with a #.")
    given = ASSIGNMENT.findall(text)
    environ.Env.read_env(io.StringIO("\n".join(f"{name}={value}" for name, value in given)))
    return [name for name, _ in given]


def demo_settings(*, sandbox_origin: str) -> Mapping[str, Callable[[], str]]:
    """What a demonstration needs, each made only when it is missing."""
    return {
        "DEBUG": lambda: "on",
        "SECRET_KEY": lambda: secrets.token_urlsafe(50),
        "CREDENTIAL_KEYS": lambda: Fernet.generate_key().decode(),
        "ACTIVECAMPAIGN_SANDBOX_ORIGINS": lambda: sandbox_origin,
    }


def add_missing(path: Path, wanted: Mapping[str, Callable[[], str]]) -> list[str]:
    """Append the settings that the file does not name yet; return their names.

    What stands there stays as it is: with a new CREDENTIAL_KEYS every stored key would be lost.
    """
    present = path.read_text() if path.exists() else ""
    named = {name for name, _ in ASSIGNMENT.findall(present)}
    lines = {name: f"{name}={make()}\n" for name, make in wanted.items() if name not in named}
    if lines:
        append_privately(path, opening(present) + "".join(lines.values()))
    return list(lines)


def opening(present: str) -> str:
    if not present:
        return HEADING
    return "" if present.endswith("\n") else "\n"


def append_privately(path: Path, text: str) -> None:
    with os.fdopen(open_privately(path), "a") as file:
        file.write(text)


def keep_private(path: Path) -> None:
    """Make the file, empty, unless it is there; in either case nobody else may read it."""
    os.close(open_privately(path))


def open_privately(path: Path) -> int:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.fchmod(descriptor, 0o600)  # The file may have been there, open to others.
    return descriptor


class PrivateDatabase(sqlite3.Connection):
    """SQLite's file, for us alone whichever command makes it; what SQLite writes beside it gets the same rights."""

    def __init__(self, database: str, *words: Any, **options: Any) -> None:
        if database != ":memory:" and not database.startswith("file:") and not Path(database).exists():
            with suppress(OSError):  # SQLite says itself what keeps it from making the file.
                keep_private(Path(database))
        super().__init__(database, *words, **options)
