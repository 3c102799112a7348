"""What cannot be stored, and what would be too long, is taken out of what was read."""

import json
import logging
import re
from typing import Any

from sources.http.tokens import ESCAPED_BACKSLASH, rewritten
from sources.spec import TextRow

logger = logging.getLogger(__name__)

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # No database and no UTF-8 file takes these.
# JSON can hold them in this spelling alone: a NUL, and a half that has no other half beside it.
ESCAPED_UNSTORABLE = re.compile(
    r"\\u(?:0000|[dD](?:[89abAB]..(?!\\u[dD][c-fC-F])|[c-fC-F](?<!\\u[dD][89abAB]..\\u[dD].)))"
)
ESCAPE = r"\u"
LONGEST_TEXT = 1_000_000  # Characters. The longest mail is shorter; what is longer would burden every page of the rows.


def needs_mending(text: str) -> bool:
    """Seldom: going through all that was found takes longer than all the rest of reading it."""
    return len(text) > LONGEST_TEXT or (ESCAPE in text and _holds_unstorable(text))


def _holds_unstorable(text: str) -> bool:
    plain = text.replace(ESCAPED_BACKSLASH, "  ")
    return bool(ESCAPED_UNSTORABLE.search(plain))


def mended(value: Any) -> Any:
    """The same without what cannot be stored, in names, too; rows with their texts. Raises RecursionError."""
    match value:
        case TextRow():
            return _mended_row(value) if needs_mending(value.text) else value
        case str():
            return _storable(value)
        case dict():
            return {_storable(key): mended(item) for key, item in value.items()}
        case list():
            return [mended(item) for item in value]
        case _:
            return value


def _mended_row(row: TextRow) -> TextRow:
    text = rewritten(row.text, _storable)
    return TextRow(json.loads(text), text)


def _storable(text: str) -> str:
    return UNSTORABLE.sub("\ufffd", _not_too_long(text))


def _not_too_long(text: str) -> str:
    if len(text) > LONGEST_TEXT:
        logger.warning("A text of %d characters was cut to %d.", len(text), LONGEST_TEXT)
    return text[:LONGEST_TEXT]
