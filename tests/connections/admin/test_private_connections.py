"""What the admin shows of a connection that is somebody's alone: whose it is and how it does, not which account."""

from html import unescape

import pytest
from django.test import Client

from connections.models import Connection, Health, Sync, Team, User, Workspace
from connections.models.sync import SyncState
from sources.activecampaign.sandbox.server import SandboxServer
from tests.conftest import Connect
from tests.connections.admin.test_admin import CONNECTIONS, KEY, act
from tests.connections.stepper.walking import begin

ADMIN = "/admin/connections/"
TOLD = ("Quiet cove", "quietcove", "Mira Holt", "mira@harbourtea.example", "Old name", "no longer accepts")
"""What names the account, or may."""


@pytest.fixture
def private(connect: Connect, alice: User) -> Connection:
    """With a sync, a trail, a fault, and a name from a time when it was shared."""
    connection = connect(name="Old name", api_url="https://quietcove.api-us1.com", api_key=KEY)
    connection.name, connection.privacy = "Quiet cove", "private"
    connection.save_changes({"name": "Old name", "privacy": "workspace"}, by=alice)
    sync = Sync.objects.queue(connection, trigger="schedule")
    sync.state, sync.reason = SyncState.FAILED, "quietcove.api-us1.com no longer accepts this key."
    sync.save()
    connection.set_health(Health.ACTION_NEEDED, "It no longer accepts the key of Mira Holt.", code="key_refused")
    connection.save_health()
    connection.record("stopped working", by=None, detail="It no longer accepts the key of Mira Holt.")
    return connection


def pages_of(connection: Connection) -> list[str]:
    sync, events = connection.syncs.get(), connection.events.values_list("pk", flat=True)
    lists = [f"{ADMIN}{name}/" for name in ("connection", "sync", "event", "accountbudget")]
    of_one = [f"connection/{connection.pk}/change/", f"sync/{sync.pk}/change/", f"connection/{connection.pk}/history/"]
    return ["/admin/", *lists, *(f"{ADMIN}{page}" for page in of_one), *(f"{ADMIN}event/{pk}/change/" for pk in events)]


def page(client: Client, address: str, **query: str) -> str:
    answer = client.get(address, query)
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def test_no_page_names_a_private_connection_or_its_account(staff_client: Client, private: Connection) -> None:
    for address in pages_of(private):
        shown = page(staff_client, address)

        assert [word for word in TOLD if word in shown] == [], address


def test_it_is_shown_as_whose_it_is_with_its_health_and_syncs(staff_client: Client, private: Connection) -> None:
    listed, one = page(staff_client, CONNECTIONS), page(staff_client, f"{CONNECTIONS}{private.pk}/change/")

    for shown in (listed, one, page(staff_client, f"{ADMIN}sync/"), page(staff_client, f"{ADMIN}event/")):
        assert "private, of Alice Okafor" in shown
    assert "Action needed" in listed
    assert "key_refused" in listed
    assert "Failed" in one
    assert "a connection that is private, of Alice Okafor stopped working" in one


def test_staff_act_on_it_and_are_told_nothing_of_the_account(
    staff_client: Client, connect: Connect, sandbox: SandboxServer
) -> None:
    private = connect(sandbox, name="Quiet cove", privacy="private")

    answers = [act(staff_client, action, private) for action in ("pause", "resume", "test_now", "sync_now")]
    sandbox.revoke(sandbox.api_key)
    answers.append(act(staff_client, "test_now", private))

    said = ("paused.", "resumed.", "it works.", "a sync is queued.", "it does not work (key_refused).")
    for answer, words in zip(answers, said, strict=True):
        assert f"rivate, of Alice Okafor: {words}" in answer
        assert "Quiet cove" not in answer
        assert sandbox.origin.removeprefix("http://") not in answer


@pytest.mark.parametrize("name", ["connection", "sync", "event"])
def test_no_search_finds_it_by_what_it_is_called(staff_client: Client, private: Connection, name: str) -> None:
    for word in ("Quiet", "quietcove", "Mira", "mira@", "Old name", "accepts"):
        assert "Alice Okafor" not in page(staff_client, f"{ADMIN}{name}/", q=word).partition("</form>")[2]


@pytest.mark.parametrize("name", ["connection", "sync", "event"])
def test_it_is_found_by_its_workspace(staff_client: Client, private: Connection, name: str) -> None:
    assert "private, of Alice Okafor" in page(staff_client, f"{ADMIN}{name}/", q="Harbour Tea")


@pytest.mark.parametrize("name", ["connection", "sync", "event"])
def test_a_shared_one_is_found_by_its_name(staff_client: Client, connect: Connect, name: str) -> None:
    Sync.objects.queue(connect(name="Tea shop"), trigger="schedule")

    assert "Tea shop" in page(staff_client, f"{ADMIN}{name}/", q="tea sh").partition("</form>")[2]


def test_its_place_in_a_list_does_not_tell_its_name(staff_client: Client, connect: Connect) -> None:
    first = connect(name="Between", privacy="private")
    for name in ("Aaa", "Zzz"):
        connect(name=name, api_url=f"https://{name}.api-us1.com")

    for listed in (page(staff_client, CONNECTIONS), page(staff_client, CONNECTIONS, o="1")):
        assert listed.index("Zzz") < listed.index("Aaa") < listed.index(str(first.pk))


def test_an_unfinished_set_up_is_its_creators_alone(staff_client: Client, alice_client: Client) -> None:
    alice_client.post(begin(alice_client), {"name": "Quiet cove", "api_url": "https://quietcove.api-us1.com"})

    shown = page(staff_client, CONNECTIONS)

    assert "unfinished, of Alice Okafor" in shown
    assert "uiet" not in shown


def test_what_happened_to_a_deleted_one_is_not_told_either(
    staff_client: Client, private: Connection, alice: User
) -> None:
    private.remove(by=alice)

    told = page(staff_client, f"{ADMIN}event/")

    assert "Alice Okafor deleted a connection that is private" in told
    assert [word for word in TOLD if word in told] == []


def test_a_team_is_deleted_and_a_workspace_opened_without_naming_it(
    staff_client: Client, private: Connection, workspace: Workspace, growth: Team
) -> None:
    for address in (f"team/{growth.pk}/delete/", f"workspace/{workspace.pk}/change/"):
        assert "Quiet cove" not in page(staff_client, f"{ADMIN}{address}")
