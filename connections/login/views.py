"""allauth's pages that take a password or a code, with the answer of a limit: 429."""

from typing import Any

from allauth.account.views import LoginView, ReauthenticateView
from allauth.mfa.base.views import AuthenticateView
from allauth.mfa.base.views import ReauthenticateView as ReauthenticateByCodeView
from allauth.mfa.totp.views import ActivateTOTPView
from django.contrib.auth import update_session_auth_hash
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from connections.access import access
from connections.access.requests import PersonRequest

PAGE_SIZE = 25
WAIT = 300  # Seconds; the longest window of what the limits count per person.


class SaysTooMany:
    def form_invalid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_invalid(form)  # type: ignore[misc]
        codes = {error.code for errors in form.errors.as_data().values() for error in errors}
        if "too_many_login_attempts" in codes:
            response.status_code = 429
            response["Retry-After"] = WAIT
        return response


class LoginPage(SaysTooMany, LoginView):
    """The address and the password."""


class ConfirmPage(SaysTooMany, ReauthenticateView):
    """The password once more."""


class SecondStepPage(SaysTooMany, AuthenticateView):
    """The code, after the password."""


class ConfirmByCodePage(SaysTooMany, ReauthenticateByCodeView):
    """A code in the place of the password once more."""


class ActivatePage(ActivateTOTPView):
    """Where two-step login is set up."""

    def form_valid(self, form: Any) -> HttpResponse:
        # Whoever came in with the password alone would otherwise stay in, and could switch it off again.
        self.request.user.end_sessions()
        update_session_auth_hash(self.request, self.request.user)
        return super().form_valid(form)


@require_safe
def sign_ins(request: PersonRequest) -> HttpResponse:
    """Where I came in from, and who tried to be me."""
    page = Paginator(access.my_sign_ins(request), PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "connections/login/sign_ins.html", {"page": page, "query": ""})
