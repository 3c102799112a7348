"""The first floor as a Django app, and Django's admin as it stands here."""

import gc

from django.apps import AppConfig, apps
from django.contrib import admin
from django.contrib.admin import apps as admin_apps

# Rows come by the thousand and hold no circles. Python's own 700 objects look through them at every eleventh row, which
# is a tenth of all that storing them takes.
OBJECTS_BETWEEN_LOOKS_FOR_CIRCLES = 20_000


class ConnectionsConfig(AppConfig):
    name = "connections"
    verbose_name = "BlinkMetrics"

    def ready(self) -> None:
        gc.set_threshold(OBJECTS_BETWEEN_LOOKS_FOR_CIRCLES, *gc.get_threshold()[1:])


class StaffAdminConfig(admin_apps.AdminConfig):
    default = False  # Not the one that "connections" stands for.
    default_site = "connections.access.admin_site.StaffSite"

    def ready(self) -> None:
        super().ready()
        # allauth's page shows the secrets, sealed as they are, and lets them be overwritten.
        admin.site.unregister(apps.get_model("mfa", "Authenticator"))
        # Whoever adds an address to somebody is them: it is done with the person's own page and its rules.
        admin.site.unregister(apps.get_model("account", "EmailAddress"))
