"""What a Source declares about itself, and the few types that cross between the floors."""

import json
from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Protocol
from urllib.parse import urlsplit

from django import forms

from sources.budgets import Allowance as Allowance
from sources.budgets import Budget as Budget
from sources.budgets import Lane as Lane
from sources.budgets import RevocableBudget as RevocableBudget
from sources.budgets import SlottedBudget as SlottedBudget
from sources.budgets import WatchfulBudget as WatchfulBudget
from sources.errors import SourceError
from sources.facts import Beside as Beside
from sources.facts import Columns as Columns
from sources.facts import Facts as Facts
from sources.facts import Field as Field
from sources.facts import Kind as Kind
from sources.facts import Since as Since
from sources.numbers import GONE as GONE
from sources.numbers import OTHER as OTHER
from sources.numbers import Ask as Ask
from sources.numbers import Breakdown as Breakdown
from sources.numbers import Conditions as Conditions
from sources.numbers import Definition as Definition
from sources.numbers import How as How
from sources.numbers import Logged as Logged
from sources.numbers import Told as Told
from sources.numbers import Turn as Turn
from sources.numbers import Unit as Unit
from sources.personal import Personal as Personal
from sources.personal import Reference as Reference
from sources.pictures import NOTHING_DRAWN
from sources.pictures import Pictures as Pictures
from sources.secret import Secret as Secret
from sources.streams import Growing as Growing
from sources.streams import Nested as Nested
from sources.streams import Rhythm as Rhythm
from sources.streams import Sideload as Sideload
from sources.streams import Stream as Stream
from sources.streams import Sureness as Sureness

Row = dict[str, Any]
"""One record as the API gave it."""

_in_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

Cursor = dict[str, Any]
"""Where a walk through a stream stands: JSON, meaningful to its source alone."""


class TextRow(dict[str, Any]):
    """A record that knows the JSON it came as: its own digits and escapes, in one line, without blanks between tokens.

    Not to be changed: the text would stay.
    """

    __slots__ = ("text",)

    def __init__(self, row: Row, text: str) -> None:
        super().__init__(row)
        self.text = text


def text_of(row: Row) -> str:
    """The row as JSON: as it came, where it knows that, else written anew. One line, without blanks between tokens."""
    return row.text if isinstance(row, TextRow) else _in_json(row)


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """An address in its one stored form (`https://host`), and the key for it."""

    api_url: str
    api_key: Secret


def host_of(api_url: str) -> str:
    """The account behind a cleaned address: its host, with the port if it has one."""
    return urlsplit(api_url).netloc


@dataclass(frozen=True, kw_only=True)
class Unkept:
    """A row that cannot be kept, named as far as it goes: `place` says in words where it stands.

    `excerpt` is its beginning as JSON, where it could be read. It is the customer's data, as rows are.
    """

    place: str
    why: str
    excerpt: str = ""


