"""Our own pages for refusals and faults: static, the same in development, and the same bytes each time."""

import logging
from collections.abc import Callable

from allauth.core.exceptions import ImmediateHttpResponse, ReauthenticationRequired
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.core.signals import got_request_exception
from django.db import IntegrityError
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponsePermanentRedirect,
    HttpResponseRedirect,
)
from django.middleware.csrf import REASON_NO_CSRF_COOKIE
from django.shortcuts import render
from django.urls import Resolver404, resolve, reverse
from django_htmx.http import HttpResponseClientRedirect

from connections.access.access import SecondFactorNeeded, has_gone
from connections.access.acting import TooMuch, require_room_for_act
from connections.access.fault_reports import name_of_refusal, page_text

log = logging.getLogger(__name__)
FROM_ELSEWHERE = ("Origin checking failed", "Referer checking failed")  # So begin Django's reasons.
GetResponse = Callable[[HttpRequest], HttpResponseBase]


def error_page(status: int, name: str = "") -> HttpResponse:
    page = HttpResponse(page_text(name or str(status)), status=status)
    keep_nowhere(page)
    return page


def keep_nowhere(response: HttpResponseBase) -> None:
    """What a page shows is for this person, now: no copy of it belongs into a cache."""
    response.headers.setdefault("Cache-Control", "no-store, private")


@login_not_required
def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponseBase:
    """The last route. An address that only lacks its slash is sent to the right one."""
    if request.method in ("GET", "HEAD") and not request.path.endswith("/") and leads_somewhere(f"{request.path}/"):
        return HttpResponsePermanentRedirect(f"{request.path}/")
    return error_page(404)


def leads_somewhere(path: str) -> bool:
    try:
        return resolve(path).func is not not_found
    except Resolver404:
        return False


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return error_page(403)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return error_page(400, name_of_refusal(exception))


def too_many(request: HttpRequest) -> HttpResponse:
    return error_page(429)


def come_again(request: HttpRequest, refusal: TooMuch) -> HttpResponse:
    response = render(request, "come_again.html", {"refusal": refusal}, status=429)
    response["Retry-After"] = refusal.seconds
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    return error_page(500)


def is_too_large(request: HttpRequest) -> bool:
    """By what it says of itself, before any of it is read; a body that says nothing is not read at all."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    return length.isdecimal() and int(length[:20]) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE


@login_not_required
def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A page for each cause that somebody can do something about; which one it was in detail, Django logs."""
    if reason == REASON_NO_CSRF_COOKIE:
        return error_page(403, "403_cookie")
    return error_page(403, "403_origin" if reason.startswith(FROM_ELSEWHERE) else "403_csrf")


def lead_to_second_factor(request: HttpRequest, need: SecondFactorNeeded) -> HttpResponse:
    address = reverse("mfa_activate_totp")
    if "HX-Request" in request.headers:  # A part of a page, which the whole page of an answer would not fit into.
        return HttpResponseClientRedirect(address)
    messages.warning(request, str(need))
    return HttpResponseRedirect(address)


class OwnErrorPages:
    """Answers refusals and faults with our own pages, in DEBUG too: what a page tells must not depend on it."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = error_page(413) if is_too_large(request) else self.get_response(request)
        keep_nowhere(response)
        return response

    def process_view(self, request: HttpRequest, *view: object) -> HttpResponse | None:
        """Whatever changes something in a workspace; before it has begun to."""
        match = request.resolver_match
        if (
            request.method != "POST"
            or not match
            or match.app_name != "connections"
            or not request.user.is_authenticated
        ):
            return None
        try:
            require_room_for_act(request.user)
        except TooMuch as refusal:
            return come_again(request, refusal)
        return None

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        match exception:
            case Http404():
                return error_page(404)
            case IntegrityError() if has_gone(request):  # What was to be written would have hung on it.
                return error_page(404)
            case PermissionDenied():
                return error_page(403)
            case SuspiciousOperation():
                return error_page(400)
            case TooMuch():
                return come_again(request, exception)
            case SecondFactorNeeded():
                return lead_to_second_factor(request, exception)
            case ImmediateHttpResponse() | ReauthenticationRequired():
                return None  # allauth's own middleware leads on from here.
        if not settings.DEBUG:
            return None
        log.error("A page failed.", exc_info=exception, extra={"path": request.path})
        got_request_exception.send(sender=type(self), request=request)
        return error_page(500)
