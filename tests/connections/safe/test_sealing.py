"""What is sealed opens in its own place only, and what cannot be opened breaks nothing else."""

import json
import pickle
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import FieldError
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from connections.models import Connection, Membership, User
from connections.safe.sealing import Unsealable, fingerprint, fingerprints, seal, unseal, unseal_once
from sources.activecampaign.sandbox.server import SandboxServer
from sources.spec import Credentials, Secret
from tests.conftest import Connect

KEY = "0123456789abcdef" * 4 + "a1b2c3d4"
PLACE = ("workspace", "row", "api_key", "host")


# The seal ---------------------------------------------------------------------------------------------------------


@given(st.text(max_size=200))
def test_any_text_opens_where_it_was_sealed(text: str) -> None:
    assert unseal(seal(text, context=PLACE), context=PLACE) == text


def test_the_same_text_is_never_sealed_to_the_same_bytes() -> None:
    sealed = [seal(KEY, context=PLACE) for _ in range(20)]

    assert len(set(sealed)) == 20
    assert not any(KEY in one for one in sealed)


@pytest.mark.parametrize("part", range(len(PLACE)))
def test_another_workspace_row_field_or_host_does_not_open_it(part: int) -> None:
    elsewhere = tuple("other" if number == part else name for number, name in enumerate(PLACE))

    with pytest.raises(Unsealable):
        unseal(seal(KEY, context=PLACE), context=elsewhere)


def test_names_that_run_together_are_not_one_place() -> None:
    with pytest.raises(Unsealable):
        unseal(seal(KEY, context=("ab", "c")), context=("a", "bc"))


@pytest.mark.parametrize("broken", ["", "tampered", "gAAAAA", "é", "\x00"])
def test_nonsense_does_not_open(broken: str) -> None:
    with pytest.raises(Unsealable):
        unseal(broken, context=PLACE)


def test_no_altered_letter_goes_unnoticed() -> None:
    sealed = seal(KEY, context=PLACE)

    for place in range(0, len(sealed) - 4, 7):
        altered = sealed[:place] + ("A" if sealed[place] != "A" else "B") + sealed[place + 1 :]
        with pytest.raises(Unsealable):
            unseal(altered, context=PLACE)


@pytest.mark.parametrize("unseal", [unseal, unseal_once])
def test_a_retired_key_still_opens_and_a_missing_one_does_not(settings: Any, unseal: Callable[..., str]) -> None:
    old, new = settings.CREDENTIAL_KEYS[0], Fernet.generate_key().decode()
    sealed = seal(KEY, context=PLACE)

    settings.CREDENTIAL_KEYS = [new, old]
    assert unseal(sealed, context=PLACE) == KEY
    assert Fernet(new).decrypt(seal(KEY, context=PLACE).encode())

    settings.CREDENTIAL_KEYS = [new]
    with pytest.raises(Unsealable):
        unseal(sealed, context=PLACE)
    settings.CREDENTIAL_KEYS = [new, old]
    with pytest.raises(Unsealable):
        unseal(sealed, context=(*PLACE, "elsewhere"))


def test_what_was_sealed_by_other_means_with_our_key_does_not_open(settings: Any) -> None:
    for payload in (b"plain", b"[]", json.dumps("x").encode(), b"[1, 2]", b"[1, 2, 3]", b"null"):
        with pytest.raises(Unsealable):
            unseal(Fernet(settings.CREDENTIAL_KEYS[0]).encrypt(payload).decode(), context=PLACE)


# Fingerprints -----------------------------------------------------------------------------------------------------


def test_fingerprints_are_equal_for_equal_parts_only() -> None:
    assert fingerprint("account", "a") == fingerprint("account", "a")
    assert len({fingerprint("ab", "c"), fingerprint("a", "bc"), fingerprint("abc")}) == 3
    assert KEY not in fingerprint("key", KEY)


def test_a_fingerprint_depends_on_the_credential_key_and_survives_its_retirement(settings: Any) -> None:
    before = fingerprint("account", "host")

    settings.CREDENTIAL_KEYS = [Fernet.generate_key().decode(), *settings.CREDENTIAL_KEYS]

    assert fingerprint("account", "host") != before
    assert before in fingerprints("account", "host")


def test_the_same_account_is_found_over_a_change_of_credential_keys(settings: Any, connect: Connect) -> None:
    old = connect(name="Old")
    settings.CREDENTIAL_KEYS = [Fernet.generate_key().decode(), *settings.CREDENTIAL_KEYS]

    assert [*Connection.objects.same_account(connect(name="New"))] == [old]


def test_one_key_has_another_fingerprint_in_another_workspace_or_on_another_host(
    connect: Connect, charlie: User
) -> None:
    here, host = connect(), connect(api_url="https://elsewhere.api-us1.com")
    elsewhere = Connection(workspace=charlie.memberships.get().workspace)
    elsewhere.keep_credentials(here.credentials(), by=charlie)

    assert len({one.key_fingerprint for one in (here, host, elsewhere)}) == 3


# The row ----------------------------------------------------------------------------------------------------------


def test_neither_address_nor_key_is_in_the_row_in_plain(connect: Connect) -> None:
    connect(api_key=KEY)

    row = str([*Connection.objects.values()])

    assert KEY not in row
    assert "harbourtea.api-us1.com" not in row


