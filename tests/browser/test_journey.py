"""The whole journey in a browser: from the login, by way of a wrong key, to a connection and its data."""

import re

import pytest
from playwright.sync_api import Page, expect

from connections.models import Connection, State, User
from sources.activecampaign.sandbox.server import SandboxServer
from tests.browser.conftest import NewPage, StartWorker
from tests.browser.walking import (
    PLACE,
    WRONG_KEY,
    choice,
    contact_rows,
    field,
    fill_in,
    go_to_connections,
    listed,
    log_in,
    message,
    press,
)
from tests.conftest import Connect
from tests.processes import until

WITH_AND_WITHOUT_SCRIPTS = pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no_scripts"])
PATIENCE = 60_000  # Milliseconds; a bound for a busy machine.

# Notes, over the pages, when Finish was pressed and when the first contact could be seen.
STOPWATCH = """
addEventListener("submit", () => sessionStorage.setItem("sent", Date.now()));
new MutationObserver(() => {
  if (document.querySelector("[role=region][aria-label=Contacts] tbody tr") && !sessionStorage.getItem("seen")) {
    sessionStorage.setItem("seen", Date.now());
  }
}).observe(document, { childList: true, subtree: true });
"""
FIRST_ROWS_WITHIN = 3.0  # Seconds, promised by the product.


def walk_to_step_2(page: Page, alice: User) -> None:
    page.goto("/")
    log_in(page, alice)
    expect(page.get_by_role("heading", name="Connections", exact=True)).to_be_visible()
    go_to_connections(page)
    page.get_by_role("link", name="Add Connection").first.click()
    expect(page.get_by_role("listitem").filter(has_text="Select Source")).to_have_attribute("aria-current", "step")
    page.get_by_role("button", name="ActiveCampaign").click()
    expect(page).to_have_url(re.compile(r"/connections/add/activecampaign/[0-9a-f-]{36}/$"))


def be_refused(page: Page, account: SandboxServer, *, scripts: bool) -> None:
    fill_in(page, account, key=WRONG_KEY, name="Tea – main", privacy="Shared with Workspace")
    press(page, "Finish")

    expect(page).to_have_title(re.compile("^Error:"))
    key = field(page, "API Key")
    expect(key).to_have_attribute("aria-invalid", "true")
    expect(key).to_have_accessible_description(re.compile("key"))
    expect(page.locator("#id_api_key_error")).to_be_visible()
    expect(key).to_have_value("")
    expect(field(page, "API Access URL")).to_have_value(account.origin)
    expect(field(page, "Connection Name")).to_have_value("Tea – main")
    expect(choice(page, "Shared with Workspace")).to_be_checked()
    if scripts:
        expect(page.get_by_role("alert")).to_be_focused()


def be_shown_what_was_proven(page: Page, account: SandboxServer) -> None:
    field(page, "API Key").fill(account.api_key)
    press(page, "Finish")

    expect(page.get_by_role("listitem").filter(has_text="Finish")).to_have_attribute("aria-current", "step")
    main = page.get_by_role("main")
    user = account.world.row("users", account.world.first_ids("users")[0])
    expect(main).to_contain_text(account.origin.removeprefix("http://"))
    expect(main).to_contain_text(str(user["email"]))
    expect(main).to_contain_text(f"{account.world.count('contacts')}")
    expect(main).to_contain_text("You alone, for now.")
    expect(main).to_contain_text("Campaigns")
    expect(main).to_contain_text("3 calls a second")


def be_on_the_new_connection(page: Page) -> None:
    expect(message(page)).to_contain_text("Connection saved")
    expect(page.get_by_role("heading", name="ActiveCampaign Connections")).to_be_visible()
    expect(listed(page).first).to_have_attribute("aria-current", "page")
    expect(listed(page).first).to_contain_text("Tea – main")
    expect(listed(page).first).to_contain_text("New")


def test_the_first_rows_are_on_the_page_within_three_seconds_of_finish(
    new_page: NewPage, alice: User, account: SandboxServer, start_worker: StartWorker
) -> None:
    page = new_page()
    page.add_init_script(STOPWATCH)
    start_worker(account)

    walk_to_step_2(page, alice)
    be_refused(page, account, scripts=True)
    assert not Connection.objects.visible_to(alice).exists()
    be_shown_what_was_proven(page, account)
    press(page, "Save Connection")
    be_on_the_new_connection(page)

    expect(contact_rows(page)).to_have_count(5, timeout=PATIENCE)
    sent, seen = page.evaluate("['sent', 'seen'].map((name) => Number(sessionStorage.getItem(name)))")
    assert 0 < (seen - sent) / 1000 <= FIRST_ROWS_WITHIN


def test_the_journey_needs_no_scripts(
    new_page: NewPage, alice: User, account: SandboxServer, start_worker: StartWorker
) -> None:
    page = new_page(java_script_enabled=False)
    start_worker(account)

    walk_to_step_2(page, alice)
    be_refused(page, account, scripts=False)
    be_shown_what_was_proven(page, account)
    press(page, "Save Connection")
    be_on_the_new_connection(page)

    def reloaded_page_has_rows() -> bool:
        page.reload()
        return contact_rows(page).count() == 5

    until(reloaded_page_has_rows, what="rows on the page")


def test_progress_moves_on_the_page_until_the_sync_has_ended(
    new_page: NewPage, alice: User, connect: Connect, sandbox: SandboxServer, start_worker: StartWorker
) -> None:
    connection = connect(sandbox)
    connection.syncs.queue(connection, trigger="person", by=alice)
    page = new_page(alice)
    page.goto(connection.get_absolute_url())
    expect(page.get_by_role("progressbar")).to_be_visible()

    start_worker(sandbox)

    expect(page.get_by_text("Last sync: Complete")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_role("progressbar")).to_have_count(0)
    page.get_by_role("link", name="Syncs", exact=True).click()
    link = page.get_by_role("link", name="Contacts", exact=True)
    expect(page.get_by_role("row").filter(has=link)).to_contain_text(str(sandbox.world.count("contacts")))


@WITH_AND_WITHOUT_SCRIPTS
def test_a_connection_is_renamed_tested_synced_paused_resumed_and_deleted_on_its_page(
    new_page: NewPage, alice: User, connect: Connect, sandbox: SandboxServer, scripts: bool
) -> None:
    connection = connect(sandbox)
    page = new_page(alice, java_script_enabled=scripts)
    page.goto(connection.get_absolute_url())

    field(page, "Connection Name").fill("Tea, renamed")
    press(page, "Save")
    expect(message(page)).to_contain_text("Saved")
    expect(listed(page).first).to_contain_text("Tea, renamed")

    press(page, "Test now")
    expect(message(page)).to_contain_text("It works: ActiveCampaign answered as")

    press(page, "Sync now")
    expect(message(page)).to_contain_text("The sync starts in a moment")
    assert connection.syncs.get().state == "queued"

    press(page, "Pause")
    expect(message(page)).to_contain_text("Paused")
    connection.refresh_from_db()
    assert connection.state == State.PAUSED

    press(page, "Resume")
    expect(message(page)).to_contain_text("Resumed")
    connection.refresh_from_db()
    assert connection.state == State.ACTIVE

    page.get_by_role("link", name="Delete").click()
    expect(page.get_by_role("heading", name="Delete “Tea, renamed”?")).to_be_visible()
    assert Connection.objects.visible_to(alice).exists()
    press(page, "Delete permanently")
    expect(message(page)).to_contain_text("Tea, renamed was deleted")
    expect(page).to_have_url(re.compile(f"{PLACE}activecampaign/$"))
    assert not Connection.objects.exists()
