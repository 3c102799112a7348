"""The two values that a person copies from the toy shop."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from sources.spec import Secret

ADDRESS = re.compile(r"https://[a-z0-9-]+\.toys\.example")


class ToyCredentials(forms.Form):
    api_url = forms.CharField(label="Shop address", help_text="It looks like https://yourshop.toys.example.")
    api_key = forms.CharField(label="Shop key", widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}))

    def __init__(self, *args: Any, key_required: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["api_key"].required = key_required
        self.cleaning_notes: dict[str, str] = {}

    def clean_api_url(self) -> str:
        typed: str = self.cleaned_data["api_url"]
        address = typed.rstrip("/")
        if not ADDRESS.fullmatch(address):
            raise ValidationError("Enter the address of your shop. It looks like https://yourshop.toys.example.")
        if address != typed:
            self.cleaning_notes["api_url"] = "We removed the slash at the end."
        return address

    def clean_api_key(self) -> Secret | None:
        typed: str = self.cleaned_data["api_key"]
        return Secret(typed) if typed else None
