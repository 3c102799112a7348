"""How many calls and minutes a pull takes, what is left of one that runs, and what the account bears meanwhile."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.template.defaultfilters import pluralize
from django.utils import timezone

from connections.models import AccountBudget, Connection, Pace, StreamRun, Sync
from connections.models.pacing import SHARE
from sources.spec import Source, Stream

PAGE = 100
OVERLAP = 5  # Rows that a page has in common with the one before it.
BY_ID = 97  # Rows of a page in a walk by id, whose ranges do not end where pages do.
MINUTE = timedelta(minutes=1)
SLOW = 5.0  # Seconds for an answer, on average. Live accounts took up to 2.5 on a good day.

Sizes = Mapping[str, int]
"""The rows of each stream that has been counted."""


@dataclass(frozen=True)
class Cost:
    """What it takes to read streams at one pace, in calls a second. `is_counted`: all of them are.

    With slow answers the rate comes out at less than the pace.
    """

    pace: Pace
    rate: float
    real_rate: float
    calls: int
    is_counted: bool

    @property
    def time(self) -> str:
        return in_words(self.calls / self.real_rate, is_counted=self.is_counted)

    @property
    def words(self) -> str:
        if not self.time:
            return "How long it takes is known once the first sync has counted."
        calls = f"{self.calls:,} call{pluralize(self.calls)}"
        if self.is_counted:
            return f"All that is chosen takes {self.time} ({calls})."
        return f"What is chosen takes {self.time} ({calls}): not everything is counted yet."


STEPS = (  # Up to so many seconds, in this unit, by steps of so many of it: never off by more than a seventh.
    (100.0, "seconds", 1, 5.0),
    (10 * 60.0, "minutes", 60, 0.5),
    (100 * 60.0, "minutes", 60, 1.0),
    (math.inf, "hours", 3600, 0.5),
)
MOMENT = 20.0  # Seconds. Of less nobody wants to know how much less.


def in_words(seconds: float, *, is_counted: bool = True) -> str:
    """“about 85 seconds”, “about 2.5 minutes”, “about 3 hours”.

    Empty where so little is counted that nothing can be said.
    """
    if seconds < MOMENT:
        return f"less than {MOMENT:.0f} seconds" if is_counted else ""
    unit, size, step = next((unit, size, step) for most, unit, size, step in STEPS if seconds <= most)
    count = round(seconds / size / step) * step
    return f"about {count:g} {unit}"


def sizes(connection: Connection, stored: Sizes) -> dict[str, int]:
    """What the account said, or what is stored if that is more; and of what came back empty, that it is empty."""
    facts = connection.account_facts
    counted = dict.fromkeys(last_read(connection), 0) | facts.get("totals", {}) | facts.get("counts", {})
    return counted | {key: max(rows, counted.get(key, 0)) for key, rows in stored.items()}


def last_read(connection: Connection) -> list[str]:
    """The streams that were read to their end by the last sync."""
    last = connection.syncs.newest_first().exclude(finished_at=None).first()
    return [run.stream for run in last.stream_runs.all() if run.is_finished and not run.is_without_rows] if last else []


def calls_of(stream: Stream, counted: Sizes, *, beside_longer: bool = False) -> int:
    """Of one whose lists are in the rows of another stream one for each of these, and for each further page."""
    rows = counted.get(stream.key, 0)
    if stream.nested:
        return max(1, counted.get(stream.nested.parent, 0)) + rows // PAGE
    return calls_for(stream, rows, beside_longer=beside_longer)


def calls_for(stream: Stream, rows: int, *, beside_longer: bool = False) -> int:
    """One more call looks behind a list that fits into a page, where no longer one beside it shows how pages end."""
    if not rows or (beside_longer and rows < PAGE):
        return 1
    by_offset = (rows - OVERLAP) / (PAGE - OVERLAP)
    return max(2, math.ceil(rows / BY_ID if stream.paging == "keyset" else by_offset))


def has_long(streams: Collection[Stream], counted: Sizes) -> bool:
    return any(counted.get(stream.key, 0) > PAGE for stream in streams)


def pull_rate(source: Source, pace: str) -> float:
    return source.calls_per_second() * SHARE[Pace(pace)]


def rate_at_most(source: Source, budget: AccountBudget | None) -> float:
    """Calls a second that come about with as many under way as a pull makes, whatever the account bears."""
    return source.calls_at_once / budget.answers_take if budget and budget.answers_take else math.inf


def cost(
    source: Source, streams: Collection[Stream], counted: Sizes, pace: Pace, budget: AccountBudget | None = None
) -> Cost:
    beside_longer = has_long(streams, counted)
    return Cost(
        pace=pace,
        rate=pull_rate(source, pace),
        real_rate=min(pull_rate(source, pace), rate_at_most(source, budget)),
        calls=sum(calls_of(one, counted, beside_longer=beside_longer) for one in streams),
        is_counted=all((one.nested.parent if one.nested else one.key) in counted for one in streams),
    )


def estimates(connection: Connection, budget: AccountBudget | None) -> list[Cost]:
    """What its streams, or the usual ones of a draft, cost at each pace, as far as the account offers them.

    `budget` is the account's.
    """
    source = connection.known_source()
    left_out = {*connection.refused, *connection.stream_healths.left_out(connection)}
    streams = [one for one in connection.streams or source.default_streams if one.key not in left_out]
    counted = sizes(connection, connection.row_counts.by_stream())
    return [cost(source, streams, counted, pace, budget) for pace in Pace]


# A sync that runs -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Remaining:
    """What a sync that is under way still has before it."""

    calls: int
    seconds: float
    is_counted: bool

    @property
    def words(self) -> str:
        time = in_words(self.seconds, is_counted=self.is_counted)
        return f"{time} left" if time else "time left not known yet"


def remaining(sync: Sync, runs: Collection[StreamRun], counted: Sizes, *, rate: float, pause: float) -> Remaining:
    """From the rows that are left, at the rate that is granted, once a pause that the account asked for is over."""
    by_stream = {run.stream: run for run in runs}
    left = [(one, *rows_left(by_stream.get(one.key), counted.get(one.key))) for one in sync.streams]
    beside_longer = has_long(sync.streams, counted)
    calls = sum(calls_for(one, rows or 0, beside_longer=beside_longer) for one, rows, is_over in left if not is_over)
    is_counted = all(is_over or rows is not None for _, rows, is_over in left)
    return Remaining(calls=calls, seconds=calls / rate + pause, is_counted=is_counted)


def rows_left(run: StreamRun | None, counted: int | None) -> tuple[int | None, bool]:
    """The rows of a stream that are still to come, None where nobody knows; and whether it is over."""
    if run is None:
        return counted, False
    expected = run.total if run.total is not None else counted
    return None if expected is None else max(0, expected - run.read), run.is_finished


# The account's budget ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class BudgetInUse:
    """The calls that an account receives from BlinkMetrics, beside what it bears; all in calls a second.

    `granted` is what this connection's pull may take for the moment. Answers take so many seconds.
    """

    bears: float
    now: float
    granted: float
    last_hour: int
    is_slowed: bool
    resumes_at: datetime | None
    answers_take: float = 0.0

    @property
    def is_slow(self) -> bool:
        """The account itself is, and not its limit."""
        return self.answers_take >= SLOW

    @property
    def pause(self) -> float:
        """Seconds."""
        return max(0.0, (self.resumes_at - timezone.now()).total_seconds()) if self.resumes_at else 0.0


def budget_in_use(source: Source, budget: AccountBudget | None, pace: str, sync: Sync | None) -> BudgetInUse:
    """`sync` is the one that runs, if one does: of a young one the pace shows before a minute is over."""
    return BudgetInUse(
        bears=(bears := source.calls_per_second()),
        now=min(bears, calls_a_second(budget, sync)) if budget else 0.0,
        granted=min(pull_rate(source, pace) * (budget.ease if budget else 1.0), rate_at_most(source, budget)),
        last_hour=budget.calls_in_last_hour() if budget else 0,
        is_slowed=bool(budget and budget.is_slowed),
        resumes_at=budget.resumes_at if budget else None,
        answers_take=budget.answers_take if budget else 0.0,
    )


def calls_a_second(budget: AccountBudget, sync: Sync | None) -> float:
    """Over the last minute; the calls of a sync that began within it over the time since then."""
    now, own, since = timezone.now(), 0, MINUTE
    if sync and sync.started_at and now - sync.started_at < MINUTE:
        own, since = sync.calls, now - sync.started_at
    # What others have called since the minute began is not its doing.
    others = max(0.0, calls_in_last_minute(budget, now) - own)
    return own / max(1.0, since.total_seconds()) + others / MINUTE.total_seconds()


def calls_in_last_minute(budget: AccountBudget, now: datetime) -> float:
    this_minute = now.replace(second=0, microsecond=0)
    counts = budget.calls_by_minute(since=this_minute - 2 * MINUTE)
    share_of_the_minute_before = 1 - (now - this_minute) / MINUTE
    return counts.get(this_minute, 0) + counts.get(this_minute - MINUTE, 0) * share_of_the_minute_before
