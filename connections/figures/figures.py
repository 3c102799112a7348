"""Reads numbers over a period: a handful of queries, whatever the number of numbers."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import cached_property
from typing import Any

from django.utils import timezone

from connections.figures.figure import (
    Figure,
    Part,
    Parts,
    Period,
    Point,
    Value,
    ValueOfHowMany,
    combined,
    middle,
)
from connections.figures.kept import Kept
from connections.figures.leading import rows_of
from connections.figures.saying import Sayings
from connections.figures.tallying import Counting
from connections.models import Connection, Figured
from sources.spec import Definition, How, Source, Unit

Days = Mapping[date, int]
NO_DAYS: Days = {}
NO_PARTS: Mapping[str, tuple[int, int]] = {}
NOW, BEFORE = 0, 1  # Where the period's own value stands beside that of the one before.


def available(connection: Connection) -> list[Definition]:
    """The numbers of its chosen streams, in the source's order."""
    source, chosen = connection.source, {*connection.stream_keys}
    return [one for one in source.numbers if one.stream in chosen] if source else []


def figures(
    connection: Connection,
    period: Period,
    *,
    keys: Collection[str] | None = None,
    by: str = "",
    group: str = "",
    compares: bool = True,
    drawn_before: Collection[str] = (),
) -> list[Figure]:
    """The numbers of these keys, or all, in the source's order; money once for each currency.

    `by` is the key of a breakdown: numbers that have it fall into parts. With `group` they are of that one alone, and
    numbers without this breakdown are left out. Unless it `compares`, nothing of the period before is read; else those
    of the keys `drawn_before` have their curve of it.
    """
    wanted = [one for one in available(connection) if keys is None or one.key in keys]
    wanted = [one for one in wanted if one.breakdown(by)] if group else wanted
    if connection.source is None or not wanted:
        return []
    reading = Reading(
        connection,
        connection.source,
        wanted,
        period,
        by=by,
        group=group,
        compares=compares,
        drawn_before=drawn_before,
    )
    return reading.figures()


