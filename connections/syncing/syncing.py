"""Runs a sync: pulls each stream page by page, from where its cursor stands, and stores what comes."""

import logging
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F
from django.db.models.expressions import CombinedExpression
from django.utils import timezone
from structlog.contextvars import bound_contextvars

from connections.checking.checking import (
    account_of,
    check,
    note_failure,
    note_full,
    note_streams,
    note_success,
    prove,
    take_over,
    unreadable_key,
)
from connections.checking.patience import of_a_worker
from connections.checking.trying import counted_try
from connections.models import Connection, Full, SharedBudget, StreamRun, Sync, User
from connections.models.bounds import room_to_store
from connections.models.check_try import TooManyAtOnce
from connections.models.connection_query import ConnectionQuerySet
from connections.models.person_erasure import kept_out_of
from connections.models.stream_mark import note_exact, to_be_proven
from connections.models.stream_run import FINISHED_RUNS, RunState
from connections.models.sync import LeaseLost, SyncState, Trigger
from connections.safe.sealing import Unsealable
from connections.syncing.announcing import announce
from connections.syncing.leasing import Interrupted, Lease, kept_lease
from connections.syncing.reconciling import reconcile_all
from connections.syncing.stream_pull import StreamPull
from sources.errors import BadCredentials, RateLimited, SourceError, TemporarilyDown, UnexpectedAnswer
from sources.spec import Pulled, Wanted

log = logging.getLogger(__name__)

MOST_SETBACKS = 6
FIRST_SETBACK = timedelta(seconds=20)  # Doubles each time: the sixth try comes about twenty minutes after the first.
WORST_FIRST = (RunState.REFUSED, RunState.FAILED, RunState.INCOMPLETE, RunState.RUNNING, RunState.SKIPPED)


def run(sync: Sync, *, stopping: threading.Event | None = None) -> None:
    """Work on a claimed sync until it has ended, has to wait, belongs to somebody else, or `stopping` is set."""
    with bound_contextvars(connection=str(sync.connection_id), sync=sync.number):
        log.info("sync taken", extra={"token": sync.token, "trigger": sync.trigger})
        try:
            with kept_lease(sync) as lease:
                lease.stopping = stopping or lease.stopping
                work(sync, lease)
        except LeaseLost:
            log.info("sync given up: it was stopped, or another worker has it")
        except Interrupted:
            sync.release()
            log.info("sync released: this worker stops")


def work(sync: Sync, lease: Lease) -> None:
    refusal = why_not(sync)
    if refusal:
        sync.finish(SyncState.STOPPED, refusal)
        return
    try:
        pull_with_either_key(sync, lease)
        ask_whether_it_is_the_key(sync, lease)
    except Unsealable:
        end_unreadable(sync)
    except Full as full:
        end_full(sync, full)
    except TemporarilyDown as failure:
        wait(sync, failure)
    except SourceError as failure:
        fail(sync, failure)
    else:
        conclude(sync)
    if not sync.is_active:
        announce(sync)


def pull_with_either_key(sync: Sync, lease: Lease) -> None:
    """With the standby key it goes on from where the cursors stand."""
    try:
        check_first(sync, lease)
        pull_all(sync, lease)
    except BadCredentials as refusal:
        sync.hold()  # A sync that was stopped meanwhile says nothing about the key.
        if not take_over(sync.connection, refusal, of_a_worker(lease.require)):
            raise
        log.info("sync goes on with another key")
        pull_with_either_key(sync, lease)


def ask_whether_it_is_the_key(sync: Sync, lease: Lease) -> None:
    """Where all was refused, it may be the key rather than the streams. Raises SourceError if it is."""
    runs = [*sync.stream_runs.all()]
    if not runs or not all(run.is_refused and not run.read for run in runs):
        return
    try:
        prove(sync.connection, of_a_worker(lease.require))
    except (TemporarilyDown, UnexpectedAnswer) as silence:
        log.warning("nothing says that it is the key", extra={"code": silence.code})


def check_first(sync: Sync, lease: Lease) -> None:
    """Whose account it is, if that is not known; of what a person asked for, also whether a refused key works again.

    That counts as their try, or pressing Sync now would be a way to try keys without end.
    """
    connection, person = sync.connection, sync.requested_by
    if person and (connection.wants_check or (connection.needs_action and not connection.is_full)):
        try:
            with counted_try(connection.account_fingerprint, by=person, workspace=connection.workspace):
                check(connection, by=None, patience=of_a_worker(lease.require))
        except TooManyAtOnce as crowd:
            raise TemporarilyDown(str(crowd), code=crowd.code) from crowd
    elif connection.wants_check:
        check(connection, by=None, patience=of_a_worker(lease.require))


