"""What other people have typed, as it may stand in a mail of ours: nothing in it becomes a link there."""

import re

from django import template

register = template.Library()

# Programs that show mails make links of `evil.example`, with any of Unicode's dots, of `mailto:x` and of `\\server`.
LINKED = re.compile(
    r"""
      (?<=\w) \. (?=[^\W\d])                        # a dot before a letter: figures keep theirs,
    | (?<=\w) \. (?=\d+\.\d)                        # but for an address of figures
    | (?<=\w) [\u2024\u3002\uff0e\uff61] (?=[a-z])
    | (?<=[^\W\d]) [:\uff1a] (?=\S)                 # the colon of a scheme
    | \\ (?=\\) | / (?=/)
    """,
    re.VERBOSE | re.IGNORECASE,
)


@register.filter
def unlinked(text: str) -> str:
    """As in `evil[.]example`: still to be read, and no link."""
    return LINKED.sub(lambda found: f"[{found.group()}]", text)
