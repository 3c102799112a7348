"""What a worker does beside its syncs, in a thread of its own, as it may take its time."""

import logging
import threading

from django.db import DatabaseError, connections

log = logging.getLogger(__name__)

SECONDS_TO_LEAVE = 3.0  # For what is under way while the worker stops.


class Beside:
    """A round of it after the other, and none while there is nothing to do.

    A process that stops waits for it no longer than that: what was under way is taken up as after a kill.
    """

    def __init__(self, stopping: threading.Event) -> None:
        self.stopping = stopping
        self.round = threading.Thread()

    def is_wanted(self) -> bool:
        raise NotImplementedError

    def work(self) -> None:
        raise NotImplementedError

    def look(self) -> None:
        if not self.round.is_alive() and self.is_wanted():
            self.round = threading.Thread(target=self._go_round, name=type(self).__name__.lower(), daemon=True)
            self.round.start()

    def _go_round(self) -> None:
        try:
            self.work()
        except DatabaseError:
            log.exception("The database failed what is done beside syncs: it is taken up again.")
        except Exception:
            log.exception("What is done beside syncs met a fault of our own.")
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
