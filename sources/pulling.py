"""Pulls several streams of one account side by side: many threads fetch, the caller's thread stores."""

import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import product
from typing import Generic, Protocol, TypeVar

from sources.errors import NotPermitted, RateLimited, TemporarilyDown, UnexpectedAnswer
from sources.spec import (
    Allowance,
    Budget,
    Cursor,
    Lane,
    Page,
    Pulled,
    RevocableBudget,
    Stream,
    ThreadedBudget,
    Wanted,
    WatchfulBudget,
)

AskT = TypeVar("AskT")
AnswerT = TypeVar("AnswerT")
AnswerT_contra = TypeVar("AnswerT_contra", contravariant=True)

MOST_SECOND_LOOKS = 20  # For a stream. A row that differs at every look must not double the calls.
# Streams that fail and none that answers between them, as many as are asked for at once; one more, and nothing works.
MOST_DOWN_IN_A_ROW = 8
ANSWERS_KEPT = 16  # For comparing; two rounds of eight threads.

_ended: ContextVar[threading.Event | None] = ContextVar("ended", default=None)


class PullEnded(Exception):
    """The pull that this thread works for is over."""


class Walk(Protocol[AskT, AnswerT_contra]):
    """One stream's way from its first row to its last. It knows no threads: whoever runs it holds a lock."""

    @property
    def is_over(self) -> bool: ...

    @property
    def remaining(self) -> float:
        """About how many calls are still to be made."""

    def ask(self, *, may_split: bool) -> AskT | None:
        """A call that may be made now; None while other answers have to come first.

        With `may_split` there may be more calls in the end, for a thread that would have nothing to do.
        """

    def hear(self, ask: AskT, answer: AnswerT_contra) -> Page:
        """What to store of an answer, with the cursor after it. Raises UnexpectedAnswer."""


@dataclass(eq=False)
class _Course(Generic[AskT, AnswerT]):
    """One stream of a pull."""

    stream: Stream
    walk: Walk[AskT, AnswerT]
    under_way: int = 0
    is_over: bool = False
    answers: int = 0
    second_looks: int = 0
    newest: deque[tuple[int, AnswerT]] = field(default_factory=lambda: deque(maxlen=ANSWERS_KEPT))

    def keep(self, answer: AnswerT) -> None:
        self.answers += 1
        self.newest.append((self.answers, answer))

    def since(self, begun: int) -> Iterator[AnswerT]:
        """What was heard after that many answers."""
        return (answer for number, answer in self.newest if number > begun)

    @property
    def urgency(self) -> float:
        """In proportion to what remains: so all end at about the same time, and no long one is left for last."""
        return self.walk.remaining / (1 + self.under_way)


def pull(
    walks: Sequence[tuple[Stream, Walk[AskT, AnswerT]]],
    fetch: Callable[[Stream, AskT], AnswerT],
    *,
    threads: int,
    leave: Callable[[], None] = lambda: None,
    settle: Callable[[AnswerT, Iterable[AnswerT]], AnswerT | None] = lambda answer, others: answer,
) -> Generator[Pulled, None, None]:
    """Run the walks until all are over. `fetch` makes one call; each thread calls `leave` when it ends.

    Of answers that were under way at the same time nobody knows which is the later one. `settle` puts the latest
    version of each row into an answer, or gives None when the rows do not tell it: then it is asked for again.

    At most `threads` calls are under way or not yet stored, so that a kill repeats no more than these. Raises what
    `fetch` raises, but for NotPermitted and UnexpectedAnswer, which end their stream alone, as TemporarilyDown does
    while other streams are answered.
    """
    work = _Work(walks, fetch, threads=threads, leave=leave, settle=settle)
    try:
        work.start()
        while (pulled := work.next_pulled()) is not None:
            yield pulled
    finally:
        work.stop()
    if work.error is not None:
        raise work.error


