"""What was sent to whom, and what they did with it: all of it from how many contacts and campaigns there are.

Sends, opens, clicks and bounces stand in their tables one mailing after another, so a row's place tells which it is,
and what the campaigns count follows from the rows. Who clicked two links is one person and two unique link clicks, as
was recorded: 71 of them beside 66 people.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

from sources.activecampaign.sandbox.world.moments import SPAN, WORLD_ENDS
from sources.activecampaign.sandbox.world.ties import step

LINKS_EACH = 3  # The read tracker and two that lead somewhere.
SENDS_EACH = 2  # For each contact, over the years.
# By turns. observed: NL, MD, OS: 0 draft, 1 an automation's mail, 5 sent, 6 disabled, 7 held for review.
STATUSES = ("5", "1", "5", "0", "5", "1", "5", "7", "5", "6", "5", "1", "0")
SENT = frozenset("156")
OF_AN_AUTOMATION = frozenset("16")


@dataclass(frozen=True, kw_only=True)
class Mailing:
    """One campaign's numbers. `began` is in seconds since 1970, and all that became of it is in the `seconds` after."""

    place: int
    status: str
    contacts: int
    began: int
    seconds: int
    sends: int

    @property
    def bounces(self) -> int:
        return self.sends // 50

    @property
    def openers(self) -> int:
        return (self.sends - self.bounces) * (25 + 11 * self.place % 30) // 100

    @property
    def machines(self) -> int:
        """observed: AG: 23,379 of Apple's opens beside 54,304 sends, and none of them among the campaign's opens."""
        return self.sends * 2 // 5

    @property
    def clickers(self) -> int:
        return self.openers * (5 * self.place % 30) // 100

    @property
    def clicks_again(self) -> int:
        """How many of those who clicked the first link clicked the second, too."""
        return self.clickers // 13 or min(self.clickers, 1)

    @property
    def traces(self) -> int:
        return self.openers + self.clickers + self.clicks_again

    def recipient(self, number: int) -> int:
        """The place of that contact."""
        return (7919 * self.place + number * step(self.contacts)) % max(self.contacts, 1)

    def moment(self, number: int, *, of: int) -> int:
        """When the row of that number of so many came to be: they rise."""
        return self.began + self.seconds * (number + 1) // (of + 1)


class Met(NamedTuple):
    """A row of a table by mailings: which mailing's, its number there, and of how many."""

    mailing: Mailing
    number: int
    rows: int

    @property
    def moment(self) -> int:
        return self.mailing.moment(self.number, of=self.rows)


class Shelf:
    """The rows of one table, one mailing after another."""

    def __init__(self, mailings: Sequence[Mailing], rows: Callable[[Mailing], int]) -> None:
        self._mailings = mailings
        self._sizes = [rows(one) for one in mailings]
        self._begins = [*accumulate(self._sizes, initial=0)]
        self.rows = self._begins[-1]

    def at(self, place: int) -> Met:
        """A place behind the last begins anew, so that rows that are added have a mailing, too."""
        if not self.rows:
            return Met(self._mailings[0], 0, 1)
        place %= self.rows
        which = bisect_right(self._begins, place) - 1
        return Met(self._mailings[which], place - self._begins[which], self._sizes[which])


class Post:
    def __init__(self, contacts: int, ends: int) -> None:
        count = count_campaigns(contacts)
        shares = [_share(place) for place in range(count)]
        pause = SPAN // (count + 1)
        self.mailings = [
            Mailing(
                place=place,
                status=STATUSES[place % len(STATUSES)],
                contacts=contacts,
                began=ends - SPAN + pause * (place + 1),
                seconds=pause,
                sends=min(contacts, -(-SENDS_EACH * contacts * share // sum(shares))),
            )
            for place, share in enumerate(shares)
        ]
        self.sent = [one for one in self.mailings if one.status in SENT]
        self.sends = Shelf(self.sent, lambda mailing: mailing.sends)
        self.traces = Shelf(self.sent, lambda mailing: mailing.traces)
        self.machines = Shelf(self.sent, lambda mailing: mailing.machines)
        self.bounces = Shelf(self.sent, lambda mailing: mailing.bounces)


def _share(place: int) -> int:
    """observed: AG: 15,000 of 54,000 sends were broadcasts, the rest automations' mail."""
    status = STATUSES[place % len(STATUSES)]
    return (1 + 7 * place % 5) * (3 if status in OF_AN_AUTOMATION else 1) if status in SENT else 0


def count_campaigns(contacts: int) -> int:
    return min(8 + contacts // 50, 400)


@lru_cache(maxsize=32)  # One account has few; each sample account ends on a day of its own.
def post(contacts: int, ends: int = WORLD_ENDS) -> Post:
    """How many rows there are of each is the same whenever the world ends."""
    return Post(contacts, ends)
