"""What the three steps ask for."""

from typing import Any

from django import forms
from django.http import QueryDict

from connections.forms.credentials import (
    KEY_OF_ANOTHER_ADDRESS,
    UNREADABLE_KEY,
    chosen_credentials,
    key_hint,
    needs_key_again,
    typed_into,
)
from connections.forms.details import DetailsForm, PrivacyForm
from connections.models import Connection, Pace
from sources.errors import SourceError
from sources.registry import offered_sources
from sources.spec import Credentials


class ChooseSource(forms.Form):
    """Step 1."""

    source = forms.ChoiceField(
        choices=lambda: [(source.key, source.name) for source in offered_sources()],
        error_messages={
            "required": "Choose a source.",
            "invalid_choice": "This source cannot be connected right now. Choose another.",
        },
    )


class SetUpForm(DetailsForm):
    """Step 2, without the source's own fields. A blank key means the one that the draft holds already."""

    def __init__(self, *args: Any, draft: Connection, **kwargs: Any) -> None:
        self.connection = self.draft = draft
        super().__init__(*args, key_required=not draft.has_key, **kwargs)
        self.usual_key_hint = self.fields["api_key"].help_text
        self.show_key_hint()

    def show_key_hint(self) -> None:
        self.fields["api_key"].required = not self.draft.has_key
        # On the bound field: it took over the field's own text when the form was cleaned.
        self["api_key"].help_text = key_hint(self.draft, viewer=self.user) or self.usual_key_hint

    def refuse(self, failure: SourceError) -> None:
        super().refuse(failure)
        self.show_key_hint()  # Whether a key is held has just been decided.

    @property
    def has_new_key(self) -> bool:
        """Whether a whole pair was typed that can be tried, whatever else is wrong."""
        return bool(self.cleaned_data.get("api_key") and self.cleaned_data.get("api_url"))

    def ask_to_paste_again(self) -> None:
        if self.cleaned_data.get("api_key"):
            self["api_key"].help_text = "Paste the key once more: it is not kept before it has been tried."

    def ask_for_key(self) -> None:
        self.add_error("api_key", UNREADABLE_KEY)

    def credentials(self) -> Credentials:
        """What to try. Raises Unsealable when the held key cannot be opened, and KeyOfAnotherAddress."""
        return chosen_credentials(self.cleaned_data, self.draft)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("api_key") or not self.draft.has_key or "api_key" in self.errors:
            return cleaned
        if not self.draft.is_readable:
            self.ask_for_key()
        elif needs_key_again(cleaned, self.draft):
            self.add_error("api_key", KEY_OF_ANOTHER_ADDRESS)
        return cleaned

    def typed(self) -> dict[str, str]:
        """All that was typed but the key; the address as it was understood, if it was."""
        typed = typed_into(self.data)
        return {**typed, "api_url": self.cleaned_data.get("api_url") or typed["api_url"]}

    def cleaning_words(self) -> list[str]:
        """What was changed in what was typed; from now on the form shows the address as it was understood."""
        self.data = {**self.data.dict(), "api_url": self.cleaned_data["api_url"]}
        return [f"{self.fields[field].label}: {note}" for field, note in self.cleaning_notes.items()]


class FinishForm(PrivacyForm):
    """Step 3. Whoever sends no privacy keeps that of step 2."""

    pace = forms.ChoiceField(choices=Pace, required=False, initial=Pace.CONSIDERATE)
    version = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, posted: QueryDict | None, *, draft: Connection, **kwargs: Any) -> None:
        present = {"privacy": draft.privacy, "team": str(draft.team_id or ""), "version": draft.version}
        typed = None if posted is None else {"privacy": present["privacy"], "team": present["team"], **posted.dict()}
        super().__init__(typed, initial=present, **kwargs)
