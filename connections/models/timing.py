"""Two clocks, and how long calls travel: what is measured in one process."""

import threading
from collections import deque

READINGS = 50
HEARD = 50  # Answers among which the quickest is looked for: those of ten seconds at full pace.
COLD = 0.1  # Seconds that the first call of a process may take longer than those after it: it also connects.
TRAVEL = 0.5  # Seconds. What comes later than that was worked on for long, and did not travel for long.


class Alignment:
    """Between the database's clock and this process's: of the last readings, the one that took least time is right."""

    def __init__(self) -> None:
        self._offsets: deque[float] = deque(maxlen=READINGS)
        self._lock = threading.Lock()

    def note(self, *, theirs: float, ours: float) -> None:
        with self._lock:
            self._offsets.append(theirs - ours)

    def ours(self, theirs: float) -> float:
        """When, by this process's clock, it is that moment by the database's."""
        with self._lock:
            return theirs - max(self._offsets)


class Travels:
    """How long the last calls took, from their slot to their answer.

    What one took longer than the quickest it probably took on its way there: so much later did it arrive.
    """

    def __init__(self) -> None:
        self._seconds: deque[float] = deque(maxlen=HEARD)
        self._lock = threading.Lock()

    def note(self, seconds: float) -> None:
        with self._lock:
            self._seconds.append(seconds)

    @property
    def average(self) -> float | None:
        """Seconds; None as long as nothing was heard."""
        with self._lock:
            return sum(self._seconds) / len(self._seconds) if self._seconds else None

    @property
    def likely_lateness(self) -> float:
        """Of a call that was not heard of yet: as late as any lately, and as the first ones may be, which connect."""
        with self._lock:
            if not self._seconds:
                return 0.0
            return min(COLD, max(self._seconds) - min(self._seconds) + COLD / len(self._seconds) ** 1.5)

    def lateness(self, seconds: float) -> float:
        """Of a call that took so long, by what is known now."""
        with self._lock:
            count, quickest = len(self._seconds), min(self._seconds)
            usual = sum(self._seconds) / count - quickest
        # The fewer were heard, the quicker one may still be.
        return min(TRAVEL, seconds - quickest + COLD / count**1.5 + 2 * usual / count)
