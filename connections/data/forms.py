"""What a stream's rows can be narrowed by, and which columns are shown of them: all that stands in the address."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.db.models import Q
from django.http import QueryDict
from django.utils.http import urlencode

from connections.data.looking import Asked, Sorting, sortings
from connections.frame.reading import Column, Reader, field_of
from connections.models.columns import folded
from connections.models.logged import held_between
from connections.models.people import in_words
from connections.models.record_query import Hanging, Place, Sought, finds_inside
from sources.spec import Field, Kind, Stream

EARLIEST = date(2, 1, 1)  # East of Greenwich the first day of the first year begins before what a moment can say.
MOST_OPTIONS = 300  # Rows that a list to choose from may have; of more, one is chosen by a link alone.
ALWAYS = ("search", "id")  # Rows can be put in these orders whatever is left out.
BY_EQUALS = ("choice", "related", "parent", "owner")


@dataclass(frozen=True, kw_only=True)
class Narrowing:
    """One filter that is on and has no field of its own: what it says, and the address without it."""

    name: str
    value: str
    label: str
    word: str
    without: str


class RowsForm(forms.Form):
    """By the facts of the stream; nonsense in the address narrows nothing."""

    q = forms.CharField(label="Search", required=False, max_length=100)
    since = forms.DateField(required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(required=False, widget=forms.DateInput(attrs={"type": "date"}))
    held_since = forms.DateField(required=False, widget=forms.DateInput(attrs={"type": "date"}))
    held_until = forms.DateField(required=False, widget=forms.DateInput(attrs={"type": "date"}))
    gone = forms.BooleanField(label="With rows that are gone", required=False)
    columns = forms.MultipleChoiceField(required=False)
    sort = forms.ChoiceField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: QueryDict, *, stream: Stream, reader: Reader) -> None:
        super().__init__(data)
        self.stream, self.reader, self.asked_by = stream, reader, data
        self.counts, self.left_out = reader.counts, reader.left_out(stream)
        usual = {one.name: one for one in reader.usual_columns(stream)}
        self.offered = [*usual.values(), *(one for one in reader.columns(stream) if one.name not in usual)]
        self.equals = [one for column in BY_EQUALS if (one := self._stored(stream.facts.filling(column)))]
        self.hanging = [one for one in stream.facts.beside if not one.has_values and self.counts.get(one.stream)]
        columns: Any = self.fields["columns"]
        columns.choices = [(one.name, one.label) for one in self.offered]
        sort: Any = self.fields["sort"]
        sort.choices = [(f"{sign}{one.name}", one.label) for one in self.sortings for sign in ("", "-")]
        self._name_times()
        if looked_into := self.looks_into():
            self.fields["q"].widget.attrs["placeholder"] = looked_into
        else:
            del self.fields["q"]
        self.email = self._stored(stream.facts.email) if finds_inside(reader.connection.records.db) else None
        if self.email:
            self.fields[self.email.name] = self._beginning(self.email.label)
        for one in self.equals:
            self.fields[one.name] = self._choosing(one.label, self._options(one))
        for beside in self.hanging:
            related = self._related(beside.stream)
            self.fields[beside.name] = self._choosing(beside.label, self._options(related) if related else [])
        self.order_fields([name for name in self.fields if name != "gone"])  # Which comes last.
        self.is_valid()

    @property
    def sortings(self) -> list[Sorting]:
        return [one for one in sortings(self.stream) if one.order in ALWAYS or one.name not in self.left_out]

    @property
    def sorted_by(self) -> str:
        """What was chosen, or the newest first, by when they came about where that is known."""
        usual = next((one.name for one in self.sortings if one.order == "happened_at"), "id")
        said: str = self.cleaned_data.get("sort") or f"-{usual}"
        return said

    def _stored(self, field: Field | None) -> Field | None:
        return None if field and field.name in self.left_out else field

    def _name_times(self) -> None:
        happened = self._stored(self.stream.facts.filling("happened_at"))
        since = next((one.since for one in self.reader.since_columns(self.stream)), None)
        for label, first, last in (
            (happened and happened.label, "since", "until"),
            (since and since.label, "held_since", "held_until"),
        ):
            if label:
                self.fields[first].label, self.fields[last].label = f"{label} from", f"{label} until"
            else:
                del self.fields[first], self.fields[last]

    def _beginning(self, label: str) -> forms.Field:
        return forms.CharField(label=f"{label} begins with", required=False, max_length=100)

    def _choosing(self, label: str, options: list[tuple[str, str]]) -> forms.Field:
        if not options:
            return forms.CharField(label=label, required=False, max_length=64, widget=forms.HiddenInput)
        return forms.ChoiceField(label=label, required=False, choices=[("", "Any"), *options])

    def _options(self, field: Field) -> list[tuple[str, str]]:
        if field.kind == Kind.CHOICE:
            return [*field.words]
        if not field.of or not 0 < self.counts.get(field.of, 0) <= MOST_OPTIONS:
            return []
        rows = self.reader.connection.records.living().filter(stream=field.of).order_by("search")
        ids = [*rows.values_list("external_id", flat=True)[:MOST_OPTIONS]]
        self.reader.learn((field.of, one) for one in ids)
        return [(one, self.reader.named(field.of, one).text) for one in ids]

    def _related(self, stream: str) -> Field | None:
        found = self.reader.connection.known_source().stream(stream)
        return found.facts.filling("related") if found else None

    # What is asked for ------------------------------------------------------------------------------------------

    def asked(self) -> Asked:
        after = self.asked_by.get("after", "")
        return Asked(sought=self.sought(), place=self.place(), after=after, columns=self.chosen())

    def place(self) -> Place:
        """The beginning, in the order that is asked for."""
        said = self.sorted_by
        order = next(one.order for one in self.sortings if one.name == said.removeprefix("-"))
        return Place(order=order, is_falling=said.startswith("-"))

    def chosen(self) -> list[Column]:
        names = self.cleaned_data.get("columns")
        if not names:
            return self.reader.usual_columns(self.stream)
        return [one for one in self.offered if one.name in names]

    def sought(self) -> Sought:
        said = self.cleaned_data
        return Sought(
            words=said.get("q") or "",
            equal=[(one.fills, said[one.name]) for one in self.equals if said.get(one.name)],
            since=self._moment(said.get("since")),
            until=self._moment(said.get("until"), days=1),
            email=self._email_begins(),
            more=[*self._held()],
            hanging=[
                Hanging(stream=one.stream, related=said[one.name], choice=one.choice)
                for one in self.hanging
                if said.get(one.name)
            ],
            with_gone=bool(said.get("gone")),
        )

    def _email_begins(self) -> tuple[str, str] | None:
        said = self.cleaned_data.get(self.email.name) or "" if self.email else ""
        letters = "".join(folded(said).split())
        return (self.email.name, letters) if self.email and letters else None

    def _held(self) -> Iterator[Q]:
        since, said = self.stream.facts.since, self.cleaned_data
        first, end = self._moment(said.get("held_since")), self._moment(said.get("held_until"), days=1)
        if since and (first or end):
            connection = self.reader.connection
            told_by = connection.known_source().stream(since.logged.told_by)
            yield held_between(connection.holding, self.stream, since, told_by, first=first, end=end)

    def _moment(self, day: date | None, *, days: int = 0) -> datetime | None:
        """Where that day begins, in the workspace's zone."""
        if day is None or day.year >= date.max.year:
            return None
        day = max(day, EARLIEST)
        zone = ZoneInfo(self.reader.connection.workspace.timezone)
        return datetime.combine(day + timedelta(days=days), time(), tzinfo=zone)

    # The page ---------------------------------------------------------------------------------------------------

    @property
    def is_narrowing(self) -> bool:
        return self.sought().narrows or bool(self.cleaned_data.get("gone"))

    def filters(self) -> list[forms.BoundField]:
        """The fields to choose from, but for the search, the columns and what is hidden."""
        return [one for one in self if one.name not in ("q", "columns") and not one.is_hidden]

    def boxes(self) -> list[tuple[Column, bool]]:
        """All columns, and whether each is shown. By Django's own widgets they took as long as the table."""
        shown = {one.name for one in self.chosen()}
        return [(one, one.name in shown) for one in self.offered]

    def order_hint(self) -> str:
        """What is to be known of an order that is not plain."""
        currencies = self.stream.facts.filling("currency")
        return (
            "Amounts of different currencies stand by their figure: none is converted."
            if currencies and self.place().order == "amount"
            else ""
        )

    def looks_into(self) -> str:
        """“E-mail, First name and Last name”: what a search goes through; empty where nothing of it is kept."""
        names = [one for one in self.stream.facts.typed.search if one not in self.left_out]
        return in_words([field_of(self.stream, one).label for one in names], most=9) if names else ""

    def hint(self) -> str:
        """What is to be known of a filter that is not plain."""
        since = self.stream.facts.since
        return f"{since.label}: {since.hint}" if since else ""

    def words_of_nothing(self) -> str:
        """What a page without rows says: also why the days may not be known that were asked for."""
        search = f"Search looks into {self.looks_into()} alone." if self.cleaned_data.get("q") else ""
        return " ".join(
            filter(None, ["No row fits what you look for.", search, self.hint() if self._asks_since() else ""])
        )

    def not_synced(self) -> Stream | None:
        """What would tell the days that were asked for, and is not chosen."""
        since, connection = self.stream.facts.since, self.reader.connection
        if since is None or not self._asks_since() or since.logged.told_by in connection.stream_keys:
            return None
        return connection.known_source().stream(since.logged.told_by)

    def _asks_since(self) -> bool:
        return any(self.cleaned_data.get(name) for name in ("held_since", "held_until"))

    def has_filters_on(self) -> bool:
        return any(self.cleaned_data.get(one.name) for one in self.filters())

    def narrowings(self) -> list[Narrowing]:
        """What is on by a link alone."""
        return [*self._narrowings()]

    def _narrowings(self) -> Iterator[Narrowing]:
        hidden = [one for one in self.equals if self[one.name].is_hidden and self.cleaned_data.get(one.name)]
        for one in hidden:
            value = self.cleaned_data[one.name]
            word = one.word(value)
            if one.of:
                self.reader.learn([(one.of, value)])
                word = self.reader.named(one.of, value).text
            without = self.address(**{one.name: None})
            yield Narrowing(name=one.name, value=value, label=one.label, word=word, without=without)

    def address(self, **changes: str | None) -> str:
        """The same page with these changes, from its beginning."""
        query = self.asked_by.copy()
        query.pop("after", None)
        for name, value in changes.items():
            query.pop(name, None)
            if value:
                query[name] = value
        return f"?{query.urlencode()}"

    def as_shown(self) -> str:
        """What makes a file of it that has these columns alone."""
        return self.address(shown="on")

    def unnarrowed(self) -> str:
        """With the same columns in the same order."""
        kept = {name: self.asked_by.getlist(name) for name in ("sort", "columns") if name in self.asked_by}
        return f"?{urlencode(kept, doseq=True)}"

    @property
    def is_further_on(self) -> bool:
        return bool(self.asked_by.get("after"))

    def heads(self) -> list[dict[str, Any]]:
        """The first is the row's name, the others the chosen columns; those that rows can be sorted by lead to that."""
        by_name = {one.name: one for one in self.sortings}
        name = "name" if "name" in by_name else "id"
        named = Column(field=Field(name=name, label=self.stream.facts.name_label))
        return [self._head(one, one.name in by_name) for one in (named, *self.chosen())]

    def _head(self, column: Column, is_sortable: bool) -> dict[str, Any]:
        said = self.sorted_by
        is_sorted, falls = said.removeprefix("-") == column.name, said.startswith("-")
        other = column.name if is_sorted and falls else f"-{column.name}"
        first = other if is_sorted or column.name != "name" else "name"
        return {
            "column": column,
            "url": self.address(sort=first) if is_sortable else "",
            "sorted": ("descending" if falls else "ascending") if is_sorted else "",
        }
