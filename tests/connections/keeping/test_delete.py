"""Deleting a connection: what is said before, and what goes with it."""

import re
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from connections.access import access
from connections.models import Change, Connection, Event, Holding, Membership, Record, Sync, Team, User, Workspace
from connections.models.stream_run import StreamRun
from connections.models.sync import LeaseLost
from connections.operating import erasing
from connections.operating.erasing import erase_a_piece
from connections.syncing.syncing import run
from sources.activecampaign.sandbox.server import SandboxServer
from tests.addresses import OF_A_WORKSPACE
from tests.conftest import Connect
from tests.connections.engine import store_rows


def text(response: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def with_data(connection: Connection) -> Connection:
    sync = Sync.objects.queue(connection, trigger="first").take()
    sync.stream_runs.create(stream="contacts")
    sync.finish("complete")
    store_rows(connection, "contacts", *({"id": str(number)} for number in range(3)))
    return connection


def test_asking_says_what_goes_with_it_and_deletes_nothing(alice_client: Client, bob: User, connect: Connect) -> None:
    connection = with_data(connect())

    words = text(alice_client.get(f"{connection.get_absolute_url()}delete/"))

    assert "Delete “Main account”?" in words
    assert "3 rows of data" in words
    assert "the history of 1 sync" in words
    assert "all 2 members of Harbour Tea. From then on nobody can use it." in words
    assert Connection.objects.exists()


def test_asking_says_who_loses_it_for_each_privacy(alice_client: Client, connect: Connect, growth: Team) -> None:
    private, shared = connect(privacy="private"), connect(name="Of the team", privacy="team", team=growth)
    asked = [text(alice_client.get(f"{one.get_absolute_url()}delete/")) for one in (private, shared)]

    assert "not even its administrators, so nobody else loses it." in asked[0]
    team = "Shared with Team Growth: Alice Okafor and Bob Lindqvist."
    administrator = "The administrator (Alice Okafor) sees and manages it too."
    assert f"{team} {administrator} From then on nobody can use it." in asked[1]


def test_deleting_takes_everything_and_says_so(alice_client: Client, connect: Connect) -> None:
    other, connection = with_data(connect(name="Other")), with_data(connect())

    response = alice_client.post(f"{connection.get_absolute_url()}delete/", follow=True)

    assert response.redirect_chain == [("/w/harbour-tea/connections/activecampaign/", 302)]
    assert "Main account was deleted, with its key and its data." in text(response)
    assert Connection.objects.get() == other
    assert {sync.connection for sync in Sync.objects.all()} == {other}
    assert StreamRun.objects.count() == 1
    assert {record.holding for record in Record.objects.exclude(holding__connection=None)} == {other.holding}
    assert alice_client.get(connection.get_absolute_url()).status_code == 404


def test_rows_of_a_deleted_connection_are_nobodys_at_once_and_erased_in_pieces(
    alice_client: Client, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, connection = connect(name="Other"), connect()
    for one in (other, connection):
        store_rows(one, "contacts", *({"id": str(number)} for number in range(1, 6)))

    alice_client.post(f"{connection.get_absolute_url()}delete/")
    assert Record.objects.count() == 10

    monkeypatch.setattr(erasing, "PIECE", 2)
    assert [erase_a_piece() for _ in range(4)] == [2, 2, 1, 0]
    assert {record.holding for record in Record.objects.all()} == {other.holding}
    assert Holding.objects.get() == other.holding


def test_the_log_of_changes_is_erased_in_pieces_with_the_rows(
    alice_client: Client, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, connection = connect(name="Other"), connect()
    for one in (other, connection):
        store_rows(one, "contacts", {"id": "1"}, {"id": "2"}, {"id": "3"})
        Change.objects.log_gone(one.holding, "contactTags", "12345", seen_at=timezone.now())
    alice_client.post(f"{connection.get_absolute_url()}delete/")
    monkeypatch.setattr(erasing, "PIECE", 2)

    assert [erase_a_piece() for _ in range(6)] == [2, 2, 2, 2, 0, 0]

    assert {change.holding for change in Change.objects.all()} == {other.holding}
    assert Holding.objects.get() == other.holding


def test_deleting_twice_finds_nothing_the_second_time(alice_client: Client, connect: Connect) -> None:
    address = f"{connect().get_absolute_url()}delete/"
    alice_client.post(address)

    assert alice_client.post(address).status_code == 404
    assert Event.objects.filter(verb="deleted").count() == 1


def test_a_worker_that_is_at_it_ends_quietly_when_the_connection_is_deleted(
    alice_client: Client, connect: Connect, sandbox: SandboxServer
) -> None:
    connection = connect(sandbox)
    sync = Sync.objects.queue(connection, trigger="person").take()
    alice_client.post(f"{connection.get_absolute_url()}delete/")

    try:
        sync.hold()
    except LeaseLost as lost:
        assert "somebody else" in str(lost)
    else:
        raise AssertionError("The worker still holds the sync of a deleted connection.")
    run(sync)

    assert not Record.objects.exists()
    assert not Sync.objects.exists()


def test_a_former_members_shared_connection_can_be_deleted_by_an_admin(
    dana_client: Client, bob: User, connect: Connect
) -> None:
    connection = connect(by=bob)
    Membership.objects.get(user=bob).delete()

    dana_client.post(f"{connection.get_absolute_url()}delete/")

    assert not Connection.objects.exists()


def test_a_team_can_be_deleted_after_its_connections(
    alice_client: Client, connect: Connect, growth: Team, workspace: Workspace
) -> None:
    connection = connect(privacy="team", team=growth)
    alice_client.post(f"{connection.get_absolute_url()}delete/")

    alice_client.post(f"/w/harbour-tea/settings/teams/{growth.pk}/delete/")

    assert not workspace.teams.exists()


# Of a row, a sync or a stream the address says more, and of what is set up there is a draft.
OF_A_CONNECTION = sorted(
    name
    for name, route in OF_A_WORKSPACE.items()
    if "<uuid:pk>" in route and "connections/add/" not in route and "number>" not in route and "stream>" not in route
)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "where",
    [
        *OF_A_CONNECTION,
        *("data/contacts.csv", "data/contacts.csv?shown=on", "data/contacts/", "fields/contacts/"),
        *("numbers/contacts_total/", "numbers/contacts_total/pin/", "numbers/contacts_total/check/", "syncs/1/cancel/"),
    ],
)
def test_what_is_deleted_while_a_page_is_made_is_not_found_and_no_fault(
    alice_client: Client,
    alice: User,
    connect: Connect,
    sandbox: SandboxServer,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
) -> None:
    found = access.visible_connection

    def found_and_then_deleted(*place: Any) -> Connection:
        it = found(*place)
        Connection.objects.get(pk=it.pk).remove(by=alice)
        return it

    monkeypatch.setattr(access, "visible_connection", found_and_then_deleted)
    for ask in (alice_client.get, alice_client.post):
        connection = with_data(connect(sandbox))
        Sync.objects.queue(connection, trigger="person")
        address = connection.url(where) if where in OF_A_CONNECTION else f"{connection.get_absolute_url()}{where}"

        response = ask(address, {"name": "Other", "privacy": "private"})

        assert response.status_code < 500
        Connection.objects.all().delete()
