"""Small pieces that stand on a page many times, the same each time: each is rendered once in a process."""

from functools import lru_cache

from django import template
from django.template.loader import render_to_string

register = template.Library()

MANY = 1000  # Teams have names of their own, and each is in a chip.


@register.filter
@lru_cache(maxsize=MANY)
def drawn(name: str) -> str:
    """The picture in a template that knows nothing of the page: a source's logo."""
    return render_to_string(name)


@register.filter
@lru_cache(maxsize=MANY)
def health_badge(health: str, word: str) -> str:
    return render_to_string("_health.html", {"health": health, "health_word": word})


@register.filter
@lru_cache(maxsize=MANY)
def privacy_chip(privacy: str, word: str) -> str:
    return render_to_string("_privacy.html", {"privacy": privacy, "privacy_word": word})
