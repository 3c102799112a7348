"""Numbers as pictures: where each part of one stands. Templates draw them as inline SVG in the tokens' colours.

What runs across is in per cent of the picture's width, and words keep their size, so that one picture is readable on a
phone and in print. Heights are pixels of `HEIGHT`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from math import ceil, floor, log10

HEIGHT = 180
GRID_LINES = 4  # At the most, above the one of nothing.
MOST_TICKS = 7
MOST_COLUMNS = 62  # Two months of days; more are thinner than what lies between them.
MOST_MARKS = 18  # More hide what is drawn; the table has them all.
SHARE_OF_COLUMNS = 0.7
BEFORE = "before"

Words = Callable[[float], str]
"""How a value reads."""


@dataclass(frozen=True, kw_only=True)
class Point:
    """One step of a period. Without a value nothing is known of it; one that `is_open` is not over yet.

    `short` is the label below the picture, if that is another. `is_part`: the period has a part of it only.
    `is_light`: as far as the account still shows it. `is_empty`: it is known that there was nothing, such as a rate of
    no mails; lines go past it.
    """

    label: str
    value: float | None
    short: str = ""
    is_open: bool = False
    is_part: bool = False
    is_light: bool = False
    is_empty: bool = False

    @property
    def is_gap(self) -> bool:
        return self.value is None and not self.is_empty

    @property
    def is_dotted(self) -> bool:
        """It does not stand for a whole step."""
        return self.is_open or self.is_part


@dataclass(frozen=True, kw_only=True)
class Mark:
    """Something that happened at the step of this number."""

    at: int
    words: str


@dataclass(frozen=True, kw_only=True)
class Line:
    """`role` is the class that it is drawn in: `first`, `second`, or `before` for the period before."""

    label: str
    points: Sequence[Point]
    role: str = "first"


@dataclass(frozen=True, kw_only=True)
class Path:
    """A stretch without a gap, as SVG's `d` in a square of 100 by 100 that is pulled wide."""

    d: str
    is_light: bool = False
    is_open: bool = False


