"""One run that pulls a connection's streams. The row is the ledger: what is queued, who works on it, how far it is."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, Self

from django.conf import settings
from django.db import IntegrityError, connections, models, transaction
from django.db.models import Case, Exists, F, OuterRef, Q, When
from django.db.models.functions import Coalesce, Greatest, Least
from django.urls import reverse
from django.utils import timezone

from connections.models.choices import Pace
from connections.models.connection import Connection
from connections.models.people import User, in_words
from connections.models.stream_run import RunState, StreamRun
from sources.spec import Stream


class SyncState(models.TextChoices):
    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    COMPLETE = "complete", "Complete"
    PARTLY_DONE = "partly_done", "Partly done"
    FAILED = "failed", "Failed"
    STOPPED = "stopped", "Stopped"


ACTIVE_STATES = (SyncState.QUEUED, SyncState.RUNNING)


class Trigger(models.TextChoices):
    FIRST = "first", "First sync"
    PERSON = "person", "Sync now"
    SCHEDULE = "schedule", "Schedule"
    NEW_KEY = "new_key", "New key"
    STAFF = "staff", "BlinkMetrics staff"
    COMMAND = "command", "Command line"


class AlreadyActive(Exception):
    """This connection has a sync that is queued or running."""


class LeaseLost(Exception):
    """Another worker has this sync now, or somebody stopped it: store nothing more."""


class SyncQuerySet(models.QuerySet["Sync"]):
    def active(self) -> Self:
        return self.filter(state__in=ACTIVE_STATES)

    def claimable(self) -> Self:
        """Queued and due, or left by a worker whose lease ran out."""
        now = timezone.now()
        return self.filter(
            Q(state=SyncState.QUEUED, run_after__lte=now) | Q(state=SyncState.RUNNING, lease_until__lt=now)
        ).order_by("run_after", "pk")

    def in_turn(self, places: Mapping[int, int]) -> Self:
        """What is claimable, first of the workspaces with the fewest places; `places` are of those that have any."""
        whens = [When(connection__workspace=workspace, then=count) for workspace, count in places.items()]
        return self.claimable().order_by(Case(*whens, default=0), "run_after", "pk") if whens else self.claimable()

    def not_of(self, accounts: Collection[str]) -> Self:
        """Without those of the accounts that have these fingerprints."""
        return self.exclude(connection__account_fingerprint__in=accounts)

    def queue(
        self,
        connection: Connection,
        *,
        trigger: str,
        by: User | None = None,
        pace: str = "",
        full: bool = False,
        only: list[str] | None = None,
    ) -> "Sync":
        """Ask for a sync. Raises AlreadyActive."""
        last = connection.syncs.aggregate(last=models.Max("number", default=0))["last"]
        try:
            with transaction.atomic():
                return self.create(
                    connection=connection,
                    number=last + 1,
                    trigger=trigger,
                    requested_by=by,
                    pace=pace or connection.pace,
                    full=full,
                    only_streams=only or [],
                )
        except IntegrityError as taken:
            raise AlreadyActive("A sync of this connection is already under way.") from taken

    @transaction.atomic
    def start(self, connection: Connection, *, trigger: str, **wanted: Any) -> "Sync":
        """Ask for a sync and claim it in one, so that no other worker can. Raises AlreadyActive."""
        return self.queue(connection, trigger=trigger, **wanted).take()

    def claim_left_behind(self, connection: Connection) -> "Sync | None":
        """Take the sync that a worker of this connection died at, if there is one."""
        return self.filter(connection=connection, state=SyncState.RUNNING).claim()

    def claim_queued(self, connection: Connection) -> "Sync | None":
        """Take the sync of this connection that waits for a worker, or for its time, if one does."""
        return self.filter(connection=connection, state=SyncState.QUEUED).take_first()

    def claim(self, *, pk: int | None = None) -> "Sync | None":
        """Take one claimable sync for this worker, or None. At most one worker gets each."""
        return (self.claimable() if pk is None else self.claimable().filter(pk=pk)).take_first()

    def take_first(self) -> "Sync | None":
        """As `claim`, in the order that this has."""
        if not self.exists():
            return None  # Most looks find nothing, and a look must not take SQLite's one lock for writing.
        with transaction.atomic():
            can_skip = connections[self.db].features.has_select_for_update_skip_locked
            # Not the connection that it may be ordered by: whoever edits it must not keep its sync waiting.
            waiting = self.select_for_update(skip_locked=True, of=("self",)) if can_skip else self
            sync = waiting.first()
            return sync.take() if sync else None

    def stop(self, reason: str) -> int:
        """The token moves on with it, so that a worker which is at it stores nothing more. Returns how many ended."""
        return self.update(state=SyncState.STOPPED, reason=reason, token=F("token") + 1, finished_at=timezone.now())

    def that_brought_something(self) -> Self:
        """New rows, changed ones, or the word that some are gone."""
        runs = StreamRun.objects.filter(sync=OuterRef("pk"))
        return self.filter(Exists(runs.filter(Q(new__gt=0) | Q(changed__gt=0) | Q(deleted__gt=0))))

    def that_fell_short(self) -> Self:
        return self.filter(state__in=(SyncState.PARTLY_DONE, SyncState.FAILED, SyncState.STOPPED))

    def with_rows(self) -> Self:
        return self.annotate(
            rows_read=models.Sum(rows_of_runs(), default=0),
            rows_new=models.Sum("stream_runs__new", default=0),
            rows_changed=models.Sum("stream_runs__changed", default=0),
            rows_deleted=models.Sum("stream_runs__deleted", default=0),
            calls_saved=models.Sum("stream_runs__calls_saved", default=0),
        )

    def newest_first(self) -> Self:
        return self.order_by("-number").select_related("requested_by")


def rows_of_runs() -> Case:
    """`StreamRun.rows`, of the runs of a sync."""
    stored = F("stream_runs__new") + F("stream_runs__changed") + F("stream_runs__left_out")
    whole = models.PositiveBigIntegerField()
    unfinished = Q(stream_runs__state__in=(RunState.WAITING, RunState.RUNNING))
    began_with_none = When(unfinished, stream_runs__finds_gone=False, stream_runs__changed_since=None, then=stored)
    read = F("stream_runs__read")
    announced = Least(read, Coalesce(F("stream_runs__total"), read, output_field=whole), output_field=whole)
    running = When(unfinished, then=Greatest(stored, announced, output_field=whole))
    return Case(began_with_none, running, default=Greatest(stored, read, output_field=whole), output_field=whole)


class Sync(models.Model):
    """One run. `token` rises with each claim and each stop; a worker writes only while its own is the row's."""

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="syncs")
    number = models.PositiveIntegerField()
    trigger = models.CharField(max_length=10, choices=Trigger)
    requested_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    pace = models.CharField(max_length=20, choices=Pace)
    full = models.BooleanField(default=False)
    only_streams = models.JSONField(default=list)
    state = models.CharField(max_length=12, choices=SyncState, default=SyncState.QUEUED)
    reason = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    run_after = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    token = models.PositiveIntegerField(default=0)
    setbacks = models.PositiveIntegerField(default=0)
    calls = models.PositiveIntegerField(default=0)
    seconds_waited = models.FloatField(default=0.0)

    objects = SyncQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "number"], name="one_sync_per_number"),
            models.UniqueConstraint(
                fields=["connection"],
                condition=Q(state__in=["queued", "running"]),
                name="one_active_sync_per_connection",
            ),
        ]
        indexes = [
            models.Index(fields=["run_after"], condition=Q(state__in=["queued", "running"]), name="sync_claimable"),
            models.Index(fields=["finished_at"], name="sync_ended"),
        ]

    def __str__(self) -> str:
        return f"sync {self.number} of {self.connection}"

    def get_absolute_url(self) -> str:
        place = self.connection
        return reverse("connections:sync", args=[place.workspace.slug, place.source_key, place.pk, self.number])

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE_STATES

    @property
    def is_running(self) -> bool:
        return self.state == SyncState.RUNNING

    @property
    def is_set_back(self) -> bool:
        """It waits after something went wrong, and goes on by itself."""
        return self.state == SyncState.QUEUED and bool(self.reason)

    @property
    def state_word(self) -> str:
        return "Waiting" if self.is_set_back else SyncState(self.state).label

    @property
    def only_words(self) -> str:
        """“Deals and Contacts” where they alone were asked for; empty of a sync of all that is chosen."""
        return in_words([self.connection.stream_name(key) for key in self.only_streams]) if self.only_streams else ""

    @property
    def outcome(self) -> str:
        return f"{self.state_word}; {self.reason}" if self.reason else f"{self.state_word}."

    @property
    def is_silent(self) -> bool:
        """Nobody seems to be at it any more: its worker was killed, or has lost its database."""
        return self.is_running and self.lease_until is not None and self.lease_until < lease_end() - 2 * heartbeat()

    @property
    def duration(self) -> timedelta | None:
        return (self.finished_at or timezone.now()) - self.started_at if self.started_at else None

    @property
    def wait_of_a_call(self) -> float:
        """Seconds on average: several calls wait at the same time, so their sum tells nothing."""
        return self.seconds_waited / self.calls if self.calls else 0.0

    @property
    def streams(self) -> list[Stream]:
        chosen, left_out = {*self.connection.stream_keys}, {*self.connection.holding.clearing}
        if not (self.only_streams or self.full):  # Whoever names a stream, or wants all, wants that asked, too.
            left_out.update(self.connection.stream_healths.left_out(self.connection))
        if self.trigger == Trigger.SCHEDULE and not (self.only_streams or self.full):
            left_out.update(self.connection.resting(self.created_at))
        return self.connection.streams_among(chosen.intersection(self.only_streams or chosen) - left_out)

    # Its life, in order -----------------------------------------------------------------------------------------

    def take(self) -> Self:
        self.state, self.token = SyncState.RUNNING, self.token + 1
        self.started_at = self.started_at or timezone.now()
        self.lease_until = lease_end()
        self.save(update_fields=["state", "token", "started_at", "lease_until"])
        return self

    def hold(self, **changes: Any) -> None:
        """Renew the lease, with whatever else changed on the row. Raises LeaseLost when it is no longer ours."""
        if not self.mine().update(lease_until=lease_end(), **changes):
            raise LeaseLost(f"{self} belongs to somebody else now.")

    def progress(self, **changes: Any) -> None:
        """Hold it, and forget the setbacks before: they count only in a row."""
        self.hold(setbacks=0, **changes)
        self.setbacks = 0

    def mine(self) -> models.QuerySet["Sync"]:
        return Sync.objects.filter(pk=self.pk, token=self.token, state=SyncState.RUNNING)

    def run_of(self, stream: Stream) -> StreamRun:
        run, _ = self.stream_runs.get_or_create(stream=stream.key)
        return run

    def skip(self, refused: Mapping[str, str]) -> None:
        """These are not asked for: the account has just said why it does not give them, by key."""
        now, key = timezone.now(), self.connection.key_fingerprint
        over = {"state": RunState.SKIPPED, "started_at": now, "finished_at": now, "key_fingerprint": key}
        for stream, reason in refused.items():
            self.stream_runs.create(stream=stream, reason=reason, **over)

    def set_back(self, reason: str, *, until: datetime) -> None:
        """Wait and go on later, from where the cursors stand."""
        self.hold(state=SyncState.QUEUED, reason=reason, run_after=until, setbacks=F("setbacks") + 1)

    def release(self) -> None:
        """Give it back at once: this worker is being stopped, another may go on."""
        self.mine().update(state=SyncState.QUEUED, run_after=timezone.now())

    def finish(self, state: str, reason: str = "") -> None:
        self.hold(state=state, reason=reason, finished_at=timezone.now())
        self.refresh_from_db()


def heartbeat() -> timedelta:
    """How often a lease is renewed: often enough that silence is soon noticed."""
    return timedelta(seconds=settings.SYNC_LEASE_SECONDS / 6)


def lease_end() -> datetime:
    return timezone.now() + timedelta(seconds=settings.SYNC_LEASE_SECONDS)
