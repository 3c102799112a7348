"""Finds the sources: every folder with a `source.py` in the packages that the settings name."""

from functools import cache
from importlib import import_module
from pathlib import Path

from django.conf import settings

from sources.spec import Source


@cache
def all_sources() -> dict[str, Source]:
    """Every source by its key, in the order of their names."""
    found = [source for package in settings.SOURCE_PACKAGES for source in sources_in(package)]
    return {source.key: source for source in sorted(found, key=lambda source: source.name.casefold())}


def sources_in(package: str) -> list[Source]:
    folders = [Path(place) for place in import_module(package).__path__]
    names = sorted(path.parent.name for folder in folders for path in folder.glob("*/source.py"))
    return [import_module(f"{package}.{name}.source").source for name in names]


def get_source(key: str) -> Source | None:
    return all_sources().get(key)


def offered_sources() -> list[Source]:
    """The sources that may be connected now: those that the operator has not switched off."""
    return [source for source in all_sources().values() if source.key not in settings.SOURCES_SWITCHED_OFF]
