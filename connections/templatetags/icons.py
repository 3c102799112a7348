"""`{% include "icons/key.svg" %}`: what is text and nothing else becomes part of the page when that is compiled."""

from django import template
from django.template.base import Node, Parser, TextNode, Token
from django.template.engine import Engine
from django.template.loader_tags import do_include

register = template.Library()

ICONS = '"icons/'  # As it begins in a template. A page has dozens of them, and each would be rendered anew.


@register.tag
def include(parser: Parser, token: Token) -> Node:
    """Django's own tag, in the place of which it stands, but for icons."""
    node = do_include(parser, token)
    words = token.split_contents()
    if len(words) != 2 or not words[1].startswith(ICONS):
        return node
    nodes = Engine.get_default().get_template(words[1].strip('"')).nodelist
    texts = [one.s for one in nodes if isinstance(one, TextNode)]
    return TextNode("".join(texts)) if len(texts) == len(nodes) else node
