"""What pages show of figures: a tile each, and by topic the picture and the table."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import groupby
from typing import Any, Protocol
from urllib.parse import parse_qsl

from django.utils.http import urlencode

from connections.figures.figure import Figure, Period, Rows
from connections.figures.figure import Point as Step
from connections.figures.figures import figures
from connections.figures.judging import wish_of
from connections.models import Connection, Pin
from connections.numbers.parts import MOST_OF_ALL, OF_SOMETHING, Table, table_of
from connections.numbers.pictures import BEFORE, Bar, Line, LinePicture, Mark, Point, funnel, spark
from connections.numbers.steps import at_step, days_in_words
from connections.templatetags.amounts import as_typed, words_of
from sources.spec import Unit

ROLES = ("first", "second")  # Of lines in one picture: more cannot be told apart at a glance.


class Shown(Protocol):
    """What a page shows, as its address says: of which days, and the query of that."""

    @property
    def asked(self) -> Period: ...

    @property
    def query(self) -> str: ...

    @property
    def compares(self) -> bool: ...

    def address(self, **changes: str | None) -> str: ...


@dataclass(frozen=True, kw_only=True)
class Tile:
    """One figure as people see it. `query` is the period that the page shows, for what the tile leads to."""

    figure: Figure
    connection: Connection
    query: str = ""
    pin: Pin | None = None

    @property
    def key(self) -> str:
        """Once on a page."""
        pin = str(self.pin.pk) if self.pin and self.pin.pk else ""
        return "-".join(filter(None, [self.figure.definition.key, self.figure.currency.lower(), pin]))

    @property
    def name(self) -> str:
        """“Won value, EUR”."""
        return ", ".join(filter(None, [self.figure.definition.name, self.figure.currency]))

    @property
    def url(self) -> str:
        return f"{self.connection.url('numbers')}{self.figure.definition.key}/{self.query}"

    @property
    def rows_url(self) -> str:
        return rows_url(self.connection, self.figure.rows)

    @property
    def rows_words(self) -> str:
        """What leads there: to more rows than the number says, where several of them count as one."""
        return "Show the rows, several of some" if self.figure.rows and self.figure.rows.are_more else "Show the rows"

    @property
    def spark(self) -> str:
        """A curve without words: they take time, and nobody would see them."""
        return spark([Point(label="", **drawn(self.figure, one)) for one in self.figure.series])

    @property
    def of_what(self) -> str:
        """Of what its `count` is: “mails sent”, “deals”."""
        source, definition = self.connection.known_source(), self.figure.definition
        if not definition.other:
            return self.rows_name
        named = filter(None, (source.number(key) for key in definition.other))
        return " and ".join(one.name.lower() for one in named)

    @property
    def without_value(self) -> str:
        """What stands where a value would."""
        if self.figure.count == 0 and not self.is_told_late:
            return "none in these days"
        if self.figure.is_stock and self.figure.as_of:
            return "not seen on that day"
        return "not known" if self.is_told_late else "not known yet"

    @property
    def rows_name(self) -> str:
        """“deals”."""
        return self.connection.stream_name(self.figure.definition.stream).lower()

    @property
    def is_told_late(self) -> bool:
        """Whether days are missing of what was before the log: people must not take that for nought."""
        return bool(self.undated_words and self.figure.told_since)

    @property
    def told_by(self) -> str:
        """What tells the days of before: “Deal activities”."""
        return self.connection.stream_name(self.figure.told_by) if self.figure.told_by else ""

    @property
    def is_told_by_chosen(self) -> bool:
        return self.figure.told_by in self.connection.stream_keys

    @property
    def said_beside(self) -> bool:
        """Whether what the account says is said of all rows, and not of the period's."""
        return self.figure.in_all is not None and self.figure.in_all != self.figure.value

    @property
    def undated_words(self) -> str:
        """What is there and in no period: “€ 12,400 won before we connected, in no month”.

        Of a median or a rate it is only known how many there are.
        """
        figure = self.figure
        if not figure.undated:
            return ""
        is_counted = figure.definition.how in OF_SOMETHING
        undated = f"{figure.undated:,}" if is_counted else words_of(figure.undated, figure)
        return f"{undated} {figure.definition.undated_words}"

    @property
    def is_better(self) -> bool | None:
        """Whether it changed for the better; None where that is not known, or nobody can say."""
        value, before, better = self.figure.value, self.figure.previous, self.figure.definition.better
        if value is None or before is None or value == before or not better:
            return None
        return (value > before) == (better == "higher")

    @property
    def goal(self) -> "Goal | None":
        if self.pin is None or self.pin.goal is None:
            return None
        goal = as_typed(self.pin.goal, self.figure.definition.unit, scale=self.figure.scale)
        reached = float(self.figure.value or 0)
        return Goal(words=words_of(goal, self.figure), share=min(100.0, 100 * reached / goal) if goal > 0 else 100.0)

    @property
    def wish(self) -> str:
        """What its pin wants to be told."""
        return wish_of(self.pin, self.figure) if self.pin and self.pin.alert else ""

    @property
    def group_name(self) -> str:
        """What the group is called that a pin narrows it to."""
        return part.name if self.pin and (part := self.figure.parts.of(self.pin.group)) else ""


