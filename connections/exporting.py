"""Pulled rows as lines of a file: JSON lines exactly as the API gave them, or a table that a spreadsheet may open."""

import csv
import json
from collections.abc import Callable, Iterator
from typing import Any

from connections.models import Connection
from connections.models.record import RecordQuerySet
from sources.spec import Stream

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def jsonl_lines(connection: Connection, stream: Stream, *, deleted: bool = False) -> Iterator[str]:
    address = connection.address()
    for record in chosen(connection, stream, deleted=deleted):
        yield json.dumps(record.row(address=address), ensure_ascii=False) + "\n"


def csv_lines(connection: Connection, stream: Stream, *, deleted: bool = False) -> Iterator[str]:
    """A header of all keys that occur, then a line a row; what a spreadsheet would run as a formula is quoted."""
    address = connection.address()
    records = chosen(connection, stream, deleted=deleted)
    columns = all_columns(records)
    writer = csv.writer(Echo())
    yield writer.writerow(columns)
    for record in records.iterator(chunk_size=1000):
        row = record.row(address=address)
        yield writer.writerow([cell(row.get(column)) for column in columns])


def chosen(connection: Connection, stream: Stream, *, deleted: bool) -> RecordQuerySet:
    records = connection.records.filter(stream=stream.key)
    return (records if deleted else records.living()).in_id_order()


def all_columns(records: RecordQuerySet) -> list[str]:
    """Rows of one stream may have different keys; none is left out. `links` is for machines."""
    seen: dict[str, None] = {"id": None}
    for data in records.values_list("data", flat=True).iterator(chunk_size=1000):
        seen.update(dict.fromkeys(data))
    return [column for column in seen if column != "links"]


def cell(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"'{text}" if text.startswith(FORMULA_STARTS) and not is_number(text) else text


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


LINES: dict[str, Callable[..., Iterator[str]]] = {"jsonl": jsonl_lines, "csv": csv_lines}
