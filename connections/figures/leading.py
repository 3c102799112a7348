"""Leads from a number to the rows that it counts, as the data pages can narrow them."""

from connections.figures.figure import Period, Rows
from connections.models.logged import column_of
from sources.spec import Definition, How, Source, Stream

DAYS = {"since", "until", "held_since", "held_until"}
BY_EQUALS = {"choice", "parent", "related", "owner"}  # What data pages narrow by.


def rows_of(one: Definition, source: Source, period: Period, *, by: str = "", group: str = "") -> Rows | None:
    """None where those pages cannot show just them."""
    stream, breakdown = source.stream(one.stream), one.breakdown(by)
    if stream is None or not can_be_shown(one, stream) or (group and breakdown and breakdown.through):
        return None
    query = {field: code for field, code in one.where if code is not None}
    query |= {breakdown.field: group} if group and breakdown else {}
    query |= days_of(one, period)
    narrowed = {column_of(stream, field) for field in query.keys() - DAYS}
    return Rows(stream=one.stream, query=query, are_more=one.whole_period) if narrowed <= BY_EQUALS else None


def days_of(one: Definition, period: Period) -> dict[str, str]:
    """Of all time none: rows without a day are of it, too."""
    if not (one.logged or one.day) or (period.is_all and not one.whole_period):
        return {}
    since, until = ("held_since", "held_until") if one.logged else ("since", "until")
    return {since: period.start.isoformat(), until: period.end.isoformat()}


def can_be_shown(one: Definition, stream: Stream) -> bool:
    """Whether its rows make it up, each of them by itself or some together, on a day that data pages know."""
    is_made_up = one.how in (How.COUNT, How.SUM) or one.whole_period
    is_by_row = is_made_up and not one.turn and None not in dict(one.where).values()
    if one.logged:
        return is_by_row and stream.facts.since is not None and stream.facts.since.logged == one.logged
    return is_by_row and (not one.day or column_of(stream, one.day) == "happened_at")
