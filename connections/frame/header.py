"""What stands around every page: where I may go, whether somebody is needed there, and whom to ask for help."""

from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from connections.models import Connection, Workspace


def header(request: HttpRequest) -> dict[str, Any]:
    """A context processor. Nothing is asked of the database before a template wants it."""
    person, slug, around = getattr(request, "user", None), slug_of(request), {"help_contact": settings.HELP_CONTACT}
    if person is None or not person.is_authenticated:
        return around

    @cache
    def other_workspaces() -> list[Workspace]:
        return [*Workspace.objects.of(person).exclude(slug=slug)]

    @cache
    def somebody_is_needed() -> bool:
        visible = Connection.objects.visible_to(person).filter(workspace__slug=slug)
        needing: bool = visible.calling_for_somebody().exists()
        return needing

    return {**around, "other_workspaces": other_workspaces, "somebody_is_needed": somebody_is_needed}


def slug_of(request: HttpRequest) -> str:
    return request.resolver_match.kwargs.get("workspace", "") if request.resolver_match else ""
