"""How many living rows each stream of a holding has: kept, because counting many takes longer than a page may."""

from django.db import models
from django.db.models import F
from django.db.models.functions import Greatest

from connections.models.holding import Holding


class RowCountQuerySet(models.QuerySet["RowCount"]):
    def by_stream(self) -> dict[str, int]:
        """Of one holding; without the streams that have none."""
        return dict(self.filter(rows__gt=0).values_list("stream", "rows"))

    def note(self, holding: Holding, stream: str, rows: int) -> None:
        """So many came, or went when it is negative. In the transaction in which they do."""
        mine = self.filter(holding=holding, stream=stream)
        # Whoever deals with rows by hand makes the count wrong, and that must not end syncs.
        if rows and not mine.update(rows=Greatest(F("rows") + rows, 0)):
            self.create(holding=holding, stream=stream, rows=max(rows, 0))


class RowCount(models.Model):
    """Of one stream. Its connection has one sync at a time, so nobody else counts meanwhile."""

    holding = models.ForeignKey(Holding, models.CASCADE, related_name="row_counts")
    stream = models.CharField(max_length=60)
    rows = models.PositiveBigIntegerField(default=0)

    objects = RowCountQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["holding", "stream"], name="one_count_per_stream")]

    def __str__(self) -> str:
        return f"{self.rows} {self.stream}"
