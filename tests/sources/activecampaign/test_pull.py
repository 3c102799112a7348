"""Pulling many streams of one account at once, over real connections to a sandbox."""

import threading
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest

from sources.activecampaign.client import AT_ONCE, ActiveCampaign, open_line
from sources.activecampaign.sandbox.server import SandboxServer
from sources.activecampaign.streams import STREAMS
from sources.errors import AccountUnavailable, BadCredentials, NotPermitted, TemporarilyDown, UnexpectedAnswer
from sources.http.throttle import LocalBudget
from sources.spec import Credentials, Lane, Pulled, Secret, Wanted
from tests.sources.activecampaign.conftest import KEY, FreeBudget
from tests.sources.http.scripted_server import ScriptedServer, answers

STREAM = {stream.key: stream for stream in STREAMS}
KEYS = ("contacts", "lists", "tags", "campaigns", "automations", "deals", "dealGroups", "users", "fields", "accounts")
ALL = [Wanted(stream=STREAM[key]) for key in KEYS]
CONTACTS = [Wanted(stream=STREAM["contacts"])]


@pytest.fixture(autouse=True)
def unhurried_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sources.http.retry._jitter", lambda state: 0.0)


@pytest.fixture(autouse=True)
def no_thread_stays() -> Any:
    yield
    assert [thread for thread in threading.enumerate() if thread.name.startswith("fetch-")] == []


def ids(pulled: list[Pulled], key: str) -> set[str]:
    return {one for item in pulled if item.page and item.stream.key == key for one in item.page.rows}


def test_all_streams_are_pulled_whole_side_by_side(line: ActiveCampaign, account: SandboxServer) -> None:
    pulled = list(line.pull(ALL))

    for key in KEYS:
        assert ids(pulled, key) == set(account.world.ids(key))
    assert sorted(item.stream.key for item in pulled if item.is_over) == sorted(KEYS)
    assert all(item.page and (item.page.cursor is None) == item.is_over for item in pulled)


def test_a_pull_of_an_account_that_fits_on_a_page_costs_one_call_and_a_look_behind_it(
    new_sandbox: Callable[..., SandboxServer],
) -> None:
    account = new_sandbox(contacts=60)
    credentials = Credentials(api_url=account.origin, api_key=Secret(account.api_key))

    with open_line(credentials, budget=FreeBudget()) as line:
        pulled = list(line.pull(CONTACTS))

    assert len(ids(pulled, "contacts")) == 60
    assert account.stats()["requests"] == 2


QUICK = {"latency_ms": 30, "rate": 0}  # At fifty calls a second it is as at five with 300 ms.


FEWEST = 5000 // 100 + 1
MORE = 24  # A busy machine answers late, which divides once more.


def test_5000_contacts_cost_at_most_24_calls_more_than_the_fewest(new_sandbox: Callable[..., SandboxServer]) -> None:
    account = new_sandbox(contacts=5000, **QUICK)
    credentials = Credentials(api_url=account.origin, api_key=Secret(account.api_key))

    with open_line(credentials, budget=LocalBudget(50)) as line:
        pulled = list(line.pull(CONTACTS))

    assert ids(pulled, "contacts") == set(account.world.ids("contacts"))
    assert account.stats()["requests"] <= FEWEST + MORE


BESIDE = ("contactTags", "contactLists", "contactAutomations", "lists", "tags", "users", "fields", "campaigns")


def test_beside_other_streams_5000_contacts_cost_no_more_calls(new_sandbox: Callable[..., SandboxServer]) -> None:
    """They need not fill the budget alone, and each range that is read side by side costs about half a page."""
    account = new_sandbox(contacts=5000, deals=0, **QUICK)
    credentials = Credentials(api_url=account.origin, api_key=Secret(account.api_key))

    with open_line(credentials, budget=LocalBudget(50)) as line:
        pulled = list(line.pull([*CONTACTS, *(Wanted(stream=STREAM[key]) for key in BESIDE)]))

    assert len(ids(pulled, "contacts")) == 5000
    assert account.stats()["by_path"]["/api/3/contacts"] <= FEWEST + MORE


def test_only_what_changed_is_asked_for_in_every_call(line: ActiveCampaign, account: SandboxServer) -> None:
    moment = datetime(2020, 1, 1, tzinfo=UTC)

    narrowed = [Wanted(stream=STREAM[key], changed_since=moment) for key in ("contacts", "deals", "tags")]
    list(line.pull(narrowed))

    told = {(call.place, call.query.get("filters[updated_after]")) for call in account.requests}
    assert told == {("contacts", "2020-01-01T00:00:00Z"), ("deals", "2020-01-01T00:00:00Z"), ("tags", None)}


def test_each_stream_goes_on_from_its_cursor(line: ActiveCampaign, account: SandboxServer) -> None:
    wanted = [Wanted(stream=STREAM["contacts"]), Wanted(stream=STREAM["deals"])]
    cursors: dict[str, Any] = {}
    begun: list[Pulled] = []
    with closing(line.pull(wanted)) as pulling:
        for item in pulling:
            begun.append(item)
            cursors[item.stream.key] = item.page.cursor if item.page else None
            if len(begun) == 3:
                break

    rest = list(line.pull([Wanted(stream=STREAM[key], cursor=cursors.get(key)) for key in ("contacts", "deals")]))

    for key in ("contacts", "deals"):
        assert ids(begun, key) | ids(rest, key) == set(account.world.ids(key))


