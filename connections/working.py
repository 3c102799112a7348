"""The embedded engine: queues what is due, claims syncs and runs several of them side by side."""

import logging
import threading
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor

from django.db import DatabaseError, close_old_connections, connections, transaction

from connections.housekeeping import keep_house
from connections.models import Connection, Sync
from connections.models.sync import AlreadyActive, LeaseLost, Trigger
from connections.syncing import fail, run
from sources.errors import UnexpectedAnswer

log = logging.getLogger(__name__)

SIDE_BY_SIDE = 8  # Syncs of one worker: they mostly wait, for answers and for their turn.
MOST_OF_ONE_ACCOUNT = SIDE_BY_SIDE // 2  # They share its calls anyway; one that hangs must not hold all others up.
LOOK_AGAIN = 0.3  # Seconds between two looks for work; a person sees the first rows within three.
HOUSEKEEPING = 600.0  # Seconds.


def queue_due() -> int:
    """Queue a sync for each connection whose time has come; returns how many."""
    return sum(queue_scheduled(connection) for connection in Connection.objects.due().without_key())


@transaction.atomic
def queue_scheduled(connection: Connection) -> bool:
    due_at = connection.next_sync_at
    connection.plan_next_sync()
    # Whoever moves the time on queues it; other workers find it moved.
    unmoved = Connection.objects.filter(pk=connection.pk, next_sync_at=due_at)
    if not unmoved.update(next_sync_at=connection.next_sync_at):
        return False
    try:
        Sync.objects.queue(connection, trigger=Trigger.SCHEDULE)
    except AlreadyActive:
        return False
    return True


def run_one(sync: Sync, stopping: threading.Event) -> None:
    """Run a claimed sync in a thread of its own, which must outlive whatever goes wrong in it."""
    try:
        run(sync, stopping=stopping)
    except DatabaseError:
        log.exception("The database failed a sync: it is taken up again when its lease has run out.")
    except Exception:
        log.exception("A sync met a fault of our own.")
        blame_ourselves(sync)
    finally:
        connections.close_all()


def blame_ourselves(sync: Sync) -> None:
    try:
        fail(sync, UnexpectedAnswer("Something went wrong on our side. The next sync tries again.", code="our_fault"))
    except (LeaseLost, DatabaseError):
        log.exception("The sync could not be marked as failed; it is taken up again when its lease has run out.")


class UnderWay:
    """The syncs that this process is at: those of one account do not take up all of its threads."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.accounts: Counter[str] = Counter()  # By their fingerprints.

    def claim(self) -> Sync | None:
        with self.lock:
            crowded = [account for account, count in self.accounts.items() if count >= MOST_OF_ONE_ACCOUNT]
            sync = Sync.objects.not_of(crowded).claim()
            if sync is not None:
                self.accounts[sync.connection.account_fingerprint] += 1
            return sync

    def run(self, sync: Sync, stopping: threading.Event) -> None:
        account = sync.connection.account_fingerprint  # Now: it may be another by the end.
        try:
            run_one(sync, stopping)
        finally:
            with self.lock:
                self.accounts[account] -= 1


class Worker:
    """Serves until `stop` is called. Several may serve one database, on several machines."""

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self.pool = ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="sync")
        self.under_way = UnderWay()
        self.running: set[Future[None]] = set()
        self.house_kept_at = 0.0

    def stop(self) -> None:
        """Each sync finishes the page that it is at and is released."""
        self.stopping.set()

    def serve(self) -> None:
        while not self.stopping.wait(LOOK_AGAIN):
            try:
                self.look()
            except DatabaseError:
                log.exception("The database does not answer; trying again.")
                self.stopping.wait(1.0)
            close_old_connections()
        self.pool.shutdown(wait=True)

    def serve_once(self) -> None:
        """All that is due or queued now, then return."""
        queue_due()
        while self.start_claimed() or self.running:
            self.forget_done()
            self.stopping.wait(0.05)
        self.pool.shutdown(wait=True)

    def look(self) -> None:
        self.forget_done()
        if time.monotonic() - self.house_kept_at > HOUSEKEEPING:
            self.house_kept_at = time.monotonic()
            keep_house()
        queue_due()
        self.start_claimed()

    def start_claimed(self) -> int:
        """Claim as many syncs as there are free threads; returns how many were started."""
        started = 0
        while len(self.running) < SIDE_BY_SIDE and not self.stopping.is_set() and (sync := self.under_way.claim()):
            self.running.add(self.pool.submit(self.under_way.run, sync, self.stopping))
            started += 1
        return started

    def forget_done(self) -> None:
        self.running = {future for future in self.running if not future.done()}
