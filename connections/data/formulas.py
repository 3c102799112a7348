"""Which texts a spreadsheet would run as a formula, and how such a text is made one that it only shows."""

import re
import unicodedata

SIGNS = ("=", "+", "-", "@")  # What a formula may begin with, in one spreadsheet or another.
# What begins with a sign and is none all the same: a number with its unit, a telephone number, a handle.
NUMBER = r"[+-] ?[€$£¥]? ?[.,]?\d[\d.,'’ ]*(?:e[+-]?\d+)?(?:%|[€$£¥°]\w?|[^\W\d_]{1,3})?"
DASH = r"\u2010-\u2015\u2212-"
PHONE = (
    r"\+? ?(?=(?:[^\d;,+]*\d){7,20}[^\d;,+]*(?:[;,+]|$))(?:\(\d+\)|\d)"
    rf"(?:[ ./{DASH}]*(?:\(\d+\)|\d))*(?: ?(?:ext\.?|x) ?\d{{1,6}})?(?: \([^\W\d_]+(?:,? [^\W\d_]+)*\))?"
)
TELEPHONES = rf"{PHONE}(?:(?: ?[;,] ?| / ){PHONE})*"
IN_LETTERS = rf"\+ ?\d{{1,3}}[ .{DASH}]\(?\d{{3}}\)?(?:[ .{DASH}](?:[a-z]{{2,}}|\d+))+"  # As in +1-800-FLOWERS.
HANDLE = r"@[\w.-]+(?:@[\w.-]+)?"
NO_FORMULA = re.compile(f"{NUMBER}|{TELEPHONES}|{IN_LETTERS}|{HANDLE}", re.IGNORECASE)
LONGEST = 60  # Letters of any of these; a longer text is not looked at for long.


def guarded(text: str) -> str:
    """The text as it is, unless a spreadsheet would run it: then behind an apostrophe."""
    return f"'{text}" if is_formula(text) else text


def is_formula(text: str) -> bool:
    """Spreadsheets look past blanks and letters that are not seen, and take full-width signs for their narrow twins."""
    begins = next((at for at, letter in enumerate(text) if is_seen(letter)), len(text))
    ends = next((at for at in range(len(text), begins, -1) if is_seen(text[at - 1])), begins)
    near = text[begins : min(ends, begins + LONGEST + 1)]
    shown = "".join(letter for letter in near if unicodedata.category(letter) != "Cf")
    begin = unicodedata.normalize("NFKC", shown)
    if not begin.startswith(SIGNS) or not any(map(str.isalnum, text)):
        return False  # Of signs alone there is nothing to compute.
    return max(len(begin), ends - begins) > LONGEST or not NO_FORMULA.fullmatch(begin)


def is_seen(letter: str) -> bool:
    return not letter.isspace() and unicodedata.category(letter) not in ("Cc", "Cf")
