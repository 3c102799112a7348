"""How long pages take: a histogram by the name of their route, so that no address and nothing in one is in it.

Each process counts for itself. Under gunicorn they count in files of a folder that `blinkmetrics.serving` makes, and
whichever is asked adds them up, as prometheus-client does for several processes of one machine.
"""

import time
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from prometheus_client import CollectorRegistry, Histogram, disable_created_metrics
from prometheus_client.multiprocess import MultiProcessCollector

BOUNDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)  # Seconds.
disable_created_metrics()  # A series more for each route, which says when it was first asked for.
SECONDS = Histogram(
    "blinkmetrics_request_seconds",
    "From a request's arrival at its process to its answer, without the sending of it",
    ("route", "status"),
    registry=None,
    buckets=BOUNDS,
)


class RequestTimes:
    """The first middleware but for the probes, which are not counted: they come every few seconds and say nothing."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        begun = time.perf_counter()
        answer = self.get_response(request)
        SECONDS.labels(route_of(request), f"{answer.status_code // 100}xx").observe(time.perf_counter() - begun)
        return answer


def route_of(request: HttpRequest) -> str:
    """One of as many words as there are routes; `none` for what was answered before any was looked for."""
    if request.resolver_match:
        return request.resolver_match.view_name
    return "static" if request.path_info.startswith(settings.STATIC_URL) else "none"


def register_request_times(registry: CollectorRegistry) -> None:
    if settings.COUNTED_IN:
        MultiProcessCollector(registry, settings.COUNTED_IN)
    else:
        registry.register(SECONDS)
