"""The calls that one account may receive: one row an account, shared by every process and machine."""

import math
import random
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.db import connections, models
from django.db.models import Case, F, FloatField, Func, Q, Value, When
from django.db.models.functions import Greatest
from django.db.models.lookups import LessThan
from django.utils import timezone

from connections.models.choices import Pace
from sources.errors import RateLimited
from sources.spec import Lane

SHARE = {
    Pace.FULL: 0.97,  # All of it would let one call too many into some seconds: calls do not travel equally fast.
    Pace.CONSIDERATE: 0.6,  # 3 of 5: a neighbour on the same account is then hardly ever refused.
}
SLOWEST = 0.1
CLIMB = 1.02  # A granted call's share in the way back: from half to all in about 35 calls.
AHEAD = 0.05  # Seconds before its moment that a slot may be taken; whoever takes it then wakes for it in time.
JITTER = 0.02  # Seconds. Without it, the same process wins each free slot.
LATE = 0.015  # Seconds by which a call may miss its slot; what is beyond that moves the slots behind it.
UNEVEN_TRAVEL = 0.035  # Seconds by which one call may reach the account later than the next; with the share it fits.
LONGEST_NAP = 1.0  # Seconds between two looks at whether the work is still wanted.
FARTHEST = 600.0  # Seconds; no pause is as long. A slot farther off says that the database's clock was set back.
PATIENCE = 8.0  # Seconds that a person in front of a page is kept waiting for a slot.


class Clock(Func):
    """Seconds since 1970 by the database's clock, which machines whose own clocks differ share."""

    output_field = FloatField()
    arity = 0

    def as_sqlite(self, compiler, connection, **context):
        # SQLite 3.40 knows no unixepoch('subsec').
        return self.as_sql(compiler, connection, template="((julianday('now') - 2440587.5) * 86400.0)", **context)

    def as_postgresql(self, compiler, connection, **context):
        # now() stands still within a transaction.
        return self.as_sql(compiler, connection, template="extract(epoch from clock_timestamp())::float8", **context)


class AccountBudget(models.Model):
    """A GCRA: `tat` is the second, by the database's clock, from which the next call is free.

    `ease` is the part of the usual pace that the account bears: 1 while all is well, less after it refused calls.
    """

    account = models.CharField(max_length=64, primary_key=True)
    tat = models.FloatField(default=0.0)
    ease = models.FloatField(default=1.0)
    paused_until = models.FloatField(default=0.0)
    refusals = models.PositiveBigIntegerField(default=0)
    refused_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"budget {self.account[:8]}"

    @property
    def is_slowed(self) -> bool:
        return self.ease < 1.0

    @property
    def resumes_at(self) -> datetime | None:
        """Until when the account asked not to be called, if that is still ahead."""
        until = datetime.fromtimestamp(self.paused_until, tz=UTC)
        return until if until > timezone.now() else None

    def calls_in_last_hour(self) -> int:
        hour = self.minutes.filter(minute__gt=timezone.now() - timedelta(hours=1))
        return hour.aggregate(spent=models.Sum("calls", default=0))["spent"]


class CallMinute(models.Model):
    """How many calls an account received in one minute: what a page shows as spent."""

    budget = models.ForeignKey(AccountBudget, models.CASCADE, related_name="minutes")
    minute = models.DateTimeField()
    calls = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["budget", "minute"], name="one_row_per_minute")]

    def __str__(self) -> str:
        return f"{self.calls} calls"


def believed(moment: str) -> Case:
    """This column of the row, or the epoch where it lies farther ahead than it can."""
    return Case(When(Q(**{f"{moment}__gt": Clock() + FARTHEST}), then=Value(0.0)), default=F(moment))


