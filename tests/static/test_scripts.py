"""What the scripts add to a form, in a real browser, under the content policy that the site sends."""

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest
from django import forms
from django.conf import settings
from django.contrib.staticfiles import finders
from django.template import Context, Template
from django.template.loader import get_template
from playwright.sync_api import Page, expect

POLICY = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'"
PAGE = """{% extends "base.html" %}{% block content %}
<form method="post" action="/slow/" data-warn-unsaved novalidate>
  {% include "_form_fields.html" %}
  <button class="button" name="kept" value="yes" data-busy-text="Sending…">{% include "icons/sync.svg" %}Send</button>
</form>
<p><a href="/away/">Away</a></p>
<p><time datetime="2020-02-03T04:05:06Z">3 February 2020, 04:05 UTC</time>. Times are in <span data-zone>UTC</span>.</p>
<div data-copy><code>copied</code></div>
<details open data-folds><summary>More</summary><p>Folded</p></details>
<div id="kettle" data-says="Kettle: cold"><a id="tap" href="/away/">Tap</a></div>
{% endblock content %}"""


class TeaForm(forms.Form):
    secret = forms.CharField(label="Secret", widget=forms.PasswordInput)
    cup = forms.ChoiceField(choices=[("own", "My own"), ("shared", "Shared")], widget=forms.RadioSelect)
    table = forms.ChoiceField(
        label="Table", required=False, choices=[("1", "One")], widget=forms.Select({"data-shown-when": "cup=shared"})
    )


