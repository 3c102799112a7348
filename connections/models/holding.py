"""What is held of one account: its rows, their counts, and how far they are known."""

import uuid
from datetime import timedelta
from typing import Any, Self

from django.db import models
from django.utils import timezone

from connections.models.sealed_address import SealedAddress

TIME_TO_CHANGE_ONES_MIND = timedelta(days=7)
PIECE = 2000  # Rows that are written together. Some hundredths of a second, in which a SQLite lets nobody else write.


class HoldingQuerySet(models.QuerySet["Holding"]):
    def to_take_back(self) -> Self:
        return self.filter(connection=None, erase_at__gt=timezone.now()).order_by("-parted_at")

    def to_be_cleared(self) -> Self:
        return self.exclude(clearing=[])

    def to_be_erased(self) -> Self:
        """No connection points to them any more, and nobody may take them back."""
        return self.filter(connection=None).exclude(erase_at__gt=timezone.now())


class Holding(SealedAddress):
    """Rows belong to it, and a connection points to it: another account, or none, is one change of that pointer.

    `parted_from` is the connection that showed it last and may take it back until `erase_at`. Then, and when its
    connection is gone, it is erased in pieces. So are the streams that it is `clearing`, which nobody sees any more and
    which are not pulled meanwhile. `api_url` is sealed, and kept of one that was parted from alone.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    parted_from = models.ForeignKey(
        "connections.Connection", models.SET_NULL, null=True, related_name="former_holdings", editable=False
    )
    parted_at = models.DateTimeField(null=True, editable=False)
    erase_at = models.DateTimeField(null=True, editable=False, db_index=True)
    clearing: "models.JSONField[list[str], list[str]]" = models.JSONField(default=list, editable=False)

    objects = HoldingQuerySet.as_manager()

    def __str__(self) -> str:
        return f"what is held since {self.created_at:%-d %B %Y}"

    def sealing_context(self, field: str, *more: str) -> tuple[str, ...]:
        return ("holding", str(self.pk), field, *more)

    @property
    def rows(self) -> int:
        return sum(self.row_counts.by_stream().values())

    # Its life, in order -----------------------------------------------------------------------------------------

    def part(self, connection: Any) -> None:
        """Nobody sees it any more, and it may be taken back for a while. Before the connection has another address."""
        self.keep_address(connection.address())
        self.parted_from, self.parted_at = connection, timezone.now()
        self.erase_at = self.parted_at + TIME_TO_CHANGE_ONES_MIND
        self.save()

    def come_back(self) -> None:
        self.parted_from = self.parted_at = self.erase_at = None
        self.api_url = ""
        self.save()

    def give_up(self) -> None:
        """Nobody may take it back any more."""
        self.erase_at = timezone.now()
        self.save(update_fields=["erase_at"])

    def begin_to_clear(self, stream: str) -> None:
        self.clearing = sorted({*self.clearing, stream})
        self.save(update_fields=["clearing"])

    def has_cleared(self, stream: str) -> None:
        self.clearing = [one for one in self.clearing if one != stream]
        self.save(update_fields=["clearing"])

    # Its seal ---------------------------------------------------------------------------------------------------

    def open_all(self) -> None:
        """Raises Unsealable."""
        if self.api_url:
            self.address()

    def seal_anew(self) -> None:
        """Under the newest key; the caller saves. Raises Unsealable."""
        if self.api_url:
            self.keep_address(self.address())


class HoldsRows(models.Model):
    """The pointer of a connection to what it holds."""

    holding = models.OneToOneField(Holding, models.RESTRICT, related_name="connection", editable=False)

    class Meta:
        abstract = True

    @property
    def records(self) -> Any:
        records = self.holding.records.all()
        return records.exclude(stream__in=self.holding.clearing) if self.holding.clearing else records

    @property
    def row_counts(self) -> Any:
        return self.holding.row_counts

    def part_from_rows(self) -> None:
        """Hide what is held, for a while: from the moment that the caller saves this row, it holds nothing.

        Before another address is stored.
        """
        self.holding.part(self)
        self.holding = Holding.objects.create()
