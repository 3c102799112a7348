"""A key that is typed into any form is in nothing that comes out afterwards, whatever goes wrong on the way."""

import io
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.core.management import call_command
from django.http import HttpResponseBase
from django.test import Client

from blinkmetrics import logs
from connections.keeping import editing
from connections.models import Connection, Sync, User
from connections.models.sync import SyncState
from connections.stepper import setting_up
from connections.syncing import tasks
from sources.activecampaign.sandbox.server import SandboxServer
from tests.conftest import client_of
from tests.connections.engine import pull
from tests.connections.stepper.walking import begin, details, work_off
from tests.searching import admin_places, database_places, dumped, mail_places, places_with, whole_log

__all__ = ["whole_log"]

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("no_limit", "no_patience", "nothing_is_masked"),
]

# Not of hex digits alone: what masks such texts must not be what passes these tests.
REFUSED = "R3fused-canary-zq7x-4k9w-ptvm-2c"
CANARY = "F1rst-canary-hn3v-8s2j-lqyd-5w"
NEXT = "N3xt-canary-bw6t-1m5g-xrku-9f"
CANARIES = (REFUSED, CANARY, NEXT)
KINDS = {"html": "text/html", "json": "application/json", "plain": "text/plain"}
TOO_MANY = 1_001
TOO_LARGE = 300_000


@pytest.fixture
def nothing_is_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "mask", lambda text: text)
    for name in ("httpx", "httpcore"):
        monkeypatch.setattr(logging.getLogger(name), "level", logging.DEBUG)


@pytest.fixture(params=[pytest.param(True, marks=pytest.mark.scale), False], ids=["DEBUG", "production"])
def debug(request: pytest.FixtureRequest, settings: Any) -> bool:
    return set_debug(request.param, settings)


def set_debug(debug: bool, settings: Any) -> bool:
    settings.DEBUG = debug
    settings.ADMINS = [("Operator", "operator@blinkmetrics.example")]
    settings.RATE_LIMITS = False
    return debug


@pytest.fixture(params=[(True, "html"), (True, "json"), (True, "plain"), (False, "html")], ids=str)
def debug_and_kind(request: pytest.FixtureRequest, settings: Any) -> tuple[bool, str]:
    """Only DEBUG has pages of its own for each kind."""
    debug, kind = request.param
    return set_debug(debug, settings), kind


@dataclass
class Answers:
    """Every answer that was given, under its number and address, with its headers."""

    all: dict[str, bytes] = field(default_factory=dict)

    def keep(self, what: str, response: HttpResponseBase) -> None:
        body = b"".join(response) if response.streaming else response.content  # type: ignore[attr-defined]
        head = "\n".join(f"{name}: {value}" for name, value in response.items())
        cookies = response.cookies.output()
        self.all[f"answer {len(self.all)}: {what}"] = f"{what}\n{head}\n{cookies}\n".encode() + body


class Recording(Client):
    """A browser that keeps what it got, and goes on after a fault."""

    def __init__(self, answers: Answers, user: User, **defaults: Any) -> None:
        super().__init__(raise_request_exception=False, **defaults)
        self.cookies = client_of(user).cookies
        self.answers = answers

    def request(self, **asked: Any) -> Any:
        response = super().request(**asked)
        self.answers.keep(f"{asked.get('REQUEST_METHOD', 'GET')} {asked.get('PATH_INFO')}", response)
        return response


@pytest.fixture
def answers() -> Answers:
    return Answers()


@pytest.fixture
def account(sandbox: SandboxServer) -> SandboxServer:
    first_user = sandbox.world.first_ids("users")[0]
    for key in (CANARY, NEXT):
        sandbox.add_key(key, user_id=first_user, admin=True)
    return sandbox


def everywhere(log: io.StringIO, answers: Answers, **more: bytes) -> Mapping[str, bytes]:
    return (
        database_places() | {"dumpdata": dumped(), "log": log.getvalue().encode()} | mail_places() | answers.all | more
    )


def assert_nowhere(places: Mapping[str, bytes]) -> None:
    assert {key: places_with(key, places) for key in CANARIES} == {key: [] for key in CANARIES}


