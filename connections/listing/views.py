"""The lists of connections."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from connections.access import access
from connections.access.requests import PersonRequest
from connections.listing.forms import ChosenForm, FilterForm
from connections.listing.several import act_on

PAGE_SIZE = 25


@require_safe
def list(request: PersonRequest, workspace: str, source: str = "") -> HttpResponse:
    place = access.my_place(request, workspace)
    chosen = access.known_source(source) if source else None
    visible = access.visible_connections(request, place).filter(**{"source_key": source} if chosen else {})
    counts = access.tally(request, place, chosen)
    filters = FilterForm(request.GET, user=request.user)
    pages = Paginator(filters.narrow(visible).for_lines(), PAGE_SIZE)
    if not filters.is_narrowing:
        pages.count = counts["total"]  # It would be counted once more.
    page = pages.get_page(request.GET.get("page"))
    for connection in page:
        connection.workspace = place.workspace
    visible.add_late_streams(page)
    context = {
        "workspace": place.workspace,
        "source": chosen,
        "filters": filters,
        "page": page,
        **counts,
        "drafts": access.my_drafts(request, place),
        "query": query_without_page(request),
    }
    if chosen is None:
        context["somebody_is_needed"] = counts["needing"] > 0  # The header would ask the same.
    return render(request, "connections/listing/list.html", context)


@require_POST
def act_on_chosen(request: PersonRequest, workspace: str) -> HttpResponse:
    """One thing to several, from a list and back to it."""
    place = access.my_place(request, workspace)
    form = ChosenForm(request.POST, offered=access.visible_connections(request, place))
    if not form.is_valid():
        messages.error(request, "Nothing was done: choose at least one connection, then what to do with it.")
    else:
        for said in act_on(request, place, form.cleaned_data["act"], form.cleaned_data["chosen"]):
            messages.info(request, said)
    listed, back = place.workspace.get_absolute_url(), request.POST.get("back", "")
    is_ours = back.startswith(listed) and url_has_allowed_host_and_scheme(back, allowed_hosts=None)
    return redirect(back if is_ours else listed)


def query_without_page(request: PersonRequest) -> str:
    query = request.GET.copy()
    query.pop("page", None)
    return f"{query.urlencode()}&" if query else ""
