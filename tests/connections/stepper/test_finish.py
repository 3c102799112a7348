"""The last step: what it shows before it saves."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from connections.models import Connection, Team, User, Workspace
from sources.activecampaign.sandbox.server import SandboxServer
from sources.registry import get_source
from tests.connections.stepper.walking import (
    error_at,
    read,
    send,
    set_up,
    title,
    words,
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
        "workspace": "Shared with Workspace: all 2 members of Harbour Tea",
        "private": "Private to Me: nobody else in Harbour Tea sees it, not even its administrators",
        "team": "Shared with Team Growth: Alice Okafor and Bob Lindqvist; administrators manage it",
    }.items():
        team = str(growth.pk) if privacy == "team" else ""
        assert said in words(read(alice_client, set_up(alice_client, sandbox, privacy=privacy, team=team)))


def test_finish_says_what_is_pulled_at_which_pace_and_how_long_that_takes(
    alice_client: Client, new_sandbox: Callable[..., SandboxServer], settings: Any
) -> None:
    settings.ACTIVECAMPAIGN_RATE = 5.0
    streams = get_source("activecampaign").default_streams

    page = words(read(alice_client, set_up(alice_client, new_sandbox(contacts=1000))))

    assert "Pace of the first sync Later ones are considerate, unless you choose otherwise under Pulling." in page
    assert f"What will be pulled {', '.join(stream.name for stream in streams)}" in page
    assert "Considerate 3 calls a second: leaves room for your own forms and tools." in page
    assert "Full speed 5 calls a second: nearly all that the account allows; your own tools are refused more" in page
    so_far = "What is counted so far takes less than a minute (11 calls); not everything is counted yet."
    assert page.count(so_far) == 2


def test_finish_saves_under_a_button_that_says_so(alice_client: Client, sandbox: SandboxServer) -> None:
    step_3 = set_up(alice_client, sandbox)

    assert re.search(r"<button[^>]*>Finish</button>", read(alice_client, step_3))
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
