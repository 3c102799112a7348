"""The embedded engine: queues what is due, claims syncs and runs several of them side by side."""

import logging
import threading
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta

from django.db import DatabaseError, close_old_connections, connections, transaction
from django.utils import timezone

from connections.checking.checking import notice_late
from connections.checking.delivering import deliver_due
from connections.figures.keeping_up import Abacus
from connections.models import Connection, Engine, LiveCheck, Notice, Sync
from connections.models.sync import AlreadyActive, LeaseLost, SyncQuerySet, Trigger
from connections.operating.housekeeping import keep_house
from connections.operating.pieces import InPieces
from connections.syncing.beside import Beside
from connections.syncing.carrying_on import carry_on
from connections.syncing.syncing import fail, run
from sources.errors import UnexpectedAnswer

log = logging.getLogger(__name__)

SIDE_BY_SIDE = 8  # Syncs of one worker: they mostly wait, for answers and for their turn.
MOST_OF_ONE_ACCOUNT = SIDE_BY_SIDE // 2  # They share its calls anyway; one that hangs must not hold all others up.
CHECKS_SIDE_BY_SIDE = 4  # Beside the syncs: somebody waits for each of them.
PATIENCE = timedelta(seconds=2)  # Another worker may have a place free; after that, one is made here.
LOOK_AGAIN = 0.3  # Seconds between two looks for work; a person sees the first rows within three.
LOOK_AROUND_AGAIN = 1.0  # Seconds between two looks for what nobody waits for: each asks the database.
HOUSEKEEPING = 600.0  # Seconds.
LATE_AGAIN = 15.0  # Seconds between two looks for what has become late.


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


def run_one(sync: Sync, leaving: threading.Event) -> None:
    """Run a claimed sync in a thread of its own, which must outlive whatever goes wrong in it."""
    try:
        run(sync, stopping=leaving)
    except DatabaseError:
        log.exception("The database failed a sync: it is taken up again when its lease has run out.")
    except Exception:
        log.exception("A sync met a fault of our own.")
        blame_ourselves(sync)
    finally:
        connections.close_all()


def check_one(live_check: LiveCheck, stopping: threading.Event) -> None:
    """Carry on a claimed check, in a thread of its own."""
    try:
        carry_on(live_check, stopping=stopping)
    except Exception:
        log.exception("A check met a fault of our own.")
        live_check.fail(UnexpectedAnswer("Something went wrong on our side. Try again.", code="our_fault"))
    finally:
        connections.close_all()


def blame_ourselves(sync: Sync) -> None:
    try:
        fail(sync, UnexpectedAnswer("Something went wrong on our side. The next sync tries again.", code="our_fault"))
    except (LeaseLost, DatabaseError):
        log.exception("The sync could not be marked as failed; it is taken up again when its lease has run out.")


class Leaving(threading.Event):
    """Set when one sync is asked to give its place to another, or all are because the worker stops."""

    def __init__(self, stopping: threading.Event) -> None:
        super().__init__()
        self.stopping = stopping

    def is_set(self) -> bool:
        return super().is_set() or self.stopping.is_set()


class Turn:
    """A sync in one of the places of this process."""

    def __init__(self, sync: Sync, stopping: threading.Event) -> None:
        self.sync = sync
        self.account = sync.connection.account_fingerprint  # Now: it may be another by the end.
        self.workspace = sync.connection.workspace_id
        self.leaving = Leaving(stopping)


