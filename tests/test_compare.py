"""What `make compare` calls a difference; the comparing itself needs a connector that only it installs."""

from tests.compare.comparing import LEFT_OUT_BY_THE_TAP, Line
from tests.compare.reader import selected


def test_only_what_both_have_can_differ_and_a_known_reason_is_none():
    assert Line("tags", 3, 4).differs
    assert not Line("tags", 4, 4).differs
    assert not Line("notes", None, 25).differs
    assert not Line("fieldRels", 6, None).differs
    assert not Line("deals", 222, 230, "the plan no longer covers them").differs


def test_a_line_says_both_counts_and_that_they_differ():
    assert str(Line("tags", 3, 4)).split() == ["tags", "3", "4", "DIFFERS"]
    assert str(Line("notes", None, 1025)).split() == ["notes", "-", "1,025"]


def test_what_the_tap_leaves_out_is_known_by_the_row():
    assert LEFT_OUT_BY_THE_TAP["deals"].is_left_out({"id": "1", "isDisabled": True})
    assert not LEFT_OUT_BY_THE_TAP["dealStages"].is_left_out({"udate": None, "cdate": "2026-03-02T09:14:11-06:00"})


def test_all_of_a_stream_is_chosen():
    stream = {"stream": "tags", "metadata": [{"breadcrumb": [], "metadata": {}}]}

    assert selected(stream)["metadata"][0]["metadata"]["selected"]
