"""Rows that a whole read did not find, of which nothing proves that they are gone: a person decides."""

from typing import Self

from django.db import models, transaction
from django.db.models import F
from django.utils import timezone

from connections.models.holding import PIECE, Holding
from connections.models.record import Record
from sources.spec import Stream


class MissingRowsQuerySet(models.QuerySet["MissingRows"]):
    def to_decide(self) -> Self:
        return self.exclude(missing__lte=F("kept")).order_by("stream")

    def note(self, holding: Holding, stream: str, *, missing: int, held: int, person: str) -> None:
        """Asked again when more are missing than somebody wanted to keep."""
        facts = {"missing": missing, "held": held, "person": person, "noted_at": timezone.now()}
        self.update_or_create(holding=holding, stream=stream, defaults=facts)


class MissingRows(models.Model):
    """Of one stream; the rows themselves have a `missed_at`. `person` is whose key did not find them."""

    holding = models.ForeignKey(Holding, models.CASCADE, related_name="missing_rows")
    stream = models.CharField(max_length=60)
    missing = models.PositiveBigIntegerField()
    held = models.PositiveBigIntegerField()
    person = models.CharField(max_length=200, blank=True)
    noted_at = models.DateTimeField(default=timezone.now)
    kept = models.PositiveBigIntegerField(default=0)

    objects = MissingRowsQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["holding", "stream"], name="one_doubt_per_stream")]

    def __str__(self) -> str:
        return f"{self.missing} of {self.held} {self.stream}"

    # What is decided --------------------------------------------------------------------------------------------

    def mark_gone(self, stream: Stream) -> int:
        """Returns how many rows were still living. When it is stopped half-way, the question stands."""
        marked = 0
        while gone := self._mark_piece(stream):
            marked += gone
        return marked

    @transaction.atomic
    def _mark_piece(self, stream: Stream) -> int:
        if not type(self).objects.select_for_update().filter(pk=self.pk).first():
            return 0  # Somebody else has decided, and was quicker.
        missed = Record.objects.filter(holding=self.holding, stream=self.stream).living().exclude(missed_at=None)
        piece = [*missed.values_list("pk", flat=True)[:PIECE]]
        if len(piece) < PIECE:
            type(self).objects.filter(pk=self.pk).delete()
        return Record.objects.filter(pk__in=piece).mark_gone(self.holding, stream)

    def keep(self) -> None:
        """Nobody is asked again before more are missing."""
        self.kept = self.missing
        self.save(update_fields=["kept"])