@dataclass(frozen=True, kw_only=True)
class Along:
    """What came along with a page, of one other stream: its rows by external id, as their own list gives them.

    `complete` has those rows of the page of which it is beyond doubt that all that belongs to them has come, with the
    ids of it: what else is stored for them is gone. `is_proven`: all that the page's rows name has come.
    """

    rows: Mapping[str, Row]
    complete: Mapping[str, frozenset[str]]
    is_proven: bool


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page of a stream, by external id, and where to go on after it.

    `cursor` is None after the last page. `unkept` are rows that cannot be kept: they hold up nothing else, and are
    said. `repeated` counts the rows that an earlier page of this walk had, too. `total` is what the API claims that the
    whole stream holds; a hint only. `seam_proven` is False when rows may have been missed between the page before and
    this one, or behind the last one. `along` is what came of other streams, by their keys. `bookmark` comes with the
    last page of a list that only grows, where its rows have shown that they come in order: for the next `Wanted`.
    """

    rows: Mapping[str, Row]
    cursor: Cursor | None
    total: int | None = None
    unkept: tuple[Unkept, ...] = ()
    repeated: int = 0
    seam_proven: bool = True
    along: Mapping[str, Along] = field(default_factory=dict)
    bookmark: Cursor | None = None

    @cached_property
    def length(self) -> int:
        """The characters of all its rows, those that came along too."""
        sets = (self.rows, *(along.rows for along in self.along.values()))
        return sum(len(text_of(row)) for rows in sets for row in rows.values())


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A stream to pull: all of it, or from `cursor` on, or only what changed since a moment.

    Of a list that only grows: what is new since the `bookmark`, and what is younger than that moment. Of one that is
    nested, the lists of these `parents`, of which there is one at least. Rows of the streams `along` are wanted with
    each page, as far as the account gives them.
    """

    stream: Stream
    cursor: Cursor | None = None
    changed_since: datetime | None = None
    along: tuple[Stream, ...] = ()
    bookmark: Cursor | None = None
    parents: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Pulled:
    """What came of one call: a page to store, or the failure that ended this stream alone.

    A page's cursor says where the whole walk stands once this page and those before it are stored. `is_followed`: the
    next one is here already, and both may be stored in one go.
    """

    stream: Stream
    page: Page | None = None
    failure: SourceError | None = None
    is_over: bool = False
    is_followed: bool = False


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What a live check found out about the account behind a key.

    `owner` is the source's own number of whose key it is, where it has one: the same for as long as the key is.
    """

    account: str
    person: str
    person_email: str = ""
    owner: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)

    def is_of(self, *, owner: str, person: str, person_email: str) -> bool:
        """Whether the key is the same person's as one that was proven before."""
        if owner and self.owner:
            return owner == self.owner
        return (person, person_email) == (self.person, self.person_email)


class Puller(Protocol):
    """An open line to one account."""

    def pull(
        self, wanted: Sequence[Wanted], *, more: Callable[[], Sequence[Wanted]] = tuple
    ) -> Generator[Pulled, None, None]:
        """Pull these streams side by side; each ends with `is_over`. Then `more` is asked which others begin.

        One whose failure is TemporarilyDown may be pulled on later, from its last cursor.

        Raises what concerns the whole account, and whatever the budget raised, after the pages that had come. A
        consumer that may stop early closes the iterator (`contextlib.closing`): that ends the calls under way.
        """

    def exists(self, stream: Stream, external_id: str) -> bool:
        """Whether the account has this row. For a few rows: it costs a call. Raises SourceError."""

    def heeds_zones(self, stream: Stream) -> bool:
        """Whether what changed since a moment is what changed since then, wherever the account's clock stands.

        False also where there is nothing to tell it by. It costs a few calls. Raises SourceError.
        """


class Check(Protocol):
    def __call__(self, credentials: Credentials, *, budget: Budget, seconds: float) -> Proof:
        """Ask the API whether these credentials work, within so many seconds. Raises SourceError.

        TooSlow says that whoever has more patience may be answered.
        """


@dataclass(frozen=True, kw_only=True)
class Counted:
    """What an account says of streams before they are pulled, by key: how many rows they have; why it refuses some.

    Of those that did not say it in time there is neither.
    """

    totals: Mapping[str, int] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)


class Count(Protocol):
    def __call__(
        self, credentials: Credentials, streams: Sequence[Stream], *, budget: Budget, seconds: float
    ) -> Counted:
        """With a key that was just proven, within the seconds. Raises no SourceError."""


class Open(Protocol):
    def __call__(self, credentials: Credentials, *, budget: Budget) -> AbstractContextManager[Puller]:
        """Open a line for pulling."""


@dataclass(frozen=True, kw_only=True)
class Recognised:
    """Of so many rows that were asked for, so many are in an account, unchanged in what goes nowhere else."""

    asked: int
    found: int


