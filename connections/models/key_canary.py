"""A sealed text for each of CREDENTIAL_KEYS that was the newest: while it opens, so does what the key sealed."""

from django.db import models
from django.utils import timezone

from connections.safe.sealing import Unsealable, newest_key_name, seal, unseal

PLACE, SONG = "canary", "chirp"


class KeyCanaryQuerySet(models.QuerySet["KeyCanary"]):
    def silent(self) -> list["KeyCanary"]:
        """Those whose key is missing, or not what it was."""
        return [canary for canary in self.order_by("pk") if not canary.sings]

    def plant(self) -> None:
        """For the newest key, if it has none. Not while another is silent: the keys of this process may be wrong."""
        name = newest_key_name()
        if not self.filter(key_name=name).exists() and not self.silent():
            self.get_or_create(key_name=name, defaults={"sealed": seal(SONG, context=(PLACE, name))})

    def leave_newest(self) -> None:
        """Nothing is sealed under the older keys any more: they may go."""
        self.exclude(key_name=newest_key_name()).delete()
        self.plant()


class KeyCanary(models.Model):
    """Of one key. Its number, by which a log names the key, counts keys in the order in which they came into use."""

    key_name = models.CharField(max_length=16, unique=True)
    sealed = models.TextField()
    since = models.DateTimeField(default=timezone.now)

    objects = KeyCanaryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "key canaries"

    def __str__(self) -> str:
        return f"canary of key {self.pk}"

    @property
    def sings(self) -> bool:
        try:
            return unseal(self.sealed, context=(PLACE, self.key_name)) == SONG
        except Unsealable:
            return False
