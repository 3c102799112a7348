"""Live checks, counted before they are made: who may ask without end may guess keys, and fill an account's budget."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import models, transaction
from django.db.models import Exists, OuterRef
from django.template.defaultfilters import pluralize
from django.utils import timezone

from connections.models.connection import Connection
from connections.models.people import ADMINISTRATORS, Membership, User, Workspace
from sources.errors import SourceError


class NotAsked(SourceError):
    """No call was made, so nothing is known."""

    field = "api_key"


class TooManyTries(NotAsked):
    """There were too many before."""

    code = "too_many_tries"

    def __init__(self, said: str, *, seconds: int) -> None:
        super().__init__(f"{said} Try again in {seconds} second{pluralize(seconds)}.")
        self.seconds = seconds


class TooManyAtOnce(NotAsked):
    """Others are being asked; a moment later there is room."""

    code = "too_many_at_once"


@dataclass(frozen=True)
class Limit:
    most: int
    within: timedelta
    said: str = "Too many tries that failed."

    def reached_by(self, tries: Iterable[datetime]) -> list[datetime]:
        """The latest of them that count now, as many as the limit allows."""
        start = timezone.now() - self.within
        return sorted((at for at in tries if at > start), reverse=True)[: self.most]

    def require_below(self, tries: Iterable[datetime]) -> None:
        """Raises TooManyTries, with the seconds until one more may be made."""
        counted, now = self.reached_by(tries), timezone.now()
        if len(counted) >= self.most:
            oldest = counted[-1] if counted else now
            raise TooManyTries(self.said, seconds=math.ceil((oldest + self.within - now).total_seconds()))


MINUTES, LONGEST_COUNTED = timedelta(minutes=10), timedelta(hours=1)
ALWAYS_OF_A_WORKSPACE = 3  # Enough to mistype a key twice.


def of_person() -> Limit:
    return Limit(settings.CHECKS_PER_PERSON, MINUTES)


def of_person_in_all() -> Limit:
    """Those that succeed too: each costs the account calls, and us a thread."""
    return Limit(settings.CHECKS_PER_PERSON_IN_ALL, MINUTES, "You have tested very often.")


def of_workspace() -> Limit:
    return Limit(settings.CHECKS_PER_WORKSPACE, LONGEST_COUNTED)


def of_plain_members() -> Limit:
    """Of all members of a workspace together: the rest stays for its owners and admins, who mend what is broken."""
    most = settings.CHECKS_PER_WORKSPACE
    said = "Too many tries that failed. Owners and admins can still test."
    return Limit(min(most, max(1, most * 2 // 3)), LONGEST_COUNTED, said)


def of_account() -> Limit:
    return Limit(settings.CHECKS_PER_ACCOUNT, MINUTES)


def always_of_account() -> Limit:
    """What a workspace may try whatever others have tried: strangers who guess must not keep anybody out."""
    return Limit(min(ALWAYS_OF_A_WORKSPACE, settings.CHECKS_PER_ACCOUNT), MINUTES)


class CheckTryQuerySet(models.QuerySet["CheckTry"]):
    @transaction.atomic
    def reserve(self, *, person: User, workspace: Workspace, account: str) -> "CheckTry":
        """Count a check before it is made. Raises TooManyTries."""
        administers = administers_and_waits(person, workspace)
        self.require_room_of_person(person)
        own = self.require_room_of_workspace(workspace, account, is_plain=not administers)
        self.require_room_of_account(account, workspace=workspace, own=own)
        return self.create(person=person, workspace=workspace, account=account)

    def require_room_of_person(self, person: User) -> None:
        in_all = of_person_in_all()
        recent = self.filter(person=person).latest_within(in_all).values_list("at", "succeeded")
        tries = [*recent[: in_all.most]]
        in_all.require_below(at for at, _ in tries)
        of_person().require_below(at for at, succeeded in tries if not succeeded)

    def require_room_of_workspace(self, workspace: Workspace, account: str, *, is_plain: bool) -> list[datetime]:
        """Returns when this workspace has tried this account."""
        limit = of_workspace()
        recent = self.filter(workspace=workspace, succeeded=False).latest_within(limit)
        by_administrator = Exists(administrators(workspace).filter(user=OuterRef("person")))
        tries = [*recent.values_list("at", "account", by_administrator)[: limit.most]]
        limit.require_below(at for at, _, _ in tries)
        if is_plain:
            of_plain_members().require_below(at for at, _, administers in tries if not administers)
        return [at for at, tried, _ in tries if tried == account]

    def require_room_of_account(self, account: str, *, workspace: Workspace, own: list[datetime]) -> None:
        """A workspace that has proven a key of the account counts for itself, all others count together.

        Strangers who guess keys would otherwise keep those whose account it is from testing theirs.
        """
        always, limit = always_of_account(), of_account()
        if len(always.reached_by(own)) < always.most:
            return
        proven = Connection.objects.finished().filter(account_fingerprint=account).exclude(person="")
        if proven.filter(workspace=workspace).exists():
            return limit.require_below(own)
        strangers = self.filter(account=account, succeeded=False).exclude(workspace__in=proven.values("workspace"))
        limit.require_below(strangers.latest_within(limit).values_list("at", flat=True)[: limit.most])

    def latest_within(self, limit: Limit) -> "CheckTryQuerySet":
        return self.filter(at__gt=timezone.now() - limit.within).order_by("-at")

    def outdated(self) -> "CheckTryQuerySet":
        return self.filter(at__lt=timezone.now() - LONGEST_COUNTED)


def administrators(workspace: Workspace) -> models.QuerySet[Membership]:
    return Membership.objects.filter(workspace=workspace, role__in=ADMINISTRATORS)


def administers_and_waits(person: User, workspace: Workspace) -> bool:
    """One try of a person after the other, also of twenty at once; returns whether they are an owner or admin."""
    locked = User.objects.select_for_update(no_key=True).filter(pk=person.pk)
    administers = Exists(administrators(workspace).filter(user=OuterRef("pk")))
    return bool(locked.values_list(administers, flat=True).get())


class CheckTry(models.Model):
    """One live check: under way or failed, unless it has succeeded."""

    person = models.ForeignKey(User, models.CASCADE, related_name="+")
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="+")
    account = models.CharField(max_length=64)
    at = models.DateTimeField(default=timezone.now)
    succeeded = models.BooleanField(default=False)

    objects = CheckTryQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["person", "at"], name="tries_of_person"),
            models.Index(fields=["workspace", "at"], name="tries_of_workspace"),
            models.Index(fields=["account", "at"], name="tries_of_account"),
        ]

    def __str__(self) -> str:
        return f"try of {self.person} at {self.at:%H:%M:%S}"

    def succeed(self) -> None:
        # Not by saving: the person may have been deleted meanwhile, and the try with them.
        CheckTry.objects.filter(pk=self.pk).update(succeeded=True)
