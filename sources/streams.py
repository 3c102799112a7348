"""What a source declares of one kind of record: where it is read, how, and what is known of it."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from sources.facts import Columns, Facts
from sources.personal import Personal

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
class Growing:
    """That a stream's list only grows, so that what is new stands at one end of it.

    `stamp` is the field that says when a row came to be. `orders` are fields to sort by, newest first, that are tried
    in turn. Where `after` is given, the list is read from its oldest row on instead, and that parameter moves with the
    stamps. Rows younger than `unsettled` may still change.
    """

    stamp: str = "tstamp"
    orders: tuple[str, ...] = ()
    after: str = ""
    unsettled: timedelta | None = None


@dataclass(frozen=True, kw_only=True)
class Nested:
    """That a stream has no list of its own, and one within each row of the stream `parent`: its path names `{parent}`.

    Its rows' external ids are the parent's and their own, with a slash between. `is_told`: a parent's row changes when
    its list does, so that the lists of new and changed parents are enough between whole reads.
    """

    parent: str
    is_told: bool = False


@dataclass(frozen=True, kw_only=True)
class Stream:
    """One kind of record that a source offers.

    `evidence` says in a few words what is known of it and from where. `is_heavy` streams cost many calls. `fixed_query`
    are parameters that go with every call.

    `remembers` are fields of which each change is kept, with what they held before. Of one that `comes_and_goes`, each
    row that appears or vanishes is such a change itself. `facts` say what its rows mean, `personal` what they tell of
    people. `sideload` says with which other stream's rows its own can come along. `rhythm` is for those that cost more
    calls than they change: who plans a connection may choose another. `growing` are lists that only grow,
    `nested` those within the rows of another stream, which the source names first. One that `is_restless` comes in
    another order at each call: a single walk says little of what is gone. Of one that `is_announced` people are told
    when a row appears, is renamed or goes: its name is remembered, and it comes and goes.
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
    growing: Growing | None = None
    nested: Nested | None = None
    is_restless: bool = False
    is_announced: bool = False

    @property
    def gives_changes(self) -> bool:
        """Whether what is new since a moment can be had without all the rest."""
        is_told = self.nested is not None and self.nested.is_told
        return is_told or self.changed_since is not None or self.growing is not None

    @property
    def typed(self) -> Columns:
        """What stands beside a row's text, to be searched, sorted and counted by."""
        return self.facts.typed
