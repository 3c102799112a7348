"""What a source's rows can be counted up to: each number as a fact, and how the account itself is asked for it.

A number is a count, a sum, a median of the rows of one stream, or comes of other numbers. It joins nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

Conditions = tuple[tuple[str, str | None], ...]
"""Fields with what they hold. None is: nothing that can be meant."""


class How(StrEnum):
    COUNT = "count"  # Of rows.
    SUM = "sum"  # Of a field.
    DISTINCT = "distinct"  # Of what fields hold together.
    MEDIAN = "median"  # Of the seconds between two moments.
    RATIO = "ratio"  # Of other numbers: those of `of`, added up, divided by those of `other`.
    DIFFERENCE = "difference"  # Of other numbers: those of `of`, less those of `other`.


class Unit(StrEnum):
    COUNT = "count"
    MONEY = "money"  # In the smallest parts of its currency. Those of two currencies are never added up.
    SHARE = "share"  # 0.31 is 31 of 100.
    DAYS = "days"


@dataclass(frozen=True, kw_only=True)
class Breakdown:
    """How a number falls into groups: by a field that names rows of the stream `of`.

    With `through`, the field names a row of that stream, and the typed column `parent` of it the group. `unnamed` is
    what rows that name none stand under, if that is not “No list”.
    """

    key: str
    label: str
    field: str
    of: str
    through: str = ""
    unnamed: str = ""


@dataclass(frozen=True, kw_only=True)
class Logged:
    """The moment from which on a field holds what it holds: by the log of changes.

    What changed before anybody looked is told by rows of the stream `told_by`: the last that meets `where`, belongs to
    the row by its typed column `parent`, and names the field's value in its column `related`.
    """

    field: str
    told_by: str = ""
    where: Conditions = ()


@dataclass(frozen=True, kw_only=True)
class Turn:
    """A change of a field that the log has: to the code `there` from any other, or away from it, `into` another.

    A row that comes with that code turns to it, one that goes turns away.
    """

    field: str
    there: str
    into: tuple[str, ...] = ()


GONE = "gone"
"""Stands among the codes of a turn for: the row is there no more."""
OTHER = "other"
"""Stands among them for all codes that no other turn of the source names."""


@dataclass(frozen=True, kw_only=True)
class Ask:
    """One call that has the account's own figure.

    The list at `path` says how many rows it has, or with `field` what each of its rows, as a group of the breakdown
    `by`, has in that field. `single` is the name under which one such row stands at `path`/id. With `in_currencies` the
    list says it by currency, beside its rows. `reasons` is a sentence: why it may differ from what the rows say.
    """

    path: str
    envelope: str
    query: tuple[tuple[str, str], ...] = ()
    by: str = ""
    field: str = ""
    single: str = ""
    in_currencies: bool = False
    reasons: str = ""


Told = Mapping[tuple[str, str], int]
"""What an account says, by group and currency; both are empty where it is the whole."""


@dataclass(frozen=True, kw_only=True)
class Definition:
    """One number. `sentence` says how it is computed from which rows.

    Counted are the living rows of `stream` that meet `where`. `day` is the field that gives the day; without one it is
    how many there are now, and its past is what was seen on each day. Of what a row shows only once, `logged` gives the
    day. With `turn` it is counted from the log of changes, and only before that from rows.

    Of a distinct count, `without` leaves rows out, `every` wants all others with the same to meet `where`; its day is
    that of the last of them. With `first_seen` it is the first of them, or when we first saw it if that was earlier.
    With `whole_period` it is counted over the whole period, and its days are never added up.

    With `now`, what comes of other numbers is of those that are now.

    `of` are the fields that are added up, told apart, or lie apart; of a ratio or difference the keys of numbers, as
    are `other`. `also` are other streams that it uses where they are there. `undated_words` say of what is in no day
    why, of a ratio of that of its numbers. `unknown` names the number that says of how many rows nobody knows what they
    would add, `unknown_words` why.
    """

    key: str
    topic: str
    name: str
    sentence: str
    stream: str
    how: How = How.COUNT
    unit: Unit = Unit.COUNT
    of: tuple[str, ...] = ()
    other: tuple[str, ...] = ()
    where: Conditions = ()
    without: Conditions = ()
    every: bool = False
    first_seen: bool = False
    now: bool = False
    whole_period: bool = False
    day: str = ""
    logged: Logged | None = None
    turn: Turn | None = None
    also: tuple[str, ...] = ()
    breakdowns: tuple[Breakdown, ...] = ()
    asks: tuple[Ask, ...] = ()
    undated_words: str = ""
    unknown: str = ""
    unknown_words: str = ""
    better: str = ""

    @property
    def is_combined(self) -> bool:
        return self.how in (How.RATIO, How.DIFFERENCE)

    @property
    def is_stock(self) -> bool:
        """How many there are now, whenever they came."""
        return self.now if self.is_combined else not (self.day or self.logged or self.turn)

    @property
    def streams(self) -> tuple[str, ...]:
        return (self.stream, *self.also)

    def breakdown(self, key: str) -> Breakdown | None:
        return next((one for one in self.breakdowns if one.key == key), None)
