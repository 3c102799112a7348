"""The ground floor as a Django app: for its commands and guides. It has no models."""

from django.apps import AppConfig


class SourcesConfig(AppConfig):
    name = "sources"
