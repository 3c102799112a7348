"""Another account's address on the edit form: asked about with evidence; rows of two accounts never stand together."""

import os
import random
import signal
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from connections.checking.checking import check
from connections.keeping import parting
from connections.models import Change, Connection, Health, Holding, Record, StreamMark
from connections.operating.erasing import erase_a_piece
from sources.activecampaign.sandbox.server import SandboxServer
from sources.spec import Credentials, Secret
from tests.command_fixture import StartCommand
from tests.conftest import Connect, client_of
from tests.connections.engine import again, pull, take_up
from tests.connections.keeping.editing_page import OTHER_KEY, let_in, now, save, text
from tests.connections.stepper.walking import chosen, controls, error_at

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_limit")]

NewSandbox = Callable[..., SandboxServer]

POINTS = int(os.environ.get("SWAP_KILLS", "2"))  # Each takes a second.


@pytest.fixture
def account(new_sandbox: NewSandbox) -> SandboxServer:
    return new_sandbox(contacts=60, deals=0)


@pytest.fixture
def connection(connect: Connect, account: SandboxServer) -> Connection:
    """Healthy, with the sixty contacts of an account."""
    connection = connect(account)
    pull(connection, only=["contacts", "tags"])
    return again(connection)


@pytest.fixture
def other(new_sandbox: NewSandbox) -> SandboxServer:
    return new_sandbox(contacts=3, deals=0, seed=99)


def swap(client: Client, connection: Connection, sandbox: SandboxServer, **more: str) -> Any:
    return save(client, connection, api_url=sandbox.origin, api_key=sandbox.api_key, **more)


def contacts(connection: Connection) -> set[str]:
    return {record.external_id for record in again(connection).records.living().filter(stream="contacts")}


def shown(client: Client, connection: Connection) -> str:
    """Wherever rows are shown, counted and exported."""
    pages = ["", "data/", "data/contacts/", "progress/", "delete/"]
    read = [client.get(f"{connection.get_absolute_url()}{page}").content.decode() for page in pages]
    files = [client.get(f"{connection.get_absolute_url()}data/contacts.{format}") for format in ("csv", "jsonl")]
    return "\n".join([*read, *(b"".join(file.streaming_content).decode() for file in files)])  # type: ignore[attr-defined]


def test_another_account_is_asked_about_with_evidence_and_nothing_changes(
    alice_client: Client, connection: Connection, other: SandboxServer
) -> None:
    before = [*Connection.objects.values()], [*Record.objects.order_by("pk").values()]

    response = swap(alice_client, connection, other)

    page = response.content.decode()
    assert response.status_code == 200
    assert "0 of 20 of your contacts are there." in error_at(page, "account")
    assert len(controls(page, "account")) == 2
    assert chosen(page, "account") == ["separate"]
    assert other.api_key not in page
    assert ([*Connection.objects.values()], [*Record.objects.order_by("pk").values()]) == before


def test_a_key_that_opens_another_account_at_the_same_address_is_asked_about(
    alice_client: Client, connection: Connection, other: SandboxServer
) -> None:
    stored = Credentials(api_url=other.origin, api_key=Secret(OTHER_KEY))
    connection.keep_credentials(stored, by=connection.created_by)
    connection.save()
    before = contacts(connection)

    response = swap(alice_client, connection, other)

    assert "0 of 20 of your contacts are there." in error_at(response.content.decode(), "account")
    assert (contacts(connection), now(connection).credentials()) == (before, stored)


def test_a_colleagues_key_of_the_same_account_is_not_asked_about(
    alice_client: Client, connection: Connection, account: SandboxServer
) -> None:
    account.add_key(OTHER_KEY, user_id=account.world.first_ids("users")[1], admin=True)

    response = save(alice_client, connection, api_key=OTHER_KEY)

    assert "Saved. The new credentials work" in text(response)
    assert len(contacts(connection)) == 60


