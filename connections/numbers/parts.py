"""The table of what figures are broken down by: a row each group, a column each figure."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from connections.figures.figure import Figure, Part
from connections.templatetags.amounts import words_of
from connections.templatetags.cells import NOTHING
from sources.spec import How

OF_SOMETHING = (How.RATIO, How.MEDIAN)  # What they are of, there may be none of on a day.
MOST_PARTS = 50  # Of the table of one number.
MOST_OF_ALL = 25  # Of the table of all numbers of a topic: a column leads to the page of its own.
FEW = 30  # Of fewer a share or a median says little.


@dataclass(frozen=True, kw_only=True)
class Row:
    """One group of a table: of each of its figures the part, or None."""

    name: str
    url: str
    """Empty for rows that name no group."""
    cells: Sequence["Cell"]
    share: float
    """Of the largest in the first column, in per cent."""
    is_few: bool
    """Whether that is of so few that it says little."""


@dataclass(frozen=True)
class Cell:
    """What stands in it, as words: a page may have a thousand."""

    words: str
    beside: str = ""


@dataclass(frozen=True, kw_only=True)
class Table:
    """Figures broken down: a row each group, a column each figure."""

    figures: Sequence[Figure]
    rows: Sequence[Row]
    count: int
    """Of groups, with those that are not in it."""

    few = FEW

    @property
    def has_few(self) -> bool:
        return any(one.is_few for one in self.rows)


def table_of(found: Sequence[Figure], address: Callable[[str], str], *, source_name: str, most: int) -> Table | None:
    """`address` leads to a group, by its id. In the order of the first of the figures that is in it.

    A group of which there was only something in the period before is not in it. Where there is anything of one figure,
    those of which there is none are noughts.
    """
    if not any(any(one.parts.groups.values()) for one in found):
        return None
    cut = [one for one in found if one.by and (one.value is not None or any(one.parts.groups.values()))]
    there = {group for one in cut for group, is_there in one.parts.groups.items() if is_there}
    parts = {group: [one.parts.of(group) for one in cut] for group in islice(in_order(cut, there), most)}
    largest = max((float(first.value or 0) for first, *_ in parts.values() if first), default=0.0)
    rows = [
        Row(
            name=next(part.name for part in those if part),
            url=address(group) if group else "",
            cells=[cell_of(part, one, source_name=source_name) for part, one in zip(those, cut, strict=True)],
            share=share_of(those[0], largest),
            is_few=bool(those[0] and those[0].count and those[0].count < FEW),
        )
        for group, those in parts.items()
    ]
    return Table(figures=cut, rows=rows, count=len(there))


def in_order(cut: Sequence[Figure], there: Collection[str]) -> Iterator[str]:
    """Once each. A figure is put in order only when those before it had not all of the groups."""
    gone_by: set[str] = set()
    for one in cut:
        own = [group for group in one.parts.in_order() if one.parts.groups[group] and group not in gone_by]
        yield from own
        gone_by.update(own)
        if len(gone_by) == len(there):
            return


def cell_of(part: Part | None, figure: Figure, *, source_name: str) -> Cell:
    if part is None:
        return Cell("0" if is_nought(figure) else NOTHING)
    beside = [f"of {part.count:,}"] if part.count else []
    if part.said and not part.said.agrees:
        in_all = f"{words_of(part.said.ours, figure)} in all, " if part.said.ours != part.value else ""
        beside.append(f"{in_all}{source_name}: {words_of(part.said.value, figure)}")
    return Cell(NOTHING if part.value is None else words_of(part.value, figure), " ".join(beside))


def is_nought(figure: Figure) -> bool:
    """Whether there is none of it in a group that it has not; of an amount there may be some in another currency."""
    is_known = figure.value is not None and figure.definition.how not in OF_SOMETHING
    return is_known and not figure.currency


def share_of(part: Part | None, most: float) -> float:
    return round(100 * max(float(part.value or 0), 0.0) / most, 1) if part and most > 0 else 0.0
