"""Counts the rows of a stream by days: a GROUP BY over typed columns for all numbers that count the same rows."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db import connection as database
from django.db.models import (
    BigIntegerField,
    Case,
    Count,
    F,
    Func,
    IntegerField,
    Max,
    Min,
    Q,
    Sum,
    When,
)
from django.db.models.functions import Coalesce, Least, TruncDate
from django.utils import timezone

from connections.figures.figure import A_DAY, Period
from connections.models import Figured, Holding, Record
from connections.models.logged import column_of, logged_at, meets
from connections.models.record import RecordQuerySet
from sources.spec import GONE, Conditions, Definition, How, Logged, Stream, Unit

UNTIL = "until"


class Cell(NamedTuple):
    """Where a value stands. `by` is the field of a breakdown: of those by the same field the groups are the same.

    By `UNTIL`, the group is a day behind which rows are left out, or empty.
    """

    kind: str
    by: str = ""
    group: str = ""
    currency: str = ""
    day: date | None = None


Cells = dict[Cell, int]


@dataclass(frozen=True, kw_only=True)
class Counting:
    """What is counted: the living rows of one stream of a holding, by days that end at midnight in a zone.

    `others` are the streams that definitions may name beside it, by key.
    """

    holding: Holding
    stream: Stream
    zone: ZoneInfo
    others: dict[str, Stream]

    def tally(self, definitions: Sequence[Definition]) -> dict[str, Cells]:
        """By number."""
        found: dict[str, Cells] = {one.key: defaultdict(int) for one in definitions}
        stored = [one for one in definitions if not is_of_the_log_alone(one)]
        for together in counted_together(one for one in stored if one.how in (How.COUNT, How.SUM)):
            self._count(together, found)
        for one in stored:
            if one.whole_period:
                self._count_last_days(one, found[one.key])
            elif one.how == How.DISTINCT:
                self._count_distinct(one, found[one.key])
            elif one.how == How.MEDIAN:
                self._lay_out(one, found[one.key])
        return {key: {cell: value for cell, value in cells.items() if value} for key, cells in found.items()}

    def rows(self, conditions: Conditions = ()) -> RecordQuerySet:
        found: RecordQuerySet = Record.objects.living().filter(holding=self.holding, stream=self.stream.key)
        return found.filter(self._meets(conditions)) if conditions else found

    # Counts and sums --------------------------------------------------------------------------------------------

    def _count(self, together: Sequence[Definition], found: dict[str, Cells]) -> None:
        dated = next((one for one in together if not one.is_stock), together[0])
        names = {one.field: f"group_{place}" for place, one in enumerate(dated.breakdowns)}
        of = {key: f"sum_{place}" for place, key in enumerate({one.of[0] for one in together if one.how == How.SUM})}
        by: dict[str, Any] = {name: self._code(field) for field, name in names.items()}
        if any(one.unit == Unit.MONEY for one in together):
            by["in_currency"] = F("currency")
        if not dated.is_stock:
            by["on_day"] = TruncDate(self._moment(dated), tzinfo=self.zone)
        sums = {name: Sum(self._number(field)) for field, name in of.items()}
        rows = self.rows(dated.where).annotate(**by).order_by().values(*by).annotate(rows=Count("pk"), **sums)
        for row in rows.iterator():
            for one in together:
                value = row[of[one.of[0]]] if one.how == How.SUM else row["rows"]
                if value is not None:
                    currency = row.get("in_currency") or "" if one.unit == Unit.MONEY else ""
                    groups = [("", ""), *((field, row[name] or "") for field, name in names.items())]
                    add(found[one.key], one, value, groups, currency=currency, day=row.get("on_day"))

    # Distinct counts --------------------------------------------------------------------------------------------

    def _count_distinct(self, one: Definition, cells: Cells) -> None:
        fields = [column_of(self.stream, field) for field in one.of]
        places = {each.field: one.of.index(each.field) for each in one.breakdowns}
        groups = [f'"{fields[place]}"' for place in places.values()]
        for day, *named, count in counted_by(self.each(one), ["on_day", *groups]):
            here = [("", ""), *zip(places, (group or "" for group in named), strict=True)]
            add(cells, one, count, here, day=day)

    def _count_last_days(self, one: Definition, cells: Cells) -> None:
        """Whoever's last day is within a period that ends today is one of it: over such periods days can be added up.

        Likewise where the period before the usual one ends, which people compare with, today and tomorrow.
        """
        today = timezone.now().astimezone(self.zone).date()
        ends = {Period.usual(day).before.end for day in (today, today + A_DAY)}
        for group, end in {"": today, **{end.isoformat(): end for end in ends}}.items():
            for day, count in counted_by(self.each(one, until=end), ["on_day"]):
                if day:
                    cells[Cell(Figured.DAY, UNTIL, group, day=day)] = count

    def each(self, one: Definition, *, since: date | None = None, until: date | None = None) -> Any:
        """One row for each that is told apart, with its day."""
        columns = [column_of(self.stream, field) for field in one.of]
        rows: Any = self.rows(() if one.every else one.where).filter(**{f"{name}__isnull": False for name in columns})
        rows = rows.exclude(self._meets(one.without)) if one.without else rows
        rows = rows.filter(**self._within(one, since, until))
        rows = rows.order_by().values(*columns)
        if one.every:
            met = Case(When(self._meets(one.where), then=1), default=0, output_field=IntegerField())
            rows = rows.annotate(are_met=Min(met)).filter(are_met=1)
        return rows.annotate(on_day=TruncDate(self._last(one), tzinfo=self.zone))

    def _within(self, one: Definition, since: date | None, until: date | None) -> dict[str, datetime]:
        bounds = {"gte": since, "lt": until + A_DAY if until else None}
        column = column_of(self.stream, one.day)
        return {
            f"{column}__{bound}": datetime.combine(day, time(), tzinfo=self.zone)
            for bound, day in bounds.items()
            if day is not None
        }

    def _last(self, one: Definition) -> Any:
        moment = self._moment(one)
        if one.first_seen:
            return Min(Least(Coalesce(moment, F("first_seen_at")), F("first_seen_at")))
        return Max(moment)

    # Medians ----------------------------------------------------------------------------------------------------

    def _lay_out(self, one: Definition, cells: Cells) -> None:
        rows = self.rows(one.where).annotate(until=self._moment(one), since=self._code(one.of[0]))
        for external_id, since, until in rows.order_by().values_list("external_id", "since", "until").iterator():
            if until is None:
                cells[Cell(Figured.UNDATED)] += 1
            elif since is not None:
                day = until.astimezone(self.zone).date()
                # One, as what takes no time at all is a value, too.
                seconds = max(1, int((until - since).total_seconds()))
                cells[Cell(Figured.ONE, group=external_id, day=day)] = seconds

    # Fields -----------------------------------------------------------------------------------------------------

    def _moment(self, one: Definition) -> Any:
        return self._logged(one.logged) if one.logged else self._code(one.day)

    def _logged(self, logged: Logged) -> Any:
        return logged_at(self.holding, self.stream, logged, self.others.get(logged.told_by))

    def _code(self, field: str) -> F:
        return F(column_of(self.stream, field))

    def _number(self, field: str) -> Any:
        filled = self.stream.facts.field(field)
        return F("amount") if filled and filled.fills == "amount" else NumberInText(field)

    def _meets(self, conditions: Conditions) -> Q:
        return meets(self.stream, conditions)


class NumberInText(Func):
    """A whole number in a row's text, where no typed column holds it: of streams that have few rows.

    Of no more digits than a typed column takes: sums of what an account makes up would be none to a database.
    """

    said = "JSON_EXTRACT(%(expressions)s, '$.%(named)s')"
    digits = f"LTRIM({said}, '-')"
    template = (
        f"CASE WHEN LENGTH({digits}) BETWEEN 1 AND 15 AND {digits} NOT GLOB '*[^0-9]*' THEN CAST({said} AS INTEGER) END"
    )
    output_field = BigIntegerField()

    def __init__(self, field: str) -> None:
        super().__init__(F("text"), named=field)

    def as_postgresql(self, compiler: Any, database: Any, **more: Any) -> Any:
        said = "(%(expressions)s::json ->> '%(named)s')"
        # Not jsonb, which takes no text with a zero character in any of its values.
        whole = f"CASE WHEN {said} ~ '^-?[0-9]{{1,15}}$' THEN {said}::bigint END"
        return self.as_sql(compiler, database, template=whole, **more)


def counted_by(rows: Any, columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """How many of these have the same in these columns, of which the first is a day."""
    named = ", ".join(columns)
    sql, params = rows.query.sql_with_params()
    with database.cursor() as cursor:
        # Names of ours, and what Django made of values.
        cursor.execute(f"SELECT {named}, COUNT(*) FROM ({sql}) AS one GROUP BY {named}", params)  # noqa: S608
        for day, *others in cursor.fetchall():
            yield (date.fromisoformat(day) if isinstance(day, str) else day, *others)


def is_of_the_log_alone(one: Definition) -> bool:
    return one.turn is not None and GONE in one.turn.into


def counted_together(definitions: Iterable[Definition]) -> Iterator[list[Definition]]:
    """Those that count the same rows, by the same days and groups; how many there are now comes of any of them."""
    found: dict[Any, list[Definition]] = defaultdict(list)
    for one in sorted(definitions, key=lambda one: one.is_stock):
        same = (one.where, one.breakdowns)
        dated = next((key for key in found if key[:2] == same), None) if one.is_stock else None
        found[dated or (*same, one.day, one.logged)].append(one)
    yield from found.values()


def add(
    cells: Cells,
    one: Definition,
    value: int,
    groups: Iterable[tuple[str, str]],
    *,
    currency: str = "",
    day: date | None,
) -> None:
    for by, group in groups:
        cells[Cell(Figured.ALL, by, group, currency)] += int(value)
        if not one.is_stock:
            cells[Cell(Figured.DAY if day else Figured.UNDATED, by, group, currency, day)] += int(value)
