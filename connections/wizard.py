"""The stepper: three plain views over one draft row. The row is the state; the session holds nothing of it."""

from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST

from connections.access import Place, known_source, my_draft, my_drafts, my_place, my_teams, visible_connections
from connections.checking import ask
from connections.forms import ChooseSource, FinishForm, SetUpForm, form_for
from connections.models import Connection, Privacy, Sync, User
from connections.models.sync import Trigger
from connections.outlook import estimates
from connections.requests import PersonRequest
from connections.sealing import Unsealable
from sources.errors import SourceError, TemporarilyDown
from sources.registry import offered_sources
from sources.spec import Credentials, Proof

STEPS = ("Select Source", "Set Up Credentials", "Finish")
SEARCHABLE = 6  # More cards than this need a search box.


@require_http_methods(["GET", "POST"])
def add(request: PersonRequest, workspace: str) -> HttpResponse:
    """Step 1, Select Source."""
    place = my_place(request, workspace)
    form = ChooseSource(posted(request))
    if request.method == "POST" and form.is_valid():
        source = known_source(form.cleaned_data["source"])
        draft = Connection.objects.take_up_draft(workspace=place.workspace, user=request.user, source=source)
        return redirect(draft.url("set_up"))
    return render(request, "connections/add.html", {**step(place, 1), **choices(request, place), "form": form})


def posted(request: PersonRequest) -> QueryDict | None:
    """None binds no form; an empty POST does bind one, and is refused by it."""
    return request.POST if request.method == "POST" else None


def choices(request: PersonRequest, place: Place) -> dict[str, object]:
    offered = offered_sources()
    query = request.GET.get("q", "").strip()
    shown = [source for source in offered if query.casefold() in f"{source.name} {source.tagline}".casefold()]
    return {
        "sources": shown,
        "query": query,
        "is_searchable": len(offered) > SEARCHABLE,
        "drafts": my_drafts(request, place),
    }


@sensitive_post_parameters("api_key")
@require_http_methods(["GET", "POST"])
def set_up(request: PersonRequest, workspace: str, source: str, pk: UUID) -> HttpResponse:
    """Step 2, Set Up Credentials."""
    draft = my_draft(request, workspace, source, pk)
    if not draft.is_draft:
        return redirect(draft)
    place = my_place(request, workspace)
    if not is_offered(draft):
        return render(request, "connections/source_off.html", {**step(place, 2, draft), "draft": draft})
    form = form_for(SetUpForm, source)(
        posted(request), initial=draft.typed_values(), draft=draft, user=request.user, workspace=place.workspace
    )
    if request.method == "POST" and accept(draft, form, request):
        return redirect(draft.url("finish"))
    return render(request, "connections/set_up.html", {**step(place, 2, draft), "form": form, "draft": draft})


def is_offered(draft: Connection) -> bool:
    return draft.source in offered_sources()


@sensitive_variables("credentials")
def accept(draft: Connection, form: SetUpForm, request: PersonRequest) -> bool:
    """Try what was typed. All of it is kept, but a key that was refused; False shows the form again."""
    draft.remember_typed(form.typed())
    if not form.is_valid():
        return False
    try:
        credentials = form.credentials()
        proof = prove(draft, credentials, untested_will_do="save_unverified" in request.POST)
    except Unsealable:
        form.add_error("api_key", "The stored key cannot be read any more. Enter the key again.")
        return False
    except SourceError as failure:
        form.refuse(failure)
        if isinstance(failure, TemporarilyDown):
            draft.hold_key(credentials, by=request.user)
        return False
    name, privacy, team = (form.cleaned_data[field] for field in ("name", "privacy", "team"))
    draft.set_up(credentials, proof, name=name, privacy=privacy, team=team, by=request.user)
    for note in form.cleaning_notes.values():
        messages.info(request, note)
    return True


def prove(draft: Connection, credentials: Credentials, *, untested_will_do: bool) -> Proof | None:
    """Ask the account, unless it could not be asked a moment ago and the person goes on without."""
    if untested_will_do and draft.holds_untested(credentials):
        return None
    return ask(draft.known_source(), credentials)


@require_POST
def discard(request: PersonRequest, workspace: str, source: str, pk: UUID) -> HttpResponse:
    draft = my_draft(request, workspace, source, pk)
    if not draft.is_draft:
        return redirect(draft)
    draft.delete()
    messages.success(request, "The unfinished set-up was discarded.")
    return redirect("connections:add", workspace)


@require_http_methods(["GET", "POST"])
def finish(request: PersonRequest, workspace: str, source: str, pk: UUID) -> HttpResponse:
    """Step 3, Finish."""
    draft = my_draft(request, workspace, source, pk)
    if not draft.is_draft:
        return redirect(draft)
    place = my_place(request, workspace)
    if not draft.set_up_at or not is_offered(draft):
        return redirect(draft.url("set_up"))
    form = FinishForm(posted(request), initial={"version": draft.version})
    if request.method == "POST" and form.is_valid():
        return conclude(request, draft, place, form)
    return render(
        request, "connections/finish.html", {**step(place, 3, draft), **summary(request, place, draft), "form": form}
    )


def conclude(request: PersonRequest, draft: Connection, place: Place, form: FinishForm) -> HttpResponse:
    seen = form.cleaned_data["version"]
    if seen is not None and seen != draft.version:
        messages.warning(request, "The set-up changed since this page was shown. Check it once more, then finish.")
        return redirect(draft.url("finish"))
    if draft.privacy == Privacy.TEAM and draft.team not in my_teams(request, place):
        messages.error(request, "You are no longer in that team. Choose again who may use the connection.")
        return redirect(draft.url("set_up"))
    if activate_once(draft, pace=form.cleaned_data["pace"], by=request.user):
        messages.success(request, f"Connection created: {draft.name}. Its data is on the way.")
    return redirect(draft)


@transaction.atomic
def activate_once(draft: Connection, *, pace: str, by: User) -> bool:
    """False when another click was first."""
    row = Connection.objects.select_for_update().get(pk=draft.pk)
    if not row.is_draft:
        return False
    row.activate(pace=pace, by=by)
    Sync.objects.queue(row, trigger=Trigger.FIRST, by=by)
    return True


def summary(request: PersonRequest, place: Place, draft: Connection) -> dict[str, object]:
    streams = draft.known_source().default_streams
    twins = visible_connections(request, place).same_account(draft)
    return {
        "draft": draft,
        "audience": draft.audience(),
        "streams": streams,
        "estimates": estimates(draft),
        "twins": twins,
    }


def step(place: Place, number: int, draft: Connection | None = None) -> dict[str, object]:
    """What the stepper shows: which steps are done (links), which is current."""
    links = ["", "", ""]
    if draft:
        links = [
            f"{place.workspace.get_absolute_url()}add/",
            draft.url("set_up"),
            draft.url("finish") if draft.set_up_at else "",
        ]
    steps = [
        {
            "name": name,
            "number": place_in_row,
            "url": links[place_in_row - 1],
            "is_done": place_in_row < number,
            "is_current": place_in_row == number,
        }
        for place_in_row, name in enumerate(STEPS, start=1)
    ]
    return {"workspace": place.workspace, "steps": steps, "step_number": number}
