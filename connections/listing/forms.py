"""What a list of connections can be narrowed by."""

from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.db.models import Q
from django.forms.boundfield import BoundField
from django.utils.safestring import SafeString

from connections.listing.several import ACTS
from connections.models import Health, Privacy, User
from connections.models.connection_query import ConnectionQuerySet, Order
from sources.registry import all_sources
from sources.spec import host_of


class FilterField(BoundField):
    """While nobody narrows anything it looks the same on every list, and is rendered once."""

    untouched: ClassVar[dict[tuple[str, str], SafeString]] = {}  # By its name and its choices.

    def as_field_group(self) -> SafeString:
        if self.form.data:
            return super().as_field_group()
        key = self.name, repr(getattr(self.field, "choices", ""))
        if key not in self.untouched:
            self.untouched[key] = super().as_field_group()
        return self.untouched[key]


class FilterForm(forms.Form):
    """What a list of connections can be narrowed by; nonsense in the address narrows nothing."""

    bound_field_class = FilterField

    q = forms.CharField(label="Search", required=False, max_length=100)
    source = forms.ChoiceField(required=False)
    privacy = forms.ChoiceField(required=False, choices=[("", "Any privacy"), *Privacy.choices])
    health = forms.ChoiceField(required=False, choices=[("", "Any health"), *Health.choices])
    mine = forms.BooleanField(label="Added by me", required=False)
    sort = forms.ChoiceField(label="Order", required=False, choices=Order)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        sources: Any = self.fields["source"]
        sources.choices = [("", "Any source"), *((key, s.name) for key, s in all_sources().items())]

    def narrow(self, connections: ConnectionQuerySet) -> ConnectionQuerySet:
        self.is_valid()
        wanted = self.cleaned_data
        if wanted.get("q"):
            words = wanted["q"]
            creator = Q(created_by__name__icontains=words) | Q(created_by__email__icontains=words)
            hosted = Q(pk__in=connections.at_host(host_in(words)))
            connections = connections.filter(Q(name__icontains=words) | Q(person__icontains=words) | creator | hosted)
        if wanted.get("source"):
            connections = connections.filter(source_key=wanted["source"])
        if wanted.get("privacy"):
            connections = connections.filter(privacy=wanted["privacy"])
        if wanted.get("health"):
            connections = connections.filter(shown_health=wanted["health"])
        if wanted.get("mine"):
            connections = connections.filter(created_by=self.user)
        return connections.in_order(wanted.get("sort") or Order.NEEDS_SOMEBODY)

    @property
    def is_narrowing(self) -> bool:
        return any(value for field, value in self.cleaned_data.items() if field != "sort")


class ChosenForm(forms.Form):
    """What to do with which of those on the page."""

    act = forms.ChoiceField(choices=[(act, act) for act in ACTS])
    chosen = forms.TypedMultipleChoiceField(coerce=UUID, error_messages={"required": "Choose at least one connection."})

    def __init__(self, *args: Any, offered: ConnectionQuerySet, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen: Any = self.fields["chosen"]
        chosen.choices = [(str(pk), pk) for pk in offered.values_list("pk", flat=True)]


def host_in(words: str) -> str:
    """The host of an address, or the words themselves."""
    try:
        return host_of(words) or words
    except ValueError:
        return words  # Half a bracket, say: no address.
