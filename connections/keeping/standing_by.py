"""Stores a standby key once it is proven, and removes it."""

from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from connections.access.access import present_row
from connections.checking.checking import account_of, ask, check, unreadable_key
from connections.checking.going_on import told_before
from connections.checking.patience import Patience, of_a_person
from connections.checking.trying import counted_try
from connections.models import Connection, StandbyKey, User
from connections.safe.sealing import Unsealable
from sources.errors import SourceError, TooSlow
from sources.spec import Credentials, Proof, Secret, host_of


class NoStandby(SourceError):
    """The key may well work, but could not stand in for the first one."""

    field = "api_key"
    code = "no_standby"


@sensitive_variables()
def store_standby(connection: Connection, key: Secret, *, by: User) -> Proof:
    """Test the key and keep it beside the first one; returns whose it is.

    Stores nothing when it raises SourceError or Http404.
    """
    try:
        credentials = Credentials(api_url=connection.address(), api_key=key)
    except Unsealable:
        raise unreadable_key() from None
    require_working(connection)
    proof = prove(connection, credentials, by=by)
    keep(connection, credentials, proof, by=by)
    return proof


@sensitive_variables("credentials")
def prove(connection: Connection, credentials: Credentials, *, by: User) -> Proof:
    if connection.owner and (told := told_before(connection, credentials, by=by)):
        proof: Proof = told["proof"]
        return proof
    patience = of_a_person()
    with counted_try(account_of(credentials), by=by, workspace=connection.workspace):
        require_known_owner(connection, by=by, patience=patience)
        return ask(connection.known_source(), credentials, patience)


def require_working(connection: Connection) -> None:
    if connection.needs_action:
        raise NoStandby("The connection does not work at present. Mend that first, then store a standby key.")


def require_known_owner(connection: Connection, *, by: User, patience: Patience) -> None:
    """Whose the first key is has to be known, or both might be one person's."""
    if connection.owner:
        return
    try:
        check(connection, by=by, patience=patience)
    except TooSlow:
        raise
    except SourceError as failure:
        raise NoStandby(f"The first key has to work before there can be a second one. {failure}") from failure


@transaction.atomic
@sensitive_variables("credentials")
def keep(connection: Connection, credentials: Credentials, proof: Proof, *, by: User) -> None:
    row = present_row(connection, by=by)
    require_working(row)
    if row.host != host_of(credentials.api_url):
        raise NoStandby("Somebody has changed the API URL meanwhile. Enter the standby key of that account.")
    if row.is_of(proof):
        raise NoStandby(
            f"This key belongs to {proof.person}, as the first one does: both would die together. "
            "Use the key of another user of the account."
        )
    StandbyKey.objects.keep(row, credentials, proof, by=by)
    row.record("stored a standby key", by=by, detail=f"It belongs to {proof.person}."[:300])


@transaction.atomic
def remove_standby(connection: Connection, *, by: User) -> bool:
    """Returns whether there was one. Raises Http404."""
    standby = StandbyKey.objects.of(present_row(connection, by=by))
    if standby:
        standby.discard(by=by)
    return standby is not None
