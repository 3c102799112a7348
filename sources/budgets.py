"""The calls that one account may receive, as those who call it and those who keep count see them."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable


class Lane(StrEnum):
    """Who is waiting for a call: nobody (a pull), or a person in front of a page."""

    BULK = "bulk"
    INTERACTIVE = "interactive"


class Budget(Protocol):
    """The calls that one account may receive, shared by everything that calls it."""

    def take(self, lane: Lane) -> None:
        """Return once one call may be sent."""

    def slow_down(self, seconds: float) -> None:
        """The account answered 429 or 503: nobody calls it for so many seconds, and the pace falls."""


@dataclass(frozen=True, kw_only=True)
class Allowance:
    """What an account said with an answer about its calls: how many are left, of how many, if it said that."""

    remaining: int
    limit: int | None = None


@runtime_checkable
class WatchfulBudget(Budget, Protocol):
    """A budget that learns from answers how long calls travel, and whether somebody else calls the account."""

    def answered(self, allowance: Allowance | None = None, *, ago: float = 0.0) -> None:
        """The call that this thread took last was a success; its answer began to arrive so many seconds `ago`."""


@runtime_checkable
class RevocableBudget(Budget, Protocol):
    """A budget for work that may be given up: what `still_wanted` raises ends the call that is under way.

    It is asked a few times a second, in whatever thread makes the call.
    """

    still_wanted: Callable[[], None]


@runtime_checkable
class SlottedBudget(Budget, Protocol):
    """A budget whose slots one thread takes, the dispatcher of a pull, for the calls of all others.

    `next_slot` may ask a database, and so may what is given to `aside`, which a pull puts in: it has that run where
    the slots are taken. So one line to the database serves a pull, however many calls are under way. Its `sleep` is
    the pull's, too, and ends with the pull.
    """

    sleep: Callable[[float], None]
    aside: Callable[[Callable[[], None]], None]

    def next_slot(self, lane: Lane) -> Any:
        """Wait until a call may be sent soon. What this raises ends the pull."""

    def meets(self, slot: Any) -> bool:
        """Return at its moment, in the thread that makes the call; False when it is too late for that."""

    def leave(self) -> None:
        """This thread takes no more."""
