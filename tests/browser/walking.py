"""The steps of the journey, as somebody takes them who reads the page: by roles and labels."""

import re

from playwright.sync_api import Locator, Page, expect

from connections.models import User
from sources.activecampaign.sandbox.server import SandboxServer
from tests.conftest import PASSWORD

PLACE = "/w/harbour-tea/connections/"
WRONG_KEY = "0ddba11" * 8


def field(page: Page, label: str) -> Locator:
    return page.get_by_label(label, exact=True)


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def send(page: Page, name: str) -> None:
    """Press a form's button and wait for the page that answers."""
    with page.expect_navigation():
        press(page, name)


def log_in(page: Page, user: User) -> None:
    field(page, "E-mail").fill(user.email)
    field(page, "Password").fill(PASSWORD)
    send(page, "Log in")


def go_to_connections(page: Page) -> None:
    press(page, "Settings")
    page.get_by_role("navigation", name="Settings").get_by_role("link", name="Connections").click()


def begin(page: Page) -> None:
    """Step 1."""
    page.goto(f"{PLACE}add/")
    with page.expect_navigation():
        page.get_by_role("button", name="ActiveCampaign").click()
    expect(page.get_by_role("heading", name="Set Up Credentials")).to_be_visible()


def fill_in(
    page: Page, account: SandboxServer, *, key: str = "", name: str = "Main account", privacy: str = "Private to Me"
) -> None:
    """Step 2, not sent yet."""
    page.get_by_label(re.compile("^API (Access )?URL$")).fill(account.origin)
    field(page, "API Key").fill(key or account.api_key)
    field(page, "Connection Name").fill(name)
    choice(page, privacy).check()


def choice(page: Page, word: str) -> Locator:
    return page.get_by_role("radio", name=re.compile(f"^{word}"))


def set_up(page: Page, account: SandboxServer) -> None:
    """Steps 1 and 2, to the page that only has to be finished."""
    begin(page)
    fill_in(page, account)
    send(page, "Finish")
    expect(page.get_by_role("heading", name="Save Connection")).to_be_visible()


def message(page: Page) -> Locator:
    return page.get_by_role("main").get_by_role("status").first


def listed(page: Page) -> Locator:
    """The links to this source's connections, above the one that is shown."""
    return page.get_by_role("navigation", name="ActiveCampaign Connections").get_by_role("link")


def contact_rows(page: Page) -> Locator:
    return (
        page.get_by_role("region", name="Contacts", exact=True).get_by_role("row").filter(has=page.get_by_role("cell"))
    )
