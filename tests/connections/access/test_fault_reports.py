"""What a report of a fault holds, whoever gets it."""

import logging
import sys
from typing import Any

import pytest
from django.core import mail
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest
from django.test import Client, RequestFactory

from connections.access.fault_reports import FaultMail, OwnReport
from tests.searching import places_with

KEY = "Reported-canary-8f-hn3v-8s2j"


@pytest.fixture(params=[True, False], ids=["DEBUG", "production"])
def request_with_key(request: pytest.FixtureRequest, settings: Any) -> HttpRequest:
    """The key stands wherever a request has room for it."""
    settings.DEBUG = request.param
    asked = RequestFactory().post(f"/somewhere/?api_key={KEY}", {"api_key": KEY, KEY: "1"}, HTTP_REFERER=f"/?{KEY}")
    asked.META["RAW_URI"] = f"/somewhere/?{KEY}"
    asked.META["HTTP_API_TOKEN"] = asked.COOKIES["api_key"] = KEY
    return asked


def report(request: HttpRequest, *, is_email: bool, fault: type[Exception] = ZeroDivisionError) -> OwnReport:
    typed = KEY  # noqa: F841  A variable of a frame that the report tells of.
    try:
        raise fault("the inner reason")
    except fault:
        return OwnReport(request, *sys.exc_info(), is_email=is_email)


def test_a_mail_says_where_it_happened_and_nothing_that_was_sent(request_with_key: HttpRequest) -> None:
    reported = report(request_with_key, is_email=True)

    texts = {"plain": reported.get_traceback_text().encode(), "html": reported.get_traceback_html().encode()}
    assert places_with(KEY, texts) == []
    for text in texts.values():
        assert b"the inner reason" in text
        assert b"test_fault_reports.py" in text
        assert b"/somewhere/" in text


def test_a7_what_a_stranger_asked_for_is_no_link_in_a_mail_to_those_who_run_the_site(settings: Any) -> None:
    settings.ADMINS = [("ops@blinkmetrics.example", "ops@blinkmetrics.example")]
    asked = RequestFactory().get("/w/evil.example/", HTTP_USER_AGENT="see https://evil.example")
    record = logging.LogRecord("django.request", logging.ERROR, "", 0, "Internal Server Error: %s", (asked.path,), None)
    record.request, record.status_code = asked, 500

    FaultMail().emit(record)

    (message,) = mail.outbox
    assert "evil[.]example" in message.subject
    for text in (message.subject, message.body):
        assert "evil.example" not in text
        assert "https:" not in text


def test_a_host_that_is_not_ours_is_logged_and_mailed_to_nobody(settings: Any, caplog: Any) -> None:
    settings.ADMINS, settings.ALLOWED_HOSTS = [("ops@blinkmetrics.example", "ops")], ["metrics.example"]

    assert Client().get("/accounts/login/", HTTP_HOST="evil.example").status_code == 400

    assert mail.outbox == []


@pytest.mark.parametrize(
    ("fault", "title"), [(ZeroDivisionError, "went wrong"), (SuspiciousOperation, "did not reach us whole")]
)
def test_a_page_is_our_own_and_says_nothing(request_with_key: HttpRequest, fault: type[Exception], title: str) -> None:
    reported = report(request_with_key, is_email=False, fault=fault)

    page, plain = reported.get_traceback_html(), reported.get_traceback_text()
    assert title in page
    assert plain.endswith(": see the log.\n")
    for absent in (KEY, "inner reason", "somewhere", "Traceback"):
        assert absent not in page + plain


def test_addresses_with_passwords_are_not_in_the_settings_of_a_report(settings: Any) -> None:
    settings.REDIS_URL = settings.CELERY_BROKER_URL = f"redis://:{KEY}@localhost"

    reported = report(RequestFactory().get("/"), is_email=True)

    assert places_with(KEY, {"html": reported.get_traceback_html().encode()}) == []
    assert settings.CREDENTIAL_KEYS[0] not in reported.get_traceback_html()
