"""The stepper: three plain views over one draft row. The row is the state; the session holds nothing of it."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST

from connections.access.access import (
    Place,
    budget_of,
    known_source,
    my_check,
    my_draft,
    my_drafts,
    my_place,
    visible_connections,
)
from connections.access.requests import PersonRequest
from connections.forms.credentials import typed_into
from connections.forms.details import TeamLost, form_for
from connections.frame.just_saved import note_saved
from connections.frame.live_check import UNTESTED, end_check, go_on_in_a_worker, polled, what_was_posted
from connections.frame.outlook import estimates
from connections.models import Connection, StreamRun
from connections.safe.sealing import Unsealable
from connections.stepper import setting_up
from connections.stepper.forms import ChooseSource, FinishForm, SetUpForm
from connections.stepper.setting_up import NoLongerADraft, SetUpChanged, activate, keep_typed
from sources.errors import SourceError, TooSlow
from sources.registry import offered_sources

STEPS = ("Select Source", "Set Up Credentials", "Finish")
SEARCHABLE = 6  # More cards than this need a search box.


@require_http_methods(["GET", "HEAD", "POST"])
def add(request: PersonRequest, workspace: str) -> HttpResponse:
    """Step 1, Select Source."""
    place = my_place(request, workspace)
    form = ChooseSource(posted(request))
    if request.method == "POST" and form.is_valid():
        source = known_source(form.cleaned_data["source"])
        draft = setting_up.begin(place.workspace, source, by=request.user)
        tell_dropped(request, setting_up.drop_oldest(by=request.user))
        return redirect(draft.url("set_up"))
    return render(request, "connections/stepper/add.html", {**step(place, 1), **choices(request, place), "form": form})


def tell_dropped(request: PersonRequest, drafts: list[Connection]) -> None:
    for draft in drafts:
        named = f", “{draft.typed_name}”," if draft.typed_name else ""
        messages.info(
            request, f"Your oldest unfinished set-up{named} was discarded: at most {setting_up.MOST_DRAFTS} are kept."
        )


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
@require_http_methods(["GET", "HEAD", "POST"])
def set_up(request: PersonRequest, workspace: str, source: str, pk: UUID) -> HttpResponse:
    """Step 2, Set Up Credentials."""
    draft = my_draft(request, workspace, source, pk)
    if not draft.is_draft:
        return already_finished(request, draft)
    place = my_place(request, workspace)
    if not is_offered(draft):
        return render(request, "connections/stepper/source_off.html", {**step(place, 2, draft), "draft": draft})
    if request.method == "POST":
        return try_set_up(request, draft, place)
    if request.htmx:
        return polled(request, draft, untested=untested_word(draft))
    return set_up_page(request, draft, place, set_up_form(request, draft, place), live_check=my_check(request, draft))


@sensitive_variables()
def try_set_up(request: PersonRequest, draft: Connection, place: Place) -> HttpResponse:
    data = what_was_posted(request, draft)
    if data is None:
        return redirect(draft.url("set_up"))
    form = set_up_form(request, draft, place, data)
    try:
        if not accept(draft, form, request):
            end_check(request, draft)
            return set_up_page(request, draft, place, form)
    except TooSlow:
        go_on_in_a_worker(request, draft, data, form.credentials())
    except NoLongerADraft:
        pass
    else:
        end_check(request, draft)
        return redirect(draft.url("finish"))
    # This page as it is now says what became of the set-up.
    return redirect(draft.url("set_up"))


def set_up_form(request: PersonRequest, draft: Connection, place: Place, data: QueryDict | None = None) -> SetUpForm:
    typed = draft.typed_values()
    form: SetUpForm = form_for(SetUpForm, draft.source_key)(
        data, initial=typed, draft=draft, user=request.user, workspace=place.workspace
    )
    return form


def set_up_page(
    request: PersonRequest, draft: Connection, place: Place, form: SetUpForm, **more: object
) -> HttpResponse:
    context = {**step(place, 2, draft), "form": form, "draft": draft, "untested": untested_word(draft), **more}
    return render(request, "connections/stepper/set_up.html", context, status=form.refusal_status)


def untested_word(draft: Connection) -> str:
    """Of a key that was sent off, saving without testing is offered while its answer is waited for."""
    return UNTESTED if draft.checked_at else ""


def already_finished(request: PersonRequest, connection: Connection) -> HttpResponse:
    if request.method == "POST":
        messages.info(request, "This set-up is already finished: what you sent just now was not saved. Edit it here.")
    return redirect(connection)


def is_offered(draft: Connection) -> bool:
    return draft.source in offered_sources()


def accept(draft: Connection, form: SetUpForm, request: PersonRequest) -> bool:
    """Keep and try what was typed. False shows the form again, with the reason at the field at fault.

    Raises TooSlow when the person has waited for long enough, and NoLongerADraft.
    """
    is_complete = form.is_valid()
    keep_typed(draft, form.typed())
    if not is_complete:
        keep_right_key(draft, form, request)
        return False
    for note in form.cleaning_words():
        messages.info(request, note)
    try:
        setting_up.set_up(draft, form, by=request.user, untested_will_do=UNTESTED in request.POST)
    except Unsealable:
        form.ask_for_key()
        return False
    except TooSlow:
        raise
    except SourceError as failure:
        form.refuse(failure)
        return False
    return True


def keep_right_key(draft: Connection, form: SetUpForm, request: PersonRequest) -> None:
    """Raises NoLongerADraft."""
    if not form.has_new_key:
        form.ask_to_paste_again()
        return
    try:
        setting_up.keep_right_key(draft, form.credentials(), by=request.user)
    except SourceError as failure:
        form.refuse(failure)
    else:
        form.show_key_hint()


@require_POST
def keep(request: PersonRequest, workspace: str, source: str, pk: UUID) -> HttpResponse:
    """What is being typed into step 2, sent by a script: a closed tab or an ended session then loses none of it."""
    draft = my_draft(request, workspace, source, pk)
    try:
        keep_typed(draft, typed_into(request.POST))
    except NoLongerADraft:
        return HttpResponse(status=410)
    return HttpResponse(status=204)


@require_POST
def discard(request: PersonRequest, workspace: str, source: str, pk: UUID) -> HttpResponse:
    draft = my_draft(request, workspace, source, pk)
    if not draft.is_draft:
        return redirect(draft)
    try:
        setting_up.discard(draft)
    except NoLongerADraft:
        return redirect(draft.url("set_up"))
    messages.success(request, "The unfinished set-up was discarded.")
    return redirect("connections:add", workspace)


@require_http_methods(["GET", "HEAD", "POST"])
def finish(request: PersonRequest, workspace: str, source: str, pk: UUID) -> HttpResponse:
    """Step 3, Finish."""
    draft = my_draft(request, workspace, source, pk)
    if not draft.is_draft:
        return redirect(draft)
    place = my_place(request, workspace)
    if not draft.set_up_at or not draft.is_readable or not is_offered(draft):
        return redirect(draft.url("set_up"))
    form = FinishForm(posted(request), draft=draft, user=request.user, workspace=place.workspace)
    if request.method == "POST" and form.is_valid() and (concluded := conclude(request, draft, form)):
        return concluded
    return render(
        request,
        "connections/stepper/finish.html",
        {**step(place, 3, draft), **summary(request, place, draft), "form": form},
    )


def conclude(request: PersonRequest, draft: Connection, form: FinishForm) -> HttpResponse | None:
    """None shows the form again, with the reason at its field."""
    try:
        activate(draft, form, by=request.user)
    except SetUpChanged:
        messages.warning(request, "The set-up changed since this page was shown. Check it once more, then save it.")
        return redirect(draft.url("finish"))
    except TeamLost as lost:
        form.add_error("team", str(lost))
        return None
    except NoLongerADraft:
        return redirect(draft.url("set_up"))
    note_saved(request, draft)
    said = f"Connection saved: {draft.name}. Its first rows are arriving."
    messages.success(request, said, extra_tags="leads-to-data")
    return redirect(draft)


def summary(request: PersonRequest, place: Place, draft: Connection) -> dict[str, object]:
    totals = {**draft.account_facts.get("totals", {}), **draft.account_facts.get("counts", {})}
    offered = [one for one in draft.known_source().default_streams if one.key not in draft.refused]
    streams = [{"name": one.name, "rows": totals.get(one.key)} for one in offered]
    twins = visible_connections(request, place).same_account(draft)
    return {
        "draft": draft,
        "streams": streams,
        "not_offered": not_offered_words(draft),
        "estimates": estimates(draft, budget_of(draft)),
        "twins": twins,
    }


def not_offered_words(draft: Connection) -> str:
    """“Deals and Pipelines are not in this plan.”"""
    streams = draft.streams_among(draft.refused)
    refused = [StreamRun(stream=stream.key, reason=draft.refused[stream.key]) for stream in streams]
    return draft.in_short(refused, most=len(refused))


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
