"""A connection whose rows are here and counted, as a worker leaves it."""

from threading import Event

from connections.figures.judging import judge_due
from connections.figures.keeping_up import count_and_prove
from connections.models import Connection
from tests.connections.engine import pull


def count(connection: Connection) -> None:
    """Read it again, count, and tell whoever wanted to be told."""
    pull(connection, full=True)
    count_and_prove(Event())
    judge_due(Event())
