"""What a live check that goes on in a worker has found out, for whoever posts the same again."""

from typing import Any

from connections.models import Connection, LiveCheck, User
from sources.spec import Credentials


def told_before(connection: Connection, credentials: Credentials, *, by: User) -> dict[str, Any] | None:
    """What came of my check of these credentials. Raises SourceError when they failed."""
    check = LiveCheck.objects.of(connection, by)
    return check.told() if check and check.answers(credentials) else None
