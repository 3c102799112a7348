"""What a worker does beside its syncs, in a thread of its own, as it may take its time."""

import logging
import threading
from typing import Protocol

from django.db import connections

log = logging.getLogger(__name__)

SECONDS_TO_LEAVE = 3.0  # For what is under way while the worker stops.


class Work(Protocol):
    """What there is to do, and whether there is any of it."""

    def is_wanted(self) -> bool: ...

    def do(self, stopping: threading.Event) -> None: ...


class Beside:
    """A round of the work after the other, and none while there is nothing to do.

    A process that stops waits for it no longer than that: what was under way is taken up as after a kill.
    """

    def __init__(self, work: Work, stopping: threading.Event) -> None:
        self.work, self.stopping = work, stopping
        self.name = type(work).__name__.lower()
        self.round = threading.Thread()

    def look(self) -> None:
        if not self.round.is_alive() and self.work.is_wanted():
            self.round = threading.Thread(target=self._go_round, name=self.name, daemon=True)
            self.round.start()

    def _go_round(self) -> None:
        try:
            self.work.do(self.stopping)
        except Exception:
            log.exception("What is done beside syncs failed: it is taken up again.", extra={"work": self.name})
        finally:
            connections.close_all()

    def finish(self) -> None:
        """Return when all that is due was tried, or the worker stops."""
        self.look()
        while self.round.is_alive() and not self.stopping.wait(0.05):
            continue
        self.leave()

    def leave(self) -> None:
        if self.round.is_alive():
            self.round.join(SECONDS_TO_LEAVE)
