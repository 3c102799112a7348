"""Pictures say what their numbers say: to those who see them, and to those who do not."""

import pytest

from connections.numbers.pictures import Line, LinePicture, Mark, Point, funnel, nice_step, spark


def drawn(*values: float | None, **more: bool) -> LinePicture:
    points = [Point(label=f"day {number}", value=value, **more) for number, value in enumerate(values)]
    return LinePicture(lines=[Line(label="New", points=points)], words=lambda value: f"{value:g}")


def test_a_day_without_data_is_a_gap_that_no_line_crosses() -> None:
    picture = drawn(0, 10, None, 5, 5)

    [line] = picture.drawn
    assert [path.d for path in line.paths] == ["M10.0 100.0L30.0 0.0", "M70.0 50.0L90.0 50.0"]
    assert [step.is_gap for step in picture.steps] == [False, False, True, False, False]
    assert picture.steps[2].texts == ["no data"]
    assert "1 without data" in picture.summary


def test_what_there_was_nothing_of_is_no_gap() -> None:
    points = [Point(label="", value=0.2), Point(label="", value=None, is_empty=True), Point(label="", value=0.4)]

    picture = LinePicture(lines=[Line(label="Rate", points=points)], words=str, finest=0.01)

    [line] = picture.drawn
    assert (len(line.paths), picture.has_gaps) == (1, False)


def test_a_day_between_two_gaps_is_a_dot() -> None:
    [line] = drawn(None, 3, None).drawn

    assert line.paths == []
    assert line.dots == [(50.0, 0.0)]


def test_the_summary_has_what_a_look_tells() -> None:
    points = [Point(label="May", value=3), Point(label="June", value=9), Point(label="July", value=1, is_open=True)]

    picture = LinePicture(lines=[Line(label="New", points=points)], words=lambda value: f"{value:g} people")

    wanted = "New, May to July: most 9 people (June), least 1 people (July), last 1 people so far."
    assert picture.summary == wanted


def test_the_grid_holds_every_value_also_below_nothing() -> None:
    picture = drawn(-7, 12)

    heights = dict(picture.grid)
    assert (picture.bottom, picture.top) == (-10, 15)
    assert heights[180.0], heights[0.0] == ("-10", "15")


@pytest.mark.parametrize(("least", "step"), [(0, 1), (0.3, 0.5), (1, 1), (11, 20), (26, 50), (99, 100), (2500, 5000)])
def test_a_grid_goes_in_steps_that_people_count_in(least: float, step: float) -> None:
    assert nice_step(least) == step


def test_of_many_days_some_are_named_the_first_and_the_last_among_them() -> None:
    ticks = [step.tick for step in drawn(*range(365)).steps]

    assert (ticks[0], ticks[-1]) == ("start", "end")
    assert 5 <= len([*filter(None, ticks)]) <= 8


def test_what_adds_up_stands_in_columns_beside_each_other_and_rates_in_lines() -> None:
    points = [Point(label="", value=value) for value in (4, 0, None, -2)]
    lines = [Line(label="", points=points, role=role) for role in ("first", "second", "before")]

    before, first, second = LinePicture(lines=lines, words=str, adds_up=True, finest=2).drawn

    assert [(one.y, one.height) for one in first.columns] == [(0.0, 120.0), (120.0, 60.0)]
    assert all(one.x + one.width <= other.x for one, other in zip(first.columns, second.columns, strict=True))
    assert before.columns == () and before.paths and not first.paths
    assert not drawn(*range(63)).has_columns and not LinePicture(lines=lines, words=str).has_columns


def test_what_happened_stands_at_its_day() -> None:
    points = [Point(label="", value=1), Point(label="", value=2)]
    line = Line(label="", points=points)

    steps = LinePicture(lines=[line], words=str, marks=[Mark(at=1, words="campaign “Spring”")]).steps

    assert [step.marks for step in steps] == [[], ["campaign “Spring”"]]


def test_a_funnel_shows_what_is_left_of_the_first() -> None:
    bars = funnel([("Sent", 200, "200"), ("Opened", 50, "50"), ("Clicked", 0, "0")])

    assert [(bar.share, bar.of_first) for bar in bars] == [(100.0, ""), (25.0, "25.0 %"), (0.0, "0.0 %")]


def test_one_known_day_makes_no_line() -> None:
    assert spark([Point(label="", value=1), Point(label="", value=None)]) == ""
