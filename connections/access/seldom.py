"""What a connection seldom has, and its page has to know of each time: one question for all of it."""

from typing import NamedTuple

from django.db.models import Exists

from connections.access.requests import PersonRequest
from connections.models import Connection, LiveCheck, MissingRows


class Seldom(NamedTuple):
    """Whether there may be any: what it is, `access` looks up."""

    my_check: bool = False
    hidden: bool = False
    missing: bool = False


def seldom(request: PersonRequest, connection: Connection) -> Seldom:
    checks = LiveCheck.objects.filter(connection=connection, asked_by=request.user)
    hidden = connection.former_holdings.to_take_back()
    missing = MissingRows.objects.to_decide().filter(holding=connection.holding_id)
    row = Connection.objects.filter(pk=connection.pk).values_list(Exists(checks), Exists(hidden), Exists(missing))
    return next((Seldom(*found) for found in row), Seldom())