def test_a_stream_that_may_not_be_read_is_skipped_and_the_others_are_whole(account: SandboxServer) -> None:
    account.add_key("limited-key-0123456789", user_id=account.world.first_ids("users")[0], denied=["deals", "lists"])
    credentials = Credentials(api_url=account.origin, api_key=Secret("limited-key-0123456789"))

    with open_line(credentials, budget=FreeBudget()) as line:
        pulled = list(line.pull(ALL))

    failures = {item.stream.key: type(item.failure) for item in pulled if item.failure}
    assert failures == {"deals": NotPermitted, "lists": NotPermitted}
    assert ids(pulled, "contacts") == set(account.world.ids("contacts"))
    assert ids(pulled, "accounts") == set(account.world.ids("accounts"))


def test_streams_that_the_plan_lacks_cost_three_calls_each(line: ActiveCampaign, account: SandboxServer) -> None:
    for key in ("lists", "tags", "fields"):
        account.fault(key, kind="not_found", times=None)

    pulled = list(line.pull(ALL))

    assert sorted(item.stream.key for item in pulled if item.failure) == ["fields", "lists", "tags"]
    assert account.stats()["by_path"]["/api/3/tags"] == 3  # One answer alone is not believed.
    assert "/api/3/users/me" not in account.stats()["by_path"]


def test_a_stream_with_odd_answers_ends_alone(line: ActiveCampaign, account: SandboxServer) -> None:
    account.fault("deals", envelope="missing", times=None)

    pulled = list(line.pull(ALL))

    assert [(item.stream.key, type(item.failure)) for item in pulled if item.failure] == [("deals", UnexpectedAnswer)]
    assert ids(pulled, "contacts") == set(account.world.ids("contacts"))


def test_a_dead_key_is_asked_about_by_one_thread_alone(line: ActiveCampaign, account: SandboxServer) -> None:
    account.revoke(KEY)

    with pytest.raises(BadCredentials):
        list(line.pull(ALL))

    assert len(account.requests) == 6


def test_a_key_that_dies_in_the_middle_stops_every_thread(line: ActiveCampaign, account: SandboxServer) -> None:
    account.on_call(lambda call: account.revoke(KEY) if len(account.requests) == 6 else None)

    with pytest.raises(BadCredentials):
        list(line.pull(ALL))

    assert len(account.requests) <= 6 + 3 * AT_ONCE + 6


@pytest.mark.parametrize(("kind", "error"), [("unpaid", AccountUnavailable), ("web_page", TemporarilyDown)])
def test_what_concerns_the_account_is_raised(
    kind: str, error: type[Exception], line: ActiveCampaign, account: SandboxServer
) -> None:
    account.fault(kind=kind, skip=1, times=None)  # The first call goes alone, so nothing that works is heard later.
    pulled: list[Pulled] = []

    with pytest.raises(error):
        for item in line.pull(ALL):
            pulled.append(item)

    assert pulled


class StoppedBudget(FreeBudget):
    """Ends the work from within, as a budget does whose lease is lost."""

    def take(self, lane: Lane) -> None:
        super().take(lane)
        if len(self.taken) > 5:
            raise PermissionError


def test_what_the_budget_raises_is_raised_where_the_pages_are_stored(credentials: Credentials) -> None:
    with open_line(credentials, budget=StoppedBudget()) as line, pytest.raises(PermissionError):
        list(line.pull(ALL))


def test_busy_moments_slow_a_pull_down_and_lose_nothing(
    line: ActiveCampaign, account: SandboxServer, budget: FreeBudget
) -> None:
    account.fault(kind="busy", skip=2, times=7)

    pulled = list(line.pull(ALL))

    assert budget.slowed == [1] * 7
    assert not [item for item in pulled if item.failure]
    assert ids(pulled, "deals") == set(account.world.ids("deals"))


FAULTS: dict[str, dict[str, Any]] = {
    "a passing refusal": {"kind": "forbidden", "times": 2},
    "an empty answer": {"kind": "empty"},
    "answers cut off": {"cut": "chunked", "times": 3},
    "ids as numbers": {"ids": "numbers", "times": None},
    "rows that come twice": {"duplicates": 4, "times": None},
    "a total of nothing": {"total": 0, "times": None},
    "a total of too many": {"total": 10**12, "times": None},
    "no total": {"total": None, "times": None},
    "a list that is missing once": {"envelope": "missing"},
}


@pytest.mark.parametrize("name", FAULTS)
def test_an_account_that_misbehaves_is_read_whole_all_the_same(
    name: str, line: ActiveCampaign, account: SandboxServer
) -> None:
    account.fault(skip=0 if FAULTS[name].get("times", 1) is None else 3, **FAULTS[name])

    pulled = list(line.pull(ALL))

    assert not [item for item in pulled if item.failure]
    for key in KEYS:
        assert ids(pulled, key) == set(account.world.ids(key))


def test_rows_that_come_and_go_meanwhile_cost_no_row_that_stays(line: ActiveCampaign, account: SandboxServer) -> None:
    stays = {key: set(account.world.ids(key)) for key in ("contacts", "deals")}
    doomed = {key: sorted(stays[key], key=int)[3:40:3] for key in stays}

    def stir(call: Any) -> None:
        for key in stays:
            account.world.insert(key)
            if doomed[key]:
                account.world.remove(key, doomed[key].pop())

    account.on_call(stir)
    pulled = list(line.pull([Wanted(stream=STREAM[key]) for key in stays]))

    for key in stays:
        unproven = [item for item in pulled if item.stream.key == key and item.page and not item.page.seam_proven]
        assert unproven or stays[key] & set(account.world.ids(key)) <= ids(pulled, key)


def test_no_more_connections_are_opened_than_there_are_threads(
    scripted: Callable[..., tuple[ScriptedServer, Credentials]],
) -> None:
    server, credentials = scripted(answers({key: [] for key in KEYS}))

    with open_line(credentials, budget=FreeBudget()) as line:
        for _ in range(3):
            list(line.pull(ALL))

    assert 1 <= server.connections <= AT_ONCE
