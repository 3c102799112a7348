"""Address and key of a form beside the stored ones: what is tried, what is kept, and what is asked for again."""

from contextlib import suppress
from datetime import datetime
from typing import Any

from django.http import QueryDict
from django.views.decorators.debug import sensitive_variables

from connections.forms.fields import holds_key
from connections.models import Connection, StandbyKey, User
from connections.safe.sealing import Unsealable
from sources.errors import SourceError
from sources.spec import Credentials

UNREADABLE_KEY = "The stored key cannot be read any more. Enter the key again."
KEY_OF_ANOTHER_ADDRESS = "Enter the key again: the address has changed since it was stored."


class KeyOfAnotherAddress(SourceError):
    """The stored key is for another address than the one that was typed: it must not be sent there."""

    field = "api_key"
    code = "key_of_another_address"


def typed_into(posted: QueryDict) -> dict[str, str]:
    """What of a set-up may be kept before it is complete: everything but the key, in whatever field it was put."""
    typed = {field: posted.get(field, "")[:2000] for field in ("api_url", "name", "privacy", "team")}
    return {field: "" if holds_key(text) else text for field, text in typed.items()}


@sensitive_variables()
def stored_keys(connection: Connection) -> list[str]:
    """To compare with: those that there are and that can be opened."""
    holders: list[Connection | StandbyKey | None] = [connection, StandbyKey.objects.of(connection)]
    keys = []
    for holder in holders:
        if holder and holder.api_key:
            with suppress(Unsealable):
                keys.append(holder.credentials().api_key.reveal())
    return keys


def needs_key_again(cleaned: dict[str, Any], connection: Connection) -> bool:
    return connection.has_key and not cleaned.get("api_key") and address_differs(cleaned, connection)


def address_differs(cleaned: dict[str, Any], connection: Connection) -> bool:
    try:
        return "api_url" in cleaned and bool(connection.api_url) and cleaned["api_url"] != connection.address()
    except Unsealable:
        return True


@sensitive_variables()
def chosen_credentials(cleaned: dict[str, Any], connection: Connection) -> Credentials:
    """What was typed, or the stored pair. Raises Unsealable, and KeyOfAnotherAddress."""
    if cleaned.get("api_key"):
        return Credentials(api_url=cleaned["api_url"], api_key=cleaned["api_key"])
    stored = connection.credentials()
    # Cleaning has looked already, but the row may have been brought up to date since: another tab was quicker.
    if stored.api_url != cleaned["api_url"]:
        raise KeyOfAnotherAddress(KEY_OF_ANOTHER_ADDRESS)
    return stored


def key_hint(connection: Connection, *, viewer: User) -> str:
    """“A key ending 1a2b is stored since 3 May by Ana”, for those who manage the connection."""
    if not connection.has_key or not connection.key_stored_at:
        return ""
    since, by = connection.key_stored_at, connection.key_stored_by
    return f"{stored_words(connection.key_hint, since=since, by=by, viewer=viewer)} Leave this blank to keep it."


def stored_words(hint: str, *, since: datetime, by: User | None, viewer: User, whose: str = "") -> str:
    ending, owner = f" ending {hint}" if hint else "", f" of {whose}" if whose else ""
    who = "you" if by == viewer else str(by or "a former member")
    return f"A key{ending}{owner} is stored since {since:%-d %B %Y} by {who}."
