"""Reads numbers over a period: a handful of queries, whatever the number of numbers."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time
from functools import cached_property
from statistics import median
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum
from django.utils import timezone

from connections.figures.counting import READ
from connections.figures.figure import A_DAY, Figure, Part, Period, Point, Rows, Said, Value
from connections.figures.tallying import Counting, column_of
from connections.models import Connection, Figured, FigureProof, NumberDay, NumberState, StreamMark
from sources.spec import Definition, How, Source, Unit

A_DAYS_SECONDS = 86_400
FEW = 50  # Mails: of fewer, everybody may well have opened one twice.
TOO_HIGH = "This is 100 % or more, which cannot be. Ask ActiveCampaign for its own counter to see which is right."
BY_EQUALS = {"choice", "parent", "related", "owner"}  # What data pages narrow by.

Days = Mapping[date, int]
NO_DAYS: Days = {}


def available(connection: Connection) -> list[Definition]:
    """The numbers of its chosen streams, in the source's order."""
    source, chosen = connection.source, {*connection.stream_keys}
    return [one for one in source.numbers if one.stream in chosen] if source else []


def figures(
    connection: Connection, period: Period, *, keys: Sequence[str] | None = None, by: str = "", group: str = ""
) -> list[Figure]:
    """The numbers of these keys, or all, in the source's order; money once for each currency.

    `by` is the key of a breakdown: numbers that have it fall into parts. With `group` they are of that one alone, and
    numbers without this breakdown are left out.
    """
    wanted = [one for one in available(connection) if keys is None or one.key in keys]
    wanted = [one for one in wanted if one.breakdown(by)] if group else wanted
    if connection.source is None or not wanted:
        return []
    return Reading(connection, connection.source, wanted, period, by=by, group=group).figures()


