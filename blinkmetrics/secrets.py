"""The three kinds of secrets: what is wrong with those that are given, and what to do about it."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet

MAKE_SECRET_KEY = "python3 -c 'import secrets; print(secrets.token_urlsafe(50))'"  # noqa: S105  a command, not a key
MAKE_CREDENTIAL_KEY = "python3 -c 'import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())'"
WEAKEST_SECRET_KEY = 50  # Characters; Django's own bar for `check --deploy`.
WEAKEST_TOKEN = 32


def credential_keys(given: Mapping[str, Any]) -> list[str]:
    """The keys that seal customers' credentials, newest first."""
    if not given["CREDENTIAL_KEYS_FILE"]:
        return [*given["CREDENTIAL_KEYS"]]
    text = Path(given["CREDENTIAL_KEYS_FILE"]).read_text(errors="replace")
    return [key for key in re.split(r"[\s,]+", text) if key]


def wrong_secrets(given: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for each that is missing or weak. What is easy to guess does with DEBUG on."""
    secret_key, token, debug = given["SECRET_KEY"], given["OPERATOR_TOKEN"], given["DEBUG"]
    if not secret_key:
        yield f"Set SECRET_KEY (sessions and links are signed with it). Make one: {MAKE_SECRET_KEY}"
    elif not debug and (is_guessable(secret_key, WEAKEST_SECRET_KEY) or secret_key.startswith("django-insecure")):
        yield f"SECRET_KEY is too easy to guess. Make another: {MAKE_SECRET_KEY}"
    if token and not debug and is_guessable(token, WEAKEST_TOKEN):
        yield f"OPERATOR_TOKEN is too easy to guess. Make another: {MAKE_SECRET_KEY}"
    yield from wrong_credential_keys(given)


def wrong_credential_keys(given: Mapping[str, Any]) -> Iterator[str]:
    if given["CREDENTIAL_KEYS"] and given["CREDENTIAL_KEYS_FILE"]:
        yield "Both CREDENTIAL_KEYS and CREDENTIAL_KEYS_FILE are set: put all keys into one, and remove the other."
        return
    name = "CREDENTIAL_KEYS_FILE" if given["CREDENTIAL_KEYS_FILE"] else "CREDENTIAL_KEYS"
    keys = credential_keys(given)
    if not keys:
        yield f"Set {name} (customers' API keys are sealed with what it holds). Make a key: {MAKE_CREDENTIAL_KEY}"
    for number, key in enumerate(keys, start=1):
        if not is_fernet_key(key) or key == given["SECRET_KEY"] or len(set(key)) < 10:
            yield f"Key {number} in {name} is not usable. Make one: {MAKE_CREDENTIAL_KEY}"
    if len(set(keys)) < len(keys):
        yield f"{name} names the same key twice: remove one of the two."


def is_guessable(secret: str, shortest: int) -> bool:
    return len(secret) < shortest or len(set(secret)) < 10


def is_fernet_key(text: str) -> bool:
    try:
        Fernet(text)
    except ValueError:
        return False
    return True
