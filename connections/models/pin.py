"""Numbers that people have pinned to their Home, each with a goal, and with what they want to be told of it."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Self

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from connections.models.connection import Connection
from connections.models.connection_query import ConnectionQuerySet
from connections.models.number import NumberState
from connections.models.people import Membership, User

JUDGED_AGAIN_AFTER = timedelta(hours=1)  # Days go by without any sync, too.
DAYS = 30
MOST_PINS = 24  # Of one person in a workspace: Home shows no more.


class Alert(models.TextChoices):
    NONE = "", "Nothing"
    ABOVE = "above", "It is above"
    BELOW = "below", "It is below"
    NOTHING_NEW = "nothing_new", "Nothing new for some days"


class PinQuerySet(models.QuerySet["Pin"]):
    def put(self, user: User, connection: Connection, which: Mapping[str, str]) -> "Pin":
        """Pin it, unless it is: of `which` number, currency and group."""
        return self.get_or_create(defaults={}, user=user, connection=connection, **which)[0]

    def visible_to(self, user: User, at: Membership) -> Self:
        """Mine, of the connections that I may use in this workspace now."""
        return self.filter(user=user, connection__in=visible(user, at)).select_related("connection__workspace")

    def to_judge(self) -> Self:
        """Those that were counted anew since they were judged last, or for which time has gone by."""
        states = NumberState.objects.filter(holding=OuterRef("connection__holding"))
        is_counted = Exists(states.filter(counted_at__gte=OuterRef("judged_at")))
        is_due = Q(judged_at=None) | is_counted | Q(judged_at__lt=timezone.now() - JUDGED_AGAIN_AFTER)
        return self.filter(is_due).exclude(alert=Alert.NONE).select_related("connection__workspace", "user")


def visible(user: User, at: Membership | None = None) -> ConnectionQuerySet:
    return Connection.objects.visible_to(user, at)


class Pin(models.Model):
    """One number of a connection, for one person; of one currency where it has several, of one group where chosen.

    `goal` and `bound` are in the number's own unit as people write it: units of money, per cent of a share. A number
    that happens on days is told of over the last `days`. `met_since` is from when on what is to be told is true, and
    set when it was told.
    """

    user = models.ForeignKey(User, models.CASCADE, related_name="pins")
    connection = models.ForeignKey(Connection, models.CASCADE, related_name="pins")
    number = models.CharField(max_length=60)
    currency = models.CharField(max_length=10, blank=True)
    by = models.CharField(max_length=30, blank=True)
    group = models.CharField(max_length=64, blank=True)
    pinned_at = models.DateTimeField(default=timezone.now, editable=False)
    goal = models.DecimalField(max_digits=18, decimal_places=2, null=True, blank=True)
    alert = models.CharField(max_length=12, choices=Alert, default=Alert.NONE, blank=True)
    bound = models.DecimalField(max_digits=18, decimal_places=2, null=True, blank=True)
    days = models.PositiveSmallIntegerField(default=DAYS)
    met_since = models.DateTimeField(null=True, editable=False)
    judged_at = models.DateTimeField(null=True, editable=False)

    objects = PinQuerySet.as_manager()

    class Meta:
        ordering = ["pinned_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "connection", "number", "currency", "by", "group"], name="one_pin_of_a_number"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} of {self.connection}"

    def want(self, *, goal: Decimal | None, alert: str, bound: Decimal | None, days: int) -> None:
        """What is to be told from now on; it is judged anew."""
        self.goal, self.alert, self.bound, self.days = goal, alert, bound, days
        self.met_since = self.judged_at = None
        self.save()

    def note_judged(self) -> None:
        """Nobody can say."""
        Pin.objects.filter(pk=self.pk).update(judged_at=timezone.now())

    def judge(self, *, is_met: bool) -> bool:
        """Note whether what is to be told is true now. Returns whether that has changed."""
        now = timezone.now()
        has_changed = is_met != (self.met_since is not None)
        met_since = (now if is_met else None) if has_changed else self.met_since
        # What another worker has told meanwhile, or its person changed, is not told again.
        mine = Pin.objects.filter(pk=self.pk, met_since=self.met_since, alert=self.alert)
        is_first = bool(mine.update(met_since=met_since, judged_at=now))
        self.met_since, self.judged_at = met_since, now
        return has_changed and is_first
