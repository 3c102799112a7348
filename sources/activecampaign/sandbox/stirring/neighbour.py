"""Another tool of the customer's that calls the same account, and so spends the same seconds."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event, Thread

NAME = "neighbour"


@dataclass(frozen=True, kw_only=True)
class Neighbour:
    """`rate` is its calls a second. One that `heeds` a refusal waits a second and asks again."""

    rate: float
    heeds: bool


POLITE = Neighbour(rate=0.5, heeds=True)
RUDE = Neighbour(rate=12, heeds=False)


class Calling:
    """The neighbour at work, from `start` to `stop`. `admit` says whether the account accepted a call."""

    def __init__(self, neighbour: Neighbour, *, admit: Callable[[str], bool]) -> None:
        self._neighbour = neighbour
        self._admit = admit
        self._stopping = Event()
        self._thread = Thread(target=self._call_on, name="sandbox-neighbour", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _call_on(self) -> None:
        due = time.monotonic()
        while not self._stopping.wait(max(0.0, due - time.monotonic())):
            is_accepted = self._admit(NAME)
            due += 1.0 if self._neighbour.heeds and not is_accepted else 1.0 / self._neighbour.rate
