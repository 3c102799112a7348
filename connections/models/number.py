"""What a holding's rows come to by days, how far that is known, and what the account says of it."""

import uuid
from datetime import timedelta

from django.db import models
from django.db.models import Q
from django.utils import timezone

from connections.models.holding import Holding

TAKEN_FOR = timedelta(minutes=10)  # Longer than any recount takes; whoever was killed at one has lost it after that.


class Figured(models.TextChoices):
    """What a value is. The first four are as the rows say now, and are counted anew when rows change."""

    DAY = "day", "Of a day"
    UNDATED = "undated", "Of no day"
    ALL = "all", "Of all rows"
    ONE = "one", "Of one row, on a day"  # Of which a median is made.
    SEEN = "seen", "As it was seen that day"  # Stays as it is, whoever is erased.


class NumberDay(models.Model):
    """A number's value. `day` ends at midnight in the zone of its `NumberState`; None for what is of no day.

    `by` is the field by which it is one `group`; both are empty for the whole (`until`: no row behind the day that is
    the group). Money is in the smallest parts of its
    `currency`, what a median is made of in seconds.
    """

    # Without an index of its own: the constraint's begins with it.
    holding = models.ForeignKey(Holding, models.CASCADE, related_name="number_days", db_index=False)
    number = models.CharField(max_length=40)
    kind = models.CharField(max_length=8, choices=Figured)
    by = models.CharField(max_length=60, blank=True)
    day = models.DateField(null=True)
    group = models.CharField(max_length=64, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    value = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["holding", "number", "kind", "by", "day", "group", "currency"], name="one_value_of_a_day"
            ),
            models.UniqueConstraint(
                fields=["holding", "number", "kind", "by", "group", "currency"],
                condition=Q(day=None),
                name="one_value_of_no_day",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.by}{self.group} {self.day}: {self.value}{self.currency}"


class NumberStateQuerySet(models.QuerySet["NumberState"]):
    def take(self, holding: uuid.UUID, stream: str) -> "NumberState | None":
        """For this process alone, for a while; None where another is at it."""
        state, _ = self.get_or_create(holding_id=holding, stream=stream)
        now = timezone.now()
        free = self.filter(Q(taken_until=None) | Q(taken_until__lt=now), pk=state.pk)
        return self.get(pk=state.pk) if free.update(taken_until=now + TAKEN_FOR) else None


class NumberState(models.Model):
    """How far the numbers of one stream are known.

    They were counted when the stream's rows had this `edition` (`RowCount`), by definitions of that `version`, with
    days that end at midnight in `zone`, and were last looked at with rows complete `through` that moment. `seen_since`
    is the first day that the log of changes has whole, `changes_to` the last change that is counted.
    """

    holding = models.ForeignKey(Holding, models.CASCADE, related_name="number_states")
    stream = models.CharField(max_length=60)
    edition = models.BigIntegerField(default=-1)
    version = models.CharField(max_length=64, blank=True)
    zone = models.CharField(max_length=64, blank=True)
    through = models.DateTimeField(null=True)
    counted_at = models.DateTimeField(null=True)
    seen_since = models.DateField(null=True)
    changes_to = models.BigIntegerField(default=0)
    taken_until = models.DateTimeField(null=True)

    objects = NumberStateQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["holding", "stream"], name="one_number_state_per_stream")]

    def __str__(self) -> str:
        return f"numbers of {self.stream}, through {self.through}"


class FigureProof(models.Model):
    """What the account said a number is, of all its rows, and what ours said at that moment."""

    holding = models.ForeignKey(Holding, models.CASCADE, related_name="figure_proofs")
    number = models.CharField(max_length=40)
    by = models.CharField(max_length=60, blank=True)
    group = models.CharField(max_length=64, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    says = models.BigIntegerField()
    ours = models.BigIntegerField()
    checked_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["holding", "number", "by", "group", "currency"], name="one_proof_of_a_figure"
            )
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.group}: {self.says}, ours {self.ours}"
