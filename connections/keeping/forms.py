"""The form that edits a connection, and how it comes to terms with what others changed meanwhile."""

from collections.abc import Collection
from contextlib import suppress
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError

from connections.forms.conflicts import SettledForm
from connections.forms.credentials import address_differs, chosen_credentials, key_hint, needs_key_again, typed_into
from connections.forms.details import DetailsForm
from connections.forms.widgets import HintedRadios
from connections.keeping.editing import OTHERS_CHANGED, REPLACE, SEPARATE
from connections.models import Connection, Privacy, StandbyKey
from connections.models.event import FIELD_WORDS
from connections.safe.sealing import Unsealable, fingerprint
from sources.spec import Credentials, host_of

FIELD_ORDER = ["name", "api_url", "api_key", "account", "also", "privacy", "team"]
SHORT_HINTS = {
    "name": "Say which account it is, for example “Main account”.",
    "api_url": "It looks like https://youraccount.api-us1.com.",
    "privacy": "",
}
NOBODY_LEFT = "Who added it has left: nobody could use it, or open it again."


class EditForm(SettledForm, DetailsForm):
    """The detail page's form: a field that I left alone keeps what others made of it meanwhile."""

    settled = FIELD_WORDS
    is_resumed = False

    account = forms.ChoiceField(
        label="Account",
        required=False,
        choices=[(SEPARATE, "Connect it as its own connection"), (REPLACE, "Replace the data")],
        widget=HintedRadios(
            {
                SEPARATE: "This connection stays as it is. A set-up of its own begins with what you typed.",
                REPLACE: "The data of before is hidden at once, can be taken back for seven days, and is erased then.",
            }
        ),
        error_messages={"invalid_choice": "Choose one of the two."},
    )
    also = forms.MultipleChoiceField(
        label="The same key elsewhere",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": OTHERS_CHANGED},
    )

    def __init__(self, *args: Any, connection: Connection, sharers: Collection[Connection], **kwargs: Any) -> None:
        """`sharers`: the connections on the same account that the person may see."""
        self.connection, self.sharers = connection, sharers
        super().__init__(*args, key_required=False, present_team=connection.team, **kwargs)
        self.order_fields(FIELD_ORDER)
        self.fields["api_url"].label = "API URL"
        for field, hint in SHORT_HINTS.items():
            self.fields[field].help_text = hint
        self.fields["api_key"].help_text = key_hint(connection, viewer=self.user)
        self.offer_others()
        self.whose_account = self.fields["account"]
        if "account" not in self.data:
            del self.fields["account"]  # Nobody is asked before there is a reason.

    def offer_others(self) -> None:
        """One box for all that the person manages with this key; the others are neither named nor counted."""
        others = self.others()
        # With their versions: whoever ticks the box has seen them as they are.
        chosen = ",".join(sorted(f"{other.pk}.{other.version}" for other in others))
        names = ", ".join(other.name for other in others)
        if others:
            field: Any = self.fields["also"]
            field.choices = [(chosen, f"Also replace it in: {names}")]
        else:
            del self.fields["also"]

    def others(self) -> list[Connection]:
        if not self.sharers:
            return []
        try:
            return [*Connection.objects.sharing_key(self.connection, user=self.user).without_key()]
        except Unsealable:
            return []

    @property
    def wanted_account(self) -> str:
        """What to do with an account that is not proven to be the same; empty when the person has not said."""
        return str(self.cleaned_data.get("account", ""))

    def ask_whose_account(self, evidence: str) -> None:
        """Show the form again with the question; the key is not kept, so it has to be pasted once more."""
        self.fields["account"] = self.whose_account
        self.order_fields(FIELD_ORDER)
        self.data = self.data.copy()
        self.data["account"] = SEPARATE
        self.add_error("account", f"This does not look like the account of before: {evidence} Nothing was saved yet.")
        self.add_error("api_key", "Paste the key once more: it was not kept.")
        # On the bound field: it took over the field's own text when the form was cleaned.
        self["api_key"].help_text = "The stored key stays in use until you have decided."

    @property
    def also_in(self) -> dict[UUID, int]:
        """Where else the new key goes, and which version of it the person saw."""
        chosen = self.cleaned_data.get("also", []) if self.cleaned_data.get("api_key") else []
        seen = (one.split(".") for ticked in chosen for one in ticked.split(","))
        return {UUID(pk): int(version) for pk, version in seen}

    @property
    def is_anothers(self) -> bool:
        return self.connection.created_by != self.user

    def privacy_choices(self) -> list[tuple[str, str]]:
        """“Me” is whoever added it, whoever reads."""
        mine = {Privacy.PRIVATE: f"Private to {self.connection.created_by or 'a former member'}"}
        return [
            (value, mine.get(Privacy(value), word) if self.is_anothers else word) for value, word in Privacy.choices
        ]

    def closed_privacies(self) -> list[str]:
        return [*super().closed_privacies(), *([Privacy.PRIVATE] if self.connection.creator_has_left else [])]

    def privacy_hints(self) -> dict[str, str]:
        hints = super().privacy_hints()
        if self.connection.creator_has_left:
            hints[Privacy.PRIVATE] = NOBODY_LEFT
        elif self.is_anothers:
            hints[Privacy.PRIVATE] = "You lose it too, with everybody else; only they could share it again."
        return hints

    def clean_privacy(self) -> str:
        privacy: str = self.cleaned_data["privacy"]
        if privacy == Privacy.PRIVATE != self.connection.privacy and self.connection.creator_has_left:
            raise ValidationError(NOBODY_LEFT, code="nobody_left")
        return privacy

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        self.settle_with_others(cleaned)
        if needs_key_again(cleaned, self.connection) and "api_key" not in self.errors:
            self.add_error("api_key", f"Enter the key again: it was stored for the address before.{self.standby_goes}")
        self.clean_together(cleaned)
        return cleaned

    def clean_together(self, cleaned: dict[str, Any]) -> None:
        """What the box for several connections goes together with."""
        if self.data.get("also") and "also" not in self.fields:
            self.add_error(None, OTHERS_CHANGED)
        if not cleaned.get("also"):
            return
        if address_differs(cleaned, self.connection):
            self.add_error(
                "also", "Only a key goes into several connections at once: keep the address, or untick this."
            )
        elif not cleaned.get("api_key") and "api_key" not in (*self.errors, *self.take_theirs):
            self.add_error("api_key", "Enter the new key that all of them are to get.")

    @property
    def standby_goes(self) -> str:
        return " The standby key goes with that address." if StandbyKey.objects.of(self.connection) else ""

    def posted_value(self, field: str, cleaned: dict[str, Any]) -> str | None:
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
    def touches_credentials(self) -> bool:
        """Whether an address or key was entered, however wrong the rest of the form may be."""
        return bool(self.data.get("api_key", "").strip()) or address_differs(self.cleaned_data, self.connection)

    def typed(self) -> dict[str, str]:
        """All that was typed but the key; what was to be taken from others is theirs again."""
        typed = {**typed_into(self.data), "also": self.data.get("also", ""), "version": str(self.seen_version)}
        left = {"team" if field == "privacy" else field for field in self.take_theirs} | {*self.take_theirs}
        return {field: value for field, value in typed.items() if field not in left}

    def resume(self) -> None:
        """Shown again with what was typed before they had to confirm that it is them."""
        self.is_resumed = True
        self.fields["api_key"].help_text = "Paste the key again: it was not kept."
        self.fields["api_key"].widget.attrs["autofocus"] = True

    @property
    def changes_privacy(self) -> bool:
        wanted = self.cleaned_data["privacy"], self.cleaned_data["team"]
        return wanted != (self.connection.privacy, self.connection.team)

    def credentials(self) -> Credentials:
        return chosen_credentials(self.cleaned_data, self.connection)

    def read_out(self, field: str, cleaned: dict[str, Any]) -> tuple[str, str]:
        match field:
            case "privacy":
                return self.connection.privacy_word, str(cleaned.get("team") or Privacy(cleaned["privacy"]).label)
            case "name":
                return self.connection.name, cleaned["name"]
            case "api_url":
                return self.connection.host, host_of(cleaned["api_url"])
            case _:  # A key is never shown.
                return "", ""
