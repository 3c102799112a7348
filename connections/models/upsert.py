"""Reads and writes many rows of a stream at once, in the form that each database takes fastest.

The ORM says the same, but prepares each value of each row by itself: that takes longer than all the rest.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any
from uuid import UUID

from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper

KNOWN = """
    SELECT external_id, content_hash, missed_at IS NOT NULL FROM {table}
    WHERE connection_id = %s AND stream = %s AND deleted_at IS NULL AND external_id {among}
"""
UPSERT = """
    INSERT INTO {table} (connection_id, stream, external_id, data, content_hash, first_seen_at, changed_at)
    {rows}
    ON CONFLICT (connection_id, stream, external_id) DO UPDATE SET
        data = excluded.data, content_hash = excluded.content_hash, changed_at = excluded.changed_at,
        deleted_at = NULL, missed_at = NULL
"""
ONE_ROW = "(%s, %s, %s, %s, %s, %s, %s)"
SIZES = (100, 10, 1)  # Rows at once. A SQLite may be built to take no more than 999 values.
# Binary arrays, as psycopg escapes texts character by character, and looks for each place of a long list anew.
AMONG_ARRAY = "= ANY(%b::text[])"
ARRAYS = """
    SELECT %s, %s, one.id, one.data::jsonb, one.hash, %s, %s
    FROM unnest(%b::text[], %b::text[], %b::text[]) AS one (id, data, hash)
"""


@dataclass(frozen=True)
class RowText:
    """A row as JSON, and the hash that tells its versions apart."""

    external_id: str
    data: str
    content_hash: str


@dataclass(frozen=True)
class Known:
    """A living row. `is_missed`: the last whole walk did not see it."""

    external_id: str
    content_hash: str
    is_missed: bool


@dataclass(frozen=True, kw_only=True)
class StoredRows:
    """The rows of one stream of a connection."""

    table: str
    owner: UUID
    stream: str
    using: str

    @property
    def database(self) -> BaseDatabaseWrapper:
        return connections[self.using]

    @property
    def takes_arrays(self) -> bool:
        return self.database.vendor == "postgresql"

    def known(self, ids: Sequence[str]) -> dict[str, Known]:
        found = self._among_array(ids) if self.takes_arrays else chain.from_iterable(map(self._among, in_pieces(ids)))
        return {external_id: Known(external_id, content_hash, missed) for external_id, content_hash, missed in found}

    def write(self, rows: Sequence[RowText], *, now: datetime) -> None:
        """Insert those that are new, and put the others in the place of what is there."""
        if self.takes_arrays:
            self._write_arrays(rows, now)
        else:
            for piece in in_pieces(rows):
                self._write_list(piece, now)

    # PostgreSQL -----------------------------------------------------------------------------------------------------

    @contextmanager
    def _server_side(self) -> Iterator[Any]:
        """A cursor that sends values as they are; Django's writes them into the statement."""
        database: Any = self.database
        with database.wrap_database_errors, database.Database.Cursor(database.connection) as cursor:
            yield cursor

    def _among_array(self, ids: Sequence[str]) -> list[Any]:
        with self._server_side() as cursor:
            cursor.execute(KNOWN.format(table=self.table, among=AMONG_ARRAY), [self.owner, self.stream, ids])
            return cursor.fetchall()

    def _write_arrays(self, rows: Sequence[RowText], now: datetime) -> None:
        arrays = [[row.external_id for row in rows], [row.data for row in rows], [row.content_hash for row in rows]]
        with self._server_side() as cursor:
            statement = UPSERT.format(table=self.table, rows=ARRAYS)
            cursor.execute(statement, [self.owner, self.stream, now, now, *arrays])

    # SQLite ---------------------------------------------------------------------------------------------------------

    def _among(self, ids: Sequence[str]) -> list[Any]:
        listed = "IN (" + ", ".join(["%s"] * len(ids)) + ")"
        with self.database.cursor() as cursor:
            cursor.execute(KNOWN.format(table=self.table, among=listed), [self._owner(), self.stream, *ids])
            return cursor.fetchall()

    def _write_list(self, rows: Sequence[RowText], now: datetime) -> None:
        owner, moment = self._owner(), models.DateTimeField().get_db_prep_value(now, self.database)
        values = [(owner, self.stream, row.external_id, row.data, row.content_hash, moment, moment) for row in rows]
        listed = "VALUES " + ", ".join([ONE_ROW] * len(values))
        with self.database.cursor() as cursor:
            cursor.execute(UPSERT.format(table=self.table, rows=listed), [*chain.from_iterable(values)])

    def _owner(self) -> Any:
        return models.UUIDField().get_db_prep_value(self.owner, self.database)


def in_pieces(many: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Of few sizes: each is a statement that stays prepared, with the rows that it was run with last."""
    begin = 0
    for size in SIZES:
        while begin + size <= len(many):
            yield many[begin : begin + size]
            begin += size
