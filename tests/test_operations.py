"""One command to run, one to test: what they promise on a fresh machine."""

import os
import re
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest

from blinkmetrics.env_file import add_missing, keep_private
from blinkmetrics.run import database_file
from tests.processes import ROOT, Started, bare_environment, copy_project, free_port, started, until
from tests.site_fixture import SECRETS

RUN = [sys.executable, "-m", "blinkmetrics.run"]
READY = "Ctrl-C stops everything"
PASSWORD = "demo-password-1"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return copy_project(tmp_path / "checkout")


def make_run(checkout: Path, **settings: str) -> AbstractContextManager[Started]:
    ports = {"PORT": str(free_port()), "SANDBOX_PORT": str(free_port())}
    return started(RUN, directory=checkout, environment=bare_environment(**{**ports, **settings}))


def typed(output: str, label: str) -> str:
    """What stands behind a label of the welcome."""
    found = re.search(rf"^ +{label} +(\S+)", output, re.MULTILINE)
    assert found, output
    return found[1]


def log_in(site: str, *, email: str) -> httpx.Response:
    with httpx.Client(base_url=site, follow_redirects=True) as browser:
        browser.get("/accounts/login/")
        form = {"login": email, "password": PASSWORD, "csrfmiddlewaretoken": browser.cookies["csrftoken"]}
        return browser.post("/accounts/login/", data=form)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_the_first_run_prints_lets_a_person_in_ctrl_c_leaves_nothing_and_a_second_run_keeps_all(checkout):
    with make_run(checkout) as demo:
        demo.says(READY)

        site = typed(demo.output, "Open")
        page = log_in(site, email=typed(demo.output, "Log in as"))
        asked = httpx.get(
            f"{typed(demo.output, 'API URL')}/api/3/users/me", headers={"Api-Token": typed(demo.output, "API key")}
        )
        sheets = [
            httpx.get(f"{site}{path}").status_code for path in re.findall(r'href="/(static/[^"]+\.css)"', page.text)
        ]
        web, worker = demo.alive(named="gunicorn"), demo.alive(named="manage.py worker")
        demo.process.send_signal(signal.SIGINT)

        assert web
        assert worker
        assert (page.status_code, page.url.path) == (200, "/w/harbour-tea/connections/")
        assert asked.status_code == 200
        assert set(sheets) == {200}
        assert not (checkout / "staticfiles").exists()
        assert mode(checkout / ".env") == 0o600
        assert {mode(file) for file in checkout.glob("db.sqlite3*")} == {0o600}
        assert demo.exit_code() == 0
        assert demo.alive() == []
    secrets = (checkout / ".env").read_bytes()
    with sqlite3.connect(checkout / "db.sqlite3") as database:
        database.execute("UPDATE connections_workspace SET name = 'Renamed' WHERE slug = 'harbour-tea'")
    database.close()

    with make_run(checkout) as demo:
        demo.says(READY)
        page = log_in(typed(demo.output, "Open"), email="bob@harbourtea.example")

        assert "Renamed" in page.text
        assert (checkout / ".env").read_bytes() == secrets
        demo.process.send_signal(signal.SIGTERM)
        assert demo.exit_code() == 0


@pytest.mark.scale
def test_a_killed_worker_is_replaced_and_without_its_sandbox_everything_stops_with_a_sentence(checkout):
    with make_run(checkout) as demo:
        demo.says(READY)
        [worker] = demo.alive(named="manage.py worker")
        [sandbox] = demo.alive(named="activecampaign_sandbox")

        os.kill(worker, signal.SIGKILL)

        demo.says("The worker ended")
        until(lambda: demo.alive(named="manage.py worker") not in ([], [worker]), what="another worker")

        os.kill(sandbox, signal.SIGKILL)

        assert demo.exit_code() == 1
        assert "sandbox ended by itself" in demo.lines[-1]
        assert demo.alive() == []


@pytest.mark.scale
def test_what_a_killed_parent_leaves_behind_ends(checkout):
    with make_run(checkout) as demo:
        demo.says(READY)

        demo.process.kill()

        until(lambda: demo.alive() == [], what="the end of web, worker and sandbox")


def test_without_make_which_started_it_everything_stops(checkout):
    ports = {"PORT": str(free_port()), "SANDBOX_PORT": str(free_port()), "MAKELEVEL": "1"}
    command = ["sh", "-c", f"{' '.join(RUN)}; true"]
    with started(command, directory=checkout, environment=bare_environment(**ports)) as demo:
        demo.says("Preparing the database")

        demo.process.kill()

        until(lambda: demo.alive() == [], what="the end of all that it had started")


