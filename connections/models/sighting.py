"""What a walk saw of the rows that were stored before it: a scratch table, emptied when the walk is evaluated."""

from collections.abc import Iterable

from django.db import models

from connections.models.sync import StreamRun


class SightingQuerySet(models.QuerySet["Sighting"]):
    def note(self, run: StreamRun, ids: Iterable[str], *, was_there: bool) -> None:
        self.bulk_create(
            [self.model(run=run, external_id=one, was_there=was_there) for one in ids], ignore_conflicts=True
        )


class Sighting(models.Model):
    """A row was on a page, or it was absent from a page that would have held it."""

    # Without an index of its own: the constraint's begins with it.
    run = models.ForeignKey(StreamRun, models.CASCADE, related_name="sightings", db_index=False)
    external_id = models.CharField(max_length=64)
    was_there = models.BooleanField()

    objects = SightingQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "external_id", "was_there"], name="one_sighting_of_each_kind")
        ]

    def __str__(self) -> str:
        return f"{self.external_id} {'seen' if self.was_there else 'missing'}"
