"""The pages on which an administrator finds what is held about a person outside, and has it erased."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from connections.access import access
from connections.access.requests import PersonRequest
from connections.login import confirming
from connections.people.forms import FindPersonForm
from connections.people.views import PAGE_SIZE, ask_to_confirm
from connections.safe.sealing import Unsealable

ALREADY = "Of this request everything was decided already."


@require_http_methods(["GET", "HEAD", "POST"])
def privacy(request: PersonRequest, workspace: str) -> HttpResponse:
    """POST begins to look for a person."""
    place = access.my_place(request, workspace)
    if request.method == "POST":
        access.require_administrator(place)
    form = FindPersonForm(request.POST if request.method == "POST" else None, workspace=place.workspace)
    if form.is_valid():
        return redirect(form.save(by=request.user))
    page = Paginator(access.person_erasures(place).order_by("-pk"), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"workspace": place.workspace, "page": page, "form": form if place.membership.is_administrator else None}
    return render(request, "connections/people/privacy.html", context)


@require_safe
def person_erasure(request: PersonRequest, workspace: str, pk: int) -> HttpResponse:
    """While it is under way the page asks for its moving part at the same address."""
    erasure = access.administered_erasure(request, workspace, pk)
    held, hidden = access.held_of_person(request, erasure)
    template = "_person_erasure" if "HX-Request" in request.headers else "person_erasure"
    context = {"workspace": erasure.workspace, "erasure": erasure, "held": held, "hidden": hidden}
    return render(request, f"connections/people/{template}.html", context)


@require_POST
def erase_person(request: PersonRequest, workspace: str, pk: int) -> HttpResponse:
    erasure = access.administered_erasure(request, workspace, pk)
    if not confirming.is_recent(request):
        return ask_to_confirm(request, erasure.workspace, then="erase the person", back_to=erasure.get_absolute_url())
    try:
        if not erasure.confirm(by=request.user):
            messages.info(request, ALREADY)
    except Unsealable:
        messages.error(request, "Whom it is about cannot be read any more. Look for them again.")
    return redirect(erasure)


@require_POST
def discard_erasure(request: PersonRequest, workspace: str, pk: int) -> HttpResponse:
    erasure = access.administered_erasure(request, workspace, pk)
    if erasure.discard():
        messages.success(request, "Nothing was erased, and the address that you asked for is forgotten.")
    else:
        messages.info(request, ALREADY)
    return redirect("connections:privacy", workspace)
