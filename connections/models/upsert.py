"""Writes many rows of a stream at once, in the form that each database takes fastest, and says what room they take.

The ORM says the same, but prepares each value of each row by itself: that takes longer than all the rest.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper

from connections.models.columns import Value

UPSERT = """
    INSERT INTO {table}
        (holding_id, stream, external_id, text, size, size_before, content_hash, first_seen_at, changed_at{names})
    {rows}
    ON CONFLICT (holding_id, stream, external_id) DO UPDATE SET
        text = excluded.text, size = excluded.size, size_before = {table}.size,
        content_hash = excluded.content_hash, deleted_at = NULL, missed_at = NULL,
        first_seen_at = CASE WHEN {table}.deleted_at IS NULL THEN {table}.first_seen_at ELSE excluded.first_seen_at END,
        changed_at = CASE
            WHEN {table}.content_hash IN ('', excluded.content_hash) THEN {table}.changed_at ELSE excluded.changed_at
        END{changes}
    WHERE {table}.content_hash <> excluded.content_hash
        OR {table}.deleted_at IS NOT NULL OR {table}.missed_at IS NOT NULL
    RETURNING first_seen_at = {now}, changed_at = {now}, size, size_before
"""
SIZES = (100, 10, 1)  # Rows at once.
OF_ALL, OF_A_ROW = 3, 4  # Values: owner, stream, moment; id, text, size, hash.
# As `tally`, counted where the rows are.
TALLY = """
    WITH written (is_new, has_changed, size, size_before) AS ({upsert})
    SELECT
        count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE has_changed AND NOT is_new),
        count(*) FILTER (WHERE size_before = 0), coalesce(sum(size - size_before), 0)
    FROM written
"""
# Binary arrays, as psycopg escapes texts character by character, and looks for each place of a long list anew.
ARRAYS = """
    SELECT %s, %s, one.id, one.text, octet_length(one.text), 0, one.hash, %s, %s{values}
    FROM unnest(%b::text[], %b::text[], %b::text[]{arrays}) AS one (id, text, hash{names})
"""
FROM_TEXT = {
    "happened_at": "one.happened_at::timestamp AT TIME ZONE 'UTC'",
    "ended_at": "one.ended_at::timestamp AT TIME ZONE 'UTC'",
    "amount": "one.amount::bigint",
}

# A database without statistics would rather walk through all that the holding has, so each id is looked up by itself;
# and by its length too, as the index that it takes may be the one by lengths.
DIFFERING = {
    "postgresql": """
        SELECT one.id, stored.text, stored.deleted_at IS NOT NULL
        FROM unnest(%b::text[], %b::text[]) AS one (id, hash)
        LEFT JOIN LATERAL (
            SELECT text, content_hash, deleted_at FROM {table}
            WHERE holding_id = %s AND stream = %s AND external_id = one.id AND length(external_id) = length(one.id)
            OFFSET 0
        ) AS stored ON TRUE
        WHERE stored.content_hash IS DISTINCT FROM one.hash OR stored.deleted_at IS NOT NULL
    """,
    "sqlite": """
        WITH one (id, hash) AS (VALUES {rows})
        SELECT one.id, stored.text, stored.deleted_at IS NOT NULL
        FROM one LEFT JOIN {table} AS stored
            ON stored.holding_id = %s AND stored.stream = %s AND stored.external_id = one.id
        WHERE stored.content_hash IS NOT one.hash OR stored.deleted_at IS NOT NULL
    """,
}

# By each id for itself, and by its length too, as above.
SEE = """
    UPDATE {table} SET walk = %s WHERE id IN (
        SELECT stored.id FROM unnest(%b::text[]) AS one (id)
        CROSS JOIN LATERAL (
            SELECT id FROM {table}
            WHERE holding_id = %s AND stream = %s AND external_id = one.id AND length(external_id) = length(one.id)
            OFFSET 0
        ) AS stored
    )
