"""Pulls several streams of one account side by side: many threads fetch, the caller's thread stores."""

import threading
from collections import deque
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import product
from typing import Generic, Protocol, TypeVar

from sources.dispatching import Dispatcher, PullBudget, PullEnded
from sources.errors import NotPermitted, RateLimited, TemporarilyDown, UnexpectedAnswer
from sources.spec import Cursor, Page, Pulled, Stream, Wanted

AskT = TypeVar("AskT")
AnswerT = TypeVar("AnswerT")
AnswerT_contra = TypeVar("AnswerT_contra", contravariant=True)

MOST_SECOND_LOOKS = 20  # For a stream. A row that differs at every look must not double the calls.
MOST_DOWN_IN_A_ROW = 8  # Streams that fail while none is answered; one more, and nothing works.
MOST_TOGETHER = 4  # Pages that are stored in one go: while they are, others come.
MOST_COME = 2 * MOST_TOGETHER  # Pages that have come and are not stored: more would only take memory.
MOST_READ = 3_000_000  # Characters of answers that are read and not yet stored, unless it is a single one.
ANSWERS_KEPT = 64  # For comparing; two rounds of as many calls as are under way.
MOST_IN_FLIGHT = 48_000_000  # Characters. A page takes up to eight times as much once it is read.
UNKNOWN_LENGTH = 1_500_000  # Of a page of a stream of which none has come: so that thirty-two fit.
LEAST_LENGTH = 100_000  # Of a page, once some have come: one may be longer than those before it.


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
    """One stream of a pull. `longest` is the largest page that came of it, in characters."""

    stream: Stream
    walk: Walk[AskT, AnswerT]
    is_awaited: bool = False
    calls: "set[_Call[AskT, AnswerT]]" = field(default_factory=set)
    is_over: bool = False
    answers: int = 0
    second_looks: int = 0
    longest: int = UNKNOWN_LENGTH
    newest: deque[tuple[int, AnswerT]] = field(default_factory=lambda: deque(maxlen=ANSWERS_KEPT))

    def keep(self, answer: AnswerT) -> None:
        """For as long as a call is under way that was asked for before it came."""
        self.answers += 1
        self.newest.append((self.answers, answer))
        oldest = min(call.begun for call in self.calls)
        while self.newest and self.newest[0][0] <= oldest:
            self.newest.popleft()

    def since(self, begun: int) -> Iterator[AnswerT]:
        """What was heard after that many answers."""
        return (answer for number, answer in self.newest if number > begun)

    def measure(self, length: int) -> None:
        self.longest = max(self.longest, length) if self.answers > 1 else max(length, LEAST_LENGTH)

    @property
    def urgency(self) -> float:
        """In proportion to what remains: so all end at about the same time, and no long one is left for last."""
        return self.walk.remaining / (1 + len(self.calls))


def pull(
    walks: Sequence[tuple[Stream, Walk[AskT, AnswerT]]],
    fetch: Callable[[Stream, AskT], AnswerT],
    *,
    at_once: int,
    budget: PullBudget | None = None,
    settle: Callable[[AnswerT, Iterable[AnswerT]], AnswerT | None] = lambda answer, others: answer,
    kept: Callable[[AnswerT], AnswerT] = lambda answer: answer,
    more: Callable[[], Sequence[tuple[Stream, Walk[AskT, AnswerT]]]] = tuple,
    awaited: Collection[str] = (),
) -> Generator[Pulled, None, None]:
    """Run the walks until all are over. `fetch` makes one call, in a thread of its own.

    Of answers that were under way at the same time nobody knows which is the later one. `settle` puts the latest
    version of each row into an answer, or gives None when the rows do not tell it: then it is asked for again. For that
    it is given what is `kept` of the answers. `more` is asked when a stream has ended and is stored: which others begin
    now. Those `awaited`, by their keys, come first.

    At most `at_once` calls are under way or not yet stored, so that a kill repeats no more than these, and no more than
    are likely to bring `MOST_IN_FLIGHT` characters. Of answers that come faster than they are stored, few are read at
    the same time (`Call.wait_for_room`). Raises what `fetch` raises, but for NotPermitted and
    UnexpectedAnswer, which end their stream alone, as TemporarilyDown does while other streams are answered.
    """
    work = _Work(walks, fetch, budget=budget, at_once=at_once, settle=settle, kept=kept, more=more, awaited=awaited)
    try:
        work.start()
        while (pulled := work.next_pulled()) is not None:
            yield pulled
    finally:
        work.stop()
    if work.error is not None:
        raise work.error


