"""The pages and buttons about pulling: what is pulled and when, a sync now, how far it is, its end, and the history."""

from collections.abc import Iterator
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Sum
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.template.defaultfilters import pluralize
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from connections.access import access
from connections.access.requests import PersonRequest
from connections.checking.watching import is_worker_missing
from connections.frame.moving_part import by_stream, calls, moving_part, strip
from connections.frame.tabs import pressed_on, tab_named
from connections.models import Connection, StreamRun
from connections.models.hidden_address import show
from connections.models.sync import AlreadyActive, Trigger
from connections.safe.sealing import Unsealable
from connections.syncing.announcing import announced
from connections.syncing.deciding import clear, clear_stream, decide
from connections.syncing.forms import DecideForm, HistoryForm, PullingForm, ReadAgainForm, SyncNowForm
from connections.syncing.planning import save_pulling

PAGE_SIZE = 50
MOST_UNKEPT = 40  # Rows that could not be kept, with what is known of them; the page is asked for each second.
MEND_IT_FIRST = (
    "Nothing was started: the connection needs action first. Enter another key, or press Test now once it is mended."
)
STOPPED = "The sync was stopped. What had come in stays; the next one reads what was not finished from its beginning."


@require_http_methods(["GET", "HEAD", "POST"])
def pulling(request: PersonRequest, workspace: str, source: str, pk: UUID) -> HttpResponse:
    """Streams, pace and schedule. A link with `open` leads to one of the streams, whose group is then unfolded."""
    connection = access.manageable_connection(request, workspace, source, pk)
    if connection.source is None:
        messages.error(request, f"{connection.source_name} is no longer part of BlinkMetrics: nothing is synced.")
        return redirect(connection)
    if request.method != "POST":
        return pulling_page(request, PullingForm(connection=connection))
    form = save_pulling(connection, lambda row: PullingForm(request.POST, connection=row), by=request.user)
    if not form.is_valid():
        return pulling_page(request, form)
    if form.conflicts:
        messages.error(request, "Nothing was saved yet: somebody else changed the same thing.")
        return pulling_page(request, form.shown_again(version=form.connection.version), status=409)
    messages.success(request, "Saved. The schedule holds at once, data and pace from the next sync on.")
    return redirect(connection)


def pulling_page(request: PersonRequest, form: PullingForm, status: int = 200) -> HttpResponse:
    connection = form.connection
    opened = request.GET.get("open", "")
    context = {"workspace": connection.workspace, "connection": connection, "form": form, "opened": opened}
    return render(request, "connections/syncing/pulling.html", context, status=status)


@require_POST
def sync_now(request: PersonRequest, workspace: str, source: str, pk: UUID) -> HttpResponse:
    """At the connection's pace; who manages it may choose another for this once."""
    connection = access.visible_connection(request, workspace, source, pk)
    form = SyncNowForm(request.POST)
    if not form.is_valid():
        messages.error(request, "There is no such pace. Nothing was started.")
        return redirect(connection)
    pace = form.cleaned_data["pace"] or connection.pace
    if pace != connection.pace and not connection.may_manage:
        raise PermissionDenied("Only who created the connection, and admins, may choose its pace.")
    start(request, connection, pace)
    return redirect(pressed_on(request, connection))


def start(
    request: PersonRequest, connection: Connection, pace: str, *, full: bool = False, only: list[str] | None = None
) -> None:
    if connection.is_paused:
        messages.error(request, "The connection is paused. Resume it first.")
        return
    if connection.stands_still:
        messages.error(request, MEND_IT_FIRST)
        return
    try:
        connection.syncs.queue(connection, trigger=Trigger.PERSON, by=request.user, pace=pace, full=full, only=only)
    except AlreadyActive as under_way:
        messages.info(request, str(under_way))
    else:
        messages.success(request, "The sync starts in a moment.", extra_tags="passing")


@require_POST
def read_again(request: PersonRequest, workspace: str, source: str, pk: UUID) -> HttpResponse:
    """Everything of one stream, or of all, and not changes alone: what is gone is found out by this."""
    connection = access.manageable_connection(request, workspace, source, pk)
    form = ReadAgainForm(request.POST, connection=connection)
    if not form.is_valid():
        messages.error(request, "That is not synced. Nothing was started.")
        return redirect(connection)
    stream = form.cleaned_data["stream"]
    start(request, connection, connection.pace, full=True, only=[stream] if stream else [])
    return redirect(connection)


@require_POST
def decide_missing(request: PersonRequest, workspace: str, source: str, pk: UUID) -> HttpResponse:
    """Whether rows that were not found are gone, which nothing has proven."""
    connection = access.manageable_connection(request, workspace, source, pk)
    form = DecideForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Choose one of the two. Nothing was changed.")
        return redirect(connection)
    are_gone = form.cleaned_data["decision"] == "gone"
    marked = decide(connection, form.cleaned_data["stream"], are_gone=are_gone, by=request.user)
    if marked is None:
        messages.info(request, "There is nothing to decide any more.")
    elif are_gone:
        messages.success(request, f"{marked:,} row{pluralize(marked, ' is,s are')} marked as deleted.")
    else:
        messages.success(request, "They are kept. You are asked again when more are missing.")
    return redirect(connection)


