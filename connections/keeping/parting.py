"""What was hidden when a connection went to another account: taken back, or erased before its time."""

from django.db import transaction

from connections.access.access import present_row
from connections.models import Connection, Health, Holding, User
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
        put_back(row, hidden_of(row))
    except Unsealable:
        raise NothingHidden("Its address cannot be read any more, so nobody knows whose data it is.") from None
    row.save_changes(before, by=by, verb="took back the data of before")


def put_back(row: Connection, former: Holding) -> None:
    """In the place of what is held now; the caller saves. Raises Unsealable.

    The key of that account is gone, and that of the other one must not be used for it.
    """
    address = former.address()
    row.stop_syncs("The data of before was taken back.")
    row.holding.part(row)
    former.come_back()
    row.holding = former
    row.know_nothing_of_streams()
    row.forget_key()
    row.become_unverified()
    row.keep_address(address)
    row.set_health(
        Health.ACTION_NEEDED, f"The data of {row.host} is back. Enter the key of that account.", code="key_missing"
    )


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
