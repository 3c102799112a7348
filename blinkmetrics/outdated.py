"""`make outdated`: which of the pinned packages have newer releases."""

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from blinkmetrics.children import say

ROOT = Path(__file__).resolve().parent.parent
PINNED_IN = (ROOT / "constraints.txt", ROOT / "constraints-dev.txt")
PIN = re.compile(r"^([\w.-]+)==([^\s;]+)", re.MULTILINE)
LONGEST = 300.0  # Seconds; each of the packages is asked for by itself.


class NoIndex(Exception):
    """Its text is a sentence with the cure."""


@dataclass(frozen=True, kw_only=True)
class Newer:
    name: str
    pinned: str
    newest: str


def main() -> int:
    """Exit code 0 with a list, 2 when nothing can be said."""
    try:
        found = newer_releases(pins())
    except NoIndex as failure:
        say(str(failure))
        return 2
    for one in found:
        say(f"{one.name:<28} {one.pinned:<18} {one.newest}")
    say(in_words(len(found)))
    return 0


def in_words(count: int) -> str:
    if not count:
        return "All pinned packages are the newest ones."
    return f"{count} newer: make pins ARGS=--upgrade, then make lint test."


def pins(*files: Path) -> dict[str, str]:
    """Name, as the index spells it, to version; of all files, or of these."""
    return {canonical(name): version for file in files or PINNED_IN for name, version in PIN.findall(file.read_text())}


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def newer_releases(pinned: dict[str, str]) -> list[Newer]:
    """Raises NoIndex."""
    # Where nothing answers, pip lists nothing as outdated: one package is asked for that every index has.
    if pip("index", "versions", "django").returncode:
        raise NoIndex("No package index can be reached, so nothing can be said about newer releases. Try again online.")
    listed = json.loads(pip("list", "--outdated", "--format=json").stdout)
    return [
        Newer(name=name, pinned=pinned[name], newest=one["latest_version"])
        for one in listed
        if (name := canonical(one["name"])) in pinned
    ]


def pip(*arguments: str) -> subprocess.CompletedProcess[str]:
    command: Sequence[str] = (sys.executable, "-m", "pip", "--retries=1", "--timeout=15", *arguments)
    return subprocess.run(command, capture_output=True, text=True, timeout=LONGEST, check=False)  # noqa: S603 - ours.


if __name__ == "__main__":
    sys.exit(main())
