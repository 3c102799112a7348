"""Fields and form behaviour that the whole site shares."""

import unicodedata
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

LONGEST_NAME = 100
LONGEST_TYPED = 1000  # Blanks and accents that fall away included.
MOST_STACKED_MARKS = 4  # More of them on one letter paint over the lines above and below.
CONTROL = {"Cc", "Zl", "Zp"}
BIDI = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
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
