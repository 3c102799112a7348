"""What a report of a fault may hold: where it happened, and nothing that anybody sent. As a page it tells nothing."""

import re
from collections.abc import ItemsView
from functools import cache
from types import FrameType
from typing import Any

from django.core.exceptions import DisallowedHost, SuspiciousOperation
from django.http import HttpRequest
from django.template.loader import get_template
from django.utils.log import AdminEmailHandler
from django.utils.safestring import SafeString
from django.views.debug import ExceptionReporter, SafeExceptionReporterFilter

from connections.templatetags.unlinked import unlinked

# Logging is set up with this module, before there are models: nothing of ours that knows them can be imported here.


@cache
def page_text(name: str) -> str:
    """One of our own pages, which are the same for everybody."""
    return get_template(f"{name}.html").render()


def name_of_refusal(exception: Exception | None) -> str:
    return "400_host" if isinstance(exception, DisallowedHost) else "400"


class NoValues(SafeExceptionReporterFilter):
    """Without a form's fields and a function's variables, in DEBUG too: a mark on each is forgotten too easily."""

    # Beside what Django hides: a broker's address holds a password, a page's address may hold anything.
    hidden_settings = re.compile("API|AUTH|TOKEN|KEY|SECRET|PASS|SIGNATURE|COOKIE|QUERY|REFERER|_UR[IL]", re.IGNORECASE)

    def is_active(self, request: HttpRequest | None) -> bool:
        return True

    def get_post_parameters(self, request: HttpRequest | None) -> dict[str, Any]:
        return {}

    def get_traceback_frame_variables(self, request: HttpRequest | None, tb_frame: FrameType) -> ItemsView[str, Any]:
        return dict.fromkeys(tb_frame.f_locals, self.cleansed_substitute).items()


class FaultMail(AdminEmailHandler):
    """To those who run the site. What was asked for stands in it, and is no link of whoever asked."""

    def send_mail(self, subject: Any, message: Any, *args: Any, **kwargs: Any) -> None:
        super().send_mail(unlinked(subject), unlinked(message), *args, **kwargs)


class OwnReport(ExceptionReporter):
    """An e-mail to those who run the site; or a page, which in DEBUG too says no more than our error pages."""

    def get_traceback_data(self) -> dict[str, Any]:
        address = self.request.path if self.request else ""
        hidden = {"request_GET_items": [], "request_FILES_items": [], "request_insecure_uri": address}
        return {**super().get_traceback_data(), **hidden}

    def get_traceback_html(self) -> SafeString:
        return super().get_traceback_html() if self.is_email else SafeString(page_text(self.page))

    def get_traceback_text(self) -> SafeString:
        return super().get_traceback_text() if self.is_email else SafeString(f"{self.page}: see the log.\n")

    @property
    def page(self) -> str:
        return name_of_refusal(self.exc_value) if isinstance(self.exc_value, SuspiciousOperation) else "500"
