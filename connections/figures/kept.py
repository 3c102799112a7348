"""What is kept of numbers over a period and the one before: a query for each kind of it, when it is first wanted."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from functools import cached_property
from typing import Any

from django.db.models import Max, Min, Q, QuerySet, Sum
from django.utils.formats import date_format

from connections.figures.counting import READ
from connections.figures.figure import Period
from connections.figures.tallying import UNTIL
from connections.models import (
    Connection,
    ErasureMark,
    Figured,
    FigureProof,
    MissingRows,
    NumberDay,
    NumberState,
    StreamMark,
)
from sources.spec import Definition, How

MANY = 10_000  # Rows: a year of days of each number.


def first_day(connections: Iterable[Connection]) -> date | None:
    """The first of which anything is kept of these."""
    kept = NumberDay.objects.filter(holding__connection__in=connections, day__isnull=False)
    first: date | None = kept.aggregate(first=Min("day"))["first"]
    return first


class Kept:
    """Of numbers that are counted by themselves, by their keys. `today` is the day in the workspace's zone.

    With a `group` of the breakdown `by`, of that one alone. Unless it `compares`, days before the period are not read.
    """

    def __init__(
        self,
        connection: Connection,
        basic: Mapping[str, Definition],
        period: Period,
        *,
        today: date,
        by: str,
        group: str,
        compares: bool,
    ) -> None:
        self.connection, self.basic, self.period, self.today = connection, basic, period, today
        self.holding, self.by, self.group = connection.holding, by, group
        self.compares, self.first_day = compares, period.before.start if compares else period.start

    # How far it is known ----------------------------------------------------------------------------------------

    @cached_property
    def states(self) -> dict[str, NumberState]:
        return {one.stream: one for one in NumberState.objects.filter(holding=self.holding) if one.counted_at}

    @cached_property
    def marks(self) -> dict[str, datetime]:
        marks = StreamMark.objects.filter(holding=self.holding)
        return {mark.stream: mark.changed_through for mark in marks if mark.stream in self.states}

    @cached_property
    def seen_since(self) -> dict[str, date]:
        return {key: one.seen_since for key, one in self.states.items() if one.seen_since}

    @cached_property
    def days_read(self) -> set[tuple[str, date | None]]:
        read = self.within(NumberDay.objects.filter(holding=self.holding, number=READ, kind=Figured.SEEN))
        return {*read.values_list("by", "day")}

    @cached_property
    def told_since(self) -> dict[str, date]:
        """By stream, the first day on which it was read: since then the log gives days."""
        logged = {one.stream for one in self.basic.values() if one.logged}
        read = NumberDay.objects.filter(holding=self.holding, number=READ, kind=Figured.SEEN, by__in=logged)
        return dict(read.values_list("by").annotate(first=Min("day")).order_by())

    def within(self, rows: QuerySet[NumberDay]) -> QuerySet[NumberDay]:
        return rows.filter(day__gte=self.first_day, day__lte=self.period.end)

    # Curves and sums -------------------------------------------------------------------------------------------

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
        days: Any = self.of_days(self.of_numbers()).values_list("number", "currency", "day", "value").order_by()
        # Added up here: there are as many rows as days, or a few of each, and tens of thousands of groups cost more.
        for number, currency, day, value in days.iterator(chunk_size=MANY):
            own = found[number, currency]
            own[day] = own.get(day, 0) + value
        return found

    @cached_property
    def newest_days(self) -> dict[tuple[str, str], date]:
        """By number and currency, the last day on which there is anything, of those that have nothing in the period."""
        is_there = {key for (key, _), days in self.curves.items() if any(day >= self.period.start for day in days)}
        kinds = [Figured.DAY, Figured.SEEN, Figured.ONE]
        rows = self.of_numbers().filter(number__in=self.basic.keys() - is_there, kind__in=kinds, day__isnull=False)
        found: Any = rows.values_list("number", "currency").annotate(newest=Max("day"))
        return {(number, currency): newest for number, currency, newest in found.order_by()}

    @cached_property
    def apart(self) -> dict[tuple[str, str, date], int]:
        """Of the numbers that tell people apart over a whole period: how many were there last between two days, by
        number, the day behind which nothing counts (empty: today) and the first."""
        keys = [one.key for one in self.basic.values() if one.whole_period]
        firsts = {"now": self.period.start, "before": self.period.before.start}
        ends = ["", self.period.end.isoformat(), self.period.before.end.isoformat()]
        last = NumberDay.objects.filter(holding=self.holding, number__in=keys, kind=Figured.DAY, by=UNTIL)
        sums = {name: Sum("value", filter=Q(day__gte=first)) for name, first in firsts.items()}
        rows: Any = last.filter(group__in=ends).values("number", "group").annotate(**sums).order_by() if keys else ()
        return {
            (row["number"], row["group"], first): int(row[name] or 0) for row in rows for name, first in firsts.items()
        }

    @cached_property
    def of_no_day(self) -> dict[tuple[str, str, str], int]:
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

    # Parts ------------------------------------------------------------------------------------------------------

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

    def of_any_day(self, one: Definition) -> bool:
        """Of all time it is what rows say now, whatever their day; of what turned, days tell alone."""
        return self.period.is_all and one.turn is None

    def rows_of_parts(self) -> Iterator[dict[str, Any]]:
        by = ("number", "currency", "group")
        end, before = self.period.end, self.period.before.end
        is_now = Q(kind=Figured.ALL) if end >= self.today else Q(kind=Figured.SEEN, day=end)
        was_then = Q(kind=Figured.SEEN, day=before)
        in_it = Q(day__gte=self.period.start)
        of_days = {"now": Sum("value", filter=in_it), "before": Sum("value", filter=~in_it)}
        of_stocks = {"now": Sum("value", filter=is_now), "before": Sum("value", filter=was_then)}
        for field, keys in self.fields_of_parts().items():
            stocks = [key for key in keys if self.basic[key].is_stock or self.of_any_day(self.basic[key])]
            flows = [key for key in keys if key not in stocks]
            rows = NumberDay.objects.filter(holding=self.holding, by=field)
            if flows:
                summed = self.of_days(rows.filter(number__in=flows)).values(*by).annotate(**of_days)
                yield from summed.order_by().iterator(chunk_size=MANY)
            if stocks:
                stocked = rows.filter(is_now | was_then if self.compares else is_now, number__in=stocks)
                yield from stocked.values(*by).annotate(**of_stocks).order_by()

    def fields_of_parts(self) -> dict[str, list[str]]:
        """By the field that breaks them down, the numbers."""
        found: dict[str, list[str]] = defaultdict(list)
        for one in self.basic.values():
            if breakdown := one.breakdown(self.by):
                found[breakdown.field].append(one.key)
        return found

    @cached_property
    def names(self) -> dict[str, str]:
        """What the groups are called; those that are called the same, by their days."""
        breakdown = next((found for one in self.basic.values() if (found := one.breakdown(self.by))), None)
        groups = {group for groups in self.part_values.values() for group in groups}
        records = self.connection.records
        of = self.connection.known_source().stream(breakdown.of) if breakdown else None
        names = records.names(of, [*groups]) if of else {}
        often = Counter(names.values())
        moments = records.moments(of.key, [one for one in names if often[names[one]] > 1]) if of else {}
        days = {
            one: date_format(moment.astimezone(self.connection.workspace.zone), "j M Y")
            for one, moment in moments.items()
        }
        return names | {one: f"{names[one]}, {day}" for one, day in days.items() if names[one]}

    @cached_property
    def proofs(self) -> dict[tuple[str, str, str], FigureProof]:
        proofs = FigureProof.objects.filter(holding=self.holding, by__in=["", self.by])
        return {(one.number, one.group, one.currency): one for one in proofs}

    @cached_property
    def missing(self) -> dict[str, int]:
        """By stream, the rows of which nobody has decided yet whether they are gone."""
        doubts = MissingRows.objects.to_decide().filter(holding=self.holding)
        return dict(doubts.values_list("stream", "missing"))

    @cached_property
    def is_anybody_erased(self) -> bool:
        return ErasureMark.objects.filter(holding=self.holding).exists()
