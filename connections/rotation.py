"""Brings every sealed text under the newest of CREDENTIAL_KEYS, while people go on working."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

from django.db import transaction

from connections.models import Connection
from connections.sealing import Unsealable, is_sealed_under_newest_key

BATCH = 100  # Rows that are locked together; an edit waits for milliseconds.
SEALED = ("api_url", "api_key", "typed")
FINGERPRINTS = ("account_fingerprint", "key_fingerprint")


@dataclass
class Count:
    """What became of the rows: under the newest key already, brought under it now, not to be opened."""

    present: int = 0
    resealed: int = 0
    unreadable: list[UUID] = field(default_factory=list)


def reseal_all() -> Count:
    """Reseal what is under an older key. May be stopped at any moment and run again."""
    count = Count()
    for ids in batches():
        with transaction.atomic():
            for row in Connection.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk"):
                reseal(row, count)
    return count


def verify_all() -> Count:
    """Open everything and change nothing; `resealed` then counts what is still under an older key."""
    count = Count()
    for ids in batches():
        for row in Connection.objects.filter(pk__in=ids).order_by("pk"):
            note(row, count)
    return count


def batches() -> Iterator[list[UUID]]:
    last = None
    while True:
        rows = Connection.objects.order_by("pk").values_list("pk", flat=True)
        ids = [*(rows.filter(pk__gt=last) if last else rows)[:BATCH]]
        if not ids:
            return
        yield ids
        last = ids[-1]


def reseal(row: Connection, count: Count) -> None:
    if note(row, count):
        row.seal_anew()
        row.save(update_fields=[*SEALED, *FINGERPRINTS])


def note(row: Connection, count: Count) -> bool:
    """Count the row; returns whether it wants to be resealed."""
    if all(is_sealed_under_newest_key(sealed) for sealed in sealed_texts(row)):
        count.present += is_open(row, count)
        return False
    count.resealed += is_open(row, count)
    return row.pk not in count.unreadable


def is_open(row: Connection, count: Count) -> bool:
    try:
        row.open_all()
    except Unsealable:
        count.unreadable.append(row.pk)
        return False
    return True


def sealed_texts(row: Connection) -> list[str]:
    return [sealed for name in SEALED if (sealed := getattr(row, name))]
