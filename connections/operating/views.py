"""What a load balancer asks (does the process answer, can it serve?), what operators may ask, and security.txt."""

import logging
from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from prometheus_client import CONTENT_TYPE_LATEST

from connections.access.away import try_again
from connections.access.error_pages import error_page, keep_nowhere
from connections.access.requests import client_address
from connections.operating.measures import exposition
from connections.operating.readiness import readiness

log = logging.getLogger(__name__)

SECURITY_TXT_LIFE = timedelta(days=180)


def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok", content_type="text/plain")


def readyz(request: HttpRequest) -> HttpResponse:
    facts = readiness()
    # Without a worker pages are served as ever: it must not take web processes out of a balancer.
    ready = all(is_well for part, is_well in facts.items() if part != "worker")
    details = {**facts, **seen(request)} if is_operator(request) else {}
    return JsonResponse({"ready": ready, **details}, status=200 if ready else 503)


def seen(request: HttpRequest) -> dict[str, object]:
    """For `?seen`: how a request came in through the proxies, which `manage.py doctor` cannot know by itself."""
    return {"client": client_address(request), "https": request.is_secure()} if "seen" in request.GET else {}


def metrics(request: HttpRequest) -> HttpResponse:
    if not is_operator(request):
        return error_page(404)
    try:
        return HttpResponse(exposition(), content_type=CONTENT_TYPE_LATEST)
    except DatabaseError:
        log.exception("The database does not answer.")
        return try_again()


@login_not_required
def security_txt(request: HttpRequest) -> HttpResponse:
    """RFC 9116: whom to tell of a weakness. It expires, so that a copy which nobody keeps is not believed for ever."""
    if not settings.SECURITY_CONTACT:
        return error_page(404)
    expires = (timezone.now() + SECURITY_TXT_LIFE).strftime("%Y-%m-%dT%H:%M:%SZ")
    lines = [
        f"Contact: {settings.SECURITY_CONTACT}",
        f"Expires: {expires}",
        f"Canonical: {settings.SITE_URL}{request.path}",
    ]
    return HttpResponse("".join(f"{line}\n" for line in lines), content_type="text/plain; charset=utf-8")


def is_operator(request: HttpRequest) -> bool:
    """Nobody is, while no token is set."""
    given = request.headers.get("Authorization", "")
    return bool(settings.OPERATOR_TOKEN) and constant_time_compare(given, f"Bearer {settings.OPERATOR_TOKEN}")


PROBES: dict[str, Callable[[HttpRequest], HttpResponse]] = {"healthz": healthz, "readyz": readyz, "metrics": metrics}


class ProbesFirst:
    """Answers what watches the site before hosts, https and sessions are looked at.

    A load balancer asks by address and over plain http, and a session would ask a database that may be away.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        probe = PROBES.get(request.path_info.removeprefix("/"))
        if probe is None:
            return self.get_response(request)
        answer = probe(request)
        keep_nowhere(answer)
        return answer
