"""Fields and form behaviour that the whole site shares."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

LONGEST_NAME = 100
LONGEST_TYPED = 1000  # Blanks and accents that fall away included.
MOST_STACKED_MARKS = 4  # More of them on one letter paint over the lines above and below.
CONTROL = {"Cc", "Zl", "Zp"}
BIDI = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
KEY_SHAPED = re.compile("[0-9a-f]{40,}")  # Also in a name's small letters, without its blanks.
SHORTEST_WITHIN = 8  # Characters; a shorter text may stand inside a name by chance.
JOINER = "\u200d"  # Emoji of several people are joined by it.


class NameField(forms.CharField):
    """A name that people read: any letters and emoji, nothing that hides or reorders text."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"strip": False, **kwargs})
        self.validators = []  # Django's own would answer before ours, in other words.

    def to_python(self, value: Any) -> str:
        if isinstance(value, str) and len(value) > LONGEST_TYPED:
            # Before anything reads it: putting very many accents into their order takes minutes.
            raise ValidationError(f"Use at most {LONGEST_NAME} characters; these are {len(value)}.", code="too_long")
        text = unicodedata.normalize("NFC", value) if isinstance(value, str) else ""
        refuse_unreadable(text.strip())
        return " ".join(text.split())

    def validate(self, value: str) -> None:
        super().validate(value)
        if len(value) > LONGEST_NAME:
            raise ValidationError(f"Use at most {LONGEST_NAME} characters; these are {len(value)}.", code="too_long")


def holds_key(text: str, keys: Iterable[str] = ()) -> bool:
    """Whether a text that would be shown is, or holds, one of these keys or what looks like one; blanks aside."""
    within = squeezed(text)
    looks_like_one = any(is_mixed(run) for run in KEY_SHAPED.findall(within))
    return looks_like_one or any(is_or_holds(within, squeezed(key)) for key in keys)


def is_mixed(run: str) -> bool:
    """Of letters and digits, as a key is; a name may be a hundred times the same letter."""
    return not run.isdigit() and not run.isalpha()


def is_or_holds(text: str, key: str) -> bool:
    return bool(key) and (key == text or (len(key) >= SHORTEST_WITHIN and key in text))


def squeezed(text: str) -> str:
    return "".join(text.split()).casefold()


def refuse_unreadable(text: str) -> None:
    categories = [unicodedata.category(letter) for letter in text]
    if CONTROL & set(categories):
        raise ValidationError(
            "The name holds a line break or a control character. Type it on one line.", code="control_char"
        )
    if BIDI & set(text):
        raise ValidationError("The name holds a mark that changes the reading direction. Remove it.", code="bidi")
    if {"Cs", "Co", "Cn"} & set(categories):
        raise ValidationError("The name holds a character that cannot be shown. Remove it.", code="bad_unicode")
    if any(category == "Cf" and not joins_emoji(text, place) for place, category in enumerate(categories)):
        raise ValidationError("The name holds an invisible character. Type it again.", code="invisible")
    if "://" in unicodedata.normalize("NFKC", text):
        # It goes into mails to administrators, which would make it a link of a stranger's in a mail of ours.
        raise ValidationError("A name cannot hold a link.", code="link")
    if has_stacked_marks(categories):
        raise ValidationError("The name holds too many accents on one letter.", code="stacked_marks")


def joins_emoji(text: str, place: int) -> bool:
    around = [text[place - 1] if place else "", text[place + 1] if place + 1 < len(text) else ""]
    return text[place] == JOINER and all(unicodedata.category(letter or " ") in {"So", "Sk", "Mn"} for letter in around)


def has_stacked_marks(categories: list[str]) -> bool:
    run = 0
    for category in categories:
        run = run + 1 if category in {"Mn", "Me"} else 0
        if run > MOST_STACKED_MARKS:
            return True
    return False
