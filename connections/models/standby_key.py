"""A second user's key for the account of a connection, which takes over when the first one is refused."""

from django.db import models
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from connections.models.connection import Connection
from connections.models.people import User
from connections.safe.fields import SealedField
from sources.spec import Credentials, Proof

COLUMN = "standby_key"  # As a sealing context: the text opens as a standby key and as nothing else.


class StandbyKeyQuerySet(models.QuerySet["StandbyKey"]):
    def of(self, connection: Connection) -> "StandbyKey | None":
        return self.filter(connection=connection).select_related("connection__workspace", "stored_by").first()

    @sensitive_variables("credentials")
    def keep(self, connection: Connection, credentials: Credentials, proof: Proof, *, by: User) -> None:
        """In the place of the one before, if there was one."""
        standby = self.model(connection=connection, stored_by=by)
        standby.api_key = connection.sealed_key(COLUMN, credentials)
        standby.key_hint = connection.hint_of(credentials.api_key)
        standby.person, standby.person_email, standby.owner = proof.person[:200], proof.person_email[:254], proof.owner
        standby.save()


class StandbyKey(models.Model):
    """Whose it is was proven when it was stored. It is changed only by who has locked its connection's row."""

    connection = models.OneToOneField(Connection, models.CASCADE, primary_key=True, related_name="standby")
    api_key = SealedField()
    key_hint = models.CharField(max_length=4, blank=True, editable=False)
    stored_at = models.DateTimeField(default=timezone.now, editable=False)
    stored_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+", editable=False)
    person = models.CharField(max_length=200, editable=False)
    person_email = models.CharField(max_length=254, blank=True, editable=False)
    owner = models.CharField(max_length=200, blank=True, editable=False)

    objects = StandbyKeyQuerySet.as_manager()

    def __str__(self) -> str:
        return f"standby key of {self.connection}"

    def credentials(self) -> Credentials:
        """Raises Unsealable."""
        return self.connection.opened_key(COLUMN, self.api_key)

    def is_of(self, proof: Proof) -> bool:
        """Whether it belongs to the person whose key was just proven."""
        return proof.is_of(owner=self.owner, person=self.person, person_email=self.person_email)

    def is_still_there(self) -> bool:
        """Neither removed nor replaced."""
        return StandbyKey.objects.filter(pk=self.pk, stored_at=self.stored_at).exists()

    def take_over(self, connection: Connection, proof: Proof) -> None:
        """Become the first key, of which nothing is left. Within a transaction that has locked the connection's row."""
        connection.keep_credentials(self.credentials(), by=self.stored_by)
        connection.key_stored_at = self.stored_at
        connection.accept_proof(proof)
        connection.save()
        self.delete()

    def discard(self, *, by: User, detail: str = "") -> None:
        """Nothing takes over any more. Within a transaction that has locked the connection's row."""
        self.connection.record("removed the standby key", by=by, detail=detail)
        self.delete()

    def open_all(self) -> None:
        """Raises Unsealable."""
        self.credentials()

    def seal_anew(self) -> None:
        """Under the newest key; the caller saves. Raises Unsealable."""
        self.api_key = self.connection.sealed_key(COLUMN, self.credentials())
