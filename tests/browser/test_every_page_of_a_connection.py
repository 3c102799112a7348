"""The pages about a connection, in each state that it can be in: axe finds nothing, nothing scrolls sideways."""

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from playwright.sync_api import Error, Page, expect

from connections.models import AccountBudget, Connection, Health, MissingRows, Pin, User
from connections.models.sync import SyncState
from connections.syncing.working import Worker
from sources.activecampaign.sandbox.server import SandboxServer
from tests.browser.conftest import NewPage, Visit
from tests.browser.inspecting import LONG_NAME, PHONE, Inspection
from tests.browser.walking import PLACE, choice, field, send
from tests.conftest import Connect
from tests.connections.keeping.standby import SECOND_KEY, let_in_second

SETTINGS = "/w/harbour-tea/settings/"


@pytest.fixture
def filled(connect: Connect, sandbox: SandboxServer, alice: User) -> Connection:
    """A connection whose data is there."""
    connection = connect(sandbox)
    connection.syncs.queue(connection, trigger="first", by=alice)
    Worker().serve_once()
    return connection


def test_pages_of_a_connection_that_has_data(
    new_page: NewPage, visit: Visit, inspection: Inspection, filled: Connection, alice: User
) -> None:
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
    expect(page.locator("p[role=status]")).to_contain_text(re.compile(r"as of \d{1,2} [A-Z][a-z]+ \d{4}, \d\d:\d\d$"))
    page.get_by_role("region", name="Contacts", exact=True).get_by_role("rowheader").get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="As it came")).to_be_visible()
    inspection.look(page, "row")
    visit(page, f"{here}delete/", "delete")
    visit(page, f"{here}clear/", "clear")
    visit(page, f"{here}fields/", "left out")
    visit(page, f"{here}fields/contacts/", "left out of contacts")
    visit(page, f"{SETTINGS}activity/", "activity")


def test_pages_that_ask_about_data(new_page: NewPage, visit: Visit, filled: Connection, alice: User) -> None:
    filled.part_from_rows()
    filled.save()
    MissingRows.objects.note(filled.holding, "contacts", missing=165, held=200, person="Ben Lindqvist")
    page = new_page(alice)

    visit(page, filled.get_absolute_url(), "detail, with hidden data and missing rows")
    visit(page, f"{filled.get_absolute_url()}former/erase/", "erase the hidden data")


def test_the_page_of_what_is_pulled(
    new_page: NewPage, visit: Visit, inspection: Inspection, filled: Connection, alice: User
) -> None:
    page = new_page(alice)
    visit(page, f"{filled.get_absolute_url()}pulling/", "pulling")
    for folded in page.locator("details").all():
        folded.locator("summary").click()
    expect(field(page, "Time of the day")).to_be_hidden()
    choice(page, "Every day").check()
    expect(field(page, "Time of the day")).to_be_visible()
    inspection.look(page, "pulling, unfolded")

    for stream in page.get_by_role("checkbox").all():
        stream.uncheck()
    send(page, "Save")
    expect(page).to_have_title(re.compile("^Error:"))
    inspection.look(page, "pulling, refused")


def edges_of_meter(page: Page) -> list[list[float]]:
    """The corners of the meter, and of the bar that the browser draws in it."""
    for _ in range(5):
        with suppress(Error):  # The page asks again each second, and puts another meter in its place.
            return measured_edges(page)
    return measured_edges(page)


def measured_edges(page: Page) -> list[list[float]]:
    devtools = page.context.new_cdp_session(page)
    root = devtools.send("DOM.getDocument", {"depth": -1, "pierce": True})["root"]
    boxes = []
    for name, pseudo in (("METER", None), ("DIV", "-webkit-meter-bar")):
        [node] = [one for one in nodes_within(root) if is_node(one, name, pseudo)]
        boxes.append(devtools.send("DOM.getBoxModel", {"nodeId": node["nodeId"]})["model"]["border"])
    return boxes


