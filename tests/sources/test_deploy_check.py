"""What `manage.py check --deploy` says of the ground floor."""

from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError

ORIGIN = "http://127.0.0.1:8010"


def ids(*, deploy: bool) -> set[str]:
    return {message.id for message in run_checks(tags=["security"], include_deployment_checks=deploy)}


def test_a_sandbox_on_a_real_site_is_an_error(settings: Any) -> None:
    settings.DEBUG, settings.ACTIVECAMPAIGN_SANDBOX_ORIGINS = False, [ORIGIN]

    with pytest.raises(SystemCheckError, match="ACTIVECAMPAIGN_SANDBOX_ORIGINS names a sandbox on a real site"):
        call_command("check", "--deploy", "--tag=security")


def test_a_sandbox_on_a_developers_machine_is_none(settings: Any) -> None:
    settings.DEBUG, settings.ACTIVECAMPAIGN_SANDBOX_ORIGINS = True, [ORIGIN]

    assert "sources.E001" not in ids(deploy=True)


def test_a_real_site_without_a_sandbox_is_none(settings: Any) -> None:
    settings.DEBUG, settings.ACTIVECAMPAIGN_SANDBOX_ORIGINS = False, []

    assert "sources.E001" not in ids(deploy=True)
