"""Holds the lease of a sync, or of a live check, beside the work, and says when the work has to stop."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from django.db import connection, connections, transaction
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
        self.stopping = threading.Event()

    def require(self) -> None:
        """Raises LeaseLost or Interrupted."""
        if self.lost.is_set():
            raise LeaseLost
        if self.stopping.is_set():
            raise Interrupted


class Keeper:
    """Looks after the leases of a process in one thread, as long as there are any: one line to the database does."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.renewed_at: dict[Lease, float] = {}
        self.rows: dict[Lease, Leased] = {}
        self.thread: threading.Thread | None = None

    def keep(self, row: Leased, lease: Lease) -> None:
        with self.changed:
            self.rows[lease], self.renewed_at[lease] = row, time.monotonic()
            if self.thread is None:
                self.thread = threading.Thread(target=self.look_after_all, name="leases", daemon=True)
                self.thread.start()

    def let_go(self, lease: Lease) -> None:
        """Nothing more is written for it."""
        with self.changed:
            del self.rows[lease], self.renewed_at[lease]
            last = self.thread if not self.rows else None
            self.changed.notify_all()
        if last is not None:
            last.join()

    def look_after_all(self) -> None:
        try:
            while self.pause():
                for lease in [*self.rows]:
                    with self.changed:
                        if lease in self.rows:
                            self.look_after(lease)
        finally:
            connections.close_all()

    def pause(self) -> bool:
        """False when there is nothing left to look after; then the next one begins a thread."""
        with self.changed:
            if self.rows:
                self.changed.wait_for(lambda: not self.rows, min(LOOK, heartbeat().total_seconds()))
            if not self.rows:
                self.thread = None
            return bool(self.rows)

    def look_after(self, lease: Lease) -> None:
        row, now = self.rows[lease], time.monotonic()
        is_due = now - self.renewed_at[lease] >= heartbeat().total_seconds()
        self.renewed_at[lease] = now if is_due else self.renewed_at[lease]
        try:
            if is_due:
                renew(row)
            if not row.mine().exists():
                lease.lost.set()
        except LeaseLost:
            lease.lost.set()
        except Exception:  # Whatever it is, the others are looked after all the same.
            log.exception("The lease could not be renewed; trying again.")


keeper = Keeper()


@contextmanager
def kept_lease(row: Leased) -> Iterator[Lease]:
    """Renews the lease beside the work: a page that is long in coming must not cost it."""
    lease = Lease()
    keeper.keep(row, lease)
    try:
        yield lease
    finally:
        keeper.let_go(lease)


@transaction.atomic
def renew(row: Leased) -> None:
    """Unless it is locked, by whoever renews or ends it: the others must not wait for that. Raises LeaseLost."""
    can_skip = connection.features.has_select_for_update_skip_locked
    if row.mine().select_for_update(skip_locked=can_skip).exists():
        row.hold()
