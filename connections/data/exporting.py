"""Pulled rows as a file: JSON lines exactly as the API gave them, or a table."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence

from django.utils.html import strip_tags
from django.utils.safestring import SafeString

from connections.data.formulas import guarded
from connections.frame.reading import Column, Reader
from connections.models import Connection, Record
from connections.models.record import RecordQuerySet
from connections.models.record_query import Place, Sought
from sources.spec import Stream

REST = "other"  # The column of all that has none of its own.
in_json = json.JSONEncoder(ensure_ascii=False).encode
# Numbers as the texts that they came as: one may have more digits than Python would read.
decode = json.JSONDecoder(parse_int=str, parse_float=str).raw_decode

ALL_THAT_LIVE = Sought()

Records = Iterator[list[Record]]


def pieces(connection: Connection, stream: Stream, format: str, *, sought: Sought = ALL_THAT_LIVE) -> Iterator[str]:
    """The file for programs, in pieces that are held one at a time, whatever its length.

    Raises Unsealable at once, before there is a first one.
    """
    address, records = connection.address(), chosen(connection, stream, sought).in_bites()
    return table(records, stream, address) if format == "csv" else json_lines(records, address)


def for_spreadsheets(connection: Connection, stream: Stream, *, sought: Sought = ALL_THAT_LIVE) -> Iterator[str]:
    """The table that a person opens: what a spreadsheet would run as a formula is kept from it. Raises Unsealable."""
    records = chosen(connection, stream, sought).in_bites()
    return table(records, stream, connection.address(), cell=guarded, line_end="\r\n")


def as_shown(
    connection: Connection, stream: Stream, columns: Sequence[Column], place: Place, *, sought: Sought = ALL_THAT_LIVE
) -> Iterator[str]:
    """The table that a page shows, in its order: these columns alone, under their titles and in words.

    Raises Unsealable.
    """
    records = chosen(connection, stream, sought).in_bites(place)
    return table_as_shown(connection, stream, columns, records, connection.address())


def chosen(connection: Connection, stream: Stream, sought: Sought) -> RecordQuerySet:
    everything: RecordQuerySet = connection.records
    rows = everything.filter(stream=stream.key).sought(sought, among=everything)
    return rows


def json_lines(records: Records, address: str) -> Iterator[str]:
    for bite in records:
        yield "".join(one_line(record.exact(address=address)) + "\n" for record in bite)


def one_line(text: str) -> str:
    """The same JSON for readers that begin a line at these, too. They stand in strings alone, where each has an escape.

    All other ends of lines are escaped in any JSON.
    """
    return text.replace("\u2028", r"\u2028").replace("\u2029", r"\u2029").replace("\x85", r"\u0085")


def table(
    records: Records, stream: Stream, address: str, *, cell: Callable[[str], str] = str, line_end: str = "\n"
) -> Iterator[str]:
    """A header, then a line a row. Its columns are the stream's own and never the rows': each account has the same."""
    columns = columns_of(stream)
    yield written([[*columns, REST]], line_end)
    for bite in records:
        rows = (values_of(record.exact(address=address)) for record in bite)
        yield written(([cell(text) for text in line(row, columns)] for row in rows), line_end)


def table_as_shown(
    connection: Connection, stream: Stream, columns: Sequence[Column], records: Records, address: str
) -> Iterator[str]:
    heads = [stream.facts.name_label, *(one.label for one in columns)]
    yield written([[*map(guarded, heads)]], "\r\n")
    for bite in records:
        reader = Reader(connection, is_for_file=True)  # A new one, as it remembers each name that it has read.
        fields = reader.fields(stream, columns)
        lines = reader.lines(stream, [record.whole(fields, address=address) for record in bite], columns)
        yield written(
            ([*map(guarded, (one.name, *(unmarked(cell.text) for cell in one.cells)))] for one in lines), "\r\n"
        )


def unmarked(text: str) -> str:
    """Without the marks that a page gives to moments; a row's own text stays, whatever it looks like."""
    return strip_tags(text) if isinstance(text, SafeString) else text


def written(lines: Iterator[list[str]] | list[list[str]], line_end: str) -> str:
    into = io.StringIO(newline="")
    csv.writer(into, quoting=csv.QUOTE_ALL, lineterminator=line_end).writerows(lines)  # No text begins a cell.
    return into.getvalue()


def columns_of(stream: Stream) -> list[str]:
    return [*dict.fromkeys(("id", *stream.facts.names, *stream.remembers))]


def line(values: dict[str, str], columns: list[str]) -> Iterator[str]:
    """The cells of a row; what has no column stands as JSON in the last one."""
    for column in columns:
        value = values.pop(column, "null")
        yield json.loads(value) if value.startswith('"') else "" if value == "null" else value
    rest = (f"{in_json(name)}:{value}" for name, value in values.items())
    yield f"{{{','.join(rest)}}}"


def values_of(text: str) -> dict[str, str]:
    """The values of a JSON object, each as the text that it came as: read and written anew, 1.10 would become 1.1.

    Rows from before texts were kept as they came have a blank after each comma and colon, all others none.
    """
    found, at = {}, 1
    while text[at] != "}":
        name, colon = decode(text, at)
        begin = colon + 2 if text[colon + 1] == " " else colon + 1
        _, end = decode(text, begin)
        found[name] = text[begin:end]
        at = end + 1 if text[end] == "," else end
        at += text[at] == " "
    return found
