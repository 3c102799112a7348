"""While a large database is brought to now, nobody who reads or writes rows waits for long."""

import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.command_fixture import start_python
from tests.postgresql_fixture import PostgreSQL, postgresql
from tests.upgrades import FOLDER, KEY, VERSIONS

__all__ = ["postgresql", "start_python"]

ROWS = 1_000_000
LONGEST = 2  # Seconds.
LOOKS_APART = 0.02
MANY = """
    INSERT INTO connections_record (connection_id, stream, external_id, {others})
    SELECT connection_id, stream, (1000000 + number)::text, {others}
    FROM (SELECT * FROM connections_record WHERE stream = 'contacts' LIMIT 1) AS one, generate_series(1, %s) AS number
"""
OTHERS = """
    SELECT string_agg(column_name, ', ') FROM information_schema.columns
    WHERE table_name = 'connections_record' AND column_name NOT IN ('id', 'connection_id', 'stream', 'external_id')
"""
# What others wait for who read or write: by whatever name, as tables change places. A new one is seen once it is there.
HELD = r"""
    SELECT pid, xact_start, relname, mode
    FROM pg_locks JOIN pg_class ON pg_class.oid = relation JOIN pg_stat_activity USING (pid)
    WHERE relname LIKE 'connections\_%' AND relkind = 'r' AND granted
        AND mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
"""


@pytest.mark.scale
@pytest.mark.django_db
@pytest.mark.parametrize("version", VERSIONS)
def test_a_million_rows_are_brought_to_now_and_no_lock_is_held_for_long(
    version: str, postgresql: PostgreSQL, start_python: Callable[..., Any]
) -> None:
    url = with_many_rows(version, postgresql)

    migrate = start_python("manage.py", "migrate", "--verbosity=0", DATABASE_URL=url, CREDENTIAL_KEYS=KEY)
    longest, held = longest_while(migrate.process, url)

    assert migrate.exit_code() == 0, migrate.err
    with psycopg.connect(url) as database:
        assert database.execute("SELECT count(*) >= %s FROM connections_record", [ROWS]).fetchone() == (True,)
    assert held, "No lock was seen: what looks for them is broken."
    assert longest < LONGEST, sorted(held.items(), key=lambda one: one[1])[-5:]


def with_many_rows(version: str, server: PostgreSQL) -> str:
    with psycopg.connect(server.url, autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "large-{version}"')
    url = f"postgres://scratch@127.0.0.1:{server.port}/large-{version}"
    with psycopg.connect(url, autocommit=True) as database:
        database.execute((FOLDER / f"{version}.postgresql.sql").read_text())
    with psycopg.connect(url, autocommit=True) as database:
        (others,) = database.execute(OTHERS).fetchone() or ("",)
        database.execute(MANY.format(others=others), [ROWS])
    return url


def longest_while(process: Any, url: str) -> tuple[float, dict[Any, float]]:
    """For how many seconds the longest lock was held, and all that were seen."""
    first: dict[Any, float] = {}
    held: dict[Any, float] = {}
    with psycopg.connect(url, autocommit=True) as database:
        while process.poll() is None:
            now = time.monotonic()
            for lock in database.execute(HELD):
                held[lock] = now - first.setdefault(lock, now)
            time.sleep(LOOKS_APART)
    return max(held.values(), default=0), held
