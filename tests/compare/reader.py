"""`tap-activecampaign` 1.3.1, a connector that others run against live accounts, in an environment of its own."""

import json
import os
import subprocess
import venv
from collections import Counter
from pathlib import Path
from typing import Any

from tests.bench.stage import Account, NotDone

RELEASE = "tap-activecampaign==1.3.1"
TAP = Path(__file__).with_name("tap.py")
EVERYTHING = "2000-01-01T00:00:00Z"


class Reader:
    """Installed in `folder`, with the packages that it asks for; nothing of it comes near the product's own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._python = folder / "tap" / "bin" / "python"
        venv.create(folder / "tap", with_pip=True)
        self._run("-m", "pip", "install", "--quiet", "--disable-pip-version-check", RELEASE)

    def lists(self) -> dict[str, str]:
        """Which list of the API each of its streams reads."""
        return json.loads(self._run(str(TAP), "--lists"))

    def rows(self, account: Account) -> Counter[str]:
        """Read everything, and count the rows by the tap's streams. Raises NotDone."""
        self._write(
            "config", api_url=account.origin, api_token=account.api_key, start_date=EVERYTHING, user_agent="tap"
        )
        catalog = json.loads(self._run(str(TAP), *self._options("config"), "--discover"))
        self._write("catalog", streams=[selected(stream) for stream in catalog["streams"]])
        said = self._run(str(TAP), *self._options("config", "catalog"))
        messages = [json.loads(line) for line in said.splitlines()]
        began = {message["stream"] for message in messages if message["type"] == "SCHEMA"}
        left = {stream["stream"] for stream in catalog["streams"]} - began
        if left:
            raise NotDone(f"The tap never began with {', '.join(sorted(left))}.")
        counts = Counter(dict.fromkeys(began, 0))
        counts.update(message["stream"] for message in messages if message["type"] == "RECORD")
        return counts

    def _options(self, *names: str) -> list[str]:
        return [word for name in names for word in (f"--{name}", str(self._folder / f"{name}.json"))]

    def _write(self, name: str, **document: Any) -> None:
        (self._folder / f"{name}.json").write_text(json.dumps(document))

    def _run(self, *words: str) -> str:
        done = subprocess.run([self._python, *words], capture_output=True, text=True, check=False, env=os.environ)
        if done.returncode:
            raise NotDone(f"{' '.join(words[:3])} ended with {done.returncode}: {done.stderr[-2000:]}")
        return done.stdout


def selected(stream: dict[str, Any]) -> dict[str, Any]:
    """The stream of a catalog, with all its columns chosen."""
    for one in stream["metadata"]:
        one["metadata"]["selected"] = True
    return stream
