"""One person's key that serves several connections is replaced in all of them in one step."""

import re
import threading
from collections.abc import Callable
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.fernet import Fernet
from django.db import connections
from django.test import Client

from connections.checking.checking import check
from connections.keeping import editing
from connections.models import Connection, Privacy, Team, User
from connections.models.sync import Trigger
from sources.activecampaign.sandbox.server import SandboxServer
from tests.conftest import PASSWORD, Connect, client_of
from tests.connections.keeping.editing_page import OTHER_KEY, THIRD_KEY, as_shown, let_in, now, save, text
from tests.connections.keeping.standby import key_of, let_in_second, standby_of, with_standby
from tests.connections.stepper.walking import error_at, error_summary

pytestmark = pytest.mark.usefixtures("no_limit")


@pytest.fixture
def main(connect: Connect, sandbox: SandboxServer) -> Connection:
    let_in(sandbox, OTHER_KEY)
    return connect(sandbox)


@pytest.fixture
def reports(connect: Connect, sandbox: SandboxServer) -> Connection:
    return connect(sandbox, name="Reports")


def box(client: Client, connection: Connection) -> tuple[str, str]:
    """The value of the box and the words beside it; empty when there is none."""
    html = client.get(connection.get_absolute_url()).content.decode()
    found = re.search(r'name="also" value="([^"]*)".*?choice-word">(.*?)</span>', html, re.DOTALL)
    return (found[1], unescape(found[2])) if found else ("", "")


def replace_in_all(client: Client, connection: Connection, **changed: object) -> Any:
    ticked = box(client, connection)[0]
    assert ticked
    return save(client, connection, **{"api_key": OTHER_KEY, "also": ticked, **changed})


def verbs_of(connection: Connection) -> list[str]:
    return [event.verb for event in connection.events.all()]


# What is offered --------------------------------------------------------------------------------------------------


def test_the_box_names_what_else_i_manage_with_this_persons_key(
    alice_client: Client, main: Connection, reports: Connection, connect: Connect, sandbox: SandboxServer
) -> None:
    connect(sandbox, name="Archive")
    check(main, by=None)  # Of the others it is only known that they have the same key.

    assert box(alice_client, main)[1] == "Also replace it in: Archive, Reports"
    assert box(alice_client, reports)[1] == "Also replace it in: Archive, Main account"


def test_without_others_there_is_no_box(
    alice_client: Client, main: Connection, connect: Connect, new_sandbox: Callable[..., SandboxServer]
) -> None:
    connect(new_sandbox(), name="Another account")
    connect(api_key=OTHER_KEY, name="Another host")

    assert box(alice_client, main) == ("", "")


def test_another_persons_key_on_the_same_account_is_not_offered(
    alice_client: Client, main: Connection, reports: Connection, sandbox: SandboxServer, alice: User
) -> None:
    let_in_second(sandbox, THIRD_KEY)
    save(alice_client, reports, api_key=THIRD_KEY)
    check(main, by=alice)

    assert box(alice_client, main) == ("", "")


def test_a_key_that_the_same_person_had_before_counts_too(
    alice_client: Client, main: Connection, reports: Connection, alice: User
) -> None:
    check(main, by=alice)
    check(reports, by=alice)
    save(alice_client, reports, api_key=OTHER_KEY)

    assert box(alice_client, main)[1] == "Also replace it in: Reports"


def test_it_is_found_whichever_credential_key_it_lies_under(
    alice_client: Client, main: Connection, connect: Connect, sandbox: SandboxServer, settings: Any
) -> None:
    settings.CREDENTIAL_KEYS = [Fernet.generate_key().decode(), *settings.CREDENTIAL_KEYS]
    connect(sandbox, name="Sealed later")

    assert box(alice_client, main)[1] == "Also replace it in: Sealed later"


def test_what_i_may_not_manage_is_neither_named_nor_counted(
    connect: Connect, main: Connection, sandbox: SandboxServer, alice: User, bob: User, dana: User, growth: Team
) -> None:
    connect(sandbox, name="Bob's own", by=bob, privacy=Privacy.PRIVATE)
    connect(sandbox, name="Bob's draft", by=bob)
    Connection.objects.filter(name="Bob's draft").update(state="draft")
    connect(sandbox, name="Of the team", privacy=Privacy.TEAM, team=growth)
    mine = connect(sandbox, name="Bob's shared", by=bob)

    assert box(client_of(alice), main)[1] == "Also replace it in: Bob's shared, Of the team"
    assert box(client_of(bob), mine)[1] == "Also replace it in: Bob's own"
    assert box(client_of(dana), main)[1] == "Also replace it in: Bob's shared, Of the team"


