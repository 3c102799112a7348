"""How a connection is: whose key it has, whether that works, and what has to be done where it does not."""

from typing import ClassVar

from django.db import models
from django.utils import timezone

from connections.models.choices import Health
from sources.spec import Proof

ANOTHER_ACCOUNT = "another_account"  # As codes of health.
FULL = "full"
STREAM_FAILED = "stream_failed"


class Condition(models.Model):
    """The columns that checks and syncs write, and no person."""

    health = models.CharField(max_length=20, choices=Health, default=Health.NOT_VERIFIED)
    health_reason = models.CharField(max_length=300, blank=True)
    health_code = models.CharField(max_length=40, blank=True, editable=False)
    health_since = models.DateTimeField(default=timezone.now, editable=False)
    checked_at = models.DateTimeField(null=True, editable=False)
    person = models.CharField("belongs to", max_length=200, blank=True, editable=False)
    person_email = models.CharField(max_length=254, blank=True, editable=False)
    account_facts = models.JSONField(default=dict, blank=True, editable=False)

    # What `save_health` writes.
    noted: ClassVar[tuple[str, ...]] = (
        *("health", "health_reason", "health_code", "health_since"),
        *("checked_at", "person", "person_email", "account_facts"),
    )

    class Meta:
        abstract = True

    # What it is -------------------------------------------------------------------------------------------------

    @property
    def health_word(self) -> str:
        """The word for `shown_health`, which the queryset adds."""
        return Health(getattr(self, "shown_health", self.health)).label

    @property
    def is_verified(self) -> bool:
        return self.health != Health.NOT_VERIFIED

    @property
    def is_proven(self) -> bool:
        """Whether the account has ever answered for a key of this connection."""
        return bool(self.person)

    @property
    def wants_check(self) -> bool:
        """Whether the account has to be asked whose it is before anything of it is stored."""
        return not self.is_verified or not self.is_proven or self.health_code == ANOTHER_ACCOUNT

    # What came of a check or a sync -----------------------------------------------------------------------------

    def accept_proof(self, proof: Proof) -> None:
        """The account was asked and answered; the caller saves the row."""
        self.person, self.person_email = proof.person[:200], proof.person_email[:254]
        # Not proof.account: it names the host, which is stored sealed alone.
        self.account_facts = {"counts": dict(proof.counts), "facts": dict(proof.facts), "owner": proof.owner}
        self.checked_at = timezone.now()
        if not self.is_full:  # A key makes no room: whether there is some, the next sync finds out.
            self.note_working()

    def note_working(self) -> None:
        self.set_health(Health.HEALTHY)

    @property
    def owner(self) -> str:
        """The source's own number of whose key it is; empty as long as nobody asked."""
        return str(self.account_facts.get("owner", ""))

    def is_of(self, proof: Proof) -> bool:
        """Whether its key belongs to the person whose key was just proven."""
        return proof.is_of(owner=self.owner, person=self.person, person_email=self.person_email)

    def was_another(self, proof: Proof) -> bool:
        """Whether the key belonged to somebody else when it was last proven; people keep their numbers."""
        return bool(self.owner and proof.owner and self.owner != proof.owner)

    def become_unverified(self) -> None:
        self.person = self.person_email = ""
        self.account_facts, self.checked_at = {}, None
        self.set_health(Health.NOT_VERIFIED, "The account could not be asked yet.")

    def set_health(self, health: Health, reason: str = "", *, code: str = "") -> None:
        """Since when counts from the change of health, not from the last time that it was seen."""
        if health != self.health:
            self.health_since = timezone.now()
        self.health, self.health_reason, self.health_code = health, reason[:300], code

    def save_health(self) -> None:
        """Only these columns: an edit that was made meanwhile is not undone."""
        self.save(update_fields=[*self.noted])

    @property
    def needs_action(self) -> bool:
        return self.health == Health.ACTION_NEEDED

    @property
    def key_mends_it(self) -> bool:
        # No other key opens an account that is unpaid.
        return self.health_code not in ("account_unavailable", FULL)

    @property
    def stands_still(self) -> bool:
        """Whether no sync can begin before somebody has mended the key."""
        return self.needs_action and self.key_mends_it

    @property
    def waits_as_a_whole(self) -> bool:
        """Whether what is wrong is the account's, and not a stream's."""
        return bool(self.health_reason) and self.health_code != STREAM_FAILED

    @property
    def is_full(self) -> bool:
        return self.health_code == FULL
