"""A connection of Mira's key beside which the key of a second user of her account is stored, for tests."""

from typing import Any

from django.test import Client

from connections.checking.checking import check
from connections.keeping.standing_by import store_standby
from connections.models import Connection, StandbyKey, User
from sources.activecampaign.sandbox.server import SandboxServer
from sources.spec import Secret

SECOND_KEY = "5ec0" * 16 + "9e8d7c6b"
FIELD = "standby-api_key"


def let_in_second(sandbox: SandboxServer, key: str = SECOND_KEY, **wanted: Any) -> str:
    """Another user of the account, with that key; returns their name."""
    user_id = sandbox.world.first_ids("users")[1]
    sandbox.add_key(key, user_id=user_id, **{"admin": True, **wanted})
    user = sandbox.world.row("users", user_id)
    return f"{user['firstName']} {user['lastName']}"


def first_person(sandbox: SandboxServer) -> str:
    user = sandbox.world.row("users", sandbox.world.first_ids("users")[0])
    return f"{user['firstName']} {user['lastName']}"


def post(client: Client, connection: Connection, key: str = SECOND_KEY, **options: Any) -> Any:
    return client.post(f"{connection.get_absolute_url()}standby/", {FIELD: key}, **options)


def standby_of(connection: Connection) -> StandbyKey | None:
    return StandbyKey.objects.of(connection)


def with_standby(connection: Connection, sandbox: SandboxServer, *, by: User) -> Connection:
    """Both keys are proven, and the calls for that forgotten."""
    let_in_second(sandbox)
    check(connection, by=by)
    store_standby(connection, Secret(SECOND_KEY), by=by)
    connection.events.all().delete()
    sandbox.reset()
    return connection


def key_of(connection: Connection) -> str:
    return Connection.objects.get(pk=connection.pk).credentials().api_key.reveal()
