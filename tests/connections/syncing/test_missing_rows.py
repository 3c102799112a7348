"""Rows that a read did not find, and that nothing proves to be gone: kept, said, and decided by a person."""

from collections.abc import Callable

import pytest
from django.test import Client

from connections.models import Connection, MissingRows, User, missing_rows
from connections.operating import erasing
from connections.operating.erasing import erase_a_piece
from sources.activecampaign.sandbox.server import SandboxServer
from tests.conftest import Connect
from tests.connections.engine import again, pull
from tests.connections.keeping.editing_page import OTHER_KEY, save
from tests.connections.post import in_short, mails
from tests.connections.stepper.walking import words

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_limit")]


@pytest.fixture
def account(new_sandbox: Callable[..., SandboxServer]) -> SandboxServer:
    return new_sandbox(contacts=200, deals=0)


@pytest.fixture
def connection(account: SandboxServer, connect: Connect, alice_client: Client) -> Connection:
    """Healthy; then somebody puts in the key of another user, which sees 35 of the 200 contacts."""
    connection = connect(account)
    pull(connection, only=["contacts", "tags"])
    for one in account.world.ids("contacts")[35:]:
        account.world.remove("contacts", one)
    account.add_key(OTHER_KEY, user_id=account.world.ids("users")[-1], admin=True)
    save(alice_client, connection, api_key=OTHER_KEY)
    connection.refresh_from_db()
    connection.syncs.active().stop("")
    return connection


def living(connection: Connection) -> int:
    return connection.records.living().filter(stream="contacts").count()


def detail(client: Client, connection: Connection) -> str:
    return words(client.get(connection.get_absolute_url()).content.decode())


def decide(client: Client, connection: Connection, decision: str) -> str:
    posted = {"stream": "contacts", "decision": decision}
    response = client.post(f"{connection.get_absolute_url()}missing/", posted, follow=True)
    return words(response.content.decode())


def test_a_key_that_sees_much_less_deletes_nothing_and_says_so(connection: Connection, alice_client: Client) -> None:
    runs = [pull(connection, only=["contacts"], full=True).stream_runs.get() for _ in range(3)]

    assert {run.deleted for run in runs} == {0}
    assert living(connection) == 200
    assert "165 of 200 rows were not found" in runs[0].reason
    assert "165 of 200 contacts were not found" in detail(alice_client, connection)
    (message,) = mails()
    assert in_short([message]) == ["asks you about missing rows"]
    assert "its last sync did not find 165 of 200 contacts." in message.body
    assert f"{connection.get_absolute_url()}#missing-contacts" in message.body
    assert 'id="missing-contacts"' in alice_client.get(connection.get_absolute_url()).content.decode()


@pytest.mark.parametrize("piece", [2000, 55, 40])
def test_rows_that_a_person_says_are_gone_are_marked_in_pieces(
    connection: Connection, alice_client: Client, monkeypatch: pytest.MonkeyPatch, piece: int
) -> None:
    monkeypatch.setattr(missing_rows, "PIECE", piece)
    pull(connection, only=["contacts"], full=True)

    said = decide(alice_client, connection, "gone")

    assert "165 rows are marked as deleted." in said
    assert living(connection) == again(connection).row_counts.by_stream()["contacts"] == 35
    assert "Until you decide, they stay" not in detail(alice_client, connection)
    assert "marked the missing rows as deleted" in detail(alice_client, connection)


def test_rows_that_a_person_keeps_stay_and_are_not_asked_about_again(
    connection: Connection, alice_client: Client, account: SandboxServer
) -> None:
    pull(connection, only=["contacts"], full=True)
    assert len(mails()) == 1

    decide(alice_client, connection, "keep")
    pull(connection, only=["contacts"], full=True)
    assert living(connection) == 200
    assert "Until you decide, they stay" not in detail(alice_client, connection)

    account.world.remove("contacts", account.world.ids("contacts")[0])
    pull(connection, only=["contacts"], full=True)
    assert "166 of 200 contacts were not found" in detail(alice_client, connection)
    assert len(mails()) == 2


def test_rows_that_are_found_again_are_no_longer_asked_about(
    connection: Connection, alice_client: Client, account: SandboxServer
) -> None:
    pull(connection, only=["contacts"], full=True)
    connection.records.filter(stream="contacts").exclude(external_id__in=account.world.ids("contacts")).delete()

    pull(connection, only=["contacts"], full=True)

    assert not MissingRows.objects.exists()


def test_a_key_that_may_not_read_single_rows_any_more_deletes_nothing(
    account: SandboxServer, connect: Connect, alice_client: Client
) -> None:
    connection = connect(account)
    pull(connection, only=["contacts"])
    gone = account.world.ids("contacts")[:30]
    for one in gone:
        account.world.remove("contacts", one)
        account.fault(f"contacts/{one}", status=403, body='{"message": "No access"}', times=None)

    run = pull(connection, only=["contacts"], full=True).stream_runs.get()

    assert run.deleted == 0
    assert "30 of 200 contacts were not found" in detail(alice_client, connection)


