"""What a form does while somebody types into it, and when they leave it."""

import pytest
from playwright.sync_api import Dialog, Page, expect

from connections.models import Connection, User
from connections.syncing.syncing import fail
from sources.activecampaign.sandbox.server import SandboxServer
from sources.errors import BadCredentials
from tests.browser.conftest import NewPage
from tests.browser.walking import begin, choice, contact_rows, field, log_in, send, set_up
from tests.conftest import Connect

pytestmark = pytest.mark.usefixtures("workspace")


@pytest.fixture
def page(new_page: NewPage, alice: User) -> Page:
    return new_page(alice)


def questions_of(page: Page) -> list[str]:
    """A list that fills with what the browser asks; each question is answered with Cancel."""
    asked: list[str] = []

    def cancel(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", cancel)
    return asked


@pytest.mark.parametrize("label", ["Connection Name", "API Key"])
def test_leaving_a_form_with_something_typed_asks_first(page: Page, label: str) -> None:
    begin(page)
    asked = questions_of(page)
    field(page, label).fill("typed")

    page.get_by_role("link", name="BlinkMetrics").click()

    assert asked == ["beforeunload"]
    expect(field(page, label)).to_have_value("typed")


def test_leaving_an_edit_that_is_not_saved_asks_first(page: Page, connect: Connect, sandbox: SandboxServer) -> None:
    page.goto(connect(sandbox).get_absolute_url())
    asked = questions_of(page)
    choice(page, "Private to Me").check()

    page.get_by_role("link", name="BlinkMetrics").click()

    assert asked == ["beforeunload"]
    expect(choice(page, "Private to Me")).to_be_checked()


def test_sending_a_form_or_leaving_an_untouched_one_asks_nothing(page: Page, sandbox: SandboxServer) -> None:
    asked = questions_of(page)
    set_up(page, sandbox)
    send(page, "Save Connection")
    page.get_by_role("link", name="BlinkMetrics").click()

    expect(page.get_by_role("heading", name="Home", exact=True)).to_be_visible()
    assert asked == []


def test_progress_leaves_what_is_being_typed_alone(page: Page, connect: Connect, sandbox: SandboxServer) -> None:
    connection = connect(sandbox)
    sync = connection.syncs.queue(connection, trigger="person")
    page.goto(connection.get_absolute_url())
    field(page, "Connection Name").fill("Half typed")

    sync.take().finish("complete")

    expect(page.get_by_role("progressbar")).to_have_count(0, timeout=60_000)
    expect(field(page, "Connection Name")).to_have_value("Half typed")
    expect(field(page, "Connection Name")).to_be_focused()
    expect(contact_rows(page)).to_have_count(0)


def test_what_a_sync_ends_in_is_shown_and_read_out_while_somebody_types(
    page: Page, connect: Connect, sandbox: SandboxServer
) -> None:
    connection = connect(sandbox)
    page.goto(connection.get_absolute_url())
    page.get_by_role("button", name="Sync now").click()
    expect(page.get_by_text("The sync starts in a moment.")).to_be_visible()
    field(page, "Connection Name").fill("Half typed")

    fail(connection.syncs.get().take(), BadCredentials("ActiveCampaign refused the key."))

    expect(page.get_by_role("link", name="Enter another key")).to_be_visible(timeout=60_000)
    expect(page.locator("[aria-live]")).to_contain_text("Sync: Failed. Action needed: ActiveCampaign no longer accepts")
    expect(page.get_by_text("The sync starts in a moment.")).to_have_count(0)
    expect(page.get_by_text("when it works again")).to_be_visible()
    expect(page.get_by_role("button", name="Sync now")).to_have_count(0)  # It could not work.
    expect(field(page, "Connection Name")).to_have_value("Half typed")
    expect(field(page, "Connection Name")).to_be_focused()


def test_the_page_of_a_sync_follows_it_to_its_end(page: Page, connect: Connect, sandbox: SandboxServer) -> None:
    connection = connect(sandbox)
    sync = connection.syncs.queue(connection, trigger="person").take()
    run = sync.stream_runs.create(stream="contacts", state="running", read=100, new=100, total=200)
    page.goto(sync.get_absolute_url())
    expect(page.get_by_role("region", name="By kind of data")).to_contain_text("Running: 100 of 200")

    run.end("complete")
    sync.finish("complete")

    expect(page.get_by_role("region", name="By kind of data")).not_to_contain_text("Running", timeout=60_000)
    expect(page.locator("[aria-live]")).to_contain_text("Sync: Complete")
    expect(page.get_by_role("heading", name="Sync 1")).to_be_visible()


def test_the_team_is_asked_for_only_when_it_is_shared_with_a_team(page: Page, growth: object) -> None:
    begin(page)
    expect(field(page, "Team")).to_be_hidden()

    choice(page, "Shared with Team").check()
    expect(field(page, "Team")).to_be_visible()

    choice(page, "Private to Me").check()
    expect(field(page, "Team")).to_be_hidden()


def test_no_privacy_is_chosen_beforehand(page: Page) -> None:
    begin(page)

    for word in ("Shared with Workspace", "Shared with Team", "Private to Me"):
        expect(choice(page, word)).not_to_be_checked()


def test_what_was_typed_outlives_the_tab_and_the_session_but_for_the_key(page: Page, alice: User) -> None:
    tab = page.context.new_page()
    begin(tab)
    step_2 = tab.url
    field(tab, "API Access URL").fill("https://acme.api-us1.com")
    field(tab, "API Key").fill("feed" * 10)
    with tab.expect_response(lambda answer: answer.url.endswith("/keep/")) as kept:
        field(tab, "Connection Name").fill("Half a name")
    assert kept.value.status == 204

    tab.close(run_before_unload=False)
    page.context.clear_cookies()
    page.goto(step_2)
    log_in(page, alice)

    expect(field(page, "API Access URL")).to_have_value("https://acme.api-us1.com")
    expect(field(page, "Connection Name")).to_have_value("Half a name")
    expect(field(page, "API Key")).to_have_value("")
    assert not Connection.objects.get().has_key


FRAMES = """
window.unlike = [];
const look = () => {
  const times = [...document.querySelectorAll("time")].map((one) => one.textContent);
  window.unlike.push(...times.filter((text) => text.endsWith("UTC")));
  requestAnimationFrame(look);
};
addEventListener("DOMContentLoaded", () => requestAnimationFrame(look));
"""


def test_no_frame_shows_times_as_the_server_writes_them(page: Page, connect: Connect, sandbox: SandboxServer) -> None:
    connection = connect(sandbox)
    connection.syncs.queue(connection, trigger="person").take()
    page.add_init_script(FRAMES)
    page.goto(connection.get_absolute_url())

    for _ in range(2):
        with page.expect_response(lambda answer: "/progress/" in answer.url):
            pass

    page.wait_for_timeout(100)  # Some frames more.
    assert page.locator("time").count() > 2
    assert page.evaluate("window.unlike") == []
