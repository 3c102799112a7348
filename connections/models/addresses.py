"""An e-mail address as it is kept: in small letters, since a login has to find it however it is typed."""

from typing import Any
from unicodedata import normalize

from django import forms
from django.core.exceptions import ValidationError
from django.db import models

NO_ADDRESS = "Enter a valid e-mail address."


def refuse_look_alikes(address: str) -> None:
    """Letters that some programs take for others, such as the old long s for an s: two accounts would be one there."""
    if normalize("NFKC", address) != address:
        raise ValidationError(NO_ADDRESS, code="invalid")


class AddressFormField(forms.EmailField):
    default_error_messages = {"invalid": NO_ADDRESS}
    default_validators = [*forms.EmailField.default_validators, refuse_look_alikes]

    def to_python(self, value: Any) -> str:
        # Before it is judged: a letter such as the Turkish İ has no small form that an address may hold.
        return (super().to_python(value) or "").lower()


class AddressField(models.EmailField):
    default_validators = [*models.EmailField.default_validators, refuse_look_alikes]

    def to_python(self, value: Any) -> Any:
        return value.lower() if isinstance(value, str) else value

    def get_prep_value(self, value: Any) -> Any:
        """As it is: two accounts from before may differ in capitals alone, and each goes on with its own spelling."""
        return models.Field.get_prep_value(self, value)

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        typed = super().pre_save(model_instance, add)
        small = self.to_python(typed)
        others = type(model_instance)._default_manager.exclude(pk=model_instance.pk)
        if small != typed and (add or not others.filter(**{self.attname: small}).exists()):
            setattr(model_instance, self.attname, small)
        return getattr(model_instance, self.attname)

    def formfield(self, *args: Any, **kwargs: Any) -> Any:
        return super().formfield(*args, **{"form_class": AddressFormField, **kwargs})

    def deconstruct(self) -> Any:
        """For the database it is any address."""
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.EmailField", args, kwargs
