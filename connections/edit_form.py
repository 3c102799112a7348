"""The form that edits a connection, and how it comes to terms with what others changed meanwhile."""

from contextlib import suppress
from typing import Any

from django import forms

from connections.forms import DetailsForm, address_differs, chosen_credentials, key_hint, needs_key_again
from connections.models import Connection, Privacy
from connections.models.event import FIELD_WORDS, Event
from connections.sealing import Unsealable, fingerprint
from sources.spec import Credentials, host_of


class EditForm(DetailsForm):
    """The detail page's form: a field that I left alone keeps what others made of it meanwhile."""

    version = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, connection: Connection, **kwargs: Any) -> None:
        self.connection = connection
        super().__init__(*args, key_required=False, present_team=connection.team, **kwargs)
        self.fields["api_key"].help_text = key_hint(connection, viewer=self.user)
        self.conflicts: list[Conflict] = []

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        self.settle_with_others(cleaned)
        if needs_key_again(cleaned, self.connection) and "api_key" not in self.errors:
            self.add_error("api_key", "Enter the key again: it was stored for the address before.")
        return cleaned

    def meet(self, row: Connection) -> None:
        """Clean once more, against what the connection has become meanwhile."""
        self.connection, self.conflicts = row, []
        self.full_clean()

    def settle_with_others(self, cleaned: dict[str, Any]) -> None:
        """Take over what others changed and I did not; note what both changed."""
        for field in self.take_theirs:
            self.keep_present(field, cleaned)
        edits = self.edits_by_others()
        for field in FIELD_WORDS:
            mine, theirs = self.posted_value(field, cleaned), self.connection.value_of(field)
            base = edits[field][0].changes[field][0] if field in edits else theirs
            if field in edits and mine in (base, None):
                self.keep_present(field, cleaned)
            elif mine not in (base, theirs, None) and (field in edits or not self.seen_version):
                self.conflicts.append(
                    Conflict(field=field, edits=edits.get(field, []), connection=self.connection, cleaned=cleaned)
                )

    def shown_again(self, *, version: int) -> "EditForm":
        """With the present version: who saves now has seen what the others changed."""
        self.data = {**self.data.dict(), "version": version}
        return self

    @property
    def take_theirs(self) -> list[str]:
        """The fields to keep as others made them."""
        named = self.data.get("theirs", "").split(",")
        return [field for field in FIELD_WORDS if field in named]

    @property
    def seen_version(self) -> int:
        """The version that the form was rendered from. None, or one that cannot be, counts as the oldest."""
        typed = str(self.data.get("version", ""))
        version = int(typed) if typed.isdecimal() and len(typed) < 10 else 0
        return version if version <= self.connection.version else 0

    def edits_by_others(self) -> dict[str, list[Event]]:
        """The edits since this form was rendered, by the field that they changed."""
        edits: dict[str, list[Event]] = {}
        for event in self.connection.changes_since(self.seen_version):
            for field in event.changes:
                edits.setdefault(field, []).append(event)
        return edits

    def posted_value(self, field: str, cleaned: dict[str, Any]) -> str | None:
        """What was posted, in the form of `Connection.value_of`; None when it was left alone or is not readable."""
        match field:
            case "privacy" if cleaned.get("privacy") == Privacy.TEAM:
                return f"team:{self.data.get('team', '')}"
            case "api_url":
                return fingerprint("account", host_of(cleaned["api_url"])) if cleaned.get("api_url") else None
            case "api_key":
                return "typed" if cleaned.get("api_key") else None
            case _:
                return cleaned.get(field)

    def keep_present(self, field: str, cleaned: dict[str, Any]) -> None:
        match field:
            case "privacy":
                cleaned["privacy"], cleaned["team"] = self.connection.privacy, self.connection.team
                # The team that stood in the form may be gone: nobody chose it now.
                self.errors.pop("team", None)
            case "api_url":
                # An address that cannot be opened has to be entered again, whoever changed it.
                with suppress(Unsealable):
                    cleaned["api_url"] = self.connection.address()
            case "api_key":
                cleaned["api_key"] = None
            case _:
                cleaned[field] = getattr(self.connection, field)

    @property
    def changes_credentials(self) -> bool:
        return bool(self.cleaned_data.get("api_key")) or address_differs(self.cleaned_data, self.connection)

    @property
    def changes_privacy(self) -> bool:
        wanted = self.cleaned_data["privacy"], self.cleaned_data["team"]
        return wanted != (self.connection.privacy, self.connection.team)

    def credentials(self) -> Credentials:
        return chosen_credentials(self.cleaned_data, self.connection)


class Conflict:
    """A field that somebody else changed while I did: by whom and when (if known), what they and I made of it."""

    def __init__(self, *, field: str, edits: list[Event], connection: Connection, cleaned: dict[str, Any]) -> None:
        self.field, self.word = field, FIELD_WORDS[field]
        self.edit = edits[-1] if edits else None
        match field:
            case "privacy":
                self.theirs = connection.privacy_word
                self.mine = str(cleaned.get("team") or Privacy(cleaned["privacy"]).label)
            case "name":
                self.theirs, self.mine = connection.name, cleaned["name"]
            case "api_url":
                self.theirs, self.mine = connection.host, host_of(cleaned["api_url"])
            case _:  # A key is never shown.
                self.theirs = self.mine = ""
