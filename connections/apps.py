"""The first floor as a Django app, and Django's admin as it stands here."""

from django.apps import AppConfig, apps
from django.contrib import admin
from django.contrib.admin import apps as admin_apps


class ConnectionsConfig(AppConfig):
    name = "connections"
    verbose_name = "BlinkMetrics"


class StaffAdminConfig(admin_apps.AdminConfig):
    default = False  # Not the one that "connections" stands for.
    default_site = "connections.access.admin_site.StaffSite"

    def ready(self) -> None:
        super().ready()
        # allauth's page shows the secrets, sealed as they are, and lets them be overwritten.
        admin.site.unregister(apps.get_model("mfa", "Authenticator"))
        # Whoever adds an address to somebody is them: it is done with the person's own page and its rules.
        admin.site.unregister(apps.get_model("account", "EmailAddress"))
