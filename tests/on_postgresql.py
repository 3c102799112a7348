"""`make test-scale`: all tests, on a PostgreSQL of their own in a scratch folder; `--behind-pgbouncer`, through one."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from tests.pgbouncer import NO_PGBOUNCER, pooled, program
from tests.postgresql_fixture import NO_POSTGRESQL, PostgreSQL, binaries
from tests.processes import ROOT

BEHIND_PGBOUNCER = "--behind-pgbouncer"


def main(words: Sequence[str]) -> int:
    where = binaries()
    if where is None:
        sys.exit(NO_POSTGRESQL)
    is_behind = BEHIND_PGBOUNCER in words
    # What PgBouncer still holds open cannot be dropped; all of it goes with the scratch folder.
    command = [sys.executable, "-m", "pytest", "-n", "2", "--dist", "worksteal", "--reuse-db"]
    command += [word for word in words if word != BEHIND_PGBOUNCER]
    # Not folders of ours alone: the servers run as somebody else, who has to get in.
    with tempfile.TemporaryDirectory(prefix="postgresql-") as folder:
        server = PostgreSQL(Path(folder), where)
        try:
            server.wait()
            with through_pgbouncer(server.url) if is_behind else nullcontext(server.url) as url:
                return subprocess.run(command, cwd=ROOT, env=os.environ | {"DATABASE_URL": url}).returncode
        finally:
            server.stop()


def through_pgbouncer(url: str) -> AbstractContextManager[str]:
    found = program()
    if found is None:
        sys.exit(NO_PGBOUNCER)
    return pooled(found, url)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
