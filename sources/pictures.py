"""Which of a source's numbers are drawn, and what is marked in pictures."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """Numbers by their keys.

    `lines` are drawn over time, those of a tuple in one picture: two at the most, which read alike. In a funnel each is
    what is left of the first. `large` stand first on the page of all numbers, and `leading` are shown to whoever has
    chosen none. Of the streams in `marks` each row that has an amount is marked, at the moment when it happened.
    """

    lines: tuple[tuple[str, ...], ...] = ()
    funnels: tuple[tuple[str, ...], ...] = ()
    large: tuple[str, ...] = ()
    leading: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()


NOTHING_DRAWN = Pictures()
