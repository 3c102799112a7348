"""The pulled rows, each as the API gave it."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Length
from django.utils import timezone

from connections.models.connection import Connection
from connections.models.hidden_address import hide, show
from connections.models.row_count import RowCount
from connections.models.upsert import Known, RowText, StoredRows
from sources.spec import Row, Stream, text_of


@dataclass(frozen=True)
class Stored:
    """What storing a page came to."""

    new: int
    changed: int


class RecordQuerySet(models.QuerySet["Record"]):
    def living(self) -> Self:
        return self.filter(deleted_at=None)

    def in_id_order(self) -> Self:
        """Ids are texts, mostly of digits: the shorter is the smaller number."""
        return self.order_by(Length("external_id"), "external_id")

    def newest_first(self) -> Self:
        return self.order_by(Length("external_id").desc(), "-external_id")

    def newest_of(self, stream: Stream, count: int) -> "list[list[tuple[str, Any]]]":
        """The newest rows' telling columns."""
        records = self.living().filter(stream=stream.key).newest_first()[:count]
        return [record.cells(stream) for record in records]

    def with_id_between(self, low: int, high: int | None) -> Self:
        """Above `low`, and up to `high` if there is one; for ids that are numbers."""
        least = str(low)
        found = self.alias(digits=Length("external_id")).filter(digits__gte=len(least))
        found = found.filter(Q(digits__gt=len(least)) | Q(external_id__gt=least))
        if high is None:
            return found
        most = str(high)
        return found.filter(digits__lte=len(most)).filter(Q(digits__lt=len(most)) | Q(external_id__lte=most))

    def store_page(self, connection: Connection, stream: Stream, rows: Mapping[str, Row], *, address: str) -> Stored:
        return self.store(connection, stream, row_texts(rows, address=address))

    def store(self, connection: Connection, stream: Stream, rows: Sequence[RowText]) -> Stored:
        """Insert what is new and update what differs; rows that did not change are not written."""
        if not rows:
            return Stored(new=0, changed=0)
        there = StoredRows(table=self.model._meta.db_table, owner=connection.pk, stream=stream.key, using=self.db)
        known = there.known([row.external_id for row in rows])
        missed = [row.external_id for row in known.values() if row.is_missed]
        if missed:
            self.filter(connection=connection, stream=stream.key, external_id__in=missed).update(missed_at=None)
        different = [row for row in rows if not is_same(row, known.get(row.external_id))]
        if different:
            there.write(different, now=timezone.now())
        changed = sum(row.external_id in known for row in different)
        new = len(different) - changed
        RowCount.objects.note(connection, stream.key, new)
        return Stored(new=new, changed=changed)


def is_same(row: RowText, known: Known | None) -> bool:
    return known is not None and row.content_hash == known.content_hash


def row_texts(rows: Mapping[str, Row], *, address: str) -> list[RowText]:
    return [row_text(external_id, row, address=address) for external_id, row in rows.items()]


def row_text(external_id: str, row: Row, *, address: str) -> RowText:
    """The row as it is stored: the text that came, the account's address taken out."""
    text = hide(text_of(row), address)
    return RowText(external_id, text, hashlib.sha256(text.encode()).hexdigest())


class Record(models.Model):
    """One row of a stream. `missed_at`: a whole walk did not see it, and nothing has confirmed yet that it is gone."""

    # Without an index of its own: the constraint's begins with it.
    connection = models.ForeignKey(Connection, models.CASCADE, related_name="records", db_index=False)
    stream = models.CharField(max_length=60)
    external_id = models.CharField(max_length=64)
    data = models.JSONField()
    content_hash = models.CharField(max_length=64)
    first_seen_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now)
    deleted_at = models.DateTimeField(null=True)
    missed_at = models.DateTimeField(null=True)

    objects = RecordQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "stream", "external_id"], name="one_record_per_external_id")
        ]
        indexes = [
            models.Index(
                F("connection"), F("stream"), Length("external_id"), F("external_id"), name="record_in_id_order"
            )
        ]

    def __str__(self) -> str:
        return f"{self.stream} {self.external_id}"

    def cells(self, stream: Stream) -> list[tuple[str, Any]]:
        return [(column, self.data.get(column)) for column in stream.columns]

    def row(self, *, address: str) -> Row:
        """The row exactly as the API gave it."""
        row: Row = json.loads(show(text_of(self.data), address))
        return row