class Recognise(Protocol):
    def __call__(
        self,
        credentials: Credentials,
        rows: Sequence[Row],
        *,
        as_stored: Callable[[Row], Row],
        budget: Budget,
        seconds: float,
    ) -> Recognised:
        """Ask within so many seconds how many of these rows the account has. Raises SourceError, as a check does.

        `as_stored` is how a row that comes would be stored: without what is left out, and with hashes.
        """


class Tell(Protocol):
    def __call__(
        self, credentials: Credentials, asks: Sequence[Ask], *, group: str = "", budget: Budget, seconds: float
    ) -> Mapping[Ask, Told]:
        """Ask for the account's own figures, of one `group` or all, within so many seconds; a call for each list.

        What it refuses or does not say in time is missing. Raises SourceError where nothing could be asked.
        """


@dataclass(frozen=True, kw_only=True)
class Identity:
    """The stream whose rows tell one account from another, and how an account is asked for them."""

    stream: str
    recognise: Recognise


@dataclass(frozen=True, kw_only=True)
class Assumption:
    """What a source takes for granted about the API, and whether a live account bears it out.

    `seen` is what was observed; it never holds a key, nor anything about the people in the account.
    """

    claim: str
    verdict: Literal["holds", "does not hold", "could not tell"]
    seen: str


class Assumptions(Protocol):
    def __call__(
        self, credentials: Credentials, *, budget: Budget, with_wrong_key: bool = False
    ) -> Iterator[Assumption]:
        """Look, reading only, at what the source takes for granted. Raises SourceError when nothing can be read."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """A kind of tool that data comes from. Its folder holds `logo.svg` and `guide.html` beside `source.py`.

    `credentials_form` has the fields `api_url` and `api_key`, and cleans them to the address in its one stored form and
    to a Secret. It takes `key_required`: when that is off, a blank key cleans to None and means the stored one. Its
    `cleaning_notes` say by field, in a sentence, what was changed in what was typed; its `promise` says what is done
    with a key. `calls_per_second` gives what one account bears from everybody together. With `count` it is
    known before the first pull how long that takes. `calls_at_once` are under way in a pull at the most. `numbers` are
    what its rows come to, and `tell` asks the account what it says they are. `sample` makes the credentials of a new
    account of invented rows that the source answers by itself, up to a day.
    """

    key: str
    name: str
    tagline: str
    credentials_form: type[forms.Form]
    streams: tuple[Stream, ...]
    calls_per_second: Callable[[], float]
    check: Check
    open: Open
    folder: Path
    assumptions: Assumptions | None = None
    identity: Identity | None = None
    count: Count | None = None
    calls_at_once: int = 1
    numbers: tuple[Definition, ...] = ()
    tell: Tell | None = None
    pictures: Pictures = NOTHING_DRAWN
    sample: Callable[[date], Credentials] | None = None

    @property
    def logo(self) -> str:
        """The template of the logo, an SVG to be put into the page."""
        return f"{self.folder.name}/logo.svg"

    @property
    def guide(self) -> str:
        """The template of the guide that stands beside the form."""
        return f"{self.folder.name}/guide.html"

    @property
    def default_streams(self) -> tuple[Stream, ...]:
        return tuple(stream for stream in self.streams if stream.on_by_default)

    def with_parents(self, keys: Collection[str]) -> list[str]:
        """These streams, and those in whose rows their lists are, in the order of all."""
        above = {one.nested.parent for one in self.streams if one.nested and one.key in keys}
        return [one.key for one in self.streams if one.key in keys or one.key in above]

    def stream(self, key: str) -> Stream | None:
        return next((stream for stream in self.streams if stream.key == key), None)

    @cached_property
    def _numbers_by_key(self) -> dict[str, Definition]:
        return {one.key: one for one in self.numbers}

    def number(self, key: str) -> Definition | None:
        """Pages of parts ask for thousands."""
        return self._numbers_by_key.get(key)
