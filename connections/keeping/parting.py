"""What was hidden when a connection went to another account: taken back, or erased before its time."""

from django.db import transaction

from connections.access.access import present_row
from connections.models import Connection, Holding, User
from connections.safe.sealing import Unsealable

CHANGED = ("api_url", "api_key")


class NothingHidden(Exception):
    """It was taken back or erased already, or cannot be read any more. The text is for the person."""


@transaction.atomic
def take_back(connection: Connection, *, by: User) -> None:
    """Raises NothingHidden, and Http404 when the person may no longer change the connection."""
    row = present_row(connection, by=by)
    before = {field: row.value_of(field) for field in CHANGED}
    try:
        row.take_back(hidden_of(row))
    except Unsealable:
        raise NothingHidden("Its address cannot be read any more, so nobody knows whose data it is.") from None
    row.save_changes(before, by=by, verb="took back the data of before")


@transaction.atomic
def erase_now(connection: Connection, *, by: User) -> None:
    """Raises NothingHidden, and Http404 when the person may no longer change the connection."""
    row = present_row(connection, by=by)
    hidden_of(row).give_up()
    row.record("erased the data of before", by=by)


def hidden_of(row: Connection) -> Holding:
    hidden = row.former_holdings.to_take_back().first()
    if hidden is None:
        raise NothingHidden("There is no hidden data any more.")
    return hidden
