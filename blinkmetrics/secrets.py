"""Reads the three kinds of secrets, and says what to do when one is missing or weak."""

from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

MAKE_SECRET_KEY = "python3 -c 'import secrets; print(secrets.token_urlsafe(50))'"  # noqa: S105  a command, not a key
MAKE_CREDENTIAL_KEY = "python3 -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'"
WEAKEST_SECRET_KEY = 50  # Characters; Django's own bar for `check --deploy`.
WEAKEST_TOKEN = 32


def secret_key(given: str, *, debug: bool) -> str:
    if not given:
        raise ImproperlyConfigured(
            f"Set SECRET_KEY (sessions and links are signed with it). Make one: {MAKE_SECRET_KEY}"
        )
    weak = len(given) < WEAKEST_SECRET_KEY or len(set(given)) < 10 or given.startswith("django-insecure")
    if weak and not debug:
        raise ImproperlyConfigured(f"SECRET_KEY is too easy to guess. Make another: {MAKE_SECRET_KEY}")
    return given


def credential_keys(given: list[str], *, secret_key: str) -> list[str]:
    """The keys that seal customers' credentials, newest first."""
    if not given:
        raise ImproperlyConfigured(
            f"Set CREDENTIAL_KEYS (customers' API keys are sealed with them). Make one: {MAKE_CREDENTIAL_KEY}"
        )
    for number, key in enumerate(given, start=1):
        if not is_fernet_key(key) or key == secret_key or len(set(key)) < 10:
            raise ImproperlyConfigured(
                f"Key {number} in CREDENTIAL_KEYS is not usable. Make one: {MAKE_CREDENTIAL_KEY}"
            )
    if len(set(given)) < len(given):
        raise ImproperlyConfigured("CREDENTIAL_KEYS names the same key twice: remove one of the two.")
    return given


def operator_token(given: str, *, debug: bool) -> str:
    if given and not debug and (len(given) < WEAKEST_TOKEN or len(set(given)) < 10):
        raise ImproperlyConfigured(f"OPERATOR_TOKEN is too easy to guess. Make another: {MAKE_SECRET_KEY}")
    return given


def is_fernet_key(text: str) -> bool:
    try:
        Fernet(text)
    except ValueError:
        return False
    return True
