"""The columns that hold an account's address and key, sealed, and the only place where they are opened."""

from contextlib import suppress

from django.db import models
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from connections.models.account_name import account_fingerprints
from connections.models.people import User
from connections.models.sealed_address import SealedAddress
from connections.safe.fields import SealedField
from connections.safe.sealing import Unsealable, fingerprint, fingerprints, seal, unseal
from sources.spec import Credentials, Secret, host_of

SHORTEST_HINTED_KEY = 32  # Four characters of a shorter key would give too much of it away.


class SealedCredentials(SealedAddress):
    """What a connection knows about its credentials. Each sealed text opens on its own row and field alone."""

    workspace_id: int

    api_key = SealedField()
    account_fingerprint = models.CharField(max_length=64, blank=True, editable=False, db_index=True)
    key_fingerprint = models.CharField(max_length=64, blank=True, editable=False)
    key_hint = models.CharField(max_length=4, blank=True, editable=False)
    key_stored_at = models.DateTimeField(null=True, editable=False)
    key_stored_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+", editable=False)

    class Meta:
        abstract = True

    @property
    def has_key(self) -> bool:
        return bool(self.api_key)

    @property
    def is_readable(self) -> bool:
        """Whether the stored address and key can still be opened."""
        try:
            self.credentials()
        except Unsealable:
            return False
        return True

    def credentials(self) -> Credentials:
        """Raises Unsealable."""
        return self.opened_key("api_key", self.api_key)

    @sensitive_variables()
    def opened_key(self, column: str, sealed: str) -> Credentials:
        """The only place where a key is opened. Raises Unsealable."""
        api_url = self.address()
        api_key = unseal(sealed, context=self.sealing_context(column, host_of(api_url)))
        return Credentials(api_url=api_url, api_key=Secret(api_key))

    @sensitive_variables()
    def sealed_key(self, column: str, credentials: Credentials) -> str:
        """Opens on this row, in this column, and for this host alone."""
        context = self.sealing_context(column, host_of(credentials.api_url))
        return seal(credentials.api_key.reveal(), context=context)

    @staticmethod
    def hint_of(key: Secret) -> str:
        """What may be shown of it."""
        return key.reveal()[-4:] if len(key.reveal()) >= SHORTEST_HINTED_KEY else ""

    @sensitive_variables()
    def key_fingerprints(self) -> list[str]:
        """Other rows with this key have one of them, whichever credential key they are under. Raises Unsealable."""
        stored = self.credentials()
        return fingerprints("key", str(self.workspace_id), host_of(stored.api_url), stored.api_key.reveal())

    def sealing_context(self, field: str, *more: str) -> tuple[str, ...]:
        return (str(self.workspace_id), str(self.pk), field, *more)

    @sensitive_variables()
    def keep_credentials(self, credentials: Credentials, *, by: User | None) -> None:
        """Seal the address and the key onto this row; the caller saves it."""
        host, key = host_of(credentials.api_url), credentials.api_key.reveal()
        self.keep_address(credentials.api_url)
        self.api_key = self.sealed_key("api_key", credentials)
        self.key_fingerprint = fingerprint("key", str(self.workspace_id), host, key)
        self.key_hint = self.hint_of(credentials.api_key)
        self.key_stored_at, self.key_stored_by = timezone.now(), by

    def keep_address(self, api_url: str) -> None:
        """A stored key is sealed for the address before, and does not open with this one."""
        super().keep_address(api_url)
        self.account_fingerprint = account_fingerprints(host_of(api_url))[0]

    def note_account(self) -> None:
        """The account may have said meanwhile what it calls itself; the caller saves."""
        with suppress(Unsealable):
            self.account_fingerprint = account_fingerprints(host_of(self.address()))[0]

    def forget_key(self) -> None:
        self.api_key = self.key_fingerprint = self.key_hint = ""
        self.key_stored_at = self.key_stored_by = None

    def open_all(self) -> None:
        """Raises Unsealable when any sealed text of this row cannot be opened."""
        if self.has_key:
            self.credentials()
        elif self.api_url:
            self.address()

    @sensitive_variables()
    def seal_anew(self) -> None:
        """Bring every sealed text and fingerprint under the newest key; the caller saves. Raises Unsealable."""
        if not self.api_url:
            return
        address = self.address()
        host = host_of(address)
        if self.has_key:
            credentials = self.credentials()
            self.api_key = self.sealed_key("api_key", credentials)
            self.key_fingerprint = fingerprint("key", str(self.workspace_id), host, credentials.api_key.reveal())
        self.keep_address(address)
