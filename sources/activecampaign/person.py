"""The ActiveCampaign user behind a key."""

from dataclasses import dataclass

from sources.spec import Row

MOST_CHARACTERS = 120  # The other side's text goes onto our pages; a name is not longer.


@dataclass(frozen=True, kw_only=True)
class Person:
    """`name` is never empty."""

    id: str
    name: str
    email: str

    @classmethod
    def of(cls, user: Row) -> "Person":
        email = one_line(user.get("email"))
        full_name = f"{one_line(user.get('firstName'))} {one_line(user.get('lastName'))}".strip()
        return cls(
            id=one_line(user.get("id")),
            name=full_name or one_line(user.get("username")) or email or "An ActiveCampaign user",
            email=email,
        )


def one_line(value: object) -> str:
    """One short line of plain text out of whatever was sent."""
    if isinstance(value, int):
        value = str(value)
    if not isinstance(value, str):
        return ""
    printable = "".join(character if character.isprintable() else " " for character in value)
    return " ".join(printable.split())[:MOST_CHARACTERS]
