"""The calls that one account may receive, as those who call it and those who keep count see them."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable


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
class ThreadedBudget(Budget, Protocol):
    """A budget that keeps something for each thread that takes from it, such as a database connection.

    Its `take` runs in the threads of a pull; what it raises there ends the pull and is raised where that is consumed.
    A pull puts its own `sleep` in, which ends with the pull.
    """

    sleep: Callable[[float], None]

    def leave(self) -> None:
        """This thread takes no more."""
