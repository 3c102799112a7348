"""Pulled rows as lines of a file: JSON lines exactly as the API gave them, or a table that a spreadsheet may open."""

import csv
import json
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

from connections.models import Connection
from connections.models.hidden_address import show
from connections.models.record import RecordQuerySet
from sources.spec import Row, Stream

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
CHUNK = 1000  # Rows in memory at a time.


def lines(connection: Connection, stream: Stream, format: str, *, deleted: bool = False) -> Iterator[str]:
    """The file, line by line, whatever its length. Raises Unsealable at once, before there is a first line."""
    return LINES[format](chosen(connection, stream, deleted=deleted), connection.address())


def jsonl_lines(records: RecordQuerySet, address: str) -> Iterator[str]:
    for record in records.iterator(chunk_size=CHUNK):
        yield one_line(record.exact(address=address)) + "\n"


def one_line(text: str) -> str:
    """The same JSON for readers that begin a line at these, too. They stand in strings alone, where each has an escape.

    All other ends of lines are escaped in any JSON.
    """
    return text.replace("\u2028", r"\u2028").replace("\u2029", r"\u2029").replace("\x85", r"\u0085")


def csv_lines(records: RecordQuerySet, address: str) -> Iterator[str]:
    """A header of all keys that occur, then a line a row; what a spreadsheet would run as a formula is quoted."""
    columns = all_columns(records, address)
    writer = csv.writer(Echo(), quoting=csv.QUOTE_ALL)  # No separator in a text begins a cell.
    yield writer.writerow([cell(column) for column in columns])
    for row in rows(records, address):
        yield writer.writerow([cell(row.get(column)) for column in columns])


def rows(records: RecordQuerySet, address: str) -> Iterator[Row]:
    for record in records.iterator(chunk_size=CHUNK):
        yield record.row(address=address)


def chosen(connection: Connection, stream: Stream, *, deleted: bool) -> RecordQuerySet:
    records = connection.records.filter(stream=stream.key)
    return (records if deleted else records.living()).in_id_order()


def all_columns(records: RecordQuerySet, address: str) -> list[str]:
    """Rows of one stream may have different keys; none is left out. `links` is for machines."""
    seen: dict[str, None] = {"id": None}
    for text in records.values_list("text", flat=True).iterator(chunk_size=CHUNK):
        seen.update(dict.fromkeys(json.loads(show(text, address))))
    return [column for column in seen if column != "links"]


def cell(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"'{text}" if starts_a_formula(text) and not is_number(text) else text


def starts_a_formula(text: str) -> bool:
    """Spreadsheets look past blanks, and take full-width signs for their narrow twins."""
    first = unicodedata.normalize("NFKC", text.lstrip(" \u00a0\u3000")[:1])
    return first.startswith(FORMULA_STARTS)


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


class Echo:
    """A file that hands back what is written to it."""

    def write(self, line: str) -> str:
        return line


LINES: dict[str, Callable[[RecordQuerySet, str], Iterator[str]]] = {"jsonl": jsonl_lines, "csv": csv_lines}