class Reading:
    """What is kept of some numbers, over a period and the one before. Asks when it is first wanted, and once."""

    def __init__(
        self,
        connection: Connection,
        source: Source,
        wanted: Sequence[Definition],
        period: Period,
        *,
        by: str = "",
        group: str = "",
    ) -> None:
        self.connection, self.source, self.wanted, self.period = connection, source, wanted, period
        self.by, self.group = by, group
        self.holding, self.zone = connection.holding, connection.workspace.zone
        self.today = timezone.now().astimezone(self.zone).date()
        self._last_days: dict[str, date | None] = {}
        self._step_values: dict[tuple[str, str], dict[date, Value | None]] = {}
        self.basic = {one.key: one for number in wanted for one in self.basic_of(number)}

    def figures(self) -> list[Figure]:
        return [self.figure(one, currency) for one in self.wanted for currency in self.currencies(one)]

    def figure(self, one: Definition, currency: str) -> Figure:
        value, count = self.value(one, self.period, currency)
        previous, _ = self.value(one, self.period.before, currency)
        is_read = self.as_of(one) is not None
        return Figure(
            definition=one,
            value=value,
            previous=previous,
            currency=currency,
            scale=self.scale(one),
            count=count,
            in_all=self.in_all(one, currency) if is_read else None,
            undated=self.kept.get((one.key, Figured.UNDATED, currency), 0),
            unknown=self.kept.get((one.unknown, Figured.ALL, ""), 0),
            said=self.said(one, currency, self.group),
            series=tuple(self.series(one, currency)) if is_read and not one.whole_period else (),
            by=self.by if one.breakdown(self.by) else "",
            parts=tuple(self.parts(one, currency)) if is_read and one.breakdown(self.by) else (),
            as_of=self.as_of(one),
            is_stock=one.is_stock,
            fault=self.fault(one, value, count, self.group),
            rows=self.rows(one),
            zone=self.connection.workspace.timezone,
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

    @cached_property
    def states(self) -> dict[str, NumberState]:
        return {one.stream: one for one in NumberState.objects.filter(holding=self.holding) if one.counted_at}

    @cached_property
    def marks(self) -> dict[str, datetime]:
        marks = StreamMark.objects.filter(holding=self.holding)
        return {mark.stream: mark.changed_through for mark in marks if mark.stream in self.states}

    def as_of(self, one: Definition) -> datetime | None:
        """None while a stream that it cannot do without was never read to its end, or is not counted yet."""
        streams = {basic.stream for basic in self.basic_of(one) if basic.key != one.unknown}
        if not streams <= self.marks.keys():
            return None
        return min(self.marks[key] for key in streams | ({*one.also} & self.marks.keys()))

    def last_day(self, one: Definition) -> date | None:
        """The last day that is known in part at least; those behind it are gaps."""
        if one.key not in self._last_days:
            known = self.as_of(one)
            self._last_days[one.key] = known.astimezone(self.zone).date() if known else None
        return self._last_days[one.key]

    @cached_property
    def seen_since(self) -> dict[str, date]:
        return {key: one.seen_since for key, one in self.states.items() if one.seen_since}

    @cached_property
    def days_read(self) -> set[tuple[str, date | None]]:
        read = self.within(NumberDay.objects.filter(holding=self.holding, number=READ, kind=Figured.SEEN))
        return {*read.values_list("by", "day")}

    def within(self, rows: QuerySet[NumberDay]) -> QuerySet[NumberDay]:
        return rows.filter(day__gte=self.period.before.start, day__lte=self.period.end)

    def scale(self, one: Definition) -> int:
        stream = self.source.stream(one.stream)
        return stream.facts.typed.scale if stream and one.unit == Unit.MONEY else 0

    # What is kept -----------------------------------------------------------------------------------------------

    def of_numbers(self) -> QuerySet[NumberDay]:
        """As far as they are meant: of all, or of the one group."""
        rows = NumberDay.objects.filter(holding=self.holding)
        if not self.group:
            return rows.filter(number__in=[*self.basic], by="")
        meant = Q(pk__in=[])
        for field, groups, keys in self.by_fields():
            theirs = {"by": field, "group__in": groups} if field else {"by": ""}
            meant |= Q(number__in=keys, **theirs)
        return rows.filter(meant)

    def by_fields(self) -> Iterator[tuple[str, list[str], list[str]]]:
        """The fields by which the numbers are broken down, the groups there that are meant, and whose they are."""
        found: dict[str, list[Definition]] = defaultdict(list)
        for one in self.basic.values():
            breakdown = one.breakdown(self.by)
            found[breakdown.field if breakdown else ""].append(one)
        for field, those in found.items():
            breakdown = those[0].breakdown(self.by)
            groups = [own for own, group in self.groups.items() if group == self.group]
            yield field, groups if breakdown and breakdown.through else [self.group], [one.key for one in those]

    @cached_property
    def groups(self) -> dict[str, str]:
        """By a row that leads to a group, that group: the pipeline of each stage."""
        through = {one.through for number in self.basic.values() if (one := number.breakdown(self.by))} - {""}
        rows = self.connection.records.filter(stream__in=through)
        return {own: group or "" for own, group in rows.values_list("external_id", "parent")}

    def of_days(self, rows: QuerySet[NumberDay]) -> QuerySet[NumberDay]:
        """Those kinds that make a number's curve: what turned by the log is told by rows only before it began."""
        turning = {one.key: self.seen_since.get(one.stream) for one in self.basic.values() if one.turn}
        stocks = [one.key for one in self.basic.values() if one.is_stock]
        meant = Q(kind=Figured.SEEN, number__in=stocks)
        meant |= Q(kind=Figured.DAY) & ~Q(number__in=[key for key, since in turning.items() if since])
        for since in {*turning.values()} - {None}:
            those = Q(number__in=[key for key, one in turning.items() if one == since])
            meant |= those & (Q(kind=Figured.DAY, day__lt=since) | Q(kind=Figured.SEEN, day__gte=since))
        return self.within(rows).filter(meant)

    @cached_property
    def curves(self) -> dict[tuple[str, str], dict[date, int]]:
        """By number and currency, what each day came to."""
        found: dict[tuple[str, str], dict[date, int]] = defaultdict(dict)
        days = self.of_days(self.of_numbers()).values("number", "currency", "day").order_by()
        row: Any
        for row in days.annotate(sum=Sum("value")):
            found[row["number"], row["currency"]][row["day"]] = int(row["sum"])
        return found

    @cached_property
    def kept(self) -> dict[tuple[str, str, str], int]:
        """By number, kind and currency, what is of no day."""
        rows = self.of_numbers().filter(kind__in=[Figured.ALL, Figured.UNDATED], day=None)
        sums = rows.values("number", "kind", "currency").annotate(sum=Sum("value")).order_by()
        return {(row["number"], row["kind"], row["currency"]): int(row["sum"]) for row in sums}

    @cached_property
    def single(self) -> dict[str, list[tuple[date, int]]]:
        """What medians are made of, by number."""
        keys = [one.key for one in self.basic.values() if one.how == How.MEDIAN]
        rows = NumberDay.objects.filter(holding=self.holding, number__in=keys, kind=Figured.ONE, by="")
        found: dict[str, list[tuple[date, int]]] = defaultdict(list)
        for one in self.within(rows) if keys else ():
            found[one.number] += [(one.day, one.value)] if one.day else []
        return found

    def currencies(self, one: Definition) -> list[str]:
        if one.unit != Unit.MONEY:
            return [""]
        found = {currency for key, _, currency in self.kept if key == one.key}
        return sorted(found | {currency for key, currency in self.curves if key == one.key}) or [""]

    # Values -----------------------------------------------------------------------------------------------------

    def value(self, one: Definition, period: Period, currency: str) -> tuple[Value | None, int | None]:
        """What it is over a period, and of how many where that matters."""
        last = self.last_day(one)
        if last is None or period.start > last:
            return None, None
        if one.is_combined:
            return combined(one, *self.sums(one, lambda each: self.value(each, period, currency)[0]))
        if one.how == How.MEDIAN:
            return middle([value for day, value in self.single[one.key] if period.start <= day <= period.end])
        if one.whole_period:
            return self.distinct(one, period), None
        days = self.curves.get((one.key, currency), NO_DAYS)
        if not one.is_stock:
            return sum(value for day, value in days.items() if period.start <= day <= period.end), None
        if period.end >= self.today:
            return self.kept.get((one.key, Figured.ALL, currency), 0), None
        return self.seen(one, days, period.end), None

    def sums(self, one: Definition, value: Any) -> tuple[Value | None, Value | None]:
        """Of the numbers that it comes of, by what each is; None where one is not known."""
        sides = ([value(each) for each in self.operands(keys)] for keys in (one.of, one.other))
        first, second = (None if None in side else sum(side) for side in sides)
        return first, second

    def distinct(self, one: Definition, period: Period) -> int:
        """Over the whole period: whoever is there on two days is one."""
        stream = self.source.stream(one.stream)
        if stream is None:
            return 0
        counting = Counting(holding=self.holding, stream=stream, zone=self.zone, others={})
        begins, ends = (datetime.combine(day, time(), tzinfo=self.zone) for day in (period.start, period.end + A_DAY))
        rows = counting.rows(one.where).filter(happened_at__gte=begins, happened_at__lt=ends)
        count: int = rows.aggregate(count=Count(column_of(stream, one.of[0]), distinct=True))["count"]
        return count

    def in_all(self, one: Definition, currency: str) -> int | None:
        if one.turn or one.how in (How.RATIO, How.MEDIAN) or one.whole_period:
            return None
        if one.how == How.DIFFERENCE:
            value, _ = combined(one, *self.sums(one, lambda each: self.in_all(each, currency)))
            return None if value is None else int(value)
        return self.kept.get((one.key, Figured.ALL, currency), 0)

    # Curves -----------------------------------------------------------------------------------------------------

    def series(self, one: Definition, currency: str) -> Iterator[Point]:
        through = min(self.today, self.last_day(one) or self.today)
        begun = [
            self.seen_since[each.stream] for each in self.basic_of(one) if each.turn and each.stream in self.seen_since
        ]
        for first, days in self.steps.items():
            value = self.step(one, first, currency)
            is_gap = value is None and days[-1] < self.today
            is_unfinished = days[-1] >= through and not is_gap
            is_lighter = any(first < since for since in begun)
            yield Point(day=first, value=value, is_unfinished=is_unfinished, is_lighter=is_lighter)

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
        curve, last = self.curves.get((one.key, currency), NO_DAYS), self.last_day(one)
        for first, days in self.steps.items():
            if last is None or first > last:
                yield first, None
            elif one.how == How.MEDIAN:
                yield first, middle([value for day, value in self.single[one.key] if first <= day <= days[-1]])[0]
            elif one.is_stock or one.turn:
                values = [value for day in days if (value := self.seen(one, curve, day)) is not None]
                yield first, (values[-1] if one.is_stock else sum(values)) if values else None
            else:
                yield first, sum(value for day in days if (value := curve.get(day)))

    def seen(self, one: Definition, curve: Days, day: date) -> int | None:
        """Where it was read that day, none is no gap; nor is it before there was a log, as rows tell of those days."""
        was_read = (one.stream, day) in self.days_read
        is_told_by_rows = one.turn is not None and day < self.seen_since.get(one.stream, date.max)
        return curve.get(day, 0 if was_read or is_told_by_rows else None)

    # Parts ------------------------------------------------------------------------------------------------------

    def parts(self, one: Definition, currency: str) -> list[Part]:
        groups = {group for each in self.basic_of(one) for group in self.part_values.get((each.key, currency), ())}
        found = [self.part(one, currency, group) for group in groups]
        return sorted(found, key=lambda part: (-(part.value or 0), part.name))

    def part(self, one: Definition, currency: str, group: str) -> Part:
        value, count = self.value_of_part(one, currency, group, 0)
        return Part(
            group=group,
            name=self.names.get(group, "") or (group and f"{group}") or "None",
            value=value,
            previous=self.value_of_part(one, currency, group, 1)[0],
            currency=currency,
            count=count,
            said=self.said(one, currency, group),
            fault=self.fault(one, value, count, group),
        )

    def value_of_part(self, one: Definition, currency: str, group: str, place: int) -> tuple[Value | None, int | None]:
        if one.is_combined:
            sums = self.sums(one, lambda each: self.value_of_part(each, currency, group, place)[0])
            return combined(one, *sums)
        return self.part_values.get((one.key, currency), {}).get(group, (0, 0))[place], None

    @cached_property
    def part_values(self) -> dict[tuple[str, str], dict[str, tuple[int, int]]]:
        """By number and currency, what each group comes to over the period, and over the one before."""
        found: dict[tuple[str, str], dict[str, tuple[int, int]]] = defaultdict(dict)
        for row in self.rows_of_parts():
            own = found[row["number"], row["currency"]]
            group = self.groups.get(row["group"], "") if self.groups else row["group"]
            now, before = own.get(group, (0, 0))
            own[group] = (now + int(row["now"] or 0), before + int(row["before"] or 0))
        return found

    def rows_of_parts(self) -> Iterator[dict[str, Any]]:
        flows = {one.key: breakdown.field for one in self.basic.values() if (breakdown := one.breakdown(self.by))}
        stocks = [key for key in flows if self.basic[key].is_stock]
        meant = Q(pk__in=[])
        for field in {*flows.values()}:
            meant |= Q(by=field, number__in=[key for key, one in flows.items() if one == field])
        rows = NumberDay.objects.filter(meant, holding=self.holding)
        end, before = self.period.end, self.period.before.end
        in_it = Q(day__gte=self.period.start)
        sums = {"now": Sum("value", filter=in_it), "before": Sum("value", filter=~in_it)}
        by = ("number", "currency", "group")
        yield from self.of_days(rows.exclude(number__in=stocks)).values(*by).annotate(**sums).order_by()
        is_now = Q(kind=Figured.ALL) if end >= self.today else Q(kind=Figured.SEEN, day=end)
        was_then = Q(kind=Figured.SEEN, day=before)
        sums = {"now": Sum("value", filter=is_now), "before": Sum("value", filter=was_then)}
        stocked = rows.filter(is_now | was_then, number__in=stocks)
        yield from stocked.values(*by).annotate(**sums).order_by()

    @cached_property
    def names(self) -> dict[str, str]:
        """What the groups are called."""
        breakdown = next((found for one in self.basic.values() if (found := one.breakdown(self.by))), None)
        groups = {group for groups in self.part_values.values() for group in groups}
        records = self.connection.records
        return records.labels(breakdown.of, [*groups]) if breakdown and groups else {}

    # Beside it --------------------------------------------------------------------------------------------------

    @cached_property
    def proofs(self) -> dict[tuple[str, str, str], FigureProof]:
        proofs = FigureProof.objects.filter(holding=self.holding, by__in=["", self.by])
        return {(one.number, one.group, one.currency): one for one in proofs}

    def said(self, one: Definition, currency: str, group: str) -> Said | None:
        proof = self.proofs.get((one.key, group, currency))
        if proof is None:
            return None
        reasons = next((ask.reasons for ask in one.asks if bool(ask.by) == bool(group) and ask.reasons), "")
        return Said(value=proof.says, ours=proof.ours, checked_at=proof.checked_at, reasons=reasons)

    def fault(self, one: Definition, value: Value | None, count: int | None, group: str) -> str:
        """What cannot be, unless the account's own counters say the same."""
        may_be_all = {*one.of} <= {*one.other}
        if one.unit != Unit.SHARE or may_be_all or value is None or value < 1 or (count or 0) < FEW:
            return ""
        operands = self.operands((*one.of, *one.other))
        return "" if all(self.is_proven(each, group) for each in operands) else TOO_HIGH

    def is_proven(self, one: Definition, group: str) -> bool:
        """As its rows are now."""
        said = self.said(one, "", group)
        counted_at = self.states[one.stream].counted_at if one.stream in self.states else None
        return bool(said and said.agrees and counted_at and said.checked_at >= counted_at)

    def rows(self, one: Definition) -> Rows | None:
        """Where the data pages can show the rows that are counted, or added up."""
        stream = self.source.stream(one.stream)
        if (
            stream is None
            or one.how not in (How.COUNT, How.SUM)
            or one.turn
            or one.logged
            or None in dict(one.where).values()
        ):
            return None
        query = {field: code for field, code in one.where if code is not None}
        breakdown = one.breakdown(self.by)
        if self.group and breakdown:
            query[breakdown.field] = self.group
            if breakdown.through:
                return None
        if one.day:
            if column_of(stream, one.day) != "happened_at":
                return None
            query |= {"since": self.period.start.isoformat(), "until": self.period.end.isoformat()}
        narrowed = {column_of(stream, field) for field in query.keys() - {"since", "until"}}
        return Rows(stream=one.stream, query=query) if narrowed <= BY_EQUALS else None


def combined(one: Definition, first: Value | None, second: Value | None) -> tuple[Value | None, int | None]:
    """A share of how many, or what is left."""
    if first is None or second is None:
        return None, None
    if one.how == How.DIFFERENCE:
        return first - second, None
    return (first / second if second else None), int(second)


def middle(seconds: Sequence[int]) -> tuple[float | None, int | None]:
    """The median in days, and of how many."""
    return (median(seconds) / A_DAYS_SECONDS if seconds else None), len(seconds)
