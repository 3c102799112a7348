"""What stands around every page: where I may go, whether somebody is needed there, and whom to ask for help."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from connections.access.access import place_shown
from connections.access.second_factor import has_second_factor
from connections.models import Connection, User, Workspace


def header(request: HttpRequest) -> dict[str, Any]:
    """A context processor. Nothing is asked of the database before a template wants it.

    Around pages that are of no workspace it is that in which I was last.
    """
    person, slug = getattr(request, "user", None), slug_of(request)
    around: dict[str, Any] = {"help_contact": settings.HELP_CONTACT}
    if person is None or not person.is_authenticated:
        return around

    @cache
    def last_workspace() -> Workspace | None:
        return open_to(person)

    def here() -> str:
        last = None if slug else last_workspace()
        return last.slug if last else slug

    @cache
    def other_workspaces() -> Sequence[Workspace]:
        place = place_shown(request, slug)
        return place.others if place else [*Workspace.objects.of(person).exclude(slug=here())]

    @cache
    def somebody_is_needed() -> bool:
        place = place_shown(request, slug)
        connections = Connection.objects
        visible = (
            connections.visible_to(person, at=place.membership)
            if place
            else connections.visible_to(person).filter(workspace__slug=here())
        )
        needing: bool = visible.calling_for_somebody().exists()
        return needing

    around |= {"other_workspaces": other_workspaces, "somebody_is_needed": somebody_is_needed}
    return around if slug else around | {"workspace": last_workspace}


def open_to(person: User) -> Workspace | None:
    """The workspace in which they were last, of those that do not wait until they have set up two-step login."""
    mine = Workspace.objects.of(person)
    return (mine if has_second_factor(person) else mine.exclude(requires_second_factor=True)).first()


def slug_of(request: HttpRequest) -> str:
    return request.resolver_match.kwargs.get("workspace", "") if request.resolver_match else ""
