"""allauth's pages that take a password or a code, with the answer of a limit: 429."""

from typing import Any

from allauth.account.internal.flows.login import record_authentication
from allauth.account.views import LoginView, ReauthenticateView
from allauth.mfa.base.views import AuthenticateView
from allauth.mfa.base.views import ReauthenticateView as ReauthenticateByCodeView
from allauth.mfa.recovery_codes.views import (
    DownloadRecoveryCodesView,
    GenerateRecoveryCodesView,
    ViewRecoveryCodesView,
)
from allauth.mfa.totp.views import ActivateTOTPView, DeactivateTOTPView
from django.contrib.auth import update_session_auth_hash
from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from connections.access import access
from connections.access.requests import PersonRequest
from connections.login import confirming

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

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        if self.get_next_url() in [reverse(page) for page in BEHIND_A_CODE]:
            context["reauthentication_alternatives"] = []  # Which would lead back here.
        return context


class ActivatePage(ActivateTOTPView):
    """Where two-step login is set up."""

    def form_valid(self, form: Any) -> HttpResponse:
        # Whoever came in with the password alone would otherwise stay in, and could switch it off again.
        self.request.user.end_sessions()
        update_session_auth_hash(self.request, self.request.user)
        response = super().form_valid(form)
        # They have just shown one, and read their recovery codes next.
        record_authentication(self.request, self.request.user, method=confirming.BY_CODE)
        return response


class BehindACode:
    """A password alone, which may be stolen, does not end the second step and gets at no codes."""

    def dispatch(self, request: PersonRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if confirming.lacks_code(request):
            return redirect(confirming.confirm_url(request.path, by_code=True))
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)  # type: ignore[misc]
        return response


class DeactivatePage(BehindACode, DeactivateTOTPView):
    """Two-step login is switched off."""


class NewRecoveryCodesPage(BehindACode, GenerateRecoveryCodesView):
    """Other recovery codes; those of before are void."""


class RecoveryCodesPage(BehindACode, ViewRecoveryCodesView):
    """Which are unused."""


class RecoveryCodesFile(BehindACode, DownloadRecoveryCodesView):
    """The same as a file."""


BEHIND_A_CODE = (
    *("mfa_deactivate_totp", "mfa_generate_recovery_codes"),
    *("mfa_view_recovery_codes", "mfa_download_recovery_codes"),
)


@require_safe
def sign_ins(request: PersonRequest) -> HttpResponse:
    """Where I came in from, and who tried to be me."""
    page = Paginator(access.my_sign_ins(request), PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "connections/login/sign_ins.html", {"page": page, "query": ""})