def test_where_the_key_cannot_be_opened_there_is_no_box(
    alice_client: Client, main: Connection, reports: Connection
) -> None:
    Connection.objects.filter(pk=main.pk).update(api_key="sealed under a key that is gone")

    assert box(alice_client, main) == ("", "")


# Replacing --------------------------------------------------------------------------------------------------------


def test_one_check_replaces_it_everywhere_and_each_has_its_row_in_the_trail(
    alice_client: Client, main: Connection, reports: Connection, sandbox: SandboxServer
) -> None:
    under_way = reports.syncs.queue(reports, trigger=Trigger.SCHEDULE)
    before = now(reports).version

    page = replace_in_all(alice_client, main, name="Main, renamed")

    assert "Also replaced in: Reports." in text(page)
    assert (key_of(main), key_of(reports)) == (OTHER_KEY, OTHER_KEY)
    assert sum(call.path.endswith("users/me") for call in sandbox.requests) == 1
    event = reports.events.get(verb="edited")
    assert (event.changed_words, event.detail, str(event.actor)) == (["API key"], "", "Alice Okafor")
    assert (now(reports).name, now(reports).version) == ("Reports", before + 1)
    under_way.refresh_from_db()
    assert under_way.reason == "The key was replaced during the sync."
    assert {one.syncs.active().get().trigger for one in (main, reports)} == {Trigger.NEW_KEY}


def test_unticked_it_is_replaced_here_alone(
    alice_client: Client, main: Connection, reports: Connection, sandbox: SandboxServer
) -> None:
    save(alice_client, main, api_key=OTHER_KEY)

    assert (key_of(main), key_of(reports)) == (OTHER_KEY, sandbox.api_key)


def test_a_refused_key_replaces_nothing_anywhere(
    alice_client: Client, main: Connection, reports: Connection, sandbox: SandboxServer
) -> None:
    page = replace_in_all(alice_client, main, api_key=THIRD_KEY)

    assert "did not accept this key" in error_at(page.content.decode(), "api_key")
    assert {key_of(main), key_of(reports)} == {sandbox.api_key}
    assert "edited" not in verbs_of(reports)
    assert re.search(r'name="also" value="[^"]+"[^>]* checked', page.content.decode())


def test_those_that_were_broken_are_mended_and_their_standby_keys_stay_or_go_each_by_the_rule(
    alice_client: Client, main: Connection, reports: Connection, sandbox: SandboxServer, alice: User, connect: Connect
) -> None:
    other = connect(sandbox, name="With a standby key")
    with_standby(other, sandbox, by=alice)
    let_in_second(sandbox, THIRD_KEY)
    Connection.objects.filter(pk=reports.pk).update(health="action_needed")

    replace_in_all(alice_client, main)
    assert now(reports).health == "healthy"
    assert standby_of(other)

    replace_in_all(alice_client, main, api_key=THIRD_KEY)
    assert standby_of(other) is None
    assert key_of(other) == THIRD_KEY


# All or nothing ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("deed", ["hidden", "deleted", "one more", "all gone"])
def test_when_others_than_those_that_were_named_have_it_nothing_is_saved(
    dana_client: Client, main: Connection, connect: Connect, sandbox: SandboxServer, bob: User, deed: str
) -> None:
    first, second = (connect(sandbox, name=name, by=bob) for name in ("First", "Second"))
    ticked = box(dana_client, main)[0]
    if deed in ("hidden", "all gone"):
        Connection.objects.filter(pk=first.pk).update(privacy=Privacy.PRIVATE)
    if deed in ("deleted", "all gone"):
        second.remove(by=bob)
    if deed == "one more":
        connect(sandbox, name="Third", by=bob)

    page = save(dana_client, main, api_key=OTHER_KEY, also=ticked)

    assert "Which connections use this key has changed meanwhile" in error_summary(page.content.decode())
    assert deed == "one more" or "First" not in text(page) or deed == "deleted"
    assert {key_of(one) for one in Connection.objects.all()} == {sandbox.api_key}


def test_one_of_them_that_somebody_changed_since_the_page_was_shown_is_looked_at_again(
    alice_client: Client, dana_client: Client, main: Connection, reports: Connection, sandbox: SandboxServer
) -> None:
    ticked = box(dana_client, main)[0]
    save(alice_client, reports, name="Renamed")

    page = save(dana_client, main, api_key=OTHER_KEY, also=ticked)

    assert "has changed meanwhile" in error_at(page.content.decode(), "also")
    assert "Also replace it in: Renamed" in text(page)
    assert {key_of(main), key_of(reports)} == {sandbox.api_key}


