"""What people pin to their Home: a number, its goal, and when they are told of it."""

from collections.abc import Mapping
from decimal import Decimal
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods, require_POST

from connections.access import access, at_home
from connections.access.requests import PersonRequest
from connections.models import Pin
from connections.models.pin import MOST_PINS
from connections.numbers.forms import PeriodForm, PinForm
from connections.numbers.places import way_back
from connections.numbers.tiles import Tile
from connections.numbers.tiles import pinned as tiles_of_pins
from connections.numbers.views import offered_number


@require_http_methods(["GET", "HEAD", "POST"])
def pin(request: PersonRequest, workspace: str, source: str, pk: UUID, number: str) -> HttpResponse:
    """Put a number onto my Home; where I want to be told of it, once I have said of what."""
    connection = access.visible_connection(request, workspace, source, pk)
    definition = offered_number(connection, number)
    is_posted = request.method == "POST"
    which = {"number": definition.key, **which_of(request.POST if is_posted else request.GET)}
    mine = at_home.pins_of(request, connection)
    kept = mine.filter(**which).first()
    if kept and not is_posted:
        return redirect("connections:pinned", workspace, kept.pk)
    wanted = kept or Pin(user=request.user, connection=connection, **which)
    tile = tile_of(wanted)
    if tile is None:
        raise Http404("This number is in no such currency.")
    home = reverse("connections:home", args=[workspace])
    back = way_back(request, connection.workspace, otherwise=connection.url("numbers"))
    if is_posted and not kept and at_home.has_most_pins(request, workspace):
        words = '<a href="{}">Your Home</a> has {} numbers, and shows no more. Take one from it first.'
        messages.error(request, format_html(words, home, MOST_PINS))
        return redirect(back)
    if is_posted and not request.POST.get("tell"):
        mine.put(request.user, connection, which)
        name = ", ".join(filter(None, [definition.name, which["currency"].upper()]))
        messages.success(request, format_html('{} is on <a href="{}">your Home</a> now.', name, home))
        return redirect(back)
    form = pin_form(wanted, tile, request.POST if is_posted else None)
    if form.is_valid():
        return want(request, mine.put(request.user, connection, which), form)
    return shown(request, tile, form, sent={**which, "tell": "1"})


def which_of(said: Mapping[str, str]) -> dict[str, str]:
    """Of which currency, and of which group."""
    currency, by, group = (said.get(name, "").replace("\x00", "") for name in ("currency", "by", "group"))
    is_narrowed = bool(by and group)
    return {
        "currency": currency[:10],
        "by": by[:30] if is_narrowed else "",
        "group": group[:64] if is_narrowed else "",
    }


@require_http_methods(["GET", "HEAD", "POST"])
def pinned(request: PersonRequest, workspace: str, pk: int) -> HttpResponse:
    """One of my pins: its goal, and when I am told of it."""
    pin = at_home.my_pin(request, workspace, pk)
    tile = tile_of(pin)
    if tile is None:  # Its source gives it no more, or its stream is not pulled any more.
        pin.delete()
        messages.info(request, "The connection has that number no more, so it is no longer on your Home.")
        return redirect("connections:home", workspace)
    form = pin_form(pin, tile, request.POST if request.method == "POST" else None)
    return want(request, pin, form) if form.is_valid() else shown(request, tile, form)


@require_POST
def unpin(request: PersonRequest, workspace: str, pk: int) -> HttpResponse:
    pin = at_home.my_pin(request, workspace, pk)
    pin.delete()
    messages.success(request, "Taken from your Home.", extra_tags="passing")
    return redirect(
        way_back(request, pin.connection.workspace, otherwise=reverse("connections:home", args=[workspace]))
    )


def tile_of(pin: Pin) -> Tile | None:
    """Of the usual period."""
    today = timezone.now().astimezone(pin.connection.workspace.zone).date()
    return next(iter(tiles_of_pins([pin], PeriodForm({}, today=today))), None)


def pin_form(pin: Pin, tile: Tile, data: Mapping[str, str] | None) -> PinForm:
    numbers = {"goal": as_written(pin.goal), "bound": as_written(pin.bound)}
    initial = {**numbers, "alert": pin.alert, "days": pin.days}
    definition = tile.figure.definition
    return PinForm(data, initial=initial, is_stock=tile.figure.is_stock, unit=definition.unit, currency=pin.currency)


def as_written(number: Decimal | None) -> Decimal | None:
    """As people write it: 5000, where 5000.00 is stored."""
    return number.to_integral_value() if number is not None and number == number.to_integral_value() else number


def want(request: PersonRequest, pin: Pin, form: PinForm) -> HttpResponse:
    said = form.cleaned_data
    pin.want(goal=said["goal"], alert=said["alert"], bound=said["bound"], days=said.get("days") or pin.days)
    messages.success(request, "Saved.")
    return redirect("connections:home", pin.connection.workspace.slug)


def shown(request: PersonRequest, tile: Tile, form: PinForm, *, sent: Mapping[str, str] | None = None) -> HttpResponse:
    """`sent` goes with the form of a number that is not pinned yet."""
    connection = tile.connection
    context = {"workspace": connection.workspace, "connection": connection, "tile": tile, "form": form, "sent": sent}
    return render(request, "connections/numbers/pinned.html", context)
