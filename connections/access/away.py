"""What pages need is away for a while, the database or the cache: people are asked to try again."""

import sys
from typing import Any

from django.contrib.sessions.exceptions import SessionInterrupted
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.cache.backends.db import DatabaseCache
from django.core.signals import got_request_exception
from django.db import InterfaceError, OperationalError, connections, router
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from connections.access.error_pages import GetResponse, error_page

RETRY_AFTER = "10"  # Seconds; a lock that is held for longer has held for twenty already.


def is_away(error: BaseException | None) -> bool:
    """Whether it came of a database that is locked or out of reach, or of a Redis that does not answer."""
    while error is not None:
        if isinstance(error, OperationalError | InterfaceError) or type(error).__module__ == "redis.exceptions":
            return True
        error = error.__cause__ or error.__context__
    return False


def try_again() -> HttpResponse:
    page = error_page(503)
    page["Retry-After"] = RETRY_AFTER
    return page


@receiver(got_request_exception)
def note_what_is_away(request: HttpRequest, **_: Any) -> None:
    """Django answers a fault in the layer in which it happens; a layer around it makes of it what it is."""
    if is_away(sys.exception()):
        request.META["blinkmetrics.away"] = True


class Cache(DatabaseCache):
    def _base_set(self, *words: Any, **options: Any) -> Any:
        """Django says False of a locked database, as of an entry that is there: to a limit that is one too many."""
        failed: list[OperationalError] = []

        def note(execute: Any, *statement: Any) -> Any:
            try:
                return execute(*statement)
            except OperationalError as error:
                failed.append(error)
                raise

        with connections[router.db_for_write(self.cache_model_class)].execute_wrapper(note):
            was_stored = super()._base_set(*words, **options)  # type: ignore[misc]  # Its stubs leave it out.
        if failed:
            raise failed[0]
        return was_stored


class TryAgainPages:
    """Stands around all that asks for a person."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        return try_again() if request.META.get("blinkmetrics.away") else response


class Sessions(SessionMiddleware):
    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Django takes a session that could not be written for one that was deleted meanwhile, whatever the reason."""
        try:
            return super().process_response(request, response)
        except SessionInterrupted as interrupted:
            if is_away(interrupted):
                return try_again()
            raise