@pytest.mark.parametrize("name", [".env", "db.sqlite3"])
def test_a_folder_that_cannot_be_written_is_said_in_one_sentence(checkout, name):
    (checkout / name).symlink_to("/proc/1/none/such")

    with make_run(checkout) as demo:
        assert demo.exit_code() == 1

    assert demo.lines[-1].startswith(f"make run: {checkout / name} cannot be written here (")
    assert "Traceback" not in demo.output


REQUESTS = """
import django
django.setup()
from django.test import Client
client = Client(headers={"host": "app.example.com", "x-forwarded-proto": "https"})
client.get("/healthz", secure=True)  # A probe is none of the lines: it comes every few seconds.
client.get("/nothing/here.php", secure=True)
client.get("/w/harbour-tea/", secure=True)
"""


@pytest.mark.parametrize(("debug", "lines"), [("on", 0), ("off", 2)])
def test_a_request_is_one_line_of_the_log_and_none_in_development(checkout, debug, lines):
    environment = bare_environment(**{**PRODUCTION, "DEBUG": debug, "DJANGO_SETTINGS_MODULE": "blinkmetrics.settings"})

    command = [sys.executable, "-c", REQUESTS]
    log = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, check=True).stderr

    assert log.count("request_finished") == lines
    assert "request_started" not in log


@pytest.mark.parametrize(
    "path", ["..%2f..%2f.env", "..\\..\\.env", "%2fetc%2fpasswd", "%00", "css/%00.css", "x" * 300, "css/", "", "css/.."]
)
@pytest.mark.parametrize("debug", [True, False])
def test_what_is_no_static_file_is_not_found(client, settings, tmp_path, path, debug):
    settings.STATIC_ROOT = tmp_path
    settings.DEBUG = settings.WHITENOISE_USE_FINDERS = settings.WHITENOISE_AUTOREFRESH = debug

    assert client.get(f"/static/{path}").status_code == 404


@pytest.mark.parametrize("variable", ["PORT", "SANDBOX_PORT"])
def test_a_taken_port_is_said_in_one_line_before_anything_starts(checkout, variable):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])

        with make_run(checkout, **{variable: port}) as demo:
            code = demo.exit_code()

    assert code == 1
    assert len(demo.lines) == 1
    assert port in demo.output
    assert f"{variable}=" in demo.output
    assert not (checkout / "db.sqlite3").exists()


@pytest.mark.parametrize("port", ["http", "0", "65536", "-1", "²"])
def test_a_port_that_is_none_is_said_in_one_line(checkout, port):
    with make_run(checkout, PORT=port) as demo:
        assert demo.exit_code() == 1

    assert len(demo.lines) == 1
    assert "PORT is no port number" in demo.output


def test_demo_people_are_refused_where_debug_is_off(checkout):
    with make_run(checkout, DEBUG="off") as demo:
        assert demo.exit_code() == 1

    assert "DEBUG" in demo.lines[-1]
    assert not (checkout / "db.sqlite3").exists()


def test_settings_that_are_there_stay_and_only_missing_ones_are_added(tmp_path):
    file = tmp_path / ".env"
    file.write_text("# Mine\nexport SECRET_KEY=mine\nDEBUG = off")
    file.chmod(0o644)

    added = add_missing(file, {name: lambda: "new" for name in ("SECRET_KEY", "DEBUG", "CREDENTIAL_KEYS")})

    assert added == ["CREDENTIAL_KEYS"]
    assert file.read_text() == "# Mine\nexport SECRET_KEY=mine\nDEBUG = off\nCREDENTIAL_KEYS=new\n"
    assert mode(file) == 0o600


def test_a_database_that_others_could_read_is_closed_to_them_and_loses_nothing(tmp_path):
    file = tmp_path / "db.sqlite3"
    file.write_bytes(b"rows")
    file.chmod(0o644)

    keep_private(file)

    assert (mode(file), file.read_bytes()) == (0o600, b"rows")


@pytest.mark.parametrize(
    ("url", "file"),
    [
        ("", ROOT / "db.sqlite3"),
        ("sqlite:////tmp/elsewhere.sqlite3", Path("/tmp/elsewhere.sqlite3")),
        ("sqlite:///beside.sqlite3", ROOT / "beside.sqlite3"),
        ("sqlite://:memory:", None),
        ("postgres://me@localhost/blinkmetrics", None),
    ],
)
def test_the_file_of_a_database_is_found_where_it_has_one(url, file):
    assert database_file({"DATABASE_URL": url}) == file