"""
SEE_LISTED = "UPDATE {table} SET walk = %s WHERE holding_id = %s AND stream = %s AND external_id IN ({listed})"

Written = tuple[bool, bool, int, int]
"""Of a row that was written: whether it is new, whether it changed at this moment, its bytes, and those of before."""


@dataclass(frozen=True)
class Tally:
    """What writing came to. `new` are rows that live now and did not before, `added` those that take room now.

    A row that was gone and comes back is the one and not the other. `grown` is in bytes, and may be less than none.
    """

    new: int = 0
    changed: int = 0
    added: int = 0
    grown: int = 0


Found = tuple[str, str | None, bool]
"""An external id, the text in its place, and whether it is marked as gone."""


class RowText(NamedTuple):
    """A row as JSON text, its bytes, the hash that tells its versions apart, and what stands in its typed columns."""

    external_id: str
    text: str
    size: int
    content_hash: str
    typed: tuple[Value, ...] = ()


@dataclass(frozen=True)
class Before:
    """What is stored in the place of a row: its text, None where there was none; and whether it is marked as gone."""

    text: str | None
    was_gone: bool


@dataclass(frozen=True, kw_only=True)
class StoredRows:
    """The rows of one stream of a holding. `typed` names the columns that stand beside their texts."""

    table: str
    owner: UUID
    stream: str
    using: str
    typed: tuple[str, ...] = ()

    @property
    def database(self) -> BaseDatabaseWrapper:
        return connections[self.using]

    @property
    def takes_arrays(self) -> bool:
        return self.database.vendor == "postgresql"

    def write(self, rows: Sequence[RowText], *, now: datetime) -> Tally:
        """Insert those that are new, and put the others in the place of what differs.

        One statement: nothing is looked up before, which a database may do by the wrong index, and nothing that is the
        same is written.
        """
        if self.takes_arrays:
            return self._write_arrays(rows, now)
        most = self._most_values() // (OF_A_ROW + len(self.typed))
        return tally([*chain.from_iterable(self._write_list(piece, now) for piece in in_pieces(rows, most=most))])

    def differing(self, rows: Sequence[RowText]) -> dict[str, Before]:
        """By external id, what is in the place of those that are new, have another hash, or are marked as gone."""
        if self.takes_arrays:
            found = self._find_arrays(rows)
        else:
            found = [*chain.from_iterable(self._find_list(piece) for piece in in_pieces(rows))]
        return {external_id: Before(text, bool(was_gone)) for external_id, text, was_gone in found}

    def see(self, ids: Sequence[str], *, walk: int) -> None:
        """Write the number of a walk onto the rows that it has shown."""
        if self.takes_arrays:
            with self._server_side() as cursor:
                cursor.execute(SEE.format(table=self.table), [walk, [*ids], self.owner, self.stream])
            return
        for piece in in_pieces(ids):
            statement = SEE_LISTED.format(table=self.table, listed=", ".join(["%s"] * len(piece)))
            with self.database.cursor() as cursor:
                cursor.execute(statement, [walk, self._owner(), self.stream, *piece])

    # PostgreSQL -----------------------------------------------------------------------------------------------------

    @contextmanager
    def _server_side(self) -> Iterator[Any]:
        """A cursor that sends values as they are; Django's writes them into the statement."""
        database: Any = self.database
        with database.wrap_database_errors, database.Database.Cursor(database.connection) as cursor:
            yield cursor

    def _write_arrays(self, rows: Sequence[RowText], now: datetime) -> Tally:
        arrays = [[row.external_id for row in rows], [row.text for row in rows], [row.content_hash for row in rows]]
        # As texts: of mixed numbers, or of nothing but None, psycopg would not know what array they are.
        typed = [[value if value is None else str(value) for value in column] for column in self._columns(rows)]
        with self._server_side() as cursor:
            values = [self.owner, self.stream, now, now, *arrays, *typed, now, now]
            cursor.execute(array_upsert(self.table, self.typed), values)
            return Tally(*cursor.fetchone())

    def _columns(self, rows: Sequence[RowText]) -> list[tuple[Value, ...]]:
        return [*zip(*(row.typed for row in rows), strict=True)] if self.typed else []

    def _find_arrays(self, rows: Sequence[RowText]) -> list[Found]:
        arrays = [[row.external_id for row in rows], [row.content_hash for row in rows]]
        with self._server_side() as cursor:
            cursor.execute(DIFFERING["postgresql"].format(table=self.table), [*arrays, self.owner, self.stream])
            return cursor.fetchall()

    # SQLite ---------------------------------------------------------------------------------------------------------

    def _most_values(self) -> int:
        """In one statement, beside those of all rows: it depends on how SQLite was built."""
        self.database.ensure_connection()
        return int(self.database.connection.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER)) - OF_ALL

    def _write_list(self, rows: Sequence[RowText], now: datetime) -> list[Written]:
        owner, moment = self._owner(), models.DateTimeField().get_db_prep_value(now, self.database)
        values = [owner, self.stream, moment]
        for row in rows:
            values += row[:OF_A_ROW]
            values += row.typed
        statement = list_upsert(self.table, self.typed, len(rows))
        # Past Django's cursor, which looks for each place of a long list anew.
        with self.database.wrap_database_errors:
            return self.database.connection.execute(statement, values).fetchall()

    def _find_list(self, rows: Sequence[RowText]) -> list[Found]:
        values = chain.from_iterable((row.external_id, row.content_hash) for row in rows)
        statement = DIFFERING["sqlite"].format(table=self.table, rows=", ".join(["(%s, %s)"] * len(rows)))
        with self.database.cursor() as cursor:
            cursor.execute(statement, [*values, self._owner(), self.stream])
            return cursor.fetchall()

    def _owner(self) -> Any:
        return models.UUIDField().get_db_prep_value(self.owner, self.database)


