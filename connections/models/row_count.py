"""How many rows each stream of a holding has, and their room: kept, because counting takes longer than a page may."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Greatest

from connections.models.holding import Holding

STIRRED = {"edition": F("edition") + 1, "is_stirred": True}


class RowCountQuerySet(models.QuerySet["RowCount"]):
    def by_stream(self) -> dict[str, int]:
        """The living rows of one holding; without the streams that have none."""
        return dict(self.filter(rows__gt=0).values_list("stream", "rows"))

    def bytes_by_stream(self) -> dict[str, int]:
        """Of one holding; without the streams that take no room."""
        return dict(self.filter(bytes__gt=0).values_list("stream", "bytes"))

    def unsized(self) -> models.QuerySet["RowCount"]:
        return self.exclude(sized_to=None)

    def rule_anew(self) -> int:
        """What is left out or hashed of these has changed: a worker writes their rows anew."""
        return self.update(ruled_to="")

    def note(
        self,
        holding: Holding,
        stream: str,
        rows: int,
        *,
        changed: int = 0,
        stored: int = 0,
        size: int = 0,
        filled_with: int = 0,
    ) -> None:
        """So many came, or went when it is negative, and so many changed. In the transaction in which they do.

        `rows` are those that live, `stored` those that take room, and `size` is that room in bytes. `filled_with` is
        the version of the facts by which the rows that came are filled.
        """
        if not (rows or changed or stored or size):
            return
        came = {"rows": rows, "stored": stored, "bytes": size}
        # Whoever deals with rows by hand makes the count wrong, and that must not end syncs.
        changes = {field: Greatest(F(field) + more, 0) for field, more in came.items()} | STIRRED
        if not self.filter(holding=holding, stream=stream).update(**changes):
            first = {field: max(more, 0) for field, more in came.items()}
            self.create(holding=holding, stream=stream, filled_with=filled_with, **first)

    def stir(self, holding: Holding, stream: str) -> None:
        """It was read to its end, or is to be counted anew."""
        if not self.filter(holding=holding, stream=stream).update(is_stirred=True):
            self.create(holding=holding, stream=stream)


class RowCount(models.Model):
    """Of one stream. Its connection has one sync at a time, so nobody else counts meanwhile.

    `rows` live; `stored` and `bytes` are also of those that are gone from the account, which take room as well.
    `sized_to`: of the rows from before their sizes were kept, those up to this id are counted; None when all are.
    `ruled_to`: what is left out or hashed has changed, and those up to this id are written anew by it; None when all
    are.
    `edition` rises with whatever becomes of the rows. `is_stirred`: its numbers may be others than those that are kept.
    `filled_with` is the version of the stream's facts by which the typed columns of its rows are filled: of those up to
    the id `filled_to`, and of all when that is None. Rows that come are filled as they are written.
    """

    holding = models.ForeignKey(Holding, models.CASCADE, related_name="row_counts")
    stream = models.CharField(max_length=60)
    rows = models.PositiveBigIntegerField(default=0)
    stored = models.PositiveBigIntegerField(default=0)
    bytes = models.PositiveBigIntegerField(default=0)
    edition = models.BigIntegerField(default=0, db_default=0)
    is_stirred = models.BooleanField(default=True, db_default=True)
    sized_to = models.CharField(max_length=80, null=True)  # noqa: DJ001  An empty one is before all ids.
    filled_with = models.IntegerField(default=0, db_default=0)
    ruled_to = models.CharField(max_length=80, null=True)  # noqa: DJ001  The same.
    filled_to = models.CharField(max_length=80, null=True)  # noqa: DJ001  The same.

    objects = RowCountQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["holding", "stream"], name="one_count_per_stream")]
        indexes = [
            models.Index(fields=["id"], condition=Q(sized_to__isnull=False), name="row_count_unsized"),
            models.Index(fields=["id"], condition=Q(ruled_to__isnull=False), name="row_count_unruled"),
            models.Index(fields=["id"], condition=Q(is_stirred=True), name="row_count_stirred"),
        ]

    def __str__(self) -> str:
        return f"{self.rows} {self.stream}"
