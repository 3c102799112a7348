"""What a person does on the edit form, for tests."""

import re
from typing import Any

from django.test import Client

from connections.models import Connection
from sources.activecampaign.sandbox.server import SandboxServer

OTHER_KEY = "fedcba9876543210" * 4 + "d4c3b2a1"
THIRD_KEY = "00c0ffee" * 9


def as_shown(connection: Connection, **changed: object) -> dict[str, object]:
    """What the browser posts when the form is sent as it was rendered, but for `changed`."""
    connection.refresh_from_db()
    shown = {
        "api_url": connection.address(),
        "api_key": "",
        "name": connection.name,
        "privacy": connection.privacy,
        "team": connection.team_id or "",
        "version": connection.version,
    }
    return {**shown, **changed}


def save(client: Client, connection: Connection, **changed: object) -> Any:
    return client.post(connection.get_absolute_url(), as_shown(connection, **changed), follow=True)


def text(response: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def now(connection: Connection) -> Connection:
    return Connection.objects.get(pk=connection.pk)


def let_in(sandbox: SandboxServer, key: str) -> None:
    sandbox.add_key(key, user_id=sandbox.world.first_ids("users")[0], admin=True)
