"""Live checks that did not succeed, counted: who may ask without end may guess keys, and fill an account's budget."""

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone

from connections.models.connection import Connection
from connections.models.people import User, Workspace
from sources.errors import SourceError


class NotAsked(SourceError):
    """No call was made, so nothing is known."""

    field = "api_key"


class TooManyTries(NotAsked):
    """There were too many that failed."""

    code = "too_many_tries"

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many tries that failed. Try again in {seconds} seconds.")
        self.seconds = seconds


class TooManyAtOnce(NotAsked):
    """Others are being asked; a moment later there is room."""

    code = "too_many_at_once"


@dataclass(frozen=True)
class Limit:
    most: int
    within: timedelta


def limits() -> dict[str, Limit]:
    """By what is counted: a person, a workspace, an account over all workspaces that have no proven key of it."""
    return {
        "person": Limit(settings.CHECKS_PER_PERSON, timedelta(minutes=10)),
        "workspace": Limit(settings.CHECKS_PER_WORKSPACE, timedelta(hours=1)),
        "account": Limit(settings.CHECKS_PER_ACCOUNT, timedelta(minutes=10)),
    }


LONGEST_COUNTED = timedelta(hours=1)


class CheckTryQuerySet(models.QuerySet["CheckTry"]):
    @transaction.atomic
    def reserve(self, *, person: User, workspace: Workspace, account: str) -> "CheckTry":
        """Count a check before it is made. Raises TooManyTries."""
        User.objects.select_for_update(no_key=True).get(pk=person.pk)  # One after the other, also of twenty at once.
        tries = {
            "person": self.filter(person=person),
            "workspace": self.filter(workspace=workspace),
            "account": self.of_account(account, seen_by=workspace),
        }
        for counted, limit in limits().items():
            tries[counted].require_below(limit)
        return self.create(person=person, workspace=workspace, account=account)

    def of_account(self, account: str, *, seen_by: Workspace) -> Self:
        """A workspace that has proven a key of the account counts for itself, all others count together.

        Strangers who guess keys would otherwise keep those whose account it is from testing theirs.
        """
        proven = Connection.objects.finished().filter(account_fingerprint=account).exclude(person="")
        of_account = self.filter(account=account)
        if proven.filter(workspace=seen_by).exists():
            return of_account.filter(workspace=seen_by)
        return of_account.exclude(workspace__in=proven.values("workspace"))

    def require_below(self, limit: Limit) -> None:
        now = timezone.now()
        recent = [*self.filter(at__gt=now - limit.within).order_by("-at").values_list("at", flat=True)[: limit.most]]
        if len(recent) >= limit.most:
            oldest = recent[-1] if recent else now
            raise TooManyTries(math.ceil((oldest + limit.within - now).total_seconds()))

    def outdated(self) -> Self:
        return self.filter(at__lt=timezone.now() - LONGEST_COUNTED)


class CheckTry(models.Model):
    """One live check that is under way or has failed."""

    person = models.ForeignKey(User, models.CASCADE, related_name="+")
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="+")
    account = models.CharField(max_length=64)
    at = models.DateTimeField(default=timezone.now)

    objects = CheckTryQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["person", "at"], name="tries_of_person"),
            models.Index(fields=["workspace", "at"], name="tries_of_workspace"),
            models.Index(fields=["account", "at"], name="tries_of_account"),
        ]

    def __str__(self) -> str:
        return f"try of {self.person} at {self.at:%H:%M:%S}"
