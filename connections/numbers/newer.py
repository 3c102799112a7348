"""Whether there are newer numbers than a page shows: a script asks as long as some may come, and offers them."""

from collections.abc import Collection

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone

from connections.access.requests import PersonRequest
from connections.figures.counting import due
from connections.models import Connection, NumberState, Sync


def asks_for_newer(request: PersonRequest) -> bool:
    """Whether this is the script of a page that looks again, at the page's own address."""
    return bool(request.htmx) and "counted" in request.GET


def newer(request: PersonRequest, connections: Collection[Connection]) -> HttpResponse:
    """The line that offers them, or what looks again."""
    return render(request, "connections/numbers/_newer.html", state_of(connections, shown=request.GET["counted"]))


def state_of(connections: Collection[Connection], *, shown: str | None = None) -> dict[str, object]:
    """`counted` is when what is there now was counted; there are newer ones once what was `shown` is another.

    It is asked for before the numbers are read, so that none that come meanwhile are missed.
    """
    holdings = [one.holding_id for one in connections]
    now = timezone.now()
    states = [*NumberState.objects.filter(holding__in=holdings)]
    is_taken = any(one.taken_until and one.taken_until > now for one in states)
    is_counting = is_taken or due().filter(holding__in=holdings).exists()
    moments = [moment for one in states for moment in (one.counted_at, one.through) if moment]
    counted = max((one.isoformat() for one in moments), default="")
    is_newer = shown is not None and shown != counted and not is_counting
    may_come = is_counting or Sync.objects.filter(connection__in=connections).active().exists()
    return {
        "counted": counted if shown is None else shown,
        "is_newer": is_newer,
        "looks_again": may_come and not is_newer,
    }
