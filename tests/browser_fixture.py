"""The system's Chromium for pytest-playwright, and what a page may not say on its console."""

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, ConsoleMessage, Page

NO_CHROMIUM = "BROWSER TESTS SKIPPED: install chromium"
QUIET_CHROMIUM = [
    "--no-sandbox",  # Root in a container cannot make the sandbox's namespaces.
    "--disable-dev-shm-usage",  # /dev/shm is 64 MB in many containers.
    "--disable-gpu",  # What tests has none, and a stand-in for it costs a fifth of the time.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
# Chromium reports each 4xx answer as an error, those that a refused form gives on purpose too.
INTENDED_REFUSAL = "Failed to load resource: the server responded with a status of 4"


def chromium_path() -> str | None:
    """Where this machine's Chromium is; the variable CHROMIUM (a name or a path) decides when it is set."""
    chosen = os.environ.get("CHROMIUM")
    names = [chosen] if chosen else ["chromium", "chromium-browser", "google-chrome"]
    return next((path for name in names if (path := shutil.which(name))), None)


def console_errors_of(context: BrowserContext) -> list[str]:
    """A list that fills with what any page of this context reports as an error."""
    errors: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith(INTENDED_REFUSAL):
            errors.append(f"{message.page.url if message.page else '?'}: {message.text}")

    context.on("console", note)
    context.on("weberror", lambda thrown: errors.append(str(thrown.error)))
    return errors


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> Iterator[dict[str, Any]]:
    path = chromium_path()
    if path is None:
        refuse = pytest.fail if os.environ.get("CI", "").lower() in {"1", "true"} else pytest.skip
        refuse(NO_CHROMIUM)
    with pytest.MonkeyPatch.context() as patch:
        # Playwright leaves an event loop running in this process until the session ends; Django would refuse
        # every query beside it. Nothing here is asynchronous, so nothing can be torn.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield {**browser_type_launch_args, "executable_path": path, "args": QUIET_CHROMIUM}


@pytest.fixture
def console_errors(page: Page) -> Iterator[list[str]]:
    """What the test's pages report as errors; any left at the end fails the test."""
    errors = console_errors_of(page.context)
    yield errors
    assert not errors, "The browser's console holds errors:\n" + "\n".join(errors)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a browser, so that `-m "not browser"` leaves out exactly that."""
    for item in items:
        if "browser_type_launch_args" in getattr(item, "fixturenames", ()):
            item.add_marker("browser")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if any(NO_CHROMIUM in str(report.longrepr) for report in terminalreporter.stats.get("skipped", [])):
        terminalreporter.write_line(NO_CHROMIUM, red=True, bold=True)