class UnderWay:
    """The syncs that this process is at. No account and no workspace keeps its places from others that wait."""

    def __init__(self, stopping: threading.Event) -> None:
        self.stopping = stopping
        self.lock = threading.Lock()
        self.turns: list[Turn] = []  # As they began.
        self.asked_at = 0.0

    def claim(self) -> Turn | None:
        with self.lock:
            if self.stopping.is_set():
                return None
            places = self.places()
            waiting = Sync.objects.not_of(self.crowded_accounts()).in_turn(places)
            if len(self.turns) >= SIDE_BY_SIDE:
                self.make_room(waiting, places)
            elif sync := waiting.take_first():
                self.turns.append(Turn(sync, self.stopping))
                return self.turns[-1]
            return None

    def run(self, turn: Turn) -> None:
        try:
            run_one(turn.sync, turn.leaving)
        finally:
            with self.lock:
                self.turns.remove(turn)

    def crowded_accounts(self) -> list[str]:
        counts = Counter(turn.account for turn in self.turns)
        return [account for account, count in counts.items() if count >= MOST_OF_ONE_ACCOUNT]

    def places(self) -> Counter[int]:
        """How many each workspace has and keeps."""
        return Counter(turn.workspace for turn in self.turns if not turn.leaving.is_set())

    def make_room(self, waiting: SyncQuerySet, places: Counter[int]) -> None:
        """Ask the workspace that has most places for one, if another that has fewer waits."""
        # One that hangs may be long in leaving: after the same patience, another is asked.
        if not places or time.monotonic() - self.asked_at < PATIENCE.total_seconds():
            return
        late = waiting.filter(run_after__lt=timezone.now() - PATIENCE)
        poorer = late.values_list("connection__workspace", flat=True).first()
        richest, most = places.most_common(1)[0]
        if poorer is not None and places[poorer] + 1 < most:
            self.ask_to_leave(richest)

    def ask_to_leave(self, workspace: int) -> None:
        """The sync of it that began last gives its place back, and goes on when there is one again."""
        turn = [turn for turn in self.turns if turn.workspace == workspace and not turn.leaving.is_set()][-1]
        turn.leaving.set()
        self.asked_at = time.monotonic()
        log.info("sync asked to make room for another workspace", extra={"sync": turn.sync.number})


class Post:
    """Sends notices: a mail server may take its time, or hang."""

    def is_wanted(self) -> bool:
        return Notice.objects.due().exists()

    def do(self, stopping: threading.Event) -> None:
        deliver_due(stopping)


class Worker:
    """Serves until `stop` is called. Several may serve one database, on several machines."""

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self.pool = ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="sync")
        self.check_pool = ThreadPoolExecutor(CHECKS_SIDE_BY_SIDE, thread_name_prefix="check")
        self.under_way = UnderWay(self.stopping)
        self.running: set[Future[None]] = set()
        self.checking: set[Future[None]] = set()
        self.looked_around_at = 0.0
        self.house_kept_at = 0.0
        self.late_looked_at = 0.0
        self.post = Beside(Post(), self.stopping)
        self.in_pieces = InPieces()
        self.abacus = Beside(Abacus(), self.stopping)

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
        self.shut_down()
        self.post.leave()
        self.abacus.leave()

    def serve_once(self) -> None:
        """All that is due or queued now, the numbers that come of it, and what is told of it; then return."""
        Engine.objects.beat()
        queue_due()
        while self.start_claimed() or self.start_checks() or self.running or self.checking:
            Engine.objects.beat()
            self.forget_done()
            self.stopping.wait(0.05)
        self.shut_down()
        notice_late()
        self.abacus.finish()
        self.post.finish()

    def shut_down(self) -> None:
        self.pool.shutdown(wait=True)
        self.check_pool.shutdown(wait=True)

    def look(self) -> None:
        self.forget_done()
        if time.monotonic() - self.looked_around_at > LOOK_AROUND_AGAIN:
            self.looked_around_at = time.monotonic()
            self.look_around()
        self.start_claimed()
        self.start_checks()

    def look_around(self) -> None:
        Engine.objects.beat()
        if time.monotonic() - self.house_kept_at > HOUSEKEEPING:
            self.house_kept_at = time.monotonic()
            keep_house()
        queue_due()
        if time.monotonic() - self.late_looked_at > LATE_AGAIN:
            self.late_looked_at = time.monotonic()
            notice_late()
        self.post.look()
        self.in_pieces.look()
        self.abacus.look()

    def start_claimed(self) -> int:
        """Claim as many syncs as there are free places; returns how many were started."""
        started = 0
        while turn := self.under_way.claim():
            self.running.add(self.pool.submit(self.under_way.run, turn))
            started += 1
        return started

    def start_checks(self) -> int:
        started = 0
        while len(self.checking) < CHECKS_SIDE_BY_SIDE and not self.stopping.is_set():
            live_check = LiveCheck.objects.claim()
            if live_check is None:
                break
            self.checking.add(self.check_pool.submit(check_one, live_check, self.stopping))
            started += 1
        return started

    def forget_done(self) -> None:
        self.running = {future for future in self.running if not future.done()}
        self.checking = {future for future in self.checking if not future.done()}
