"""Asks a source whether credentials work, and writes down what came of it."""

import logging
from collections.abc import Callable, Mapping

from django.db import transaction
from django.utils import timezone

from connections.checking.notices import tell_broken, tell_late, tell_mended, tell_on_time, tell_taken_over
from connections.checking.patience import Patience, of_a_person
from connections.models import (
    AccountName,
    Connection,
    Full,
    Health,
    KeyCanary,
    SharedBudget,
    StandbyKey,
    StreamHealth,
    StreamRun,
    User,
)
from connections.models.account_name import account_fingerprints
from connections.models.condition import ANOTHER_ACCOUNT
from connections.models.people import in_words
from connections.safe.sealing import Unsealable
from sources.errors import (
    AccountUnavailable,
    BadCredentials,
    NotPermitted,
    SourceError,
    TemporarilyDown,
    TooSlow,
    WrongAddress,
)
from sources.spec import Counted, Credentials, Proof, Source, host_of

log = logging.getLogger(__name__)

FOR_A_PERSON = (BadCredentials, NotPermitted, AccountUnavailable, WrongAddress)
"""What goes away only when somebody does something."""


def account_of(credentials: Credentials) -> str:
    """Whose budget a call with these credentials spends."""
    return account_fingerprints(host_of(credentials.api_url))[0]


def budget_for(source: Source, credentials: Credentials, patience: Patience) -> SharedBudget:
    """Of calls for which somebody waits."""
    return SharedBudget(
        account=account_of(credentials),
        rate=source.calls_per_second(),
        still_wanted=patience.still_wanted,
        gives_up_at=patience.ends_at,
    )


def ask(source: Source, credentials: Credentials, patience: Patience) -> Proof:
    """Check live, before anything that waits in bulk. Raises SourceError."""
    budget = budget_for(source, credentials, patience)
    proof = source.check(credentials, budget=budget, seconds=patience.seconds)
    AccountName.objects.learn(host_of(credentials.api_url), proof.account)
    return proof


def count(source: Source, credentials: Credentials, known: Mapping[str, int], patience: Patience) -> Counted:
    """How many rows the usual streams have that are not known yet, as far as the account says so in time.

    That costs it a call a stream, and two for one that it refuses.
    """
    unknown = [stream for stream in source.default_streams if stream.key not in known]
    if source.count is None or not unknown:
        return Counted()
    budget = budget_for(source, credentials, patience)
    return source.count(credentials, unknown, budget=budget, seconds=patience.seconds)


def check(connection: Connection, *, by: User | None, patience: Patience | None = None) -> None:
    """Test the stored credentials and keep the outcome as the connection's health. Raises SourceError."""
    try:
        proof = prove(connection, patience or of_a_person())
    except Unsealable:
        unreadable = unreadable_key()
        note_failure(connection, unreadable)
        raise unreadable from None
    except TooSlow:
        raise  # Nothing is known yet: whoever has more patience goes on.
    except SourceError as failure:
        if note_failure(connection, failure):
            connection.record("tested", by=by, detail=f"Failed: {failure}"[:300])
        raise
    if note_success(connection, proof):
        connection.record("tested", by=by, detail="It works.")


def prove(connection: Connection, patience: Patience) -> Proof:
    """By the first key, or by the standby key that takes over from it. Raises SourceError and Unsealable."""
    try:
        proof = ask(connection.known_source(), connection.credentials(), patience)
    except BadCredentials as refusal:
        if not take_over(connection, refusal, patience):
            raise
        return prove(connection, patience)
    refuse_another_account(connection, proof)
    return proof


def refuse_another_account(connection: Connection, proof: Proof) -> None:
    """The same key answers for somebody else: its rows must not mix with those that are stored."""
    if connection.was_another(proof):
        connection.stop_syncs("The key answered for a different account than before.")
        raise BadCredentials(
            "This key belongs to a different account than before. If that is meant, enter the key again.",
            code=ANOTHER_ACCOUNT,
        )


def take_over(connection: Connection, refusal: BadCredentials, patience: Patience) -> bool:
    """Let the standby key stand in for one that was refused, if there is one that works.

    Returns whether another key is in place now, whoever put it there: a person may have been quicker. Raises
    SourceError when the standby key could not be tried.
    """
    if refusal.code != BadCredentials.code:
        return False
    refused_key = connection.key_stored_at
    standby = StandbyKey.objects.of(connection)
    proof = prove_standby(standby, patience) if standby else None
    with transaction.atomic():
        if not is_still_there(connection):
            return False
        if connection.key_stored_at != refused_key:
            return True
        if not (standby and proof and standby.is_still_there()):
            return False
        put_in_place(connection, standby, proof)
        tell_taken_over(connection)
    return True