def why_not(sync: Sync) -> str:
    """The rules are asked again now: much may have changed since the sync was queued."""
    connection = Connection.objects.filter(pk=sync.connection_id)
    if not connection.may_run().exists():
        return "The connection is paused, or its owner has left or may no longer log in."
    if sync.trigger == Trigger.PERSON and not may_use(sync.requested_by, connection):
        return "The person who asked for it may no longer use the connection."
    return ""


def may_use(person: User | None, connection: ConnectionQuerySet) -> bool:
    return bool(person and person.is_active and connection.visible_to(person).exists())


def pull_all(sync: Sync, lease: Lease) -> None:
    source, credentials = sync.connection.known_source(), sync.connection.credentials()
    budget = SharedBudget(
        # Not the fingerprint on the row, which may be from before a new credential key: one account, one budget.
        account=account_of(credentials),
        rate=source.calls_per_second(),
        pace=sync.pace,
        still_wanted=lease.require,
    )
    pulls = pulls_of(sync, address=credentials.api_url)
    with source.open(credentials, budget=budget) as line:
        with closing(line.pull(begun(pulls.values()), more=lambda: begun(pulls.values()))) as arriving:
            for batch in in_batches(arriving):
                store(batch, pulls, sync=sync, budget=budget)
                lease.require()
        reconcile_all(sync, line)
        for stream in to_be_proven(sync):
            note_exact(sync, stream, is_exact=line.heeds_zones(stream))
    sync.hold(**spent(budget))
    for pull in pulls.values():
        if pull.is_down:
            raise pull.is_down


def pulls_of(sync: Sync, *, address: str) -> dict[str, StreamPull]:
    """A part for each stream of the sync. A source names a stream before those that come with it or are in it."""
    # Once: who is erased from now on takes this sync its lease.
    keeper = kept_out_of(sync.connection.holding, sync.connection.workspace_id)
    pulls: dict[str, StreamPull] = {}
    for stream in sync.streams:
        parent = pulls.get(stream.sideload.parent) if stream.sideload else None
        above = pulls.get(stream.nested.parent) if stream.nested else None
        pulls[stream.key] = StreamPull(sync, stream, address=address, keeper=keeper, parent=parent, above=above)
    return pulls


def begun(pulls: Iterable[StreamPull]) -> list[Wanted]:
    """Those that begin now. A list of what comes along with others is read after these: so the two can be compared."""
    return [pull.wanted() for pull in pulls if pull.begins()]


def in_batches(arriving: Iterable[Pulled]) -> Iterator[list[Pulled]]:
    """What is here at the same time, together."""
    batch: list[Pulled] = []
    for pulled in arriving:
        batch.append(pulled)
        if not pulled.is_followed:
            yield batch
            batch = []


def store(batch: list[Pulled], pulls: Mapping[str, StreamPull], *, sync: Sync, budget: SharedBudget) -> None:
    """Rows, cursors and lease in one transaction: a resumed sync repeats only calls that were under way.

    Raises LeaseLost, and Full when the batch would pass a bound; then nothing of it is stored.
    """
    keys = dict.fromkeys(pulled.stream.key for pulled in batch)
    # Written out before it begins: SQLite lets nobody else write during one.
    parts = {key: pulls[key].part_of([pulled for pulled in batch if pulled.stream.key == key]) for key in keys}
    paid = spent(budget)
    try:
        with transaction.atomic():
            # Before the sync's row, for which others wait who hold the workspace's.
            room = room_to_store(sync.connection, size=sum(part.size for part in parts.values()))
            if any(part.pages for part in parts.values()):
                sync.progress(**paid)
            else:
                sync.hold(**paid)
            # How much a row that was here has grown is known only once it is written.
            stored = [tally for key, part in parts.items() for tally in pulls[key].take(part)]
            room.require(rows=sum(one.added for one in stored), size=sum(one.grown for one in stored))
    except Full:
        sync.hold(**paid)
        raise


def spent(budget: SharedBudget) -> dict[str, CombinedExpression]:
    """The calls since it was asked last, for the sync's row."""
    calls, waited = budget.take_tally()
    return {"calls": F("calls") + calls, "seconds_waited": F("seconds_waited") + waited}


