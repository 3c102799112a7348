"""How commands find the row that somebody named on the command line."""

from uuid import UUID

from django.core.management.base import CommandError

from connections.models import Connection
from sources.spec import Stream


def connection_of(text: str) -> Connection:
    """Raises CommandError, with exit code 2."""
    try:
        return Connection.objects.select_related("workspace").get(pk=UUID(text))
    except (ValueError, Connection.DoesNotExist):
        raise CommandError("There is no connection with this id.", returncode=2) from None


def stream_of(connection: Connection, key: str) -> Stream:
    """Raises CommandError, with exit code 2."""
    stream = connection.source.stream(key) if connection.source else None
    if stream is None:
        offered = sorted(one.key for one in connection.source.streams) if connection.source else ["none"]
        raise CommandError(f"No such stream: {key}. There are: {', '.join(offered)}.", returncode=2)
    return stream
