"""The pages and buttons about pulling: what is pulled and when, a sync now, how far it is, and its end."""

from datetime import timedelta
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from connections.access import access
from connections.access.requests import PersonRequest
from connections.models import Connection, Health, Pace, StreamRun, Sync
from connections.models.sync import AlreadyActive, Trigger
from connections.outlook import budget_in_use, remaining, sizes
from connections.planning import save_pulling
from connections.pulling_form import PullingForm, SyncNowForm

SHOWN_SYNCS = 5
SHOWN_ROWS = 5
MEND_IT_FIRST = (
    "Nothing was started: the connection needs action first. Enter another key, or press Test now once it is mended."
)
STOPPED = "The sync was stopped. What had come in stays; the next one reads unfinished streams from their beginning."
SETTLES_WITHIN = timedelta(seconds=2)  # A sync ends before what it means for the connection's health is written down.
STILL_COUNTS = timedelta(seconds=70)  # So long its calls are among those of the last minute.


@require_http_methods(["GET", "HEAD", "POST"])
def pulling(request: PersonRequest, workspace: str, source: str, pk: UUID) -> HttpResponse:
    """Streams, pace and schedule."""
    connection = access.manageable_connection(request, workspace, source, pk)
    if connection.source is None:
        messages.error(request, f"{connection.source_name} is no longer part of BlinkMetrics: nothing is pulled.")
        return redirect(connection)
    if request.method != "POST":
        return pulling_page(request, PullingForm(connection=connection))
    form = save_pulling(connection, request.POST, by=request.user)
    if not form.is_valid():
        return pulling_page(request, form)
    if form.conflicts:
        messages.error(request, "Nothing was saved yet: somebody else changed the same thing.")
        return pulling_page(request, form.shown_again(version=form.connection.version), status=409)
    messages.success(request, "Saved. It holds from the next sync on.")
    return redirect(connection)


def pulling_page(request: PersonRequest, form: PullingForm, status: int = 200) -> HttpResponse:
    connection = form.connection
    context = {"workspace": connection.workspace, "connection": connection, "form": form}
    return render(request, "connections/pulling.html", context, status=status)


@require_POST
def sync_now(request: PersonRequest, workspace: str, source: str, pk: UUID) -> HttpResponse:
    """At the connection's pace; who manages it may choose another for this once."""
    connection = access.visible_connection(request, workspace, source, pk)
    form = SyncNowForm(request.POST)
    if not form.is_valid():
        messages.error(request, "There is no such pace. Nothing was started.")
        return redirect(connection)
    pace = form.cleaned_data["pace"] or connection.pace
    if pace != connection.pace and not access.may_manage(request, connection):
        raise PermissionDenied("Only who created the connection, and admins, may choose its pace.")
    start(request, connection, pace)
    return redirect(connection)


def start(request: PersonRequest, connection: Connection, pace: str) -> None:
    if connection.is_paused:
        messages.error(request, "The connection is paused. Resume it first.")
        return
    if connection.needs_action and connection.key_mends_it:
        messages.error(request, MEND_IT_FIRST)
        return
    try:
        connection.syncs.queue(connection, trigger=Trigger.PERSON, by=request.user, pace=pace)
    except AlreadyActive as under_way:
        messages.info(request, str(under_way))
    else:
        messages.success(request, "The sync starts in a moment.", extra_tags="passing")


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
    return redirect(connection)


# What moves while a sync runs -------------------------------------------------------------------------------------


@require_safe
def progress(request: PersonRequest, workspace: str, source: str, pk: UUID) -> HttpResponse:
    """The part of the detail page that moves while a sync runs; the page asks for it again until it is done.

    What stands around it comes with it where the page, as it says, shows another state.
    """
    connection = access.visible_connection(request, workspace, source, pk)
    part = moving_part(request, connection)
    if request.GET.get("shown") != part["shown"]:
        part |= {"has_moved_on": True, "source": connection.source, "audience": connection.audience()}
    return render(request, "connections/_progress.html", part)


def moving_part(request: PersonRequest, connection: Connection) -> dict[str, object]:
    """What has come in so far, how far the sync is, and what the account bears meanwhile."""
    syncs = [*connection.syncs.newest_first()[:SHOWN_SYNCS]]
    latest = syncs[0] if syncs else None
    runs = [*latest.stream_runs.all()] if latest else []
    counts = connection.row_counts.by_stream()
    return {
        "workspace": connection.workspace,
        "connection": connection,
        "syncs": syncs,
        "latest": latest,
        "shown": f"{latest.number}-{latest.state_word}-{connection.health_word}" if latest else "",
        "next_look": next_look(latest) if latest else "",
        "may_manage": access.may_manage(request, connection),
        "may_stop": bool(latest and latest.is_active and access.may_stop(request, latest)),
        **pulled(connection, runs, counts),
        **calls(request, connection, latest, runs, counts),
    }


def next_look(latest: Sync) -> str:
    """When the page asks again, in htmx's words; empty once nothing moves any more."""
    if latest.finished_at is None:
        return "every 1s"
    ended_ago = timezone.now() - latest.finished_at
    if ended_ago < SETTLES_WITHIN:
        return "load delay:3s"
    return "load delay:70s" if ended_ago < STILL_COUNTS else ""


def pulled(connection: Connection, runs: list[StreamRun], counts: dict[str, int]) -> dict[str, object]:
    by_stream = {run.stream: run for run in runs}
    streams = [
        {"stream": stream, "count": counts.get(stream.key, 0), "run": by_stream.get(stream.key)}
        for stream in connection.streams
    ]
    filled = next((stream for stream in connection.streams if counts.get(stream.key)), None)
    return {
        "streams": streams,
        "newest_stream": filled,
        "newest": connection.records.newest_of(filled, SHOWN_ROWS) if filled else [],
    }


def calls(
    request: PersonRequest,
    connection: Connection,
    latest: Sync | None,
    runs: list[StreamRun],
    counts: dict[str, int],
) -> dict[str, object]:
    """The account's budget, and at that rate the time that the sync still needs."""
    if connection.source is None or not connection.is_proven:
        return {}  # Who merely knows an address is not told what others do there.
    running = latest if latest and latest.is_running else None
    pace = running.pace if running else connection.pace
    budget = budget_in_use(connection.source, access.budget_of(connection), pace, running)
    sharers = access.sharers(request, connection)
    found: dict[str, object] = {"budget": budget, "pace": Pace(pace), "sharers": sharers}
    if running:
        side_by_side = 1 + sum(sharer.health_word == Health.SYNCING.label for sharer in sharers)
        counted = sizes(connection, counts)
        found["left"] = remaining(running, runs, counted, rate=budget.granted / side_by_side, pause=budget.pause)
    return found
