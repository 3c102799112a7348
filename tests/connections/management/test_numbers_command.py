"""`manage.py numbers`."""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from connections.models import Connection
from connections.syncing.working import Worker
from sources.activecampaign.sandbox.server import SandboxServer
from tests.conftest import Connect
from tests.connections.engine import pull

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_limit")]


@pytest.fixture
def account(new_sandbox: Callable[..., SandboxServer]) -> SandboxServer:
    return new_sandbox(contacts=60, deals=20)


@pytest.fixture
def connection(account: SandboxServer, connect: Connect) -> Connection:
    connection = connect(account)
    pull(connection, only=["contacts", "contactLists", "lists"])
    return connection


def printed(connection: Connection, *words: str) -> dict[str, Any]:
    output = io.StringIO()
    call_command("numbers", str(connection.pk), *words, stdout=output)
    return json.loads(output.getvalue())


def test_it_prints_what_a_worker_has_counted_with_definitions_and_what_the_account_says(
    connection: Connection, account: SandboxServer
) -> None:
    Worker().serve_once()

    said = printed(connection, "--start", "2024-01-01", "--step", "month", "--by", "list")

    numbers = {one["number"]: one for one in said["numbers"]}
    total = numbers["contacts_total"]
    assert (total["value"], total["the_account_says"]["value"]) == (60, 60)
    assert total["definition"].startswith("How many contacts")
    assert (said["days_end_at_midnight_in"], said["numbers"][0]["as_of"] is not None) == ("UTC", True)
    active = [row for row in account.world.rows("contactLists") if row["status"] == "1"]
    assert sum(part["value"] for part in numbers["list_active"]["parts"]) == len(active)
    assert {part["name"] for part in numbers["list_active"]["parts"]} <= {
        row["name"] for row in account.world.rows("lists")
    }
    # What was never read to its end is no zero.
    assert (numbers["deals_open"]["value"], numbers["deals_open"]["days"]) == (None, [])


def test_it_asks_the_account_first_where_that_is_wanted(connection: Connection, account: SandboxServer) -> None:
    Worker().serve_once()
    account.world.insert("contacts")

    (total,) = printed(connection, "--number", "contacts_total", "--check")["numbers"]

    assert (total["value"], total["the_account_says"]["value"], total["the_account_says"]["difference"]) == (60, 61, -1)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--number", "nonsense"], "No such number: nonsense. There are: contacts_total"),
        (["--start", "2026-05-02", "--end", "2026-05-01"], "The first day lies behind the last."),
    ],
)
def test_what_cannot_be_meant_is_refused(connection: Connection, words: list[str], reason: str) -> None:
    with pytest.raises(CommandError) as refused:
        printed(connection, *words)

    assert (str(refused.value).startswith(reason), refused.value.returncode) == (True, 2)
