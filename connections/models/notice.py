"""Notices: what people are told about a connection by e-mail. A row is one fact for one reader; workers send them."""

import uuid
from datetime import timedelta
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef
from django.utils import timezone

from connections.models.connection import Connection
from connections.models.people import User

TRIED_FOR = timedelta(days=1)
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=15), timedelta(minutes=15)  # Doubled with each try.
# A mail server that was given it and fell silent may have kept it. It is given it once more, and then no more.
MOST_HANDED_OVER = 2
ANSWERS_WITHIN = timedelta(minutes=5)  # A few steps, each of at most a minute.
KEPT_FOR = timedelta(days=30)
LONGEST_PLACE = 100


class NoticeState(models.TextChoices):
    WAITING = "waiting", "Waiting"
    SENT = "sent", "Sent"
    OVER = "over", "No longer true, or not this person's any more"
    GIVEN_UP = "given_up", "Given up"


class NoticeQuerySet(models.QuerySet["Notice"]):
    def waiting(self) -> Self:
        return self.filter(state=NoticeState.WAITING)

    def in_turn(self) -> Self:
        """The next of each: every reader is told what happened to a connection in the order in which it did."""
        same = {"connection": OuterRef("connection"), "reader": OuterRef("reader"), "pk__lt": OuterRef("pk")}
        return self.waiting().filter(~Exists(Notice.objects.waiting().filter(**same))).order_by("try_after", "pk")

    def due(self) -> Self:
        """To be tried now."""
        return self.in_turn().filter(try_after__lte=timezone.now())

    def claim(self) -> "Notice | None":
        """Take one that is due for this worker, or None. At most one worker gets each."""
        while notice := self.due().select_related("connection__workspace", "reader").first():
            if notice.take():
                return notice
        return None

    def outdated(self) -> Self:
        return self.exclude(state=NoticeState.WAITING).filter(written_at__lt=timezone.now() - KEPT_FOR)


class Notice(models.Model):
    """Written in the transaction that makes the fact true, and worded when it is sent.

    `tries` rises with each claim; a worker writes only while its own number is the row's. `try_after` is when it is due
    again: after a failure, or after a worker that was killed while it was at it. `handed_over` counts how often a mail
    server was given it without saying that it did not take it; it is raised before, so that whoever is killed in
    between is not believed to have sent nothing.
    """

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="notices")
    reader = models.ForeignKey(User, models.CASCADE, related_name="+")
    mark = models.UUIDField(default=uuid.uuid4, unique=True)
    what = models.CharField(max_length=100)
    template = models.CharField(max_length=100)
    place = models.CharField(max_length=LONGEST_PLACE, blank=True)
    more: "models.JSONField[dict[str, str], dict[str, str]]" = models.JSONField(default=dict)
    written_at = models.DateTimeField(default=timezone.now)
    state = models.CharField(max_length=10, choices=NoticeState, default=NoticeState.WAITING)
    tries = models.PositiveIntegerField(default=0)
    handed_over = models.PositiveIntegerField("given to the mail server", default=0)
    try_after = models.DateTimeField(default=timezone.now)
    trouble = models.CharField(max_length=100, blank=True)
    ended_at = models.DateTimeField(null=True)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["try_after"], condition=models.Q(state="waiting"), name="notice_waiting"),
        ]

    def __str__(self) -> str:
        return f"notice {self.pk}: {self.what}"

    @property
    def may_have_come_twice(self) -> bool:
        return self.handed_over >= MOST_HANDED_OVER

    @property
    def is_over_age(self) -> bool:
        return timezone.now() - self.written_at > TRIED_FOR

    # Its life, in order -----------------------------------------------------------------------------------------

    def take(self) -> bool:
        """Returns whether it is this worker's now."""
        lease = max(timedelta(seconds=settings.SYNC_LEASE_SECONDS), pause_after(self.tries))
        if not self._change(tries=F("tries") + 1, try_after=timezone.now() + lease):
            return False
        self.tries += 1
        return True

    def hand_over(self) -> bool:
        """A mail server is given it now. Returns False when it must not be: another worker has it, or it is gone."""
        self.handed_over += 1
        return self._change(handed_over=self.handed_over, try_after=timezone.now() + ANSWERS_WITHIN)

    def was_not_taken(self) -> None:
        """The mail server said so."""
        self.handed_over -= 1

    def put_off(self, trouble: str) -> bool:
        """Try again later, for a day. Returns whether there is a later."""
        self.trouble = trouble[:100]
        if self.is_over_age or self.may_have_come_twice:
            self.end(NoticeState.GIVEN_UP)
            return False
        self._change(
            try_after=timezone.now() + pause_after(self.tries), handed_over=self.handed_over, trouble=self.trouble
        )
        return True

    def end(self, state: NoticeState) -> None:
        self._change(state=state, ended_at=timezone.now(), handed_over=self.handed_over, trouble=self.trouble)

    def _change(self, **changes: Any) -> bool:
        mine = Notice.objects.waiting().filter(pk=self.pk, tries=self.tries)
        return bool(mine.update(**changes))


def pause_after(tries: int) -> timedelta:
    return min(FIRST_PAUSE * 2 ** min(tries, 10), LONGEST_PAUSE)
