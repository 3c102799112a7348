"""What a Source declares about itself, and the few types that cross between the floors."""

import hmac
import json
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NoReturn, Protocol
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
from sources.personal import Personal as Personal
from sources.personal import Reference as Reference

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


class Secret:
    """A text that does not print, compare in the open, copy into JSON or pickle. `reveal()` gives it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "Secret(****)"

    __str__ = __repr__

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> NoReturn:
        raise TypeError("A secret cannot be hashed.")

    def __reduce__(self) -> NoReturn:
        raise TypeError("A secret cannot be pickled or copied.")


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """An address in its one stored form (`https://host`), and the key for it."""

    api_url: str
    api_key: Secret


def host_of(api_url: str) -> str:
    """The account behind a cleaned address: its host, with the port if it has one."""
    return urlsplit(api_url).netloc


Sureness = Literal["documented", "recorded", "used by connectors", "unverified"]
"""How a fact of the outside world is known, the surest first."""


Rhythm = Literal["", "daily", "weekly"]
"""How often a stream is read: as often as is scheduled, or so that it is never older than that."""


@dataclass(frozen=True, kw_only=True)
class Sideload:
    """That the rows of a stream can come along with those of another one, which they belong to.

    `parent` is that stream's key, `column` the field of a row, as its own list gives it, that names its parent's row.
    The source names the parent first, and `column` is what it has as the `parent` of the typed columns.
    """

    parent: str
    column: str


@dataclass(frozen=True, kw_only=True)
class Stream:
    """One kind of record that a source offers.

    `evidence` says in a few words what is known of it and from where. `is_heavy` streams cost many calls. `fixed_query`
    are parameters that go with every call.

    `remembers` are fields of which each change is kept, with what they held before. Of one that `comes_and_goes`, each
    row that appears or vanishes is such a change itself. `facts` say what its rows mean, `personal` what they tell of
    people. `sideload` says with which other stream's rows its own can come along. `rhythm` is for those that cost more
    calls than they change: who plans a connection may choose another.
    """

    key: str
    name: str
    path: str
    envelope: str
    paging: Literal["keyset", "offset"] = "offset"
    changed_since: str | None = None
    on_by_default: bool = True
    evidence: str = ""
    sureness: Sureness = "documented"
    is_heavy: bool = False
    fixed_query: tuple[tuple[str, str], ...] = ()
    remembers: tuple[str, ...] = ()
    comes_and_goes: bool = False
    facts: Facts = field(default_factory=Facts)
    personal: Personal = field(default_factory=Personal)
    sideload: Sideload | None = None
    rhythm: Rhythm = ""

    @property
    def typed(self) -> Columns:
        """What stands beside a row's text, to be searched, sorted and counted by."""
        return self.facts.typed


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
    this one, or behind the last one. `along` is what came of other streams, by their keys.
    """

    rows: Mapping[str, Row]
    cursor: Cursor | None
    total: int | None = None
    unkept: tuple[Unkept, ...] = ()
    repeated: int = 0
    seam_proven: bool = True
    along: Mapping[str, Along] = field(default_factory=dict)

    @cached_property
    def length(self) -> int:
        """The characters of all its rows, those that came along too."""
        sets = (self.rows, *(along.rows for along in self.along.values()))
        return sum(len(text_of(row)) for rows in sets for row in rows.values())


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A stream to pull: all of it, or from `cursor` on, or only what changed since a moment.

    Rows of the streams `along` are wanted with each page, as far as the account gives them.
    """

    stream: Stream
    cursor: Cursor | None = None
    changed_since: datetime | None = None
    along: tuple[Stream, ...] = ()


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
    def __call__(self, credentials: Credentials, rows: Sequence[Row], *, budget: Budget, seconds: float) -> Recognised:
        """Ask within so many seconds how many of these rows the account has. Raises SourceError, as a check does."""


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
    known before the first pull how long that takes. `calls_at_once` are under way in a pull at the most.
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

    def stream(self, key: str) -> Stream | None:
        return next((stream for stream in self.streams if stream.key == key), None)
