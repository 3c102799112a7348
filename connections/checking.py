"""Asks a source whether credentials work, and writes down what came of it."""

import logging
from collections.abc import Callable

from django.db import transaction
from django.utils import timezone

from connections.models import Connection, Health, SharedBudget, User
from connections.models.connection import ANOTHER_ACCOUNT
from connections.notices import tell_broken, tell_mended
from connections.sealing import Unsealable, fingerprint
from sources.errors import AccountUnavailable, BadCredentials, NotPermitted, SourceError, WrongAddress
from sources.spec import Credentials, Proof, Source, host_of

log = logging.getLogger(__name__)

FOR_A_PERSON = (BadCredentials, NotPermitted, AccountUnavailable, WrongAddress)
"""What goes away only when somebody does something."""


def account_of(credentials: Credentials) -> str:
    """Whose budget a call with these credentials spends."""
    return fingerprint("account", host_of(credentials.api_url))


def ask(source: Source, credentials: Credentials) -> Proof:
    """Check live, before anything that waits in bulk. Raises SourceError."""
    budget = SharedBudget(account=account_of(credentials), rate=source.calls_per_second())
    return source.check(credentials, budget=budget)


def check(connection: Connection, *, by: User | None) -> None:
    """Test the stored credentials and keep the outcome as the connection's health. Raises SourceError."""
    try:
        proof = ask(connection.known_source(), connection.credentials())
        refuse_another_account(connection, proof)
    except Unsealable:
        note_failure(connection, unreadable_key())
        raise unreadable_key() from None
    except SourceError as failure:
        if note_failure(connection, failure):
            connection.record("tested", by=by, detail=f"Failed: {failure}"[:300])
        raise
    if note_success(connection, proof):
        connection.record("tested", by=by, detail="It works.")


def refuse_another_account(connection: Connection, proof: Proof) -> None:
    """The same key answers for somebody else: its rows must not mix with those that are stored."""
    if connection.was_another(proof):
        connection.stop_syncs("The key answered for a different account than before.")
        raise BadCredentials(
            "This key belongs to a different account than before. If that is meant, enter the key again.",
            code=ANOTHER_ACCOUNT,
        )


def unreadable_key() -> BadCredentials:
    return BadCredentials("The stored key cannot be read any more. Enter the key again.", code="key_unreadable")


def note_success(connection: Connection, proof: Proof | None = None) -> bool:
    """It works; somebody who was told that it did not is told. Returns whether that still concerns the connection."""
    return keep_outcome(connection, lambda row: row.accept_proof(proof) if proof else row.set_health(Health.HEALTHY))


def note_failure(connection: Connection, failure: SourceError) -> bool:
    """A fault that only a person can mend is told once; one that passes is waited for, and mends nothing either.

    Returns whether that still concerns the connection.
    """
    log.warning("the account could not be used", extra={"connection": str(connection.pk), "code": failure.code})

    def apply(row: Connection) -> None:
        row.checked_at = timezone.now()
        if isinstance(failure, FOR_A_PERSON):
            row.set_health(Health.ACTION_NEEDED, words_for(row, failure), code=failure.code)
        elif not row.needs_action:
            passing = Health.WAITING if row.is_verified else Health.NOT_VERIFIED
            row.set_health(passing, str(failure), code=failure.code)

    return keep_outcome(connection, apply)


def words_for(row: Connection, failure: SourceError) -> str:
    """Of a key that worked before, whose it was says more than where to copy it from."""
    if failure.code != BadCredentials.code or not row.person:
        return str(failure)
    return (
        f"{row.source_name} no longer accepts the key of {row.person}. "
        "Perhaps that user was deleted, or the key was reset. Enter another key."
    )


def keep_outcome(connection: Connection, apply: Callable[[Connection], None]) -> bool:
    """Apply an outcome to the row as it is now, and tell people when that broke or mended it."""
    asked_with = connection.key_stored_at  # Not its fingerprint, which is another when keys are sealed anew.
    with transaction.atomic():
        if not is_still_there(connection) or connection.key_stored_at != asked_with:
            return False  # The answer was about a connection that is deleted, or about a key that is replaced.
        was_broken = connection.needs_action
        apply(connection)
        connection.save_health()
        if was_broken and not connection.needs_action:
            connection.become_due()  # What was missed meanwhile is not left to the schedule.
            connection.save(update_fields=["next_sync_at", "late_at"])
        if connection.needs_action and not was_broken:
            connection.record("stopped working", by=None, detail=connection.health_reason)
    if connection.needs_action and not was_broken:
        tell_broken(connection)
    elif was_broken and not connection.needs_action:
        tell_mended(connection)
    return True


def is_still_there(connection: Connection) -> bool:
    """Reads the row anew and locks it."""
    # Not its key: a sync that is storing a page refers to this row, and holds what we may want next.
    locked = Connection.objects.select_for_update(no_key=True)
    try:
        connection.refresh_from_db(from_queryset=locked)
    except Connection.DoesNotExist:
        return False
    return True
