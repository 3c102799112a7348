"""A database of each landed version, with rows in it, becomes one of now; one that is of no such version is refused."""

import json
import os
import re
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from connections.operating.history import require_fitting
from connections.operating.inside import migrations
from connections.operating.readiness import is_migrated
from tests.command_fixture import start_python
from tests.postgresql_fixture import PostgreSQL, binaries, postgresql
from tests.processes import ROOT
from tests.upgrades import API_KEY, FOLDER, KEY, VERSIONS

__all__ = ["postgresql", "start_python"]

# As an operator upgrades; then all that was there is asked for as a person would.
UPGRADE = """
import json
import django
django.setup()
from django.core.management import call_command
from django.test.utils import setup_test_environment
setup_test_environment()  # Its client's host is let in.
call_command("migrate", verbosity=0, skip_checks=False)
from connections.models import Connection, Record, Sync, User
from connections.operating.readiness import readiness
from tests.conftest import client_of
alice = client_of(User.objects.get(email="alice@harbourtea.example"))
keys, pages = {}, {}
for one in Connection.objects.order_by("name"):
    keys[one.name] = one.credentials().api_key.reveal()
    for page in ("", "pulling/", "data/", "data/tags/", "syncs/"):
        pages[f"{one.name} {page}"] = alice.get(f"{one.get_absolute_url()}{page}").status_code
print(json.dumps({
    "keys": keys, "pages": pages, "ready": readiness(), "rows": Record.objects.living().count(),
    "syncs": sorted(Sync.objects.values_list("number", "state")),
    "list": alice.get("/w/harbour-tea/connections/").content.decode().count("Main account"),
}))
"""


def is_of_now(url: str, start_python: Callable[..., Any]) -> None:
    upgrade = start_python(
        "-c", UPGRADE, DATABASE_URL=url, CREDENTIAL_KEYS=KEY, DJANGO_SETTINGS_MODULE="tests.settings"
    )

    assert upgrade.exit_code() == 0, upgrade.err
    found = json.loads(upgrade.out)
    assert (found["keys"].keys(), found["keys"]["Private account"]) == ({"Main account", "Private account"}, API_KEY)
    assert {*found["pages"].values()} == {200}, found["pages"]
    assert all(found["ready"][what] for what in ("database", "migrations", "credential_keys")), found["ready"]
    assert (found["rows"], found["syncs"]) == (26, [[1, "complete"], [2, "complete"]])
    assert found["list"] >= 1


@pytest.mark.django_db
@pytest.mark.parametrize("version", VERSIONS)
def test_a_database_of_that_version_is_brought_to_now(version: str, tmp_path: Path, start_python: Any) -> None:
    with sqlite3.connect(tmp_path / "db.sqlite3") as database:
        database.executescript((FOLDER / f"{version}.sqlite.sql").read_text())
    database.close()

    is_of_now(f"sqlite:///{tmp_path}/db.sqlite3", start_python)
    comes_back_by_the_documents(tmp_path, start_python)


def comes_back_by_the_documents(folder: Path, start_python: Callable[..., Any]) -> None:
    """Backed up and restored by the commands of the table, each key still opens."""
    back_up, restore = commands(column=1)
    subprocess.run(back_up, shell=True, cwd=folder, check=True)
    (folder / "db.sqlite3").write_bytes(b"lost")
    subprocess.run(restore, shell=True, cwd=folder, check=True)

    words = ("manage.py", "rotate_credential_keys", "--verify-only")
    verify = start_python(*words, DATABASE_URL=f"sqlite:///{folder}/db.sqlite3", CREDENTIAL_KEYS=KEY)
    assert verify.exit_code() == 0, verify.err


def commands(column: int) -> list[str]:
    """How the documents back up and restore: 0 for PostgreSQL, 1 for SQLite."""
    table = (ROOT / "docs" / "operating.md").read_text()
    rows = [re.search(rf"^\| {what}[^|]*\| `([^`]+)` \| `([^`]+)` \|$", table, re.M) for what in ("back up", "restore")]
    return [row.groups()[column] for row in rows if row]


@pytest.mark.scale
@pytest.mark.django_db
@pytest.mark.parametrize("version", VERSIONS)
def test_a_postgresql_of_that_version_is_brought_to_now(
    version: str, postgresql: PostgreSQL, tmp_path: Path, start_python: Any
) -> None:
    with psycopg.connect(postgresql.url, autocommit=True) as admin:
        admin.execute(f'CREATE ROLE "{version}" LOGIN')  # No superuser's, as on a real site.
        admin.execute(f'CREATE DATABASE "{version}" OWNER "{version}"')
    url = f"postgres://{version}@127.0.0.1:{postgresql.port}/{version}"
    with psycopg.connect(url, autocommit=True) as database:
        database.execute((FOLDER / f"{version}.postgresql.sql").read_text())
    folder = binaries()
    words = {"shell": True, "cwd": tmp_path, "check": True}
    words["env"] = {**os.environ, "DATABASE_URL": url, "PATH": f"{folder}:{os.environ['PATH']}"}
    back_up, restore = commands(column=0)

    subprocess.run(back_up, **words)
    is_of_now(url, start_python)
    subprocess.run(restore, **words)  # Over the newer version, as somebody does who goes back.
    is_of_now(url, start_python)
    assert (tmp_path / "backup.dump").stat().st_mode & 0o077 == 0


@pytest.mark.django_db
def test_a_database_of_a_newer_version_is_refused_in_words_by_migrate_at_start_and_by_readyz() -> None:
    require_fitting()
    assert is_migrated()
    MigrationRecorder(connection).record_applied("connections", "9999_of_tomorrow")
    words = r"newer version of BlinkMetrics.+9999_of_tomorrow.+restore the backup"

    with pytest.raises(SystemCheckError, match=words):
        call_command("migrate", verbosity=0, skip_checks=False)
    with pytest.raises(ImproperlyConfigured, match=words):
        require_fitting()
    assert not is_migrated()
    assert "9999_of_tomorrow" in " ".join(migrations())


@pytest.mark.django_db
def test_a_history_with_a_gap_is_refused_in_words_too() -> None:
    MigrationRecorder(connection).record_unapplied("connections", "0001_initial")

    with pytest.raises(SystemCheckError, match=r"history has a gap.+Restore a backup"):
        call_command("migrate", verbosity=0, skip_checks=False)
