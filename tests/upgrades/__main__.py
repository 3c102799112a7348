"""`python -m tests.upgrades`: builds the databases by the code of those versions, and writes them down as SQL.

They are kept, since a later Django or library may no longer run that code. Needs the history of git, and PostgreSQL.
"""

import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.postgresql_fixture import PostgreSQL, binaries
from tests.processes import ROOT, bare_environment
from tests.upgrades import ADDRESS, API_KEY, FOLDER, KEY, VERSIONS

# In the words of those versions: two connections with a key, one of them private, a second key, and rows of two syncs.
ROWS = f"""
from django.core.management import call_command
from django.test import override_settings
from connections.models import Connection, Privacy, User, Workspace
from sources.activecampaign.sandbox.server import SandboxServer
from sources.registry import get_source
from sources.spec import Credentials, Proof, Secret

call_command("seed_demo")
alice, home = User.objects.get(email="alice@harbourtea.example"), Workspace.objects.get(slug="harbour-tea")

def connect(name, privacy, address={ADDRESS!r}, key={API_KEY!r}):
    draft = Connection.objects.take_up_draft(workspace=home, user=alice, source=get_source("activecampaign"))
    proof = Proof(account="", person="Mira Holt", person_email="mira@harbourtea.example", counts={{"contacts": 3}})
    credentials = Credentials(api_url=address, api_key=Secret(key))
    draft.set_up(credentials, proof, name=name, privacy=privacy, team=None, by=alice)
    draft.activate(by=alice)
    return draft

connect("Private account", Privacy.PRIVATE)
with SandboxServer(contacts=5) as account, override_settings(ACTIVECAMPAIGN_SANDBOX_ORIGINS=[account.origin]):
    pulled = connect("Main account", Privacy.WORKSPACE, account.origin, account.api_key)
    streams = [f"--stream={{one}}" for one in ("contacts", "tags", "lists")]
    for _ in range(2):
        try:
            call_command("sync", str(pulled.pk), *streams)
        except SystemExit as end:
            assert end.code == 0, end.code
"""


def build(version: str, url: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        tree = subprocess.run(["git", "archive", version], cwd=ROOT, check=True, capture_output=True).stdout
        subprocess.run(["tar", "x", "-C", folder], input=tree, check=True)
        settings = {"DEBUG": "on", "SECRET_KEY": "s" * 50, "CREDENTIAL_KEYS": KEY, "DATABASE_URL": url}
        for words in (["migrate", "--verbosity=0"], ["shell", "-c", ROWS]):
            command, environment = [sys.executable, "manage.py", *words], bare_environment(**settings)
            subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    where = binaries()
    assert where is not None, "Needs PostgreSQL."
    for version in VERSIONS:
        with tempfile.TemporaryDirectory(prefix="upgrades-") as folder:
            file = Path(folder) / "db.sqlite3"
            build(version, f"sqlite:///{file}")
            with sqlite3.connect(file) as database:
                (FOLDER / f"{version}.sqlite.sql").write_text("\n".join(database.iterdump()) + "\n")
            database.close()
        with tempfile.TemporaryDirectory(prefix="postgresql-") as folder:
            server = PostgreSQL(Path(folder), where)
            try:
                server.wait()
                build(version, server.url)
                dump = ["pg_dump", "--inserts", "--no-owner", "--no-privileges", server.url]
                text = subprocess.run(dump, check=True, capture_output=True, text=True).stdout
                kept = [line for line in text.splitlines() if line and not line.startswith(("--", "\\", "SET "))]
                (FOLDER / f"{version}.postgresql.sql").write_text("\n".join(kept) + "\n")
            finally:
                server.stop()


if __name__ == "__main__":
    main()