@pytest.mark.parametrize("column", ["api_url", "api_key"])
def test_a_token_copied_from_another_row_does_not_open(connect: Connect, column: str) -> None:
    victim, thief = connect(api_key=KEY), connect(api_key="f" * 40)

    Connection.objects.filter(pk=thief.pk).update(**{column: getattr(victim, column)})

    with pytest.raises(Unsealable):
        Connection.objects.get(pk=thief.pk).credentials()


def test_a_token_copied_into_another_column_does_not_open(connect: Connect) -> None:
    connection = connect(api_key=KEY)

    Connection.objects.update(api_url=connection.api_key)

    with pytest.raises(Unsealable):
        Connection.objects.get().address()


def test_a_row_moved_to_another_workspace_does_not_open(connect: Connect, charlie: User) -> None:
    connect()

    Connection.objects.update(workspace=charlie.memberships.get().workspace)

    with pytest.raises(Unsealable):
        Connection.objects.get().credentials()


def test_a_key_does_not_open_for_another_host(connect: Connect) -> None:
    connection = connect(api_key=KEY)
    moved = seal("https://evil.api-us1.com", context=connection.sealing_context("api_url"))

    Connection.objects.update(api_url=moved)

    with pytest.raises(Unsealable):
        Connection.objects.get().credentials()


def test_a_sealed_column_can_be_neither_searched_nor_edited_in_a_form(connect: Connect) -> None:
    connection = connect()

    for column in ("api_url", "api_key", "typed"):
        with pytest.raises(FieldError):
            Connection.objects.filter(**{column: getattr(connection, column)}).exists()
        with pytest.raises(FieldError):
            Connection.objects.filter(**{f"{column}__startswith": "g"}).exists()
        assert Connection._meta.get_field(column).formfield() is None


# When the credential keys are gone --------------------------------------------------------------------------------


@pytest.fixture
def lost_keys(settings: Any, connect: Connect) -> Connection:
    """A connection from before the credential keys were lost, beside one from after."""
    connection = connect(name="Before")
    settings.CREDENTIAL_KEYS = [Fernet.generate_key().decode()]
    connect(name="After")
    return connection


def test_without_the_key_every_page_still_answers_and_asks_for_it_again(
    alice_client: Client, lost_keys: Connection
) -> None:
    detail = lost_keys.get_absolute_url()

    for page in ("", "progress/", "syncs/", "data/", "data/contacts/", "delete/"):
        assert alice_client.get(f"{detail}{page}").status_code == 200
    for button in ("pause", "resume", "sync"):
        assert alice_client.post(f"{detail}{button}/", follow=True).status_code == 200
    tested = alice_client.post(f"{detail}test/", follow=True)
    assert "Enter the key again" in tested.content.decode()
    lists = alice_client.get("/w/harbour-tea/connections/").content.decode()
    assert "Before" in lists
    assert "After" in lists


def test_without_the_key_a_new_address_and_key_mend_the_connection(
    alice_client: Client, lost_keys: Connection, sandbox: SandboxServer
) -> None:
    typed = {"api_url": sandbox.origin, "api_key": sandbox.api_key, "name": "Mended", "privacy": "workspace"}

    response = alice_client.post(lost_keys.get_absolute_url(), {**typed, "version": lost_keys.version})

    assert response.status_code == 302
    mended = Connection.objects.get(pk=lost_keys.pk)
    assert mended.credentials() == Credentials(api_url=sandbox.origin, api_key=Secret(sandbox.api_key))
    assert mended.health == "healthy"


def test_without_the_key_an_edit_asks_for_it_and_changes_nothing(alice_client: Client, lost_keys: Connection) -> None:
    typed = {"api_url": "https://harbourtea.api-us1.com", "api_key": "", "name": "New", "privacy": "private"}

    response = alice_client.post(lost_keys.get_absolute_url(), {**typed, "version": lost_keys.version})

    assert 'id="id_api_key_error"' in response.content.decode()
    assert Connection.objects.get(pk=lost_keys.pk).name == "Before"


def test_without_the_key_who_leaves_and_what_is_deleted_is_no_trouble(
    alice_client: Client, dana_client: Client, lost_keys: Connection, bob: User, connect: Connect
) -> None:
    Connection.objects.filter(pk=lost_keys.pk).update(created_by=bob, privacy="private")
    membership = Membership.objects.get(user=bob)

    dana_client.post(f"/w/harbour-tea/settings/members/{membership.pk}/remove/")
    dana_client.post(f"/w/harbour-tea/settings/members/left/{bob.pk}/delete/")

    assert not Connection.objects.filter(pk=lost_keys.pk).exists()


# The Secret -------------------------------------------------------------------------------------------------------


def test_a_secret_prints_as_nothing() -> None:
    secret = Secret(KEY)
    credentials = Credentials(api_url="https://x.api-us1.com", api_key=secret)

    for shown in (
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret!r}",
        repr(credentials),
        str([secret]),
    ):
        assert KEY not in shown
        assert KEY[-4:] not in shown


def test_a_secret_cannot_be_pickled_hashed_or_put_into_json() -> None:
    for leak in (pickle.dumps, hash, json.dumps):
        with pytest.raises(TypeError):
            leak(Secret(KEY))


def test_secrets_compare_by_what_they_hold() -> None:
    assert Secret(KEY) == Secret(KEY)
    assert Secret(KEY) != Secret(KEY[:-1])
    assert Secret(KEY) != KEY
    assert not Secret("")


def test_an_unknown_row_has_no_credentials() -> None:
    with pytest.raises(Unsealable):
        Connection(pk=uuid4()).credentials()
