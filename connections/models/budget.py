"""The calls that one account may receive: one row an account, shared by every process and machine."""

import math
import random
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.db import connections, models, transaction
from django.db.models import Case, F, FloatField, Func, Q, Value, When
from django.db.models.functions import Greatest, Least
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
JITTER = 0.02  # Seconds. Without it, the same process wins each free slot.
UNEVEN_TRAVEL = 0.03  # Seconds by which one call may reach the account later than the next; with the share it fits.
LONGEST_NAP = 1.0  # Seconds between two looks at whether the work is still wanted.
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

    def __post_init__(self) -> None:
        AccountBudget.objects.get_or_create(account=self.account)

    def take(self, lane: Lane) -> None:
        # Counted first: what is granted has to be sent at once.
        count_call(self.account)
        if lane == Lane.INTERACTIVE:
            self.nap(self.reserve_next())
        else:
            self.wait_for_free()
        self.nap(DEPARTURES.delay(self.account, most=math.ceil(self.rate)))
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

    @transaction.atomic
    def reserve_next(self) -> float:
        """A person waits: the next slot is theirs, before any pull. Returns the seconds until it.

        Raises RateLimited when the account asked for a longer pause than a person should sit through.
        """
        interval = 1.0 / (self.rate * SHARE[Pace.FULL])
        self.row().update(tat=Greatest(F("tat"), Clock()) + interval)
        wait = self.row().values_list(F("tat") - interval - Clock(), flat=True).get()
        if wait > PATIENCE:
            seconds = math.ceil(wait)
            raise RateLimited(
                f"The account asked us to slow down. Try again in {seconds} seconds.", retry_after=seconds
            )
        return max(float(wait), 0.0)

    def wait_for_free(self) -> None:
        while not self.take_free():
            wait = max(self.row().values_list(F("tat") - Clock(), flat=True).get(), 0.0)
            self.nap(wait + random.uniform(0.0, min(JITTER, wait)))  # noqa: S311  spreads callers, hides nothing

    def take_free(self) -> bool:
        interval = 1.0 / (self.rate * SHARE[Pace(self.pace)])
        taken = self.row().filter(tat__lte=Clock())
        return bool(taken.update(tat=Clock() + interval / F("ease"), ease=Least(1.0, F("ease") * CLIMB)))

    def slow_down(self, seconds: float) -> None:
        """The account refused: everybody waits, and the pace halves until calls succeed again."""
        # What is refused during a pause was under way before it: one burst is one reason to slow down, not several.
        is_new = Q(paused_until__lt=Clock())
        eased = Case(When(is_new, then=Greatest(SLOWEST, F("ease") / 2)), default=F("ease"))
        resume = Clock() + Value(seconds)
        self.row().update(
            tat=Greatest(F("tat"), resume),
            paused_until=Greatest(F("paused_until"), resume),
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
