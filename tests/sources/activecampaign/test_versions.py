"""Of two versions of a row the later one counts, where the row tells; else the page is asked for again."""

from typing import Any

import pytest

from sources.activecampaign.rows import Answer, answer_of
from sources.activecampaign.versions import CHANGE_STAMPS, in_texts, settled

EARLY, LATE = "2026-11-24T05:25:30-06:00", "2026-11-24T05:25:31-06:00"


def answer(*rows: dict[str, Any]) -> Answer:
    return answer_of({"rows": [*rows]}, envelope="rows")


@pytest.mark.parametrize("stamp", CHANGE_STAMPS)
def test_the_row_that_was_changed_later_counts_whichever_answer_came_first(stamp: str) -> None:
    old, new = {"id": "1", "name": "old", stamp: EARLY}, {"id": "1", "name": "new", stamp: LATE}

    for first, second in ((old, new), (new, old)):
        found = settled(answer(first, {"id": "2"}), [in_texts(answer(second))])
        assert found
        assert found.rows == {"1": new, "2": {"id": "2"}}


def test_stamps_are_moments_and_no_texts() -> None:
    """By their letters the first of each would be the later one."""
    pairs = [
        ("2026-11-01T01:30:00-05:00", "2026-11-01T01:10:00-06:00"),
        ("2026-03-02T09:14:11Z", "2026-03-02 09:14:12"),
    ]
    for earlier, later in pairs:
        found = settled(answer({"id": "1", "udate": earlier}), [answer({"id": "1", "udate": later})])
        assert found
        assert found.rows["1"]["udate"] == later


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"name": "a"}, {"name": "b"}),
        ({"name": "a", "udate": EARLY}, {"name": "b", "udate": EARLY}),
        ({"name": "a", "udate": EARLY}, {"name": "b", "udate": None}),
        ({"name": "a", "udate": EARLY}, {"name": "b"}),
        ({"name": "a", "udate": EARLY}, {"name": "b", "udate": "0000-00-00 00:00:00"}),
        ({"name": "a", "udate": EARLY}, {"name": "b", "udate": 7}),
        ({"duedate": EARLY}, {"duedate": LATE}),
    ],
)
def test_rows_that_do_not_tell_are_not_guessed(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert settled(answer({"id": "1", **one}), [in_texts(answer({"id": "1", **other}))]) is None


def test_an_id_as_a_number_is_no_other_version() -> None:
    told = answer({"id": 1, "name": "a"})

    assert settled(told, [answer({"id": "1", "name": "a"})]) == told


def test_answers_without_a_row_in_common_are_left_alone() -> None:
    told = answer({"id": "1", "name": "a"})

    assert settled(told, [answer({"id": "2", "name": "b"}), answer()]) == told
