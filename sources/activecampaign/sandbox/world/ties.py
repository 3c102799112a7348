"""Which row belongs to which: worked out from the place of a row, either way, so that nothing has to be stored."""

from dataclasses import dataclass
from functools import cache
from math import gcd


@dataclass(frozen=True)
class Spread:
    """Spreads the rows of one stream over those of another, from their places alone.

    A fifth of the owners has none, and the next one twice as many: people differ in how much is known of them. `shift`
    moves that fifth, so that somebody without a tag may be on a list.
    """

    stream: str
    shift: int = 0

    def owner(self, place: int, *, owners: int) -> int:
        """The place of the row that the row at that place belongs to."""
        met = (step(owners) * place + self.shift) % owners
        return met + 1 if met % 5 == 0 and met + 1 < owners else met

    def nth(self, place: int, *, owners: int) -> int:
        """0 for the first row of its owner, 1 for the next: what must not come twice goes by that."""
        met = (step(owners) * place + self.shift) % owners
        owner = self.owner(place, owners=owners)
        return place // owners * (2 if owner % 5 == 1 else 1) + (met != owner)

    def places(self, owner: int, *, owners: int, rows: int) -> list[int]:
        """Where the rows of that owner are among so many, ascending."""
        if owner % 5 == 0 and owner + 1 < owners:
            return []
        back = _back(owners)
        met = (owner, owner - 1) if owner % 5 == 1 else (owner,)
        return sorted([place for one in met for place in range(back * (one - self.shift) % owners, rows, owners)])


@cache
def step(owners: int) -> int:
    """From one owner to the next: wide, and so that none is met twice before all are."""
    wide = max(1, owners * 5 // 8)
    return next(one for one in range(wide, 2 * wide + owners + 1) if gcd(one, owners) == 1)


@cache
def _back(owners: int) -> int:
    return pow(step(owners), -1, owners)
