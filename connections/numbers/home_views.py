"""Home: what needs me, how fresh all is, and the numbers that I pinned; and the sample account to look around in."""

from collections.abc import Sequence

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from connections.access import access, at_home
from connections.access.access import Place
from connections.access.requests import PersonRequest
from connections.figures.kept import first_day
from connections.models import Connection, Pin
from connections.models.connection_query import Order
from connections.numbers.forms import PeriodForm, PinForm
from connections.numbers.looking_around import look_around as make_sample
from connections.numbers.looking_around import sampled_source
from connections.numbers.newer import asks_for_newer, newer, state_of
from connections.numbers.places import way_back
from connections.numbers.tiles import Tile, leading
from connections.numbers.tiles import pinned as tiles_of_pins

SHOWN_PINS = 24
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
    pins = [*at_home.my_pins(request, place)[:SHOWN_PINS]]
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


@require_http_methods(["GET", "HEAD", "POST"])
def pinned(request: PersonRequest, workspace: str, pk: int) -> HttpResponse:
    """One of my pins: its goal, and when I am told of it."""
    pin = at_home.my_pin(request, workspace, pk)
    place = access.my_place(request, workspace)
    tiles = tiles_of_pins([pin], usual_form(place))
    if not tiles:  # Its source gives it no more, or its stream is not pulled any more.
        pin.delete()
        messages.info(request, "The connection has that number no more, so it is no longer on your Home.")
        return redirect("connections:home", workspace)
    [tile] = tiles
    form = pin_form(pin, tile, request.POST if request.method == "POST" else None)
    if form.is_valid():
        said = form.cleaned_data
        pin.want(goal=said["goal"], alert=said["alert"], bound=said["bound"], days=said.get("days") or pin.days)
        messages.success(request, "Saved.")
        return redirect("connections:home", workspace)
    context = {"workspace": place.workspace, "connection": pin.connection, "pin": pin, "tile": tile, "form": form}
    return render(request, "connections/numbers/pinned.html", context)


def usual_form(place: Place) -> PeriodForm:
    return PeriodForm({}, today=timezone.now().astimezone(place.workspace.zone).date())


def pin_form(pin: Pin, tile: Tile, data: object) -> PinForm:
    initial = {"goal": pin.goal, "alert": pin.alert, "bound": pin.bound, "days": pin.days}
    definition = tile.figure.definition
    return PinForm(data, initial=initial, is_stock=tile.figure.is_stock, unit=definition.unit, currency=pin.currency)


@require_POST
def unpin(request: PersonRequest, workspace: str, pk: int) -> HttpResponse:
    pin = at_home.my_pin(request, workspace, pk)
    pin.delete()
    messages.success(request, "Taken from your Home.", extra_tags="passing")
    return redirect(
        way_back(request, pin.connection.workspace, otherwise=reverse("connections:home", args=[workspace]))
    )


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
