"""What stands around every page: where I may go, whether somebody is needed there, and whom to ask for help."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from connections.access.access import place_shown
from connections.models import Connection, Workspace


def header(request: HttpRequest) -> dict[str, Any]:
    """A context processor. Nothing is asked of the database before a template wants it."""
    person, slug, around = getattr(request, "user", None), slug_of(request), {"help_contact": settings.HELP_CONTACT}
    if person is None or not person.is_authenticated:
        return around

    @cache
    def other_workspaces() -> Sequence[Workspace]:
        place = place_shown(request, slug)
        return place.others if place else [*Workspace.objects.of(person).exclude(slug=slug)]

    @cache
    def somebody_is_needed() -> bool:
        place = place_shown(request, slug)
        connections = Connection.objects
        visible = (
            connections.visible_to(person, at=place.membership)
            if place
            else connections.visible_to(person).filter(workspace__slug=slug)
        )
        needing: bool = visible.calling_for_somebody().exists()
        return needing

    return {**around, "other_workspaces": other_workspaces, "somebody_is_needed": somebody_is_needed}


def slug_of(request: HttpRequest) -> str:
    return request.resolver_match.kwargs.get("workspace", "") if request.resolver_match else ""