def prove_standby(standby: StandbyKey, patience: Patience) -> Proof | None:
    """None when it does not work either. Raises SourceError when it could not be tried."""
    try:
        proof = ask(standby.connection.known_source(), standby.credentials(), patience)
    except (Unsealable, *FOR_A_PERSON):
        log.warning("the standby key does not work either", extra={"connection": str(standby.pk)})
        return None
    return proof if standby.is_of(proof) else None


def put_in_place(connection: Connection, standby: StandbyKey, proof: Proof) -> None:
    # Not as a change of the key, which would stand in the way of a person who is replacing it at this moment.
    detail = f"The key of {connection.person} was refused; that of {proof.person} is in use now."
    if connection.needs_action:
        connection.become_due()
    standby.take_over(connection, proof)
    connection.record("switched to the standby key", by=None, detail=detail[:300])


def unreadable_key() -> SourceError:
    """Nobody is asked for a key again because of a key of ours: that may be put back, after a restore, say."""
    if KeyCanary.objects.silent():
        log.error("CREDENTIAL_KEYS lacks a key that is in use: manage.py doctor says which.")
        words = "BlinkMetrics cannot open the stored key at the moment. That is ours to mend."
        return TemporarilyDown(words, code="our_key_missing")
    return BadCredentials("The stored key cannot be read any more. Enter the key again.", code="key_unreadable")


def note_success(connection: Connection, proof: Proof | None = None) -> bool:
    """It works; somebody who was told that it did not is told. Returns whether that still concerns the connection."""
    return keep_outcome(connection, lambda row: row.accept_proof(proof) if proof else row.note_working())


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


def note_full(connection: Connection, full: Full) -> bool:
    """No more fits in, which only a person can mend. Returns whether that still concerns the connection."""
    return keep_outcome(connection, lambda row: row.set_health(Health.ACTION_NEEDED, str(full), code=full.code))


def note_streams(connection: Connection, runs: list[StreamRun]) -> bool:
    """What became of streams in a sync; people who were told that some are late are told when the last one is back.

    Returns whether that still concerns the connection.
    """

    def apply(row: Connection) -> None:
        is_back = StreamHealth.objects.note(row, runs)
        row.late_at = row.stream_healths.first_late_at()
        row.save(update_fields=["late_at"])
        if is_back:
            row.record("caught up", by=None)
            tell_on_time(row)

    return keep_outcome(connection, apply)


def notice_late() -> None:
    """Tell people of each stream that is late and that they were not told of. Once, however many workers look."""
    for connection in Connection.objects.late_untold().without_key().select_related("workspace"):
        with transaction.atomic():
            untold = connection.stream_healths.late().filter(told_late_at=None)
            late = [*untold] if is_still_there(connection) else []
            untold.update(told_late_at=timezone.now())
            if late:
                connection.record("fell behind", by=None, detail=f"Late: {in_words([one.name for one in late])}.")
                tell_late(connection, late)
        if late:
            log.warning("streams are late", extra={"connection": str(connection.pk), "streams": len(late)})


def words_for(row: Connection, failure: SourceError) -> str:
    """Of a key that worked before, whose it was says more than where to copy it from."""
    if failure.code != BadCredentials.code or not row.person:
        return str(failure)
    standby = StandbyKey.objects.of(row)
    neither = f" The standby key of {standby.person} does not work either." if standby else ""
    return (
        f"{row.source_name} no longer accepts the key of {row.person}. "
        f"Perhaps that user was deleted, or the key was reset.{neither} Enter another key."
    )


def keep_outcome(connection: Connection, apply: Callable[[Connection], None]) -> bool:
    """Apply an outcome to the row as it is now, and tell people when that broke or mended it."""
    asked_with = connection.key_stored_at  # Not its fingerprint, which is another when keys are sealed anew.
    with transaction.atomic():
        if not is_still_there(connection) or connection.key_stored_at != asked_with:
            return False  # The answer was about a connection that is deleted, or about a key that is replaced.
        was_broken, since = connection.needs_action, connection.health_since
        apply(connection)
        connection.save_health()
        if was_broken and not connection.needs_action:
            connection.become_due()  # What was missed meanwhile is not left to the schedule.
            connection.save(update_fields=["next_sync_at", "late_at"])
            tell_mended(connection, broken_since=since)
        if connection.needs_action and not was_broken:
            connection.record("stopped working", by=None, detail=connection.health_reason)
            tell_broken(connection)
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