# A whole life -----------------------------------------------------------------------------------------------------


def test_through_a_connections_whole_life(
    debug: bool,
    alice: User,
    staff: User,
    account: SandboxServer,
    answers: Answers,
    whole_log: io.StringIO,
    capsys: pytest.CaptureFixture[str],
) -> None:
    browser = Recording(answers, alice)

    connection = connect_with_a_refused_key_first(browser, account)
    work_off()
    edit_with_a_refused_key_first(browser, account, connection)
    work_off()
    account.revoke(NEXT)
    browser.post(f"{connection.get_absolute_url()}test/")
    look_around(browser, connection)
    commands = commands_about(connection, capsys)

    connection.refresh_from_db()
    places = everywhere(whole_log, answers, **commands) | admin_places(Recording(answers, staff), connection)
    assert connection.credentials().api_key.reveal() == NEXT
    assert connection.syncs.filter(state=SyncState.COMPLETE).count() >= 1
    assert any(b"needs you" in place for name, place in places.items() if name.startswith("mail"))
    assert b"request_finished" in places["log"]
    assert_nowhere(places)


def test_through_the_life_of_a_standby_key(
    debug: bool, alice: User, staff: User, account: SandboxServer, answers: Answers, whole_log: io.StringIO
) -> None:
    browser = Recording(answers, alice)
    account.add_key(CANARY, user_id=account.world.first_ids("users")[1], admin=True)
    step_2 = begin(browser)
    connection = Connection.objects.get()
    browser.post(f"{step_2}finish/", {}) if browser.post(step_2, details(account)) else None
    work_off()
    standby = f"{connection.get_absolute_url()}standby/"

    for key in (REFUSED, NEXT, CANARY):  # The second is the key of the first one's person.
        browser.post(standby, {"standby-api_key": key})
    assert account.requests[-1].headers["api-token"] == CANARY
    look_around(browser, connection)
    account.revoke(account.api_key)
    browser.post(f"{connection.get_absolute_url()}test/")
    connection.refresh_from_db()
    assert connection.credentials().api_key.reveal() == CANARY
    browser.post(standby, {"standby-api_key": NEXT})
    browser.post(f"{standby}remove/")

    assert "removed the standby key" in [*connection.events.values_list("verb", flat=True)]
    places = everywhere(whole_log, answers) | admin_places(Recording(answers, staff), connection)
    assert any(b"has taken over" in place for name, place in places.items() if name.startswith("mail"))
    assert_nowhere(places)


def connect_with_a_refused_key_first(browser: Client, account: SandboxServer) -> Connection:
    step_2 = begin(browser)
    browser.post(f"{step_2}keep/", details(account, api_key=REFUSED))
    assert browser.post(step_2, details(account, api_key=REFUSED)).status_code == 200
    account.fault("users/me", status=503)
    assert browser.post(step_2, details(account, api_key=CANARY)).status_code == 200
    account.clear_faults()
    step_3 = browser.post(step_2, details(account, api_key=""))["Location"]
    browser.get(step_3)
    detail = browser.post(step_3)["Location"]
    return Connection.objects.get(pk=detail.rstrip("/").rpartition("/")[2])


def edit_with_a_refused_key_first(browser: Client, account: SandboxServer, connection: Connection) -> None:
    page = connection.get_absolute_url()
    for key, status in ((REFUSED, 200), (NEXT, 302)):
        version = Connection.objects.get(pk=connection.pk).version
        assert browser.post(page, {**details(account, api_key=key), "version": version}).status_code == status
    stale = browser.post(page, {**details(account, api_key=CANARY), "version": 1})
    assert stale.status_code == 409


def look_around(browser: Client, connection: Connection) -> None:
    page = connection.get_absolute_url()
    for place in ("", "progress/", "pulling/", "syncs/", "syncs/1/", "data/", "data/contacts/", "delete/"):
        assert browser.get(f"{page}{place}").status_code == 200
    for format in ("csv", "jsonl"):
        assert browser.get(f"{page}data/contacts.{format}").status_code == 200
    for place in (f"connections/?q={CANARY[:9]}", "settings/activity/", "settings/members/"):
        browser.get(f"/w/harbour-tea/{place}")


