"""Files for us alone, and the `.env` of a fresh checkout: made with secrets of its own, later only added to."""

import os
import re
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

from cryptography.fernet import Fernet

HEADING = "# Made for this checkout alone. Each setting is explained in .env.example.\n"
ASSIGNMENT = re.compile(r"^\s*(?:export\s+)?(\w+)\s*=", re.MULTILINE)


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
    named = set(ASSIGNMENT.findall(present))
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
