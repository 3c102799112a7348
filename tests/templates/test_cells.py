"""How the values of rows read in words."""

import re
from typing import Any

import pytest

from connections.templatetags.cells import in_words, leading, name_in_words, or_dash
from sources.facts import Field, choice, day, email, moment, money, number, phone, text, yes_no
from sources.facts import address as web
from sources.spec import Kind

VALUE = money("value", "Value", currency="currency")
STATUS = choice("status", "Status", {"0": "Open", "1": "Won"})
AT = moment("at", "At")


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        (VALUE, "14700", "€ 147.00"),
        (VALUE, 123456789, "€ 1,234,567.89"),
        (VALUE, "-5", "-€ 0.05"),
        (VALUE, "14700.5", "14700.5"),
        (STATUS, "1", "Won"),
        (STATUS, 0, "Open"),
        (STATUS, "7", "7"),
        (yes_no("a", "A"), "1", "Yes"),
        (yes_no("a", "A"), False, "No"),
        (yes_no("a", "A"), "2", "2"),
        (number("n", "N"), "12345", "12,345"),
        (number("n", "N"), "1.50", "1.50"),
        (day("d", "D"), "2025-10-13", "13 October 2025"),
        (day("d", "D"), "2025-10-13T00:00:00-05:00", "13 October 2025"),
        (day("d", "D"), "soon", "soon"),
        (AT, "2026-02-30T11:24:29-05:00", "2026-02-30T11:24:29-05:00"),
        (AT, "9999-12-31T23:59:59-05:00", "9999-12-31T23:59:59-05:00"),
        (text("t", "T"), ["a", {"b": 1}], '["a", {"b": 1}]'),
        (text("t", "T"), "<b>bold</b>", "<b>bold</b>"),
    ],
)
def test_a_value_reads_by_its_kind_and_as_it_came_where_it_is_none_of_that(field: Field, value: Any, words: str):
    said = in_words(value, field, currency="eur")

    assert said == words
    assert not hasattr(said, "__html__")


@pytest.mark.parametrize(
    ("currency", "words"),
    [("usd", "$ 1.00"), ("GBP", "£ 1.00"), ("cad", "CAD 1.00"), ("", "1.00"), ("jpy", "JPY 1.00 (unproven)")],
)
def test_an_amount_stands_with_its_currency_and_says_where_its_hundredths_are_not_proven(currency: str, words: str):
    assert in_words("100", VALUE, currency=currency) == words


@pytest.mark.parametrize("field", [VALUE, STATUS, AT, day("d", "D"), number("n", "N"), text("t", "T")])
@pytest.mark.parametrize("nothing", [None, "", " "])
def test_nothing_is_a_dash_whatever_its_kind(field: Field, nothing: Any):
    assert or_dash(in_words(nothing, field)) == "–"


@pytest.mark.parametrize("zero", ["0000-00-00", "0000-00-00 00:00:00", "1969-12-31", "1969-12-31T18:00:00-06:00"])
def test_a_date_that_says_that_there_is_none_is_nothing(zero: str):
    assert {in_words(zero, field) for field in (AT, day("d", "D"))} == {""}


@pytest.mark.parametrize("written", ["2026-06-30T11:24:29-05:00", "2026-06-30 11:24:29", "2026-06-30T16:24:29Z"])
def test_a_moment_is_one_that_the_page_can_tell_in_the_readers_own_time(written: str):
    assert in_words(written, AT, zone="America/Chicago") == (
        '<time data-exact datetime="2026-06-30T16:24:29+00:00">30 June 2026, 16:24 UTC</time>'
    )


@pytest.mark.parametrize(
    ("field", "value", "leads_to"),
    [
        (email("e", "E"), "ana@x.example", "mailto:ana@x.example"),
        (phone("p", "P"), "+49 (0)151 / 23 45", "tel:+4901512345"),
        (web("w", "W"), "https://x.example/?a=1&b=2", "https://x.example/?a=1&amp;b=2"),
        (web("w", "W"), "javascript:alert(1)", ""),
        (web("w", "W"), "http://[x", ""),
        (email("e", "E"), "nobody", ""),
        (phone("p", "P"), "-", ""),
        (text("t", "T"), "https://x.example", ""),
    ],
)
def test_what_leads_somewhere_is_a_link_where_that_is_safe(field: Field, value: str, leads_to: str):
    assert re.findall(r'href="([^"]+)"', leading(value, Kind(field.kind))) == ([leads_to] if leads_to else [])


@pytest.mark.parametrize(
    ("name", "words"), [("firstName", "First name"), ("active_subscribers", "Active subscribers"), ("id", "Id")]
)
def test_a_field_that_nobody_has_named_has_its_name_taken_apart(name: str, words: str):
    assert name_in_words(name) == words
