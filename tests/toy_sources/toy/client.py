"""The toy shop's API, which answers from memory."""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from sources.errors import BadCredentials, NotPermitted
from sources.pulling import pull_in_turn
from sources.spec import (
    Budget,
    Credentials,
    Cursor,
    Lane,
    Page,
    Proof,
    Pulled,
    Row,
    Secret,
    Stream,
    Wanted,
    host_of,
)

KEY = "a-key-of-the-toy-shop"
PAGE_SIZE = 2
SHELVES: dict[str, tuple[Row, ...]] = {
    "toys": (
        {"id": "1", "name": "Kite", "colour": "red", "price": "12.00"},
        {"id": "2", "name": "Spinning top", "colour": "blue", "price": "4.50"},
        {"id": "3", "name": "Wooden boat", "colour": "green", "price": "19.90"},
    ),
    "orders": ({"id": "71", "toy": "1", "buyer": "Noor", "day": "2025-03-04"},),
}
CLOSED: set[str] = set()  # Streams that the shop refuses; tests close and open them.


def check(credentials: Credentials, *, budget: Budget, seconds: float) -> Proof:
    """Prove that the key works. Raises BadCredentials."""
    budget.take(Lane.INTERACTIVE)
    refuse_wrong_key(credentials)
    counts = {key: len(rows) for key, rows in SHELVES.items()}
    return Proof(account=host_of(credentials.api_url), person="Pia Toymaker", counts=counts)


@contextmanager
def open_line(credentials: Credentials, *, budget: Budget) -> Iterator["ToyShop"]:
    """A line for pulling. Raises BadCredentials."""
    refuse_wrong_key(credentials)
    yield ToyShop(budget)


def refuse_wrong_key(credentials: Credentials) -> None:
    if credentials.api_key != Secret(KEY):
        raise BadCredentials("The toy shop did not accept this key.")


class ToyShop:
    """An open line to the shop."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget

    def pages(
        self, stream: Stream, *, cursor: Cursor | None = None, changed_since: datetime | None = None
    ) -> Iterator[Page]:
        """Yield the stream's pages, from `cursor` on. Raises NotPermitted."""
        while True:
            page = self.page(stream, start=cursor["start"] if cursor else 0)
            yield page
            cursor = page.cursor
            if cursor is None:
                return

    def pull(
        self, wanted: Sequence[Wanted], *, more: Callable[[], Sequence[Wanted]] = tuple
    ) -> Generator[Pulled, None, None]:
        """One stream after the other: there is little to read."""
        return pull_in_turn(self.pages, wanted, more)

    def exists(self, stream: Stream, external_id: str) -> bool:
        self.budget.take(Lane.BULK)
        return any(row["id"] == external_id for row in SHELVES[stream.key])

    def heeds_zones(self, stream: Stream) -> bool:
        return False  # No shelf says when anything on it changed.

    def page(self, stream: Stream, *, start: int) -> Page:
        self.budget.take(Lane.BULK)
        if stream.key in CLOSED:
            raise NotPermitted(f"Pia Toymaker's key may not read {stream.name.lower()}.")
        rows, end = SHELVES[stream.key], start + PAGE_SIZE
        return Page(
            rows={row["id"]: row for row in rows[start:end]},
            cursor={"start": end} if end < len(rows) else None,
            total=len(rows),
        )
