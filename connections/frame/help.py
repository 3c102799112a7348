"""What the foot of each page leads to: the guide to each source, and what is new."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from connections.access.requests import PersonRequest
from sources.registry import all_sources

CHANGES = "docs/changelog.md"
MARKS = re.compile(r"[*`]|\[([^\]]*)\]\([^)]*\)")


@dataclass
class Release:
    """A version of the product, and what customers can notice of it."""

    name: str
    changes: list[str] = field(default_factory=list)


@require_safe
def guide(request: PersonRequest) -> HttpResponse:
    """Of one source; the others are a link away."""
    sources = all_sources()
    source = sources.get(request.GET.get("source", "")) or next(iter(sources.values()))
    return render(request, "connections/frame/guide.html", {"source": source, "sources": sources.values()})


@require_safe
def news(request: PersonRequest) -> HttpResponse:
    return render(request, "connections/frame/news.html", {"releases": releases()})


@cache
def releases() -> list[Release]:
    return [*read_releases((settings.BASE_DIR / CHANGES).read_text())]


def read_releases(text: str) -> Iterator[Release]:
    """Of the list of changes, which is in Markdown: its headings and items, without marks."""
    for section in text.split("\n## ")[1:]:
        name, _, rest = section.partition("\n")
        items = re.findall(r"^- (.*(?:\n  .*)*)", rest, re.MULTILINE)
        yield Release("Lately" if name == "Unreleased" else name, [in_plain_words(one) for one in items])


def in_plain_words(item: str) -> str:
    return " ".join(MARKS.sub(lambda found: found[1] or "", item).split())
