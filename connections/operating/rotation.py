"""Brings every sealed text under the newest of CREDENTIAL_KEYS, while people go on working."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.db.models import QuerySet

from connections.access import second_factor
from connections.models import (
    AccountName,
    Connection,
    ErasureKey,
    Holding,
    KeyCanary,
    LiveCheck,
    PersonErasure,
    StandbyKey,
)
from connections.models.person_erasure import ErasureState
from connections.safe.sealing import Unsealable, is_sealed_under_newest_key

BATCH = 25  # Rows that are locked together; an edit of one of them waits for some hundredths of a second.
SEALED = ("api_url", "api_key", "typed")
FINGERPRINTS = ("account_fingerprint", "key_fingerprint")
SEALED_IN = {
    Connection: SEALED,
    StandbyKey: ("api_key",),
    Holding: ("api_url",),
    AccountName: ("host", "own_name"),
    LiveCheck: ("api_url", "api_key", "posted", "outcome"),
    ErasureKey: ("key",),
    PersonErasure: ("needles",),
}
WRITTEN = {
    **SEALED_IN,
    Connection: (*SEALED, *FINGERPRINTS),
    AccountName: (*SEALED_IN[AccountName], "host_fingerprint"),
    LiveCheck: (*SEALED_IN[LiveCheck], *FINGERPRINTS),
}

# What was hidden, the other names of accounts, checks that go on, and what keeps erased people out.
OTHERS: tuple[Callable[[], QuerySet[Any]], ...] = (
    lambda: Holding.objects.exclude(parted_at=None),
    lambda: AccountName.objects.all(),
    lambda: LiveCheck.objects.all(),
    lambda: ErasureKey.objects.all(),
    lambda: PersonErasure.objects.exclude(state=ErasureState.ERASED),
)
OfOthers = Holding | AccountName | LiveCheck | ErasureKey | PersonErasure
Sealed = Connection | StandbyKey | OfOthers


@dataclass
class Count:
    """What became of the rows: under the newest key already, brought under it now, not to be opened."""

    present: int = 0
    resealed: int = 0
    unreadable: list[UUID] = field(default_factory=list)
    others: int = 0
    """Hidden data, other names of accounts, checks, and what keeps erased people out, that cannot be opened."""
    locked_out: list[str] = field(default_factory=list)
    """The people whose second step of the login cannot be opened."""

    @property
    def is_whole(self) -> bool:
        return not self.unreadable and not self.others and not self.locked_out


def reseal_all(*, give_up: bool = False) -> Count:
    """Reseal what is under an older key. May be stopped at any moment and run again.

    `give_up`: keys of what cannot be opened are asked for no more, and people are asked for theirs again.
    """
    count = Count()
    for ids in batches(Connection.objects.all()):
        with transaction.atomic():
            for row in Connection.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk"):
                reseal(row, count)
            for standby in standby_keys(ids):
                reseal(standby, count)
    for others in OTHERS:
        for ids in batches(others()):
            with transaction.atomic():
                for other in others().select_for_update(no_key=True).filter(pk__in=ids).order_by("pk"):
                    reseal(other, count)
    for ids in batches(Authenticator.objects.all()):
        with transaction.atomic():
            for factor in Authenticator.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk"):
                if note_second_factor(factor, count):
                    second_factor.reseal(factor)
    if count.is_whole or give_up:
        KeyCanary.objects.leave_newest()
    return count


def verify_all() -> Count:
    """Open everything and change nothing; `resealed` then counts what is still under an older key."""
    count = Count()
    for ids in batches(Connection.objects.all()):
        for row in Connection.objects.filter(pk__in=ids).order_by("pk"):
            note(row, count)
        for standby in standby_keys(ids):
            note(standby, count)
    for others in OTHERS:
        for other in others().order_by("pk"):
            note(other, count)
    for factor in Authenticator.objects.select_related("user").order_by("pk").iterator():
        note_second_factor(factor, count)
    return count


def batches(rows: QuerySet[Any]) -> Iterator[list[Any]]:
    last = None
    while True:
        keys = rows.order_by("pk").values_list("pk", flat=True)
        ids = [*(keys.filter(pk__gt=last) if last else keys)[:BATCH]]
        if not ids:
            return
        yield ids
        last = ids[-1]


def standby_keys(ids: list[UUID]) -> QuerySet[StandbyKey]:
    """Those of these connections, under whose lock they are."""
    return StandbyKey.objects.filter(connection__in=ids).select_related("connection").order_by("pk")


def reseal(row: Sealed, count: Count) -> None:
    if note(row, count):
        row.seal_anew()
        row.save(update_fields=WRITTEN[type(row)])


def note(row: Sealed, count: Count) -> bool:
    """Count the row; returns whether it wants to be resealed."""
    is_present = all(is_sealed_under_newest_key(sealed) for sealed in sealed_texts(row))
    if not is_open(row):
        note_unreadable(row, count)
        return False
    count.present += is_present
    count.resealed += not is_present
    return not is_present


def note_unreadable(row: Sealed, count: Count) -> None:
    if isinstance(row, OfOthers):
        count.others += 1
    elif row.pk not in count.unreadable:
        count.unreadable.append(row.pk)


def is_open(row: Sealed) -> bool:
    try:
        row.open_all()
    except Unsealable:
        return False
    return True


def sealed_texts(row: Sealed) -> list[str]:
    return [sealed for name in SEALED_IN[type(row)] if (sealed := getattr(row, name))]


def note_second_factor(row: Authenticator, count: Count) -> bool:
    """The same for a second step of the login."""
    is_present = second_factor.is_under_newest_key(row)
    if not second_factor.is_open(row):
        count.locked_out.append(row.user.email)
        return False
    count.present += is_present
    count.resealed += not is_present
    return not is_present
