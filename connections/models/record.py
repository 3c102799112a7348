"""The pulled rows, each as the API gave it."""

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Self

from django.db import models, transaction
from django.db.models import F, Q
from django.db.models.functions import Length
from django.utils import timezone
from django.utils.functional import cached_property

from connections.models.change import Change, Memory
from connections.models.columns import TypedColumns, readers, values_of
from connections.models.hidden_address import hide_all, show
from connections.models.holding import Holding
from connections.models.record_query import Place, RecordQuery
from connections.models.row_count import RowCount
from connections.models.upsert import RowText, StoredRows, Tally
from sources.spec import Row, Stream, text_of

MOST = 500  # Rows in a bite.
MOST_BYTES = 500_000  # Of their texts, unless a single one is longer.
NOT_COUNTED = 10_000  # Bytes that a row is taken for whose size nobody has counted.
BY_ID = Place(is_falling=False)
SHOWN = 80  # Letters of a value in a table; the row's own page has them all.


MOST_MARKED = 500  # Of a picture; more of them are no marks.


class RecordQuerySet(RecordQuery):
    def newest_first(self) -> Self:
        return self.order_by(Length("external_id").desc(), "-external_id")

    def newest_of(self, stream: Stream, count: int, fields: Collection[str]) -> "list[ShownRow]":
        """By when they came about where that is known, as the stream's own page has them."""
        place = Place(order="happened_at" if stream.facts.filling("happened_at") else "id")
        return self.shown(self.living().filter(stream=stream.key).first_of(place, count), fields)

    def marked(self, stream: str, since: datetime, until: datetime) -> "Iterable[tuple[datetime, str]]":
        """Of the rows that something came of, by their amount, when they happened and what they are called."""
        those = self.living().filter(stream=stream, happened_at__gte=since, happened_at__lt=until, amount__gt=0)
        return those.order_by("happened_at").values_list("happened_at", "label")[:MOST_MARKED]

    def shown(self, sizes: Sequence[tuple[int, int]], fields: Collection[str]) -> "list[ShownRow]":
        """What tables show of few rows, by their keys and sizes; they may be long, and are not held together."""
        found: dict[int, ShownRow] = {}
        for pks in bitten(sizes):
            found |= {record.pk: record.shown(fields) for record in self.model.objects.filter(pk__in=pks)}
        return [found[pk] for pk, _ in sizes if pk in found]

    def in_bites(self, place: Place = BY_ID) -> "Iterator[list[Record]]":
        """All of these in an order, by their ids unless another is given, so many at a time as are no burden.

        Each bite is looked up by itself: between two of them nothing is held, neither a cursor nor a snapshot. What
        changes its place in the order meanwhile may come twice, or not at all; by their ids none does.
        """
        while keys := self.keys_of(place, MOST):
            for pks in bitten([(one.pk, one.size) for one in keys]):
                found = {record.pk: record for record in self.filter(pk__in=pks).order_by()}
                yield [found[pk] for pk in pks if pk in found]
            place = replace(place, after=keys[-1])

    def spread(self, stream: str, count: int) -> list[Row]:
        """So many living rows at the most, from the oldest to the newest by their ids, where these are numbers.

        They are held together, so none of them is a long one.
        """
        rows = self.living().filter(stream=stream, size__lt=MOST_BYTES)
        first, last = rows.in_id_order().first(), rows.newest_first().first()
        if not (first and last and first.external_id.isdecimal() and last.external_id.isdecimal()):
            return []
        low, high = int(first.external_id), int(last.external_id)
        found: list[Row] = []
        for step in range(count):
            # Ids lie in heaps: what would be found twice gives way to the next one.
            place = max(low, int(first.external_id) + (high - int(first.external_id)) * step // max(1, count - 1))
            record = rows.with_id_between(place - 1, None).in_id_order().first()
            if record is None:
                break
            found.append(record.data)
            low = int(record.external_id) + 1
        return found

    def with_id_between(self, low: int, high: int | None) -> Self:
        """Above `low`, and up to `high` if there is one; for ids that are numbers."""
        least = str(low)
        found = self.alias(digits=Length("external_id")).filter(digits__gte=len(least))
        found = found.filter(Q(digits__gt=len(least)) | Q(external_id__gt=least))
        if high is None:
            return found
        most = str(high)
        return found.filter(digits__lte=len(most)).filter(Q(digits__lt=len(most)) | Q(external_id__lte=most))

    def note_walk(self, holding: Holding, stream: Stream, ids: Collection[str], *, walk: int) -> None:
        """These rows were shown by the walk of that number."""
        self._stored_rows(holding, stream).see([*ids], walk=walk)

    def differing(self, holding: Holding, stream: Stream, rows: Sequence[RowText]) -> set[str]:
        """The ids of those that are not stored as they are, or not at all, or are marked as gone."""
        return {*self._stored_rows(holding, stream).differing(rows)} if rows else set()

    def left_behind(self, holding: Holding, stream: Stream, held: Mapping[str, Collection[str]]) -> dict[int, str]:
        """What is stored for the rows of another stream beside the ids that they hold: as keys, with whose it is."""
        found = self.of_parents(holding, stream, [*held]).values_list("pk", "external_id", "parent")
        behind = {pk: parent for pk, external_id, parent in found if external_id not in held[parent]}
        return self._surely_of(stream, behind)

    def of_parents(self, holding: Holding, stream: Stream, parents: Collection[str]) -> Self:
        """The living rows that belong to those of another stream, as far as their typed columns are filled."""
        return self.living().filter(holding=holding, stream=stream.key, parent__in=parents)

    def _surely_of(self, stream: Stream, parents: Mapping[int, str]) -> dict[int, str]:
        """As the texts say it: typed columns may be filled by older facts."""
        if not parents or stream.sideload is None:
            return {}
        texts = self.filter(pk__in=[*parents]).values_list("pk", "text")
        return {
            pk: parents[pk] for pk, text in texts if str(json.loads(text).get(stream.sideload.column)) == parents[pk]
        }

    def _stored_rows(self, holding: Holding, stream: Stream) -> StoredRows:
        return StoredRows(
            table=self.model._meta.db_table,
            owner=holding.pk,
            stream=stream.key,
            using=self.db,
            typed=tuple(readers(stream.typed)),
        )

    @transaction.atomic(savepoint=False)
    def mark_gone(self, holding: Holding, stream: Stream) -> int:
        """Living rows of one stream of a holding. Returns how many went."""
        now = timezone.now()
        if stream.comes_and_goes:
            # While they can still be told: those that are marked may not be among these any more.
            gone = [*self.values_list("external_id", flat=True)]
            Change.objects.log_gone(holding, stream.key, gone, seen_at=now)
        count = self.update(deleted_at=now)
        RowCount.objects.note(holding, stream.key, -count)
        return count

    @transaction.atomic(savepoint=False)
    def store(
        self, holding: Holding, stream: Stream, rows: Sequence[RowText], *, memory: Memory | None = None
    ) -> Tally:
        """Insert what is new and update what differs; rows that did not change are not written.

        What `memory` asks for goes into the log of changes with them: one is not stored without the other.
        """
        if not rows:
            return Tally()
        there = self._stored_rows(holding, stream)
        before, now = there.differing(rows) if memory else {}, timezone.now()
        written = there.write(rows, now=now)
        if memory and before:
            Change.objects.log_page(holding, stream.key, rows, before=before, memory=memory, seen_at=now)
        RowCount.objects.note(
            holding,
            stream.key,
            written.new,
            changed=written.changed,
            stored=written.added,
            size=written.grown,
            filled_with=stream.typed.version,
        )
        return written


def bitten(sizes: Sequence[tuple[int, int]]) -> Iterator[list[int]]:
    """Keys of rows, with their bytes, as bites."""
    bite: list[int] = []
    room = MOST_BYTES
    for pk, size in sizes:
        room -= size or NOT_COUNTED
        if bite and room < 0:
            yield bite
            bite, room = [], MOST_BYTES - (size or NOT_COUNTED)
        bite.append(pk)
    if bite:
        yield bite


def row_texts(rows: Mapping[str, Row], *, stream: Stream, address: str) -> list[RowText]:
    """Each row as it is stored: the text that came, the account's address taken out, and its typed columns."""
    texts = hide_all([text_of(row) for row in rows.values()], address)
    typed = values_of(rows.values(), texts, stream.typed, address=address)
    found = []
    for external_id, text, values in zip(rows, texts, typed, strict=True):
        encoded = text.encode()
        found.append(RowText(external_id, text, len(encoded), hashlib.sha256(encoded).hexdigest(), values))
    return found


@dataclass(frozen=True)
class ShownRow:
    """What a table shows of a row: the fields that were asked for, with long values cut."""

    external_id: str
    label: str
    deleted_at: datetime | None
    values: Mapping[str, Any]


def short(value: Any) -> Any:
    """The value, or as much of its text as a table has room for."""
    if value is None or isinstance(value, bool | float):
        return value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


BY_EQUALS = ("choice", "parent", "related", "owner")


def index(name: str, *columns: str, **facts: Any) -> models.Index:
    return models.Index(fields=["holding", "stream", *columns, "external_id"], name=f"record_by_{name}", **facts)


class Record(TypedColumns):
    """One row of a stream, kept as the text that came.

    `size` is how many bytes the text has, and 0 as long as nobody has counted them; `size_before` what it was before
    the last write, by which the writer learns how much came. `first_seen_at` begins anew when a row that was gone comes
    back. `walk` is the number of the last walk that looked for what is gone and saw it; `missed_at`: one did not, and
    nothing has confirmed yet that it is gone. One without a `content_hash` is from before texts were kept as they came.
    """

    # Without an index of its own: the constraint's begins with it. And without PostgreSQL's looking it up for each row:
    # whoever stores has the row of the sync's lease, without which no connection parts from its holding.
    holding = models.ForeignKey(Holding, models.CASCADE, related_name="records", db_index=False, db_constraint=False)
    stream = models.CharField(max_length=60)
    external_id = models.CharField(max_length=80)  # Of a nested row that of its parent, too: two UUIDs.
    text = models.TextField()
    size = models.IntegerField(default=0, db_default=0)
    size_before = models.IntegerField(default=0, db_default=0)
    content_hash = models.CharField(max_length=64, blank=True)
    first_seen_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now)
    deleted_at = models.DateTimeField(null=True)
    missed_at = models.DateTimeField(null=True)
    walk = models.BigIntegerField(default=0, db_default=0)

    objects = RecordQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["holding", "stream", "external_id"], name="one_record_of_each_id")
        ]
        indexes = [
            models.Index(F("holding"), F("stream"), Length("external_id"), F("external_id"), name="record_by_id_order"),
            # Each way to look for rows, and each order of them, by the column that it goes by.
            index("name", "search", condition=Q(search__isnull=False)),
            index("moment", "happened_at"),
            index("amount", "amount", condition=Q(amount__isnull=False)),
            *(index(name, name, "happened_at", condition=Q(**{f"{name}__isnull": False})) for name in BY_EQUALS),
            # Of those alone that are gone: by it they are forgotten.
            models.Index(fields=["deleted_at"], condition=Q(deleted_at__isnull=False), name="record_gone"),
        ]

    def __str__(self) -> str:
        return f"{self.stream} {self.external_id}"

    @cached_property
    def data(self) -> Row:
        """The row, with a mark in the place of the account's address."""
        row: Row = json.loads(self.text)
        return row

    def exact(self, *, address: str) -> str:
        """The row's text as the API gave it: one line, without blanks between."""
        return show(self.text, address)

    def shown(self, fields: Collection[str]) -> ShownRow:
        values = {name: short(self.data.get(name)) for name in fields}
        return ShownRow(self.external_id, short(self.label or ""), self.deleted_at, values)

    def whole(self, fields: Collection[str], *, address: str) -> ShownRow:
        """As `shown`, with nothing cut or hidden."""
        row = self.row(address=address)
        label = show(self.label or "", address)
        return ShownRow(self.external_id, label, self.deleted_at, {name: row.get(name) for name in fields})

    def row(self, *, address: str) -> Row:
        """The row exactly as the API gave it."""
        row: Row = json.loads(self.exact(address=address))
        return row
