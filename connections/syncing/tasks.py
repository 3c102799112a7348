"""The engine's functions as Celery's tasks. A message is a doorbell: what there is to do stands in the rows."""

import threading

from celery import shared_task
from celery.signals import worker_shutting_down

from connections.checking.checking import notice_late
from connections.checking.delivering import deliver_due
from connections.figures.keeping_up import Abacus
from connections.models import Engine, LiveCheck, Notice, Sync
from connections.operating import housekeeping
from connections.operating.pieces import InPieces
from connections.syncing.beside import Beside
from connections.syncing.working import UnderWay, check_one, queue_due

# The tasks keep the names that they had: messages of an older version may lie in a broker during an upgrade.
STOPPING = threading.Event()
MOST_RINGS = 64  # In one look: whoever has no place free answers each with a query.
UNDER_WAY = UnderWay(STOPPING)
IN_PIECES = InPieces()
ABACUS = Beside(Abacus(), STOPPING)
SENDING = threading.Lock()


@worker_shutting_down.connect
def stop(**_signal: object) -> None:
    """Each sync finishes the page that it is at and is released."""
    STOPPING.set()


@shared_task(name="connections.tasks.look_for_work")
def look_for_work() -> None:
    Engine.objects.beat()
    queue_due()
    for _ in range(Sync.objects.claimable()[:MOST_RINGS].count()):
        pull_next.delay()
    for _ in range(LiveCheck.objects.claimable()[:MOST_RINGS].count()):
        check_next.delay()
    if Notice.objects.due().exists():
        send_notices.delay()
    IN_PIECES.look()
    ABACUS.look()


# While all threads are busy, doorbells would pile up; each look rings anew.
@shared_task(name="connections.tasks.pull_next", expires=1.0)
def pull_next() -> None:
    if turn := UNDER_WAY.claim():
        UNDER_WAY.run(turn)


@shared_task(name="connections.tasks.check_next", expires=1.0)
def check_next() -> None:
    if live_check := LiveCheck.objects.claim():
        check_one(live_check, STOPPING)


@shared_task(name="connections.tasks.send_notices", expires=1.0)
def send_notices() -> None:
    if SENDING.acquire(blocking=False):  # One thread of the process: a mail server that hangs must not take them all.
        try:
            deliver_due(STOPPING)
        finally:
            SENDING.release()


@shared_task(name="connections.tasks.keep_house")
def keep_house() -> None:
    notice_late()
    housekeeping.keep_house()
