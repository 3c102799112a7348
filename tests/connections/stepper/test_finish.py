"""The last step: what it shows before it saves."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from connections.models import Connection, Sync, Team, User, Workspace
from sources.activecampaign.sandbox.server import SandboxServer
from sources.registry import get_source
from tests.connections.stepper.walking import (
    error_at,
    pulls,
    read,
    send,
    set_up,
    title,
    words,
    work_off,
)

pytestmark = pytest.mark.usefixtures("no_limit")


def test_finish_shows_what_was_proven(alice_client: Client, sandbox: SandboxServer, workspace: Workspace) -> None:
    user = sandbox.world.row("users", sandbox.world.first_ids("users")[0])

    page = words(read(alice_client, set_up(alice_client, sandbox)))

    assert f"Account {sandbox.origin.removeprefix('http://')}" in page
    assert f"The key belongs to {user['firstName']} {user['lastName']} ({user['email']})" in page
    assert "Contacts 250" in page


def test_finish_says_the_privacy_in_words_with_names_and_counts(
    alice_client: Client, bob: User, sandbox: SandboxServer, growth: Team
) -> None:
    for privacy, said in {
        "workspace": "Shared with Workspace All 2 members of Harbour Tea may use it.",
        "private": "Private to Me Nobody else in Harbour Tea sees it, not even its administrators.",
        "team": "Shared with Team Growth: Alice Okafor and Bob Lindqvist. "
        "The administrator (Alice Okafor) sees and manages it too.",
    }.items():
        team = str(growth.pk) if privacy == "team" else ""
        assert words(read(alice_client, set_up(alice_client, sandbox, privacy=privacy, team=team))).count(said) == 1


def test_finish_says_what_is_pulled_at_which_pace_and_how_long_that_takes(
    alice_client: Client, new_sandbox: Callable[..., SandboxServer], settings: Any
) -> None:
    streams = get_source("activecampaign").default_streams
    step_3 = set_up(alice_client, new_sandbox(contacts=1000))
    read(alice_client, step_3)
    settings.ACTIVECAMPAIGN_RATE = 5.0

    page = words(read(alice_client, step_3))

    assert "Pace of the first sync Later ones are gentle, unless you choose otherwise in the sync settings." in page
    for stream in streams:
        assert re.search(rf"\b{stream.name} \([0-9,]+\)", page)
    assert "Gentle 3 calls a second: leaves room for your own forms and tools." in page
    assert "Fast 5 calls a second: nearly all that the account allows; your own tools are refused more" in page
    assert "All that is chosen takes about 30 seconds (94 calls)." in page  # At three calls a second,
    assert "All that is chosen takes less than 20 seconds (94 calls)." in page  # and at five.


SALES = ["deals", "dealGroups", "dealStages", "accounts", "scores"]


def calls_promised(page: str) -> int:
    return int(re.search(r"takes .*? \(([0-9,]+) calls\)", page)[1].replace(",", ""))


@pulls
@pytest.mark.parametrize(
    ("contacts", "deals", "answer", "said"),
    [
        (1_500, 300, {}, ""),
        (200, 0, {}, ""),
        (200, 0, {"status": 403, "document": {"message": "Upgrade your account"}}, "{} are not in this plan."),
        (200, 0, {"kind": "forbidden"}, "{} may not be read with this key."),
        (200, 0, {"status": 402}, "{}: ActiveCampaign asks for a payment for"),
        (200, 0, {"status": 404}, "{}: ActiveCampaign has no list of"),
    ],
)
def test_the_calls_that_finish_promises_are_those_of_the_first_sync(
    contacts: int,
    deals: int,
    answer: dict[str, Any],
    said: str,
    alice_client: Client,
    new_sandbox: Callable[..., SandboxServer],
) -> None:
    sandbox = new_sandbox(contacts=contacts, deals=deals)
    for path in SALES if answer else ():
        sandbox.fault(path, times=None, **answer)
    step_3 = set_up(alice_client, sandbox)
    page = words(read(alice_client, step_3))
    asked_before = len(sandbox.requests)

    address = alice_client.post(step_3)["Location"]
    assert "Waiting" in words(read(alice_client, address))
    assert "First sync under way" in words(read(alice_client, address))
    work_off()

    sync = Sync.objects.get()
    assert "Healthy" in words(read(alice_client, address))
    asked = [call.place for call in sandbox.requests][asked_before:]
    assert sync.state == "complete"
    assert abs(calls_promised(page) - len(asked)) <= len(asked) / 5
    assert ("Not offered" in page) == bool(answer)
    if answer:
        whats_pulled = page.partition("Data to sync")[2].partition("Not offered")[0]
        assert not {"Deals", "Pipelines", "Stages", "Accounts"} & {*re.findall(r"\w+", whats_pulled)}
        assert not {*SALES} & {*asked}  # It has just been said.
        assert re.search(said.format("Deals" if ": Act" in said else "Scores, Deals, Pipelines.*"), page)
        assert sync.reason
        assert "Not offered: " in words(read(alice_client, f"{sync.connection.get_absolute_url()}syncs/"))
        later = Sync.objects.queue(sync.connection, trigger="schedule")
        assert not {*SALES} & {stream.key for stream in later.streams}


def test_the_totals_cost_a_call_each_when_step_2_is_sent_and_looking_at_finish_none(
    alice_client: Client, sandbox: SandboxServer
) -> None:
    step_3 = set_up(alice_client, sandbox)
    asked = [call.place for call in sandbox.requests]

    read(alice_client, step_3)

    streams = get_source("activecampaign").default_streams
    assert sorted(asked) == sorted([*(one.path for one in streams), "users/me", "settings/account"])
    assert len(sandbox.requests) == len(asked)


def test_a_call_that_is_refused_once_while_totals_are_asked_is_made_again(
    alice_client: Client, sandbox: SandboxServer
) -> None:
    sandbox.fault("deals", kind="busy", headers={"Retry-After": "1"}, times=1)

    assert "All that is chosen takes" in words(read(alice_client, set_up(alice_client, sandbox)))


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"path": "deals", "kind": "no_permission"}, "All that is chosen takes"),
        ({"path": "deals", "kind": "not_found"}, "All that is chosen takes"),
        ({"path": "deals", "status": 500}, "not everything is counted yet"),
        ({"path": "deals", "document": {"deals": []}}, "not everything is counted yet"),
        ({"path": "*", "status": 500}, "not everything is counted yet"),
        ({"path": "*", "kind": "busy"}, "not everything is counted yet"),
        ({"path": "*", "hang": "headers"}, "not everything is counted yet"),
    ],
)
def test_where_a_total_is_missing_finish_says_at_least(
    fault: dict[str, Any], said: str, alice_client: Client, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in ("users/me", "contacts", "settings/account"):
        sandbox.fault(path, times=None)  # The check itself goes well.
    sandbox.fault(times=None, **fault)
    if fault["path"] == "*":  # Nothing more comes.
        monkeypatch.setattr("connections.checking.patience.PERSONS", 2.0)

    page = words(read(alice_client, set_up(alice_client, sandbox)))

    assert said in page or ("known once the first sync has counted" in page and said.startswith("not"))


def test_finish_saves_under_a_button_that_says_so(alice_client: Client, sandbox: SandboxServer) -> None:
    step_3 = set_up(alice_client, sandbox)

    assert re.search(r"<button[^>]*>Save Connection</button>", read(alice_client, step_3))
    assert Connection.objects.get().state == "draft"


@pytest.mark.parametrize(("posted", "pace"), [({}, "considerate"), ({"pace": "full"}, "full")])
def test_the_chosen_pace_is_that_of_the_first_sync_and_the_everyday_one_stays_considerate(
    posted: dict[str, str], pace: str, alice_client: Client, sandbox: SandboxServer
) -> None:
    alice_client.post(set_up(alice_client, sandbox), posted)

    connection = Connection.objects.get()
    assert connection.syncs.get().pace == pace
    assert connection.pace == "considerate"
    connection.syncs.active().stop("Out of the way.")
    assert connection.syncs.queue(connection, trigger="schedule").pace == "considerate"


def test_a_pace_that_there_is_not_is_refused_at_its_field(alice_client: Client, sandbox: SandboxServer) -> None:
    page = send(alice_client, set_up(alice_client, sandbox), {"pace": "ludicrous"})

    assert error_at(page, "pace")
    assert title(page).startswith("Error:")
    assert Connection.objects.get().state == "draft"
