"""What a row keeps of an address and a key, and how it is brought under a newer credential key."""

from typing import Any
from unittest.mock import ANY

import pytest
from cryptography.fernet import Fernet
from django.utils import timezone

from connections.models import Connection, User
from connections.safe.sealing import Unsealable, fingerprint, is_sealed_under_newest_key, newest_key_name, seal, unseal
from sources.spec import Credentials, Secret
from tests.conftest import Connect

HOST = "harbourtea.api-us1.com"
KEY = "0123456789abcdef" * 4 + "a1b2c3d4"


def credentials(api_key: str = KEY, host: str = HOST) -> Credentials:
    return Credentials(api_url=f"https://{host}", api_key=Secret(api_key))


def test_a_row_knows_what_it_was_given_when_and_by_whom(connect: Connect, bob: User) -> None:
    row, began = connect(), timezone.now()

    row.keep_credentials(credentials(host="other.api-us1.com"), by=bob)

    assert row.credentials() == credentials(host="other.api-us1.com")
    assert (row.address(), row.host) == ("https://other.api-us1.com", "other.api-us1.com")
    assert row.has_key
    assert row.is_readable
    assert row.key_stored_by == bob
    assert began <= row.key_stored_at <= timezone.now()


def test_fingerprints_are_of_the_account_and_of_the_key_in_its_workspace_on_its_host(connect: Connect) -> None:
    row = connect(api_key=KEY)

    assert row.account_fingerprint == fingerprint("account", HOST)
    assert row.key_fingerprint == fingerprint("key", str(row.workspace_id), HOST, KEY)


@pytest.mark.parametrize(("length", "hint"), [(31, ""), (32, "wxyz"), (33, "wxyz")])
def test_the_last_letters_are_kept_of_long_keys_alone(connect: Connect, length: int, hint: str) -> None:
    row = connect()

    row.keep_credentials(credentials("k" * (length - 4) + "wxyz"), by=None)

    assert row.key_hint == hint


def test_nothing_of_a_key_is_left_when_it_is_forgotten(connect: Connect) -> None:
    row = connect()

    row.forget_key()
    row.save()

    row.refresh_from_db()
    assert [row.api_key, row.key_fingerprint, row.key_hint] == ["", "", ""]
    assert [row.key_stored_at, row.key_stored_by] == [None, None]
    assert not row.has_key
    assert not row.is_readable
    assert row.host == HOST


def test_a_sealed_text_opens_with_its_place_alone(connect: Connect) -> None:
    row = connect(api_key=KEY)
    place = (str(row.workspace_id), str(row.pk))

    assert unseal(row.api_url, context=(*place, "api_url")) == f"https://{HOST}"
    assert unseal(row.api_key, context=(*place, "api_key", HOST)) == KEY


def test_what_cannot_be_opened_has_no_host_and_is_not_readable(connect: Connect) -> None:
    row = connect()
    row.api_url = "broken"

    assert row.host == ""
    assert not row.is_readable


AGES_AGO = (
    "gAAAAABlU_EAAAAAAAAAAAAAAAAAAAAAACxVv9Q0Luq0tBThR0eBWneYg-MkgiDT9i0KH-rusnghg7qZuYIukEx6TtnEWvRi"
    "YZs3uAHhFP99fKoTXXjXBpPipGblZ-5Ls-DQGnf1LBBOjeJoV_wJhRtxd5jOcPzieQ=="
)


def test_what_was_sealed_and_fingerprinted_by_an_earlier_version_is_still_known(settings: Any) -> None:
    settings.CREDENTIAL_KEYS = ["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="]

    assert unseal(AGES_AGO, context=("w", "r", "api_key", "h")) == "a key, sealed long ago"
    assert fingerprint("account", HOST) == "a86333d29dc45df8b404bda68a69934d78675807150e98c5128b130d2e09a451"


def test_a_credential_key_has_a_name_that_tells_nothing_of_it(settings: Any) -> None:
    first = newest_key_name()
    settings.CREDENTIAL_KEYS = [Fernet.generate_key().decode()]

    assert len(first) == len(newest_key_name()) == 16
    assert first != newest_key_name() == fingerprint("name of a key")[:16]


# Under a newer key ------------------------------------------------------------------------------------------------


@pytest.fixture
def aged(settings: Any, connect: Connect) -> Connection:
    """A connection from before the newest credential key."""
    row = connect(api_key=KEY)
    row.typed = seal("{}", context=row.sealing_context("typed"))
    settings.CREDENTIAL_KEYS = [Fernet.generate_key().decode(), *settings.CREDENTIAL_KEYS]
    return row


def test_all_of_a_row_is_brought_under_the_newest_key(aged: Connection, settings: Any) -> None:
    assert not is_sealed_under_newest_key(aged.api_key)

    aged.seal_anew()
    aged.save()

    settings.CREDENTIAL_KEYS = settings.CREDENTIAL_KEYS[:1]
    row = Connection.objects.get(pk=aged.pk)
    row.open_all()
    assert row.credentials() == credentials()
    assert all(is_sealed_under_newest_key(sealed) for sealed in (row.api_url, row.api_key, row.typed))
    assert row.account_fingerprint == fingerprint("account", HOST)
    assert row.key_fingerprint == fingerprint("key", str(row.workspace_id), HOST, KEY)
    assert (row.key_hint, row.key_stored_at, row.key_stored_by) == ("c3d4", ANY, row.created_by)


def test_a_row_without_a_key_is_brought_under_the_newest_one_too(aged: Connection, settings: Any) -> None:
    aged.forget_key()

    aged.seal_anew()

    settings.CREDENTIAL_KEYS = settings.CREDENTIAL_KEYS[:1]
    assert aged.host == HOST
    assert not aged.has_key
    assert aged.key_fingerprint == ""


def test_a_row_without_anything_stays_without_it(aged: Connection) -> None:
    aged.forget_key()
    aged.api_url = aged.account_fingerprint = ""

    aged.seal_anew()

    assert [aged.api_url, aged.api_key, aged.account_fingerprint, aged.key_fingerprint] == ["", "", "", ""]


@pytest.mark.parametrize("column", ["api_url", "api_key", "typed"])
def test_what_cannot_be_opened_is_said_and_nothing_is_made_of_it(aged: Connection, column: str) -> None:
    setattr(aged, column, "broken")

    with pytest.raises(Unsealable):
        aged.open_all()
    with pytest.raises(Unsealable):
        aged.seal_anew()

    assert getattr(aged, column) == "broken"


@pytest.mark.parametrize("column", ["api_url", "api_key", "typed"])
def test_what_is_empty_need_not_be_opened(aged: Connection, column: str) -> None:
    setattr(aged, column, "")
    if column == "api_url":
        aged.api_key = ""

    aged.open_all()
