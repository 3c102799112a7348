"""A number as it is read: over a period, beside what the account says, with its curve and its parts."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median
from typing import Literal

from django.template.defaultfilters import pluralize

from sources.spec import Definition, How

Value = int | float
ValueOfHowMany = tuple[Value | None, int | None]
Step = Literal["day", "week", "month"]
A_DAY = timedelta(days=1)
A_DAYS_SECONDS = 86_400
EARLIEST = date(2000, 1, 1)


@dataclass(frozen=True, kw_only=True)
class Period:
    """From one day to another, both included, in steps. Days end at midnight in the workspace's zone.

    With `is_all` it is all time, with what is of no day: nothing lies before.
    """

    start: date
    end: date
    step: Step = "day"
    is_all: bool = False

    @classmethod
    def usual(cls, today: date) -> "Period":
        """This month and the eleven before it."""
        return cls(start=months_before(today, 11), end=today, step="month")

    @classmethod
    def last_month(cls, today: date) -> "Period":
        return cls(start=months_before(today, 1), end=today.replace(day=1) - A_DAY)

    @classmethod
    def this_month(cls, today: date) -> "Period":
        return cls(start=today.replace(day=1), end=today)

    @classmethod
    def all_time(cls, today: date, *, first: date | None) -> "Period":
        """From the first day of which anything is kept; what rows say of days before this century, they do not mean."""
        return cls(start=min(max(first or today, EARLIEST), today), end=today, step="month", is_all=True)

    @property
    def days(self) -> int:
        return (self.end - self.start).days + 1

    @property
    def before(self) -> "Period":
        """As many days, just before; of what begins with a month as many months, up to the same day of the last."""
        if self.start.day > 1:
            return Period(start=self.start - timedelta(days=self.days), end=self.start - A_DAY, step=self.step)
        months = 12 * (self.end.year - self.start.year) + self.end.month - self.start.month + 1
        last = months_before(self.end, months - 1) - A_DAY
        end = last if (self.end + A_DAY).day == 1 else last.replace(day=min(last.day, self.end.day))
        return Period(start=months_before(self.start, months), end=end, step=self.step)

    def is_whole(self, first: date, last: date) -> bool:
        """Whether the step between these days of it is a whole week or month, as far as its beginning and end go."""
        match self.step:
            case "week":
                return not first.weekday() and last.weekday() == 6
            case "month":
                return first.day == 1 and (last + A_DAY).day == 1
        return True

    def __iter__(self) -> Iterator[date]:
        return (self.start + timedelta(days=number) for number in range(self.days))

    def step_of(self, day: date) -> date:
        """The first day of the step that it lies in; weeks begin on Mondays."""
        match self.step:
            case "week":
                return max(self.start, day - timedelta(days=day.weekday()))
            case "month":
                return max(self.start, day.replace(day=1))
        return day


def months_before(day: date, count: int) -> date:
    """The first day of the month so many before."""
    months = day.year * 12 + day.month - 1 - count
    return date(months // 12, months % 12 + 1, 1)


@dataclass(frozen=True, kw_only=True)
class Point:
    """One step of a curve. None is a gap: it could not be read.

    `is_unfinished`: more may come. `is_part`: the period has a part of its week or month only. `is_lighter`: as far as
    ActiveCampaign still shows it, from before we connected.
    """

    day: date
    value: Value | None
    is_unfinished: bool = False
    is_part: bool = False
    is_lighter: bool = False


@dataclass(frozen=True, kw_only=True)
class Said:
    """What the account says of all rows, and what ours said at that moment; money in the smallest parts."""

    value: int
    ours: int
    checked_at: datetime
    reasons: str = ""

    @property
    def difference(self) -> int:
        """Below 0: ours are fewer."""
        return self.ours - self.value

    @property
    def agrees(self) -> bool:
        return self.value == self.ours

    @property
    def difference_words(self) -> str:
        """Empty where both say the same."""
        if self.agrees:
            return ""
        more = "more" if self.difference > 0 else "fewer"
        return f"{abs(self.difference):,} {more} here than there. {self.reasons or UNTIL_THEN}"


UNTIL_THEN = "What came or went there since the last sync is counted by the next one."


@dataclass(frozen=True, kw_only=True)
class Part:
    """One group of a breakdown, over the same period. `count` and `fault` are as in `Figure`."""

    group: str
    name: str
    value: Value | None
    previous: Value | None
    currency: str = ""
    count: int | None = None
    said: Said | None = None
    fault: str = ""


@dataclass(frozen=True)
class Parts:
    """The groups of a breakdown, each with whether there is anything of it.

    They are put in order, the largest first, and a part is made when somebody looks: a page shows some of hundreds, in
    the order of one number, and what stands beside each costs time.
    """

    groups: Mapping[str, bool]
    place: Callable[[str], tuple[Value, str]]
    make: Callable[[str], Part]

    def __iter__(self) -> Iterator[Part]:
        return (self.make(group) for group in self.in_order())

    def in_order(self) -> list[str]:
        return sorted(self.groups, key=self.place)

    def of(self, group: str) -> Part | None:
        return self.make(group) if group in self.groups else None


@dataclass(frozen=True, kw_only=True)
class Rows:
    """The rows that are counted, as the data pages narrow them: their stream and the address's fields.

    `are_more`: several of them may count as one.
    """

    stream: str
    query: Mapping[str, str]
    are_more: bool = False


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A number over a period.

    `value` is None while it is not known: a stream was never read to its end. Of how many there are now it is that,
    else what the period comes to; `previous` is the period before. `count` is of how many, for a share or a median.
    `in_all` is of all rows whatever their day, beside which `said` stands. `undated` are counted in no day; where the
    log gives the day, `told_since` is the day since which it does, `told_by` the stream that may tell those of before,
    and `is_told` whether that was read. Where there is none in the period, `last_on` is the last day of any. With
    `holds_undated` they are in `value`. `unknown` rows add nothing as nobody knows what. `series` is the curve over the
    period, `before` that of the period before, where somebody wants it.
    `as_of` is the oldest last complete read of the streams that it uses. `fault` is a sentence about what cannot be.
    """

    definition: Definition
    value: Value | None
    parts: Parts
    previous: Value | None = None
    currency: str = ""
    scale: int = 0
    count: int | None = None
    in_all: int | None = None
    undated: int = 0
    told_since: date | None = None
    told_by: str = ""
    is_told: bool = False
    last_on: date | None = None
    holds_undated: bool = False
    unknown: int = 0
    said: Said | None = None
    series: tuple[Point, ...] = ()
    before: tuple[Point, ...] = ()
    by: str = ""
    as_of: datetime | None = None
    is_stock: bool = False
    fault: str = ""
    rows: Rows | None = None
    zone: str = "UTC"

    @property
    def kind_words(self) -> str:
        """Which of the two kinds it is."""
        if self.is_stock:
            return "As the rows say now; its past as we saw it each day."
        if self.told_since:
            return "As the rows say now, on the day we saw it; before we connected as far as ActiveCampaign tells it."
        if self.definition.turn or any(point.is_lighter for point in self.series):
            return "As we saw it each day since we connected; before that as far as ActiveCampaign still shows."
        return "As the rows say now."

    @property
    def undated_words(self) -> str:
        """“12 won before we connected, in no month”"""
        return f"{self.undated:,} {self.definition.undated_words}" if self.undated else ""

    @property
    def unknown_words(self) -> str:
        if not self.unknown:
            return ""
        return f"Not in it: {self.unknown:,} row{pluralize(self.unknown)} {self.definition.unknown_words}."


def combined(one: Definition, first: Value | None, second: Value | None) -> ValueOfHowMany:
    """A share of how many, or what is left."""
    if first is None or second is None:
        return None, None
    if one.how == How.DIFFERENCE:
        return first - second, None
    return (first / second if second else None), int(second)


def middle(seconds: Sequence[int]) -> ValueOfHowMany:
    """The median in days, and of how many."""
    return (median(seconds) / A_DAYS_SECONDS if seconds else None), len(seconds)
