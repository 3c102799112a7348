"""Every page in each of its states: axe finds nothing, in light and dark, and nothing scrolls sideways.

Narrow is 390 px; zoomed is a window of 1280 px at 200 %.
"""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail
from playwright.sync_api import BrowserContext, Page, Route, expect

from connections import urls
from connections.error_pages import page_text
from connections.leaving import end_membership
from connections.models import Connection, Health, Membership, Team, User
from connections.models.sync import SyncState
from connections.working import Worker
from sources.activecampaign.sandbox.server import SandboxServer
from tests.browser.conftest import NewPage
from tests.browser.inspecting import Inspection
from tests.browser.walking import PLACE, WRONG_KEY, begin, choice, field, fill_in, press, send
from tests.browser_fixture import console_errors_of
from tests.conftest import PASSWORD, Connect
from tests.processes import until

SETTINGS = "/w/harbour-tea/settings/"
LONG_NAME = "<script>alert(1)</script> شاي المرفأ 🫖 Donaudampfschifffahrtsgesellschaftskapitänskajütenschlüssel"

# By the names of connections.urls; a page that is added there has to be added here.
LOOKED_AT = {"list", "source_list", "add", "set_up", "finish", "detail", "delete", "syncs", "sync", "data", "rows"}
LOOKED_AT |= {"members", "leave", "teams", "team", "delete_team", "activity"}
NO_PAGES = {"discard", "test", "sync_now", "pause", "resume", "remove_member", "delete_left_behind"}  # POST alone.
NO_PAGES |= {"progress", "download_csv", "download_jsonl"}


def test_no_page_is_left_out():
    assert {pattern.name for pattern in urls.urlpatterns} == LOOKED_AT | NO_PAGES


@pytest.fixture
def visit(inspection: Inspection) -> Callable[[Page, str], None]:
    """Open the address and look."""

    def visit(page: Page, address: str, what: str = "") -> None:
        page.goto(address)
        inspection.look(page, what or address)

    return visit


Visit = Callable[..., None]


@pytest.fixture
def filled(connect: Connect, sandbox: SandboxServer, alice: User) -> Connection:
    """A connection whose data is there."""
    connection = connect(sandbox)
    connection.syncs.queue(connection, trigger="first", by=alice)
    Worker().serve_once()
    return connection


def test_pages_of_strangers(new_page: NewPage, visit: Visit, inspection: Inspection, alice: User) -> None:
    page = new_page()
    visit(page, "/accounts/login/")
    send(page, "Log in")
    inspection.look(page, "login, refused")
    visit(page, "/accounts/signup/")
    visit(page, "/accounts/inactive/")
    visit(page, "/accounts/confirm-email/")
    visit(page, "/accounts/confirm-email/no-such-key/")

    visit(page, "/accounts/password/reset/")
    field(page, "Email").fill(alice.email)
    send(page, "Send the link")
    inspection.look(page, "password reset, sent")
    link = re.search(r"/accounts/password/reset/key/\S+", str(mail.outbox[0].body))
    assert link
    visit(page, link.group(), "password reset, new password")
    send(page, "Change password")
    inspection.look(page, "password reset, refused")
    for field_of_two in page.get_by_role("textbox").all():
        field_of_two.fill("first-flush-darjeeling")
    send(page, "Change password")
    inspection.look(page, "password reset, done")
    visit(page, link.group(), "password reset, a link that was used")


def test_pages_of_faults_and_refusals(new_page: NewPage, visit: Visit, transactional_db: None) -> None:
    page = new_page()
    page.route("**/shown/*", show_error_page)
    for name in ("400", "403", "403_csrf", "404", "500"):
        visit(page, f"/shown/{name}", name)
    visit(page, "/no/such/page/", "404, asked for")
    expect(page.get_by_role("heading", name="Page not found")).to_be_visible()


def show_error_page(route: Route) -> None:
    """The page that its address names; a fault is hard to come by."""
    route.fulfill(body=page_text(route.request.url.rsplit("/", 1)[-1]), content_type="text/html; charset=utf-8")


def test_pages_about_oneself(new_page: NewPage, visit: Visit, inspection: Inspection, alice: User, workspace) -> None:
    page = new_page(alice)
    visit(page, "/accounts/password/change/")
    visit(page, "/accounts/email/")
    visit(page, "/accounts/reauthenticate/")
    page.goto(PLACE)
    press(page, "Your account")
    inspection.look(page, "the menu of one's account")
    page.keyboard.press("Escape")
    press(page, "Settings")
    inspection.look(page, "the settings menu")
    visit(page, "/accounts/logout/")
    send(page, "Log out")
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()


def test_pages_of_a_person_without_a_workspace(new_page: NewPage, visit: Visit, staff: User) -> None:
    visit(new_page(staff), "/", "no workspace")


