"""Which connection a person has just made: it is tagged “New” until its page is opened again."""

from connections.access.requests import PersonRequest
from connections.models import Connection

SLOT = "just_saved"


def note_saved(request: PersonRequest, connection: Connection) -> None:
    request.session[SLOT] = str(connection.pk)


def was_just_saved(request: PersonRequest, connection: Connection) -> bool:
    """True once."""
    if request.session.get(SLOT) != str(connection.pk):
        return False
    del request.session[SLOT]
    return True