class _Work(Generic[AskT, AnswerT]):
    """The state that the fetching threads and the consumer share; all of it is changed under one lock."""

    def __init__(
        self,
        walks: Sequence[tuple[Stream, Walk[AskT, AnswerT]]],
        fetch: Callable[[Stream, AskT], AnswerT],
        *,
        threads: int,
        leave: Callable[[], None],
        settle: Callable[[AnswerT, Iterable[AnswerT]], AnswerT | None],
    ) -> None:
        self.error: Exception | None = None
        self._courses = [_Course(stream, walk) for stream, walk in walks]
        self._fetch = fetch
        self._leave = leave
        self._settle = settle
        self._changed = threading.Condition()
        self._ended = threading.Event()
        self._waiting: deque[Pulled] = deque()
        self._under_way = 0
        self._in_hand = 0
        self._most_in_hand = max(1, threads // 2)  # While these are stored, the other half of the calls is under way.
        self._is_awaited = False
        self._is_answered = False
        self._down_in_a_row = 0
        self._threads = [
            threading.Thread(target=copy_context().run, args=(self._work,), name=f"fetch-{number}", daemon=True)
            for number in range(threads)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Make no more calls, and wait for those under way."""
        with self._changed:
            self._ended.set()
            self._changed.notify_all()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()

    def next_pulled(self) -> Pulled | None:
        """Asking for the next says that those before it are stored, unless the last one was said to be followed."""
        with self._changed:
            if not self._is_awaited:
                self._in_hand = 0
                self._changed.notify_all()
            while not self._waiting:
                if self._is_done() and not self._under_way:
                    return None
                self._changed.wait()
            self._in_hand += 1
            pulled = self._waiting.popleft()
            self._is_awaited = bool(self._waiting) and self._in_hand < self._most_in_hand
            return replace(pulled, is_followed=self._is_awaited)

    def _work(self) -> None:
        _ended.set(self._ended)
        try:
            while (call := self._next_call()) is not None:
                self._make(*call)
        except Exception as error:  # Without its threads the consumer would wait for ever.
            self._give_up(error)
        finally:
            self._leave()

    def _next_call(self) -> tuple[_Course[AskT, AnswerT], AskT, int] | None:
        with self._changed:
            while not self._is_done():
                call = self._free_call() if self._has_room() else None
                if call is not None:
                    return call
                self._changed.wait()
        return None

    def _is_done(self) -> bool:
        return self._ended.is_set() or all(course.is_over for course in self._courses)

    def _has_room(self) -> bool:
        """The first call goes alone: a dead key or a wrong address then costs one call, and not one a thread."""
        room = len(self._threads) if self._is_answered else 1
        return self._under_way + len(self._waiting) + self._in_hand < room

    def _free_call(self) -> tuple[_Course[AskT, AnswerT], AskT, int] | None:
        running = [course for course in self._courses if not course.is_over]
        running.sort(key=lambda course: course.urgency, reverse=True)
        for may_split, course in product((False, True), running):
            ask = course.walk.ask(may_split=may_split)
            if ask is not None:
                course.under_way += 1
                self._under_way += 1
                return course, ask, course.answers
        if not self._under_way:
            self._give_up(RuntimeError("A walk neither asks for more nor ends."))
        return None

    def _make(self, course: _Course[AskT, AnswerT], ask: AskT, begun: int) -> None:
        try:
            while not self._hear(course, ask, self._fetch(course.stream, ask), begun):
                begun = course.answers
        except (NotPermitted, UnexpectedAnswer) as failure:
            self._deliver(course, Pulled(stream=course.stream, failure=failure, is_over=True))
        except TemporarilyDown as failure:
            self._set_aside(course, failure)
        except PullEnded:
            return  # Nobody waits for this answer any more.
        except Exception as error:  # Whatever it is, it concerns the whole pull, and is raised where that is consumed.
            self._give_up(error)
        finally:
            with self._changed:
                course.under_way -= 1
                self._under_way -= 1
                self._is_answered = True
                self._changed.notify_all()

    def _set_aside(self, course: _Course[AskT, AnswerT], failure: TemporarilyDown) -> None:
        with self._changed:
            if course.is_over:
                return  # Another call of this stream said so already.
            self._down_in_a_row += 1
            are_others_left = any(not one.is_over for one in self._courses if one is not course)
            is_of_all = isinstance(failure, RateLimited) or self._down_in_a_row > MOST_DOWN_IN_A_ROW
            if are_others_left and not is_of_all:
                self._deliver(course, Pulled(stream=course.stream, failure=failure, is_over=True))
            else:
                self._give_up(failure)

    def _hear(self, course: _Course[AskT, AnswerT], ask: AskT, answer: AnswerT, begun: int) -> bool:
        """False when it has to be asked for again; `begun` is how many answers were heard before it was asked for."""
        # Heard and put to the others under one lock: each cursor says that all pages before it are stored.
        with self._changed:
            self._down_in_a_row = 0
            if not course.is_over:
                settled = self._settle(answer, course.since(begun))
                if settled is None and course.second_looks < MOST_SECOND_LOOKS:
                    course.second_looks += 1
                    return False
                answer = answer if settled is None else settled
                course.keep(answer)
                page = course.walk.hear(ask, answer)
                self._deliver(course, Pulled(stream=course.stream, page=page, is_over=course.walk.is_over))
        return True

    def _deliver(self, course: _Course[AskT, AnswerT], pulled: Pulled) -> None:
        with self._changed:
            if not course.is_over:
                course.is_over = pulled.is_over
                self._waiting.append(pulled)

    def _give_up(self, error: Exception) -> None:
        with self._changed:
            self.error = self.error or error
            self._ended.set()
            self._changed.notify_all()


def nap(seconds: float) -> None:
    """Sleep. In a thread of a pull: raise PullEnded as soon as that is over."""
    ended = _ended.get()
    if ended is None:
        time.sleep(seconds)
    elif ended.wait(seconds):
        raise PullEnded


class PullBudget:
    """A budget whose calls are given up, or not made any more, once the pull is over that they were taken for."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        if isinstance(budget, ThreadedBudget):
            budget.sleep = nap

    def still_wanted(self) -> None:
        nap(0)
        if isinstance(self._budget, RevocableBudget):
            self._budget.still_wanted()

    def take(self, lane: Lane) -> None:
        self.still_wanted()
        self._budget.take(lane)
        self.still_wanted()

    def slow_down(self, seconds: float) -> None:
        self._budget.slow_down(seconds)

    def answered(self, allowance: Allowance | None = None, *, ago: float = 0.0) -> None:
        if isinstance(self._budget, WatchfulBudget):
            self._budget.answered(allowance, ago=ago)

    def leave(self) -> None:
        if isinstance(self._budget, ThreadedBudget):
            self._budget.leave()


class Pages(Protocol):
    def __call__(
        self, stream: Stream, *, cursor: Cursor | None = None, changed_since: datetime | None = None
    ) -> Iterator[Page]: ...


def pull_in_turn(pages: Pages, wanted: Sequence[Wanted]) -> Generator[Pulled, None, None]:
    """One stream after the other, for a source whose streams are short: its `pull` in terms of its `pages`."""
    for one in wanted:
        try:
            for page in pages(one.stream, cursor=one.cursor, changed_since=one.changed_since):
                yield Pulled(stream=one.stream, page=page, is_over=page.cursor is None)
        except (NotPermitted, UnexpectedAnswer) as failure:
            yield Pulled(stream=one.stream, failure=failure, is_over=True)
