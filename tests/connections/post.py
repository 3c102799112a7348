"""What people are told about their connections: a worker brings it."""

from typing import Any

from django.core import mail

from connections.checking.delivering import deliver_due


def mails() -> list[Any]:
    """All mails so far, with those that a worker would send now."""
    deliver_due()
    return mail.outbox


def in_short(sent: list[Any]) -> list[str]:
    """What each says, as the end of its subject does."""
    return [message.subject.rpartition("” ")[2] for message in sent]
