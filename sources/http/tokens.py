"""JSON as a text: its blanks, its tokens, and writing it with other strings."""

import json
import re
from collections.abc import Callable, Iterator

STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
BLANKS = re.compile(r"[ \t\n\r]*+")
VALUES = re.compile(rf"{STRING}|[{{}}\[\]]|[^\s,:{{}}\[\]\"]++")
BRACKETS = b"{}[]"
NO_FRAME = bytes(sign for sign in range(256) if sign not in b'":' + BRACKETS + b" \t\n\r")
NO_BRACKETS = bytes(sign for sign in range(256) if sign not in BRACKETS)
ESCAPED_BACKSLASH = r"\\"  # What follows it is no escape.
ESCAPED_QUOTE = r"\""
# Stand for these two while quotes are looked for. Sound JSON has no control character in its strings.
BACKSLASH_MARK, QUOTE_MARK = "\x00", "\x01"


def past_blanks(text: str, at: int) -> int:
    found = BLANKS.match(text, at)
    return found.end() if found else at


def frame_of(text: str) -> bytes:
    """Of this sound JSON the blanks between its tokens, its brackets, and a colon for each name.

    Of all rows at once it is fast.
    """
    kept = _quotes_marked(text).encode(errors="surrogatepass").translate(None, NO_FRAME)
    # Two quotes with nothing between may go: what was in a string is in one still. Most of them are such.
    pieces = kept.replace(b'""', b"").split(b'"')
    return b"".join(pieces[::2])


def is_deeper(frame: bytes, most: int) -> bool:
    """Whether in sound JSON with this frame more than so many brackets stand in one another."""
    brackets = frame.translate(None, NO_BRACKETS)
    for _ in range(most):  # Each time the innermost go; of usual rows all have after three.
        if not brackets:
            return False
        brackets = brackets.replace(b"{}", b"[]").replace(b"[]", b"")
    return bool(brackets)


def without_blanks(text: str) -> str:
    """The same sound JSON, its tokens as they are, with no blanks between them."""
    if not _holds_blanks(text):
        return text
    # Cut at the quotes, every other piece is a string. An expression for strings takes several times as long.
    pieces = _quotes_marked(text).split('"')
    outside = '"'.join(pieces[::2])
    if not _holds_blanks(outside):
        return text
    pieces[::2] = "".join(outside.split()).split('"')
    return _quotes_restored('"'.join(pieces))


def rewritten(text: str, mend: Callable[[str], str]) -> str:
    """The same sound JSON without blanks, its strings mended, and of equal names in one object the last alone.

    All other tokens stay as they are written. Raises RecursionError.
    """
    tokens = (found[0] for found in VALUES.finditer(text))
    return _rewritten(next(tokens), tokens, mend)


def _holds_blanks(text: str) -> bool:
    return " " in text or "\n" in text or "\t" in text or "\r" in text


def _quotes_marked(text: str) -> str:
    if ESCAPED_QUOTE not in text:
        return text
    return text.replace(ESCAPED_BACKSLASH, BACKSLASH_MARK).replace(ESCAPED_QUOTE, QUOTE_MARK)


def _quotes_restored(text: str) -> str:
    return text.replace(QUOTE_MARK, ESCAPED_QUOTE).replace(BACKSLASH_MARK, ESCAPED_BACKSLASH)


def _rewritten(value: str, tokens: Iterator[str], mend: Callable[[str], str]) -> str:
    """One function that calls itself alone, so that it goes about as deep as what reads JSON."""
    if value == "{":
        members: dict[str, str] = {}
        while (name := next(tokens)) != "}":
            name = _mended(name, mend)
            members[json.loads(name)] = f"{name}:{_rewritten(next(tokens), tokens, mend)}"
        return f"{{{','.join(members.values())}}}"
    if value == "[":
        items = []
        while (item := next(tokens)) != "]":
            items.append(_rewritten(item, tokens, mend))
        return f"[{','.join(items)}]"
    return _mended(value, mend) if value[0] == '"' else value


def _mended(string: str, mend: Callable[[str], str]) -> str:
    found = json.loads(string)
    mended = mend(found)
    return string if mended == found else json.dumps(mended, ensure_ascii=False)
