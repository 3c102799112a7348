"""A second user's key beside the first: how it is stored, kept and removed."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from connections.checking.checking import check, note_failure
from connections.keeping import standing_by
from connections.models import Connection, KeyCanary, StandbyKey, User
from connections.operating.housekeeping import keep_house
from connections.operating.rotation import reseal_all, verify_all
from connections.people.leaving import end_membership
from connections.safe.sealing import Unsealable
from sources.activecampaign.sandbox.server import SandboxServer
from sources.errors import BadCredentials
from sources.spec import Credentials, Proof
from tests.conftest import Connect, client_of
from tests.connections.keeping.editing_page import OTHER_KEY, as_shown, let_in, now, save, text
from tests.connections.keeping.standby import (
    FIELD,
    SECOND_KEY,
    first_person,
    key_of,
    let_in_second,
    post,
    standby_of,
    with_standby,
)
from tests.connections.stepper.walking import error_at

pytestmark = pytest.mark.usefixtures("no_limit")


def error(response: Any) -> str:
    return error_at(response.content.decode(), "standby-api_key")


# Storing ----------------------------------------------------------------------------------------------------------


def test_a_second_users_key_is_tested_and_stored_beside_the_first(
    alice_client: Client, connect: Connect, sandbox: SandboxServer, alice: User
) -> None:
    connection, person = connect(sandbox), let_in_second(sandbox)

    page = post(alice_client, connection, follow=True)

    standby = standby_of(connection)
    assert standby
    assert standby.credentials().api_key.reveal() == SECOND_KEY
    assert (standby.person, standby.stored_by) == (person, alice)
    assert key_of(connection) == sandbox.api_key
    assert f"Stored. If the first key is refused, that of {person} takes over." in text(page)
    assert f"A key ending 7c6b of {person} is stored since {timezone.now():%-d %B %Y} by you." in text(page)
    assert f"Alice Okafor stored a standby key. It belongs to {person}." in text(page)
    assert SECOND_KEY not in page.content.decode()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "Enter"),
        ("two words", "The key contains a space"),
        ("0ddba11" * 8, "ActiveCampaign did not accept this key"),
    ],
)
def test_a_key_that_is_no_good_is_said_at_its_field_and_not_kept(
    alice_client: Client, connect: Connect, sandbox: SandboxServer, typed: str, said: str
) -> None:
    connection = connect(sandbox)

    page = post(alice_client, connection, typed)

    assert page.status_code == 200
    assert said in error(page)
    assert "<title>Error: " in page.content.decode()
    assert not typed or typed not in page.content.decode()
    assert f'action="{connection.get_absolute_url()}"' in page.content.decode()  # The edit form leads where it did.
    assert standby_of(connection) is None
    assert now(connection).health == "healthy"


def test_a_key_that_may_not_read_contacts_is_refused(
    alice_client: Client, connect: Connect, sandbox: SandboxServer
) -> None:
    connection, person = connect(sandbox), let_in_second(sandbox, denied=["contacts"])

    page = post(alice_client, connection)

    assert f"belongs to {person}, but that person's permission group may not read contacts" in error(page)
    assert standby_of(connection) is None


@pytest.mark.parametrize("is_known", [True, False])
@pytest.mark.parametrize("is_the_same_key", [True, False])
def test_a_key_of_the_same_person_is_refused_since_both_would_die_together(
    alice_client: Client,
    connect: Connect,
    sandbox: SandboxServer,
    alice: User,
    is_known: bool,
    is_the_same_key: bool,
) -> None:
    connection = connect(sandbox)
    let_in(sandbox, OTHER_KEY)
    if is_known:
        check(connection, by=alice)

    page = post(alice_client, connection, sandbox.api_key if is_the_same_key else OTHER_KEY)

    assert f"belongs to {first_person(sandbox)}, as the first one does: both would die together" in error(page)
    assert standby_of(connection) is None


def test_beside_a_key_that_does_not_work_none_is_stored(
    alice_client: Client, connect: Connect, sandbox: SandboxServer
) -> None:
    connection = connect(sandbox)
    let_in_second(sandbox)
    sandbox.revoke(sandbox.api_key)

    page = post(alice_client, connection)

    assert "The first key has to work before there can be a second one." in error(page)
    sandbox.reset()
    assert "Mend that first" in error(post(alice_client, connection))
    assert sandbox.requests == []
    assert standby_of(connection) is None


def move(connection: Connection) -> None:
    credentials = connection.credentials()
    moved = Credentials(api_url="https://x.api-us1.com", api_key=credentials.api_key)
    connection.keep_credentials(moved, by=None)
    connection.save()


def stop_working(connection: Connection) -> None:
    note_failure(connection, BadCredentials("Refused."))


@pytest.mark.parametrize(
    ("happen", "said"), [(move, "Somebody has changed the API URL meanwhile"), (stop_working, "Mend that first")]
)
def test_what_changes_while_the_key_is_tested_is_looked_at_again(
    alice_client: Client,
    connect: Connect,
    sandbox: SandboxServer,
    monkeypatch: pytest.MonkeyPatch,
    happen: Callable[[Connection], None],
    said: str,
) -> None:
    connection = connect(sandbox)
    let_in_second(sandbox)
    ask = standing_by.ask

    def ask_meanwhile(*args: Any) -> Proof:
        proof = ask(*args)
        happen(now(connection))
        return proof

    monkeypatch.setattr(standing_by, "ask", ask_meanwhile)

    assert said in error(post(alice_client, connection))
    assert standby_of(connection) is None


def test_another_standby_key_takes_the_place_of_the_one_before(
    alice_client: Client, connect: Connect, sandbox: SandboxServer, alice: User
) -> None:
    connection = with_standby(connect(sandbox), sandbox, by=alice)
    let_in_second(sandbox, OTHER_KEY)

    post(alice_client, connection, OTHER_KEY)

    assert StandbyKey.objects.get().credentials().api_key.reveal() == OTHER_KEY


def test_over_the_limit_of_tries_no_call_is_made(
    alice_client: Client, connect: Connect, sandbox: SandboxServer, settings: Any
) -> None:
    settings.CHECKS_PER_PERSON = 0
    connection = connect(sandbox)

    page = post(alice_client, connection)

    assert page.status_code == 429
    assert "Too many tries that failed" in error(page)
    assert sandbox.requests == []


@pytest.mark.parametrize("place", ["standby/", "standby/remove/"])
def test_an_old_login_does_not_do_for_a_standby_key_either(
    connect: Connect, sandbox: SandboxServer, alice: User, place: str
) -> None:
    connection = with_standby(connect(sandbox), sandbox, by=alice)
    long_ago, before = client_of(alice, logged_in_ago=360), StandbyKey.objects.values().get()

    asked = long_ago.post(f"{connection.get_absolute_url()}{place}", {FIELD: OTHER_KEY})

    assert asked["Location"].startswith("/accounts/reauthenticate/?next=")
    assert "Nothing was changed yet" in text(long_ago.get(asked["Location"]))
    assert StandbyKey.objects.values().get() == before
    assert sandbox.requests == []
    kept = [str(session.get_decoded()) for session in Session.objects.all()]
    assert kept
    assert not [one for one in kept if OTHER_KEY in one]
    shown = text(long_ago.get(connection.get_absolute_url()))
    assert "Before you store or remove one, confirm your password" in shown


def test_who_may_use_but_not_manage_learns_nothing_of_a_standby_key(
    bob_client: Client, connect: Connect, sandbox: SandboxServer, alice: User
) -> None:
    connection = with_standby(connect(sandbox), sandbox, by=alice)

    page = bob_client.get(connection.get_absolute_url()).content.decode()

    assert "7c6b" not in page
    assert "tandby" not in page


# Sealed -----------------------------------------------------------------------------------------------------------


def test_neither_key_opens_in_the_column_of_the_other(connect: Connect, sandbox: SandboxServer, alice: User) -> None:
    connection = with_standby(connect(sandbox), sandbox, by=alice)
    first, second = now(connection).api_key, StandbyKey.objects.get().api_key
    Connection.objects.update(api_key=second)
    StandbyKey.objects.update(api_key=first)

    with pytest.raises(Unsealable):
        now(connection).credentials()
    with pytest.raises(Unsealable):
        StandbyKey.objects.get().credentials()


def test_a_standby_key_does_not_open_beside_another_connection_or_for_another_host(
    connect: Connect, sandbox: SandboxServer, new_sandbox: Callable[..., SandboxServer], alice: User
) -> None:
    connection = with_standby(connect(sandbox), sandbox, by=alice)
    other, elsewhere = connect(sandbox, name="Other"), connect(new_sandbox(), name="Elsewhere")
    sealed = StandbyKey.objects.get().api_key

    StandbyKey.objects.update(connection=other)
    with pytest.raises(Unsealable):
        StandbyKey.objects.get().credentials()

    connection.api_url = elsewhere.api_url
    with pytest.raises(Unsealable):
        StandbyKey(connection=connection, api_key=sealed).credentials()


def test_rotation_brings_standby_keys_under_the_newest_credential_key(
    connect: Connect, sandbox: SandboxServer, alice: User, settings: Any
) -> None:
    with_standby(connect(sandbox), sandbox, by=alice)
    newest = Fernet.generate_key().decode()
    settings.CREDENTIAL_KEYS = [newest, *settings.CREDENTIAL_KEYS]
    assert (verify_all().present, verify_all().resealed) == (0, 2)

    count = reseal_all()

    settings.CREDENTIAL_KEYS = [newest]
    assert (count.resealed, count.unreadable) == (2, [])
    assert (verify_all().present, verify_all().resealed) == (2, 0)
    assert StandbyKey.objects.get().credentials().api_key.reveal() == SECOND_KEY


def test_a_credential_key_goes_on_being_asked_for_while_a_standby_key_could_not_be_sealed_anew(
    connect: Connect, sandbox: SandboxServer, alice: User, settings: Any
) -> None:
    connection = with_standby(connect(sandbox), sandbox, by=alice)
    keep_house()
    StandbyKey.objects.update(api_key="moved from elsewhere")
    settings.CREDENTIAL_KEYS = [Fernet.generate_key().decode(), *settings.CREDENTIAL_KEYS]

    count = reseal_all()

    assert count.unreadable == [connection.pk]
    assert StandbyKey.objects.get().api_key == "moved from elsewhere"
    settings.CREDENTIAL_KEYS = settings.CREDENTIAL_KEYS[:1]
    assert KeyCanary.objects.silent()


# Removed ----------------------------------------------------------------------------------------------------------


def test_who_removes_it_leaves_nothing_of_it_but_the_trail(
    alice_client: Client, connect: Connect, sandbox: SandboxServer, alice: User
) -> None:
    connection = with_standby(connect(sandbox), sandbox, by=alice)
    remove = f"{connection.get_absolute_url()}standby/remove/"

    page = alice_client.post(remove, follow=True)

    assert not StandbyKey.objects.exists()
    assert "Alice Okafor removed the standby key" in text(page)
    assert key_of(connection) == sandbox.api_key
    assert "There was no standby key any more." in text(alice_client.post(remove, follow=True))
    assert connection.events.count() == 1


def test_with_another_address_it_goes_and_that_is_said_before(
    alice_client: Client, connect: Connect, sandbox: SandboxServer, new_sandbox: Any, alice: User
) -> None:
    connection = with_standby(connect(sandbox), sandbox, by=alice)
    other = new_sandbox(api_key=OTHER_KEY)

    asked = save(alice_client, connection, api_url=other.origin)
    assert "A change of the API URL removes it." in text(asked)
    assert "The standby key goes with that address." in error_at(asked.content.decode(), "api_key")
    assert standby_of(connection)
    page = save(alice_client, connection, api_url=other.origin, api_key=OTHER_KEY)

    assert standby_of(connection) is None
    assert "There is no standby key any more" in text(page)
    assert "removed the standby key. It was for the API URL before." in text(page)


def test_a_new_first_key_of_the_standbys_person_leaves_no_standby(
    alice_client: Client, connect: Connect, sandbox: SandboxServer, alice: User
) -> None:
    connection = with_standby(connect(sandbox), sandbox, by=alice)
    let_in_second(sandbox, OTHER_KEY)

    page = save(alice_client, connection, api_key=OTHER_KEY)

    assert standby_of(connection) is None
    assert "The new key belongs to the same person." in text(page)


def test_another_edit_leaves_it_alone(
    alice_client: Client, connect: Connect, sandbox: SandboxServer, alice: User
) -> None:
    connection = with_standby(connect(sandbox), sandbox, by=alice)
    let_in(sandbox, OTHER_KEY)

    save(alice_client, connection, name="New name")
    save(alice_client, connection, api_key=OTHER_KEY)

    standby = standby_of(connection)
    assert standby
    assert standby.credentials().api_key.reveal() == SECOND_KEY


def test_it_is_wiped_with_the_first_key_of_somebody_who_has_left(
    connect: Connect, sandbox: SandboxServer, alice: User, bob: User
) -> None:
    with_standby(connect(sandbox, by=bob, privacy="private"), sandbox, by=bob)
    end_membership(bob.memberships.get(), by=alice)
    keep_house()
    assert StandbyKey.objects.exists()

    Connection.objects.update(orphaned_at=timezone.now() - timedelta(days=31))
    keep_house()

    assert not StandbyKey.objects.exists()


def test_it_goes_with_the_connection(connect: Connect, sandbox: SandboxServer, alice: User) -> None:
    with_standby(connect(sandbox), sandbox, by=alice).remove(by=alice)

    assert not StandbyKey.objects.exists()


def test_a_role_lost_while_the_key_was_tested_stores_nothing(
    dana_client: Client, dana: User, connect: Connect, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = connect(sandbox)
    let_in_second(sandbox)
    ask = standing_by.ask

    def ask_while_dana_leaves(*args: Any) -> Proof:
        dana.memberships.update(role="member")
        return ask(*args)

    monkeypatch.setattr(standing_by, "ask", ask_while_dana_leaves)

    assert post(dana_client, connection).status_code == 404
    assert standby_of(connection) is None
    assert as_shown(connection)["api_key"] == ""