@dataclass(frozen=True, kw_only=True)
class Goal:
    words: str
    share: float


def rows_url(connection: Connection, rows: Rows | None) -> str:
    if rows is None:
        return ""
    query = f"?{urlencode(rows.query)}" if rows.query else ""
    return f"{connection.url('data')}{rows.stream}/{query}"


def points_of(figure: Figure, series: Sequence[Step], *, step: str) -> list[Point]:
    return [
        Point(
            label=at_step(one.day, step),
            short=at_step(one.day, "day") if step == "week" else "",
            **drawn(figure, one),
        )
        for one in series
    ]


def drawn(figure: Figure, point: Step) -> dict[str, Any]:
    return {
        "value": None if point.value is None else float(point.value),
        "is_open": point.is_unfinished,
        "is_part": point.is_part,
        "is_light": point.is_lighter,
        "is_empty": point.value is None and figure.definition.how in OF_SOMETHING,
    }


def picture_of(found: Sequence[Figure], period: Period, *, marks: Sequence[Mark] = ()) -> LinePicture | None:
    """Lines of figures that read alike, and of the same in the period before; None where nothing is known of them, or
    nought alone beside what is not known."""
    lines = [
        Line(label=one.definition.name, points=points_of(one, one.series, step=period.step), role=role)
        for one, role in zip(found, ROLES, strict=False)
        if one.series
    ]
    points = [one for line in lines for one in line.points]
    known = [one.value for one in points if one.value is not None]
    if not known or (not any(known) and any(one.is_gap for one in points)):
        return None
    length = len(lines[0].points)
    first = found[0]
    if first.before:
        earlier = fitted(whole(points_of(first, first.before, step=period.step)), length)
        lines.append(
            Line(label=f"{first.definition.name}, {days_in_words(period.before)}", points=earlier, role=BEFORE)
        )
    finest = as_typed(Decimal(1), first.definition.unit, scale=first.scale)
    return LinePicture(
        lines=lines,
        words=lambda value: words_of(value, first),
        marks=marks,
        finest=finest,
        adds_up=not first.is_stock and first.definition.unit in (Unit.COUNT, Unit.MONEY),
    )


def whole(points: Iterable[Point]) -> list[Point]:
    """What the period has a part of only would look like a fall."""
    return [replace(one, value=None, is_empty=True) if one.is_part else one for one in points]


def fitted(points: Sequence[Point], length: int) -> list[Point]:
    """A period of as many days may have a month or week more or less: the last of both stand above each other."""
    missing = Point(label="", value=None)
    return [*[missing] * max(length - len(points), 0), *points[-length:]]


