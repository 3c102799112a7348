"""What the account received: the limit by the second, the calls that were seen, and the counts."""

import re
import time
from collections import Counter, deque
from dataclasses import dataclass
from threading import Lock
from typing import Any

from sources.activecampaign.sandbox.answering.answers import Call

WINDOW = 1.0
KEPT_CALLS = 20_000  # A test that looks further back than this asks the counters.
OURS = "ours"
IDENTITY = re.compile(r"(?<=/)\d+(?=/|$)")


@dataclass(frozen=True, kw_only=True)
class Admission:
    """`remaining` is None where the account has no limit, which then says nothing about one."""

    is_accepted: bool
    limit: int
    remaining: int | None


class Traffic:
    """At most `rate` accepted calls in any one second, by the time of their arrival; 0 is no limit.

    Rejected calls are not counted against it. `rejected_429` are those that passed the limit, not scripted answers.
    Who else calls the account spends the same seconds, and has counts of its own.

    `seconds` in the stats is the time from our first call's arrival to the last answer that was sent; `repeated`
    counts calls that ask what was asked before.
    """

    def __init__(self, *, rate: int) -> None:
        self.rate = rate
        self._lock = Lock()
        self._last_second: deque[float] = deque()
        self.reset()

    def reset(self) -> None:
        """Forget the counts and the calls; the running second stays, as the limit is the account's and not ours."""
        with self._lock:
            self._most = 0
            self._first_arrival: float | None = None
            self._last_answer = 0.0
            self._accepted: Counter[str] = Counter()
            self._rejected: Counter[str] = Counter()
            self._by_path: Counter[str] = Counter()
            self._asked: set[tuple[object, ...]] = set()
            self._repeated = 0
            self._calls: deque[Call] = deque(maxlen=KEPT_CALLS)

    def admit(self, call: Call) -> Admission:
        with self._lock:
            self._calls.append(call)
            self._by_path["/api/3/" + IDENTITY.sub("{id}", call.place)] += 1
            question = (call.place, *sorted(call.query.items()))
            self._repeated += question in self._asked
            self._asked.add(question)
            moment = time.monotonic()
            if self._first_arrival is None:
                self._first_arrival = moment
            return self._decide(moment)

    def note_answer(self) -> None:
        """An answer to one of our calls goes out."""
        with self._lock:
            self._last_answer = time.monotonic()

    def admit_other(self, caller: str) -> Admission:
        """A call of somebody else's, of which only the count is kept."""
        with self._lock:
            return self._decide(time.monotonic(), caller)

    def _decide(self, moment: float, caller: str = OURS) -> Admission:
        window = self._last_second
        while window and window[0] <= moment - WINDOW:
            window.popleft()
        is_accepted = not self.rate or len(window) < self.rate
        if is_accepted:
            window.append(moment)
            self._accepted[caller] += 1
            self._most = max(self._most, len(window))
        else:
            self._rejected[caller] += 1
        remaining = self.rate - len(window) if self.rate else None
        return Admission(is_accepted=is_accepted, limit=self.rate, remaining=remaining)

    def calls(self) -> list[Call]:
        with self._lock:
            return list(self._calls)

    def stats(self) -> dict[str, Any]:
        with self._lock:
            callers = sorted({OURS, *self._accepted, *self._rejected})
            return {
                **self._counts(OURS),
                "max_in_one_second": self._most,
                "seconds": self._seconds(),
                "repeated": self._repeated,
                "by_path": dict(self._by_path),
                "callers": {caller: self._shares(caller) for caller in callers},
            }

    def _seconds(self) -> float:
        began = self._first_arrival
        return 0.0 if began is None else round(max(0.0, self._last_answer - began), 3)

    def _counts(self, caller: str) -> dict[str, Any]:
        accepted, rejected = self._accepted[caller], self._rejected[caller]
        return {"requests": accepted + rejected, "accepted": accepted, "rejected_429": rejected}

    def _shares(self, caller: str) -> dict[str, Any]:
        counts = self._counts(caller)
        return counts | {"refused_percent": round(100 * counts["rejected_429"] / max(counts["requests"], 1), 2)}
