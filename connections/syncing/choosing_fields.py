"""Saves what of a stream's rows is left out or hashed, and has what is there written anew by it."""

from collections.abc import Mapping

from django.db import transaction
from django.db.models import Q

from connections.access.access import present_row
from connections.frame.reading import labels_of
from connections.models import Connection, RowCount, Sync, User
from connections.models.field_rules import Rule, must_be_read_again
from connections.models.person_erasure import release_syncs
from connections.models.sync import AlreadyActive, Trigger
from sources.spec import Stream

DONE_WORDS = {Rule.KEEP: "kept", Rule.LEAVE_OUT: "left out", Rule.HASH: "hashed"}


@transaction.atomic
def save_rules(connection: Connection, stream: Stream, chosen: Mapping[str, str], *, by: User) -> Connection | None:
    """`chosen` says of the fields that were shown what is done with each. Returns the row, if that is anything new.

    Raises Http404 when the person may no longer change the connection.
    """
    row = present_row(connection, by=by)
    before = row.rules_of(stream)
    row.field_rules = {**row.field_rules, stream.key: {**row.field_rules.get(stream.key, {}), **chosen}}
    after = row.rules_of(stream)
    if before == after:
        return None
    row.save(update_fields=["field_rules"])
    row.record("changed what is left out", by=by, detail=in_words(stream, before, after)[:300])
    # First its syncs: one that stores holds its own row, and wants the counts next.
    release_syncs(Sync.objects.filter(connection=row))
    held = Q(holding__connection=row) | Q(holding__parted_from=row)
    RowCount.objects.filter(held, stream=stream.key).rule_anew()
    return row


def read_what_is_missing(connection: Connection, stream: Stream, before: Mapping[str, str], *, by: User) -> str:
    """What is wanted now and nobody has any more comes with all of the stream's rows. Returns what to tell of that."""
    if not must_be_read_again(before, connection.rules_of(stream)):
        return ""
    try:
        connection.syncs.queue(connection, trigger=Trigger.PERSON, by=by, full=True, only=[stream.key])
    except AlreadyActive:
        return f" What was left out before comes once all of it is read: press Read again beside {stream.name}."
    return " What was left out before is read again."


def in_words(stream: Stream, before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """“Contacts: IP address kept, E-mail hashed.”"""
    changed = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    told = (
        f"{label} {DONE_WORDS[Rule(after.get(name, Rule.KEEP))]}" for name, label in labels_of(stream, changed).items()
    )
    return f"{stream.name}: {', '.join(told)}."