def test_pages_of_an_empty_workspace(new_page: NewPage, visit: Visit, alice: User) -> None:
    page = new_page(alice)
    visit(page, PLACE, "no connections")
    visit(page, f"{PLACE}activecampaign/", "no connections of the source")
    visit(page, f"{PLACE}add/")
    visit(page, f"{PLACE}add/?q=nothing", "no source found")
    for name in ("members", "teams", "activity"):
        visit(page, f"{SETTINGS}{name}/", f"{name}, empty")


def test_pages_of_the_stepper(
    new_page: NewPage, visit: Visit, inspection: Inspection, growth: Team, sandbox: SandboxServer, alice: User
) -> None:
    page = new_page(alice)
    begin(page)
    inspection.look(page, "set up")
    send(page, "Continue")
    inspection.look(page, "set up, nothing filled in")
    fill_in(page, sandbox, key=WRONG_KEY, name=LONG_NAME)
    choice(page, "Shared with Team").check()
    send(page, "Continue")
    inspection.look(page, "set up, refused")
    visit(page, PLACE, "list with an unfinished set-up")
    visit(page, f"{PLACE}add/", "add with an unfinished set-up")

    page.get_by_role("main").get_by_role("link", name="Continue").click()
    field(page, "API Key").fill(sandbox.api_key)
    field(page, "Team").select_option(label=growth.name)
    send(page, "Continue")
    expect(page.get_by_role("heading", name="Finish")).to_be_visible()
    inspection.look(page, "finish")


def test_pages_of_the_stepper_when_things_are_odd(
    new_page: NewPage,
    visit: Visit,
    inspection: Inspection,
    connect: Connect,
    sandbox: SandboxServer,
    alice: User,
    settings: Any,
) -> None:
    connect(sandbox)
    sandbox.fault(status=503)
    page = new_page(alice)
    begin(page)
    fill_in(page, sandbox)
    send(page, "Continue")
    inspection.look(page, "set up, the account could not be asked")
    send(page, "Save without testing")
    inspection.look(page, "finish, not verified, of an account that is connected already")
    back = page.url

    settings.SOURCES_SWITCHED_OFF = ["activecampaign"]
    visit(page, back, "set up, the source switched off")
    visit(page, f"{PLACE}add/", "add, no source")


def test_pages_of_a_connection_that_has_data(new_page: NewPage, visit: Visit, filled: Connection, alice: User) -> None:
    page = new_page(alice)
    here = filled.get_absolute_url()
    visit(page, PLACE, "list")
    visit(page, f"{PLACE}?q=nothing", "list, nothing matches")
    visit(page, f"{PLACE}activecampaign/", "list of the source")
    visit(page, here, "detail")
    visit(page, f"{here}syncs/", "syncs")
    visit(page, f"{here}syncs/1/", "sync")
    visit(page, f"{here}data/", "data")
    visit(page, f"{here}data/contacts/", "rows")
    visit(page, f"{here}delete/", "delete")
    visit(page, f"{SETTINGS}activity/", "activity")


def test_pages_of_a_connection_before_its_data(
    new_page: NewPage, visit: Visit, connect: Connect, sandbox: SandboxServer, alice: User
) -> None:
    connection = connect(sandbox, name=LONG_NAME)
    here = connection.get_absolute_url()
    page = new_page(alice)
    visit(page, here, "detail, never synced")
    visit(page, f"{here}syncs/", "syncs, none")
    visit(page, f"{here}data/contacts/", "rows, never synced")
    visit(page, f"{here}delete/", "delete, a long name")
    visit(page, PLACE, "list, a long name")

    sync = connection.syncs.queue(connection, trigger="first", by=alice)
    visit(page, here, "detail, queued")
    visit(page, f"{here}data/contacts/", "rows, none yet")
    visit(page, f"{here}syncs/1/", "sync, queued")
    sync.take()
    run = sync.run_of(connection.streams[0])
    run.state, run.read, run.total = "running", 100, 250
    run.save()
    visit(page, here, "detail, syncing")


def test_pages_of_a_connection_in_trouble(
    new_page: NewPage, visit: Visit, inspection: Inspection, connect: Connect, sandbox: SandboxServer, alice: User
) -> None:
    connection = connect(sandbox)
    here = connection.get_absolute_url()
    sync = connection.syncs.queue(connection, trigger="schedule")
    sync.take().finish(SyncState.FAILED, "ActiveCampaign did not accept this key.")
    page = new_page(alice)
    for health in (Health.ACTION_NEEDED, Health.WAITING, Health.NOT_VERIFIED):
        connection.set_health(health, "ActiveCampaign did not accept this key.", code="key_refused")
        connection.save_health()
        visit(page, here, f"detail, {health.label}")
    visit(page, f"{here}syncs/1/", "sync, failed")
    visit(page, f"{here}data/deals/", "rows, zero")
    connection.pause(by=alice)
    visit(page, here, "detail, Paused")
    visit(page, PLACE, "list, Paused")

    page.goto(here)
    field(page, "Connection Name").fill("")
    field(page, "API Key").fill("two words")
    send(page, "Save")
    expect(page).to_have_title(re.compile("^Error:"))
    inspection.look(page, "detail, an edit refused")


