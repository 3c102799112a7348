"""Waiting that ends in time, and at once when nobody wants any more what is waited for."""

import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from threading import Thread
from typing import TypeVar

T = TypeVar("T")

StillWanted = Callable[[], None]
"""What it raises ends the waiting."""

LOOK = 0.25  # Seconds between two looks at whether it is: who is asked to leave is gone within a second.


def always() -> None:
    """Wanted to the end."""


def in_time(
    work: Callable[[], T],
    *,
    seconds: float,
    still_wanted: StillWanted = always,
    drop: Callable[[T], None] = lambda found: None,
    name: str = "",
) -> T:
    """Do it in a thread of its own: for what knows no time limit, and what nothing interrupts.

    Raises what `work` raises, TimeoutError, and what `still_wanted` raises. A thread that is given up ends by itself;
    what it still brings is for `drop`.
    """
    outcome: Future[T] = Future()
    Thread(target=_work_into, args=(outcome, work), name=name, daemon=True).start()
    ends_at = time.monotonic() + seconds
    try:
        while True:
            still_wanted()
            left = ends_at - time.monotonic()
            if wait([outcome], timeout=max(0.001, min(LOOK, left))).done:
                break
            if left <= LOOK:
                raise TimeoutError
    except BaseException:
        outcome.add_done_callback(lambda done: None if done.exception() else drop(done.result()))
        raise
    return outcome.result()


def _work_into(outcome: Future[T], work: Callable[[], T]) -> None:
    try:
        outcome.set_result(work())
    except Exception as failure:
        outcome.set_exception(failure)


def sleeping(sleep: Callable[[float], None], still_wanted: StillWanted) -> Callable[[float], None]:
    """`sleep` in short pieces, between which it is asked whether the work is still wanted."""

    def sleep_on(seconds: float) -> None:
        while seconds > 0:
            still_wanted()
            sleep(min(seconds, LOOK))
            seconds -= LOOK

    return sleep_on
