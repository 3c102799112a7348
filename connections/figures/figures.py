"""Reads numbers for a page: a few queries for all of them."""

from collections.abc import Sequence

from connections.figures.figure import Figure, Period
from connections.models import Connection
from sources.spec import Definition


def available(connection: Connection) -> list[Definition]:
    """The numbers of its chosen streams, in the source's order."""
    source, chosen = connection.source, {*connection.stream_keys}
    return [one for one in source.numbers if one.stream in chosen] if source else []


def figures(
    connection: Connection, period: Period, *, keys: Sequence[str] | None = None, by: str = "", group: str = ""
) -> list[Figure]:
    raise NotImplementedError
