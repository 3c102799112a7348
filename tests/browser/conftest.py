"""Who sits before the browser, and what stands behind the pages: a real server, and a real worker when asked for."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

from connections.models import User
from sources.activecampaign.sandbox.server import SandboxServer
from tests.browser.inspecting import Inspection
from tests.browser_fixture import console_errors_of
from tests.command_fixture import database_url
from tests.conftest import client_of
from tests.processes import ROOT, Started, started

WIDE = {"width": 1280, "height": 800}

NewPage = Callable[..., Page]
StartWorker = Callable[[SandboxServer], Started]
Visit = Callable[..., None]


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any], live_server: Any) -> dict[str, Any]:
    # Without motion no page is looked at half-way between two colours.
    return {**browser_context_args, "base_url": live_server.url, "viewport": WIDE, "reduced_motion": "reduce"}


@pytest.fixture
def new_page(new_context: Callable[..., BrowserContext], live_server: Any, settings: Any) -> Iterator[NewPage]:
    """Open a browser of its own, logged in as `user` if one is given. No page of it may leave an error behind."""
    errors: list[list[str]] = []

    def open_page(user: User | None = None, *, logged_in_ago: float = 0.0, **options: Any) -> Page:
        context = new_context(**options)
        errors.append(console_errors_of(context))
        if user:
            session = client_of(user, logged_in_ago=logged_in_ago).cookies[settings.SESSION_COOKIE_NAME].value
            context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}])
        return context.new_page()

    yield open_page
    found = [error for of_context in errors for error in of_context]
    assert not found, "The browser's console holds errors:\n" + "\n".join(found)


@pytest.fixture
def inspection() -> Iterator[Inspection]:
    """Looks at pages; what it found on any of them fails the test at its end."""
    inspection = Inspection()
    yield inspection
    assert not inspection.findings, "\n".join(["Found on the pages:", *inspection.findings])


@pytest.fixture
def visit(inspection: Inspection) -> Callable[[Page, str], None]:
    """Open the address and look."""

    def visit(page: Page, address: str, what: str = "") -> None:
        page.goto(address)
        inspection.look(page, what or address)

    return visit


@pytest.fixture
def sandbox(new_sandbox: Callable[..., SandboxServer], settings: Any) -> SandboxServer:
    """An account that is asked as fast as it answers, where the pace is of no account."""
    settings.ACTIVECAMPAIGN_RATE = 1000.0
    return new_sandbox()


@pytest.fixture
def account(new_sandbox: Callable[..., SandboxServer]) -> SandboxServer:
    """An account as one meets it: five calls a second, each a tenth of a second away."""
    return new_sandbox(rate=5, latency_ms=100)


@pytest.fixture
def start_worker(transactional_db: None, tmp_path: Path, settings: Any) -> Iterator[StartWorker]:
    """Start `manage.py worker` on the test's database and wait until it is idle."""
    with ExitStack() as running:

        def start(account: SandboxServer) -> Started:
            environment = {
                **os.environ,
                "DATABASE_URL": database_url(),
                "ACTIVECAMPAIGN_SANDBOX_ORIGINS": account.origin,
                "ACTIVECAMPAIGN_RATE": str(settings.ACTIVECAMPAIGN_RATE),
                "EMAIL_URL": f"filemail://{tmp_path}/mail",
            }
            command = [sys.executable, "manage.py", "worker"]
            worker = running.enter_context(started(command, directory=ROOT, environment=environment))
            worker.says("The worker is waiting for syncs.")
            return worker

        yield start
