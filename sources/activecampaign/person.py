"""The ActiveCampaign user behind a key."""

import unicodedata
from dataclasses import dataclass

from sources.spec import Row, Secret

MOST_CHARACTERS = 120  # The other side's text goes onto our pages; a name is not longer.
LONGEST_PIECE = 11  # Characters of the key that a name may hold by chance.


@dataclass(frozen=True, kw_only=True)
class Person:
    """`name` is never empty. Texts that hold the key, or a piece of it, are left out: colleagues read them.

    `account` is the origin that the account calls its own; empty where it does not say.
    """

    id: str
    name: str
    email: str
    account: str = ""

    @classmethod
    def of(cls, user: Row, *, key: Secret) -> "Person":
        first, last, username, email, number = (
            without_key(one_line(user.get(field)), key)
            for field in ("firstName", "lastName", "username", "email", "id")
        )
        full_name = without_key(f"{first} {last}".strip(), key)
        name = full_name or username or email or "An ActiveCampaign user"
        return cls(id=number, name=name, email=email, account=without_key(_home(user), key))


def _home(user: Row) -> str:
    """Links lead to the account's own host, under whichever host it was asked."""
    links = user.get("links")
    first = next(iter(links.values()), "") if isinstance(links, dict) else ""
    return first.partition("/api/3/")[0] if isinstance(first, str) and "/api/3/" in first else ""


def one_line(value: object) -> str:
    """One short line of plain text out of whatever was sent."""
    if isinstance(value, int):
        value = str(value)
    if not isinstance(value, str):
        return ""
    printable = "".join(character if character.isprintable() else " " for character in value)
    return " ".join(printable.split())[:MOST_CHARACTERS]


def without_key(text: str, key: Secret) -> str:
    """The text, or nothing when it holds a piece of the key, in whatever size of letters and with whatever between."""
    within, whole = squeezed(text), squeezed(key.reveal())
    length = min(LONGEST_PIECE + 1, len(whole))
    pieces = (whole[start : start + length] for start in range(len(whole) - length + 1))
    return "" if whole and any(piece in within for piece in pieces) else text


def squeezed(text: str) -> str:
    """Letters and digits alone, as they are read."""
    return "".join(letter for letter in unicodedata.normalize("NFKC", text) if letter.isalnum()).casefold()