@require_http_methods(["GET", "HEAD", "POST"])
def clear_data(request: PersonRequest, workspace: str, source: str, pk: UUID) -> HttpResponse:
    """All of it, or one `stream`. GET asks first."""
    connection = access.manageable_connection(request, workspace, source, pk)
    named = request.POST.get("stream") or request.GET.get("stream")
    stream = access.offered_stream(connection, named) if named else None
    if request.method != "POST":
        counts = connection.row_counts.by_stream()
        records = counts.get(stream.key, 0) if stream else sum(counts.values())
        context = {"workspace": connection.workspace, "connection": connection, "records": records, "stream": stream}
        return render(request, "connections/syncing/clear.html", context)
    if stream:
        clear_stream(connection, stream, by=request.user)
    else:
        clear(connection, by=request.user)
    messages.success(request, "The data was cleared. The next sync reads it anew.")
    return redirect(connection)


@require_POST
def cancel(request: PersonRequest, workspace: str, source: str, pk: UUID, number: int) -> HttpResponse:
    """Who manages the connection may stop any of its syncs, everybody else those that they asked for."""
    connection = access.visible_connection(request, workspace, source, pk)
    sync = access.visible_sync(connection, number)
    if not access.may_stop(request, sync):
        raise PermissionDenied("Only who asked for this sync, and those who manage the connection, may stop it.")
    if connection.stop_sync(number, by=request.user):
        messages.success(request, STOPPED)
    else:
        messages.info(request, "That sync had already ended.")
    return redirect(pressed_on(request, connection))


@require_safe
def progress(request: PersonRequest, workspace: str, source: str, pk: UUID) -> HttpResponse:
    """The part of the detail page that moves while a sync runs; the page asks for it again until it is done.

    What stands around it comes with it where the page, as it says, shows another state.
    """
    connection = access.visible_connection(request, workspace, source, pk)
    is_strip = request.GET.get("part") == "strip"
    part = strip(request, connection) if is_strip else moving_part(request, connection)
    part |= {"has_moved_on": request.GET.get("shown") != part["shown"], "here": tab_named(request.GET.get("tab"))}
    template = "connections/frame/_strip_moved.html" if is_strip else "connections/frame/_progress.html"
    return render(request, template, part)


@require_safe
def syncs(request: PersonRequest, workspace: str, source: str, pk: UUID) -> HttpResponse:
    connection = access.visible_connection(request, workspace, source, pk)
    part, latest = strip(request, connection), connection.syncs.newest_first().first()
    part |= {"streams": by_stream(connection, latest), **calls(request, connection, latest)}
    if request.htmx:  # The page asks for its moving part at the same address.
        part |= {"has_moved_on": request.GET.get("shown") != part["shown"]}
        return render(request, "connections/syncing/_by_stream.html", part)
    form = HistoryForm(request.GET)
    found = form.narrow(connection.syncs.newest_first()).with_rows()
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    query = f"show={form.cleaned_data['show']}&" if form.is_narrowing else ""
    return render(request, "connections/syncing/syncs.html", {**part, "form": form, "page": page, "query": query})


@require_safe
def sync(request: PersonRequest, workspace: str, source: str, pk: UUID, number: int) -> HttpResponse:
    connection = access.visible_connection(request, workspace, source, pk)
    run = access.visible_sync(connection, number)
    names = {stream.key: stream.name for stream in connection.source.streams} if connection.source else {}
    counts = connection.row_counts.by_stream()
    runs, left = [], MOST_UNKEPT
    for of in run.stream_runs.all():
        unkept = unkept_of(of, connection)[:left]
        left -= len(unkept)
        named = {
            "is_offered": of.stream in names,
            "name": names.get(of.stream, of.stream),
            "held": counts.get(of.stream, 0),
            "unkept": unkept,
        }
        beside = [*beside_of(of, parent=names.get(of.along, of.along), held=named["held"])]
        runs.append({"run": of, "beside": beside, **named})
    saved = run.stream_runs.aggregate(calls=Sum("calls_saved", default=0))["calls"]
    # The page asks for its moving part at the same address.
    template = "connections/syncing/_sync.html" if "HX-Request" in request.headers else "connections/syncing/sync.html"
    context = {"workspace": connection.workspace, "connection": connection, "sync": run, "runs": runs, "saved": saved}
    context["announced"] = announced(run) if run.started_at else []
    is_unattended = run.is_active and is_worker_missing(connection)
    return render(request, template, {**context, "is_unattended": is_unattended})


def beside_of(run: StreamRun, *, parent: str, held: int) -> Iterator[str]:
    """With what its rows came, what a whole walk has found that nothing had told of before, and what was left out."""
    if parent:
        yield f"along with {parent.lower()}"
    if run.missed is not None:
        yield f"the refreshes before had missed {run.missed:,} of {held:,}"
    if run.left_out:
        yield f"{run.left_out:,} row{pluralize(run.left_out)} left out: erased at request"


def unkept_of(run: StreamRun, connection: Connection) -> list[dict[str, str]]:
    """The rows that could not be kept, as far as they go, with the account's address in its place again."""
    try:
        address = connection.address()
    except Unsealable:
        address = "…"
    return [{**one, "excerpt": show(one["excerpt"], address)} for one in run.unkept]