@dataclass(eq=False)
class _Call(Generic[AskT, AnswerT]):
    """`begun` is how many answers of its stream were heard before it was asked for.

    `read` is how many bytes of answers it has read and not yet handed over.
    """

    work: "_Work[AskT, AnswerT]"
    course: _Course[AskT, AnswerT]
    ask: AskT
    begun: int
    read: int = 0

    def wait_for_room(self, size: int) -> None:
        self.work.wait_for_room(self, size)

    def make(self) -> None:
        self.work.make(self)

    def drop(self) -> None:
        self.work.note_end(self)


class _Work(Generic[AskT, AnswerT]):
    """The state that the fetching threads and the consumer share; all of it is changed under one lock."""

    def __init__(
        self,
        walks: Sequence[tuple[Stream, Walk[AskT, AnswerT]]],
        fetch: Callable[[Stream, AskT], AnswerT],
        *,
        budget: PullBudget | None,
        at_once: int,
        settle: Callable[[AnswerT, Iterable[AnswerT]], AnswerT | None],
        kept: Callable[[AnswerT], AnswerT],
        more: Callable[[], Sequence[tuple[Stream, Walk[AskT, AnswerT]]]],
        awaited: Collection[str],
    ) -> None:
        self.error: Exception | None = None
        self._courses = [_Course(stream, walk, is_awaited=stream.key in awaited) for stream, walk in walks]
        self._fetch = fetch
        self._settle = settle
        self._kept = kept
        self._more = more
        self._at_once = at_once
        self._changed = threading.Condition()
        self._dispatcher = Dispatcher(
            budget, at_once=at_once, changed=self._changed, choose=self._free_call, failed=self._give_up
        )
        self._waiting: deque[Pulled] = deque()
        self._in_hand: list[Pulled] = []
        self._is_awaited = False
        self._is_answered = False
        self._unread = 0
        self._down_in_a_row = 0

    def start(self) -> None:
        self._dispatcher.start()

    def stop(self) -> None:
        """Make no more calls, and wait for those under way."""
        self._dispatcher.stop()

    def next_pulled(self) -> Pulled | None:
        """Asking for the next says that those before it are stored, unless the last one was said to be followed."""
        if not self._is_awaited:
            self._note_stored()
        with self._changed:
            while not self._waiting:
                if self._is_done() and not self._under_way:
                    return None
                self._changed.wait()
            pulled = self._waiting.popleft()
            self._in_hand.append(pulled)
            self._is_awaited = bool(self._waiting) and len(self._in_hand) < MOST_TOGETHER
            return replace(pulled, is_followed=self._is_awaited)

    def _note_stored(self) -> None:
        """What is begun now is begun in the consumer's thread: it may have to write that down."""
        begun = self._more() if any(pulled.is_over for pulled in self._in_hand) else ()
        with self._changed:
            self._in_hand = []
            self._courses += [_Course(stream, walk) for stream, walk in begun]
            self._changed.notify_all()

    def _is_done(self) -> bool:
        return self._dispatcher.ended.is_set() or all(course.is_over for course in self._courses)

    @property
    def _under_way(self) -> int:
        return sum(len(course.calls) for course in self._courses)

    @property
    def _come(self) -> list[Pulled]:
        return [*self._waiting, *self._in_hand]

    def _has_room(self) -> bool:
        """The first call goes alone: a dead key or a wrong address then costs one call, and not one a thread."""
        come = self._come
        if not self._is_answered:
            return not self._under_way
        if self._unread or self._under_way + len(come) >= self._at_once or len(come) >= MOST_COME:
            return False
        expected = sum(course.longest * len(course.calls) for course in self._courses)
        return expected + sum(map(_length_of, come)) < MOST_IN_FLIGHT

    def _free_call(self) -> _Call[AskT, AnswerT] | None:
        if not self._has_room():
            return None
        running = [course for course in self._courses if not course.is_over]
        running.sort(key=lambda course: course.urgency, reverse=True)
        for may_split, course in self._in_turn(running):
            ask = course.walk.ask(may_split=may_split)
            if ask is not None:
                call = _Call(self, course, ask, course.answers)
                course.calls.add(call)
                return call
        if running and not self._under_way:
            self._give_up(RuntimeError("A walk neither asks for more nor ends."))
        return None

    def _in_turn(self, running: list[_Course[AskT, AnswerT]]) -> Iterator[tuple[bool, _Course[AskT, AnswerT]]]:
        """Who is asked for a call, and whether they may split: awaited ones first.

        Others go before a split, which may cost a call more, as long as enough of them are left for when the last
        answers of the awaited ones are waited for.
        """
        first, then = ([one for one in running if one.is_awaited == awaited] for awaited in (True, False))
        are_enough = sum(not one.calls for one in then) > self._under_way
        yield from product((False,), [*first, *then] if are_enough else first)
        yield from product((True,), first)
        yield from product((False, True), then)

    def make(self, call: _Call[AskT, AnswerT]) -> None:
        course = call.course
        try:
            while not self._hear(call, self._fetch(course.stream, call.ask)):
                call.begun, call.read = course.answers, 0
        except (NotPermitted, UnexpectedAnswer) as failure:
            self._deliver(course, Pulled(stream=course.stream, failure=failure, is_over=True))
        except TemporarilyDown as failure:
            self._set_aside(course, failure)
        except PullEnded:
            pass  # Nobody waits for this answer any more.
        except Exception as error:  # Whatever it is, it concerns the whole pull, and is raised where that is consumed.
            self._give_up(error)
        finally:
            self._is_answered = True
            self.note_end(call)

    def wait_for_room(self, call: _Call[AskT, AnswerT], size: int) -> None:
        """Whoever holds some waits for no more: others wait for that one. So does nobody once the pull is over."""
        with self._changed:
            self._unread += 1
            while not (call.read or self._may_read(size) or self._dispatcher.ended.is_set()):
                self._changed.wait()
            self._unread -= 1
            call.read += size
            self._changed.notify_all()

    def _may_read(self, size: int) -> bool:
        read = sum(call.read for course in self._courses for call in course.calls)
        read += sum(map(_length_of, self._come))
        return not read or read + size <= MOST_READ

    def note_end(self, call: _Call[AskT, AnswerT]) -> None:
        with self._changed:
            call.course.calls.remove(call)
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

    def _hear(self, call: _Call[AskT, AnswerT], answer: AnswerT) -> bool:
        """False when it has to be asked for again."""
        course = call.course
        # Heard and put to the others under one lock: each cursor says that all pages before it are stored.
        with self._changed:
            self._down_in_a_row = 0
            if not course.is_over:
                settled = self._settle(answer, course.since(call.begun))
                if settled is None and course.second_looks < MOST_SECOND_LOOKS:
                    course.second_looks += 1
                    return False
                answer = answer if settled is None else settled
                course.keep(self._kept(answer))
                page = course.walk.hear(call.ask, answer)
                course.measure(page.length)
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
            self._dispatcher.end()


def _length_of(pulled: Pulled) -> int:
    return pulled.page.length if pulled.page else 0


class Pages(Protocol):
    def __call__(
        self, stream: Stream, *, cursor: Cursor | None = None, changed_since: datetime | None = None
    ) -> Iterator[Page]: ...


def pull_in_turn(
    pages: Pages, wanted: Sequence[Wanted], more: Callable[[], Sequence[Wanted]] = tuple
) -> Generator[Pulled, None, None]:
    """One stream after the other, for a source whose streams are short: its `pull` in terms of its `pages`."""
    waiting = deque(wanted)
    while waiting:
        one = waiting.popleft()
        try:
            for page in pages(one.stream, cursor=one.cursor, changed_since=one.changed_since):
                yield Pulled(stream=one.stream, page=page, is_over=page.cursor is None)
        except (NotPermitted, UnexpectedAnswer) as failure:
            yield Pulled(stream=one.stream, failure=failure, is_over=True)
        waiting.extend(more())
