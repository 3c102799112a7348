"""What a list of connections can be narrowed by."""

from typing import Any

from django import forms
from django.db.models import Q

from connections.models import Health, Privacy, User
from connections.models.account_name import account_fingerprints
from connections.models.connection_query import ConnectionQuerySet
from sources.registry import all_sources
from sources.spec import host_of


class FilterForm(forms.Form):
    """What a list of connections can be narrowed by; nonsense in the address narrows nothing."""

    q = forms.CharField(label="Search", required=False, max_length=100)
    source = forms.ChoiceField(required=False)
    privacy = forms.ChoiceField(required=False, choices=[("", "Any privacy"), *Privacy.choices])
    health = forms.ChoiceField(required=False, choices=[("", "Any health"), *Health.choices])
    mine = forms.BooleanField(label="Added by me", required=False)

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
            # The host is sealed, so it is found whole: by its fingerprint, as a host or as an address.
            account = Q(account_fingerprint__in=account_fingerprints(host_in(words).casefold()))
            connections = connections.filter(Q(name__icontains=words) | Q(person__icontains=words) | creator | account)
        if wanted.get("source"):
            connections = connections.filter(source_key=wanted["source"])
        if wanted.get("privacy"):
            connections = connections.filter(privacy=wanted["privacy"])
        if wanted.get("health"):
            connections = connections.filter(shown_health=wanted["health"])
        return connections.filter(created_by=self.user) if wanted.get("mine") else connections

    @property
    def is_narrowing(self) -> bool:
        return any(self.cleaned_data.values())


def host_in(words: str) -> str:
    """The host of an address, or the words themselves."""
    try:
        return host_of(words) or words
    except ValueError:
        return words  # Half a bracket, say: no address.
