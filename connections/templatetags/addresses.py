"""`{% url %}`: a page has dozens of addresses, and to look one up takes a while."""

from functools import lru_cache
from typing import Any
from uuid import UUID

from django import template
from django.template.base import Node, Parser, Token
from django.template.context import Context
from django.template.defaulttags import URLNode, url
from django.urls import NoReverseMatch, get_script_prefix, get_urlconf, reverse
from django.utils.html import conditional_escape

register = template.Library()

MANY = 10_000
ANY = UUID(int=0)  # Addresses of one page differ in their id alone: it stands in for that.


@register.tag(name="url")
def remembering_url(parser: Parser, token: Token) -> Node:
    """Django's own tag, in the place of which it stands, but for words by their names."""
    node = url(parser, token)
    return node if node.kwargs else RememberedAddress(node.view_name, node.args, node.kwargs, node.asvar)


class RememberedAddress(URLNode):
    def render(self, context: Context) -> str:
        words = [word.resolve(context) for word in self.args]
        try:
            found = address(self.view_name.resolve(context), words)
        except NoReverseMatch:
            if not self.asvar:
                raise
            found = ""
        if self.asvar:
            context[self.asvar] = found
            return ""
        return conditional_escape(found) if context.autoescape else found


def address(name: str, words: list[Any]) -> str:
    ids = [word for word in words if isinstance(word, UUID)]
    if len(ids) != 1:
        return remembered(get_script_prefix(), get_urlconf(), name, *map(str, words))
    alike = [str(ANY if word is ids[0] else word) for word in words]
    return remembered(get_script_prefix(), get_urlconf(), name, *alike).replace(str(ANY), str(ids[0]))


@lru_cache(maxsize=MANY)
def remembered(_prefix: str, urlconf: str | None, name: str, *words: str) -> str:
    return reverse(name, urlconf, args=words)
