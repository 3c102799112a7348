"""The form that takes the key of a second user."""

from typing import Any

from django import forms

from connections.forms.credentials import stored_words
from connections.models import StandbyKey, User
from connections.models.check_try import NotAsked
from sources.errors import SourceError


class StandbyForm(forms.Form):
    """`form_for` adds the source's credentials to it, of which it asks for the key alone."""

    prefix = "standby"
    refusal_status = 200

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["api_url"]
        self.fields["api_key"].label = "Standby API Key"
        self.fields["api_key"].help_text = "Of another user of the same account. It is tested before it is stored."

    def refuse(self, failure: SourceError) -> None:
        """Show at the key what the account's answer means: nothing else was asked for."""
        self.add_error("api_key", str(failure))
        self.refusal_status = 429 if isinstance(failure, NotAsked) else 200


def standby_hint(standby: StandbyKey, *, viewer: User) -> str:
    """“A key ending 1a2b of Mira Holt is stored since 3 May by Ana.”"""
    return stored_words(
        standby.key_hint, whose=standby.person, since=standby.stored_at, by=standby.stored_by, viewer=viewer
    )
