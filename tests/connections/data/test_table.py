"""The table: its columns, what spreadsheets make of its cells, and what it costs."""

import csv
import io
import json
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from connections.data.formulas import is_formula
from connections.models import Connection, Record
from tests.connections.data.test_data import ADDRESS, body, contact, pulled, stream_of

HEADER = ["id", *stream_of("contacts").facts.names, "other"]

RUN = (
    *('=HYPERLINK("https://evil.example")', "=1", "=> see below", "-2+3", "+1+1", "-1-2", "-A1", "+A1", "-foo"),
    *(
        "@SUM(1,2)",
        "@x(1)",
        "+SUM(1)",
        "+cmd|' /C calc'!A0",
        "+49 151 2345678+1",
        "+12345678 SUM(1)",
        "- call back (now)",
        "\u202a=1+1\u202c",
        "+1-800-A1",
        "+1-800-SUM(A1)",
        "+49 151 2345678 (A1)",
        "+49 151 2345678; SUM(1)",
        "+49 151 2345678\n+1",
        "@SUM@x(1)",
    ),
    *("\t=1", "\r=1", "\n=1", "  =1", "\u00a0=1", "\u3000=1", "\ufeff=1", "\u200b=1", "\x00=1", "\t-2+3"),
    *("＝1", "＋1+1", "－2+3", "＠SUM(1)", "+" * 80 + "1"),
)
NOT_RUN = (
    *("+49 151 2345678", "+491512345678", "+49 (0)151/234 56 78", "+49-151-2345678", "+1 (415) 555-0100 x12"),
    *("\u202a+49 151 2345678\u202c", "\u200e+49 151 2345678\u200e", "+49 151 2345678\n", "\u200e@anna\u200e"),
    *("+49\u2011151\u20112345678", "+49–151–2345678", "+49 151 2345678 (work)", "+1-800-FLOWERS", "+1-800-GO-SHOE"),
    *("+49\u200b151\xad2345678", "+49\u2212151\u22122345678", "+49 151 2345678\u202c (home, work)"),
    *("+49 151 2345678; +49 30 123456", "+49 151 2345678, 030 123456", "@alice@mastodon.social"),
    *("-", "--", " - ", "+", "=", "@", "—", "- - -", "-" * 80, "", "@handle", "@anna.b", "@Ünal_7"),
    *("-5", "-1.5e3", "-.5", "-1,234.56", "-1'234.50", "-10%", "-10 %", "-€5", "-5 EUR", "-5 °C", "+1", "1+1", "a=1"),
)


def table_of(client: Client, connection: Connection, stream: str = "contacts") -> list[list[str]]:
    text = body(client.get(f"{connection.get_absolute_url()}data/{stream}.csv"))
    return [*csv.reader(io.StringIO(text, newline=""))]


def exported(connection: Connection, stream: str = "contacts") -> str:
    output = io.StringIO()
    call_command("export", str(connection.pk), stream, "--format", "csv", stdout=output)
    return output.getvalue()


@pytest.fixture
def connection(connect: Any) -> Connection:
    return connect(api_url=ADDRESS)


def test_a_table_has_the_columns_of_its_stream_and_one_for_the_rest(bob_client: Client, connection: Connection) -> None:
    pulled(connection, [{"id": "1", "email": "a"}, contact(2, tags=["x", {"y": 1}], phone=None)])

    header, one, two = table_of(bob_client, connection)

    assert header == HEADER
    assert one == ["1", "a", *[""] * (len(HEADER) - 3), "{}"]
    assert two[:2] == ["2", "c2@example.org"]
    assert json.loads(two[-1]) == {"links": contact(2)["links"], "tags": ["x", {"y": 1}]}


def test_a_stream_without_rows_has_the_same_columns(bob_client: Client, connection: Connection) -> None:
    assert table_of(bob_client, connection) == [HEADER]
    assert exported(connection) == ",".join(f'"{name}"' for name in HEADER) + "\n"