def nodes_within(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in (*node.get("children", ()), *node.get("shadowRoots", ())):
        yield from nodes_within(child)


def is_node(node: dict[str, Any], name: str, pseudo: str | None) -> bool:
    return node["nodeName"] == name and (pseudo is None or pseudo in node.get("attributes", ()))


def test_a_sync_that_is_slowed_down_and_then_stopped(
    new_page: NewPage, visit: Visit, connect: Connect, sandbox: SandboxServer, alice: User
) -> None:
    connection = connect(sandbox)
    connect(sandbox, name="Beside it")
    sync = connection.syncs.queue(connection, trigger="schedule").take()
    budget = AccountBudget.objects.create(account=connection.account_fingerprint, ease=0.5)
    budget.minutes.create(minute=sync.created_at.replace(second=0, microsecond=0), calls=120)
    page = new_page(alice)
    visit(page, connection.get_absolute_url(), "detail, syncing")
    visit(page, f"{connection.get_absolute_url()}syncs/", "syncs, slowed down")
    expect(page.get_by_text("Slowed down to")).to_be_visible()
    frame, bar = edges_of_meter(page)
    assert bar == frame

    page.goto(connection.get_absolute_url())
    sync.finish(SyncState.COMPLETE)
    expect(page.get_by_role("button", name="Stop the sync")).to_have_count(0)

    connection.syncs.queue(connection, trigger="schedule").take()
    page.reload()
    send(page, "Stop the sync")
    expect(page.get_by_text("By Alice Okafor.").first).to_be_visible()


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


def test_a_standby_key_is_stored_and_removed(
    new_page: NewPage, visit: Visit, inspection: Inspection, connect: Connect, sandbox: SandboxServer, alice: User
) -> None:
    person = let_in_second(sandbox)
    connect(sandbox, name=LONG_NAME)  # Which the box for several connections names.
    page = new_page(alice)
    visit(page, connect(sandbox).get_absolute_url(), "detail, no standby key")
    expect(page.get_by_role("checkbox", name="Also replace it in")).to_be_visible()

    page.get_by_text("Standby key: none").click()
    field(page, "Standby API Key").fill("two words")
    send(page, "Test and store")
    expect(page).to_have_title(re.compile("^Error:"))
    expect(field(page, "Standby API Key")).to_have_attribute("aria-invalid", "true")
    inspection.look(page, "detail, a standby key refused")

    field(page, "Standby API Key").fill(SECOND_KEY)
    send(page, "Test and store")
    page.get_by_text(f"Standby key: that of {person}").click()
    expect(page.get_by_text(f"A key ending 7c6b of {person} is stored")).to_be_visible()
    inspection.look(page, "detail, a standby key")

    send(page, "Remove the standby key")
    expect(page.get_by_role("button", name="Remove the standby key")).to_have_count(0)


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


def test_pages_of_numbers(
    new_page: NewPage, visit: Visit, inspection: Inspection, filled: Connection, alice: User
) -> None:
    page = new_page(alice)
    visit(page, "/w/harbour-tea/", "home, nothing pinned")
    pin = Pin.objects.create(user=alice, connection=filled, number="contacts_total", goal=5000)
    visit(page, "/w/harbour-tea/", "home")
    visit(page, f"{filled.url('numbers')}?by=campaign&compare=on", "numbers, by campaign")
    visit(page, f"{filled.url('numbers')}deals_won_value/?period=30&by=pipeline", "a number, mostly in no month")
    expect(page.get_by_text("won before we connected, in no month.").first).to_be_visible()
    visit(page, f"{filled.url('numbers')}contacts_new/", "a number")
    page.get_by_text("As a table").click()
    inspection.look(page, "a number, with the table behind its picture")
    visit(page, f"{filled.url('numbers')}contacts_new/pin/", "goal and alert, not pinned yet")
    visit(page, f"/w/harbour-tea/pins/{pin.pk}/", "goal and alert")
    field(page, "Tell me by e-mail when").select_option("above")
    send(page, "Save")
    expect(page.get_by_text("Say above or below which number.").first).to_be_visible()
    inspection.look(page, "goal and alert, refused")


def test_numbers_need_no_scripts(new_page: NewPage, filled: Connection, alice: User) -> None:
    page = new_page(alice, java_script_enabled=False)
    page.goto(f"{filled.url('numbers')}contacts_new/")

    field(page, "Period").select_option(label="From – until")
    field(page, "From").fill("2026-05-01")
    field(page, "Until").fill("2026-05-31")
    send(page, "Show")

    expect(page.get_by_text("1 May 2026 to 31 May 2026")).to_be_visible()
    expect(page.locator("svg.picture-drawing")).to_be_visible()
    page.get_by_text("As a table").click()
    expect(page.get_by_role("row", name="31 May 2026")).to_be_visible()


def test_whoever_fills_in_dates_means_them(new_page: NewPage, filled: Connection, alice: User) -> None:
    page = new_page(alice)
    page.goto(filled.url("numbers"))

    field(page, "From").fill("2026-05-01")
    field(page, "Until").fill("2026-05-31")
    send(page, "Show")

    expect(page.get_by_text("1 May 2026 to 31 May 2026")).to_be_visible()
    field(page, "Period").select_option("7")
    expect(field(page, "From")).to_have_value("")


def test_a_page_of_numbers_on_paper_has_nothing_to_press(new_page: NewPage, filled: Connection, alice: User) -> None:
    page = new_page(alice)
    page.emulate_media(media="print")

    page.goto(filled.url("numbers"))

    expect(page.get_by_role("heading", name="Contacts", exact=True).first).to_be_visible()
    expect(page.locator("svg.picture-drawing").first).to_be_visible()
    assert page.locator("button:visible, .button:visible, nav:visible, form:visible").count() == 0


def test_on_a_phone_the_smaller_numbers_wait_folded_and_each_topic_is_one_press_away(
    new_page: NewPage, filled: Connection, alice: User
) -> None:
    page = new_page(alice)
    page.set_viewport_size({"width": PHONE, "height": 800})
    page.goto(filled.url("numbers"))
    delivered = page.get_by_role("link", name="Delivered", exact=True)
    expect(delivered).to_be_hidden()

    page.get_by_role("navigation", name="Topics").get_by_role("link", name="Deals").click()

    expect(page.get_by_role("heading", name="Deals", exact=True)).to_be_in_viewport()
    expect(page.get_by_role("navigation", name="Topics")).to_be_in_viewport()
    page.get_by_text("More of campaigns").click()
    expect(delivered).to_be_visible()
    its_place = page.get_by_role("row").filter(has=delivered).get_attribute("id")
    page.goto("about:blank")
    page.goto(f"{filled.url('numbers')}#{its_place}")
    expect(delivered).to_be_in_viewport()


def test_paper_has_also_what_is_folded_on_the_phone_it_comes_from(
    new_page: NewPage, filled: Connection, alice: User
) -> None:
    page = new_page(alice)
    page.set_viewport_size({"width": PHONE, "height": 800})
    page.goto(filled.url("numbers"))
    page.evaluate(
        "addEventListener('beforeprint', () => { window.onPaper = document.querySelector('.more-numbers').open; })"
    )

    page.pdf()

    assert page.evaluate("window.onPaper") is True
    assert page.locator(".more-numbers[open]").count() == 0


def test_what_people_come_to_edit_is_in_sight_also_while_a_sync_runs(
    new_page: NewPage, filled: Connection, alice: User
) -> None:
    filled.syncs.queue(filled, trigger="person").take()
    for _ in range(3):
        filled.record(
            "changed what is left out", by=alice, detail="Contacts: Phone left out, E-mail hashed, IP address kept."
        )
    for width, in_sight in ((1280, 520), (390, 900)):
        page = new_page(alice)
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(filled.get_absolute_url())
        expect(page.get_by_text("Syncing now")).to_be_visible()
        box = field(page, "Connection Name").bounding_box()
        assert box is not None and box["y"] <= in_sight
        tall = page.evaluate("document.documentElement.scrollHeight")
        assert width < 1000 or tall <= 1800
