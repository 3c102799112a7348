"""Django's admin behind the login of everybody else, with its second step."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.decorators import secure_admin_login
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.decorators import method_decorator

from connections.access.requests import PersonRequest
from connections.access.second_factor import staff_lacks_second_factor


class StaffSite(AdminSite):
    def admin_view(self, view: Callable[..., HttpResponseBase], cacheable: bool = False) -> Any:
        @wraps(view)
        def as_staff(request: PersonRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            request.user.acts_as_staff = True
            return view(request, *args, **kwargs)

        return super().admin_view(as_staff, cacheable)

    def has_permission(self, request: HttpRequest) -> bool:
        return super().has_permission(request) and not staff_lacks_second_factor(request.user)  # type: ignore[arg-type]

    @method_decorator(secure_admin_login)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """For strangers the login; staff who come here without a second step set it up first."""
        if not self.has_permission(request):
            messages.warning(request, "Site staff need two-step login: set it up, then open the administration again.")
            return redirect("mfa_activate_totp")
        return super().login(request, extra_context)

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """On the page of everybody else, which limits how often the old one is guessed, and tells the person."""
        return redirect("account_change_password")
