"""Sends an e-mail beside the request that caused it: how long a page takes would tell whether there was one."""

import logging
from concurrent.futures import ThreadPoolExecutor
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMessage

log = logging.getLogger(__name__)

SLOW = "django.core.mail.backends.smtp.EmailBackend"  # The others write into a file or a list.
POSTMEN = ThreadPoolExecutor(max_workers=2, thread_name_prefix="mail")


def send_beside(message: EmailMessage) -> None:
    if settings.EMAIL_BACKEND == SLOW:
        POSTMEN.submit(deliver, message)
    else:
        message.send()


def deliver(message: EmailMessage) -> None:
    try:
        message.send()
    except (SMTPException, OSError):
        # Whoever waits for it asks again, and the page must not tell that somebody was written to.
        log.exception("An e-mail could not be sent.", extra={"subject": message.subject})
