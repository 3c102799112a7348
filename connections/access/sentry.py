"""Faults to Sentry, where `SENTRY_DSN` is set: where it happened, by the rules of `fault_reports`.

What Sentry gathers by itself (requests, variables, lines of code, messages of errors, what was logged before) is off
rather than cleaned. An event is made here, of what cannot hold anything that was sent or stored: no text that was put
into a message or an exception is in it.
"""

import logging
import traceback
from collections.abc import Iterator
from typing import Any

import sentry_sdk
from structlog.contextvars import get_contextvars

IDS = ("request_id", "connection", "sync", "stream")  # Of the log; none of them is a secret, or says who it is.
# Of theirs the message's template is known to be no more than that: others put texts together before they log them.
PLAIN_SPOKEN = ("blinkmetrics", "connections", "django", "sources")


class FaultsToSentry(logging.Handler):
    def __init__(self, dsn: str) -> None:
        super().__init__()
        sentry_sdk.init(
            dsn,
            default_integrations=False,
            auto_enabling_integrations=False,
            auto_session_tracking=False,
            include_local_variables=False,
            include_source_context=False,
            max_breadcrumbs=0,
            max_request_body_size="never",
            send_client_reports=False,
            send_default_pii=False,
        )

    def emit(self, record: logging.LogRecord) -> None:
        # It tells of each fault of a page, as Django does.
        if not record.name.startswith("django_structlog"):
            event: Any = event_of(record)
            sentry_sdk.capture_event(event)


def event_of(record: logging.LogRecord) -> dict[str, Any]:
    match = getattr(getattr(record, "request", None), "resolver_match", None)
    error = record.exc_info[1] if record.exc_info else None
    ids = get_contextvars()
    return {
        "level": record.levelname.lower(),
        "logger": record.name,
        "logentry": {"message": template_of(record)},
        "transaction": match.view_name if match else None,
        "tags": {name: f"{ids[name]}" for name in IDS if name in ids},
        "exception": {"values": [*map(without_words, causes(error))][::-1]},  # Sentry wants the first cause first.
    }


def template_of(record: logging.LogRecord) -> str:
    is_plain = record.name.partition(".")[0] in PLAIN_SPOKEN and isinstance(record.msg, str)
    return record.msg if is_plain else f"see the log of {record.name}"


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error, then what it came of."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def without_words(error: BaseException) -> dict[str, Any]:
    """Its kind, and the way to where it was raised."""
    frames = [
        {
            "filename": frame.f_code.co_filename,
            "function": frame.f_code.co_name,
            "module": frame.f_globals.get("__name__"),
            "lineno": line,
        }
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    kind = type(error)
    return {"type": kind.__qualname__, "module": kind.__module__, "stacktrace": {"frames": frames}}
