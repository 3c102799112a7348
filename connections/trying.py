"""Counts the live checks that people start, so that nobody guesses keys or fills an account's budget through us."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from connections.models import User, Workspace
from connections.models.check_try import CheckTry


@contextmanager
def counted_try(account: str, *, by: User, workspace: Workspace) -> Iterator[None]:
    """A check of this account's credentials; it counts until it has succeeded.

    Raises TooManyTries before any call is made.
    """
    if settings.RATE_LIMITS == "off":
        yield
        return
    attempt = CheckTry.objects.reserve(person=by, workspace=workspace, account=account)
    yield
    attempt.delete()