def tally(written: Sequence[Written]) -> Tally:
    return Tally(
        new=sum(is_new for is_new, *_ in written),
        changed=sum(has_changed and not is_new for is_new, has_changed, *_ in written),
        # What has no size was not counted, whether it was there or not.
        added=sum(not before for *_, before in written),
        grown=sum(size - before for *_, size, before in written),
    )


@lru_cache(maxsize=256)
def list_upsert(table: str, typed: tuple[str, ...], count: int) -> str:
    """For so many rows at once, in SQLite. The values are numbered: those of all rows are given once."""
    width = OF_A_ROW + len(typed)
    return UPSERT.format(
        rows="VALUES " + ", ".join(one_row(OF_ALL + 1 + place * width, len(typed)) for place in range(count)),
        now="?3",
        **placed(table, typed),
    )


def one_row(first: int, typed: int) -> str:
    one, text, size, hashed, *others = (f"?{number}" for number in range(first, first + OF_A_ROW + typed))
    return f"({', '.join(['?1', '?2', one, text, size, '0', hashed, '?3', '?3', *others])})"


@lru_cache(maxsize=256)
def array_upsert(table: str, typed: tuple[str, ...]) -> str:
    """For any number of rows, in PostgreSQL."""
    rows = ARRAYS.format(
        values="".join(f", {FROM_TEXT.get(name, f'one.{name}')}" for name in typed),
        arrays=", %b::text[]" * len(typed),
        names="".join(f", {name}" for name in typed),
    )
    return TALLY.format(upsert=UPSERT.format(rows=rows, now="%s", **placed(table, typed)))


def placed(table: str, typed: tuple[str, ...]) -> dict[str, str]:
    return {
        "table": table,
        "names": "".join(f", {name}" for name in typed),
        "changes": "".join(f", {name} = excluded.{name}" for name in typed),
    }


def in_pieces(many: Sequence[Any], *, most: int = SIZES[0]) -> Iterator[Sequence[Any]]:
    """Of few sizes: each is a statement that stays prepared, with the rows that it was run with last."""
    begin = 0
    for size in (one for one in SIZES if one <= most):
        while begin + size <= len(many):
            yield many[begin : begin + size]
            begin += size
