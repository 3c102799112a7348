"""`manage.py verify_live` on a stored connection."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from connections.models import AccountBudget, Connection
from sources.activecampaign.sandbox.server import SandboxServer
from tests.conftest import Connect

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fast(settings: Any) -> None:
    settings.ACTIVECAMPAIGN_RATE = 500


def verify(connection: Connection, *options: str) -> tuple[int, str, str]:
    """The exit code, and what was printed on both channels."""
    out, err = StringIO(), StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("verify_live", str(connection.pk), *options, stdout=out, stderr=err)
    return int(str(ended.value.code)), out.getvalue(), err.getvalue()


def test_it_says_line_by_line_what_holds(sandbox: SandboxServer, connect: Connect) -> None:
    connection = connect(sandbox)

    code, out, err = verify(connection)

    lines = out.splitlines()
    assert code == 0
    assert len(lines) > 40
    assert all(line.startswith(("holds", "could not tell")) for line in lines)
    assert "contacts: orders[id]=ASC sorts by rising id" in out
    assert "holds" in err


def test_it_ends_with_3_when_something_does_not_hold(sandbox: SandboxServer, connect: Connect) -> None:
    sandbox.fault("lists", envelope="missing", times=None)

    code, out, err = verify(connect(sandbox))

    assert code == 3
    assert "does not hold  lists: rows stand under lists" in out
    assert "1 does not hold" in err


def test_it_spends_the_accounts_budget_at_the_considerate_pace_and_changes_nothing(
    sandbox: SandboxServer, connect: Connect
) -> None:
    connection = connect(sandbox)
    before = Connection.objects.filter(pk=connection.pk).values().get()

    verify(connection, "--with-wrong-key")

    assert Connection.objects.filter(pk=connection.pk).values().get() == before
    assert connection.records.count() == 0
    budget = AccountBudget.objects.get(account=connection.account_fingerprint)
    assert budget.calls_in_last_hour() == sandbox.stats()["requests"]


def test_no_key_is_printed(sandbox: SandboxServer, connect: Connect) -> None:
    _, out, err = verify(connect(sandbox), "--with-wrong-key")

    assert sandbox.api_key not in out + err
    assert "0" * 20 not in out + err
    assert sandbox.origin not in out + err


def test_it_is_written_into_a_file_that_names_nobody(sandbox: SandboxServer, connect: Connect, tmp_path: Path) -> None:
    file = tmp_path / "verified.txt"

    _, out, _ = verify(connect(sandbox), "--file", str(file), "--with-wrong-key")

    assert file.read_text().splitlines() == ["ActiveCampaign", *out.splitlines()]
    for name in ("Mira", "Holt", "harbour", "Harbour", ".example", "@", sandbox.api_key, "127.0.0.1"):
        assert name not in file.read_text()


def test_what_came_before_a_failure_is_in_the_file_and_one_that_cannot_be_written_is_said(
    sandbox: SandboxServer, connect: Connect, tmp_path: Path
) -> None:
    connection = connect(sandbox)
    with pytest.raises(CommandError, match=r"nowhere/verified\.txt cannot be written: No such file or directory"):
        call_command("verify_live", str(connection.pk), "--file", str(tmp_path / "nowhere/verified.txt"))
    sandbox.revoke(sandbox.api_key)
    file = tmp_path / "verified.txt"

    with pytest.raises(CommandError, match="did not accept this key"):
        call_command("verify_live", str(connection.pk), "--file", str(file))

    assert file.read_text() == "ActiveCampaign\n"


def test_a_refused_key_is_said_and_ends_with_2(sandbox: SandboxServer, connect: Connect) -> None:
    connection = connect(sandbox)
    sandbox.revoke(sandbox.api_key)

    with pytest.raises(CommandError, match="did not accept this key") as refused:
        call_command("verify_live", str(connection.pk))

    assert refused.value.returncode == 2


def test_what_cannot_be_asked_is_said(sandbox: SandboxServer, connect: Connect) -> None:
    connection = connect(sandbox)
    connection.forget_key()
    connection.save()

    with pytest.raises(CommandError, match="No key is stored"):
        call_command("verify_live", str(connection.pk))
    with pytest.raises(CommandError, match="no connection with this id"):
        call_command("verify_live", "nonsense")


def test_a_key_that_cannot_be_read_any_more_is_said(sandbox: SandboxServer, connect: Connect) -> None:
    connection = connect(sandbox)
    Connection.objects.filter(pk=connection.pk).update(api_key="not what was sealed")

    with pytest.raises(CommandError, match="Enter the key again"):
        call_command("verify_live", str(connection.pk))


def test_a_source_without_assumptions_says_so(connect: Connect) -> None:
    connection = connect()
    Connection.objects.filter(pk=connection.pk).update(source_key="toy")

    with pytest.raises(CommandError, match="takes"):
        call_command("verify_live", str(connection.pk))
