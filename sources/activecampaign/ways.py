"""What the two ways through a list have in common: by id (`by_id`) and by offset (`by_offset`)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Protocol

from sources.activecampaign.rows import Answer
from sources.errors import UnexpectedAnswer
from sources.spec import Cursor, Unkept

PAGE_SIZE = 100  # The API's cap; smaller pages only spend more of the budget.
USUAL_PAGE = 20  # What the API sends where no limit is given, or none is heeded.
NARROWER = 4  # From a hundred rows to one in four calls.
MOST_TOO_LARGE = 10  # Rows in a row that do not come even alone: then it is not the rows.
FIRST_TOO_LARGE = 2  # As many while nothing else has come.
MOST_ODD = 50  # Rows that cannot be kept and are known again: neighbours share fewer, and a cursor must not grow.
FAR = 10**9  # Rows. No list is as long: a server that heeds the offset has nothing there.
UNKNOWN = 1000.0  # Calls that a stream is taken to need until it says how long it is: so it is asked early.


@dataclass(frozen=True, kw_only=True, eq=False)
class Ask:
    """One call that a walk wants made, of rows that begin with number `first` among those `of` somewhere.

    Two that ask for the same are still two. Of a nested stream it is of the list of that `parent`.
    """

    params: Mapping[str, str]
    first: int = 0
    of: str = "the list"
    parent: str = ""


@dataclass(kw_only=True)
class Facts:
    """What a walk has learned of a list so far.

    `seen` and `kept` count each row once, `seen` also those that cannot be kept. `longest` is the page that had the
    most rows: how many the server sends at once, whatever it is asked for. `limit` is what to ask for next. `odd` are
    the marks of rows that cannot be kept by an id, the newest ones. `goes_by_ids`: the way by id was open until such
    rows blocked it. `passed` are rows of which the total says nothing any more, as the list was begun anew behind them.
    """

    total: int | None = None
    seen: int = 0
    kept: int = 0
    longest: int = 0
    limit: int = PAGE_SIZE
    too_large: int = 0
    odd: list[str] = field(default_factory=list)
    goes_by_ids: bool = False
    passed: int = 0

    @property
    def whole(self) -> int | None:
        """How many rows there are, if the total is right."""
        return None if self.total is None else self.passed + self.total

    @property
    def left(self) -> float:
        """The rows still to come, if the total is right; a total that was passed says nothing any more."""
        return inf if self.whole is None or self.seen > self.whole else self.whole - self.seen

    def page_of(self, limit: int) -> int:
        """How many rows a full page has that is asked for with this limit."""
        return self.longest if self.longest > PAGE_SIZE else min(limit, self.longest or limit)

    def is_short(self, rows: int, *, limit: int) -> bool:
        return rows < self.page_of(limit)

    def note(self, answer: Answer, *, limit: int) -> None:
        # Of more than was asked for, rows that came twice do not count: the next full page would look like the last.
        self.longest = max(self.longest, answer.count if answer.count <= limit else len({*answer.marks}))
        self.too_large = 0 if answer.count else self.too_large
        self.limit = min(PAGE_SIZE, max(self.limit, 2 * limit))

    def name_odd(self, ask: Ask, answer: Answer) -> tuple[Unkept, ...]:
        """The rows that cannot be kept by an id and were not told before."""
        fresh = {place: row for place, row in answer.odd.items() if answer.marks[place] not in self.odd}
        self.odd = [*self.odd, *dict.fromkeys(answer.marks[place] for place in fresh)][-MOST_ODD:]
        return tuple(
            Unkept(place=f"row {ask.first + place + 1} of {ask.of}", why=row.why, excerpt=row.excerpt)
            for place, row in fresh.items()
        )

    def narrow(self, limit: int, failure: UnexpectedAnswer) -> int:
        """The smaller limit to ask with; none when one row alone is too large, of which only a few are believed."""
        self.limit = max(1, limit // NARROWER)
        if limit > 1:
            return self.limit
        self.too_large += 1
        if self.too_large > (MOST_TOO_LARGE if self.kept else FIRST_TOO_LARGE):
            raise failure
        return 0


@dataclass
class Neighbours:
    """What the account's lists that are read side by side have shown of how it sends lists.

    `longest` is the longest page whose total counted more than that page: so the account sends as much at once, and
    its totals count lists, not pages. `heed_offsets`: one of them has shown other rows at an offset than before it.
    """

    longest: int = 0
    heed_offsets: bool = False

    def note(self, answer: Answer) -> None:
        if (answer.total or 0) > answer.count:
            self.longest = max(self.longest, answer.count)

    def is_short(self, rows: int, *, limit: int) -> bool:
        """Not of a page that may be cut at the usual length: a list may heed no limit of which others do."""
        return rows < min(limit, self.longest) and rows != USUAL_PAGE


@dataclass(frozen=True, kw_only=True)
class Heard:
    """What an answer told besides its rows."""

    is_proven: bool = True
    unkept: tuple[Unkept, ...] = ()


class Unheeded(Exception):
    """The server does not do what this way relies on: another one has to be gone, from the start."""


class Blocked(Unheeded):
    """It does, but rows that have no id lie across the way."""


class Way(Protocol):
    @property
    def is_over(self) -> bool: ...

    @property
    def calls_left(self) -> float: ...

    @property
    def place(self) -> Cursor:
        """Where to go on."""

    def ask(self, *, may_split: bool) -> Ask | None: ...

    def hear(self, ask: Ask, answer: Answer) -> Heard:
        """Raises Unheeded, and UnexpectedAnswer when the rows cannot be read at all."""


def why_not(failure: UnexpectedAnswer) -> str:
    return "it is too large" if failure.code == "too_large" else "it holds what cannot be read"
