"""Since when rows hold what a field holds now, which no row says: by the log of changes, else by rows that tell."""

from datetime import datetime
from typing import Any

from django.db.models import DateTimeField, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.db.models.lookups import GreaterThanOrEqual, LessThan

from connections.models.change import Change
from connections.models.holding import Holding
from connections.models.record import Record
from sources.spec import Conditions, Logged, Since, Stream


def column_of(stream: Stream, field: str) -> str:
    """The typed column that holds it. Raises ValueError where none does: the facts of the number are wrong."""
    known = stream.facts.field(field)
    if field == "id":
        return "external_id"
    if known is None or not known.fills:
        raise ValueError(f"No typed column holds {field} of {stream.key}.")
    return known.fills


def meets(stream: Stream, conditions: Conditions) -> Q:
    found = Q()
    for field, value in conditions:
        column = column_of(stream, field)
        found &= Q(**{f"{column}__isnull": True} if value is None else {column: value})
    return found


def logged_at(holding: Holding, stream: Stream, logged: Logged, told_by: Stream | None) -> Any:
    """An expression for rows of the stream; `told_by` is that of the rows that tell what was before the log."""
    code = column_of(stream, logged.field)
    log = Change.objects.filter(holding=holding, stream=stream.key, field=logged.field)
    log = log.filter(external_id=OuterRef("external_id"), after=OuterRef(code)).order_by("-seen_at")
    seen = Subquery(log.values("seen_at")[:1], output_field=DateTimeField())
    if told_by is None:
        return seen
    told = _telling(holding, told_by, logged).filter(parent=OuterRef("external_id"), related=OuterRef(code))
    return Coalesce(seen, Subquery(told.order_by("-happened_at").values("happened_at")[:1]))


def _telling(holding: Holding, told_by: Stream, logged: Logged) -> Any:
    rows = Record.objects.living().filter(holding=holding, stream=told_by.key)
    return rows.filter(meets(told_by, logged.where))


def held_between(
    holding: Holding,
    stream: Stream,
    since: Since,
    told_by: Stream | None,
    *,
    first: datetime | None,
    end: datetime | None,
) -> Q:
    """The rows that came to hold one of the codes in that time, and hold it now.

    What the log and the telling rows have of that time is looked up at once, so that few rows are asked by themselves.
    """
    logged, at = since.logged, logged_at(holding, stream, since.logged, told_by)
    changes = Change.objects.filter(holding=holding, stream=stream.key, field=logged.field)
    among = Q(external_id__in=_within(changes, "seen_at", first, end).values("external_id"))
    if told_by is not None:
        told = _within(_telling(holding, told_by, logged), "happened_at", first, end)
        among |= Q(external_id__in=told.values("parent"))
    found = Q(**{f"{column_of(stream, logged.field)}__in": since.codes}) & among
    found &= Q(GreaterThanOrEqual(at, first)) if first else Q()
    return found & (Q(LessThan(at, end)) if end else Q())


def _within(rows: Any, column: str, first: datetime | None, end: datetime | None) -> Any:
    bounds = {f"{column}__gte": first, f"{column}__lt": end}
    return rows.filter(**{lookup: moment for lookup, moment in bounds.items() if moment})