class TeaRoom(BaseHTTPRequestHandler):
    """Pages around one form; a POST takes its time, as a live check does."""

    posts: list[str]
    may_answer: threading.Event
    protocol_version = "HTTP/1.0"

    def log_message(self, *args: object) -> None: ...

    def do_GET(self) -> None:
        found = self.path.startswith("/static/") and finders.find(self.path.removeprefix("/static/"))
        if found:
            kinds = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
            self.answer(Path(found).read_bytes(), kinds[found.rsplit(".", 1)[-1]])
        else:
            self.answer(tea_page(self.path).encode(), "text/html; charset=utf-8")

    def do_POST(self) -> None:
        self.posts.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.may_answer.wait(timeout=20)
        self.answer(tea_page("/done/").encode(), "text/html; charset=utf-8")

    def answer(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Security-Policy", POLICY)
        self.end_headers()
        self.wfile.write(body)


def tea_page(path: str) -> str:
    if path in ("/away/", "/done/"):
        return "<!doctype html><title>Elsewhere</title>"
    form = TeaForm({}) if path == "/refused/" else TeaForm()
    return Template(PAGE).render(Context({"form": form, "user": SimpleNamespace(is_authenticated=False)}))


@pytest.fixture
def tea_room() -> Iterator[SimpleNamespace]:
    get_template("base.html")  # Read once here, not by several threads at the same time.
    room = type("OneTeaRoom", (TeaRoom,), {"posts": [], "may_answer": threading.Event()})
    server = ThreadingHTTPServer(("127.0.0.1", 0), room)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield SimpleNamespace(url=f"http://127.0.0.1:{server.server_port}", posts=room.posts, may_answer=room.may_answer)
    room.may_answer.set()
    server.shutdown()
    server.server_close()


def test_two_presses_send_once_and_say_that_it_is_on_the_way(page: Page, tea_room, console_errors):
    page.goto(f"{tea_room.url}/")

    seen = page.get_by_role("button", name="Send").evaluate(
        "button => { button.click(); button.click(); return [button.textContent, button.ariaBusy]; }"
    )

    assert seen == ["Sending…", "true"]
    tea_room.may_answer.set()
    page.wait_for_url("**/slow/")
    assert len(tea_room.posts) == 1
    assert "kept=yes" in tea_room.posts[0]


def test_back_brings_a_button_that_can_be_pressed_again(page: Page, tea_room, console_errors):
    tea_room.may_answer.set()
    page.goto(f"{tea_room.url}/")
    page.get_by_role("button", name="Send").click()
    page.wait_for_url("**/slow/")

    page.go_back()

    expect(page.get_by_role("button", name="Send")).not_to_have_attribute("aria-busy", "true")
    page.get_by_role("button", name="Send").click()
    page.wait_for_url("**/slow/")
    assert len(tea_room.posts) == 2


def test_typed_things_are_not_left_without_a_word(page: Page, tea_room, console_errors):
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    page.goto(f"{tea_room.url}/")
    page.get_by_label("Secret", exact=True).fill("first flush")

    page.get_by_role("link", name="Away").click()

    assert asked == ["beforeunload"]
    expect(page.get_by_label("Secret", exact=True)).to_have_value("first flush")


def test_nothing_typed_is_left_without_asking(page: Page, tea_room, console_errors):
    page.goto(f"{tea_room.url}/")

    page.get_by_role("link", name="Away").click()

    expect(page).to_have_title("Elsewhere")


def test_a_secret_is_shown_on_demand_and_sent_concealed(page: Page, tea_room, console_errors):
    page.goto(f"{tea_room.url}/")
    secret = page.get_by_label("Secret", exact=True)

    page.get_by_role("button", name="Show Secret").click()
    expect(secret).to_have_attribute("type", "text")
    page.get_by_role("button", name="Hide Secret").click()
    expect(secret).to_have_attribute("type", "password")

    page.get_by_role("button", name="Show Secret").click()
    sent_as = page.get_by_role("button", name="Send").evaluate("it => { it.click(); return it.form.secret.type; }")
    assert sent_as == "password"


ARRIVES = """() => {
  const part = document.createElement("div");
  part.innerHTML = `<form method="post" action="/slow/" data-sends-itself>
    <button name="go_on" value="1">Go on</button></form>`;
  document.querySelector("main").append(part);
  part.dispatchEvent(new Event("htmx:load", { bubbles: true }));
}"""


def test_what_the_person_would_press_next_is_pressed_for_them(page: Page, tea_room, console_errors):
    tea_room.may_answer.set()
    page.goto(f"{tea_room.url}/")
    page.evaluate("document.querySelector('form').remove()")

    page.evaluate(ARRIVES)

    page.wait_for_url("**/slow/")
    assert tea_room.posts == ["go_on=1"]


def test_nothing_is_pressed_for_somebody_who_is_typing(page: Page, tea_room, console_errors):
    page.goto(f"{tea_room.url}/")
    page.get_by_label("Secret", exact=True).fill("first flush")

    page.evaluate(ARRIVES)

    expect(page.get_by_role("button", name="Go on")).to_be_enabled()
    expect(page.get_by_label("Secret", exact=True)).to_have_value("first flush")
    assert tea_room.posts == []


def test_a_field_that_depends_on_a_choice_follows_it(page: Page, tea_room, console_errors):
    page.goto(f"{tea_room.url}/")
    table = page.get_by_label("Table", exact=True)
    expect(table).to_be_hidden()

    page.get_by_label("Shared").check()
    expect(table).to_be_visible()

    page.get_by_label("My own").check()
    expect(table).to_be_hidden()


def test_without_a_script_everything_is_there(new_context, tea_room):
    page = new_context(java_script_enabled=False).new_page()
    page.goto(f"{tea_room.url}/")

    expect(page.get_by_label("Table", exact=True)).to_be_visible()
    expect(page.get_by_text("3 February 2020, 04:05 UTC")).to_be_visible()
    expect(page.get_by_role("button")).to_have_count(1)


def test_the_summary_of_errors_takes_focus_and_leads_to_the_fields(page: Page, tea_room, console_errors):
    page.goto(f"{tea_room.url}/refused/")

    expect(page.get_by_role("alert")).to_be_focused()
    expect(page).to_have_title("Error: BlinkMetrics")
    page.get_by_role("link", name="Secret").click()
    expect(page.get_by_label("Secret", exact=True)).to_be_focused()


def test_a_time_is_told_in_the_readers_zone(new_context, tea_room):
    page = new_context(locale="en-GB", timezone_id="Asia/Tokyo").new_page()
    page.goto(f"{tea_room.url}/")

    expect(page.locator("time")).to_have_text("3 February 2020")
    expect(page.locator("time")).to_have_attribute("title", re.compile("13:05:06"))
    expect(page.get_by_text("Times are in your time zone, Asia/Tokyo.")).to_be_visible()


PUT_IN_ANEW = """says => htmx.swap("#kettle",
    `<div id="kettle" data-says="${says}"><a id="tap" href="/away/">Tap</a></div>`, {swapStyle: "outerHTML"})"""


def test_only_a_change_is_read_out_however_often_its_part_is_put_in_anew(page: Page, tea_room, console_errors):
    page.goto(f"{tea_room.url}/")
    voice = page.locator("body > [aria-live=polite]")
    page.locator("#tap").focus()

    page.evaluate(PUT_IN_ANEW, "Kettle: cold")
    expect(page.locator("#tap")).to_be_focused()
    expect(voice).to_have_text("")

    page.evaluate(PUT_IN_ANEW, "Kettle: boils")
    expect(voice).to_have_text("Kettle: boils")


@pytest.mark.parametrize(("width", "is_open"), [(390, False), (1280, True)])
def test_what_may_wait_is_folded_on_a_phone(width: int, is_open: bool, page: Page, tea_room, console_errors):
    page.set_viewport_size({"width": width, "height": 700})
    page.goto(f"{tea_room.url}/")

    expect(page.get_by_text("Folded")).to_be_visible(visible=is_open)


def test_each_script_is_short():
    for path in (settings.BASE_DIR / "static" / "js").glob("*.js"):
        assert len(path.read_text().splitlines()) < 150
