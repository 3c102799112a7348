"""When an account's next call may arrive: worked out from those before it, in seconds by one clock."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

from connections.models.choices import Pace
from sources.spec import Lane

SHARE = {
    Pace.FULL: 1.0,
    Pace.CONSIDERATE: 0.6,  # 3 of 5: a neighbour on the same account is then hardly ever refused.
}
CATCH_UP = 1.1  # So much closer may calls at full pace follow a late one: their second is kept all the same.
SLACK = 0.003  # Seconds beyond the second that is kept free: clocks are read with errors of this size.
UNTOLD = 0.015  # Seconds by which a call may be late before whoever sent it tells everybody at once.
MOST_KEPT = 20  # Who bears more calls a second than that has no seconds that a few uneven calls could overfill.
FARTHEST = 600.0  # Seconds; no pause is as long. A slot farther off says that the database's clock was set back.

SLOWEST = 0.35  # Slower finds room no more often: what spares an account that refuses is the pause after it.
CLIMB = 1.04  # A granted call's share in the way back: from half to all in about 18 calls.
CROWDED = 0.9  # What is left of the pace when an answer shows that others fill the account.
CROWDED_LEAST = 0.5  # An answer may be wrong about that: less than half takes a refusal.
SETTLING = 0.95  # What is left of the pace that is climbed back to, for a while, after each refusal.
SETTLED_LEAST = 0.7
RECOVERY = 0.02 / 60  # A second's share in forgetting that: some minutes for each refusal.
UNCERTAIN = 0.1  # Seconds by which nobody knows whether a call has left the second that the account looks at.


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A call that was granted for that moment, and how much later than expected it arrived."""

    moment: float
    late: float = 0.0

    @property
    def arrival(self) -> float:
        return self.moment + self.late


@dataclass(frozen=True, kw_only=True)
class Pacing:
    """How an account stands: immutable, each verb gives the next.

    `tat` is when the next call of a pull is free. `ease` is the part of the pace that the account bears now: 1 while
    all is well, less after it refused calls; `settled` the part to which that climbs back. `sent` are the last calls,
    as many as the account bears in a second.
    """

    rate: float
    tat: float = 0.0
    ease: float = 1.0
    settled: float = 1.0
    paused_until: float = 0.0
    sent: tuple[Sent, ...] = ()

    def columns(self) -> dict[str, object]:
        """As the row of an account keeps it."""
        sent = [[one.moment, one.late] for one in self.sent]
        moments = {"tat": self.tat, "paused_until": self.paused_until, "sent": sent}
        return moments | {"ease": self.ease, "settled": self.settled}

    def believed(self, now: float) -> Self:
        """Without what lies farther ahead than it can."""
        farthest = now + FARTHEST
        return replace(
            self,
            tat=self.tat if self.tat <= farthest else 0.0,
            paused_until=self.paused_until if self.paused_until <= farthest else 0.0,
            sent=tuple(one for one in self.sent if one.moment <= farthest),
        )

    @property
    def most(self) -> int:
        """The calls of a second that are watched one by one."""
        return math.ceil(self.rate) if self.rate <= MOST_KEPT else 0

    def bears(self, now: float) -> float:
        """The part of the pace to which the account has settled."""
        return min(1.0, self.settled + max(0.0, now - self.paused_until) * RECOVERY)

    def free_at(self, lane: Lane, *, now: float) -> float:
        """A person does not wait for a pull's pace, but for what the account bears."""
        if lane is Lane.BULK:
            return max(now, self.tat, self._second_is_over(now))
        last = self.sent[-1].moment + self._interval(Pace.FULL, now) if self.sent else 0.0
        return max(now, last, self.paused_until, self._second_is_over(now))

    def _second_is_over(self, now: float) -> float:
        """When one more call keeps within what the account bears in a second, whenever those before it arrived."""
        if not self.most or len(self.sent) < self.most:
            return 0.0
        oldest = sorted(one.arrival for one in self.sent)[-self.most]
        return oldest + (self.most / self.rate + SLACK) / self.bears(now)

    def _interval(self, pace: str, now: float, *, ease: float = 1.0) -> float:
        catch_up = CATCH_UP if pace == Pace.FULL and ease == 1.0 and self.most else 1.0
        return 1.0 / (self.rate * SHARE[Pace(pace)] * self.bears(now) * ease * catch_up)

    def granted(self, moment: float, *, lane: Lane, pace: str, now: float) -> Self:
        sent = (*self.sent, Sent(moment=moment))[-self.most :] if self.most else (Sent(moment=moment),)
        if lane is Lane.INTERACTIVE:
            return replace(self, tat=max(self.tat, moment + self._interval(Pace.FULL, now)), sent=sent)
        following = moment + self._interval(pace, now, ease=self.ease)
        return replace(self, tat=following, sent=sent, ease=min(1.0, self.ease * CLIMB))

    def corrected(self, late: Mapping[float, float]) -> Self:
        """Those granted for these moments arrived so many seconds late; of others that may be still untold."""
        sent = (replace(one, late=late.get(one.moment, max(one.late, UNTOLD))) for one in self.sent)
        return replace(self, sent=tuple(sent))

    def refused(self, seconds: float, *, now: float) -> Self:
        """The account asks for a pause: everybody waits, and the pace halves until calls succeed again."""
        # What is refused during a pause was under way before it: one burst is one reason to slow down, not several.
        is_new = self.paused_until < now
        return replace(
            self,
            tat=max(self.tat, now + seconds),
            paused_until=max(self.paused_until, now + seconds),
            ease=max(SLOWEST, self.ease / 2) if is_new else self.ease,
            settled=max(SETTLED_LEAST, self.bears(now) * SETTLING) if is_new else self.settled,
        )

    def crowded(self) -> Self:
        """Others fill what we leave: go a little slower, before calls are refused."""
        return replace(self, ease=max(min(self.ease, CROWDED_LEAST), self.ease * CROWDED))

    def left_after(self, moment: float) -> int:
        """The calls that the account can have left, as far as ours go, when one more arrives at that moment."""
        ours = sum(one.arrival > moment - 1.0 - UNCERTAIN for one in self.sent)
        return math.floor(self.rate) - ours - 1
