"""Fixtures: the ActiveCampaign sandbox inside the test's process, or as a process of its own."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

import httpx
import pytest
from cryptography.fernet import Fernet

from sources.activecampaign.sandbox.server import SandboxServer
from sources.activecampaign.sandbox.world.world import demo_key

ROOT = Path(__file__).parent.parent


def ask(sandbox: Any, path: str, *, key: str | None = None, **query: Any) -> httpx.Response:
    """GET a path below `/api/3/` with the sandbox's key, or another."""
    headers = {"Api-Token": sandbox.api_key if key is None else key}
    # Plain http has nothing to verify, and reading the list of authorities takes longer than the call.
    with httpx.Client(headers=headers, timeout=10, trust_env=False, verify=False) as client:
        return client.get(f"{sandbox.origin}/api/3/{path}", params=query)


class SandboxProcess:
    """The management command on a free port. Options are those of the command: `contacts=5000`, `latency_ms=300`."""

    def __init__(self, *, environment: Mapping[str, str] | None = None, **options: Any) -> None:
        words = [f"--{name.replace('_', '-')}={value}" for name, value in ({"port": 0} | options).items()]
        self._process = subprocess.Popen(
            [sys.executable, "manage.py", "activecampaign_sandbox", *words],
            cwd=ROOT,
            env=_fresh_secrets() | os.environ | {"DEBUG": "on"} | dict(environment or {}),
            stdout=subprocess.PIPE,
            text=True,
        )
        self.pid = self._process.pid
        self.api_key = options.get("api_key") or demo_key(options.get("seed", 1))
        self.origin = self._read_origin()

    def _read_origin(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+", line)
        if found is None:
            self.stop()
            raise RuntimeError(f"The sandbox did not start: {line!r}")
        return found.group()

    def stats(self) -> dict[str, Any]:
        return httpx.get(f"{self.origin}/__stats", trust_env=False).raise_for_status().json()

    def history(self, stream: str, *, since: int = 0) -> dict[str, Any]:
        query = {"stream": stream, "since": since}
        return httpx.get(f"{self.origin}/__history", params=query, trust_env=False).raise_for_status().json()

    def reset(self) -> None:
        httpx.post(f"{self.origin}/__reset", trust_env=False).raise_for_status()

    def fault(self, path: str = "*", **wanted: Any) -> None:
        self._post("/__fault", {"path": path} | wanted)

    def clear_faults(self) -> None:
        self._post("/__fault", {"clear": True})

    def behave(self, **wanted: Any) -> None:
        self._post("/__habits", wanted)

    def add_key(self, key: str, *, user_id: int, admin: bool = False, denied: Collection[str] = ()) -> None:
        self._post("/__key", {"add": key, "user_id": user_id, "admin": admin, "denied": list(denied)})

    def revoke(self, key: str) -> None:
        self._post("/__key", {"revoke": key})

    def insert(self, stream: str, *, identity: str | None = None, **columns: Any) -> str:
        return str(self._post("/__world", {"insert": stream, "id": identity, "columns": columns})["id"])

    def change(self, stream: str, identity: str, **columns: Any) -> dict[str, Any]:
        return self._post("/__world", {"change": stream, "id": identity, "columns": columns})

    def remove(self, stream: str, identity: str) -> None:
        self._post("/__world", {"remove": stream, "id": identity})

    def do_all(self, actions: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Many changes at once: `{"insert" | "change" | "remove": stream, "id": …, "columns": {…}, "moment": …}`."""
        return self._post("/__world", {"all": [*actions]})["done"]

    def _post(self, path: str, document: dict[str, Any]) -> dict[str, Any]:
        answer = httpx.post(f"{self.origin}{path}", json=document, trust_env=False)
        return answer.raise_for_status().json()

    def interrupt(self) -> int:
        self._process.send_signal(signal.SIGINT)
        return self._process.wait(timeout=20)

    def stop(self) -> int:
        """Stop it as an operator would; return its exit code."""
        self._process.terminate()
        code = self._process.wait(timeout=20)
        if self._process.stdout is not None:
            self._process.stdout.close()
        return code


def _fresh_secrets() -> dict[str, str]:
    """The settings want them to load; the sandbox needs none."""
    return {"SECRET_KEY": token_urlsafe(50), "CREDENTIAL_KEYS": Fernet.generate_key().decode()}


@pytest.fixture
def new_sandbox(settings: Any) -> Iterator[Callable[..., SandboxServer]]:
    """Start a sandbox with the given options; its origin is accepted as an API URL while the test runs."""
    with ExitStack() as running:

        def start(**options: Any) -> SandboxServer:
            sandbox = running.enter_context(SandboxServer(**options))
            settings.ACTIVECAMPAIGN_SANDBOX_ORIGINS = [*settings.ACTIVECAMPAIGN_SANDBOX_ORIGINS, sandbox.origin]
            return sandbox

        yield start


@pytest.fixture
def sandbox(new_sandbox: Callable[..., SandboxServer]) -> SandboxServer:
    """A small account without latency or limit."""
    return new_sandbox()


@pytest.fixture
def sandbox_process(settings: Any) -> Iterator[Callable[..., SandboxProcess]]:
    """Start the sandbox as a process of its own, where its work must not slow down what is measured."""
    with ExitStack() as running:

        def start(**options: Any) -> SandboxProcess:
            process = SandboxProcess(**options)
            running.callback(process.stop)
            settings.ACTIVECAMPAIGN_SANDBOX_ORIGINS = [*settings.ACTIVECAMPAIGN_SANDBOX_ORIGINS, process.origin]
            return process

        yield start
