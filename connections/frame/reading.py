"""Rows in words: by the facts of their stream, with the names of what they refer to, and what hangs on them."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any
from urllib.parse import quote

from django.urls import reverse

from connections.models import Connection
from connections.models.columns import reference as id_in
from connections.models.field_rules import Rule
from connections.models.logged import column_of, logged_at
from connections.models.record import ShownRow
from connections.templatetags.cells import as_text, in_words, name_in_words, options_in, without_bars, yes_or_no
from connections.templatetags.moments import exact_moment
from sources.spec import Beside, Field, Kind, Since, Stream

MOST_BESIDE = 2000  # Rows that hang on those of one table; who has more is shown some of them.
NAMED_IN_A_CELL = 3
OF_TYPE = {"date": Kind.DAY, "datetime": Kind.MOMENT, "number": Kind.NUMBER, "currency": Kind.MONEY}
CUSTOM = "custom"
SHOWN_RAW, MOST_RAW = 5, 30  # Fields of rows that nobody has described.
NOT_SHOWN = ("id", "links")


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What stands in one place of a table, or beside one name. Without `text` there is nothing."""

    text: str = ""
    url: str = ""
    is_number: bool = False


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of a table: of a field, of what stands beside the row, or of a custom field by its id.

    With `since` it is the moment that the log tells.
    """

    field: Field
    beside: Beside | None = None
    custom: str = ""
    since: Since | None = None

    @property
    def name(self) -> str:
        return f"{CUSTOM}.{self.custom}" if self.custom else self.field.name

    @property
    def label(self) -> str:
        return self.field.label

    @property
    def is_number(self) -> bool:
        return self.field.is_number


@dataclass(frozen=True, kw_only=True)
class Line:
    """With a `note` where the source keeps back most of the row."""

    external_id: str
    name: str
    url: str
    is_gone: bool
    cells: Sequence[Cell]
    note: str = ""


Names = Mapping[str, Mapping[str, str]]
"""By stream and id, what a row that is stored is called."""


@dataclass
class Reader:
    """Reads rows of one connection in words, a table or a row at a time, with few looks into the database.

    For a file no cell leaves anything out.
    """

    connection: Connection
    is_for_file: bool = False
    names: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    places: dict[str, str] = field(default_factory=dict)
    raw: dict[str, Sequence[Field]] = field(default_factory=dict)
    unstored: dict[str, frozenset[str]] = field(default_factory=dict)
    options: dict[tuple[str, str], Mapping[str, str]] = field(default_factory=dict)

    @cached_property
    def counts(self) -> Mapping[str, int]:
        """How many rows there are of each stream."""
        found: Mapping[str, int] = self.connection.row_counts.by_stream()
        return found

    def left_out(self, stream: Stream) -> frozenset[str]:
        """The fields that are not stored: they have no column, and nothing is narrowed or sorted by them."""
        if stream.key not in self.unstored:
            rules = self.connection.rules_of(stream)
            self.unstored[stream.key] = frozenset(name for name, rule in rules.items() if rule == Rule.LEAVE_OUT)
        return self.unstored[stream.key]

    def column(self, stream: Stream, name: str) -> Column | None:
        """By its name in an address: that of a field, of what stands beside, or of a custom field."""
        for field_of_it in self.fields_of(stream):
            if field_of_it.name == name:
                return Column(field=field_of_it)
        for one in stream.facts.beside:
            if one.name == name and not one.has_values:
                return Column(field=Field(name=name, label=one.label), beside=one)
        others = (*self.custom_columns(stream), *self.since_columns(stream))
        return next((one for one in others if one.name == name), None)

    def fields_of(self, stream: Stream) -> Sequence[Field]:
        """Where nobody has said what rows mean, what the newest one holds, under the names that came."""
        if stream.facts.fields:
            return [one for one in stream.facts.fields if one.name not in self.left_out(stream)]
        if stream.key not in self.raw:
            newest = self.connection.records.living().filter(stream=stream.key).order_by("-pk").first()
            names = [name for name in newest.data if name not in NOT_SHOWN] if newest else []
            self.raw[stream.key] = [Field(name=name, label=name) for name in names[:MOST_RAW]]
        return self.raw[stream.key]

    def columns(self, stream: Stream) -> list[Column]:
        """All that a table of this stream may have."""
        named = [*stream.facts.shown_beside, *(one.name for one in self.fields_of(stream))]
        besides = [one.name for one in stream.facts.beside if not one.has_values]
        found = [self.column(stream, name) for name in dict.fromkeys([*named, *besides])]
        return [*filter(None, found), *self.since_columns(stream), *self.custom_columns(stream)]

    def usual_columns(self, stream: Stream) -> list[Column]:
        """Those that head a table unless somebody chooses others."""
        beside = [one.name for one in stream.facts.beside if one.name in stream.facts.shown_beside]
        beside = beside if any(self.counts.get(one.stream) for one in stream.facts.beside) else []
        shown = stream.facts.shown_names or tuple(one.name for one in self.fields_of(stream)[:SHOWN_RAW])
        names = [*shown[:1], *beside, *shown[1:]]
        return [*filter(None, (self.column(stream, name) for name in names)), *self.since_columns(stream)]

    def since_columns(self, stream: Stream) -> list[Column]:
        since = stream.facts.since
        if since is None or since.logged.field in self.left_out(stream):
            return []
        return [Column(field=Field(name=since.name, label=since.label), since=since)]

    def custom_columns(self, stream: Stream) -> list[Column]:
        beside = next((one for one in stream.facts.beside if one.has_values), None)
        titles = self._titles(beside) if beside else {}
        return [
            Column(field=Field(name=key, label=title, kind=kind), beside=beside, custom=key)
            for key, (title, kind) in titles.items()
        ]

    def _titles(self, beside: Beside) -> dict[str, tuple[str, Kind]]:
        """The custom fields, by id: their titles, and what kind of value they hold."""
        values = self.connection.known_source().stream(beside.stream)
        related = values.facts.filling("related") if values else None
        if values is None or related is None or not self.left_out(values).isdisjoint(values.facts.label):
            return {}
        rows = self.connection.records.living().filter(stream=related.of).in_id_order()
        found = rows.values_list("external_id", "label", "choice")[:100]
        return {key: (label or f"Field {key}", OF_TYPE.get(type or "", Kind.TEXT)) for key, label, type in found}

    # Tables -----------------------------------------------------------------------------------------------------

    def fields(self, stream: Stream, columns: Sequence[Column]) -> set[str]:
        """What has to be read of each row for a table with these columns."""
        fields = [one.field for one in columns if one.beside is None and one.since is None]
        beside = {name for one in fields for name in (one.currency, one.of_field, one.chosen_of) if name}
        return {one.name for one in fields} | beside | {*filter(None, [stream.facts.withheld])}

    def lines(self, stream: Stream, rows: Sequence[ShownRow], columns: Sequence[Column]) -> list[Line]:
        references = [one.field for one in columns if one.field.kind == Kind.REFERENCE]
        self.learn(
            (one.target(as_text(row.values.get(one.of_field))), row.values.get(one.name))
            for row in rows
            for one in references
        )
        for one in columns:
            if one.custom and one.beside:
                self.learn_options(self._related(one.beside), (other.custom for other in columns))
            elif of_field := stream.facts.field(one.field.chosen_of):
                self.learn_options(of_field.of, (as_text(row.values.get(of_field.name)) for row in rows))
        ids = [row.external_id for row in rows]
        held = {one.name: self._held(stream, one.since, ids) for one in columns if one.since}
        beside = {**self._beside(ids, columns), **held}
        return [
            Line(
                external_id=row.external_id,
                name=self.name(stream, row.external_id, row.label, row.values),
                url=self.url(stream.key, row.external_id),
                is_gone=row.deleted_at is not None,
                cells=[self._cell(stream, row, one, beside) for one in columns],
                note=self._note(stream, row),
            )
            for row in rows
        ]

    def _note(self, stream: Stream, row: ShownRow) -> str:
        is_withheld = yes_or_no(as_text(row.values.get(stream.facts.withheld))) == "Yes"
        return stream.facts.withheld_words if is_withheld else ""

    def _cell(self, stream: Stream, row: ShownRow, column: Column, beside: Mapping[str, Any]) -> Cell:
        if column.since:
            return Cell(text=exact_moment(beside[column.name].get(row.external_id)))
        if column.beside is None:
            return self.cell(stream, column.field, row.values)
        found = beside[column.beside.name].get(row.external_id, ())
        if column.custom:
            values = [value for related, value in found if related == column.custom]
            labels = [self.chosen(value, self._related(column.beside), column.custom) for value in values]
            words = [in_words(label, column.field, zone=stream.facts.zone) for label in labels]
            return Cell(text=", ".join(words), is_number=column.is_number)
        names = [self.named(self._related(column.beside), related).text for related, _ in found]
        if self.is_for_file or len(names) <= NAMED_IN_A_CELL:
            return Cell(text=", ".join(names))
        return Cell(text=f"{', '.join(names[:NAMED_IN_A_CELL])} and {len(names) - NAMED_IN_A_CELL} more")

    def cell(self, stream: Stream, field: Field, values: Mapping[str, Any]) -> Cell:
        value = values.get(field.name)
        if field.kind == Kind.REFERENCE:
            code = as_text(values.get(field.of_field))
            said = field.word_by(code, as_text(value))
            if said or (field.of_field and not field.target(code)):
                return Cell(text=said or ("" if as_text(value) == "0" else as_text(value)))
            return self.named(field.target(code), value)
        if field.chosen_of:
            of_field = stream.facts.field(field.chosen_of)
            value = self.chosen(as_text(value), of_field.of if of_field else "", as_text(values.get(field.chosen_of)))
        currency = as_text(values.get(field.currency))
        text = in_words(value, field, zone=stream.facts.zone, currency=currency)
        return Cell(text=text, is_number=field.is_number)

    def name(self, stream: Stream, external_id: str, label: str, values: Mapping[str, Any]) -> str:
        """What a row is called: as its field reads, where that was chosen of options."""
        named_by = stream.facts.field(stream.facts.label[0]) if stream.facts.label else None
        if label and named_by and named_by.chosen_of and named_by.name in values:
            return self.cell(stream, named_by, values).text
        return without_bars(label) or external_id

    def chosen(self, value: str, stream: str, key: str) -> str:
        """What was chosen in that custom field, by its labels: some values are stored by these, some by their codes."""
        self.learn_options(stream, {key})
        options, codes = self.options[stream, key], value.split("||")
        if not options or value in options.values():
            return without_bars(value)
        return ", ".join(options.get(code, code) for code in codes if code)

    def learn_options(self, stream: str, keys: Iterable[str]) -> None:
        """Look up what can be chosen in these custom fields together."""
        wanted = {key for key in keys if (stream, key) not in self.options}
        found = self.connection.known_source().stream(stream)
        listing = next((one.name for one in found.facts.fields if one.kind == Kind.OPTIONS), "") if found else ""
        rows = self.connection.records.living().filter(stream=stream, external_id__in=wanted)
        self.options |= {(stream, key): {} for key in wanted}
        for row in rows if wanted and listing else ():
            self.options[stream, row.external_id] = options_in(as_text(row.data.get(listing)))

    def _beside(self, ids: Sequence[str], columns: Sequence[Column]) -> dict[str, dict[str, list[tuple[str, str]]]]:
        """Of each kind of what hangs on these rows: by row, what it joins to it, and its own label."""
        found: dict[str, dict[str, list[tuple[str, str]]]] = {}
        most = None if self.is_for_file else MOST_BESIDE
        for beside in {one.beside.name: one.beside for one in columns if one.beside}.values():
            by_row = found.setdefault(beside.name, defaultdict(list))
            rows = self.connection.records.living().filter(stream=beside.stream, parent__in=ids)
            rows = rows.filter(choice=beside.choice) if beside.choice else rows
            joined = rows.order_by("parent", "happened_at").values_list("parent", "related", "label")[:most]
            for parent, related, label in joined:
                by_row[parent].append((related or "", label or ""))
            self.learn((self._related(beside), related) for some in by_row.values() for related, _ in some)
        return found

    def _held(self, stream: Stream, since: Since, ids: Sequence[str]) -> dict[str, datetime | None]:
        """Since when these rows hold one of the codes, by their ids, where they do."""
        told_by = self.connection.known_source().stream(since.logged.told_by)
        at = logged_at(self.connection.holding, stream, since.logged, told_by)
        rows = self.connection.records.filter(stream=stream.key, external_id__in=ids)
        rows = rows.filter(**{f"{column_of(stream, since.logged.field)}__in": since.codes})
        return dict(rows.annotate(at=at).values_list("external_id", "at"))

    def _related(self, beside: Beside) -> str:
        stream = self.connection.known_source().stream(beside.stream)
        related = stream.facts.filling("related") if stream else None
        return related.of if related else ""

    # Names ------------------------------------------------------------------------------------------------------

    def learn(self, references: Iterable[tuple[str, Any]]) -> None:
        """Look up what these rows are called, each by its stream and id: those of a stream together."""
        wanted: dict[str, set[str]] = defaultdict(set)
        for stream, value in references:
            key = id_in(value)
            if stream and isinstance(key, str):
                wanted[stream].add(key)
        for key, ids in wanted.items():
            if found := self.connection.known_source().stream(key):
                self.names[key] |= self.connection.records.names(found, sorted(ids - self.names[key].keys()))

    def named(self, stream: str, value: Any) -> Cell:
        """What the row is called, with a link to it where it is stored."""
        key = id_in(value)
        if not isinstance(key, str):
            return Cell()
        target = self.connection.known_source().stream(stream)
        if target is None:
            return Cell(text=key)
        said = self.names[stream].get(key)
        unnamed = f"{target.facts.row.capitalize()} {key}"
        return Cell(text=said or unnamed, url="" if said is None else self.url(stream, key))

    def rows_url(self, stream: str) -> str:
        if stream not in self.places:  # A table leads to hundreds of rows.
            one = self.connection
            self.places[stream] = reverse("connections:rows", args=[one.workspace.slug, one.source_key, one.pk, stream])
        return self.places[stream]

    def url(self, stream: str, external_id: str) -> str:
        return f"{self.rows_url(stream)}row/?id={quote(external_id, safe='')}"


def field_of(stream: Stream, name: str) -> Field:
    """By its facts; of one that has none its label alone, or its name taken apart."""
    return stream.facts.field(name) or Field(name=name, label=stream.facts.label_of(name) or name_in_words(name))


def labels_of(stream: Stream, names: Iterable[str]) -> dict[str, str]:
    """What people call these fields, or their names taken apart; two that would read alike are told apart by these."""
    found = {name: field_of(stream, name).label for name in names}
    how_often = Counter(found.values())
    return {name: label if how_often[label] == 1 else f"{label} ({name})" for name, label in found.items()}