@dataclass(frozen=True, kw_only=True)
class Topic:
    """The figures of one topic, with what is drawn of them."""

    name: str
    large: Sequence[Tile]
    others: Sequence[Tile]
    pictures: Sequence[LinePicture]
    funnels: Sequence[Sequence[Bar]]
    table: Table | None

    @property
    def tiles(self) -> Sequence[Tile]:
        return (*self.large, *self.others)

    @property
    def told_late(self) -> Tile | None:
        """The first of which days are missing: what is said of it is said of all."""
        return next((one for one in self.tiles if one.is_told_late), None)

    @property
    def is_cut(self) -> bool:
        return any(one.figure.by for one in self.tiles)

    @property
    def is_read(self) -> bool:
        """Whether anything of it was read to its end."""
        return any(one.figure.as_of for one in self.tiles)

    @property
    def cut_name(self) -> str:
        return f"{self.name}, broken down"

    @property
    def slug(self) -> str:
        return self.name.lower().replace(" ", "-")


def topics_of(connection: Connection, tiles: Iterable[Tile], form: Shown, *, marks: Sequence[Mark]) -> list[Topic]:
    drawn = connection.known_source().pictures
    topics = groupby(tiles, key=lambda tile: tile.figure.definition.topic)
    return [
        Topic(
            name=name,
            large=[one for one in those if one.figure.definition.key in drawn.large],
            others=[one for one in those if one.figure.definition.key not in drawn.large],
            pictures=[*lines_of(drawn.lines, those, form.asked, marks=marks)],
            funnels=[*funnels_of(drawn.funnels, those)],
            table=table_of(
                [one.figure for one in sorted(those, key=lambda tile: tile.figure.definition.key not in drawn.large)],
                lambda group: form.address(group=group),
                source_name=connection.source_name,
                most=MOST_OF_ALL,
            ),
        )
        for name, those in ((name, [*grouped]) for name, grouped in topics)
    ]


def lines_of(
    wanted: Sequence[Sequence[str]], tiles: Sequence[Tile], period: Period, *, marks: Sequence[Mark]
) -> Iterator[LinePicture]:
    by_key = {one.figure.definition.key: one.figure for one in tiles if not one.figure.currency}
    for keys in wanted:
        found = [by_key[key] for key in keys if key in by_key]
        if picture := picture_of(found, period, marks=marks):
            yield picture


def funnels_of(wanted: Sequence[Sequence[str]], tiles: Sequence[Tile]) -> Iterator[list[Bar]]:
    by_key = {one.figure.definition.key: one for one in tiles if one.figure.value is not None}
    for keys in wanted:
        found = [by_key[key] for key in keys if key in by_key]
        if len(found) > 1 and found[0].figure.value:
            yield funnel(
                [
                    (
                        one.figure.definition.name,
                        float(one.figure.value or 0),
                        words_of(one.figure.value or 0, one.figure),
                    )
                    for one in found
                ]
            )


def leading(connection: Connection | None, form: Shown) -> list[Tile]:
    """What is shown to whoever has pinned nothing yet."""
    if connection is None or connection.source is None:
        return []
    found = figures(connection, form.asked, keys=connection.source.pictures.leading, compares=form.compares)
    return [Tile(figure=one, connection=connection, query=form.query) for one in found if one.value is not None]


def pinned(pins: Iterable[Pin], form: Shown) -> list[Tile]:
    """The tiles of pins, in their order; of a number that the connection has no more there is none."""
    known = [*pins]
    found: dict[tuple[object, ...], Figure] = {}
    ordered = sorted(known, key=place_of)
    for (connection, by, group), those in groupby(ordered, key=lambda pin: (pin.connection, pin.by, pin.group)):
        keys = [pin.number for pin in those]
        for one in figures(connection, form.asked, keys=keys, by=by, group=group, compares=form.compares):
            found[connection.pk, by, group, one.definition.key, one.currency] = one
    return [
        Tile(figure=figure, connection=pin.connection, pin=pin, query=pinned_query(form, pin))
        for pin in known
        if (figure := found.get((pin.connection_id, pin.by, pin.group, pin.number, pin.currency)))
    ]


def place_of(pin: Pin) -> tuple[str, str, str]:
    return str(pin.connection_id), pin.by, pin.group


def pinned_query(form: Shown, pin: Pin) -> str:
    query = form.query.removeprefix("?")
    return f"?{urlencode({**dict(parse_qsl(query)), 'by': pin.by, 'group': pin.group})}" if pin.group else form.query
