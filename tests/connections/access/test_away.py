"""The database is locked or out of reach while pages are asked for."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from connections.models import Connection
from tests.conftest import PASSWORD, User, client_of
from tests.processes import ROOT, bare_environment, until
from tests.site_fixture import SECRETS

PRODUCTION = {**SECRETS, "ALLOWED_HOSTS": "app.example.com"}
REDIS = {"BACKEND": "django.core.cache.backends.redis.RedisCache"}
ASK = """
import django, json, logging
django.setup()
logging.disable()
from django.test import Client
client = Client(raise_request_exception=False)
client.cookies["sessionid"] = "a" * 32
sent = {"host": "app.example.com", "x-forwarded-proto": "https", "authorization": "Bearer %s"}
print(json.dumps([client.get(path, headers=sent, secure=True).status_code for path in %r]))
"""


@pytest.fixture(params=[True, False], ids=["DEBUG", "production"])
def debug(request: pytest.FixtureRequest, settings: Any) -> None:
    settings.DEBUG = request.param


@contextmanager
def somebody_else_writes() -> Iterator[None]:
    """For longer than anybody waits here."""
    if connection.vendor != "sqlite":
        pytest.skip("SQLite alone locks the whole database.")
    connection.cursor().execute("PRAGMA busy_timeout = 1")
    with closing(sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)) as other:
        until(lambda: takes_all(other), what="a moment in which no thread of an earlier test reads")
        yield
        other.execute("ROLLBACK")


def takes_all(other: sqlite3.Connection) -> bool:
    try:
        other.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError:
        return False
    return True


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("debug")
@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/accounts/login/", {"login": "alice@harbourtea.example", "password": PASSWORD}),
        ("/accounts/logout/", {"next": "/"}),
        ("/accounts/2fa/totp/activate/", {}),  # A page that keeps something in the session.
        ("/w/harbour-tea/connections/add/", {"source": "activecampaign"}),
    ],
)
def test_while_the_database_is_locked_pages_that_write_ask_to_try_again(
    alice: User, path: str, form: dict[str, str]
) -> None:
    client = Client() if "login" in form else client_of(alice)
    client.raise_request_exception = False

    with somebody_else_writes():
        answer = client.post(path, form) if form else client.get(path)

    assert answer.status_code == 503
    assert answer["Retry-After"] == "10"
    assert "We cannot do this just now" in answer.text
    assert not Connection.objects.exists()


@pytest.mark.usefixtures("debug", "db")
def test_without_redis_a_login_asks_to_try_again(client: Client, settings: Any) -> None:
    settings.CACHES = {"default": {**REDIS, "LOCATION": "redis://127.0.0.1:1"}}
    client.raise_request_exception = False

    answer = client.post("/accounts/login/", {"login": "alice@harbourtea.example", "password": PASSWORD})

    assert answer.status_code == 503


@pytest.mark.django_db(transaction=True)
def test_while_the_database_is_locked_pages_that_only_read_are_there(alice: User) -> None:
    client = client_of(alice)
    client.get("/w/harbour-tea/connections/")  # Where she was last is written down when she comes there.

    with somebody_else_writes():
        assert client.get("/w/harbour-tea/connections/").status_code == 200


def test_without_postgresql_probes_and_pages_say_so_with_a_session_cookie_as_without() -> None:
    paths = ["/healthz", "/readyz", "/metrics", "/", "/w/harbour-tea/connections/", "/nothing/here/"]
    settings = {**PRODUCTION, "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none"}
    environment = bare_environment(**settings, DJANGO_SETTINGS_MODULE="blinkmetrics.settings")

    command = [sys.executable, "-c", ASK % (PRODUCTION["OPERATOR_TOKEN"], paths)]
    said = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout

    assert dict(zip(paths, json.loads(said), strict=True)) == {
        "/healthz": 200,
        "/readyz": 503,
        "/metrics": 503,
        "/": 503,
        "/w/harbour-tea/connections/": 503,
        "/nothing/here/": 503,  # Who asks is noted in the log.
    }
