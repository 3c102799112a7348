"""The way from Home's address to rows: what somebody pinned, what needs them, and their sample account."""

from dataclasses import dataclass

from django.db.models import Count, Q
from django.http import Http404
from django.shortcuts import get_object_or_404

from connections.access.access import Place, my_place, visible_connections
from connections.access.requests import PersonRequest
from connections.models import Connection, MissingRows, Pin, State, Workspace
from connections.models.connection_query import ConnectionQuerySet, broken, late
from connections.models.pin import MOST_PINS, PinQuerySet


@dataclass(frozen=True)
class Freshness:
    """Of so many connections that I may use, so many were read to their end and are not late. `paused` are neither."""

    total: int
    fresh: int
    paused: int


def my_pins(request: PersonRequest, place: Place) -> PinQuerySet:
    return Pin.objects.visible_to(request.user, place.membership)


def has_most_pins(request: PersonRequest, slug: str) -> bool:
    return my_pins(request, my_place(request, slug)).count() >= MOST_PINS


def my_pin(request: PersonRequest, slug: str, pk: int) -> Pin:
    """One of mine. Raises Http404 for anybody else's, and once I may no longer use its connection."""
    return get_object_or_404(my_pins(request, my_place(request, slug)), pk=pk)


def pins_of(request: PersonRequest, connection: Connection) -> PinQuerySet:
    return Pin.objects.filter(user=request.user, connection=connection)


def has_connections(request: PersonRequest, workspace: Workspace) -> bool:
    return Connection.objects.visible_to(request.user).filter(workspace=workspace).exists()


def freshness(request: PersonRequest, place: Place) -> Freshness:
    visible = Connection.objects.visible_to(request.user, at=place.membership).order_by()
    is_fresh = Q(state=State.ACTIVE, synced_at__isnull=False) & ~broken() & ~late()
    counted = visible.aggregate(
        total=Count("pk"), fresh=Count("pk", filter=is_fresh), paused=Count("pk", filter=Q(state=State.PAUSED))
    )
    return Freshness(**counted)


def needing_me(request: PersonRequest, place: Place) -> ConnectionQuerySet:
    """Connections that need somebody, and those whose missing rows I am to decide about."""
    visible = visible_connections(request, place)
    doubtful = visible.filter(may_manage=True, holding__in=MissingRows.objects.to_decide().values("holding"))
    return visible.filter(broken() | late() | Q(pk__in=doubtful.values("pk"))).in_order("").with_late_streams()


def my_samples(request: PersonRequest, place: Place) -> ConnectionQuerySet:
    mine = Connection.objects.filter(created_by=request.user, is_sample=True)
    return mine.filter(workspace=place.workspace).select_related("workspace")


def my_sample(request: PersonRequest, slug: str) -> Connection:
    """Raises Http404."""
    sample: Connection | None = my_samples(request, my_place(request, slug)).first()
    if sample is None:
        raise Http404("They have no sample account here.")
    return sample
