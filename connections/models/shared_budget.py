"""Takes calls out of an account's budget, in whatever process and thread, without ever taking too many."""

import math
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from django.db import connections, transaction
from django.db.models import F, QuerySet
from django.template.defaultfilters import pluralize
from django.utils import timezone

from connections.models import budget
from connections.models.budget import AccountBudget
from connections.models.choices import Pace
from connections.models.pacing import MOST_KEPT, UNTOLD, Pacing
from connections.models.timing import Alignment, Travels
from sources.errors import NoCallFree, NoCallInTime
from sources.spec import Allowance, Lane

AHEAD = 0.12  # Seconds before its moment that a pull may take a slot: storing holds the database up for less.
HESITATION = 0.08  # Seconds.
PERSON_AHEAD = 0.3  # Seconds; more than a pull's and an interval, so that a person gets the next slot that is free.
PERSON_YIELDS = 0.03  # After another person's slot: a pull that waits has taken it by then.
MISSED = 0.5  # Seconds after which a slot is not used any more: later calls may be on their way already.
LONGEST_NAP = 0.5  # Seconds between two looks at whether the work is still wanted.
PATIENCE = 8.0  # Seconds that a person in front of a page is kept waiting for a slot.
DISBELIEF = 30  # Answers in a row that say that no call is left, and are followed by others: then it is not so.


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The row as it was at one moment by the database's clock."""

    row: AccountBudget
    now: float
    pacing: Pacing


@dataclass(frozen=True, kw_only=True)
class Slot:
    """A call that was granted: for `moment` by the database's clock, for `leaves` by this process's.

    `left` is what the account can have left after it, as far as our calls go.
    """

    moment: float
    leaves: float
    left: int


