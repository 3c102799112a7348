"""Holds the lease of a sync, or of a live check, beside the work, and says when the work has to stop."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from django.db import DatabaseError, connections
from django.db.models import QuerySet

from connections.models.sync import LeaseLost, heartbeat

log = logging.getLogger(__name__)

LOOK = 0.5  # Seconds between two looks at whether it was stopped: calls that hang are given up within a second.


class Leased(Protocol):
    """A row that one worker has at a time: a sync, or a live check."""

    pk: Any

    def hold(self) -> None:
        """Raises LeaseLost."""

    def mine(self) -> QuerySet[Any]: ...


class Interrupted(Exception):
    """The worker is being stopped; another goes on."""


class Lease:
    """Whether this worker should go on."""

    def __init__(self) -> None:
        self.lost = threading.Event()
        self.over = threading.Event()
        self.stopping = threading.Event()

    def require(self) -> None:
        """Raises LeaseLost or Interrupted."""
        if self.lost.is_set():
            raise LeaseLost
        if self.stopping.is_set():
            raise Interrupted


@contextmanager
def kept_lease(row: Leased) -> Iterator[Lease]:
    """Renews the lease beside the work: a page that is long in coming must not cost it."""
    lease = Lease()
    thread = threading.Thread(target=renew, args=(row, lease), name=f"lease-{row.pk}", daemon=True)
    thread.start()
    try:
        yield lease
    finally:
        lease.over.set()
        thread.join()


def renew(row: Leased, lease: Lease) -> None:
    renewed_at = time.monotonic()
    try:
        while not lease.over.wait(min(LOOK, heartbeat().total_seconds())):
            is_due = time.monotonic() - renewed_at >= heartbeat().total_seconds()
            renewed_at = time.monotonic() if is_due else renewed_at
            look_after(row, lease, renews=is_due)
    finally:
        connections.close_all()


def look_after(row: Leased, lease: Lease, *, renews: bool) -> None:
    try:
        if renews:
            row.hold()
        elif not row.mine().exists():
            lease.lost.set()
    except LeaseLost:
        lease.lost.set()
    except DatabaseError:
        log.exception("The lease could not be renewed; trying again.")
