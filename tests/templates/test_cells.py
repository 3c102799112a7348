"""How pulled rows read in a table."""

import pytest

from connections.templatetags.cells import cell, column_word
from sources.registry import get_source


def test_a_column_is_called_what_its_source_calls_it():
    assert column_word("udate", get_source("activecampaign")) == "Changed"


@pytest.mark.parametrize(
    ("column", "word"), [("firstName", "First name"), ("active_subscribers", "Active subscribers")]
)
def test_any_other_name_of_a_column_is_taken_apart(column, word):
    assert column_word(column, get_source("activecampaign")) == column_word(column, None) == word


@pytest.mark.parametrize("nothing", [None, ""])
def test_an_empty_cell_shows_that_it_is_empty(nothing):
    assert cell(nothing) == "–"


def test_a_moment_is_one_that_the_page_can_tell_in_the_readers_own_time():
    assert cell("2026-06-30T11:24:29-05:00") == (
        '<time data-exact datetime="2026-06-30T16:24:29+00:00">30 June 2026, 16:24 UTC</time>'
    )


@pytest.mark.parametrize(
    "value",
    ["2026-02-30T11:24:29-05:00", "9999-12-31T23:59:59-05:00", "2026-06-30 11:24:29", "0", 0, 12.5, "<b>bold</b>"],
)
def test_everything_else_stands_as_it_came(value):
    assert cell(value) == str(value)
    assert not hasattr(cell(value), "__html__")