def commands_about(connection: Connection, capsys: pytest.CaptureFixture[str]) -> dict[str, bytes]:
    """What the commands print."""
    capsys.readouterr()
    call_command("export", str(connection.pk), "contacts")
    for words in (["rotate_credential_keys", "--verify-only"], ["sync", str(connection.pk)]):
        with pytest.raises(SystemExit):
            call_command(*words)
    said = capsys.readouterr()
    return {"export and other commands": f"{said.out}\n{said.err}".encode()}


# What goes wrong --------------------------------------------------------------------------------------------------


@dataclass
class Door:
    """A form that a key may be sent to, and by whom."""

    browser: Recording
    address: str
    fields: dict[str, Any]


@pytest.fixture
def doors(alice: User, staff: User, account: SandboxServer, answers: Answers) -> Callable[[str], Iterator[Door]]:
    """The stepper, the edit page and the admin; `kind` is what the browser would like to get."""
    person, operator = client_of(alice), client_of(staff)
    finished = person.post(person.post(begin(person), details(account, api_key=CANARY))["Location"])["Location"]
    step_2 = begin(person)
    assert operator.get("/admin/").status_code == 200

    def each(kind: str) -> Iterator[Door]:
        typed, accepting = details(account, api_key=NEXT, name="Typed"), {"HTTP_ACCEPT": KINDS[kind]}
        yield Door(Recording(answers, alice, **accepting), step_2, typed)
        yield Door(Recording(answers, alice, **accepting), finished, {**typed, "version": "1"})
        user = {"email": NEXT, "name": "Typed", "api_key": NEXT}
        yield Door(Recording(answers, staff, **accepting), f"/admin/connections/user/{alice.pk}/change/", user)

    return each


def refuse(door: Door, **asked: Any) -> int:
    return door.browser.post(door.address, **{"data": door.fields, **asked}).status_code


def without_token(door: Door, **asked: Any) -> int:
    door.browser.handler.enforce_csrf_checks = True
    try:
        return refuse(door, **asked)
    finally:
        door.browser.handler.enforce_csrf_checks = False


def unknown(door: Door) -> int:
    address = door.address.replace("/harbour-tea/", "/nobody/").replace("/user/", "/nobody/")
    return door.browser.post(address, door.fields).status_code


REFUSALS: dict[str, tuple[Callable[[Door], int], int]] = {
    "a wrong host": (lambda door: refuse(door, HTTP_HOST="evil.example"), 400),
    "too many fields": (lambda door: refuse(door, data={**door.fields, **{f"f{n}": "" for n in range(TOO_MANY)}}), 400),
    "no token": (without_token, 403),
    "no such page": (unknown, 404),
    "a wrong method": (lambda door: door.browser.put(door.address, f"api_key={NEXT}").status_code, 405),
    "too much": (lambda door: refuse(door, data={**door.fields, "more": "x" * TOO_LARGE}), 413),
    "too much in one piece": (
        lambda door: refuse(door, data=f"{NEXT}&" * 20_000, content_type="application/x-www-form-urlencoded"),
        413,
    ),
}


def test_where_somebody_may_not(
    debug: bool, bob: User, doors: Callable[[str], Iterator[Door]], answers: Answers, whole_log: io.StringIO
) -> None:
    for door, status in zip(doors("html"), (404, 403, 302), strict=True):
        door.browser.cookies = client_of(bob).cookies
        assert refuse(door) == status
        door.browser.cookies.clear()
        assert refuse(door) == 302

    assert_nowhere(everywhere(whole_log, answers))


def test_where_a_request_is_refused(
    debug_and_kind: tuple[bool, str],
    doors: Callable[[str], Iterator[Door]],
    answers: Answers,
    whole_log: io.StringIO,
) -> None:
    for door in doors(debug_and_kind[1]):
        for what, (ask, status) in REFUSALS.items():
            if what == "a wrong method" and "/admin/" in door.address:
                continue  # Django's admin shows its form instead.
            assert ask(door) == status, (what, door.address)

    assert_nowhere(everywhere(whole_log, answers))


