"""The first floor as a Django app, and Django's admin as it stands here."""

from importlib import import_module
from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.contrib import admin
from django.contrib.admin import apps as admin_apps
from django.core.checks import CheckMessage, Tags, Warning, register


class ConnectionsConfig(AppConfig):
    name = "connections"
    verbose_name = "BlinkMetrics"

    def ready(self) -> None:
        register(https_has_a_proxy, Tags.security, deploy=True)
        for checks in ("history", "site_checks"):
            import_module(f"connections.operating.{checks}")  # They register themselves, and know the models.


class StaffAdminConfig(admin_apps.AdminConfig):
    default = False  # Not the one that "connections" stands for.
    default_site = "connections.access.admin_site.StaffSite"

    def ready(self) -> None:
        super().ready()
        # allauth's page shows the secrets, sealed as they are, and lets them be overwritten.
        admin.site.unregister(apps.get_model("mfa", "Authenticator"))
        # Whoever adds an address to somebody is them: it is done with the person's own page and its rules.
        admin.site.unregister(apps.get_model("account", "EmailAddress"))


def https_has_a_proxy(**_: Any) -> list[CheckMessage]:
    """A system check of `check --deploy`."""
    if settings.TRUSTED_PROXY_COUNT or not settings.SITE_URL.startswith("https://"):
        return []
    return [
        Warning(
            "SITE_URL begins with https, and TRUSTED_PROXY_COUNT is 0.",
            hint="If a proxy in front ends TLS, set TRUSTED_PROXY_COUNT to how many there are: at 0 each page leads to "
            "itself for ever.",
            id="connections.W002",
        )
    ]
