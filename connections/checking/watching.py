"""Tells those who run the site that nothing is pulled and nothing sent, since no worker is there."""

import logging

from django.conf import settings
from django.core.mail import EmailMessage

from connections.checking.mailing import send_beside
from connections.models import Connection, Engine

log = logging.getLogger(__name__)

SUBJECT = "BlinkMetrics: no worker is running"
TEXT = (
    "Hello,\n\n"
    "No worker of {site} was seen for a minute, and work waits for one: syncs do not start, and no e-mails leave about "
    "connections. Start one:\n\n"
    "manage.py worker\n\n"
    "This e-mail comes once an hour for as long as that is so.\n"
)


def is_worker_missing(connection: Connection | None = None) -> bool:
    """Whether something of this connection, or anything, waits in vain. Whoever runs the site is told, once an hour."""
    if not Engine.objects.is_missing(connection):
        return False
    if Engine.objects.take_telling():
        log.error("No worker was seen for a minute, and work waits for one.")
        readers = [address for _, address in settings.ADMINS]
        if readers:
            send_beside(EmailMessage(subject=SUBJECT, body=TEXT.format(site=settings.SITE_URL), to=readers))
    return True
