"""What a load balancer asks (does the process answer, can it serve?), and what operators may ask besides."""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from prometheus_client import CONTENT_TYPE_LATEST

from connections.access.error_pages import error_page
from connections.operating.measures import exposition
from connections.operating.readiness import readiness


@login_not_required
def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok", content_type="text/plain")


@login_not_required
def readyz(request: HttpRequest) -> HttpResponse:
    facts = readiness()
    # Without a worker pages are served as ever: it must not take web processes out of a balancer.
    ready = all(is_well for part, is_well in facts.items() if part != "worker")
    details = facts if is_operator(request) else {}
    return JsonResponse({"ready": ready, **details}, status=200 if ready else 503)


@login_not_required
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    return HttpResponse(exposition(), content_type=CONTENT_TYPE_LATEST) if is_operator(request) else error_page(404)


def is_operator(request: HttpRequest) -> bool:
    """Nobody is, while no token is set."""
    given = request.headers.get("Authorization", "")
    return bool(settings.OPERATOR_TOKEN) and constant_time_compare(given, f"Bearer {settings.OPERATOR_TOKEN}")