def test_a_new_key_of_the_same_person_costs_no_look_at_the_contacts(
    alice_client: Client, connection: Connection, account: SandboxServer
) -> None:
    check(connection, by=None)
    let_in(account, OTHER_KEY)
    account.reset()

    save(alice_client, connection, api_key=OTHER_KEY)

    assert account.stats()["by_path"]
    assert not [path for path in account.stats()["by_path"] if "contacts/" in path]


def test_the_other_account_becomes_a_set_up_of_its_own(
    alice_client: Client, connection: Connection, other: SandboxServer
) -> None:
    before = contacts(connection)

    response = swap(alice_client, connection, other, name="The other shop", account="separate")

    draft = Connection.objects.get(state="draft")
    assert response.redirect_chain == [(draft.url("set_up"), 302)]
    page = response.content.decode()
    assert other.origin in page and "The other shop" in page
    assert other.api_key not in page
    assert draft.credentials().api_key.reveal() == other.api_key
    assert (now(connection).name, contacts(connection)) == ("Main account", before)


def test_replaced_data_is_seen_nowhere_from_that_moment_on(
    alice_client: Client, connection: Connection, other: SandboxServer
) -> None:
    emails = [record.data["email"] for record in connection.records.filter(stream="contacts")]

    response = swap(alice_client, connection, other, account="replace")

    assert "The data of before is hidden now." in text(response)
    assert contacts(connection) == set()
    assert again(connection).row_counts.by_stream() == {}
    seen = shown(alice_client, connection)
    assert not [email for email in emails if email in seen]
    assert not StreamMark.objects.filter(holding=again(connection).holding).exists()
    take_up(connection.syncs.active().get())
    assert contacts(connection) == {*other.world.ids("contacts")}
    theirs = {record.data["email"] for record in again(connection).records.filter(stream="contacts")}
    seen = shown(alice_client, connection)
    assert not [email for email in {*emails} - theirs if email in seen]


def test_hidden_data_is_taken_back_as_it_was_and_no_key_of_the_other_account_is_used_for_it(
    alice_client: Client, connection: Connection, other: SandboxServer
) -> None:
    rows = [*Record.objects.order_by("pk").values()]
    marks, address = [*StreamMark.objects.order_by("pk").values()], connection.address()
    Change.objects.log_gone(connection.holding, "contactTags", ["1", "2"], seen_at=timezone.now())
    changes = [*Change.objects.order_by("pk").values()]
    swap(alice_client, connection, other, account="replace")
    take_up(connection.syncs.active().get())

    response = alice_client.post(f"{connection.get_absolute_url()}former/take-back/", follow=True)

    assert "The data of before is back. Enter the key of that account." in text(response)
    back = again(connection)
    assert [*back.records.order_by("pk").values()] == rows
    assert [*back.holding.marks.order_by("pk").values()] == marks
    assert [*back.holding.changes.order_by("pk").values()] == changes
    assert (back.address(), back.has_key, back.needs_action) == (address, False, True)


def test_the_key_of_the_account_that_came_back_is_asked_nothing_more(
    alice_client: Client, connection: Connection, other: SandboxServer
) -> None:
    stored = connection.credentials()
    swap(alice_client, connection, other, account="replace")
    alice_client.post(f"{connection.get_absolute_url()}former/take-back/")

    response = save(alice_client, connection, api_key=stored.api_key.reveal())

    assert "Saved. The new credentials work" in text(response)
    assert len(contacts(connection)) == 60


@pytest.mark.parametrize("deed", ["wait", "erase now"])
def test_hidden_data_is_erased_after_seven_days_or_at_once(
    deed: str, alice_client: Client, connection: Connection, other: SandboxServer
) -> None:
    former = connection.holding
    swap(alice_client, connection, other, account="replace")
    assert erase_a_piece() == 0

    if deed == "erase now":
        alice_client.post(f"{connection.get_absolute_url()}former/erase/")
    else:
        Holding.objects.filter(pk=former.pk).update(erase_at=timezone.now() - timedelta(seconds=1))
    while erase_a_piece():
        pass

    assert not Holding.objects.filter(pk=former.pk).exists()
    assert not Record.objects.filter(holding=former.pk).exists()
    assert Holding.objects.filter(connection=connection).exists()
    response = alice_client.post(f"{connection.get_absolute_url()}former/take-back/", follow=True)
    assert "There is no hidden data any more." in text(response)


