"""Sign-ins: who came in or tried to, from where and with what. Rows are added, never changed."""

from datetime import timedelta
from typing import Any, NoReturn

from django.db import models
from django.utils import timezone

from connections.models.people import User

KEPT_FOR = timedelta(days=180)
KNOWN_FOR = timedelta(days=90)
MOST_FAILURES = 500  # Of one person between two sign-ins; who tries more often shall not fill the table.
NOBODY_COUNTS_FOR = timedelta(days=1)  # Nobody ever signs in: counted for longer, a flood would hide the next ones.


class Outcome(models.TextChoices):
    SIGNED_IN = "signed_in", "Signed in"
    WRONG_PASSWORD = "wrong_password", "Wrong password"
    WRONG_CODE = "wrong_code", "Right password, wrong code"


class SignInQuerySet(models.QuerySet["SignIn"]):
    def note(
        self, outcome: Outcome, *, person: User | None, client: str, browser: str, used_code: bool = False
    ) -> None:
        """Nobody, where an address is no person's: that takes as long, and staff see who tries many."""
        failures = self.failures_since_last(person)
        if outcome == Outcome.SIGNED_IN or failures < MOST_FAILURES:
            self.create(
                person=person,
                outcome=outcome,
                client=client or None,
                browser=browser,
                used_code=used_code,
                failures_before=failures,
            )

    def failures_since_last(self, person: User | None) -> int:
        if person is None:
            return self.failures_of_nobody()
        theirs = self.filter(person=person)
        last = theirs.filter(outcome=Outcome.SIGNED_IN).order_by("-pk").values_list("pk", flat=True).first()
        since = theirs.filter(pk__gt=last or 0, at__gt=timezone.now() - KEPT_FOR)
        return since.exclude(outcome=Outcome.SIGNED_IN)[:MOST_FAILURES].count()

    def failures_of_nobody(self) -> int:
        # The newest alone: there may be as many on each of the days that they are kept.
        newest = self.filter(person=None).order_by("-pk").values_list("at", flat=True)[:MOST_FAILURES]
        since = timezone.now() - NOBODY_COUNTS_FOR
        return sum(at > since for at in newest)

    def usual_clients(self, person: User) -> set[str]:
        """From where they came in lately."""
        lately = self.filter(person=person, outcome=Outcome.SIGNED_IN, at__gt=timezone.now() - KNOWN_FOR)
        return {client for client in lately.values_list("client", flat=True).distinct() if client}

    def outdated(self) -> "SignInQuerySet":
        return self.filter(at__lt=timezone.now() - KEPT_FOR)


class SignIn(models.Model):
    person = models.ForeignKey(User, models.CASCADE, null=True, related_name="sign_ins")
    at = models.DateTimeField(default=timezone.now)
    outcome = models.CharField(max_length=20, choices=Outcome)
    client = models.GenericIPAddressField("from", null=True)
    browser = models.CharField("with", max_length=60, blank=True)
    used_code = models.BooleanField("two steps", default=False)
    failures_before = models.PositiveIntegerField("failed tries before", default=0)

    objects = SignInQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["person", "-id"], name="sign_ins_newest")]

    def __str__(self) -> str:
        return f"{self.get_outcome_display()} from {self.client or 'nowhere'}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("Sign-ins are only added to.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError("Sign-ins are only added to.")

    @property
    def is_success(self) -> bool:
        return self.outcome == Outcome.SIGNED_IN
