"""Every page in each of its states: axe finds nothing, in light and dark, and nothing scrolls sideways.

Narrow is 390 px; zoomed is a window of 1280 px at 200 %.
"""

import re
from collections.abc import Callable
from typing import Any

from django.core import mail
from playwright.sync_api import BrowserContext, Route, expect

from connections.access.fault_reports import page_text
from connections.models import Membership, SignIn, Team, User, Workspace
from connections.models.sign_in import Outcome
from connections.operating.erasing_people import erase_people_a_piece
from connections.people.leaving import end_membership
from sources.activecampaign.sandbox.server import SandboxServer
from tests.addresses import OF_A_WORKSPACE
from tests.browser.conftest import NewPage, Visit
from tests.browser.inspecting import LONG_NAME, Inspection
from tests.browser.walking import PLACE, WRONG_KEY, begin, choice, field, fill_in, log_in, press, send
from tests.browser_fixture import console_errors_of
from tests.conftest import PASSWORD, Connect, code_of
from tests.connections.engine import store_rows
from tests.processes import until

SETTINGS = "/w/harbour-tea/settings/"

# By the names of connections.urls; a page that is added there has to be added here.
LOOKED_AT = {"list", "source_list", "add", "set_up", "finish", "detail", "delete", "syncs", "sync", "data", "rows"}
LOOKED_AT |= {"row", "pulling", "clear_data", "erase_former", "members", "remove_member", "delete_left_behind", "leave"}
LOOKED_AT |= {
    "home",
    "numbers",
    "number",
    "pin",
    "pinned",
    "teams",
    "team",
    "delete_team",
    "activity",
    "privacy",
    "person_erasure",
    "workspace",
    "fields",
    "fields_of",
}
NO_PAGES = {"keep", "discard", "test", "sync_now", "cancel", "pause", "resume"}  # POST alone, as are the next five.
NO_PAGES |= {"store_standby", "remove_standby", "take_back_former"}
NO_PAGES |= {"read_again", "decide_missing", "act_on_chosen"}
NO_PAGES |= {"change_member", "require_second_factor", "erase_person", "discard_erasure"}
NO_PAGES |= {"check_number", "unpin", "look_around", "remove_sample"}
NO_PAGES |= {"settings", "progress", "download_csv", "download_jsonl"}


def test_no_page_is_left_out():
    assert OF_A_WORKSPACE.keys() == LOOKED_AT | NO_PAGES


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
    field(page, "E-mail").fill(alice.email)
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
    for name in ("400", "403", "403_csrf", "404", "413", "429", "500"):
        visit(page, f"/shown/{name}", name)
    visit(page, "/no/such/page/", "404, asked for")
    expect(page.get_by_role("heading", name="Page not found")).to_be_visible()


def show_error_page(route: Route) -> None:
    """The page that its address names; a fault is hard to come by."""
    route.fulfill(body=page_text(route.request.url.rsplit("/", 1)[-1]), content_type="text/html; charset=utf-8")


def test_pages_about_oneself(new_page: NewPage, visit: Visit, inspection: Inspection, alice: User, workspace) -> None:
    page = new_page(alice)
    visit(page, "/accounts/password/change/")
    visit(page, "/accounts/reauthenticate/")
    visit(page, "/accounts/sign-ins/", "sign-ins, none yet")
    for outcome in (Outcome.WRONG_PASSWORD, Outcome.WRONG_CODE, Outcome.SIGNED_IN):
        SignIn.objects.note(
            outcome, person=alice, client="2001:db8:85a3:8d3:1319:8a2e:370:7348", browser="Firefox on Mac"
        )
    visit(page, "/accounts/sign-ins/")
    page.goto(PLACE)
    press(page, "Your account")
    inspection.look(page, "the menu of one's account")
    page.keyboard.press("Escape")
    press(page, "Settings")
    inspection.look(page, "the settings menu")
    visit(page, "/accounts/logout/")
    send(page, "Log out")
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()


def test_pages_of_two_step_login(
    new_page: NewPage, visit: Visit, inspection: Inspection, alice: User, workspace: Workspace
) -> None:
    page = new_page(alice)
    workspace.require_second_factor(wanted=True, by=alice)
    visit(page, PLACE, "two-step login, needed here")
    secret = page.locator("code").inner_text()
    send(page, "Switch on")
    inspection.look(page, "two-step login, no code entered")
    field(page, "Authenticator code").fill(code_of(secret))
    send(page, "Switch on")
    inspection.look(page, "recovery codes")
    visit(page, "/accounts/2fa/", "two-step login, on")
    visit(page, "/accounts/2fa/recovery-codes/generate/")
    visit(page, "/accounts/2fa/totp/deactivate/")
    visit(page, f"{SETTINGS}members/", "members, two-step login needed")
    visit(page, "/accounts/2fa/reauthenticate/")

    stranger = new_page()
    stranger.goto("/accounts/login/")
    log_in(stranger, alice)
    inspection.look(stranger, "the second step")
    field(stranger, "Code").fill("000000")
    send(stranger, "Log in")
    inspection.look(stranger, "the second step, refused")


