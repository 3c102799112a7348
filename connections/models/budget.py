"""What is known of each account that is called: one row an account, shared by every process and machine."""

from datetime import UTC, datetime, timedelta

from django.db import models
from django.db.models import F, FloatField, Func
from django.utils import timezone

from connections.models.pacing import Pacing, Sent


class Clock(Func):
    """Seconds since 1970 by the database's clock, which machines whose own clocks differ share."""

    output_field = FloatField()
    arity = 0

    def as_sqlite(self, compiler, connection, **context):
        # SQLite 3.40 knows no unixepoch('subsec').
        return self.as_sql(compiler, connection, template="((julianday('now') - 2440587.5) * 86400.0)", **context)

    def as_postgresql(self, compiler, connection, **context):
        # now() stands still within a transaction.
        return self.as_sql(compiler, connection, template="extract(epoch from clock_timestamp())::float8", **context)


class AccountBudget(models.Model):
    """How an account stands; what the columns mean is told by `Pacing`.

    `version` rises with each change: who changes it names the one that was read. `calls` are those of `minute`.
    `answers_take` seconds on average until they begin, the last fifty that one process heard.
    """

    account = models.CharField(max_length=64, primary_key=True)
    version = models.PositiveBigIntegerField(default=0)
    tat = models.FloatField(default=0.0)
    ease = models.FloatField(default=1.0)
    settled = models.FloatField(default=1.0)
    paused_until = models.FloatField(default=0.0)
    sent = models.JSONField(default=list)
    served_person = models.BooleanField(default=False)
    refusals = models.PositiveBigIntegerField(default=0)
    refused_at = models.DateTimeField(null=True)
    minute = models.DateTimeField(null=True)
    calls = models.PositiveIntegerField(default=0)
    answers_take = models.FloatField(default=0.0)

    def __str__(self) -> str:
        return f"budget {self.account[:8]}"

    @property
    def is_slowed(self) -> bool:
        return self.ease < 1.0

    @property
    def resumes_at(self) -> datetime | None:
        """Until when the account asked not to be called, if that is still ahead."""
        until = datetime.fromtimestamp(self.paused_until, tz=UTC)
        return until if until > timezone.now() else None

    def calls_in_last_hour(self) -> int:
        return sum(self.calls_by_minute(since=timezone.now() - timedelta(hours=1)).values())

    def calls_by_minute(self, *, since: datetime) -> dict[datetime, int]:
        counted = dict(self.minutes.filter(minute__gt=since).values_list("minute", "calls"))
        if self.minute and self.minute > since:
            counted[self.minute] = counted.get(self.minute, 0) + self.calls
        return counted

    def pacing(self, *, rate: float) -> Pacing:
        return Pacing(
            rate=rate,
            tat=self.tat,
            ease=self.ease,
            settled=self.settled,
            paused_until=self.paused_until,
            sent=tuple(Sent(moment=moment, late=late) for moment, late in self.sent),
        )

    def keep_minute(self) -> None:
        """The row is about to count another minute."""
        if self.minute is not None:
            row, _ = CallMinute.objects.get_or_create(budget=self, minute=self.minute)
            CallMinute.objects.filter(pk=row.pk).update(calls=F("calls") + self.calls)


class CallMinute(models.Model):
    """How many calls an account received in a minute that is over: what a page shows as spent."""

    budget = models.ForeignKey(AccountBudget, models.CASCADE, related_name="minutes")
    minute = models.DateTimeField()
    calls = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["budget", "minute"], name="one_row_per_minute")]

    def __str__(self) -> str:
        return f"{self.calls} calls"
