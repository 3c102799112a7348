"""Home: what needs me, how fresh all is, and the numbers that I pinned; and the sample account to look around in."""

from collections.abc import Sequence

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from connections.access import access, at_home
from connections.access.requests import PersonRequest
from connections.figures.kept import first_day
from connections.models import Connection, Pin
from connections.models.connection_query import Order
from connections.models.pin import MOST_PINS
from connections.numbers.forms import PeriodForm
from connections.numbers.looking_around import look_around as make_sample
from connections.numbers.looking_around import sampled_source
from connections.numbers.newer import asks_for_newer, newer, state_of
from connections.numbers.tiles import Tile, leading
from connections.numbers.tiles import pinned as tiles_of_pins

ENOUGH_PINS = 6  # Up to these, others are offered.
SHOWN_NEEDING = 5
SHOWN_CONNECTIONS = 8


@require_safe
def root(request: PersonRequest) -> HttpResponse:
    """To where I was last: its Home, or its Connections while nothing is connected."""
    workspace = access.my_workspaces(request).first()
    if workspace is None:
        return render(request, "connections/numbers/no_workspace.html")
    return redirect(
        "connections:home" if at_home.has_connections(request, workspace) else "connections:list", workspace.slug
    )


@require_safe
def home(request: PersonRequest, workspace: str) -> HttpResponse:
    place = access.my_place(request, workspace)
    fresh = at_home.freshness(request, place)
    context: dict[str, object] = {"workspace": place.workspace, "fresh": fresh}
    if not fresh.total:
        context |= {"sampled": sampled_source(), "drafts": access.my_drafts(request, place)}
        return render(request, "connections/numbers/nothing_yet.html", context)
    visible = access.visible_connections(request, place)
    newest = visible.in_order(Order.NEWEST).first()
    pins = [*at_home.my_pins(request, place)[:MOST_PINS]]
    followed = {pin.connection for pin in pins} | ({newest} if newest else set())
    if asks_for_newer(request):
        return newer(request, followed)
    state = state_of(followed)
    form = PeriodForm(
        request.GET,
        today=timezone.now().astimezone(place.workspace.zone).date(),
        first_day=lambda: first_day(visible.order_by()),
    )
    tiles = tiles_of_pins(pins, form)
    met = [tile for tile in tiles if tile.pin and tile.pin.met_since]
    needing = at_home.needing_me(request, place)
    context |= {
        **state,
        "form": form,
        "tiles": tiles,
        "suggested": suggested(newest, pins, form) if len(pins) < ENOUGH_PINS else [],
        "newest": newest,
        "met": met,
        "needing": needing[:SHOWN_NEEDING],
        "needs_count": len(met) + needing.count(),
        "drafts": access.my_drafts(request, place),
        "connections": visible.in_order(Order.OLDEST_SYNC)[:SHOWN_CONNECTIONS],
        "sample": at_home.my_samples(request, place).first(),
    }
    return render(request, "connections/numbers/home.html", context)


def suggested(connection: Connection | None, pins: Sequence[Pin], form: PeriodForm) -> list[Tile]:
    """What its source leads with, of the newest connection, as far as it is not pinned."""
    has = {(pin.number, pin.currency) for pin in pins if connection and pin.connection_id == connection.pk}
    tiles = leading(connection, form)
    return [one for one in tiles if (one.figure.definition.key, one.figure.currency) not in has]


@require_POST
def look_around(request: PersonRequest, workspace: str) -> HttpResponse:
    place = access.my_place(request, workspace)
    source = sampled_source()
    if source is None:
        messages.error(request, "There is no sample data to look at.")
        return redirect("connections:home", workspace)
    sample = make_sample(place.workspace, source, by=request.user)
    messages.success(request, "This is sample data, which only you see. Its numbers are there in a moment.")
    return redirect(f"{sample.url('numbers')}")


@require_POST
def remove_sample(request: PersonRequest, workspace: str) -> HttpResponse:
    at_home.my_sample(request, workspace).remove(by=request.user)
    messages.success(request, "The sample data is gone.")
    return redirect("connections:home", workspace)