def conclude(sync: Sync) -> None:
    """What is not offered is said, and is no fault. The row first, as in `fail`."""
    connection, runs = sync.connection, [*sync.stream_runs.all()]
    reasons = reasons_of(connection, runs)
    state = state_after(runs)
    sync.finish(state, reasons)
    if not note_streams(connection, runs):
        return
    if state == SyncState.FAILED and not all(run.is_refused for run in runs):
        note_failure(connection, UnexpectedAnswer(reasons))
    elif runs:  # Where nothing is offered nothing was asked, which says nothing about the key.
        note_success(connection)
    connection.note_sync(succeeded=bool(runs) and state == SyncState.COMPLETE and not sync.only_streams)
    log.info("sync ended", extra={"outcome": sync.state, "calls": sync.calls})


def reasons_of(connection: Connection, runs: list[StreamRun]) -> str:
    """Why streams were not read, in a line, and the worst first."""
    return connection.in_short(run for state in WORST_FIRST for run in runs if run.state == state)


def state_after(runs: list[StreamRun]) -> SyncState:
    if all(run.state in (RunState.COMPLETE, RunState.SKIPPED) for run in runs):
        return SyncState.COMPLETE
    return SyncState.FAILED if all(run.is_without_rows for run in runs) else SyncState.PARTLY_DONE


def wait(sync: Sync, failure: TemporarilyDown) -> None:
    """Go on later from the same cursors; after too many setbacks in a row leave it to the next scheduled sync."""
    came = [run for run in sync.stream_runs.all() if run.is_finished]
    pause = max(FIRST_SETBACK * 2**sync.setbacks, timedelta(seconds=failure.retry_after or 0))
    # Whoever typed a command sees it, and nobody may be there to go on with it.
    if sync.trigger == Trigger.COMMAND or sync.setbacks >= MOST_SETBACKS or is_too_long(pause, came, sync):
        end_without(sync, failure)
        return
    if isinstance(failure, RateLimited) or not any(run.state == RunState.COMPLETE for run in came):
        sync.set_back(str(failure), until=timezone.now() + pause)
        if note_streams(sync.connection, came):
            note_failure(sync.connection, failure)
    else:
        put_streams_off(sync, failure, until=timezone.now() + pause)
    log.info("sync waits", extra={"code": failure.code, "seconds": pause.total_seconds()})


def is_too_long(pause: timedelta, came: list[StreamRun], sync: Sync) -> bool:
    """The streams that came want to come again on time, whatever becomes of the others."""
    return bool(came and sync.setbacks and sync.connection.interval and pause > sync.connection.interval / 2)


def put_streams_off(sync: Sync, failure: TemporarilyDown, *, until: datetime) -> None:
    """Others came: the key works, and what is wrong with these streams is said of them."""
    sync.stream_runs.exclude(state__in=FINISHED_RUNS).filter(reason="").update(reason=str(failure))
    runs = [*sync.stream_runs.all()]
    sync.set_back(reasons_of(sync.connection, runs), until=until)
    if note_streams(sync.connection, runs):
        note_success(sync.connection)


def end_without(sync: Sync, failure: TemporarilyDown) -> None:
    """What came is not lost for the sake of what did not: that is said at its streams."""
    if not sync.stream_runs.filter(state=RunState.COMPLETE).exists():
        fail(sync, failure)
        return
    log.warning("sync ends without all streams", extra={"code": failure.code})
    end_unfinished(sync, str(failure))
    conclude(sync)


def end_unreadable(sync: Sync) -> None:
    failure = unreadable_key()
    if isinstance(failure, TemporarilyDown):
        wait(sync, failure)
    else:
        fail(sync, failure)


@transaction.atomic
def end_unfinished(sync: Sync, reason: str) -> None:
    """Raises LeaseLost."""
    sync.hold()
    for run in sync.stream_runs.exclude(state__in=FINISHED_RUNS):
        run.end(RunState.FAILED, reason)


def end_full(sync: Sync, full: Full) -> None:
    """What was stored stays, and nothing is asked again before a person has made room."""
    connection = sync.connection
    end_unfinished(sync, str(full))
    runs = [*sync.stream_runs.all()]
    has_some = any(run.state == RunState.COMPLETE for run in runs)
    sync.finish(SyncState.PARTLY_DONE if has_some else SyncState.FAILED, str(full))
    if note_streams(connection, runs) and note_full(connection, full):
        connection.note_sync(succeeded=False)
    log.warning("sync ended at a bound", extra={"code": full.code})


def fail(sync: Sync, failure: SourceError) -> None:
    """The row first: a sync that was stopped meanwhile, or belongs to another worker, says nothing about health."""
    connection = sync.connection  # With the key that failed; finishing reads everything anew.
    sync.finish(SyncState.FAILED, str(failure))
    ended = [run for run in sync.stream_runs.all() if run.is_finished]
    if note_streams(connection, ended) and note_failure(connection, failure):
        connection.note_sync(succeeded=False)
    log.warning("sync failed", extra={"code": failure.code})