@pytest.fixture(params=["in a view", "in what surrounds the views"])
def faulty(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of our own, at a place where the key is at hand."""

    def fail(*_args: Any, **held: Any) -> None:
        typed = NEXT  # noqa: F841  A variable that a report of the fault could show.
        raise ZeroDivisionError("the inner reason")

    if request.param == "in a view":
        monkeypatch.setattr(setting_up, "ask", fail)
        monkeypatch.setattr(editing, "ask", fail)
        monkeypatch.setattr("connections.admin.people.UserAdmin.get_form", fail)
    else:
        monkeypatch.setattr("django_htmx.middleware.HtmxMiddleware.__call__", fail)


def test_where_we_fail(
    debug_and_kind: tuple[bool, str],
    doors: Callable[[str], Iterator[Door]],
    faulty: None,
    answers: Answers,
    whole_log: io.StringIO,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    debug, kind = debug_and_kind

    made = [refuse(door) for door in doors(kind)]

    places = everywhere(whole_log, answers)
    assert made == [500, 500, 500]
    assert b"the inner reason" in places["log"]
    assert not places_with("the inner reason", answers.all)
    assert any(name.startswith("mail") for name in places) is not debug
    assert_nowhere(places)


def test_where_the_body_cannot_be_read(
    debug: bool,
    doors: Callable[[str], Iterator[Door]],
    answers: Answers,
    whole_log: io.StringIO,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = WSGIRequest._load_post_and_files

    def cut_off(request: WSGIRequest) -> None:
        real(request)
        raise OSError("the connection was reset")

    with monkeypatch.context() as patch:
        patch.setattr(WSGIRequest, "_load_post_and_files", cut_off)
        for door in doors("html"):
            assert without_token(door) >= 400

    assert_nowhere(everywhere(whole_log, answers))


# Syncs ------------------------------------------------------------------------------------------------------------

FAULTS: dict[str, dict[str, Any]] = {
    "refused": {"status": 403},
    "unpaid": {"status": 402},
    "not found": {"status": 404},
    "broken": {"status": 500},
    "busy": {"kind": "busy"},
    "a web page": {"kind": "web_page"},
}
SAMPLED = {"refused", "a web page"}  # The account says one, something before it the other; `make test-scale` has all.


@pytest.mark.parametrize(
    "fault", [pytest.param(name, marks=[] if name in SAMPLED else pytest.mark.scale) for name in FAULTS]
)
def test_where_a_sync_fails(
    fault: str,
    doors: Callable[[str], Iterator[Door]],
    account: SandboxServer,
    answers: Answers,
    whole_log: io.StringIO,
    settings: Any,
) -> None:
    settings.DEBUG = True
    connection = synced_connection(doors)
    account.fault(**FAULTS[fault])

    pull(connection)

    assert_nowhere(everywhere(whole_log, answers))


def test_where_a_sync_meets_a_fault_of_our_own(
    debug: bool,
    doors: Callable[[str], Iterator[Door]],
    answers: Answers,
    whole_log: io.StringIO,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connection = synced_connection(doors)

    def fail(*_args: Any, **_more: Any) -> None:
        typed = connection.credentials().api_key.reveal()
        raise ZeroDivisionError(f"of {len(typed)}")

    monkeypatch.setattr("connections.syncing.syncing.store", fail)
    sync = Sync.objects.queue(connection, trigger="schedule")
    tasks.STOPPING.clear()
    tasks.pull_next()

    sync.refresh_from_db()
    assert "on our side" in sync.reason
    assert "ZeroDivisionError" in whole_log.getvalue()
    assert_nowhere(everywhere(whole_log, answers))


def synced_connection(doors: Callable[[str], Iterator[Door]]) -> Connection:
    list(doors("html"))
    Sync.objects.active().stop("So that another can be asked for.")
    return Connection.objects.finished().get()


def test_what_is_put_into_celerys_queue_names_nothing_at_all(
    doors: Callable[[str], Iterator[Door]], monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Any] = []
    monkeypatch.setattr(tasks.pull_next, "apply_async", lambda *args, **options: sent.append((args, options)))
    list(doors("html"))

    tasks.look_for_work()

    assert sent
    assert all(not any(args) for args, _ in sent)
