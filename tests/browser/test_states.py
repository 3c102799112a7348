"""What people do to a browser that toy versions forget: Back, reload, two tabs, two clicks, and going away."""

import re

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import Dialog, Page, expect

from connections.models import Connection, State, User
from sources.activecampaign.sandbox.server import SandboxServer
from tests.browser.conftest import NewPage
from tests.browser.walking import (
    PLACE,
    WRONG_KEY,
    begin,
    choice,
    contact_rows,
    field,
    fill_in,
    listed,
    log_in,
    message,
    send,
    set_up,
)
from tests.conftest import Connect

pytestmark = pytest.mark.usefixtures("workspace")


@pytest.fixture
def page(new_page: NewPage, alice: User) -> Page:
    return new_page(alice)


def only_connection() -> Connection:
    """There is one row, and it is a finished connection with one sync."""
    connection = Connection.objects.get()
    assert connection.state == State.ACTIVE
    assert connection.syncs.count() == 1
    return connection


def questions_of(page: Page) -> list[str]:
    """A list that fills with what the browser asks; each question is answered with Cancel."""
    asked: list[str] = []

    def cancel(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", cancel)
    return asked


def test_back_after_finish_leads_to_the_connection_and_not_to_a_second_one(page: Page, sandbox: SandboxServer) -> None:
    set_up(page, sandbox)
    send(page, "Finish")
    created = page.url

    page.go_back()

    expect(page).to_have_url(created)
    expect(page.get_by_role("heading", name="ActiveCampaign Connections")).to_be_visible()
    assert created.endswith(only_connection().get_absolute_url())


def test_back_from_finish_shows_what_was_typed_and_goes_on_with_the_key_that_is_kept(
    page: Page, sandbox: SandboxServer
) -> None:
    set_up(page, sandbox)

    page.go_back()

    expect(field(page, "API Access URL")).to_have_value(sandbox.origin)
    expect(field(page, "Connection Name")).to_have_value("Main account")
    expect(choice(page, "Private to Me")).to_be_checked()
    expect(field(page, "API Key")).to_have_value("")
    send(page, "Continue")
    send(page, "Finish")
    assert only_connection().name == "Main account"


def test_a_done_step_of_the_stepper_is_a_link_back(page: Page, sandbox: SandboxServer) -> None:
    set_up(page, sandbox)

    page.get_by_role("navigation", name="Add Connection").get_by_role("link", name="Set Up Credentials").click()

    expect(field(page, "Connection Name")).to_have_value("Main account")


def test_two_clicks_on_continue_and_on_finish_make_one_connection(page: Page, sandbox: SandboxServer) -> None:
    begin(page)
    fill_in(page, sandbox)
    page.get_by_role("button", name="Continue").dblclick()
    expect(page.get_by_role("heading", name="Finish")).to_be_visible()
    page.get_by_role("button", name="Finish").dblclick()

    expect(message(page)).to_contain_text("Connection created")
    only_connection()
    assert len([call for call in sandbox.requests if call.path.endswith("users/me")]) == 1


def test_two_clicks_make_one_connection_without_scripts_too(
    new_page: NewPage, alice: User, sandbox: SandboxServer
) -> None:
    page = new_page(alice, java_script_enabled=False)
    begin(page)
    fill_in(page, sandbox)
    page.get_by_role("button", name="Continue").dblclick()
    expect(page.get_by_role("heading", name="Finish")).to_be_visible()
    page.get_by_role("button", name="Finish").dblclick()

    expect(page.get_by_role("heading", name="ActiveCampaign Connections")).to_be_visible()
    expect(listed(page)).to_have_count(1)
    only_connection()


def test_reload_on_the_page_of_an_error_shows_the_same_page_again(page: Page, sandbox: SandboxServer) -> None:
    begin(page)
    fill_in(page, sandbox, key=WRONG_KEY, name="Kept")
    send(page, "Continue")
    expect(page).to_have_title(re.compile("^Error:"))

    page.reload()

    expect(page).to_have_title(re.compile("^Error:"))
    expect(field(page, "Connection Name")).to_have_value("Kept")
    expect(field(page, "API Key")).to_have_value("")
    assert Connection.objects.get().is_draft
    assert not Connection.objects.get().has_key


def test_reload_after_finish_makes_no_second_connection(page: Page, sandbox: SandboxServer) -> None:
    set_up(page, sandbox)
    send(page, "Finish")

    page.reload()

    expect(page.get_by_role("heading", name="ActiveCampaign Connections")).to_be_visible()
    only_connection()


def test_a_tab_that_is_behind_is_told_that_the_other_has_finished(page: Page, sandbox: SandboxServer) -> None:
    begin(page)
    second = page.context.new_page()
    second.goto(page.url)
    fill_in(page, sandbox, name="First tab")
    send(page, "Continue")
    send(page, "Finish")

    fill_in(second, sandbox, name="Second tab")
    send(second, "Continue")

    expect(second).to_have_url(re.compile(f"{only_connection().get_absolute_url()}$"))
    expect(message(second)).to_contain_text("already finished")
    assert only_connection().name == "First tab"


def test_two_tabs_on_finish_make_one_connection(page: Page, sandbox: SandboxServer) -> None:
    set_up(page, sandbox)
    second = page.context.new_page()
    second.goto(page.url)

    send(page, "Finish")
    send(second, "Finish")

    for tab in (page, second):
        expect(tab).to_have_url(re.compile(f"{only_connection().get_absolute_url()}$"))


def test_a_closed_tab_loses_nothing_but_the_key(page: Page, sandbox: SandboxServer) -> None:
    begin(page)
    fill_in(page, sandbox, key=WRONG_KEY, name="Half done")
    send(page, "Continue")
    context = page.context
    page.close()

    again = context.new_page()
    again.goto(f"{PLACE}add/")
    expect(again.get_by_role("region", name="Continue where you left off")).to_contain_text("Half done")
    again.get_by_role("main").get_by_role("link", name="Continue").click()

    expect(field(again, "API Access URL")).to_have_value(sandbox.origin)
    expect(field(again, "Connection Name")).to_have_value("Half done")
    expect(choice(again, "Private to Me")).to_be_checked()
    expect(field(again, "API Key")).to_have_value("")


def test_an_unfinished_set_up_is_discarded_on_request(page: Page, sandbox: SandboxServer) -> None:
    set_up(page, sandbox)
    page.goto(f"{PLACE}add/")

    send(page, "Discard")

    expect(message(page)).to_contain_text("discarded")
    assert not Connection.objects.exists()


def test_a_session_that_ends_between_the_steps_is_taken_up_after_login(
    page: Page, sandbox: SandboxServer, alice: User
) -> None:
    set_up(page, sandbox)
    Session.objects.all().delete()
    send(page, "Finish")
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    assert Connection.objects.get().is_draft

    log_in(page, alice)

    expect(page.get_by_role("heading", name="Finish")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("Main account")
    send(page, "Finish")
    assert only_connection().name == "Main account"


def test_a_session_that_ends_while_typing_leads_back_to_the_form_after_login(
    page: Page, sandbox: SandboxServer, alice: User
) -> None:
    begin(page)
    step_2 = page.url
    fill_in(page, sandbox)
    Session.objects.all().delete()
    send(page, "Continue")

    log_in(page, alice)

    expect(page).to_have_url(step_2)
    expect(page.get_by_role("heading", name="Set Up Credentials")).to_be_visible()
    assert not Connection.objects.get().has_key


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
    send(page, "Finish")
    page.get_by_role("link", name="BlinkMetrics").click()

    expect(page.get_by_role("heading", name="Connections", exact=True)).to_be_visible()
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