def test_only_those_who_manage_the_connection_are_asked(
    connection: Connection, alice_client: Client, bob_client: Client
) -> None:
    pull(connection, only=["contacts"], full=True)

    assert "Until you decide, they stay" not in detail(bob_client, connection)
    assert bob_client.post(f"{connection.get_absolute_url()}missing/", {"decision": "gone"}).status_code == 403
    assert living(connection) == 200


def test_the_same_persons_new_key_is_believed(
    account: SandboxServer, connect: Connect, alice_client: Client, alice: User
) -> None:
    connection = connect(account)
    save(alice_client, connection, api_key=account.api_key)  # Whose key it is was asked now.
    connection.syncs.active().stop("")
    pull(again(connection), only=["contacts"])
    gone = account.world.ids("contacts")[:30]
    for one in gone:
        account.world.remove("contacts", one)
    owner = int(again(connection).owner)
    account.add_key(OTHER_KEY, user_id=owner, admin=True)
    save(alice_client, connection, api_key=OTHER_KEY)
    connection.syncs.active().stop("")

    run = pull(again(connection), only=["contacts"], full=True).stream_runs.get()

    assert run.deleted == 30


# Read again, and clear -------------------------------------------------------------------------------------------


def test_everything_is_read_again_at_the_press_of_a_button(
    account: SandboxServer, connect: Connect, alice_client: Client
) -> None:
    connection = connect(account)

    alice_client.post(f"{connection.get_absolute_url()}read-again/")

    sync = connection.syncs.get()
    assert (sync.full, sync.only_streams, sync.requested_by) == (True, [], connection.created_by)


def test_one_stream_is_read_again_by_itself(account: SandboxServer, connect: Connect, alice_client: Client) -> None:
    connection = connect(account)
    assert "Read again: Contacts" in alice_client.get(f"{connection.get_absolute_url()}data/").content.decode()

    alice_client.post(f"{connection.get_absolute_url()}read-again/", {"stream": "contacts"})

    assert connection.syncs.get().only_streams == ["contacts"]


def test_a_stream_that_is_not_pulled_is_not_read_again(
    account: SandboxServer, connect: Connect, alice_client: Client
) -> None:
    connection = connect(account)

    response = alice_client.post(f"{connection.get_absolute_url()}read-again/", {"stream": "nonsense"}, follow=True)

    assert "That is not synced. Nothing was started." in words(response.content.decode())
    assert not connection.syncs.exists()


def test_cleared_data_is_gone_at_once_and_comes_back_with_the_next_sync(
    account: SandboxServer, connect: Connect, alice_client: Client
) -> None:
    connection = connect(account)
    pull(connection, only=["contacts"])

    asked = words(alice_client.get(f"{connection.get_absolute_url()}clear/").content.decode())
    assert "200 rows go at once" in asked
    assert living(connection) == 200
    alice_client.post(f"{connection.get_absolute_url()}clear/")

    assert (living(again(connection)), again(connection).row_counts.by_stream()) == (0, {})
    pull(again(connection), only=["contacts"])
    assert living(again(connection)) == 200


def test_one_stream_is_cleared_by_itself_and_read_again_when_its_rows_are_erased(
    account: SandboxServer, connect: Connect, alice_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = connect(account)
    pull(connection, only=["contacts", "tags"])
    tags = connection.records.filter(stream="tags").count()
    address = f"{connection.get_absolute_url()}clear/"

    assert "200 rows of contacts go at once" in words(alice_client.get(f"{address}?stream=contacts").content.decode())
    alice_client.post(address, {"stream": "contacts"})

    assert again(connection).row_counts.by_stream() == {"tags": tags}
    assert not again(connection).records.filter(stream="contacts").exists()
    pull(again(connection), only=["contacts", "tags"])
    assert not again(connection).records.filter(stream="contacts").exists()
    monkeypatch.setattr(erasing, "PIECE", 90)
    assert [erase_a_piece() for _ in range(4)] == [90, 90, 20, 0]
    pull(again(connection), only=["contacts"])
    assert living(again(connection)) == 200
    assert again(connection).records.filter(stream="tags").count() == tags


def test_a_row_that_cannot_be_kept_is_named_on_the_page_of_the_sync(
    account: SandboxServer, connect: Connect, alice_client: Client
) -> None:
    connection = connect(account)
    rows = [{"id": "1", "tag": "one"}, {"id": None, "tag": "odd", "links": {"a": f"{account.origin}/x"}}]
    account.fault("tags", document={"tags": rows, "meta": {"total": "2"}}, times=None)

    sync = pull(connection, only=["tags"])

    run = sync.stream_runs.get()
    assert (run.state, run.rows, run.unreadable) == ("complete", 1, 1)
    assert account.origin not in str(run.unkept)
    page = words(alice_client.get(sync.get_absolute_url()).content.decode())
    assert "Tags: 1 row could not be kept" in page
    assert '"tag": "odd"' in page or '"tag":"odd"' in page
    assert f"{account.origin}/x" in page
