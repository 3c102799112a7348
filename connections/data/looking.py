"""One page of a stream's rows: those that were asked for, in words, and how many there are."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from connections.data.exporting import chosen
from connections.frame.reading import Column, Line, Reader
from connections.models import Connection, Record
from connections.models.record_query import MOST_COUNTED, Order, Place, Sought
from sources.spec import Stream

PAGE_SIZE = 50


@dataclass(frozen=True, kw_only=True)
class Sorting:
    """A way to put rows in order: its name in the address, the column that it goes by, and what people call it."""

    name: str
    order: Order
    label: str


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What somebody wants to see of a stream."""

    sought: Sought = field(default_factory=Sought)
    place: Place = field(default_factory=Place)
    after: str = ""
    columns: Sequence[Column] = ()


@dataclass(frozen=True, kw_only=True)
class Found:
    """`count` of all rows are meant, or more than that; `total` are there. `next_after` is behind the last line."""

    lines: Sequence[Line]
    columns: Sequence[Column]
    count: int
    is_more: bool
    total: int
    as_of: datetime | None
    next_after: str


def sortings(stream: Stream) -> list[Sorting]:
    """The orders that this stream's rows have an index for."""
    facts, found = stream.facts, []
    if facts.typed.search:
        found.append(Sorting(name="name", order="search", label=facts.name_label))
    for column in ("happened_at", "amount"):
        if one := facts.filling(column):
            found.append(Sorting(name=one.name, order=column, label=one.label))
    return [*found, Sorting(name="id", order="id", label="ID")]


def look(reader: Reader, stream: Stream, asked: Asked) -> Found:
    connection = reader.connection
    rows = chosen(connection, stream, asked.sought)
    place = replace(asked.place, after=row_named(connection, stream, asked.after))
    keys = rows.first_of(place, PAGE_SIZE + 1)
    shown = rows.shown(keys[:PAGE_SIZE], reader.fields(stream, asked.columns))
    total = reader.counts.get(stream.key, 0)
    narrows = asked.sought.narrows or asked.sought.with_gone
    is_all = place.after is None and len(keys) <= PAGE_SIZE  # Then these are the count: looking for more takes as long.
    count = total if not narrows else len(keys) if is_all else rows.count_some()
    health = connection.stream_healths.filter(stream=stream.key).first()
    return Found(
        lines=reader.lines(stream, shown, asked.columns),
        columns=asked.columns,
        count=min(count, MOST_COUNTED) if narrows else count,
        is_more=narrows and count > MOST_COUNTED,
        total=total,
        as_of=health.read_at if health else None,
        next_after=shown[-1].external_id if len(keys) > PAGE_SIZE and shown else "",
    )


def row_named(connection: Connection, stream: Stream, external_id: str) -> Record | None:
    if not external_id:
        return None
    rows = connection.records.filter(stream=stream.key, external_id=external_id.replace("\x00", ""))
    found: Record | None = rows.defer("text").first()
    return found
