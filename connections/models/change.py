"""The log of changes that a person may ask about later: of which row, which field, from what to what, and when seen."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import models
from django.utils import timezone

from connections.models.holding import PIECE, Holding
from connections.models.upsert import Before, RowText
from sources.spec import Row

PRESENCE = ""  # The field of a row that comes or goes.
THERE, NOT_THERE = "there", "not there"
NOT_SHOWN = "not shown"  # Before: the row had left the field out.

Difference = tuple[str, str, str]
"""A field, what it held before, and what it holds now."""


@dataclass(frozen=True, kw_only=True)
class Memory:
    """What of a stream's rows goes into the log: changes of these fields, and rows that come."""

    fields: tuple[str, ...] = ()
    comings: bool = False

    def differences(self, before: Before, after: RowText) -> Iterator[Difference]:
        if self.comings and (before.text is None or before.was_gone):
            yield PRESENCE, NOT_THERE, THERE
        if self.fields and before.text is not None:
            yield from self._of_fields(json.loads(before.text), json.loads(after.text))

    def _of_fields(self, before: Row, after: Row) -> Iterator[Difference]:
        """Not of those that are left out now: a row may be shown in part, and nobody knows what they hold."""
        for field in self.fields:
            if field in after:
                was, now = spelled(before[field]) if field in before else NOT_SHOWN, spelled(after[field])
                if was != now:
                    yield field, was, now


def spelled(value: Any) -> str:
    """One text for all the ways in which an API writes the same value; empty for none."""
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return str(int(value))
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return json.dumps(value, ensure_ascii=False, sort_keys=True)


class ChangeQuerySet(models.QuerySet["Change"]):
    def log_page(
        self,
        holding: Holding,
        stream: str,
        rows: Sequence[RowText],
        *,
        before: Mapping[str, Before],
        memory: Memory,
        seen_at: datetime,
    ) -> None:
        """What differs from before. In the transaction that stores the rows."""
        differing = [row for row in rows if row.external_id in before]
        found = ((row, one) for row in differing for one in memory.differences(before[row.external_id], row))
        self.log(holding, stream, ((row.external_id, *difference) for row, difference in found), seen_at=seen_at)

    def log_gone(self, holding: Holding, stream: str, ids: Iterable[str], *, seen_at: datetime) -> None:
        """In the transaction that marks them as gone."""
        self.log(holding, stream, ((one, PRESENCE, THERE, NOT_THERE) for one in ids), seen_at=seen_at)

    def log(
        self, holding: Holding, stream: str, changes: Iterable[tuple[str, str, str, str]], *, seen_at: datetime
    ) -> None:
        """Of each the external id, the field, what it held before and what it holds now."""
        of_all = {"holding": holding, "stream": stream, "seen_at": seen_at}
        rows = [
            self.model(external_id=external_id, field=field, before=before, after=after, **of_all)
            for external_id, field, before, after in changes
        ]
        self.bulk_create(rows, batch_size=PIECE)


class Change(models.Model):
    """One change of a row between two looks at it. Without a field (`PRESENCE`): the row itself came or went."""

    # Without an index of its own: that of a row's changes begins with it.
    holding = models.ForeignKey(Holding, models.CASCADE, related_name="changes", db_index=False)
    stream = models.CharField(max_length=60)
    external_id = models.CharField(max_length=80)
    field = models.CharField(max_length=60, blank=True)
    before = models.TextField(blank=True)
    after = models.TextField(blank=True)
    seen_at = models.DateTimeField(default=timezone.now)

    objects = ChangeQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["holding", "stream", "external_id", "seen_at"], name="changes_of_a_row")]

    def __str__(self) -> str:
        return f"{self.stream} {self.external_id}: {self.field} {self.before} > {self.after}"