class Reading:
    """Some numbers over a period, and the one before."""

    def __init__(
        self,
        connection: Connection,
        source: Source,
        wanted: Sequence[Definition],
        period: Period,
        *,
        by: str = "",
        group: str = "",
        compares: bool = False,
        drawn_before: Collection[str] = (),
        kept: Kept | None = None,
    ) -> None:
        self.connection, self.source, self.wanted, self.period = connection, source, wanted, period
        self.by, self.group, self.drawn_before = by, group, drawn_before
        self.compares = compares and not period.is_all
        self.holding, self.zone = connection.holding, connection.workspace.zone
        self.today = timezone.now().astimezone(self.zone).date()
        self._last_days: dict[str, date | None] = {}
        self._step_values: dict[tuple[str, str], dict[date, Value | None]] = {}
        self._totals: dict[tuple[str, str, Period], int] = {}
        self._part_values: dict[tuple[str, str, int], dict[str, ValueOfHowMany]] = {}
        basic = {one.key: one for number in wanted for one in self.basic_of(number)}
        self.kept = kept or Kept(
            connection, basic, period, today=self.today, by=by, group=group, compares=self.compares
        )
        self.sayings = Sayings(source, self.kept)

    def figures(self) -> list[Figure]:
        return [self.figure(one, currency) for one in self.wanted for currency in self.currencies(one)]

    def figure(self, one: Definition, currency: str) -> Figure:
        value, count = self.value(one, self.period, currency)
        previous = self.value(one, self.period.before, currency)[0] if self.compares else None
        is_read = self.as_of(one) is not None
        is_unseen = one.is_stock and value is None
        return Figure(
            definition=one,
            value=value,
            previous=previous,
            currency=currency,
            scale=self.scale(one),
            count=count,
            in_all=self.in_all(one, currency) if is_read else None,
            undated=self.undated(one, currency),
            told_since=self.told_since(one),
            told_by=self.told_by(one),
            is_told=self.told_by(one) in self.kept.marks,
            last_on=self.last_on(one, currency) if is_read and not value and not count else None,
            holds_undated=self.period.is_all and one.how != How.MEDIAN,
            unknown=self.kept.of_no_day.get((one.unknown, Figured.ALL, ""), 0),
            said=self.sayings.of(one, currency, self.group),
            series=tuple(self.series(one, currency)) if is_read and not one.whole_period else (),
            before=tuple(self.before.series(one, currency)) if is_read and self.is_drawn_before(one) else (),
            by=self.by if one.breakdown(self.by) else "",
            parts=self.parts(one, currency, previous, are_known=is_read and not is_unseen),
            as_of=self.as_of(one),
            is_stock=one.is_stock,
            fault=self.sayings.fault(one, value, count, self.group),
            rows=rows_of(one, self.source, self.period, by=self.by, group=self.group),
            zone=self.zone_of(one),
        )

    # What it comes of -------------------------------------------------------------------------------------------

    def basic_of(self, one: Definition) -> Iterator[Definition]:
        """The numbers that it comes of in the end, and what it does not know of; or itself."""
        unknown = self.source.number(one.unknown)
        yield from [unknown] if unknown else []
        if not one.is_combined:
            yield one
        for key in (*one.of, *one.other) if one.is_combined else ():
            operand = self.source.number(key)
            yield from self.basic_of(operand) if operand else ()

    def operands(self, keys: Iterable[str]) -> list[Definition]:
        return [one for key in keys if (one := self.source.number(key))]

    def as_of(self, one: Definition) -> datetime | None:
        """None while a stream that it cannot do without was never read to its end, or is not counted yet."""
        streams = {basic.stream for basic in self.basic_of(one) if basic.key != one.unknown}
        if not streams <= self.kept.marks.keys():
            return None
        return min(self.kept.marks[key] for key in streams | ({*one.also} & self.kept.marks.keys()))

    def zone_of(self, one: Definition) -> str:
        """In which its days were counted: for a moment not yet in another that somebody chose."""
        counted = self.kept.states.get(one.stream)
        return counted.zone if counted else self.connection.workspace.timezone

    def last_day(self, one: Definition) -> date | None:
        """The last day that is known in part at least; those behind it are gaps."""
        if one.key not in self._last_days:
            known = self.as_of(one)
            self._last_days[one.key] = known.astimezone(self.zone).date() if known else None
        return self._last_days[one.key]

    def scale(self, one: Definition) -> int:
        stream = self.source.stream(one.stream)
        return stream.facts.typed.scale if stream and one.unit == Unit.MONEY else 0

    def currencies(self, one: Definition) -> list[str]:
        if one.unit != Unit.MONEY:
            return [""]
        found = {currency for key, _, currency in self.kept.of_no_day if key == one.key}
        return sorted(found | {currency for key, currency in self.kept.curves if key == one.key}) or [""]

    # Values -----------------------------------------------------------------------------------------------------

    def value(self, one: Definition, period: Period, currency: str) -> ValueOfHowMany:
        """What it is over a period, and of how many where that matters."""
        value, count = self.counted(one, period, currency)
        may_be_more = not period.is_all and self.may_be_more(one, currency, period.start)
        is_unknown = not value and not count and may_be_more
        return (None, None) if is_unknown else (value, count)

    def counted(self, one: Definition, period: Period, currency: str) -> ValueOfHowMany:
        last = self.last_day(one)
        if last is None or period.start > last:
            return None, None
        if one.is_combined:
            return combined(one, *self.sums(one, lambda each: self.counted(each, period, currency)[0]))
        if one.how == How.MEDIAN:
            return middle([value for day, value in self.kept.single[one.key] if period.start <= day <= period.end])
        if one.whole_period:
            return self.distinct(one, period), None
        if self.kept.of_any_day(one):
            return self.kept.of_no_day.get((one.key, Figured.ALL, currency), 0), None
        days = self.kept.curves.get((one.key, currency), NO_DAYS)
        if not one.is_stock:
            return self.total(one, currency, period), None
        if period.end >= self.today:
            return self.kept.of_no_day.get((one.key, Figured.ALL, currency), 0), None
        return self.seen(one, days, period.end), None

    def may_be_more(self, one: Definition, currency: str, first: date) -> bool:
        """Whether days from there on may be those of rows that have no day: the days before the log."""
        since = self.told_since(one)
        return since is not None and first < since and self.undated(one, currency) > 0

    def total(self, one: Definition, currency: str, period: Period) -> int:
        """Of the days of a period. Many numbers come of the same ones."""
        place = one.key, currency, period
        if place not in self._totals:
            days = self.kept.curves.get((one.key, currency), NO_DAYS)
            self._totals[place] = sum(value for day, value in days.items() if period.start <= day <= period.end)
        return self._totals[place]

    def sums(self, one: Definition, value: Any) -> tuple[Value | None, Value | None]:
        """Of the numbers that it comes of, by what each is; None where one is not known."""
        sides = ([value(each) for each in self.operands(keys)] for keys in (one.of, one.other))
        first, second = (None if None in side else sum(side) for side in sides)
        return first, second

    def distinct(self, one: Definition, period: Period) -> int:
        """Over the whole period: whoever is there on two days is one. Added up where that was counted ahead."""
        until = "" if period.end >= self.today else period.end.isoformat()
        known = self.kept.apart.get((one.key, until, period.start))
        if known is not None:
            return known
        stream = self.source.stream(one.stream)
        if stream is None:
            return 0
        counting = Counting(holding=self.holding, stream=stream, zone=self.zone, others={})
        count: int = counting.each(one, since=period.start, until=period.end).count()
        return count

    def in_all(self, one: Definition, currency: str) -> int | None:
        if one.turn or one.how in (How.RATIO, How.MEDIAN) or one.whole_period:
            return None
        if one.how == How.DIFFERENCE:
            value, _ = combined(one, *self.sums(one, lambda each: self.in_all(each, currency)))
            return None if value is None else int(value)
        return self.kept.of_no_day.get((one.key, Figured.ALL, currency), 0)

    def undated(self, one: Definition, currency: str) -> int:
        """Of a rate, what its numbers have: each of them once."""
        those = {each.key for each in self.basic_of(one)} if one.undated_words else ()
        return sum(self.kept.of_no_day.get((key, Figured.UNDATED, currency), 0) for key in those)

    def last_on(self, one: Definition, currency: str) -> date | None:
        """The last day on which there is any of it, before the period or after it."""
        if one.is_stock or one.whole_period or one.how == How.DIFFERENCE:
            return None
        keys = [each.key for each in self.basic_of(one) if each.key != one.unknown]
        last = max((day for key in keys if (day := self.kept.newest_days.get((key, currency)))), default=None)
        return None if last and self.period.start <= last <= self.period.end else last

    def told_since(self, one: Definition) -> date | None:
        """The first day of which the log tells."""
        is_logged = any(each.logged for each in self.basic_of(one))
        return self.kept.told_since.get(one.stream) if is_logged else None

    def told_by(self, one: Definition) -> str:
        """The stream that tells days of before the log."""
        return next((each.logged.told_by for each in self.basic_of(one) if each.logged), "")

    # Curves -----------------------------------------------------------------------------------------------------

    def is_drawn_before(self, one: Definition) -> bool:
        return self.compares and one.key in self.drawn_before and not one.whole_period

    @cached_property
    def before(self) -> "Reading":
        """Of the period before, whose days are among what is kept of this one."""
        return Reading(
            self.connection,
            self.source,
            self.wanted,
            self.period.before,
            by=self.by,
            group=self.group,
            kept=self.kept,
        )

    def series(self, one: Definition, currency: str) -> Iterator[Point]:
        through = min(self.today, self.last_day(one) or self.today)
        since = self.kept.seen_since
        begun = [since[each.stream] for each in self.basic_of(one) if each.turn and each.stream in since]
        begun += [told] if (told := self.told_since(one)) else []
        for first, days in self.steps.items():
            value = self.step(one, first, currency)
            if value == 0 and not one.is_combined and self.may_be_more(one, currency, first):
                value = None
            is_gap = value is None and days[-1] < self.today
            is_unfinished = days[-1] >= through and not is_gap
            yield Point(
                day=first,
                value=value,
                is_unfinished=is_unfinished,
                is_part=not is_unfinished and not self.period.is_whole(days[0], days[-1]) and not one.is_stock,
                is_lighter=any(first < begin for begin in begun),
            )

    @cached_property
    def steps(self) -> dict[date, list[date]]:
        """The days of each, by the first of them."""
        found: dict[date, list[date]] = defaultdict(list)
        for day in self.period:
            found[self.period.step_of(day)].append(day)
        return found

    def step(self, one: Definition, first: date, currency: str) -> Value | None:
        if one.is_combined:
            return combined(one, *self.sums(one, lambda each: self.step(each, first, currency)))[0]
        if (one.key, currency) not in self._step_values:
            self._step_values[one.key, currency] = dict(self.values_of_steps(one, currency))
        return self._step_values[one.key, currency][first]

    def values_of_steps(self, one: Definition, currency: str) -> Iterator[tuple[date, Value | None]]:
        """None for a step of which no day could be read."""
        curve, last = self.kept.curves.get((one.key, currency), NO_DAYS), self.last_day(one)
        for first, days in self.steps.items():
            if last is None or first > last:
                yield first, None
            elif one.how == How.MEDIAN:
                yield first, middle([value for day, value in self.kept.single[one.key] if first <= day <= days[-1]])[0]
            elif one.is_stock or one.turn:
                values = [value for day in days if (value := self.seen(one, curve, day)) is not None]
                yield first, (values[-1] if one.is_stock else sum(values)) if values else None
            else:
                yield first, sum(value for day in days if (value := curve.get(day)))

    def seen(self, one: Definition, curve: Days, day: date) -> int | None:
        """Where it was read that day, none is no gap; nor is it before there was a log, as rows tell of those days."""
        was_read = (one.stream, day) in self.kept.days_read
        is_told_by_rows = one.turn is not None and day < self.kept.seen_since.get(one.stream, date.max)
        return curve.get(day, 0 if was_read or is_told_by_rows else None)

    # Parts ------------------------------------------------------------------------------------------------------

    def parts(self, one: Definition, currency: str, before: Value | None, *, are_known: bool) -> Parts:
        breakdown = one.breakdown(self.by)
        values = self.part_values(one, currency, NOW) if are_known and breakdown else {}
        unnamed = breakdown.unnamed or f"No {breakdown.label.lower()}" if breakdown else ""

        def name(group: str) -> str:
            return self.kept.names.get(group, "") or group or unnamed

        return Parts(
            groups={group: any(value) for group, value in values.items()},
            place=lambda group: (-(values[group][0] or 0), name(group)),
            make=lambda group: self.part(one, currency, group, name(group), before),
        )

    def part(self, one: Definition, currency: str, group: str, name: str, before: Value | None) -> Part:
        value, count = self.part_values(one, currency, NOW)[group]
        return Part(
            group=group,
            name=name,
            value=value,
            previous=None if before is None else self.part_values(one, currency, BEFORE)[group][0],
            currency=currency,
            count=count,
            said=self.sayings.of(one, currency, group),
            fault=self.sayings.fault(one, value, count, group),
        )

    def part_values(self, one: Definition, currency: str, place: int) -> dict[str, ValueOfHowMany]:
        """By group: of all at once, as there may be hundreds, and numbers come of the same ones."""
        key = one.key, currency, place
        if key not in self._part_values:
            kept = [self.kept.part_values.get((each.key, currency), NO_PARTS) for each in self.basic_of(one)]
            groups = {group for found in kept for group in found}
            if one.is_combined:
                first, second = (self.added(keys, currency, place) for keys in (one.of, one.other))
                values = {group: combined(one, first.get(group, 0), second.get(group, 0)) for group in groups}
            else:
                own = self.kept.part_values.get((one.key, currency), NO_PARTS)
                values = {group: (own[group][place] if group in own else 0, None) for group in groups}
            self._part_values[key] = values
        return self._part_values[key]

    def added(self, keys: Iterable[str], currency: str, place: int) -> dict[str, Value | None]:
        """By group, what these numbers come to together; None where one is not known."""
        sums: dict[str, Value | None] = {}
        for one in self.operands(keys):
            for group, (value, _) in self.part_values(one, currency, place).items():
                so_far = sums.get(group, 0)
                sums[group] = None if value is None or so_far is None else so_far + value
        return sums
