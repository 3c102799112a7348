"""Carries a live check on that took longer than the person in front of the page could wait."""

import logging
import threading

from connections.checking.checking import account_of, ask, check, count, note_failure, unreadable_key
from connections.checking.patience import Patience, of_a_worker
from connections.checking.recognising import whose_account
from connections.checking.trying import note_succeeded
from connections.models import Connection, LiveCheck
from connections.models.sync import LeaseLost
from connections.safe.sealing import Unsealable
from connections.syncing.leasing import Interrupted, kept_lease
from sources.errors import SourceError, TooSlow

log = logging.getLogger(__name__)


def carry_on(live_check: LiveCheck, *, stopping: threading.Event) -> None:
    """Work on a claimed check until it has its answer, is not wanted any more, or `stopping` is set."""
    try:
        with kept_lease(live_check) as lease:
            lease.stopping = stopping
            if not is_still_theirs(live_check):
                live_check.delete()
                return
            find_out(live_check, of_a_worker(lease.require))
    except LeaseLost:
        log.info("check given up: nobody waits for it any more")
    except Interrupted:
        live_check.release()


def is_still_theirs(live_check: LiveCheck) -> bool:
    """The rules are asked again now."""
    person, rows = live_check.asked_by, Connection.objects.filter(pk=live_check.connection_id)
    return person.is_active and (rows.drafts_of(person).exists() or rows.visible_to(person).exists())


def find_out(live_check: LiveCheck, patience: Patience) -> None:
    try:
        if live_check.is_of_stored_key:
            test_stored_key(live_check, patience)
        else:
            test_new_key(live_check, patience)
    except Unsealable:
        live_check.fail(unreadable_key())
    except SourceError as failure:
        live_check.fail(failure)


def test_stored_key(live_check: LiveCheck, patience: Patience) -> None:
    connection = live_check.connection
    try:
        check(connection, by=live_check.asked_by, patience=patience)
    except TooSlow as failure:
        note_failure(connection, failure)
        raise
    note_succeeded(connection.account_fingerprint, by=live_check.asked_by)
    live_check.succeed()


def test_new_key(live_check: LiveCheck, patience: Patience) -> None:
    connection, credentials = live_check.connection, live_check.credentials()
    source = connection.known_source()
    if live_check.is_of_standby and not connection.owner:  # Both keys might be one person's.
        check(connection, by=live_check.asked_by, patience=patience)
    proof = ask(source, credentials, patience)
    note_succeeded(account_of(credentials), by=live_check.asked_by)
    if connection.is_draft:
        counted = count(source, credentials, proof.counts, patience.of_a_person)
        live_check.succeed(proof, totals={**counted.totals}, refused={**counted.refused})
        return
    verdict = whose_account(connection, credentials, proof, patience)
    live_check.succeed(proof, is_same=verdict.is_same, evidence=verdict.evidence)