def test_a_value_stands_in_the_digits_that_the_account_wrote(connection: Connection) -> None:
    text = '{"id":"1","email":1.10,"phone":1E5,"firstName":"\\u00e9\\ud800","a":[1.50,true],"\\u2028":1e400}'
    pulled(connection, [{"id": "1"}])
    Record.objects.update(text=text)

    row = next(csv.DictReader(io.StringIO(exported(connection))))

    assert (row["email"], row["phone"], row["firstName"]) == ("1.10", "1E5", "é\ud800")
    assert row["other"] == '{"a":[1.50,true],"\u2028":1e400}'


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_rows_from_before_texts_were_kept_as_they_came_make_the_same_table(
    connection: Connection, separators: tuple[str, str]
) -> None:
    row = {"id": "1", "email": "a, b: c", "list": [1, {"x": []}], "empty": {}, "none": None}
    pulled(connection, [{"id": "1"}])
    Record.objects.update(text=json.dumps(row, separators=separators))

    found = next(csv.DictReader(io.StringIO(exported(connection))))

    assert found["email"] == "a, b: c"
    assert json.loads(found["other"]) == {"list": [1, {"x": []}], "empty": {}, "none": None}


@pytest.mark.parametrize("text", ["{}", '{"id":"1"}', '{"id": "1"}'])
def test_a_row_of_next_to_nothing_is_a_line(connection: Connection, text: str) -> None:
    pulled(connection, [{"id": "1"}])
    Record.objects.update(text=text)

    assert len(exported(connection).splitlines()) == 2


def test_half_a_pair_of_surrogates_holds_up_no_file(bob_client: Client, connection: Connection) -> None:
    pulled(connection, [contact(1, firstName="x")])
    Record.objects.update(text='{"id":"1","firstName":"\\ud800"}')

    assert table_of(bob_client, connection)[1][HEADER.index("firstName")] == r"\ud800"


def test_keys_that_no_two_rows_share_make_no_table_of_gigabytes(bob_client: Client, connection: Connection) -> None:
    rows = [{"id": str(row), **{f"k{row}_{key}": key for key in range(300)}} for row in range(100)]
    pulled(connection, rows)

    header, *lines = table_of(bob_client, connection)

    assert header == HEADER
    assert len(lines) == 100
    assert len(exported(connection)) < 2 * sum(map(len, Record.objects.values_list("text", flat=True)))


@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_a_file_is_sent_while_it_is_made_and_never_held_as_a_whole(
    bob_client: Client, connection: Connection, format: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = {f"key{key}": "value" for key in range(5000)}
    pulled(connection, [{"id": str(row), **long} for row in range(30)])
    loaded: list[object] = []
    real = Record.from_db
    monkeypatch.setattr(Record, "from_db", lambda *row: loaded.append(row) or real(*row))

    response: Any = bob_client.get(f"{connection.get_absolute_url()}data/contacts.{format}")
    pieces = iter(response.streaming_content)
    while not loaded:
        next(pieces)

    assert len(loaded) < 10  # What comes to half a megabyte.
    assert max(map(len, pieces)) < 2_000_000
    assert len(loaded) == 30


def test_rows_come_in_the_order_of_their_ids_however_many_there_are(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = ["1", "2", "10", "11", "9", "100", "a", "zz", "0b", "longer-than-all"]
    pulled(connection, [{"id": number, "email": number * 20} for number in ids])

    whole = exported(connection)
    monkeypatch.setattr("connections.models.record.MOST", 3)
    monkeypatch.setattr("connections.models.record.MOST_BYTES", 50)

    assert exported(connection) == whole
    assert [row["id"] for row in csv.DictReader(io.StringIO(whole))] == sorted(ids, key=lambda id: (len(id), id))


# Formulas ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", RUN)
def test_what_a_spreadsheet_would_run_stands_behind_an_apostrophe_in_a_download(text: str) -> None:
    assert is_formula(text)


@pytest.mark.parametrize("text", NOT_RUN)
def test_what_a_spreadsheet_would_not_run_stays_as_it_is(text: str) -> None:
    assert not is_formula(text)


def test_a_download_guards_formulas_alone_and_an_export_nothing(bob_client: Client, connection: Connection) -> None:
    run = [text for text in RUN if "\x00" not in text]  # Which is taken out before anything is stored.
    pulled(connection, [contact(row, phone=text) for row, text in enumerate((*run, *NOT_RUN), start=1)])

    downloaded = [line[HEADER.index("phone")] for line in table_of(bob_client, connection)[1:]]
    rows = [*csv.DictReader(io.StringIO(exported(connection), newline=""))]

    assert downloaded == [*(f"'{text}" for text in run), *NOT_RUN]
    assert [row["phone"] for row in rows] == [*run, *NOT_RUN]


@pytest.mark.parametrize(
    "text", ["+" + "1 " * 75_000 + "z", "+" + " " * 150_000 + "1(", "@" + "a." * 75_000 + "(", "+" + "(1)" * 50_000]
)
def test_a_long_text_is_not_looked_at_for_long(text: str) -> None:
    assert is_formula(text)