@dataclass(frozen=True, kw_only=True)
class Column:
    """Of one step: across in per cent, down in pixels."""

    x: float
    y: float
    width: float
    height: float
    is_light: bool
    is_open: bool


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """Columns, or a line with its dots."""

    label: str
    role: str
    has_columns: bool = False
    paths: Sequence[Path] = ()
    dots: Sequence[tuple[float, float]] = ()
    columns: Sequence[Column] = ()


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of all lines: where it stands, and what is told of it, by word and in the table."""

    label: str
    short: str
    x: float
    left: float
    texts: Sequence[str]
    marks: Sequence[str]
    is_gap: bool
    is_open: bool
    is_part: bool
    tick: str = ""
    """How its label stands below the picture: `start`, `middle` or `end`; empty where there is no room."""


@dataclass(frozen=True, kw_only=True)
class LinePicture:
    """Lines over the steps of a period, all with as many points as the first. `finest` is the grid's least step.

    What `adds_up` stands in columns, those of several beside each other, as long as there is room.
    """

    lines: Sequence[Line]
    words: Words
    marks: Sequence[Mark] = ()
    finest: float = 1.0
    adds_up: bool = False

    height = HEIGHT

    @cached_property
    def width_of_step(self) -> float:
        return 100 / max(len(self.lines[0].points), 1)

    @cached_property
    def values(self) -> list[float]:
        """With nothing: pictures of numbers begin there."""
        return [0.0, *(one.value for line in self.lines for one in line.points if one.value is not None)]

    @cached_property
    def grid_step(self) -> float:
        return max(nice_step((max(self.values) - min(self.values)) / GRID_LINES), self.finest)

    @cached_property
    def top(self) -> float:
        """What the uppermost line of the grid stands for."""
        return self.grid_step * max(1, ceil(max(self.values) / self.grid_step))

    @cached_property
    def bottom(self) -> float:
        return self.grid_step * floor(min(self.values) / self.grid_step)

    @cached_property
    def grid(self) -> list[tuple[float, str]]:
        """Of each line its height in pixels and what it stands for."""
        values = [
            self.bottom + number * self.grid_step
            for number in range(round((self.top - self.bottom) / self.grid_step) + 1)
        ]
        return [(round(self._height(one) * self.height / 100, 1), self.words(one)) for one in values]

    def _height(self, value: float) -> float:
        """From the top, in hundredths."""
        return round(100 * (self.top - value) / (self.top - self.bottom), 2)

    @cached_property
    def drawn(self) -> list[Drawn]:
        """Those that stand behind come first."""
        behind = sorted(self.lines, key=lambda line: line.role != BEFORE)
        return [self._drawn(one) for one in behind]

    def _drawn(self, line: Line) -> Drawn:
        if self.has_columns and line.role != BEFORE:
            return Drawn(label=line.label, role=line.role, has_columns=True, columns=[*self._columns(line)])
        return Drawn(label=line.label, role=line.role, paths=[*self._paths(line)], dots=self._dots(line))

    @cached_property
    def has_columns(self) -> bool:
        return self.adds_up and len(self.lines[0].points) <= MOST_COLUMNS

    def _columns(self, line: Line) -> Iterator[Column]:
        beside = [one.role for one in self.lines if one.role != BEFORE]
        width = SHARE_OF_COLUMNS * self.width_of_step / len(beside)
        left = (1 - SHARE_OF_COLUMNS) * self.width_of_step / 2 + beside.index(line.role) * width
        for number, one in enumerate(line.points):
            if one.value:
                ends = sorted(self._height(value) * self.height / 100 for value in (one.value, 0.0))
                yield Column(
                    x=round(number * self.width_of_step + left, 2),
                    y=round(ends[0], 1),
                    width=round(width, 2),
                    height=round(ends[1] - ends[0], 1),
                    is_light=one.is_light,
                    is_open=one.is_dotted,
                )

    def _place(self, number: int, value: float) -> tuple[float, float]:
        return round((number + 0.5) * self.width_of_step, 2), self._height(value)

    def _paths(self, line: Line) -> Iterator[Path]:
        """A stretch runs on from the last point of the one before, unless there is a gap between them."""
        told = ((number, one) for number, one in enumerate(line.points) if not one.is_empty)
        for is_there, stretch in groupby(told, key=lambda each: each[1].value is not None):
            if is_there:
                yield from self._stretches([*stretch])

    def _stretches(self, points: Sequence[tuple[int, Point]]) -> Iterator[Path]:
        before: list[tuple[int, Point]] = []
        for (is_light, is_open), group in groupby(points, key=lambda each: (each[1].is_light, each[1].is_dotted)):
            stretch = [*before, *group]
            places = [self._place(number, one.value or 0.0) for number, one in stretch]
            if len(places) > 1:
                yield Path(d="M" + "L".join(f"{x} {y}" for x, y in places), is_light=is_light, is_open=is_open)
            before = stretch[-1:]

    def _dots(self, line: Line) -> list[tuple[float, float]]:
        """The last known point, and each that stands alone between two gaps."""
        known = {number: one.value for number, one in enumerate(line.points) if one.value is not None}
        told = [number for number, one in enumerate(line.points) if not one.is_empty]
        beside = {one: {*told[max(place - 1, 0) : place + 2]} - {one} for place, one in enumerate(told)}
        alone = [one for one in known if not beside[one] & known.keys()]
        last = [*known][-1:] if line.role != BEFORE else []
        places = [self._place(one, known[one]) for one in dict.fromkeys([*alone, *last])]
        return [(x, round(y * self.height / 100, 1)) for x, y in places]

    @cached_property
    def steps(self) -> list[Step]:
        ticks = self._ticks()
        return [self._step(number, ticks.get(number, "")) for number in range(len(self.lines[0].points))]

    def _step(self, number: int, tick: str) -> Step:
        points = [line.points[number] for line in self.lines]
        return Step(
            label=points[0].label,
            short=points[0].short or points[0].label,
            x=round((number + 0.5) * self.width_of_step, 2),
            left=round(number * self.width_of_step, 2),
            texts=[self._text(one) for one in points],
            marks=[mark.words for mark in self.marks if mark.at == number],
            is_gap=points[0].is_gap,
            is_open=points[0].is_open,
            is_part=points[0].is_part,
            tick=tick,
        )

    def _text(self, point: Point) -> str:
        if point.value is None:
            return "–" if point.is_empty else "no data"
        return self.words(point.value)

    def _ticks(self) -> dict[int, str]:
        """The first, the last, and what stands evenly between them and not too near to the last."""
        last = len(self.lines[0].points) - 1
        if last < 1:
            return {0: "middle"}
        apart = ceil((last + 1) / MOST_TICKS)
        between = range(apart, last - apart // 2, apart)
        return dict.fromkeys(between, "middle") | {0: "start", last: "end"}

    @cached_property
    def has_marks(self) -> bool:
        return 0 < len(self.marks) <= MOST_MARKS

    @cached_property
    def has_light(self) -> bool:
        return any(one.is_light for line in self.lines for one in line.points)

    @cached_property
    def is_open(self) -> bool:
        return any(one.is_open for one in self.lines[0].points)

    @cached_property
    def has_parts(self) -> bool:
        return any(one.is_part for one in self.lines[0].points)

    @cached_property
    def name(self) -> str:
        return " and ".join(line.label for line in self.lines if line.role != BEFORE)

    @cached_property
    def has_gaps(self) -> bool:
        return any(one.is_gap for one in self.lines[0].points)

    @cached_property
    def summary(self) -> str:
        """What somebody who does not see the picture has to know of it."""
        return " ".join(self._said(line) for line in self.lines if line.role != BEFORE)

    def _said(self, line: Line) -> str:
        known = [one for one in line.points if one.value is not None]
        if not known:
            return f"{line.label}: nothing is known."
        most, least = max(known, key=lambda one: one.value or 0), min(known, key=lambda one: one.value or 0)
        said = {
            name: self.words(one.value or 0) for name, one in (("most", most), ("least", least), ("last", known[-1]))
        }
        gaps = sum(one.is_gap for one in line.points)
        return (
            f"{line.label}, {line.points[0].label} to {line.points[-1].label}: most {said['most']} ({most.label}), "
            f"least {said['least']} ({least.label}), last {said['last']}{' so far' if known[-1].is_open else ''}."
            f"{f' {gaps} without data.' if gaps else ''}"
        )


def nice_step(least: float) -> float:
    """The next larger step of a grid that people can read: 1, 2 or 5 times a power of ten."""
    if least <= 0:
        return 1.0
    power: float = 10.0 ** floor(log10(least))
    return next((nice * power for nice in (1.0, 2.0, 5.0) if nice * power >= least), 10 * power)


def spark(points: Sequence[Point]) -> str:
    """A line as small as a word, for those who see: SVG's `d` in a square of 100 by 100. Empty for less than two."""
    if sum(one.value is not None for one in points) < 2:
        return ""
    [drawn] = LinePicture(lines=[Line(label="", points=points)], words=str, finest=0.0).drawn
    return "".join(path.d for path in drawn.paths)


@dataclass(frozen=True, kw_only=True)
class Bar:
    """`share` is its length in per cent of the first; `of_first` says it."""

    label: str
    text: str
    share: float
    of_first: str = ""


def funnel(parts: Sequence[tuple[str, float, str]]) -> list[Bar]:
    """Of each part its label, value and text; each is what is left of the first, which is more than nothing."""
    first = parts[0][1]
    return [
        Bar(
            label=label,
            text=text,
            share=round(min(100 * max(value, 0) / first, 100.0), 1),
            of_first=f"{100 * value / first:.1f} %" if number else "",
        )
        for number, (label, value, text) in enumerate(parts)
    ]
