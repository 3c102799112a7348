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
    if one.logged:
        query |= {"held_since": period.start.isoformat(), "held_until": period.end.isoformat()}
    elif one.day:
        query |= {"since": period.start.isoformat(), "until": period.end.isoformat()}
    narrowed = {column_of(stream, field) for field in query.keys() - DAYS}
    return Rows(stream=one.stream, query=query) if narrowed <= BY_EQUALS else None


def can_be_shown(one: Definition, stream: Stream) -> bool:
    """Whether each of its rows adds to it by itself, on a day that data pages know."""
    is_by_row = one.how in (How.COUNT, How.SUM) and not one.turn and None not in dict(one.where).values()
    if one.logged:
        return is_by_row and stream.facts.since is not None and stream.facts.since.logged == one.logged
    return is_by_row and (not one.day or column_of(stream, one.day) == "happened_at")
