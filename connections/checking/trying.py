"""Counts the live checks that people start, so that nobody guesses keys or fills an account's budget through us."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings

from connections.models import Connection, User, Workspace
from connections.models.check_try import CheckTry, TooManyAtOnce

PLACES_OF_A_WORKSPACE = 2  # A colleague is not kept waiting, and other workspaces have the rest.


@dataclass(frozen=True)
class Holder:
    """Who makes a check, for which workspace; of a stored connection, that one."""

    person: int
    workspace: int
    connection: UUID | None = None


class Places:
    """The checks that this process makes at once: each holds a thread, for many seconds when an account is slow."""

    def __init__(self) -> None:
        self.taken: list[Holder] = []
        self.lock = threading.Lock()

    @contextmanager
    def one(self, holder: Holder) -> Iterator[None]:
        """Raises TooManyAtOnce at once: who waited for a place would hold a thread, too."""
        with self.lock:
            if refusal := self.refusal_of(holder):
                raise TooManyAtOnce(f"{refusal} at this moment. Try again in a few seconds.")
            self.taken.append(holder)
        try:
            yield
        finally:
            with self.lock:
                self.taken.remove(holder)

    def refusal_of(self, holder: Holder) -> str:
        """The nearest reason first; empty when there is a place."""
        if holder.connection and any(other.connection == holder.connection for other in self.taken):
            return "This connection is being tested"
        if any(other.person == holder.person for other in self.taken):
            return "You are testing another key"
        if sum(other.workspace == holder.workspace for other in self.taken) >= PLACES_OF_A_WORKSPACE:
            return "Two keys are being tested in this workspace"
        return "Many keys are being tested" if len(self.taken) >= settings.CHECKS_AT_ONCE else ""


places = Places()


def note_succeeded(account: str, *, by: User) -> None:
    """One that went on in a worker, and counted as failed until now."""
    if latest := CheckTry.objects.filter(person=by, account=account).order_by("-at").first():
        latest.succeed()


@contextmanager
def counted_try(account: str, *, by: User, workspace: Workspace, tests: Connection | None = None) -> Iterator[None]:
    """A check of this account's credentials, of a stored connection when that is what it tests.

    It counts as failed until it has succeeded. Raises NotAsked before any call is made.
    """
    with places.one(Holder(person=by.pk, workspace=workspace.pk, connection=tests.pk if tests else None)):
        if not settings.RATE_LIMITS:
            yield
            return
        attempt = CheckTry.objects.reserve(person=by, workspace=workspace, account=account)
        yield
        attempt.succeed()
