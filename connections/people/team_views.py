"""The pages about teams: everybody of the workspace may look, administrators make, change and delete them."""

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from connections.access import access
from connections.access.requests import PersonRequest
from connections.login import confirming
from connections.models import User
from connections.people.forms import TeamForm
from connections.people.leaving import disband, lock
from connections.people.views import ask_to_confirm


@require_http_methods(["GET", "HEAD", "POST"])
def teams(request: PersonRequest, workspace: str) -> HttpResponse:
    """POST creates one."""
    place = access.my_place(request, workspace)
    if request.method == "POST":
        access.require_administrator(place)
    form = TeamForm(request.POST if request.method == "POST" else None, workspace=place.workspace)
    if form.is_valid():
        save(form, by=request.user)
        messages.success(request, f"The team {form.team} was created.")
        return redirect("connections:teams", workspace)
    context = {
        "workspace": place.workspace,
        "teams": place.workspace.teams.with_members(),
        "form": form if place.membership.is_administrator else None,
    }
    return render(request, "connections/people/teams.html", context)


@transaction.atomic
def save(form: TeamForm, *, by: User) -> None:
    lock(form.workspace, by=by)
    form.save(by=by)


@require_http_methods(["GET", "HEAD", "POST"])
def team(request: PersonRequest, workspace: str, pk: int) -> HttpResponse:
    chosen = access.administered_team(request, workspace, pk)
    form = TeamForm(
        request.POST if request.method == "POST" else None,
        workspace=chosen.workspace,
        team=chosen,
        initial={"name": chosen.name, "members": [member.pk for member in chosen.members.all()]},
    )
    if form.is_valid():
        save(form, by=request.user)
        messages.success(request, f"The team {form.team} was saved.")
        return redirect("connections:teams", workspace)
    return render(
        request, "connections/people/team.html", {"workspace": chosen.workspace, "team": chosen, "form": form}
    )


@require_http_methods(["GET", "HEAD", "POST"])
def delete_team(request: PersonRequest, workspace: str, pk: int) -> HttpResponse:
    """GET asks first, and says what becomes of the team's connections."""
    chosen = access.administered_team(request, workspace, pk)
    if request.method == "POST" and not confirming.is_recent(request):
        return ask_to_confirm(request, chosen.workspace, then="delete the team", back_to=request.path)
    if request.method == "POST":
        disband(chosen, by=request.user)
        messages.success(request, f"The team {chosen.name} was deleted.")
        return redirect("connections:teams", workspace)
    shared = access.visible_connections(request, access.my_place(request, workspace)).filter(team=chosen)
    return render(
        request,
        "connections/people/delete_team.html",
        {"workspace": chosen.workspace, "team": chosen, "connections": shared},
    )
