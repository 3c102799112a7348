"""What of an account's structure appears, is renamed or goes is said on the page of the sync, and in Activity."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from connections.models import Connection, Event
from connections.models.sync import SyncState
from sources.activecampaign.sandbox.server import SandboxServer
from tests.conftest import Connect
from tests.connections.engine import pull
from tests.connections.stepper.walking import words

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_limit")]


@pytest.fixture
def account(new_sandbox: Callable[..., SandboxServer]) -> SandboxServer:
    return new_sandbox(contacts=5, deals=3)


@pytest.fixture
def pulled(account: SandboxServer, connect: Connect) -> Connection:
    connection = connect(account)
    connection.stream_keys = ["lists", "fields", "dealGroups", "dealStages"]
    connection.save()
    assert pull(connection).state == SyncState.COMPLETE
    return connection


def told(connection: Connection) -> list[str]:
    return [*Event.objects.filter(connection=connection, verb="changed at its source").values_list("detail", flat=True)]


def page_of_last_sync(client: Client, connection: Connection) -> str:
    return words(client.get(connection.syncs.latest("number").get_absolute_url()).content.decode())


def test_what_appears_is_renamed_or_goes_is_said(
    alice_client: Client, account: SandboxServer, pulled: Connection
) -> None:
    assert told(pulled) == []
    world = account.world
    renamed, gone = world.ids("lists")[0], world.ids("dealStages")[-1]
    before, stage = world.row("lists", renamed)["name"], world.row("dealStages", gone)["title"]
    world.change("lists", renamed, name="Letters")
    world.insert("fields", title="Favourite tea")
    world.remove("dealStages", gone)

    pull(pulled, full=True)

    said = {
        f"List “{before}” is now “Letters”.",
        "Custom field “Favourite tea” is new.",
        f"Deal stage “{stage}” is gone.",
    }
    [detail] = told(pulled)
    assert {f"{one}." for one in detail.rstrip(".").split(". ")} == said
    page = page_of_last_sync(alice_client, pulled)
    assert all(one in page for one in said)
    activity = words(alice_client.get(reverse("connections:activity", args=[pulled.workspace.slug])).content.decode())
    assert "Main account changed at its source" in activity
    assert "“Letters”" in activity


def test_a_sync_that_finds_nothing_says_nothing(
    alice_client: Client, account: SandboxServer, pulled: Connection
) -> None:
    account.world.insert("fields", title="Favourite tea")
    pull(pulled, full=True)
    account.world.change("lists", account.world.ids("lists")[0], sender_name="Somebody else")

    pull(pulled, full=True)

    assert len(told(pulled)) == 1
    assert "Changed in the account" not in page_of_last_sync(alice_client, pulled)


def test_what_a_sync_had_found_before_somebody_stopped_it_is_told_with_the_next_one(
    account: SandboxServer, pulled: Connection
) -> None:
    account.world.insert("fields", title="Favourite tea")
    pull(pulled, full=True)
    # As it would stand had somebody stopped it in the middle.
    pulled.syncs.filter(number=2).update(state=SyncState.STOPPED)
    Event.objects.filter(connection=pulled).delete()

    pull(pulled, full=True)
    pull(pulled, full=True)

    assert told(pulled) == ["Custom field “Favourite tea” is new."]


def test_a_name_that_holds_an_address_is_not_put_into_the_trail(account: SandboxServer, pulled: Connection) -> None:
    new = account.world.insert("fields", title="Ask ida@guest.example")

    pull(pulled, full=True)

    assert told(pulled) == [f"Custom field {new} is new."]


def test_of_more_than_the_trail_has_room_for_it_says_how_many(account: SandboxServer, pulled: Connection) -> None:
    for number in range(30):
        account.world.insert("fields", title=f"Question {number}")

    pull(pulled, full=True)

    [detail] = told(pulled)
    assert len(detail) <= 300
    assert detail.endswith(" more.")
