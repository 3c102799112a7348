"""What a worker does for numbers beside its syncs: counts what is due, and asks the account what it says of that."""

import logging
import threading
import time
from itertools import groupby

from django.db import DatabaseError
from django.db import connection as database

from connections.checking.patience import of_a_worker
from connections.figures.counting import count_stream, due, stir_outdated
from connections.figures.judging import judge_due
from connections.figures.proving import prove
from connections.models import Connection, Health, Pin, RowCount
from connections.safe.sealing import Unsealable
from sources.errors import SourceError

log = logging.getLogger(__name__)

OUTDATED = 60.0  # Seconds between two looks for what another zone or other definitions have left behind.


def count_and_prove(stopping: threading.Event) -> int:
    """All that is due, one holding after the other; returns how many streams were counted."""
    done = 0
    for _, counts in groupby(due(), lambda count: count.holding_id):
        counted = [one for one in counts if not stopping.is_set() and count_quietly(one)]
        if counted:
            prove_quietly(counted[0].holding.connection, [one.stream for one in counted], stopping)
        done += len(counted)
    return done


def count_quietly(count: RowCount) -> bool:
    """Rows whose sum is no number to a database keep nobody else's from being counted."""
    try:
        return count_stream(count.holding, count.stream)
    except (OverflowError, DatabaseError):
        if not database.is_usable():
            raise
        log.exception("Numbers could not be counted.", extra={"stream": count.stream})
        return False


def prove_quietly(connection: Connection, streams: list[str], stopping: threading.Event) -> None:
    """A number that could not be held against the account's own says when it last was."""

    def still_wanted() -> None:
        if stopping.is_set():
            raise SourceError("This worker stops.", code="stopping")

    usable = Connection.objects.filter(pk=connection.pk).may_run().exclude(health=Health.ACTION_NEEDED)
    if not usable.exists():
        return
    try:
        prove(connection, streams=streams, patience=of_a_worker(still_wanted))
    except (SourceError, Unsealable) as failure:
        log.info("numbers could not be proven", extra={"connection": str(connection.pk), "why": type(failure).__name__})


class Abacus:
    """Counts: a stream of half a million rows takes a second."""

    looked_at = 0.0

    def is_wanted(self) -> bool:
        is_to_judge = False  # As seldom as that, where nothing was counted.
        if time.monotonic() - self.looked_at > OUTDATED:
            self.looked_at = time.monotonic()
            stir_outdated()
            is_to_judge = Pin.objects.to_judge().exists()
        return is_to_judge or due().exists()

    def do(self, stopping: threading.Event) -> None:
        count_and_prove(stopping)
        judge_due(stopping)
