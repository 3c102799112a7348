"""One thread takes the slots of a pull and hands them to its calls, each of which is made in a thread of its own."""

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar, copy_context
from queue import SimpleQueue
from typing import Any, Protocol

from sources.spec import Allowance, Budget, Lane, RevocableBudget, SlottedBudget, WatchfulBudget


class PullEnded(Exception):
    """The pull that this thread works for is over."""


class Call(Protocol):
    """A call that was chosen, and waits for its first slot."""

    def make(self) -> None:
        """In a thread of its own. Raises nothing."""

    def wait_for_room(self, size: int) -> None:
        """Until an answer of so many bytes, which has come, may be read."""

    def drop(self) -> None:
        """It is not made: the pull is over."""


class Dispatcher:
    """Takes a slot for each call that `choose` gives, and for those that want another one, such as to ask again.

    A call is chosen only when the one before has its slot. So there are as many under way as the budget's pace and the
    time that answers take require, and no number has to be known beforehand. The thread is the only one that uses the
    budget's database: what answers tell it is written there, too (`aside`). Without a budget nothing is waited for.

    `changed` is notified by whoever changes what `choose` goes by, which is called with it held. `failed` is told what
    the budget raised.
    """

    def __init__(
        self,
        budget: "PullBudget | None",
        *,
        at_once: int,
        changed: threading.Condition,
        choose: Callable[[], Call | None],
        failed: Callable[[Exception], None],
    ) -> None:
        self.ended = threading.Event()
        self._budget, self._changed, self._choose, self._failed = budget, changed, choose, failed
        self._again: deque[_Seat] = deque()
        self._asides: deque[Callable[[], None]] = deque()
        self._seats = ThreadPoolExecutor(at_once, thread_name_prefix="fetch")
        self._context = copy_context()
        self._thread = threading.Thread(
            target=self._context.copy().run, args=(self._run,), name="dispatch", daemon=True
        )

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """Make no more calls. The threads end soon."""
        with self._changed:
            self.ended.set()
            for seat in self._again:
                seat.give(PullEnded())
            self._again.clear()
            self._changed.notify_all()

    def stop(self) -> None:
        """Wait for all threads, and for what their calls have told."""
        self.end()
        if self._thread.ident is not None:
            self._thread.join()
        self._seats.shutdown()
        try:
            self._tell()
        except Exception as error:  # Raised where the pull is consumed, as if it had been told in time.
            self._failed(error)

    def wants_again(self, seat: "_Seat") -> None:
        with self._changed:
            if self.ended.is_set():
                raise PullEnded
            self._again.append(seat)
            self._changed.notify_all()

    def aside(self, work: Callable[[], None]) -> None:
        with self._changed:
            self._asides.append(work)
            self._changed.notify_all()

    def nap(self, seconds: float) -> None:
        """In the dispatcher's own thread: what is told meanwhile is written at once."""
        ends_at = time.monotonic() + seconds
        while True:
            self._tell()
            with self._changed:
                left = ends_at - time.monotonic()
                if self.ended.is_set():
                    raise PullEnded
                if left <= 0:
                    return
                if not self._asides:
                    self._changed.wait(left)

    def _run(self) -> None:
        _place.set(self)
        try:
            while (waiting := self._next()) is not None:
                self._serve(waiting)
        except PullEnded:
            pass
        except Exception as error:  # Whatever it is: without slots the calls would wait for ever.
            self._failed(error)
        finally:
            self.end()
            if self._budget:
                self._budget.leave()

    def _next(self) -> "_Seat | Call | None":
        """Who is served next: those whose calls were begun come first."""
        while True:
            self._tell()
            with self._changed:
                if self.ended.is_set():
                    return None
                waiting = self._again.popleft() if self._again else self._choose()
                if waiting is not None:
                    return waiting
                if not (self._asides or self.ended.is_set()):
                    self._changed.wait()

    def _serve(self, waiting: "_Seat | Call") -> None:
        try:
            slot = self._budget.next_slot() if self._budget else None
        except BaseException:
            waiting.give(PullEnded()) if isinstance(waiting, _Seat) else waiting.drop()
            raise
        if isinstance(waiting, _Seat):
            waiting.give(slot)
        else:
            self._seats.submit(self._context.copy().run, self._make, waiting, slot)

    def _make(self, call: Call, slot: Any) -> None:
        seat = _Seat(self, call)
        seat.give(slot)
        _place.set(seat)
        call.make()

    def _tell(self) -> None:
        while self._asides:
            self._asides.popleft()()


class _Seat:
    """The thread in which a call is made, and the slots that it is handed."""

    def __init__(self, dispatcher: Dispatcher, call: Call) -> None:
        self._dispatcher = dispatcher
        self.wait_for_room = call.wait_for_room
        self._slots: SimpleQueue[Any] = SimpleQueue()

    def give(self, slot: Any) -> None:
        self._slots.put(slot)

    def next_slot(self) -> Any:
        if self._slots.empty():
            self._dispatcher.wants_again(self)
        slot = self._slots.get()
        if isinstance(slot, PullEnded):
            raise slot
        return slot

    def aside(self, work: Callable[[], None]) -> None:
        self._dispatcher.aside(work)

    def nap(self, seconds: float) -> None:
        if self._dispatcher.ended.wait(seconds):
            raise PullEnded


_place: ContextVar[Dispatcher | _Seat | None] = ContextVar("place", default=None)


def nap(seconds: float) -> None:
    """Sleep. In a thread of a pull: raise PullEnded as soon as that is over."""
    place = _place.get()
    if place is None:
        time.sleep(seconds)
    else:
        place.nap(seconds)


def aside(work: Callable[[], None]) -> None:
    """Have it done in the thread that uses the budget's database: at once where that is this one."""
    place = _place.get()
    if isinstance(place, _Seat):
        place.aside(work)
    else:
        work()


def wait_for_room(size: int) -> None:
    """In a thread of a pull: until there is room for an answer of so many bytes as what it says."""
    place = _place.get()
    if isinstance(place, _Seat):
        place.wait_for_room(size)


class PullBudget:
    """A budget whose calls are given up, or not made any more, once the pull is over that they were taken for."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        if isinstance(budget, SlottedBudget):
            budget.sleep, budget.aside = nap, aside

    def still_wanted(self) -> None:
        nap(0)
        if isinstance(self._budget, RevocableBudget):
            self._budget.still_wanted()

    def next_slot(self) -> Any:
        """For a call of the pull; its `take` uses it. Of a budget without slots the call is taken here."""
        self.still_wanted()
        if isinstance(self._budget, SlottedBudget):
            return self._budget.next_slot(Lane.BULK)
        self._budget.take(Lane.BULK)
        return None

    def take(self, lane: Lane) -> None:
        self.still_wanted()
        place = _place.get()
        if isinstance(place, _Seat):
            while not self._meets(place.next_slot()):
                continue
        else:
            self._budget.take(lane)
        self.still_wanted()

    def _meets(self, slot: Any) -> bool:
        return not isinstance(self._budget, SlottedBudget) or self._budget.meets(slot)

    def slow_down(self, seconds: float) -> None:
        self._budget.slow_down(seconds)

    def answered(self, allowance: Allowance | None = None, *, ago: float = 0.0) -> None:
        if isinstance(self._budget, WatchfulBudget):
            self._budget.answered(allowance, ago=ago)

    def leave(self) -> None:
        if isinstance(self._budget, SlottedBudget):
            self._budget.leave()