def test_whichever_command_makes_the_database_nobody_else_may_read_it(tmp_path):
    settings = {**PRODUCTION, "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3"}

    command = ["sh", "-c", f"umask 022; {sys.executable} manage.py showmigrations connections"]
    subprocess.run(command, cwd=ROOT, env=bare_environment(**settings), capture_output=True, check=True)

    assert {mode(file) for file in tmp_path.glob("db.sqlite3*")} == {0o600}


def test_nothing_is_written_when_nothing_is_missing(tmp_path):
    file = tmp_path / ".env"
    file.write_text("DEBUG=on\n")
    before = file.stat()

    assert add_missing(file, {"DEBUG": lambda: "off"}) == []

    assert file.read_text() == "DEBUG=on\n"
    assert file.stat().st_mtime_ns == before.st_mtime_ns


PRODUCTION = {**SECRETS, "ALLOWED_HOSTS": "app.example.com"}


def check(checkout: Path, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", "check", *words]
    return subprocess.run(command, cwd=checkout, env=bare_environment(**settings), capture_output=True, text=True)


def test_the_settings_of_a_real_site_start_and_leave_nothing_open(checkout):
    result = check(checkout, "--deploy", "--fail-level", "WARNING", **PRODUCTION, TRUSTED_PROXY_COUNT="1")

    assert result.returncode == 0, result.stderr
    assert "no issues" in result.stdout


def test_whatever_leaves_something_open_fails_the_check_that_every_change_goes_through(checkout):
    result = check(checkout, "--deploy", "--fail-level", "WARNING", **PRODUCTION, SITE_URL="http://app.example.com")

    assert result.returncode != 0
    lint = (ROOT / "Makefile").read_text().partition("\nlint:")[2].partition("\n\n")[0]
    assert "manage.py check --deploy --fail-level WARNING" in lint


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("SECRET_KEY", ""),
        ("SECRET_KEY", "short"),
        ("CREDENTIAL_KEYS", ""),
        ("CREDENTIAL_KEYS", "no-fernet-key"),
        ("ALLOWED_HOSTS", ""),
    ],
)
def test_a_real_site_without_a_good_secret_does_not_start_and_says_what_to_set(checkout, setting, value):
    result = check(checkout, **{**PRODUCTION, setting: value})

    assert result.returncode != 0
    assert setting in result.stderr.strip().splitlines()[-1]


def test_make_alone_prints_the_targets():
    printed = subprocess.run(
        ["make"], cwd=ROOT, env=bare_environment(), capture_output=True, text=True, check=True
    ).stdout

    assert [f"make {target}" in printed for target in ("run", "test", "lint", "format", "bench")] == [True] * 5


@pytest.mark.parametrize(("lacks", "cure"), [("version_info", "Python 3.11 or later"), ("ensurepip", "python3-venv")])
def test_a_python_that_will_not_do_is_said_in_one_line(tmp_path, lacks, cure):
    for name in ("Makefile", "pyproject.toml", "constraints.txt", "constraints-dev.txt"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\ncase "$2" in *{lacks}*) exit 1;; esac\n')
    python.chmod(0o755)

    command = ["make", "-s", "test", f"PYTHON={python}"]
    result = subprocess.run(command, cwd=tmp_path, env=bare_environment(), capture_output=True, text=True)

    assert result.returncode != 0
    assert len(result.stdout.splitlines()) == 1
    assert cure in result.stdout


def test_the_script_for_new_machines_runs_what_a_developer_runs():
    script = ROOT / ".ci/run"

    assert os.access(script, os.X_OK)
    assert script.read_text().rstrip().endswith("make lint test")


def pytest_without_chromium(folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    (folder / "conftest.py").write_text('pytest_plugins = ["tests.browser_fixture"]\n')
    (folder / "test_page.py").write_text("def test_a_page(page): ...\n\ndef test_no_page(): ...\n")
    command = [sys.executable, "-m", "pytest", "-p", "no:django", "-n", "2", "-c", os.devnull]
    command += ["--rootdir", str(folder), str(folder)]
    environment = bare_environment(CHROMIUM="no-such-browser", **settings)
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


def test_without_a_browser_its_tests_alone_are_skipped_loudly(tmp_path):
    result = pytest_without_chromium(tmp_path)

    assert result.returncode == 0, result.stdout
    assert re.search(r"1 passed, 1 skipped\b", result.stdout)
    assert "\nBROWSER TESTS SKIPPED: install chromium" in result.stdout


@pytest.mark.scale
def test_where_a_browser_is_promised_its_absence_fails(tmp_path):
    result = pytest_without_chromium(tmp_path, CI="true")

    assert result.returncode == 1
    assert re.search(r"1 passed.*, 1 error\b", result.stdout)
