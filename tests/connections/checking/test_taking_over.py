"""The first key is refused and refused again: the standby key takes over, and the people are told."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from django.utils import timezone

from connections.checking import checking
from connections.checking.checking import check, note_failure, take_over
from connections.checking.patience import of_a_person
from connections.models import Connection, Health, Record, StandbyKey, Sync, User
from connections.models.sync import SyncState, Trigger
from connections.syncing.syncing import run
from sources.activecampaign.client import AT_ONCE
from sources.activecampaign.sandbox.answering.answers import Call
from sources.activecampaign.sandbox.server import SandboxServer
from sources.errors import AccountUnavailable, BadCredentials, NotPermitted, SourceError, TemporarilyDown, WrongAddress
from tests.conftest import Connect
from tests.connections.engine import again, at_page, calls_for, in_a_thread, pull, stored_ids, take_up
from tests.connections.keeping.editing_page import OTHER_KEY, THIRD_KEY, as_shown, let_in, text
from tests.connections.keeping.standby import SECOND_KEY, first_person, key_of, let_in_second, standby_of, with_standby
from tests.connections.post import in_short, mails

# What happens in the middle of a walk is done by another thread, which has to see what this one stored.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_limit", "no_patience")]


@pytest.fixture
def connection(connect: Connect, sandbox: SandboxServer, alice: User, dana: User) -> Connection:
    """With both keys."""
    return again(with_standby(connect(sandbox), sandbox, by=alice))


def subjects() -> list[str]:
    """As Alice reads them."""
    return in_short([message for message in mails() if message.to == ["alice@harbourtea.example"]])


def calls_with(sandbox: SandboxServer, key: str) -> int:
    return sum(call.headers["api-token"] == key for call in sandbox.requests)


def while_asked_with(sandbox: SandboxServer, key: str, action: Callable[[], Any]) -> None:
    """Do it once, while the sandbox is about to answer the first call with that key."""
    left = [action]

    def act(call: Call) -> None:
        if left and call.headers["api-token"] == key:
            left.pop()()
            connections.close_all()

    sandbox.on_call(act)


# It goes on -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", [1, 2, 3])
def test_a_sync_goes_on_from_its_cursors_with_the_standby_key_and_loses_nothing(
    sandbox: SandboxServer, connection: Connection, page: int
) -> None:
    at_page(sandbox, page, lambda: sandbox.revoke(sandbox.api_key))

    sync = pull(connection, only=["contacts"])

    assert (sync.state, sync.reason) == (SyncState.COMPLETE, "")
    assert stored_ids(connection, "contacts") == sandbox.world.ids("contacts")
    contacts = sync.stream_runs.get()
    assert (contacts.read, contacts.new) == (250, 250)
    proofs = 1  # The standby key's own look at the contacts.
    refused = 3 * AT_ONCE  # Each thread's call that was refused is asked again twice, to be sure.
    assert calls_for(sandbox, "contacts") - contacts.pages - proofs <= refused
    assert again(connection).health == Health.HEALTHY
    assert (key_of(connection), again(connection).needs_action) == (SECOND_KEY, False)


def test_all_streams_of_a_sync_are_complete_after_it(sandbox: SandboxServer, connection: Connection) -> None:
    at_page(sandbox, 2, lambda: sandbox.revoke(sandbox.api_key))

    sync = pull(connection)

    assert sync.state == SyncState.COMPLETE
    assert {run.stream for run in sync.stream_runs.all()} == {*connection.stream_keys}


def test_the_next_sync_asks_for_everything_since_another_person_may_see_other_rows(
    sandbox: SandboxServer, connection: Connection
) -> None:
    pull(connection, only=["contacts"])
    assert pull(connection, only=["contacts"]).stream_runs.get().is_changes_only
    sandbox.revoke(sandbox.api_key)
    check(again(connection), by=None)

    assert not pull(again(connection), only=["contacts"]).stream_runs.get().is_changes_only


def test_a_walk_that_one_key_began_and_another_ended_is_repeated_as_a_whole(
    sandbox: SandboxServer, connection: Connection
) -> None:
    at_page(sandbox, 2, lambda: sandbox.revoke(sandbox.api_key))
    pull(connection, only=["contacts"])

    assert not pull(again(connection), only=["contacts"]).stream_runs.get().is_changes_only
    assert pull(again(connection), only=["contacts"]).stream_runs.get().is_changes_only


def test_test_now_lets_it_take_over(alice_client: Client, sandbox: SandboxServer, connection: Connection) -> None:
    sandbox.revoke(sandbox.api_key)
    standby = standby_of(connection)
    assert standby

    page = text(alice_client.post(f"{connection.get_absolute_url()}test/", follow=True))

    assert f"It works: ActiveCampaign answered as {standby.person}. That is another key than before" in page
    assert "Remove the standby key" not in page
    assert (again(connection).health, key_of(connection)) == (Health.HEALTHY, SECOND_KEY)


def test_nothing_is_left_of_the_refused_key_and_the_rest_is_as_it_was_stored(
    sandbox: SandboxServer, connection: Connection, alice: User
) -> None:
    standby, sealed_before = standby_of(connection), connection.api_key
    assert standby
    sandbox.revoke(sandbox.api_key)

    check(connection, by=None)

    after = again(connection)
    assert not StandbyKey.objects.exists()
    assert after.api_key != sealed_before
    assert (after.key_hint, after.key_stored_at, after.key_stored_by) == ("7c6b", standby.stored_at, alice)
    assert (after.person, after.owner) == (standby.person, standby.owner)
    check(after, by=None)  # It is not taken for another account's.
    assert after.health == Health.HEALTHY


# The people are told ----------------------------------------------------------------------------------------------


def test_those_who_would_be_told_of_a_refusal_are_told_once_that_the_standby_key_took_over(
    sandbox: SandboxServer, connection: Connection, settings: Any
) -> None:
    settings.SITE_URL = "https://metrics.example"
    standby = standby_of(connection)
    assert standby
    sandbox.revoke(sandbox.api_key)

    pull(connection, only=["lists"])
    pull(again(connection), only=["lists"])

    (message, to_dana) = mails()
    assert message.subject == "ActiveCampaign: “Main account” goes on with its standby key"
    assert (message.to, to_dana.to) == (["alice@harbourtea.example"], ["dana@harbourtea.example"])
    assert "no longer accepts the first key of the connection “Main account”" in message.body
    assert "The standby key has taken over" in message.body
    assert "There is no standby key any more." in message.body
    assert f"https://metrics.example{connection.get_absolute_url()}#standby-heading" in message.body


def test_the_trail_says_it(alice_client: Client, sandbox: SandboxServer, connection: Connection) -> None:
    standby, first = standby_of(connection), first_person(sandbox)
    assert standby
    sandbox.revoke(sandbox.api_key)

    check(connection, by=None)

    event = connection.events.get(verb="switched to the standby key")
    assert (event.actor, event.detail) == (
        None,
        f"The key of {first} was refused; that of {standby.person} is in use now.",
    )
    activity = text(alice_client.get("/w/harbour-tea/settings/activity/"))
    assert "BlinkMetrics switched to the standby key of Main account . The key of" in activity


def test_a_private_connection_is_told_to_its_owner_alone(
    connect: Connect, sandbox: SandboxServer, alice: User, bob: User
) -> None:
    connection = with_standby(connect(sandbox, by=bob, privacy="private"), sandbox, by=bob)
    sandbox.revoke(sandbox.api_key)

    check(connection, by=None)

    assert mails()[0].to == ["bob@harbourtea.example"]
    assert connection.events.get(verb="switched to the standby key").private_to == bob


# It does not ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["sync", "test"])
def test_when_both_are_refused_a_person_is_needed_and_told_once(
    alice_client: Client, sandbox: SandboxServer, connection: Connection, way: str
) -> None:
    standby = standby_of(connection)
    assert standby
    sandbox.revoke(sandbox.api_key)
    sandbox.revoke(SECOND_KEY)

    for _ in range(2):
        if way == "sync":
            assert pull(again(connection), only=["lists"]).state == SyncState.FAILED
        else:
            alice_client.post(f"{connection.get_absolute_url()}test/")

    after = again(connection)
    assert after.health == Health.ACTION_NEEDED
    assert f"The standby key of {standby.person} does not work either. Enter another key." in after.health_reason
    assert subjects() == ["needs you"]
    assert connection.events.filter(verb="stopped working").count() == 1
    assert (key_of(connection), standby_of(connection)) == (sandbox.api_key, standby)


@pytest.mark.parametrize("kind", [NotPermitted, AccountUnavailable, WrongAddress, TemporarilyDown])
def test_only_a_refusal_of_the_key_lets_it_take_over(
    sandbox: SandboxServer, connection: Connection, kind: type[SourceError], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: Any) -> None:
        raise kind("Not a matter of whose key it is.")

    monkeypatch.setattr(checking, "ask", fail)
    with pytest.raises(kind):
        check(connection, by=None)

    assert (key_of(connection), calls_with(sandbox, SECOND_KEY)) == (sandbox.api_key, 0)


@pytest.mark.parametrize("code", ["another_account", "key_unreadable"])
def test_a_key_of_another_account_or_that_we_cannot_read_was_not_refused(
    sandbox: SandboxServer, connection: Connection, code: str
) -> None:
    assert not take_over(connection, BadCredentials("Look at it.", code=code), of_a_person())
    assert sandbox.requests == []


def test_a_standby_key_that_has_become_somebody_elses_stands_in_for_nobody(
    sandbox: SandboxServer, connection: Connection
) -> None:
    StandbyKey.objects.update(owner="4711")
    sandbox.revoke(sandbox.api_key)

    with pytest.raises(BadCredentials):
        check(connection, by=None)

    assert key_of(connection) == sandbox.api_key


def test_a_standby_key_that_cannot_be_opened_is_no_help(sandbox: SandboxServer, connection: Connection) -> None:
    StandbyKey.objects.update(api_key="sealed under a key that is gone")
    sandbox.revoke(sandbox.api_key)

    with pytest.raises(BadCredentials):
        check(connection, by=None)

    after = again(connection)
    assert (after.health, after.health_code) == (Health.ACTION_NEEDED, "key_refused")
    assert "does not work either" in after.health_reason


def test_while_it_cannot_be_tried_the_sync_waits_and_nobody_is_bothered(
    sandbox: SandboxServer, connection: Connection
) -> None:
    sandbox.revoke(sandbox.api_key)
    while_asked_with(sandbox, SECOND_KEY, lambda: sandbox.fault("contacts", status=503, times=None))

    sync = pull(connection, only=["lists"])

    assert (sync.state, key_of(connection)) == (SyncState.QUEUED, sandbox.api_key)
    assert calls_with(sandbox, SECOND_KEY) == 2
    assert again(connection).health == Health.WAITING
    assert mails() == []
    sandbox.clear_faults()
    assert take_up(sync).state == SyncState.COMPLETE
    assert (key_of(connection), subjects()) == (SECOND_KEY, ["goes on with its standby key"])


def test_a_sync_that_was_stopped_meanwhile_lets_nothing_take_over(
    sandbox: SandboxServer, connection: Connection, alice: User
) -> None:
    def pause_and_refuse() -> None:
        again(connection).pause(by=alice)
        sandbox.revoke(sandbox.api_key)

    at_page(sandbox, 1, pause_and_refuse)

    sync = pull(connection, only=["contacts"])

    assert (sync.state, key_of(connection)) == (SyncState.STOPPED, sandbox.api_key)
    assert (calls_with(sandbox, SECOND_KEY), mails()) == (0, [])


# It mends ---------------------------------------------------------------------------------------------------------


def test_a_broken_connection_is_mended_by_it_with_one_mail_and_becomes_due(
    sandbox: SandboxServer, connection: Connection
) -> None:
    sandbox.revoke(sandbox.api_key)
    note_failure(connection, BadCredentials("Refused while nobody knew of the standby key."))
    assert subjects() == ["needs you"]

    check(connection, by=None)

    assert subjects() == ["needs you", "goes on with its standby key"]
    assert connection in Connection.objects.due()


# At the same time -------------------------------------------------------------------------------------------------


def test_two_workers_at_once_let_it_take_over_once(sandbox: SandboxServer, connection: Connection) -> None:
    sandbox.revoke(sandbox.api_key)
    both_ask = threading.Barrier(2)
    waited: list[int] = []

    def meet(call: Call) -> None:
        if call.headers["api-token"] == SECOND_KEY and call.place == "users/me" and len(waited) < 2:
            waited.append(1)
            both_ask.wait(20)

    sandbox.on_call(meet)
    failures: list[Exception] = []

    def work() -> None:
        try:
            check(again(connection), by=None)
        except Exception as failure:  # Whatever it is, the test has to say it.
            failures.append(failure)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert waited == [1, 1]
    assert (key_of(connection), standby_of(connection)) == (SECOND_KEY, None)
    assert connection.events.filter(verb="switched to the standby key").count() == 1
    assert subjects() == ["goes on with its standby key"]
    assert again(connection).health == Health.HEALTHY


def test_a_test_that_lets_it_take_over_during_a_sync_does_not_stop_the_sync(
    sandbox: SandboxServer, connection: Connection
) -> None:
    def refuse_and_test() -> None:
        sandbox.revoke(sandbox.api_key)
        in_a_thread(lambda: (check(again(connection), by=None), connections.close_all()))

    at_page(sandbox, 2, refuse_and_test)

    sync = pull(connection, only=["contacts"])

    assert sync.state == SyncState.COMPLETE
    assert stored_ids(connection, "contacts") == sandbox.world.ids("contacts")
    assert subjects() == ["goes on with its standby key"]


def test_a_key_that_a_person_puts_in_meanwhile_wins(
    alice_client: Client, sandbox: SandboxServer, connection: Connection
) -> None:
    let_in(sandbox, OTHER_KEY)
    posted = as_shown(connection, api_key=OTHER_KEY)
    sandbox.revoke(sandbox.api_key)
    saved: list[int] = []
    while_asked_with(
        sandbox,
        SECOND_KEY,
        lambda: saved.append(alice_client.post(connection.get_absolute_url(), posted).status_code),
    )

    check(connection, by=None)

    assert saved == [302]
    assert (key_of(connection), again(connection).health) == (OTHER_KEY, Health.HEALTHY)
    standby = standby_of(connection)
    assert standby
    assert standby.credentials().api_key.reveal() == SECOND_KEY
    assert mails() == []


def test_a_key_that_a_person_puts_in_just_after_it_wins_too(
    alice_client: Client, sandbox: SandboxServer, connection: Connection
) -> None:
    let_in(sandbox, OTHER_KEY)
    rendered = as_shown(connection, api_key=OTHER_KEY)
    sandbox.revoke(sandbox.api_key)
    check(connection, by=None)

    answer = alice_client.post(connection.get_absolute_url(), rendered)

    assert answer.status_code == 302
    assert key_of(connection) == OTHER_KEY


def test_a_key_that_is_being_proven_while_the_standby_takes_over_wins_as_well(
    alice_client: Client, sandbox: SandboxServer, connection: Connection
) -> None:
    let_in(sandbox, OTHER_KEY)
    sandbox.revoke(sandbox.api_key)
    while_asked_with(sandbox, OTHER_KEY, lambda: check(again(connection), by=None))

    answer = alice_client.post(connection.get_absolute_url(), as_shown(connection, api_key=OTHER_KEY))

    assert answer.status_code == 302
    assert connection.events.filter(verb="switched to the standby key").exists()
    assert key_of(connection) == OTHER_KEY


@pytest.mark.parametrize("deed", ["remove", "replace", "delete"])
def test_a_standby_key_that_a_person_takes_away_meanwhile_does_not_come_in(
    sandbox: SandboxServer, connection: Connection, alice: User, deed: str
) -> None:
    let_in_second(sandbox, THIRD_KEY)
    deeds: dict[str, Callable[[], Any]] = {
        "remove": lambda: StandbyKey.objects.get().discard(by=alice),
        "replace": lambda: StandbyKey.objects.update(stored_at=timezone.now()),
        "delete": lambda: again(connection).remove(by=alice),
    }
    sandbox.revoke(sandbox.api_key)
    while_asked_with(sandbox, SECOND_KEY, deeds[deed])

    with pytest.raises(BadCredentials):
        check(connection, by=None)

    assert deed == "delete" or key_of(connection) == sandbox.api_key
    assert not any("goes on" in subject for subject in subjects())


def test_a_worker_that_dies_while_it_takes_over_leaves_both_keys_and_the_next_one_goes_on(
    sandbox: SandboxServer, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_page(sandbox, 2, lambda: sandbox.revoke(sandbox.api_key))
    sync = Sync.objects.start(connection, trigger=Trigger.SCHEDULE, only=["contacts"])

    def die(*_args: Any, **_more: Any) -> None:
        raise KeyboardInterrupt  # Nothing of ours catches it.

    with monkeypatch.context() as patch:
        patch.setattr(StandbyKey, "delete", die)
        with pytest.raises(KeyboardInterrupt):
            run(sync)

    assert (key_of(connection), mails()) == (sandbox.api_key, [])
    assert standby_of(connection)
    Sync.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert take_up(again(sync)).state == SyncState.COMPLETE
    assert key_of(connection) == SECOND_KEY
    assert stored_ids(connection, "contacts") == sandbox.world.ids("contacts")
    assert Record.objects.filter(stream="contacts").count() == len(sandbox.world.ids("contacts"))