@dataclass
class SharedBudget:
    """The budget of one account as one caller uses it; a sources.spec.SlottedBudget over the account's row.

    `rate` is what the account bears, in calls per second; `pace` how much of it a pull may fill. `still_wanted` is
    asked while waiting: what it raises ends the wait. A person's wait ends at `gives_up_at`, by `clock`. Grants run in
    autocommit: call `take` and `next_slot` outside of transactions. Nothing else touches the database but what is given
    to `aside`.
    """

    account: str
    rate: float
    pace: str = Pace.CONSIDERATE
    still_wanted: Callable[[], None] = lambda: None
    gives_up_at: float = math.inf
    sleep: Callable[[float], None] = time.sleep
    aside: Callable[[Callable[[], None]], None] = lambda work: work()
    clock: Callable[[], float] = time.monotonic
    calls: int = 0
    waited: float = 0.0
    none_left: int = 0
    alignment: Alignment = field(default_factory=Alignment)
    travels: Travels = field(default_factory=Travels)
    left_late: dict[float, float] = field(default_factory=dict)
    took: dict[float, float] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    here: threading.local = field(default_factory=threading.local)

    def __post_init__(self) -> None:
        AccountBudget.objects.get_or_create(account=self.account)

    @property
    def watches_calls(self) -> bool:
        """Whether it matters when single calls arrive."""
        return self.rate <= MOST_KEPT

    # A call ---------------------------------------------------------------------------------------------------------

    def take(self, lane: Lane) -> None:
        """Raises NoCallFree when a person would wait for longer than they should sit through."""
        while not self.meets(self.next_slot(lane)):
            continue

    def next_slot(self, lane: Lane) -> Slot:
        """A slot is taken shortly before its moment, so that until then whoever has the right to may come first."""
        asked = self.clock()
        while True:
            reading = self.read()
            moment = reading.pacing.free_at(lane, now=reading.now)
            wait, ahead = moment - reading.now, AHEAD
            if lane is Lane.INTERACTIVE:
                self.require_patience(wait, asked=asked)
                ahead = PERSON_YIELDS if reading.row.served_person else PERSON_AHEAD
            if wait > ahead:
                self.nap(wait - ahead + self.hesitation(asked))
            elif self.take_slot(reading, moment, lane=lane):
                return self.slot_at(moment, reading)

    def hesitation(self, asked: float) -> float:
        """Otherwise the same process would win each slot. Who has waited for longer hesitates less."""
        slots_missed = (self.clock() - asked) * self.rate
        return random.uniform(0.0, HESITATION) / (1.0 + slots_missed)  # noqa: S311  spreads callers, hides nothing

    def slot_at(self, moment: float, reading: Reading) -> Slot:
        with self.lock:
            self.left_late[moment] = 0.0
            if len(self.left_late) > MOST_KEPT:
                oldest = min(self.left_late)
                del self.left_late[oldest]
                self.took.pop(oldest, None)
        return Slot(moment=moment, leaves=self.alignment.ours(moment), left=reading.pacing.left_after(moment))

    def require_patience(self, wait: float, *, asked: float) -> None:
        if wait > PATIENCE:
            seconds = math.ceil(wait)
            words = f"The account asked us to slow down. Try again in {seconds} second{pluralize(seconds)}."
            raise NoCallFree(words, retry_after=seconds)
        if self.clock() + wait > self.gives_up_at:
            seconds = math.ceil(wait)
            words = f"The account is busy. Try again in {seconds} second{pluralize(seconds)}."
            raise NoCallInTime(words, retry_after=wait)
        if self.clock() - asked > PATIENCE:
            raise NoCallFree("Too many are asking this account at once. Try again in a minute.", retry_after=60.0)

    def take_slot(self, reading: Reading, moment: float, *, lane: Lane) -> bool:
        """Take it unless something changed meanwhile."""
        pacing = reading.pacing.granted(moment, lane=lane, pace=self.pace, now=reading.now)
        row, average = reading.row, self.travels.average
        columns: dict[str, object] = {"served_person": lane is Lane.INTERACTIVE}
        columns |= {} if average is None else {"answers_take": average}
        minute = timezone.now().replace(second=0, microsecond=0)
        if row.minute == minute:
            return self.write(reading, pacing, **columns, calls=row.calls + 1)
        with transaction.atomic():
            is_taken = self.write(reading, pacing, **columns, minute=minute, calls=1)
            if is_taken:
                row.keep_minute()
        return is_taken

    def meets(self, slot: Slot) -> bool:
        """Sleep until its moment; False when that was overslept by so much that the slot is gone."""
        self.nap(slot.leaves - self.clock())
        late = self.clock() - slot.leaves
        if late >= MISSED:
            return False
        self.here.slot = slot
        with self.lock:
            self.calls += 1
            if self.watches_calls and late > UNTOLD:
                self.left_late[slot.moment] = late
        if self.watches_calls and late > UNTOLD:
            self.tell()
        return True

    def answered(self, allowance: Allowance | None = None, *, ago: float = 0.0) -> None:
        """The call that this thread took last was answered."""
        slot: Slot | None = getattr(self.here, "slot", None)
        if slot is None:
            return
        took = self.clock() - ago - slot.leaves
        self.travels.note(took)
        if self.watches_calls:
            self.hear(slot, allowance, took=took)

    def hear(self, slot: Slot, allowance: Allowance | None, *, took: float) -> None:
        with self.lock:
            if slot.moment in self.left_late:  # Else it is out of every second that still matters.
                self.took[slot.moment] = took
        if allowance is not None and self.is_crowded(slot, allowance):
            self.change(lambda reading: reading.pacing.crowded())
        elif self.travels.lateness(took) > UNTOLD:  # Less is told with the next slot that is taken here.
            self.tell()

    def tell(self) -> None:
        """A late call must not have the next ones too close behind it, whichever process sends those."""
        self.change(lambda reading: reading.pacing)

    def late(self) -> dict[float, float]:
        """By how much each of our last calls arrived late, as far as that is known."""
        unheard = self.travels.likely_lateness
        with self.lock:
            known = {moment: self.travels.lateness(took) for moment, took in self.took.items()}
            return {moment: max(late, known.get(moment, unheard)) for moment, late in self.left_late.items()}

    def is_crowded(self, slot: Slot, allowance: Allowance) -> bool:
        """Whether the account says that nothing is left where our calls leave something. It may be wrong."""
        with self.lock:
            self.none_left = self.none_left + 1 if allowance.remaining == 0 else 0
            is_believed = self.none_left <= DISBELIEF and allowance.limit in (None, math.floor(self.rate))
        return is_believed and allowance.remaining == 0 < slot.left

    def slow_down(self, seconds: float) -> None:
        """The account refused: everybody waits, and the pace halves until calls succeed again."""
        with self.lock:
            self.none_left = 0
        self.change(
            lambda reading: reading.pacing.refused(seconds, now=reading.now),
            refusals=F("refusals") + 1,
            refused_at=timezone.now(),
        )

    # The row --------------------------------------------------------------------------------------------------------

    def row(self) -> QuerySet[AccountBudget]:
        return AccountBudget.objects.filter(account=self.account)

    def read(self) -> Reading:
        row = self.row().annotate(now=budget.Clock()).get()
        self.alignment.note(theirs=row.now, ours=self.clock())
        pacing = row.pacing(rate=self.rate).believed(row.now).corrected(self.late())
        return Reading(row=row, now=row.now, pacing=pacing)

    def write(self, reading: Reading, pacing: Pacing, **columns: object) -> bool:
        """False when somebody else wrote it since it was read."""
        version = reading.row.version
        unchanged = self.row().filter(version=version)
        return bool(unchanged.update(version=version + 1, **pacing.columns(), **columns))

    def change(self, change: Callable[[Reading], Pacing], **columns: object) -> None:
        def make() -> None:
            reading = self.read()
            while not self.write(reading, change(reading), **columns):
                reading = self.read()

        self.aside(make)

    # The caller -----------------------------------------------------------------------------------------------------

    def leave(self) -> None:
        """This thread takes no more: its line to the database is closed."""
        connections.close_all()

    def take_tally(self) -> tuple[int, float]:
        """The calls and the seconds waited since the last tally."""
        with self.lock:
            tally = self.calls, self.waited
            self.calls, self.waited = 0, 0.0
        return tally

    def nap(self, seconds: float) -> None:
        with self.lock:
            self.waited += max(seconds, 0.0)
        while seconds > 0:
            self.still_wanted()
            self.sleep(min(seconds, LONGEST_NAP))
            seconds -= LONGEST_NAP
