"""What a stream's rows mean: the kind of each field, what it is called, and what stands beside a row that is kept.

One table serves pages, searches, numbers and files. A field that has no fact is shown as it came.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

from sources.numbers import Logged

Words = tuple[tuple[str, str], ...]
"""Codes, each with the word that people know it by."""


class Kind(StrEnum):
    """How a field's value is read, and how it stands on a page."""

    TEXT = "text"
    LONG_TEXT = "long text"
    NUMBER = "number"
    MONEY = "money"  # A whole number of the smallest parts of its currency.
    MOMENT = "moment"
    DAY = "day"
    CHOICE = "choice"  # A code that has a word.
    YES_NO = "yes or no"  # 1 and 0, or true and false.
    OPTIONS = "options"  # What can be chosen: labels, or codes each with its label.
    REFERENCE = "reference"  # The id of another row.
    EMAIL = "e-mail"
    PHONE = "phone"
    ADDRESS = "address"  # Of a page on the web.


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field of a stream's rows. `label` is what people call it.

    `words` are those of a choice. Money has `scale` digits after its point, and its currency is the field `currency`,
    or that of the row that `currency` refers to. A reference leads to a row of the stream `of`; where another field
    says of which, `of_field` names that and `of_words` say by its codes; by those that lead to no row, `coded` has the
    words of the value itself. `fills` is the typed column that it gives.
    A value that may be the code of an option is `chosen_of` the row that the field of that name refers to.
    """

    name: str
    label: str
    kind: Kind = Kind.TEXT
    words: Words = ()
    scale: int = 2
    currency: str = ""
    of: str = ""
    of_field: str = ""
    of_words: Words = ()
    coded: tuple[tuple[str, Words], ...] = ()
    chosen_of: str = ""
    fills: str = ""

    @property
    def is_number(self) -> bool:
        return self.kind in (Kind.NUMBER, Kind.MONEY)

    def word(self, code: str) -> str:
        """What people call this code; the code itself where nobody has said."""
        return next((word for one, word in self.words if one == code), code)

    def word_by(self, code: str, value: str) -> str | None:
        """What people call this value where the code in `of_field` says what it is; None where nobody has said."""
        words = next((dict(words) for one, words in self.coded if one == code), {})
        return words.get(value)

    def target(self, code: str = "") -> str:
        """The stream that it leads to, by the code in `of_field`; empty where that is unknown."""
        return next((stream for one, stream in self.of_words if one == code), "") if self.of_field else self.of


@dataclass(frozen=True, kw_only=True)
class Beside:
    """What hangs on a row by the rows of another stream, and is read as if it were the row's own.

    Those of `stream` whose parent the row is: what each of them joins to it is named by its `related`. With `choice`,
    those alone that have this code. With `has_values` they are custom fields: `related` names the field, and the label
    is the value.
    """

    name: str
    label: str
    stream: str
    choice: str = ""
    has_values: bool = False


@dataclass(frozen=True, kw_only=True)
class Since:
    """Since when a row holds one of these `codes` in the field that is `logged`. No field of the row says it.

    `hint` is a sentence that says where it is known from.
    """

    name: str
    label: str
    hint: str
    logged: Logged
    codes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Which fields of a row give the typed columns that stand beside its text, where it is stored.

    `label` is what people call the row: these fields joined, or the one in `label_else` where all are empty. `search`
    are the fields that people look for it by, and that it is sorted by: those of the label come first. Moments without
    a zone are in `zone`. An `amount` is a whole number of the smallest parts of its unit, of which it has `scale`
    digits: 2 are hundredths. `choice` is a code that people filter by. `parent` is the id of the row that this one
    belongs to, `related` that of another one that it joins to that, `owner` that of the account's user who has it.

    Whoever changes the facts of a stream raises its `version`: by that its rows of before are filled anew.
    """

    version: int = 0
    label: tuple[str, ...] = ()
    label_else: str = ""
    search: tuple[str, ...] = ()
    happened_at: str = ""
    ended_at: str = ""
    zone: str = "UTC"
    amount: str = ""
    scale: int = 2
    currency: str = ""
    choice: str = ""
    parent: str = ""
    related: str = ""
    owner: str = ""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known of a stream's rows.

    `row` is what one of them is called, `good_for` a sentence that says what people have the stream for. The first
    `shown` of the fields head its table unless somebody chooses others, and so do those of `beside` that are named in
    `shown_beside`, and `since`. `version`, `label`, `label_else`, `search` and `zone` are as in `Columns`.
    With `is_told_by_parent`, rows that are called alike are told apart by the one that they belong to. `others` are
    labels of fields that stand as they came. `told_in` is the field that says what came of what a row tells, which
    some rows leave empty. `withheld` is the field that says yes where the source keeps back most of a row,
    `withheld_words` a sentence about that.
    """

    row: str = "row"
    good_for: str = ""
    fields: tuple[Field, ...] = ()
    others: Words = ()
    shown: int = 5
    beside: tuple[Beside, ...] = ()
    shown_beside: tuple[str, ...] = ()
    since: Since | None = None
    version: int = 0
    label: tuple[str, ...] = ()
    label_else: str = ""
    search: tuple[str, ...] = ()
    zone: str = "UTC"
    is_told_by_parent: bool = False
    told_in: str = ""
    withheld: str = ""
    withheld_words: str = ""

    def field(self, name: str) -> Field | None:
        return next((one for one in self.fields if one.name == name), None)

    def label_of(self, name: str) -> str:
        """What people call this field; empty where nobody has said."""
        found = self.field(name)
        return found.label if found else self._others.get(name, "")

    @cached_property
    def _others(self) -> dict[str, str]:
        return dict(self.others)

    def filling(self, column: str) -> Field | None:
        """The field that gives this typed column."""
        return next((one for one in self.fields if one.fills == column), None)

    @property
    def email(self) -> Field | None:
        """The address by which rows are looked for."""
        return next((one for one in self.fields if one.kind == Kind.EMAIL and one.name in self.typed.search), None)

    @property
    def name_label(self) -> str:
        """What heads the names of its rows, or their ids where they have none."""
        return self.row.capitalize() if self.label else "ID"

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(one.name for one in self.fields)

    @property
    def shown_names(self) -> tuple[str, ...]:
        return self.names[: self.shown]

    @cached_property
    def typed(self) -> Columns:
        filled: dict[str, Any] = {one.fills: one.name for one in self.fields if one.fills}
        amount = self.filling("amount")
        return Columns(
            version=self.version,
            label=self.label,
            label_else=self.label_else,
            search=tuple(dict.fromkeys((*self.label, *filter(None, [self.label_else]), *self.search))),
            zone=self.zone,
            scale=amount.scale if amount and amount.kind == Kind.MONEY else 0,
            **filled,
        )


def text(name: str, label: str, **facts: Any) -> Field:
    return Field(name=name, label=label, **facts)


def long_text(name: str, label: str, **facts: Any) -> Field:
    return Field(name=name, label=label, kind=Kind.LONG_TEXT, **facts)


def number(name: str, label: str, **facts: Any) -> Field:
    return Field(name=name, label=label, kind=Kind.NUMBER, **facts)


def money(name: str, label: str, *, currency: str, **facts: Any) -> Field:
    return Field(name=name, label=label, kind=Kind.MONEY, currency=currency, **facts)


def moment(name: str, label: str, **facts: Any) -> Field:
    return Field(name=name, label=label, kind=Kind.MOMENT, **facts)


def day(name: str, label: str, **facts: Any) -> Field:
    return Field(name=name, label=label, kind=Kind.DAY, **facts)


def choice(name: str, label: str, words: dict[str, str] | None = None, **facts: Any) -> Field:
    return Field(name=name, label=label, kind=Kind.CHOICE, words=tuple((words or {}).items()), **facts)


def yes_no(name: str, label: str, **facts: Any) -> Field:
    return Field(name=name, label=label, kind=Kind.YES_NO, **facts)


def options(name: str, label: str, **facts: Any) -> Field:
    return Field(name=name, label=label, kind=Kind.OPTIONS, **facts)


def reference(name: str, label: str, of: str, **facts: Any) -> Field:
    return Field(name=name, label=label, kind=Kind.REFERENCE, of=of, **facts)


def reference_by(
    name: str,
    label: str,
    field: str,
    streams: dict[str, str],
    *,
    coded: dict[str, dict[str, str]] | None = None,
    **facts: Any,
) -> Field:
    """The code in another field says of which stream it is, or that it is one of the words in `coded`."""
    said = tuple((code, tuple(words.items())) for code, words in (coded or {}).items())
    known: dict[str, Any] = {"of_field": field, "of_words": tuple(streams.items()), "coded": said}
    return Field(name=name, label=label, kind=Kind.REFERENCE, **known, **facts)


def email(name: str, label: str, **facts: Any) -> Field:
    return Field(name=name, label=label, kind=Kind.EMAIL, **facts)


def phone(name: str, label: str, **facts: Any) -> Field:
    return Field(name=name, label=label, kind=Kind.PHONE, **facts)


def address(name: str, label: str, **facts: Any) -> Field:
    return Field(name=name, label=label, kind=Kind.ADDRESS, **facts)
