"""What an account calls itself: one account may be reached under two hosts, and has one budget."""

from typing import Self

from django.db import models

from connections.safe.fields import SealedField
from connections.safe.sealing import Unsealable, fingerprint, fingerprints, seal, unseal


class AccountNameQuerySet(models.QuerySet["AccountName"]):
    def learn(self, host: str, own_name: str) -> None:
        """The account at this host said what it calls itself."""
        if not own_name or own_name == host or own_name_of(host) == own_name:
            return
        self.of(host).delete()
        known = self.model()
        known.name(host, own_name)
        known.save()

    def of(self, host: str) -> Self:
        return self.filter(host_fingerprint__in=fingerprints("account", host))


class AccountName(models.Model):
    """A host that is not its account's own; both are sealed, as all that names an account."""

    host_fingerprint = models.CharField(max_length=64, unique=True, editable=False)
    host = SealedField()
    own_name = SealedField()

    objects = AccountNameQuerySet.as_manager()

    def __str__(self) -> str:
        return f"another name of an account, {self.host_fingerprint[:8]}"

    def name(self, host: str, own_name: str) -> None:
        self.host_fingerprint = fingerprint("account", host)
        self.host = seal(host, context=("account name", "host"))
        self.own_name = seal(own_name, context=("account name", "own name"))

    def opened(self) -> tuple[str, str]:
        """The host, and what its account calls itself. Raises Unsealable."""
        host = unseal(self.host, context=("account name", "host"))
        return host, unseal(self.own_name, context=("account name", "own name"))

    def open_all(self) -> None:
        """Raises Unsealable."""
        self.opened()

    def seal_anew(self) -> None:
        """Under the newest key; the caller saves. Raises Unsealable."""
        self.name(*self.opened())


def own_name_of(host: str) -> str:
    """What the account at this host calls itself, as far as it has said so; else the host."""
    known = AccountName.objects.of(host).first()
    try:
        return known.opened()[1] if known else host
    except Unsealable:
        return host


def account_fingerprints(host: str) -> list[str]:
    """Of the account at this host, the newest first: the same whichever of its hosts this is."""
    return fingerprints("account", own_name_of(host))
