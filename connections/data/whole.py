"""One row in full: its fields in words, what refers to it, what became of it, and the text that came."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import compress
from typing import Any
from urllib.parse import urlencode

from django.utils.formats import date_format

from connections.data.exporting import chosen, values_of
from connections.frame.reading import Cell, Column, Line, Reader, field_of, labels_of
from connections.models import Connection, Record
from connections.models.change import NOT_THERE, PRESENCE
from connections.models.people import in_words
from connections.models.record_query import MOST_COUNTED, Place, Sought
from connections.safe.sealing import Unsealable
from connections.templatetags.cells import leading
from sources.spec import Field, Kind, Stream

LONGEST_ROW = 200_000  # Letters on its page; the files have all.
LONGEST_RAW = 50_000
A_FIELD = 100  # Letters that a field takes on a page beside its own.
LONG = 400  # Letters; a longer text is folded.
OF_EACH = 5  # Rows that refer to it, of each stream.
MOST_CHANGES = 50
MOST_REMEMBERED = 9  # Fields that a sentence names.
MOST_HANGING = 500  # Rows whose changes are told with its own.


@dataclass(frozen=True, kw_only=True)
class Told:
    """One field in words. What is `long` is folded."""

    label: str
    cell: Cell
    is_long: bool = False


@dataclass(frozen=True, kw_only=True)
class Referring:
    """Rows of a stream that refer to this one: some of them, how many there are, and what they leave untold."""

    stream: Stream
    field: Field
    url: str
    count: int
    columns: Sequence[Column]
    lines: Sequence[Line]
    note: str = ""

    @property
    def count_words(self) -> str:
        count = f"more than {MOST_COUNTED:,}" if self.count > MOST_COUNTED else f"{self.count:,}"
        return f"{len(self.lines)} of {count}" if self.count > len(self.lines) else count


@dataclass(frozen=True, kw_only=True)
class Happened:
    at: datetime
    words: str


@dataclass(frozen=True, kw_only=True)
class Whole:
    known: Sequence[Told]
    custom: Sequence[Told]
    others: Sequence[Told]
    empty: Sequence[str]
    left_out: Sequence[str]
    raw: str
    is_cut: bool


def whole(reader: Reader, stream: Stream, record: Record) -> Whole:
    """The fields of a row, as much of them as one page bears."""
    try:
        address = reader.connection.address()
    except Unsealable:
        address = "…"
    text = record.exact(address=address)
    values, is_cut = within_bounds(values_of(text))
    known = {one.name: one for one in stream.facts.fields}
    references = [one for one in known.values() if one.kind == Kind.REFERENCE]
    reader.learn((one.target(str(values.get(one.of_field, ""))), values.get(one.name)) for one in references)
    told = {
        name: told_of(reader, stream, field_of(stream, name), values)
        for name in (*(one for one in known if one in values), *(one for one in values if one not in known))
    }
    has_text = {name: one for name, one in told.items() if one.cell.text}
    return Whole(
        known=[one for name, one in has_text.items() if name in known]
        + columns_of(reader, stream, record, reader.since_columns(stream)),
        custom=columns_of(reader, stream, record, reader.custom_columns(stream)),
        others=[one for name, one in has_text.items() if name not in known and name != "id"],
        empty=[one.label for name, one in told.items() if name not in has_text],
        left_out=sorted(labels_of(stream, reader.left_out(stream)).values()),
        raw="" if is_cut or len(text) > LONGEST_RAW else json.dumps(json.loads(text), ensure_ascii=False, indent=2),
        is_cut=is_cut,
    )


def within_bounds(texts: dict[str, str]) -> tuple[dict[str, Any], bool]:
    """The values of a row, as many as a page bears, and whether that cut any."""
    left, found = LONGEST_ROW, {}
    for name, text in texts.items():
        value = json.loads(text) if text[0] in '"tfn' else text
        found[name[:left]] = value[:left] if isinstance(value, str) else value
        left -= len(name) + len(text) + A_FIELD
        if left < 0:
            break
    return found, left < 0


def told_of(reader: Reader, stream: Stream, field: Field, values: dict[str, Any]) -> Told:
    cell = reader.cell(stream, field, values)
    if not cell.url:
        cell = Cell(text=leading(cell.text, field.kind), is_number=cell.is_number)
    return Told(label=field.label, cell=cell, is_long=len(cell.text) > LONG)


def columns_of(reader: Reader, stream: Stream, record: Record, columns: Sequence[Column]) -> list[Told]:
    """What stands in a table beside the row's own fields."""
    if not columns:
        return []
    (line,) = reader.lines(stream, [record.shown(())], columns)
    return [
        Told(label=column.label, cell=cell, is_long=len(cell.text) > LONG)
        for column, cell in zip(columns, line.cells, strict=True)
        if cell.text
    ]


# What refers to it ------------------------------------------------------------------------------------------------


def referring(reader: Reader, stream: Stream, record: Record) -> Iterator[Referring]:
    """By stream, those that name it in a column that can be looked for; its custom fields are its own."""
    connection = reader.connection
    own = {one.stream for one in stream.facts.beside if one.has_values}
    filled = [one for one in connection.known_source().streams if reader.counts.get(one.key) and one.key not in own]
    for other in sorted(filled, key=lambda one: not one.on_by_default):
        for field, equal in leading_to(stream, other, record.external_id):
            rows = chosen(connection, other, Sought(equal=equal))
            count = rows.count_some()
            if count:
                found = some_of(reader, other, field, dict(equal), rows, count)
                yield with_note(reader, found, stream, record)
                break  # A second field that leads here says the same of the same rows.


