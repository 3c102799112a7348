"""The pages about a workspace's people: members, teams, and what happened."""

from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from connections.access import access
from connections.access.requests import PersonRequest
from connections.access.second_factor import has_second_factor
from connections.login import confirming
from connections.models import Membership, Privacy, Role, Workspace
from connections.models.people import LastOwner
from connections.people.leaving import OwnersAlone, change_role, end_membership, require_removable

PAGE_SIZE = 50


@require_safe
def settings(request: PersonRequest, workspace: str) -> HttpResponse:
    return redirect("connections:members", access.my_place(request, workspace).workspace.slug)


@require_safe
def members(request: PersonRequest, workspace: str) -> HttpResponse:
    place = access.my_place(request, workspace)
    is_administrator = place.membership.is_administrator
    context = {
        "workspace": place.workspace,
        "rows": [*member_rows(place)],
        "left_behind": access.left_behind(place) if is_administrator else [],
        "is_administrator": is_administrator,
    }
    return render(request, "connections/people/members.html", context)


def member_rows(place: access.Place) -> Iterator[dict[str, Any]]:
    """The members, with what I may do to each."""
    people = [*place.workspace.memberships.with_counts().with_second_factor()]
    is_owner = place.membership.role == Role.OWNER
    has_another_owner = len([member for member in people if member.role == Role.OWNER]) > 1
    roles = [role for role in Role if is_owner or role != Role.OWNER]
    for member in people:
        is_open = member.role != Role.OWNER or (is_owner and has_another_owner)
        may_change = place.membership.is_administrator and is_open
        may_remove = may_change and member.pk != place.membership.pk
        yield {"member": member, "roles": roles if may_change else [], "may_remove": may_remove}


@require_POST
def require_second_factor(request: PersonRequest, workspace: str) -> HttpResponse:
    """Of all members, or of none; whoever asks for it has one, and is surely an administrator."""
    place = access.administered_place(request, workspace)
    wanted = request.POST.get("wanted") == "yes"
    if not confirming.is_recent(request):
        return ask_to_confirm(request, place.workspace, then="press the button again")
    if wanted and not has_second_factor(request.user):
        messages.info(request, "Set up two-step login for yourself first, then require it of everybody.")
        return redirect("mfa_activate_totp")
    place.workspace.require_second_factor(wanted=wanted, by=request.user)
    return redirect("connections:members", workspace)


def ask_to_confirm(request: PersonRequest, workspace: Workspace, *, then: str, back_to: str = "") -> HttpResponse:
    """For what a stolen session would take from people, or give to a partner in crime. Back to Members, by default."""
    messages.info(request, f"Nothing was changed yet. Confirm your password, then {then}.")
    return redirect(confirming.confirm_url(back_to or reverse("connections:members", args=[workspace.slug])))


@require_POST
def change_member(request: PersonRequest, workspace: str, pk: int) -> HttpResponse:
    """Give somebody another role."""
    place = access.administered_place(request, workspace)
    membership = get_object_or_404(place.workspace.memberships, pk=pk)
    role = request.POST.get("role", "")
    if role not in Role.values:
        messages.error(request, "Choose a role.")
        return redirect("connections:members", workspace)
    if not confirming.is_recent(request):
        return ask_to_confirm(request, place.workspace, then="choose the role again")
    try:
        change_role(membership, Role(role), by=request.user)
    except Membership.DoesNotExist:
        raise Http404("One of the two has just left.") from None
    except (LastOwner, OwnersAlone) as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"{membership.user} has the role {Role(role).label} now.")
    return redirect("connections:members", workspace)


@require_http_methods(["GET", "HEAD", "POST"])
def remove_member(request: PersonRequest, workspace: str, pk: int) -> HttpResponse:
    """GET asks first, and says what stops and what stays."""
    place = access.administered_place(request, workspace)
    membership = get_object_or_404(place.workspace.memberships.with_counts(), pk=pk)
    try:
        require_removable(membership, by=request.user)
    except (LastOwner, OwnersAlone) as refusal:
        messages.error(request, str(refusal))
        return redirect("connections:members", workspace)
    if request.method == "POST" and not confirming.is_recent(request):
        return ask_to_confirm(request, place.workspace, then="remove them", back_to=request.path)
    if request.method == "POST":
        return end(request, membership, then=f"{membership.user} is no longer a member of {place.workspace}.")
    theirs = access.visible_connections(request, place).filter(created_by=membership.user)
    shared = theirs.exclude(privacy=Privacy.PRIVATE).count()
    context = {"workspace": place.workspace, "membership": membership, "shared": shared}
    return render(request, "connections/people/remove_member.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def leave(request: PersonRequest, workspace: str) -> HttpResponse:
    """GET asks first, and says what stops."""
    place = access.my_place(request, workspace)
    if request.method == "POST" and not confirming.is_recent(request):
        return ask_to_confirm(request, place.workspace, then="leave", back_to=request.path)
    if request.method == "POST":
        return end(request, place.membership, then=f"You have left {place.workspace}.")
    mine = access.visible_connections(request, place).filter(created_by=request.user)
    private = mine.filter(privacy=Privacy.PRIVATE)
    context = {"workspace": place.workspace, "private": private.count(), "shared": mine.count() - private.count()}
    return render(request, "connections/people/leave.html", context)


def end(request: PersonRequest, membership: Membership, *, then: str) -> HttpResponse:
    try:
        end_membership(membership, by=request.user)
    except (LastOwner, OwnersAlone) as refusal:
        messages.error(request, str(refusal))
        return redirect("connections:members", membership.workspace.slug)
    messages.success(request, then)
    if membership.user == request.user:
        return redirect("home")
    return redirect("connections:members", membership.workspace.slug)


@require_http_methods(["GET", "HEAD", "POST"])
def delete_left_behind(request: PersonRequest, workspace: str, pk: int) -> HttpResponse:
    """Delete the private connections of somebody who has left; their content is never shown. GET asks first."""
    place = access.administered_place(request, workspace)
    left = next((left for left in access.left_behind(place) if left.user_id == pk), None)
    if left is None:
        messages.info(request, "Nothing of theirs is left behind.")
        return redirect("connections:members", workspace)
    if request.method != "POST":
        context = {"workspace": place.workspace, "left": left}
        return render(request, "connections/people/delete_left_behind.html", context)
    if not confirming.is_recent(request):
        return ask_to_confirm(request, place.workspace, then="delete them", back_to=request.path)
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
    return render(request, "connections/people/activity.html", {"workspace": place.workspace, "page": page})
