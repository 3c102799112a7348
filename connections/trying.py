"""Counts the live checks that people start, so that nobody guesses keys or fills an account's budget through us."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from connections.models import User, Workspace
from connections.models.check_try import CheckTry, TooManyAtOnce


class Places:
    """The checks that this process makes at once: each holds a thread, for many seconds when an account is slow."""

    def __init__(self) -> None:
        self.taken = 0
        self.lock = threading.Lock()

    @contextmanager
    def one(self) -> Iterator[None]:
        """Raises TooManyAtOnce at once: who waited for a place would hold a thread, too."""
        self.take()
        try:
            yield
        finally:
            self.give_back()

    def take(self) -> None:
        with self.lock:
            if self.taken >= settings.CHECKS_AT_ONCE:
                raise TooManyAtOnce("Many keys are being tested at this moment. Try again in a few seconds.")
            self.taken += 1

    def give_back(self) -> None:
        with self.lock:
            self.taken -= 1


places = Places()


@contextmanager
def counted_try(account: str, *, by: User, workspace: Workspace) -> Iterator[None]:
    """A check of this account's credentials; it counts until it has succeeded.

    Raises NotAsked before any call is made.
    """
    with places.one():
        if settings.RATE_LIMITS == "off":
            yield
            return
        attempt = CheckTry.objects.reserve(person=by, workspace=workspace, account=account)
        yield
        attempt.delete()
