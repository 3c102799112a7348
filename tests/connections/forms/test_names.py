"""The names that the forms accept and refuse, each sent through the page."""

import json
import re
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from connections.forms.fields import LONGEST_NAME, NameField
from connections.models import Connection
from sources.activecampaign.sandbox.server import SandboxServer
from tests.connections.stepper.walking import begin, details, error_at, send, value

pytestmark = pytest.mark.usefixtures("no_limit")

ROWS = [json.loads(line) for line in Path(__file__).with_name("bad_names.jsonl").read_text().splitlines()]
# A form sends text in UTF-8 alone: what is not text, or not UTF-8, cannot come through a page.
SENDABLE = [row for row in ROWS if isinstance(row["input"], str) and not re.search("[\ud800-\udfff]", row["input"])]
UNSENDABLE = [row for row in ROWS if row not in SENDABLE]
SENTENCES = {
    "empty": "Give the connection a name.",
    "too_long": "Use at most 100 characters; these are 101.",
    "control_char": "The name holds a line break or a control character. Type it on one line.",
    "bidi": "The name holds a mark that changes the reading direction. Remove it.",
    "invisible": "The name holds an invisible character. Type it again.",
    "stacked_marks": "The name holds too many accents on one letter.",
    "bad_unicode": "The name holds a character that cannot be shown. Remove it.",
}


def label(row: dict[str, Any]) -> str:
    return f"{row['verdict']}: {row['why']}"


@pytest.mark.parametrize("row", [row for row in SENDABLE if row["verdict"] == "accept"], ids=label)
def test_a_good_name_is_kept_in_its_normal_form(
    row: dict[str, Any], alice_client: Client, sandbox: SandboxServer
) -> None:
    response = alice_client.post(begin(alice_client), details(sandbox, name=row["input"]))

    assert response.status_code == 302
    assert Connection.objects.get().name == row["normalized"]


@pytest.mark.parametrize("row", [row for row in SENDABLE if row["verdict"] == "refuse"], ids=label)
def test_a_bad_name_is_refused_at_its_field_and_not_stored(
    row: dict[str, Any], alice_client: Client, sandbox: SandboxServer
) -> None:
    page = send(alice_client, begin(alice_client), details(sandbox, name=row["input"]))

    assert error_at(page, "name") == SENTENCES[row["code"]]
    draft = Connection.objects.get()
    assert (draft.name, draft.set_up_at) == ("", None)


@pytest.mark.parametrize("row", UNSENDABLE, ids=label)
def test_what_no_page_can_send_is_no_name_either(row: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        NameField().clean(row["input"])


def test_a_refused_name_stands_in_the_form_again(alice_client: Client, sandbox: SandboxServer) -> None:
    page = send(alice_client, begin(alice_client), details(sandbox, name="n" * 101))

    assert value(page, "name") == "n" * 101


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Main   account ", "Main account"),
        ("Cafe\u0301", "Café"),
        ("👩‍👩‍👧 family", "👩‍👩‍👧 family"),
        ("❤️ hearts", "❤️ hearts"),
        ("👩🏽‍💻 developers", "👩🏽‍💻 developers"),
        ("הלקוחות שלנו", "הלקוחות שלנו"),
        ("กำลังใจ", "กำลังใจ"),
        ("x" * LONGEST_NAME, "x" * LONGEST_NAME),
    ],
)
def test_names_of_all_scripts_and_emoji_are_names(typed: str, kept: str) -> None:
    assert NameField().clean(typed) == unicodedata.normalize("NFC", kept)


@settings(deadline=None)  # A busy machine is no fault of the field.
@given(st.text(max_size=150))
def test_a_kept_name_is_one_line_that_can_be_read_and_kept_again(typed: str) -> None:
    try:
        name = NameField().clean(typed)
    except ValidationError:
        return

    assert 0 < len(name) <= LONGEST_NAME
    assert name == name.strip() and name.splitlines() == [name]
    assert name.encode()
    assert NameField().clean(name) == name


def test_a_name_of_very_many_accents_is_refused_before_they_are_put_in_order(alice_client: Client) -> None:
    """In their order they take minutes, and the whole process waits."""
    step_2 = begin(alice_client)

    page = send(alice_client, step_2, {"name": "\u0301" * 30_000 + "\u0316" * 30_000})

    assert "at most 100 characters" in error_at(page, "name")
