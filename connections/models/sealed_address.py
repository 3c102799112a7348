"""The column that holds an account's address, sealed."""

from django.db import models

from connections.safe.fields import SealedField
from connections.safe.sealing import Unsealable, seal, unseal, unseal_once
from sources.spec import host_of


class SealedAddress(models.Model):
    """Opens on its own row alone; `sealing_context` says which that is."""

    api_url = SealedField()

    class Meta:
        abstract = True

    def sealing_context(self, field: str, *more: str) -> tuple[str, ...]:
        raise NotImplementedError

    def address(self) -> str:
        """The API URL. Raises Unsealable."""
        return unseal(self.api_url, context=self.sealing_context("api_url"))

    def keep_address(self, api_url: str) -> None:
        self.api_url = seal(api_url, context=self.sealing_context("api_url"))

    @property
    def host(self) -> str:
        """The account's host for a page to show; empty when it cannot be opened."""
        try:
            return host_of(unseal_once(self.api_url, context=self.sealing_context("api_url")))
        except Unsealable:
            return ""
