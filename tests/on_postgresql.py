"""`make test-scale`: all tests, on a PostgreSQL of their own in a scratch folder."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.postgresql_fixture import NO_POSTGRESQL, PostgreSQL, binaries
from tests.processes import ROOT


def main() -> int:
    where = binaries()
    if where is None:
        sys.exit(NO_POSTGRESQL)
    # Not a folder of ours alone: the server runs as somebody else, who has to get in.
    with tempfile.TemporaryDirectory(prefix="postgresql-") as folder:
        server = PostgreSQL(Path(folder), where)
        try:
            server.wait()
            command = [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadgroup", *sys.argv[1:]]
            return subprocess.run(command, cwd=ROOT, env=os.environ | {"DATABASE_URL": server.url}).returncode
        finally:
            server.stop()


if __name__ == "__main__":
    sys.exit(main())
