"""The pages about a workspace's people: members, teams, and what happened."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from connections import access
from connections.leaving import end_membership
from connections.models.people import LastOwner
from connections.requests import PersonRequest

PAGE_SIZE = 50


@require_GET
def members(request: PersonRequest, workspace: str) -> HttpResponse:
    place = access.my_place(request, workspace)
    is_administrator = place.membership.is_administrator
    context = {
        "workspace": place.workspace,
        "members": place.workspace.memberships.with_counts(),
        "left_behind": access.left_behind(place) if is_administrator else [],
        "is_administrator": is_administrator,
    }
    return render(request, "connections/members.html", context)


@require_POST
def remove_member(request: PersonRequest, workspace: str, pk: int) -> HttpResponse:
    place = access.administered_place(request, workspace)
    membership = get_object_or_404(place.workspace.memberships, pk=pk)
    try:
        end_membership(membership, by=request.user)
    except LastOwner as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"{membership.user} is no longer a member of {place.workspace}.")
    return redirect("connections:members", workspace)


@require_POST
def delete_left_behind(request: PersonRequest, workspace: str, pk: int) -> HttpResponse:
    """Delete the private connections of somebody who has left; their content is never shown."""
    place = access.administered_place(request, workspace)
    count = access.left_behind_of(place, pk).remove_all(by=request.user)
    messages.success(request, f"{count} private connection{'s' if count != 1 else ''} deleted, with keys and data.")
    return redirect("connections:members", workspace)


@require_GET
def teams(request: PersonRequest, workspace: str) -> HttpResponse:
    place = access.my_place(request, workspace)
    return render(
        request, "connections/teams.html", {"workspace": place.workspace, "teams": place.workspace.teams.with_members()}
    )


@require_GET
def activity(request: PersonRequest, workspace: str) -> HttpResponse:
    place = access.my_place(request, workspace)
    page = Paginator(access.visible_events(request, place), PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "connections/activity.html", {"workspace": place.workspace, "page": page})