def test_pages_of_somebody_who_has_to_confirm(
    new_page: NewPage, visit: Visit, inspection: Inspection, alice: User, connect: Connect, sandbox: SandboxServer
) -> None:
    connection = connect(sandbox)
    page = new_page(alice, logged_in_ago=360)
    visit(page, connection.get_absolute_url(), "detail, of an old login")
    field(page, "API Key").fill(WRONG_KEY)
    field(page, "Connection Name").fill("Harbour shop")
    send(page, "Save")
    inspection.look(page, "confirm the password")
    send(page, "Confirm")
    inspection.look(page, "confirm, no password entered")
    field(page, "Password").fill(PASSWORD)
    send(page, "Confirm")
    inspection.look(page, "detail, with what was typed")
    expect(field(page, "Connection Name")).to_have_value("Harbour shop")
    expect(field(page, "API Key")).to_have_value("")
    expect(field(page, "API Key")).to_be_focused()


def test_pages_of_a_person_without_a_workspace(new_page: NewPage, visit: Visit, staff: User) -> None:
    page = new_page(staff)
    visit(page, "/", "no workspace")
    page.get_by_role("link", name="Go to the site’s administration").click()
    expect(page).to_have_url(re.compile("/admin/$"))


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
    send(page, "Finish")
    inspection.look(page, "set up, nothing filled in")
    fill_in(page, sandbox, key=WRONG_KEY, name=LONG_NAME)
    choice(page, "Shared with Team").check()
    send(page, "Finish")
    inspection.look(page, "set up, refused")
    visit(page, PLACE, "list with an unfinished set-up")
    visit(page, f"{PLACE}add/", "add with an unfinished set-up")

    page.get_by_role("main").get_by_role("link", name="Continue").click()
    field(page, "API Key").fill(sandbox.api_key)
    field(page, "Team").select_option(label=growth.name)
    send(page, "Finish")
    expect(page.get_by_role("heading", name="Save Connection")).to_be_visible()
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
    send(page, "Finish")
    inspection.look(page, "set up, the account could not be asked")
    send(page, "Save without testing")
    inspection.look(page, "finish, not verified, of an account that is connected already")
    back = page.url

    settings.SOURCES_SWITCHED_OFF = ["activecampaign"]
    visit(page, back, "set up, the source switched off")
    visit(page, f"{PLACE}add/", "add, no source")


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
    visit(page, f"{SETTINGS}workspace/", "workspace")
    visit(page, "/help/guide/", "guide")
    visit(page, "/help/new/", "what is new")
    visit(page, f"{SETTINGS}members/", "members, left behind")
    expect(page.get_by_role("heading", name="Connections of former members")).to_be_visible()
    page.get_by_role("link", name="Delete it").click()
    inspection.look(page, "members, delete what was left behind")
    connect(sandbox, by=dana, name="Dana's own", privacy="private")
    visit(page, f"{SETTINGS}members/{Membership.objects.get(user=dana).pk}/remove/", "members, remove")
    visit(page, f"{SETTINGS}members/leave/")
    visit(page, f"{SETTINGS}teams/")
    send(page, "Create team")
    inspection.look(page, "teams, a new one refused")
    visit(page, f"{SETTINGS}teams/{growth.pk}/", "team")
    connect(sandbox, by=alice, privacy="team", team=growth, name=LONG_NAME)
    visit(page, f"{SETTINGS}teams/{growth.pk}/delete/", "team, delete")
    visit(page, f"{SETTINGS}activity/", "activity")
    visit(page, f"{SETTINGS}privacy/", "privacy")
    send(page, "Find what is held")
    inspection.look(page, "privacy, no address entered")
    store_rows(shared, "contacts", {"id": "17", "email": "guest@teamail.example"})
    field(page, "Their e-mail address").fill("Guest@teamail.example")
    send(page, "Find what is held")
    inspection.look(page, "a person is looked for")
    while erase_people_a_piece():
        pass
    expect(page.get_by_role("button", name="Erase permanently")).to_be_visible()
    inspection.look(page, "a person is found")
    send(page, "Erase permanently")
    while erase_people_a_piece():
        pass
    expect(page.get_by_text("Syncs leave this person out")).to_be_visible()
    inspection.look(page, "a person is erased")
    visit(page, shared.get_absolute_url(), "detail, added by a former member")


def test_the_login_of_an_address_asked_for_by_a_stranger_leads_there(
    new_page: NewPage, connect: Connect, sandbox: SandboxServer, alice: User
) -> None:
    connection = connect(sandbox)
    page = new_page()
    page.goto(connection.get_absolute_url())

    field(page, "E-mail").fill(alice.email)
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


def test_home_before_anything_is_connected(new_page: NewPage, visit: Visit, alice: User) -> None:
    visit(new_page(alice), "/w/harbour-tea/", "home, nothing connected")
