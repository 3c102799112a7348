"""What a proxy in front has to say of a request, and what is said where it does not."""

import logging

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from connections.access.error_pages import GetResponse, error_page

log = logging.getLogger(__name__)


class NoCircles:
    """A redirect to where a request comes from already would go on for ever: say what is wrong instead."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        would_lead_to_https = settings.SECURE_SSL_REDIRECT and not request.is_secure()
        if would_lead_to_https and may_have_come_by_https(request):
            log.error("Redirects to https would go in a circle: see TRUSTED_PROXY_COUNT and X-Forwarded-Proto.")
            return error_page(500, "500_proxy")
        return self.get_response(request)


def may_have_come_by_https(request: HttpRequest) -> bool:
    """Of one that counts as plain http: a proxy says so that is not believed, or the one that would be says nothing."""
    said = request.headers.get("X-Forwarded-Proto", "").partition(",")[0].strip().lower()
    return not said if settings.TRUSTED_PROXY_COUNT else said == "https"
