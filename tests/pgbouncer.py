"""A scratch PgBouncer before a PostgreSQL: each transaction gets whichever connection is free."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from tests.postgresql_fixture import other_user
from tests.processes import PATIENCE, free_port, until

NO_PGBOUNCER = "PGBOUNCER TESTS SKIPPED: install pgbouncer"
# As docs/operating.md has them; a pool so small that sessions share it all the time.
SETTINGS = """
[databases]
* = host={host} port={port} user={user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen_port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 10
max_client_conn = 500
server_reset_query_always = 0
"""


def program() -> str | None:
    return shutil.which("pgbouncer", path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin")


class PgBouncer:
    """On a free port of this machine; `url` is that of the server with another port."""

    def __init__(self, program: str, folder: Path, server_url: str) -> None:
        self.port, server = free_port(), urlsplit(server_url)
        self.url = server._replace(netloc=f"{server.username}@127.0.0.1:{self.port}").geturl()
        settings = folder / "pgbouncer.ini"
        facts = {"host": server.hostname, "port": server.port, "user": server.username}
        settings.write_text(SETTINGS.format(**facts, listen_port=self.port))
        settings.chmod(0o644)
        folder.chmod(0o755)  # It refuses to run as root, and whom it runs as has to get in.
        self.process = subprocess.Popen([program, "-q", settings], cwd=folder, **other_user())

    def wait(self) -> None:
        until(self.answers, what="PgBouncer's first answer")

    def answers(self) -> bool:
        assert self.process.poll() is None, "PgBouncer has ended."
        try:
            psycopg.connect(self.url).close()
        except psycopg.OperationalError:
            return False
        return True

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=PATIENCE)


@contextmanager
def pooled(program: str, server_url: str) -> Iterator[str]:
    """The address of a server, or of one of its databases, through a PgBouncer."""
    # Not pytest's folder: only its owner may enter that, and PgBouncer runs as somebody else.
    with tempfile.TemporaryDirectory(prefix="pgbouncer-") as folder:
        pooler = PgBouncer(program, Path(folder), server_url)
        try:
            pooler.wait()
            yield pooler.url
        finally:
            pooler.stop()