@pytest.mark.parametrize("deed", ["rekeyed", "hidden", "deleted"])
def test_what_happens_to_one_of_them_while_the_key_is_tested_saves_nothing_either(
    dana_client: Client,
    main: Connection,
    connect: Connect,
    sandbox: SandboxServer,
    bob: User,
    deed: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = connect(sandbox, name="Other", by=bob)
    let_in(sandbox, THIRD_KEY)
    for one in (main, other):
        check(one, by=None)  # From now on it is known that they are one person's.
    ticked = box(dana_client, main)[0]
    deeds: dict[str, Callable[[], Any]] = {
        "rekeyed": lambda: save(client_of(bob), other, api_key=THIRD_KEY),
        "hidden": lambda: save(client_of(bob), other, privacy="private"),
        "deleted": lambda: other.remove(by=bob),
    }
    ask = editing.ask

    def ask_meanwhile(*args: Any) -> Any:
        proof = ask(*args)
        monkeypatch.setattr(editing, "ask", ask)
        deeds[deed]()
        return proof

    monkeypatch.setattr(editing, "ask", ask_meanwhile)

    page = save(dana_client, main, api_key=OTHER_KEY, also=ticked)

    assert page.status_code == 409
    assert "Nothing was saved. Which connections use this key has changed" in text(page)
    assert key_of(main) == sandbox.api_key
    if deed != "deleted":
        assert key_of(other) == (THIRD_KEY if deed == "rekeyed" else sandbox.api_key)


def test_ids_that_were_never_offered_are_refused(
    dana_client: Client, main: Connection, reports: Connection, connect: Connect, sandbox: SandboxServer, bob: User
) -> None:
    hidden = connect(sandbox, name="Hidden", by=bob, privacy=Privacy.PRIVATE)
    ticked = box(dana_client, main)[0]

    pages = [
        save(dana_client, main, api_key=OTHER_KEY, also=also)
        for also in (f"{hidden.pk}.2", f"{ticked},{hidden.pk}.2", "nonsense", f"{main.pk}.3")
    ]

    assert {OTHER_KEY in page.content.decode() or "Hidden" in text(page) for page in pages} == {False}
    assert {key_of(one) for one in (main, reports, hidden)} == {sandbox.api_key}


def test_an_address_goes_into_one_connection_alone(
    alice_client: Client, main: Connection, reports: Connection, sandbox: SandboxServer, new_sandbox: Any
) -> None:
    other = new_sandbox(api_key=OTHER_KEY)

    page = replace_in_all(alice_client, main, api_url=other.origin)

    assert "Only a key goes into several connections" in error_at(page.content.decode(), "also")
    assert {key_of(main), key_of(reports)} == {sandbox.api_key}


def test_ticked_without_a_key_it_asks_for_one(alice_client: Client, main: Connection, reports: Connection) -> None:
    page = replace_in_all(alice_client, main, api_key="")

    assert "Enter the new key that all of them are to get." in error_at(page.content.decode(), "api_key")


def test_an_old_login_replaces_nothing_and_the_tick_waits_with_all_else_that_was_typed(
    alice: User, main: Connection, reports: Connection, sandbox: SandboxServer
) -> None:
    long_ago = client_of(alice, logged_in_ago=360)
    posted = as_shown(main, api_key=OTHER_KEY, also=box(long_ago, main)[0])

    asked = long_ago.post(main.get_absolute_url(), posted)
    assert {key_of(main), key_of(reports)} == {sandbox.api_key}
    back = parse_qs(urlsplit(asked["Location"]).query)["next"]
    page = long_ago.post("/accounts/reauthenticate/", {"password": PASSWORD, "next": back}, follow=True)

    assert re.search(r'name="also" value="[^"]+"[^>]* checked', page.content.decode())


# At the same time -------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_two_people_who_begin_at_different_ends_leave_one_key_everywhere(
    alice: User,
    dana: User,
    main: Connection,
    reports: Connection,
    sandbox: SandboxServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    let_in(sandbox, THIRD_KEY)
    both_are_proven = threading.Barrier(2)
    statuses: list[int] = []
    ask = editing.ask

    def ask_and_meet(*args: Any) -> Any:
        proof = ask(*args)
        both_are_proven.wait(20)
        return proof

    monkeypatch.setattr(editing, "ask", ask_and_meet)

    def replace(user: User, connection: Connection, key: str) -> None:
        client = client_of(user)
        posted = as_shown(connection, api_key=key, also=box(client, connection)[0])
        statuses.append(client.post(connection.get_absolute_url(), posted).status_code)
        connections.close_all()

    threads = [
        threading.Thread(target=replace, args=(alice, main, OTHER_KEY)),
        threading.Thread(target=replace, args=(dana, reports, THIRD_KEY)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(statuses) == [302, 409]
    assert key_of(main) == key_of(reports)
    assert key_of(main) in (OTHER_KEY, THIRD_KEY)
