"""The few e-mails that people get about a connection: when it needs them, is late, works again, or changes its key."""

import logging
from collections.abc import Sequence
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string

from connections.models import Connection, Membership, Privacy
from connections.models.people import ADMINISTRATORS, in_words

log = logging.getLogger(__name__)


def tell_broken(connection: Connection) -> None:
    tell(connection, "needs you", "connections/checking/action_needed.txt")


def tell_mended(connection: Connection) -> None:
    tell(connection, "works again", "connections/checking/works_again.txt")


def tell_late(connection: Connection, streams: Sequence[str]) -> None:
    """`streams` are the names of those that are late and were not told of before."""
    tell(connection, "is late", "connections/checking/late.txt", streams=in_words(streams))


def tell_on_time(connection: Connection) -> None:
    tell(connection, "is on time again", "connections/checking/on_time.txt")


def tell_taken_over(connection: Connection, *, refused: str) -> None:
    """The key of `refused` is gone, and the standby key stands in its place."""
    what = "goes on with its standby key"
    tell(connection, what, "connections/checking/standby_took_over.txt", place="#standby-heading", refused=refused)


def tell(connection: Connection, what: str, template: str, *, place: str = "", **more: str) -> None:
    if connection.needs_action and connection.key_mends_it:
        place = "#id_api_key"
    link = f"{settings.SITE_URL}{connection.get_absolute_url()}{place}"
    text = render_to_string(template, {"connection": connection, "link": link, **more})
    # A name may hold a line break, which would begin another header.
    subject = " ".join(f"{connection.source_name}: “{connection.name}” {what}".split())
    message = EmailMessage(subject=subject, body=text, to=[], bcc=readers_of(connection))
    try:
        message.send()
    except (SMTPException, OSError):
        # The page says the same; a mail server that is down must not stop a sync.
        log.exception("An e-mail could not be sent.", extra={"connection": str(connection.pk)})


def readers_of(connection: Connection) -> list[str]:
    """Who authorised it, while still a member, and administrators when it is shared."""
    members = Membership.objects.filter(workspace=connection.workspace_id, user__is_active=True)
    wanted = members.filter(user=connection.created_by_id)
    if connection.privacy != Privacy.PRIVATE:
        wanted = wanted | members.filter(role__in=ADMINISTRATORS)
    return sorted(set(wanted.values_list("user__email", flat=True)))