def leading_to(stream: Stream, other: Stream, external_id: str) -> Iterator[tuple[Field, list[tuple[str, str]]]]:
    """The fields of another stream that lead here, with what their columns then hold."""
    choice = other.facts.filling("choice")
    fields = [one for column in ("parent", "related", "owner") if (one := other.facts.filling(column))]
    yield from ((one, [(one.fills, external_id)]) for one in fields if one.of == stream.key)
    for one in fields:
        if choice and one.of_field == choice.name:
            codes = [code for code, target in one.of_words if target == stream.key]
            yield from ((one, [(one.fills, external_id), ("choice", code)]) for code in codes)


def some_of(reader: Reader, other: Stream, field: Field, equal: dict[str, str], rows: Any, count: int) -> Referring:
    order = Place(order="happened_at") if other.facts.filling("happened_at") else Place()
    columns = [one for one in reader.usual_columns(other) if one.name != field.name]
    shown = rows.shown(rows.first_of(order, OF_EACH), reader.fields(other, columns))
    lines = reader.lines(other, shown, columns)
    query = urlencode({one.name: value for column, value in equal.items() if (one := other.facts.filling(column))})
    url = f"{reader.rows_url(other.key)}?{query}"
    return Referring(stream=other, field=field, url=url, count=count, columns=columns, lines=lines)


def with_note(reader: Reader, found: Referring, stream: Stream, record: Record) -> Referring:
    """Where some lines do not say what came of it: without the columns in which none says anything."""
    names = [one.name for one in found.columns]
    told_in = found.stream.facts.told_in
    if told_in not in names or all(line.cells[names.index(told_in)].text for line in found.lines):
        return found
    untold = f"{reader.connection.source_name} does not tell the values of all of these."
    filled = [any(line.cells[place].text for line in found.lines) for place in range(len(names))]
    return replace(
        found,
        columns=[*compress(found.columns, filled)],
        lines=[replace(line, cells=[*compress(line.cells, filled)]) for line in found.lines],
        note=f"{untold} {followed(reader, found, stream, record)}".strip(),
    )


def followed(reader: Reader, found: Referring, stream: Stream, record: Record) -> str:
    """What is known nevertheless of a row that those are about, as we remember what it held."""
    parent = found.stream.facts.filling("parent")
    if not stream.remembers or parent is None or parent.of != stream.key:
        return ""
    fields = in_words([field_of(stream, name).label.lower() for name in stream.remembers], most=MOST_REMEMBERED)
    since = date_format(record.first_seen_at.astimezone(reader.connection.workspace.zone), "j F Y")
    return f"{fields.capitalize()} of this {stream.facts.row} are followed from {since} on, when we first saw it."


# What became of it ------------------------------------------------------------------------------------------------


def happened(reader: Reader, stream: Stream, record: Record) -> list[Happened]:
    """The newest changes of the row, and of what hangs on it, in words."""
    connection = reader.connection
    found = [(one, stream, None) for one in changes(connection, stream, [record.external_id])]
    for other in connection.known_source().streams:
        parent = other.facts.filling("parent")
        if parent and parent.of == stream.key and (other.comes_and_goes or other.remembers):
            rows = connection.records.filter(stream=other.key, parent=record.external_id)
            joined = dict(rows.values_list("external_id", "related")[:MOST_HANGING])
            found += [(one, other, joined[one.external_id]) for one in changes(connection, other, [*joined])]
    newest = sorted(found, key=lambda one: one[0].seen_at, reverse=True)[:MOST_CHANGES]
    return [Happened(at=one.seen_at, words=words_of(reader, one, of, related)) for one, of, related in newest]


def changes(connection: Connection, stream: Stream, ids: Sequence[str]) -> list[Any]:
    rows = connection.holding.changes.filter(stream=stream.key, external_id__in=[*ids])
    return [*rows.order_by("-seen_at")[:MOST_CHANGES]]


def words_of(reader: Reader, change: Any, stream: Stream, related: str | None) -> str:
    """As in “Tag Demo gone”, or “Status: Open, then Won”."""
    joins = stream.facts.filling("related")
    what = ""
    if related and joins and joins.of:
        reader.learn([(joins.of, related)])
        what = f"{joins.label} {reader.named(joins.of, related).text}"
    if change.field == PRESENCE:
        return f"{what or stream.facts.row.capitalize()} {'gone' if change.after == NOT_THERE else 'added'}"
    field = field_of(stream, change.field)
    before, after = (value_of(reader, stream, field, value) for value in (change.before, change.after))
    return f"{f'{what}: ' if what else ''}{field.label}: {before or 'nothing'}, then {after or 'nothing'}"


def value_of(reader: Reader, stream: Stream, field: Field, value: str) -> str:
    if field.kind == Kind.REFERENCE:
        reader.learn([(field.of, value)])
    return reader.cell(stream, field, {field.name: value}).text
