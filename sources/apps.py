"""The ground floor as a Django app: for its commands and guides. It has no models."""

from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register


class SourcesConfig(AppConfig):
    name = "sources"

    def ready(self) -> None:
        register(no_sandbox_on_a_real_site, Tags.security, deploy=True)


def no_sandbox_on_a_real_site(**_: Any) -> list[CheckMessage]:
    """A sandbox's origin needs neither https nor a public address, so it would be a way into the operator's network."""
    if settings.DEBUG or not settings.ACTIVECAMPAIGN_SANDBOX_ORIGINS:
        return []
    return [
        Error(
            "ACTIVECAMPAIGN_SANDBOX_ORIGINS names a sandbox on a real site.",
            hint="Remove the setting, or set DEBUG=on if this is a developer's machine.",
            id="sources.E001",
        )
    ]
