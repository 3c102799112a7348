"""The journey by keyboard alone: Tab, Shift+Tab, Enter, Space and arrows, with the focus always to be seen."""

import pytest
from playwright.sync_api import Locator, Page, expect

from connections.models import Connection, State, User
from sources.activecampaign.sandbox.server import SandboxServer
from tests.browser.conftest import NewPage
from tests.browser.walking import PLACE, WRONG_KEY, begin, choice, field, fill_in, message, send
from tests.conftest import PASSWORD, Connect

MOST_TABS = 60

# What of the focused element differs from how it looks without focus: an outline, or a shadow for it.
IS_TO_BE_SEEN = """() => {
  const element = document.activeElement;
  if (!element.matches(":focus-visible")) return false;
  const marks = (style) => [style.outlineStyle, style.outlineWidth, style.outlineColor, style.boxShadow].join();
  const shown = [element, element.closest("label"), element.parentElement].filter(Boolean);
  const focused = shown.map((one) => marks(getComputedStyle(one)));
  element.blur();
  const resting = shown.map((one) => marks(getComputedStyle(one)));
  element.focus({ focusVisible: true });
  return focused.some((look, index) => look !== resting[index]);
}"""
IN_VIEW = """(element) => {
  const box = element.getBoundingClientRect();
  return box.bottom > 0 && box.top < innerHeight && box.width > 0 && box.height > 0;
}"""


def is_focused(target: Locator) -> bool:
    return bool(target.evaluate("element => element === document.activeElement"))


def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until the target has the focus; on the way it can always be seen where the focus is."""
    expect(target).to_be_visible()
    for _ in range(MOST_TABS):
        if is_focused(target):
            return
        page.keyboard.press("Tab")
        here = page.evaluate("document.activeElement.outerHTML.slice(0, 200)")
        assert page.evaluate(IS_TO_BE_SEEN), f"The focus cannot be seen on {here}"
        assert page.evaluate(f"({IN_VIEW})(document.activeElement)"), f"Out of view: {here}"
    pytest.fail(f"Not reached by {MOST_TABS} Tabs: {target}")


def type_into(page: Page, label: str, text: str) -> None:
    tab_to(page, field(page, label))
    page.keyboard.type(text)


def choose(page: Page, key: str, target: Locator) -> None:
    """Tab to a link or a button and press a key that leads to another page."""
    tab_to(page, target)
    with page.expect_navigation():
        page.keyboard.press(key)


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name)


def test_the_whole_journey_needs_no_mouse(new_page: NewPage, alice: User, sandbox: SandboxServer) -> None:
    page = new_page()
    page.goto("/")
    type_into(page, "E-mail", alice.email)
    type_into(page, "Password", PASSWORD)
    with page.expect_navigation():
        page.keyboard.press("Enter")

    tab_to(page, button(page, "Settings"))
    page.keyboard.press("Enter")
    choose(page, "Enter", page.get_by_role("navigation", name="Settings").get_by_role("link", name="Connections"))
    choose(page, "Enter", page.get_by_role("link", name="Add Connection").first)
    choose(page, "Space", button(page, "ActiveCampaign"))

    type_into(page, "API Access URL", sandbox.origin)
    type_into(page, "API Key", WRONG_KEY)
    type_into(page, "Connection Name", "By keyboard")
    tab_to(page, choice(page, "Shared with Workspace"))
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    expect(choice(page, "Private to Me")).to_be_checked()
    choose(page, "Enter", button(page, "Finish"))

    expect(page.get_by_role("alert")).to_be_focused()
    tab_to(page, page.get_by_role("alert").get_by_role("link"))
    page.keyboard.press("Enter")
    expect(field(page, "API Key")).to_be_focused()
    page.keyboard.type(sandbox.api_key)
    choose(page, "Enter", button(page, "Finish"))
    choose(page, "Space", button(page, "Save Connection"))

    expect(message(page)).to_contain_text("Connection saved")
    connection = Connection.objects.get()
    assert (connection.name, connection.privacy, connection.state) == ("By keyboard", "private", State.ACTIVE)


def test_a_connection_is_worked_with_by_keyboard(
    new_page: NewPage, alice: User, connect: Connect, sandbox: SandboxServer
) -> None:
    connection = connect(sandbox)
    page = new_page(alice)
    page.goto(PLACE)

    choose(page, "Enter", page.get_by_role("main").get_by_role("link", name="Main account"))
    choose(page, "Space", button(page, "Test now"))
    expect(message(page)).to_contain_text("It works")
    choose(page, "Enter", button(page, "Pause"))
    expect(message(page)).to_contain_text("Paused")
    type_into(page, "Connection Name", "Renamed")
    choose(page, "Enter", button(page, "Save"))
    expect(message(page)).to_contain_text("Saved")
    choose(page, "Enter", page.get_by_role("link", name="Delete"))
    choose(page, "Enter", button(page, "Delete permanently"))

    expect(message(page)).to_contain_text("Renamed was deleted")
    assert not Connection.objects.filter(pk=connection.pk).exists()


def test_the_first_tab_offers_to_skip_to_the_content(new_page: NewPage, alice: User, workspace: object) -> None:
    page = new_page(alice)
    page.goto(PLACE)
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to content")
    expect(skip).to_be_focused()
    assert skip.evaluate(IN_VIEW)

    page.keyboard.press("Enter")

    expect(page.get_by_role("main")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Add Connection").first).to_be_focused()


def test_a_menu_closes_with_escape_and_gives_the_focus_back(new_page: NewPage, alice: User, workspace: object) -> None:
    page = new_page(alice)
    page.goto(PLACE)
    menu = page.get_by_role("navigation", name="Settings")
    tab_to(page, button(page, "Settings"))
    page.keyboard.press("Space")
    expect(menu).to_be_visible()

    page.keyboard.press("Escape")

    expect(menu).to_be_hidden()
    expect(button(page, "Settings")).to_be_focused()


@pytest.mark.parametrize("place", ["set-up", "edit"])
def test_after_an_error_the_focus_is_on_the_summary_which_leads_to_each_field(
    new_page: NewPage, alice: User, connect: Connect, sandbox: SandboxServer, place: str
) -> None:
    page = new_page(alice)
    if place == "edit":
        page.goto(connect(sandbox).get_absolute_url())
    else:
        begin(page)
    fill_in(page, sandbox, key="two words", name=" ")
    send(page, "Save" if place == "edit" else "Finish")

    summary = page.get_by_role("alert")
    expect(summary).to_be_focused()
    for label in ("API Key", "Connection Name"):
        summary.get_by_role("link", name=label).press("Enter")
        expect(field(page, label)).to_be_focused()
        expect(field(page, label)).to_have_attribute("aria-invalid", "true")


def test_the_key_is_shown_and_hidden_by_keyboard(new_page: NewPage, alice: User, workspace: object) -> None:
    page = new_page(alice)
    begin(page)
    type_into(page, "API Key", "a key to look at")
    tab_to(page, button(page, "Show API Key"))

    page.keyboard.press("Space")
    expect(field(page, "API Key")).to_have_attribute("type", "text")
    expect(field(page, "API Key")).to_have_value("a key to look at")

    page.keyboard.press("Space")
    expect(field(page, "API Key")).to_have_attribute("type", "password")


def test_a_focus_that_cannot_be_seen_is_noticed(new_page: NewPage) -> None:
    page = new_page()
    page.set_content("<style>a:focus { outline: none }</style><a href='/'>one</a><button>two</button>")

    with pytest.raises(AssertionError, match="The focus cannot be seen on <a"):
        tab_to(page, page.get_by_role("button"))
