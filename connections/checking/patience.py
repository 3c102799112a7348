"""How long an account may take to answer: a person in front of a page has less patience than a worker."""

import time
from collections.abc import Callable
from dataclasses import dataclass

PERSONS = 8.0  # Seconds; a page is answered within ten, pauses and all. What takes longer goes on in a worker.
WORKERS = 180.0  # A dozen answers of twelve seconds each, which was seen on bad days, and some more.


@dataclass(frozen=True)
class Patience:
    """It ends at a moment (monotonic) for all that is asked together, or when `still_wanted` raises."""

    ends_at: float
    still_wanted: Callable[[], None] = lambda: None

    @property
    def seconds(self) -> float:
        return max(0.0, self.ends_at - time.monotonic())

    @property
    def of_a_person(self) -> "Patience":
        """For what is only good to know: somebody waits for it, whoever asks."""
        return Patience(min(self.ends_at, time.monotonic() + PERSONS), self.still_wanted)


def of_a_person() -> Patience:
    return Patience(time.monotonic() + PERSONS)


def of_a_worker(still_wanted: Callable[[], None]) -> Patience:
    return Patience(time.monotonic() + WORKERS, still_wanted)
