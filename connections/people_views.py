"""The pages about a workspace's people: members, teams, and what happened."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from connections import access
from connections.leaving import end_membership
from connections.models import Membership, Privacy
from connections.models.people import LastOwner
from connections.requests import PersonRequest

PAGE_SIZE = 50


@require_safe
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
    return end(request, membership, then=f"{membership.user} is no longer a member of {place.workspace}.")


@require_http_methods(["GET", "HEAD", "POST"])
def leave(request: PersonRequest, workspace: str) -> HttpResponse:
    """GET asks first, and says what stops."""
    place = access.my_place(request, workspace)
    if request.method == "POST":
        return end(request, place.membership, then=f"You have left {place.workspace}.")
    mine = access.visible_connections(request, place).filter(created_by=request.user)
    private = mine.filter(privacy=Privacy.PRIVATE)
    context = {"workspace": place.workspace, "private": private.count(), "shared": mine.count() - private.count()}
    return render(request, "connections/leave.html", context)


def end(request: PersonRequest, membership: Membership, *, then: str) -> HttpResponse:
    try:
        end_membership(membership, by=request.user)
    except LastOwner as refusal:
        messages.error(request, str(refusal))
        return redirect("connections:members", membership.workspace.slug)
    messages.success(request, then)
    if membership.user == request.user:
        return redirect("home")
    return redirect("connections:members", membership.workspace.slug)


@require_POST
def delete_left_behind(request: PersonRequest, workspace: str, pk: int) -> HttpResponse:
    """Delete the private connections of somebody who has left; their content is never shown."""
    place = access.administered_place(request, workspace)
    count = access.left_behind_of(place, pk).remove_all(by=request.user)
    what = f"{count} private connection{'s' if count != 1 else ''}"
    if count:
        place.workspace.record("deleted", by=request.user, about=f"{what} that nobody could reach")
    messages.success(request, f"{what} deleted, with keys and data.")
    return redirect("connections:members", workspace)


@require_safe
def activity(request: PersonRequest, workspace: str) -> HttpResponse:
    place = access.my_place(request, workspace)
    page = Paginator(access.visible_events(request, place), PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "connections/activity.html", {"workspace": place.workspace, "page": page})
