"""How log lines look, plain or as JSON, and never with a key in them."""

import logging
import re
from typing import Any

import structlog
from django.http import HttpRequest

# Keys of accounts; links that set a password or prove an address; what was searched for or otherwise put after a "?".
KEY_SHAPED = re.compile(r"(?i)(api-token\W{1,5}|/reset/key/|/confirm-email/|\?)[^\s'\"]+|\b[0-9a-f]{40,}\b")
# Besides "request_finished", which says the same of a request and how it ended.
BESIDE_THE_POINT = {"request_started", "streaming_started", "streaming_finished"}
EventDict = structlog.typing.EventDict


def mask(text: str) -> str:
    return KEY_SHAPED.sub(lambda found: f"{found.group(1) or ''}****", text)


def mask_keys(_logger: Any, _name: str, event: EventDict) -> EventDict:
    """The last line of defence: what looks like a key does not reach a log, whoever wrote it."""
    return {name: masked(value) for name, value in event.items()}


def masked(value: Any) -> Any:
    if isinstance(value, HttpRequest):
        return mask(f"{value.method} {value.path}")  # What stands for it in text has the rest of its address.
    return mask(value) if isinstance(value, str) else value


class FewerRequestLines(logging.Filter):
    """One line a request; in development, where each page is a dozen requests, of faults alone."""

    def __init__(self, *, debug: bool) -> None:
        super().__init__()
        self.quiet = {*BESIDE_THE_POINT, "request_finished"} if debug else BESIDE_THE_POINT

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith("django_structlog.") or record.levelno >= logging.ERROR:
            return True
        return not (isinstance(record.msg, dict) and record.msg.get("event") in self.quiet)


def logging_config(*, debug: bool, as_json: bool, sentry_dsn: str) -> dict[str, Any]:
    before = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    plain = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    json = [structlog.processors.format_exc_info, mask_keys, structlog.processors.JSONRenderer()]
    last = json if as_json else [plain]
    handler = {"class": "connections.access.sentry.FaultsToSentry", "level": "ERROR", "dsn": sentry_dsn}
    sentry = {"sentry": handler} if sentry_dsn else {}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "lines": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": before,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, mask_keys, *last],
            }
        },
        "filters": {
            "requests": {"()": FewerRequestLines, "debug": debug},
            "on a real site": {"()": "django.utils.log.RequireDebugFalse"},
        },
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "lines", "filters": ["requests"]},
            "admins": {
                "class": "connections.access.fault_reports.FaultMail",
                "level": "ERROR",
                "filters": ["on a real site"],
            },
            **sentry,
        },
        "root": {"handlers": ["stderr", *sentry], "level": "INFO"},
        "loggers": {
            # They write whole addresses at INFO.
            "httpx": {"level": "WARNING"},
            "httpcore": {"level": "WARNING"},
            "django": {"handlers": ["admins"], "level": "INFO"},
            # Whoever asks for a host that is not ours would have a mail sent with each request.
            "django.security.DisallowedHost": {"handlers": ["stderr"], "propagate": False},
            "django.server": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
        },
    }
