"""The page of a workspace itself: what it is called, and which clock it goes by."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from connections.access import access
from connections.access.requests import PersonRequest
from connections.people.forms import WorkspaceForm


@require_http_methods(["GET", "HEAD", "POST"])
def workspace(request: PersonRequest, workspace: str) -> HttpResponse:
    """Owners change it, and everybody reads it."""
    if request.method == "POST":
        return change(request, access.owned_place(request, workspace))
    place = access.my_place(request, workspace)
    here = place.workspace
    form = WorkspaceForm(initial={"name": here.name, "timezone": here.timezone}) if place.membership.is_owner else None
    return render(request, "connections/people/workspace.html", {"workspace": here, "form": form})


def change(request: PersonRequest, place: access.Place) -> HttpResponse:
    here, form = place.workspace, WorkspaceForm(request.POST)
    if not form.is_valid():
        return render(request, "connections/people/workspace.html", {"workspace": here, "form": form})
    is_new = here.change(name=form.cleaned_data["name"], zone=form.cleaned_data["timezone"], by=request.user)
    messages.success(request, "Saved." if is_new else "Nothing was changed.")
    return redirect("connections:workspace", here.slug)