def test_the_same_account_under_another_host_is_recognised_by_its_contacts(
    alice_client: Client, connection: Connection, settings: Any
) -> None:
    elsewhere = connection.address().replace("127.0.0.1", "localhost")
    settings.ACTIVECAMPAIGN_SANDBOX_ORIGINS = [*settings.ACTIVECAMPAIGN_SANDBOX_ORIGINS, elsewhere]
    before = contacts(connection)

    response = save(alice_client, connection, api_url=elsewhere, api_key=connection.credentials().api_key.reveal())

    assert "Saved. The new credentials work" in text(response)
    assert now(connection).address() == elsewhere
    assert contacts(connection) == before


def test_an_account_of_which_nothing_is_held_yet_is_not_asked_about(
    alice_client: Client, connect: Connect, sandbox: SandboxServer, other: SandboxServer
) -> None:
    connection = connect(sandbox)

    response = swap(alice_client, connection, other)

    assert "Saved. The new credentials work" in text(response)


def test_rows_that_cannot_tell_whose_account_it_is_are_asked_about_too(
    alice_client: Client, connect: Connect, sandbox: SandboxServer, other: SandboxServer
) -> None:
    connection = connect(sandbox)
    pull(connection, only=["tags"])

    response = swap(alice_client, connection, other)

    assert "None of your rows can tell" in error_at(response.content.decode(), "account")


def test_hidden_data_is_for_those_who_manage_the_connection(
    alice_client: Client, bob_client: Client, connection: Connection, other: SandboxServer
) -> None:
    swap(alice_client, connection, other, account="replace")

    assert "The data of before is hidden" in alice_client.get(connection.get_absolute_url()).content.decode()
    assert "The data of before is hidden" not in bob_client.get(connection.get_absolute_url()).content.decode()


def test_taking_data_back_wants_a_recent_login(connection: Connection, other: SandboxServer, alice: Any) -> None:
    swap(client_of(alice), connection, other, account="replace")
    before = [*Connection.objects.values()]

    late = client_of(alice, logged_in_ago=3600)
    response = late.post(f"{connection.get_absolute_url()}former/take-back/")

    assert "/accounts/reauthenticate/" in response["Location"]
    assert [*Connection.objects.values()] == before


def test_a_swap_that_is_killed_at_any_point_shows_rows_of_one_account_alone(
    connection: Connection, other: SandboxServer, start_python: StartCommand, alice_client: Client
) -> None:
    former = {record.external_id for record in connection.records.all()}
    swapping = ("-m", "tests.connections.keeping.killed_swap", str(connection.pk), other.origin, other.api_key)
    whole = start_python(*swapping, "0", RATE_LIMITS="off")
    assert whole.exit_code() == 0, whole.err
    statements = int(whole.out)
    assert statements > 20
    back(connection)

    for point in random.sample(range(1, statements - 8), POINTS):
        assert start_python(*swapping, str(point), RATE_LIMITS="off").exit_code() == -signal.SIGKILL
        held = {record.external_id for record in again(connection).records.all()}
        assert held in (former, set())
        assert sum(again(connection).row_counts.by_stream().values()) == len(held)
        assert Connection.objects.get().holding.erase_at is None
        assert not Record.objects.exclude(holding__in=Holding.objects.all()).exists()  # PostgreSQL does not see to it.
        if not held:
            back(connection)


def back(connection: Connection) -> None:
    """As it was before, its key included."""
    stored = Connection.objects.get()
    parting.take_back(stored, by=connection.created_by)
    stored.refresh_from_db()
    stored.keep_credentials(connection.credentials(), by=connection.created_by)
    stored.set_health(Health.HEALTHY)
    stored.save()
    stored.syncs.active().stop("")
