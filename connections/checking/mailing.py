"""Sends an e-mail beside the request that caused it: how long a page takes would tell whether there was one."""

import logging
from concurrent.futures import ThreadPoolExecutor
from smtplib import SMTPException
from threading import Timer

from django.conf import settings
from django.core.mail import EmailMessage

log = logging.getLogger(__name__)

SLOW = "django.core.mail.backends.smtp.EmailBackend"  # The others write into a file or a list.
POSTMEN = ThreadPoolExecutor(max_workers=2, thread_name_prefix="mail")
PAUSES = (10.0, 60.0, 240.0)  # Seconds. A person waits for it; after that they have asked again.


def send_beside(message: EmailMessage) -> None:
    if settings.EMAIL_BACKEND == SLOW:
        POSTMEN.submit(deliver, message, PAUSES)
    else:
        message.send()


def deliver(message: EmailMessage, pauses: tuple[float, ...]) -> None:
    """Tried again after each of the pauses, in this process alone: the message may hold a link that sets a password."""
    try:
        message.send()
    except (SMTPException, OSError):
        # The page must not tell that somebody was written to.
        log.exception("An e-mail could not be sent.", extra={"subject": message.subject, "more_tries": len(pauses)})
        if pauses:
            again = Timer(pauses[0], POSTMEN.submit, (deliver, message, pauses[1:]))
            again.daemon = True
            again.start()
