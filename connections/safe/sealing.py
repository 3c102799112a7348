"""Seals texts under CREDENTIAL_KEYS, each bound to the place that it stands in."""

import hashlib
import hmac
import json
from collections.abc import Callable
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.views.decorators.debug import sensitive_variables


class Unsealable(Exception):
    """Sealed under a key that is gone, altered, or moved here from another place: the value has to be entered again."""


@sensitive_variables()
def seal(text: str, *, context: tuple[str, ...]) -> str:
    """Encrypt under the newest key. The same context (who, where, which field) has to be named to open it."""
    return keyring().encrypt(json.dumps([context, text]).encode()).decode()


@sensitive_variables()
def unseal(sealed: str, *, context: tuple[str, ...]) -> str:
    """Raises Unsealable, whatever is wrong; there is no fallback value."""
    try:
        sealed_in, text = json.loads(keyring().decrypt(sealed.encode()))
    except (InvalidToken, TypeError, ValueError) as failure:
        raise Unsealable("This value cannot be opened with the present keys.") from failure
    if sealed_in != list(context):
        raise Unsealable("This value was sealed for another place.")
    return str(text)


def unseal_once(sealed: str, *, context: tuple[str, ...]) -> str:
    """The same for what lists show again and again and is no key: a process remembers it. Raises Unsealable."""
    return opened_by(*settings.CREDENTIAL_KEYS)(sealed, context=context)


def is_sealed_under_newest_key(sealed: str) -> bool:
    try:
        Fernet(settings.CREDENTIAL_KEYS[0]).decrypt(sealed.encode())
    except InvalidToken:
        return False
    return True


def newest_key_name() -> str:
    """Tells keys apart in rows and logs, and tells nothing about them."""
    return fingerprint("name of a key")[:16]


def fingerprint(*parts: str) -> str:
    """A keyed hash, the same for the same parts: compares secrets without opening them."""
    return fingerprints(*parts)[0]


def fingerprints(*parts: str) -> list[str]:
    """The fingerprint under each key, newest first: rows from before a new key still match one of them."""
    message = json.dumps(parts).encode()
    return [hmac.new(fingerprint_key(key), message, hashlib.sha256).hexdigest() for key in settings.CREDENTIAL_KEYS]


def fingerprint_key(credential_key: str) -> bytes:
    # A key of its own: what a fingerprint gives away must not help against what is sealed.
    return hmac.new(credential_key.encode(), b"connections.fingerprint", hashlib.sha256).digest()


def keyring() -> MultiFernet:
    return keyring_of(*settings.CREDENTIAL_KEYS)


@lru_cache(maxsize=1)  # A list of connections opens fifty addresses.
def keyring_of(*keys: str) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


@lru_cache(maxsize=1)  # With other keys nothing is remembered.
def opened_by(*_keys: str) -> Callable[..., str]:
    return lru_cache(maxsize=10_000)(unseal)
