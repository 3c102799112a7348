"""`manage.py export`."""

import csv
import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from connections.models import Connection, Record, Sync
from tests.command_fixture import StartCommand
from tests.conftest import Connect
from tests.connections.data.test_data import ADDRESS, contact, pulled


@pytest.fixture
def connection(connect: Connect) -> Connection:
    return connect(api_url=ADDRESS)


def export(*words: object) -> str:
    output = io.StringIO()
    call_command("export", *(str(word) for word in words), stdout=output)
    return output.getvalue()


def refusal(*words: object) -> CommandError:
    with pytest.raises(CommandError) as refused:
        export(*words)
    return refused.value


def test_each_line_is_a_record_as_the_api_gave_it_ordered_by_id(connection: Connection) -> None:
    rows = [contact(number) for number in (10, 9, 1)]
    pulled(connection, rows)

    assert [json.loads(line) for line in export(connection.pk, "contacts").splitlines()] == rows[::-1]


def test_a_record_is_one_line_for_readers_that_know_more_ends_of_lines(connection: Connection) -> None:
    row = contact(1, note="a\u2028b\u2029c\x85d\ne\x0bf\x1cg")
    pulled(connection, [row])

    (line,) = export(connection.pk, "contacts").splitlines()

    assert json.loads(line) == row
    assert r"a\u2028b\u2029c\u0085d\ne" in line


def test_the_table_has_a_header_and_a_line_a_record(connection: Connection) -> None:
    pulled(connection, [contact(2), contact(1)])

    rows = [*csv.DictReader(io.StringIO(export(connection.pk, "contacts", "--format", "csv")))]

    assert [row["email"] for row in rows] == ["c1@example.org", "c2@example.org"]


def test_rows_that_are_gone_are_left_out_unless_asked_for(connection: Connection) -> None:
    pulled(connection, [contact(1), contact(2)])
    Record.objects.filter(external_id="2").update(deleted_at=timezone.now())

    assert len(export(connection.pk, "contacts").splitlines()) == 1
    assert len(export(connection.pk, "contacts", "--deleted").splitlines()) == 2


def without_rows(connection: Connection, stream: str) -> str:
    """What is said on standard error about a stream that has no rows."""
    output, errors = io.StringIO(), io.StringIO()
    call_command("export", str(connection.pk), stream, stdout=output, stderr=errors)
    assert output.getvalue() == ""
    return errors.getvalue()


def test_an_empty_stream_is_no_fault_and_is_explained(connection: Connection) -> None:
    assert without_rows(connection, "deals") == "Deals was never pulled yet.\n"

    connection.stream_keys = ["contacts"]
    connection.save()
    assert "Deals is not chosen for this connection" in without_rows(connection, "deals")


def test_a_stream_that_was_pulled_and_is_empty_needs_no_word(connection: Connection) -> None:
    Sync.objects.queue(connection, trigger="first").stream_runs.create(stream="deals", state="complete")

    assert without_rows(connection, "deals") == ""


def test_the_table_for_programs_has_no_byte_order_mark(connection: Connection) -> None:
    pulled(connection, [contact(1)])

    assert export(connection.pk, "contacts", "--format", "csv").startswith('"id"')


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("terminal", "format"),
    [
        ({"PYTHONIOENCODING": "latin-1"}, "csv"),
        ({"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}, "jsonl"),
    ],
)
def test_a_file_is_utf8_whatever_the_terminal_speaks(
    connection: Connection, start_command: StartCommand, terminal: dict[str, str], format: str
) -> None:
    pulled(connection, [{"id": "1"}])
    Record.objects.update(text=r'{"id":"1","email":"Zoë 株式会社 😀\n","phone":"\ud800"}')
    command = start_command("export", str(connection.pk), "contacts", "--format", format, **terminal)
    pipe: Any = command.process.stdout

    with pipe:
        written = pipe.buffer.read()
    command.process.stdout = None

    assert "Zoë 株式会社 😀".encode() in written
    assert b"\r" not in written
    assert not written.startswith(b"\xef\xbb\xbf")
    assert written.endswith(b"\n")
    assert command.exit_code() == 0


@pytest.mark.django_db(transaction=True)
def test_a_reader_who_has_enough_ends_it_quietly(connection: Connection, start_command: StartCommand) -> None:
    pulled(connection, [contact(number, note="x" * 2000) for number in range(200)])  # More than a pipe holds.
    command = start_command("export", str(connection.pk), "contacts")
    pipe = command.process.stdout
    assert pipe
    pipe.readline()
    pipe.close()
    command.process.stdout = None

    assert command.exit_code() == 0
    assert command.err == ""


def test_an_unknown_stream_exits_with_2(connection: Connection) -> None:
    refused = refusal(connection.pk, "nonsense")

    assert refused.returncode == 2
    assert "No such stream: nonsense. There are: " in str(refused)
    assert " contacts, " in str(refused)


@pytest.mark.parametrize("identity", ["nonsense", "1", "6f1f7b4e-0c38-4a53-9f5e-2d9a4f9b7c10"])
def test_an_unknown_connection_exits_with_2(db: None, identity: str) -> None:
    refused = refusal(identity, "contacts")

    assert (refused.returncode, str(refused)) == (2, "There is no connection with this id.")


def test_an_address_that_cannot_be_opened_is_said(connection: Connection) -> None:
    Connection.objects.update(api_url="tampered")

    refused = refusal(connection.pk, "contacts")

    assert (refused.returncode, str(refused)[:22]) == (1, "The stored address can")