@dataclass
class SharedBudget:
    """The budget of one account as one caller uses it; a sources.spec.Budget over the account's row.

    `rate` is what the account bears, in calls per second; `pace` how much of it a pull may fill. `still_wanted` is
    asked while waiting: what it raises ends the wait. Grants run in autocommit: call `take` outside of transactions.
    """

    account: str
    rate: float
    pace: str = Pace.CONSIDERATE
    still_wanted: Callable[[], None] = lambda: None
    sleep: Callable[[float], None] = time.sleep
    calls: int = 0
    waited: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)
    turn: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        AccountBudget.objects.get_or_create(account=self.account)

    def take(self, lane: Lane) -> None:
        # Counted first: what is granted has to be sent at once.
        count_call(self.account)
        with self.turn:  # One thread of a pull asks for slots; more would only get in each other's way.
            moment = self.reserve_next() if lane == Lane.INTERACTIVE else self.wait_for_free()
        self.nap(max(moment - DEPARTURES.clock(), 0.0))
        self.nap(DEPARTURES.delay(self.account, most=math.ceil(self.rate)))
        self.make_up_for(DEPARTURES.clock() - moment)
        with self.lock:
            self.calls += 1

    def leave(self) -> None:
        """This thread takes no more: its line to the database is closed."""
        connections.close_all()

    def take_tally(self) -> tuple[int, float]:
        """The calls and the seconds waited since the last tally."""
        with self.lock:
            tally = self.calls, self.waited
            self.calls, self.waited = 0, 0.0
        return tally

    def reserve_next(self) -> float:
        """A person waits: the next slot is theirs, before any pull. Returns its moment.

        Raises RateLimited when the account asked for a longer pause than a person should sit through.
        """
        while True:
            slot = self.next_slot()
            if slot.wait > PATIENCE:
                seconds = math.ceil(slot.wait)
                raise RateLimited(
                    f"The account asked us to slow down. Try again in {seconds} seconds.", retry_after=seconds
                )
            if self.take_slot(slot, share=SHARE[Pace.FULL]):
                return slot.moment

    def wait_for_free(self) -> float:
        """The moment of a slot that nobody else wanted until shortly before it."""
        while True:
            slot = self.next_slot()
            if slot.wait > AHEAD:
                early = AHEAD - random.uniform(0.0, JITTER)  # noqa: S311  spreads callers, hides nothing
                self.nap(slot.wait - early)
            elif self.take_slot(slot, share=SHARE[Pace(self.pace)] * slot.ease, ease=min(1.0, slot.ease * CLIMB)):
                return slot.moment

    def next_slot(self) -> "Slot":
        now = Clock()
        tat, ease, wait = self.row().annotate(now=now).values_list("tat", "ease", F("tat") - F("now")).get()
        is_free = not 0.0 < wait < FARTHEST
        return Slot(
            tat=tat,
            ease=ease,
            wait=0.0 if is_free else wait,
            idle=-wait if is_free else 0.0,
            read_at=DEPARTURES.clock(),
        )

    def take_slot(self, slot: "Slot", *, share: float, **changes: float) -> bool:
        """Take it unless somebody else did, or the account asked for a pause meanwhile."""
        following = slot.tat + slot.idle + 1.0 / (self.rate * share)
        return bool(self.row().filter(tat=slot.tat).update(tat=following, **changes))

    def make_up_for(self, late: float) -> None:
        """A call that left late must not have the next ones too close behind it, whichever process sends those."""
        if late > LATE:
            self.row().update(tat=F("tat") + (late - LATE))

    def slow_down(self, seconds: float) -> None:
        """The account refused: everybody waits, and the pace halves until calls succeed again."""
        # What is refused during a pause was under way before it: one burst is one reason to slow down, not several.
        paused_until = believed("paused_until")
        is_new = LessThan(paused_until, Clock())
        eased = Case(When(is_new, then=Greatest(SLOWEST, F("ease") / 2)), default=F("ease"))
        resume = Clock() + Value(seconds)
        self.row().update(
            tat=Greatest(believed("tat"), resume),
            paused_until=Greatest(paused_until, resume),
            ease=eased,
            refusals=F("refusals") + 1,
            refused_at=timezone.now(),
        )

    def row(self) -> models.QuerySet[AccountBudget]:
        return AccountBudget.objects.filter(account=self.account)

    def nap(self, seconds: float) -> None:
        with self.lock:
            self.waited += seconds
        while seconds > 0:
            self.still_wanted()
            self.sleep(min(seconds, LONGEST_NAP))
            seconds -= LONGEST_NAP


@dataclass(frozen=True, kw_only=True)
class Slot:
    """The next one as the row has it: in `wait` seconds, or free since `idle`. `moment` is by this process's clock."""

    tat: float
    ease: float
    wait: float
    idle: float
    read_at: float

    @property
    def moment(self) -> float:
        return self.read_at + self.wait


class Departures:
    """When this process sent its last calls to each account.

    The slots of the row are evenly spaced, but a busy machine may send one call late and the next ones in time, and
    then too many leave within one second. This holds the later ones back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.lock = threading.Lock()
        self.sent: defaultdict[str, deque[float]] = defaultdict(deque)

    def delay(self, account: str, *, most: int) -> float:
        """The seconds that a granted call still has to wait, so that no second sees more than `most`."""
        with self.lock:
            sent, now = self.sent[account], self.clock()
            while len(sent) > most:
                sent.popleft()
            leaves = max(now, sent[0] + 1.0 + UNEVEN_TRAVEL) if len(sent) == most else now
            sent.append(leaves)
            return leaves - now


DEPARTURES = Departures()


def count_call(account: str) -> None:
    minute = timezone.now().replace(second=0, microsecond=0)
    if not CallMinute.objects.filter(budget=account, minute=minute).update(calls=F("calls") + 1):
        row, _ = CallMinute.objects.get_or_create(budget_id=account, minute=minute)
        CallMinute.objects.filter(pk=row.pk).update(calls=F("calls") + 1)
