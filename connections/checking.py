"""Asks a source whether credentials work, and writes down what came of it."""

import logging

from connections.models import Connection, Health, SharedBudget, User
from connections.notices import tell_broken, tell_mended
from connections.sealing import Unsealable, fingerprint
from sources.errors import AccountUnavailable, BadCredentials, NotPermitted, SourceError, TemporarilyDown, WrongAddress
from sources.spec import Credentials, Proof, Source, host_of

log = logging.getLogger(__name__)

FOR_A_PERSON = (BadCredentials, NotPermitted, AccountUnavailable, WrongAddress)
"""What goes away only when somebody does something."""


def ask(source: Source, credentials: Credentials) -> Proof:
    """Check live, before anything that waits in bulk. Raises SourceError."""
    account = fingerprint("account", host_of(credentials.api_url))
    return source.check(credentials, budget=SharedBudget(account=account, rate=source.calls_per_second()))


def check(connection: Connection, *, by: User | None) -> None:
    """Test the stored credentials and keep the outcome as the connection's health. Raises SourceError."""
    try:
        proof = ask(connection.known_source(), connection.credentials())
    except Unsealable:
        note_failure(connection, unreadable_key())
        raise unreadable_key() from None
    except SourceError as failure:
        note_failure(connection, failure)
        connection.record("tested", by=by, detail=f"Failed: {failure}")
        raise
    note_success(connection, proof)
    connection.record("tested", by=by, detail="It works.")


def unreadable_key() -> BadCredentials:
    return BadCredentials("The stored key cannot be read any more. Enter the key again.", code="key_unreadable")


def note_success(connection: Connection, proof: Proof | None = None) -> None:
    """It works; somebody who was told that it did not is told."""
    was_broken = connection.needs_action
    if proof:
        connection.accept_proof(proof)
    else:
        connection.set_health(Health.HEALTHY)
    connection.save_health()
    if was_broken:
        tell_mended(connection)


def note_failure(connection: Connection, failure: SourceError) -> None:
    """A fault that only a person can mend is told once; one that passes is waited for."""
    was_broken = connection.needs_action
    log.warning("check failed", extra={"connection": str(connection.pk), "code": failure.code})
    if isinstance(failure, FOR_A_PERSON):
        connection.set_health(Health.ACTION_NEEDED, str(failure), code=failure.code)
    elif connection.is_verified or not isinstance(failure, TemporarilyDown):
        connection.set_health(Health.WAITING, str(failure), code=failure.code)
    connection.save_health()
    if connection.needs_action and not was_broken:
        connection.record("stopped working", by=None, detail=str(failure))
        tell_broken(connection)