def test_the_page_of_an_edit_that_another_was_before(
    new_page: NewPage, inspection: Inspection, connect: Connect, sandbox: SandboxServer, alice: User, dana: User
) -> None:
    connection = connect(sandbox)
    page = new_page(alice)
    page.goto(connection.get_absolute_url())
    before = {"name": connection.name}
    connection.name = "Dana's name for it"
    connection.save_changes(before, by=dana)

    field(page, "Connection Name").fill("Alice's name for it")
    send(page, "Save")

    expect(page.get_by_role("button", name="Take theirs")).to_be_visible()
    expect(field(page, "Connection Name")).to_have_value("Alice's name for it")
    inspection.look(page, "detail, conflict")


def test_pages_of_who_may_use_but_not_manage(
    new_page: NewPage, visit: Visit, filled: Connection, bob: User, sandbox: SandboxServer
) -> None:
    page = new_page(bob)
    here = filled.get_absolute_url()
    visit(page, here, "detail, for use")
    expect(page.get_by_text("Managed by Alice Okafor")).to_be_visible()
    visit(page, f"{here}delete/", "403")
    expect(page.get_by_role("heading", name="You may not do this")).to_be_visible()
    visit(page, f"{SETTINGS}members/", "members, for a member")


def test_pages_about_people(
    new_page: NewPage,
    visit: Visit,
    inspection: Inspection,
    connect: Connect,
    sandbox: SandboxServer,
    alice: User,
    dana: User,
    erin: User,
    growth: Team,
) -> None:
    connect(sandbox, by=erin, name="Erin's own", privacy="private")
    shared = connect(sandbox, by=erin, name="Erin's gift", privacy="workspace")
    end_membership(Membership.objects.get(user=erin), by=alice)
    page = new_page(alice)
    visit(page, f"{SETTINGS}members/", "members, left behind")
    expect(page.get_by_role("heading", name="Left behind")).to_be_visible()
    visit(page, f"{SETTINGS}members/leave/")
    visit(page, f"{SETTINGS}teams/")
    send(page, "Create team")
    inspection.look(page, "teams, a new one refused")
    visit(page, f"{SETTINGS}teams/{growth.pk}/", "team")
    connect(sandbox, by=alice, privacy="team", team=growth, name=LONG_NAME)
    visit(page, f"{SETTINGS}teams/{growth.pk}/delete/", "team, delete")
    visit(page, f"{SETTINGS}activity/", "activity")
    visit(page, shared.get_absolute_url(), "detail, added by a former member")


def test_the_login_of_an_address_asked_for_by_a_stranger_leads_there(
    new_page: NewPage, connect: Connect, sandbox: SandboxServer, alice: User
) -> None:
    connection = connect(sandbox)
    page = new_page()
    page.goto(connection.get_absolute_url())

    field(page, "Email").fill(alice.email)
    field(page, "Password").fill(PASSWORD)
    send(page, "Log in")

    expect(page).to_have_url(re.compile(f"{connection.get_absolute_url()}$"))


def test_the_inspection_sees_what_is_wrong(new_page: NewPage) -> None:
    page = new_page()
    page.set_content("<title>x</title><main><p style='width: 900px; color: #999'>Pale and wide</p><button></button>")
    inspection = Inspection()

    inspection.look(page, "a bad page")

    found = "\n".join(inspection.findings)
    assert "640 px wide: scrolls sideways by" in found
    assert "390 px wide: scrolls sideways by" in found
    assert "a bad page: button-name" in found
    assert "a bad page: color-contrast" in found
    assert "a bad page, dark: color-contrast" in found


def test_an_error_on_the_console_is_noticed(new_context: Callable[..., BrowserContext]) -> None:
    context = new_context()
    errors = console_errors_of(context)
    page = context.new_page()
    page.goto("/accounts/login/")

    page.evaluate("console.error('said so')")
    page.evaluate("setTimeout(() => { throw new Error('thrown') })")
    page.evaluate("document.body.append(Object.assign(document.createElement('img'), { src: 'http://127.0.0.1:9/' }))")

    until(lambda: page.wait_for_timeout(20) or len(errors) >= 3, what="three errors")
    assert "said so" in errors[0]
    assert any("thrown" in error for error in errors)
    assert any("Content Security Policy" in error for error in errors)
