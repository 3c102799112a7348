"""What is typed as a key in the browser is found nowhere afterwards, and the account's address nowhere in plain."""

import base64
import io
import json
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.core.cache import cache
from django.db import connection as database
from django.test import Client
from playwright.sync_api import Page, expect

from connections.models import Connection, Record, User
from sources.activecampaign.sandbox.server import SandboxServer
from tests.browser.conftest import NewPage, StartWorker
from tests.browser.walking import begin, contact_rows, field, fill_in, log_in, message, send
from tests.searching import admin_places, codes_of, database_places, dumped, mail_places, places_with, whole_log

__all__ = ["whole_log"]

# Not of hex digits alone: a mask for what looks like a key must not be what passes this test.
WRONG = "Wr0ng-typed-first-zq7x-4k9w-ptvm"
FIRST = "F1rst-right-key-hn3v-8s2j-lqyd"
SECOND = "S3cond-right-key-bw6t-1m5g-xrku"
KEYS = (WRONG, FIRST, SECOND)

PAGES = ("", "syncs/", "syncs/1/", "data/", "data/contacts/", "delete/")


@pytest.fixture
def answers(live_server: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Fills with every answer that the server gives, under its number and address, with its headers."""
    answers: dict[str, bytes] = {}
    server = live_server.thread.httpd
    application = server.get_app()

    def recording(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        head: list[Any] = []

        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            head.extend([status, headers])
            return start_response(status, headers, *more)

        with closing(application(environ, start)) as parts:
            body = b"".join(parts)
        address = f"{environ['PATH_INFO']}?{environ['QUERY_STRING']}"
        answers[f"answer {len(answers)}: {address}"] = f"{address}\n{head}\n".encode() + body
        return [body]

    monkeypatch.setattr(server, "application", recording)
    return answers


def walk(page: Page, alice: User, account: SandboxServer) -> None:
    """Connect with a wrong key first, then the right one while the account is down; replace it; lose it; be told."""
    first_user = account.world.first_ids("users")[0]
    for key in (FIRST, SECOND):
        account.add_key(key, user_id=first_user, admin=True)
    page.goto("/")
    log_in(page, alice)
    connect_with_a_wrong_key_first(page, account)
    edit_the_key(page)
    account.revoke(SECOND)
    press_test_until_it_is_told(page)
    look_around(page)


def connect_with_a_wrong_key_first(page: Page, account: SandboxServer) -> None:
    begin(page)
    fill_in(page, account, key=WRONG, privacy="Shared with Workspace")
    send(page, "Finish")
    expect(field(page, "API Key")).to_have_attribute("aria-invalid", "true")
    field(page, "API Key").fill(FIRST)
    account.fault(status=500)
    send(page, "Finish")
    expect(page.get_by_role("button", name="Save without testing")).to_be_visible()
    account.clear_faults()
    send(page, "Finish")  # The key that is kept for the next try.
    send(page, "Save Connection")
    expect(contact_rows(page)).to_have_count(5, timeout=60_000)


def press_test_until_it_is_told(page: Page) -> None:
    """While the sync of the new key is at it the account may be busy, and asks to wait."""
    told = page.get_by_role("link", name="Enter another key")
    for _ in range(5):
        send(page, "Test now")
        expect(told.or_(page.get_by_text("asks us to wait")).first).to_be_visible()
        if told.is_visible():
            break
        page.wait_for_timeout(1500)
    expect(told).to_be_visible()


def edit_the_key(page: Page) -> None:
    """A wrong one is refused, another right one is stored."""
    for key in (WRONG, SECOND):
        field(page, "API Key").fill(key)
        send(page, "Save")
    expect(message(page)).to_contain_text("Saved")


def look_around(page: Page) -> None:
    here = page.url
    for path in PAGES:
        page.goto(f"{here}{path}")
    for format in ("csv", "jsonl"):
        page.request.get(f"{here}data/contacts.{format}")
    page.goto("/w/harbour-tea/connections/?q=activecampaign")
    page.goto("/w/harbour-tea/settings/activity/")


def stored_by(page: Page) -> bytes:
    """What the pages keep in the browser."""
    return json.dumps([page.context.storage_state(), page.evaluate("({ ...sessionStorage })")]).encode()


def test_a_typed_key_is_found_nowhere_afterwards_and_the_address_nowhere_in_plain(
    new_page: NewPage,
    alice: User,
    account: SandboxServer,
    start_worker: StartWorker,
    staff_client: Client,
    tmp_path: Path,
    whole_log: io.StringIO,
    answers: dict[str, bytes],
) -> None:
    page = new_page()
    worker = start_worker(account)

    walk(page, alice, account)
    browser = {"storage of the browser": stored_by(page)}
    page.context.close()

    connection = Connection.objects.get()
    stored = database_places() | {"dumpdata": dumped()}
    logs = {"log of the web": whole_log.getvalue().encode(), "output of the worker": worker.output.encode()}
    sent_by_the_worker = [one for file in (tmp_path / "mail").glob("*") for one in file.read_bytes().split(b"-" * 79)]
    by_mail = mail_places(sent_by_the_worker)
    places = stored | browser | logs | by_mail | answers | admin_places(staff_client, connection)
    assert_that_all_was_searched(logs, by_mail, answers)
    for key in KEYS:
        assert places_with(key, places) == []
    for address in (account.origin, account.origin.removeprefix("http://")):
        assert places_with(address, stored) == []
    # What is looked for is there, sealed: it opens to the key of now, and the rows lead back to the account.
    assert connection.credentials().api_key.reveal() == SECOND
    assert account.origin in json.dumps(Record.objects.filter(stream="contacts")[0].row(address=account.origin))


def assert_that_all_was_searched(logs: dict[str, bytes], by_mail: dict[str, bytes], answers: dict[str, bytes]) -> None:
    """An empty place proves nothing."""
    assert b"request_finished" in logs["log of the web"]
    assert b"sync taken" in logs["output of the worker"]
    assert any(b"needs you" in text for text in by_mail.values())
    assert sum(b"There is a problem" in text for text in answers.values()) == 3
    assert sum(b"ActiveCampaign Connections" in text for text in answers.values()) >= 5


def seen_as(code: str, needle: str) -> bytes:
    text = f"before {needle} behind"
    return {
        "plain": text.encode(),
        "capitals": text.upper().encode(),
        "base64": base64.b64encode(text.encode()),
        "base64, one on": base64.b64encode(b"x" + text.encode()),
        "base64, two on": base64.urlsafe_b64encode(b"xx" + text.encode()),
        "hex": text.encode().hex().encode(),
        "percent": quote(text).encode(),
        "all percent": "".join(f"%{byte:02X}" for byte in text.encode()).encode(),
        "json": json.dumps({"text": text}).encode(),
        "backwards": text[::-1].encode(),
        "wide": text.encode("utf-16"),
    }[code]


CODES = ["plain", "capitals", "base64", "base64, one on", "base64, two on", "hex", "percent", "all percent"]
CODES += ["json", "backwards", "wide"]


@pytest.mark.parametrize("needle", [*KEYS, "http://127.0.0.1:43210", "127.0.0.1:43210"])
@pytest.mark.parametrize("code", CODES)
def test_the_search_finds_a_needle_in_each_code(code: str, needle: str) -> None:
    assert places_with(needle, {"haystack": seen_as(code, needle), "hay": b"hay" * 100}) == ["haystack"]


def test_the_search_finds_nothing_where_nothing_is() -> None:
    noise = base64.b64encode(zlib.compress(b"hay" * 1000)) * 50

    assert places_with(FIRST, {"noise": noise, "others": WRONG.encode() + SECOND.encode()}) == []
    assert all(len(code) > 11 for code in codes_of("127.0.0.1:43210"))


def test_the_search_of_the_database_finds_what_is_planted_there(
    alice: User, alice_client: Client, transactional_db: None
) -> None:
    alice.name = FIRST
    alice.save()
    session = alice_client.session
    session["planted"] = SECOND
    session.save()
    cache.set("planted", WRONG)

    places = database_places() | {"dumpdata": dumped()}
    cache.delete("planted")

    assert {"file" if database.vendor == "sqlite" else "table", "dumpdata"} <= {
        name.split()[0] for name in places_with(FIRST, places)
    }
    assert "sessions" in places_with(SECOND, places)
    assert "cache" in places_with(WRONG, places)
