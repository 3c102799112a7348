"""The two values that a person copies from ActiveCampaign's Developer page."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError

from sources.activecampaign.address import RefusedAddress, clean_address, notes_on
from sources.activecampaign.key import RefusedKey, clean_key
from sources.spec import Secret


class Once:
    """A widget's value, or all its values when the field was sent more than once, which the field then refuses."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        values = data.getlist(name) if hasattr(data, "getlist") else [data.get(name)]
        return values[0] if len(values) == 1 else values or None


class AddressInput(Once, forms.TextInput):
    def format_value(self, value: Any) -> str | None:
        return value if isinstance(value, str) else None


class KeyInput(Once, forms.PasswordInput):
    """Never renders what was typed."""


class AddressField(forms.Field):
    """Cleans to the one form in which an address is kept. Takes the raw text: its grammar trims by itself."""

    widget = AddressInput

    def clean(self, value: object) -> str:
        try:
            return clean_address(
                "" if value is None else value,
                suffixes=settings.ACTIVECAMPAIGN_HOST_SUFFIXES,
                sandbox_origins=settings.ACTIVECAMPAIGN_SANDBOX_ORIGINS,
            )
        except RefusedAddress as refused:
            raise ValidationError(refused.message, code=refused.code) from None


class KeyField(forms.Field):
    """Cleans to a Secret, or to None when it is blank and may be."""

    widget = KeyInput

    def clean(self, value: object) -> Secret | None:
        if not self.required and (value is None or (isinstance(value, str) and not value.strip())):
            return None
        try:
            return Secret(clean_key("" if value is None else value))
        except RefusedKey as refused:
            raise ValidationError(refused.message, code=refused.code) from None


class ActiveCampaignCredentials(forms.Form):
    """`cleaning_notes` says by field what was changed in what was typed. A blank key may mean "keep the stored one"."""

    promise = "BlinkMetrics only reads; keys of ActiveCampaign cannot be limited, so use a user with few rights."

    api_url = AddressField(
        label="API Access URL",
        help_text="In ActiveCampaign: Settings > Developer > API Access. It looks like https://youraccount.api-us1.com.",
        widget=AddressInput(
            attrs={"inputmode": "url", "autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
    api_key = KeyField(
        label="API Key",
        help_text="It stands below the URL on the same page. We keep it sealed and never show it again.",
        widget=KeyInput(
            render_value=False,
            attrs={"autocomplete": "new-password", "autocapitalize": "none", "spellcheck": "false"},
        ),
    )

    def __init__(self, *args: Any, key_required: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["api_key"].required = key_required
        self.cleaning_notes: dict[str, str] = {}

    def clean_api_url(self) -> str:
        cleaned: str = self.cleaned_data["api_url"]
        note = notes_on(self["api_url"].data, cleaned)
        if note:
            self.cleaning_notes["api_url"] = note
        return cleaned

    def clean_api_key(self) -> Secret | None:
        cleaned: Secret | None = self.cleaned_data["api_key"]
        typed = self["api_key"].data
        if cleaned and typed != typed.strip():
            self.cleaning_notes["api_key"] = "We removed the blanks around the key."
        return cleaned
