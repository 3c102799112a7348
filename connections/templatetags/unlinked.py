"""What other people have typed, as it may stand in a mail of ours: nothing in it becomes a link there."""

import re

from django import template

register = template.Library()

DOTS = r".\u2024\u3002\ufe52\uff0e\uff61"
MARKS = r"\x00-/:-@\[-^`{-\xa0«»\u2010-\u205e\u3001-\u3011\uff01-\uff0f"  # Punctuation: a name goes on with none.

# Programs that show mails make links of `evil.example`, with any of Unicode's dots, of `mailto:x` and of `\\server`.
LINKED = re.compile(
    rf"""
      (?<=[^\s{DOTS}]) [{DOTS}] (?=[^\s\d{MARKS}{DOTS}])    # a dot before a letter or a symbol
    | (?<=[^\s\d{DOTS}]) [{DOTS}] (?=\d)                    # figures keep theirs,
    | (?<=\d) [{DOTS}] (?=\d+[{DOTS}]\d)                    # but for an address of figures
    | (?<=[^\W\d]) [:\ufe55\uff1a] (?=\S)                   # the colon of a scheme
    | [\\\ufe68\uff3c] (?=[\\\ufe68\uff3c]) | [/\uff0f] (?=[/\uff0f])
    """,
    re.VERBOSE,
)


@register.filter
def unlinked(text: str) -> str:
    """As in `evil[.]example`: still to be read, and no link."""
    return LINKED.sub(lambda found: f"[{found.group()}]", text)
