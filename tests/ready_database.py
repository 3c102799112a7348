"""Fixtures: SQLite as `migrate` leaves it, made once in a run and copied by each process: to migrate takes seconds."""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

from tests.processes import ROOT


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Whoever comes first makes it, and the other processes of the run wait."""
    own = tmp_path_factory.getbasetemp()
    file = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "migrated.sqlite3"
    with file.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not file.exists():
            unfinished = file.with_suffix(".unfinished")
            variables = {"DJANGO_SETTINGS_MODULE": "tests.settings", "DATABASE_URL": f"sqlite:///{unfinished}"}
            migrate = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
            subprocess.run(migrate, cwd=ROOT, env=os.environ | variables, check=True)
            unfinished.rename(file)
    return file


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> None:
    """Make SQLite's test database a file: a page's server, a worker and the test meet in it, each by its own line."""
    if connection.vendor != "sqlite":
        return
    name = tmp_path_factory.mktemp("database") / "default.sqlite3"
    connection.settings_dict["TEST"]["NAME"] = f"{name}"
    if not request.config.option.nomigrations:
        ready = request.getfixturevalue("migrated")
        connection.settings_dict["TEST"]["MIGRATE"] = False
        # Where Django makes room for an empty one.
        connection.creation._create_test_db = lambda *_, **__: f"{shutil.copy(ready, name)}"
