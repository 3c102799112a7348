"""The numbers of a connection, and one of them."""

from datetime import date, datetime
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_POST, require_safe

from connections.access import access, at_home
from connections.access.requests import PersonRequest
from connections.checking.patience import of_a_person
from connections.checking.trying import counted_try
from connections.figures.figure import Figure
from connections.figures.figures import available, figures
from connections.figures.kept import first_day
from connections.figures.proving import prove, was_told_whole
from connections.frame.moving_part import strip
from connections.models import Connection
from connections.numbers.forms import PeriodForm
from connections.numbers.newer import asks_for_newer, newer, state_of
from connections.numbers.parts import MOST_PARTS, table_of
from connections.numbers.places import marks_of, way_back
from connections.numbers.tiles import Tile, picture_of, topics_of
from sources.errors import SourceError
from sources.spec import Breakdown, Definition


def period_form(request: PersonRequest, connection: Connection, offered: list[Definition]) -> PeriodForm:
    today = timezone.now().astimezone(connection.workspace.zone).date()
    breakdowns: dict[str, Breakdown] = {one.key: one for definition in offered for one in definition.breakdowns}
    return PeriodForm(
        request.GET,
        today=today,
        breakdowns=breakdowns.values(),
        first_day=lambda: first_day([connection]),
    )


def tiles_of(request: PersonRequest, connection: Connection, found: list[Figure], form: PeriodForm) -> list[Tile]:
    pins = {
        (pin.number, pin.currency): pin
        for pin in at_home.pins_of(request, connection)
        if (pin.by, pin.group) == (form.cut_by if form.narrowed_to else "", form.narrowed_to)
    }
    return [
        Tile(figure=one, connection=connection, query=form.query, pin=pins.get((one.definition.key, one.currency)))
        for one in found
    ]


@require_safe
def numbers(request: PersonRequest, workspace: str, source: str, pk: UUID) -> HttpResponse:
    connection = access.visible_connection(request, workspace, source, pk)
    if asks_for_newer(request):
        return newer(request, [connection])
    state = state_of([connection])
    form = period_form(request, connection, available(connection))
    drawn = [keys[0] for keys in connection.known_source().pictures.lines]
    found = figures(connection, form.asked, compares=form.compares, drawn_before=drawn, **form.cut)
    marks = marks_of(request, connection, form.asked, days_of(found))
    tiles = tiles_of(request, connection, found, form)
    context = {
        **strip(request, connection),
        **state,
        "form": form,
        "topics": topics_of(connection, tiles, form, marks=marks),
        "group_name": group_name(connection, found, form),
        "is_recounted": any(one.zone != connection.workspace.timezone for one in found),
        "as_of": min((one.as_of for one in found if one.as_of), default=None),
    }
    return render(request, "connections/numbers/numbers.html", context)


@require_safe
def number(request: PersonRequest, workspace: str, source: str, pk: UUID, number: str) -> HttpResponse:
    """One number, of each currency: its curve, its parts, and what proves it."""
    connection = access.visible_connection(request, workspace, source, pk)
    definition = offered_number(connection, number)
    if asks_for_newer(request):
        return newer(request, [connection])
    state = state_of([connection])
    form = period_form(request, connection, [definition])
    found = figures(connection, form.asked, keys=[number], compares=form.compares, drawn_before=[number], **form.cut)
    marks = marks_of(request, connection, form.asked, days_of(found))
    shown = [
        {
            "tile": tile,
            "picture": picture_of([tile.figure], form.asked, marks=marks),
            "cut_name": f"Broken down {tile.figure.currency}".strip(),
            "table": table_of(
                [tile.figure],
                lambda group: form.address(group=group),
                source_name=connection.source_name,
                most=MOST_PARTS,
            ),
        }
        for tile in tiles_of(request, connection, found, form)
    ]
    context = {
        **state,
        "workspace": connection.workspace,
        "connection": connection,
        "definition": definition,
        "form": form,
        "group_name": group_name(connection, found, form),
        "shown": shown,
    }
    return render(request, "connections/numbers/number.html", context)


@require_POST
def check_number(request: PersonRequest, workspace: str, source: str, pk: UUID, number: str) -> HttpResponse:
    """Ask the account what it says, now."""
    connection = access.visible_connection(request, workspace, source, pk)
    definition = offered_number(connection, number)
    asked_at = timezone.now()
    by, group = (request.POST.get(name, "").replace("\x00", "")[:64] for name in ("by", "group"))
    try:
        with counted_try(connection.account_fingerprint, by=request.user, workspace=connection.workspace):
            prove(connection, patience=of_a_person(), keys=[definition.key], by=by, group=group)
    except SourceError as failure:
        messages.error(request, str(failure))
    else:
        if not group and (apart := told_apart_by(connection, definition, asked_at)):
            where = f"{connection.url('numbers')}{definition.key}/?by={apart.key}"
            words = (
                '{} was asked. It has no figure for all together: what it says stands <a href="{}">beside each {}</a>.'
            )
            messages.info(request, format_html(words, connection.source_name, where, apart.label.lower()))
    return redirect(way_back(request, connection.workspace, otherwise=connection.url("numbers")))


def told_apart_by(connection: Connection, one: Definition, asked_at: datetime) -> Breakdown | None:
    """By what the account, which was asked, tells its figures apart, where it has none for all."""
    has_whole = was_told_whole(connection, one, since=asked_at)
    return None if has_whole else one.breakdown(next((ask.by for ask in one.asks), ""))


def offered_number(connection: Connection, key: str) -> Definition:
    found = next((one for one in available(connection) if one.key == key), None)
    if found is None:
        raise Http404("This connection has no such number.")
    return found


def days_of(found: list[Figure]) -> list[date]:
    """The first day of each step."""
    return [one.day for one in next((figure.series for figure in found if figure.series), ())]


def group_name(connection: Connection, found: list[Figure], form: PeriodForm) -> str:
    """Of the group that the page is narrowed to, also where there is none of it in these days."""
    group = form.narrowed_to
    named = next((part.name for one in found if (part := one.parts.of(group))), "")
    breakdown = next((cut for one in found if (cut := one.definition.breakdown(form.cut_by))), None)
    of = connection.known_source().stream(breakdown.of) if group and not named and breakdown else None
    return named or (connection.records.names(of, [group]).get(group, "") if of else "") or group
