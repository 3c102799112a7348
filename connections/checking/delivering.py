"""Sends the notices that wait: each to one reader, once, whatever the mail server and this process go through."""

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from smtplib import SMTP, SMTPException, SMTPRecipientsRefused, SMTPResponseException
from typing import Any

from django.core.mail import EmailMessage, get_connection
from django.db import DatabaseError

from connections.checking.notices import is_over, message_of
from connections.models import Notice
from connections.models.notice import NoticeState

log = logging.getLogger(__name__)

REFUSED = (SMTPResponseException, SMTPRecipientsRefused)
PATIENCE = 60  # Seconds for each step: many a mail server looks into a mail before it says that it has it.


def deliver_due(stopping: threading.Event | None = None) -> None:
    """All that are due, one after the other. A mail server that hangs is waited for: not where others wait for us."""
    while not (stopping and stopping.is_set()) and (notice := Notice.objects.claim()):
        try:
            deliver(notice)
        except DatabaseError:
            raise
        except Exception as fault:
            log.exception("A notice met a fault of our own.", extra={"notice": notice.pk})
            put_off(notice, fault)


def deliver(notice: Notice) -> None:
    if notice.may_have_come_twice:
        give_up(notice)
    elif is_over(notice):
        notice.end(NoticeState.OVER)
    else:
        send(notice, message_of(notice))


def send(notice: Notice, message: EmailMessage) -> None:
    line = get_connection(timeout=PATIENCE)
    try:
        line.open()
        if not notice.hand_over():
            return
        has_gone_out = noting_whether_it_goes_out(line)
        try:
            line.send_messages([message])
        except Exception as failure:
            if isinstance(failure, REFUSED) or not has_gone_out():
                notice.was_not_taken()
            raise
        notice.end(NoticeState.SENT)
        log.info("notice sent", extra={"notice": notice.pk, "connection": str(notice.connection_id)})
    except (SMTPException, OSError) as failure:
        log.warning("A notice could not be sent.", extra={"notice": notice.pk, "why": in_short(failure)})
        put_off(notice, failure)
    finally:
        with suppress(SMTPException, OSError):  # Of a mail server that says no goodbye.
            line.close()


def noting_whether_it_goes_out(line: Any) -> Callable[[], bool]:
    """Whether a mail server has the whole mail. What is no mail server says so itself when it has not."""
    smtp = getattr(line, "connection", None)
    if not isinstance(smtp, SMTP):
        return lambda: False
    bodies: list[int] = []
    pass_on = smtp.send

    def send(part: Any) -> None:
        pass_on(part)
        if isinstance(part, bytes):  # Commands are text.
            bodies.append(len(part))

    smtp.send = send  # type: ignore[assignment,method-assign]
    return lambda: bool(bodies)


def put_off(notice: Notice, failure: Exception) -> None:
    if not notice.put_off(in_short(failure)):
        log_given_up(notice)


def give_up(notice: Notice) -> None:
    notice.end(NoticeState.GIVEN_UP)
    log_given_up(notice)


def log_given_up(notice: Notice) -> None:
    log.error("A notice was given up.", extra={"notice": notice.pk, "connection": str(notice.connection_id)})


def in_short(failure: Exception) -> str:
    """Without what the mail server said: that may name people."""
    code = getattr(failure, "smtp_code", "")
    return f"{type(failure).__name__} {code}".strip()
