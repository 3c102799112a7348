"""The downloads that this process sends at once: each holds a thread, for hours when its reader is slow."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import connection as database

from connections.access.acting import TooMuch
from connections.models import User, Workspace

TRY_AGAIN = 10  # Seconds. When a place will be free, nobody knows who does not know the reader.

# One piece at a time: more would keep pages waiting for the processor, and bring nobody's file sooner.
making = threading.Lock()


@dataclass(frozen=True)
class Holder:
    person: int
    workspace: int


class Places:
    """Of a person a quarter of all, of a workspace half: whoever has none finds one while others take their time."""

    def __init__(self) -> None:
        self.taken: list[Holder] = []
        self.lock = threading.Lock()

    def take(self, holder: Holder) -> None:
        """Raises TooMuch at once: who waited for a place would hold a thread, too."""
        with self.lock:
            if refusal := self.refusal_of(holder):
                raise TooMuch(f"{refusal}.", seconds=TRY_AGAIN)
            self.taken.append(holder)

    def give_back(self, holder: Holder) -> None:
        with self.lock:
            self.taken.remove(holder)

    def refusal_of(self, holder: Holder) -> str:
        """The nearest reason first; empty when there is a place."""
        most = settings.DOWNLOADS_AT_ONCE
        mine = sum(other.person == holder.person for other in self.taken)
        if mine >= max(1, most // 4):
            return f"You are downloading {mine} file{'s' if mine > 1 else ''} already"
        ours = sum(other.workspace == holder.workspace for other in self.taken)
        if ours >= max(1, most // 2):
            return f"{ours} files of this workspace are being downloaded already"
        return "Many files are being downloaded at this moment" if len(self.taken) >= most else ""


places = Places()


class Download:
    """The pieces of a file, each made when it is asked for, in a place that is given back with the last one.

    Between two of them, while the reader takes what there is, it has no connection to the database. Before each it is
    asked whether they `may_see` it still; the file ends in its middle when not, and the reader's program notices.
    """

    has_place = False

    def __init__(self, pieces: Iterator[str], *, to: User, workspace: Workspace, may_see: Callable[[], bool]) -> None:
        """Raises TooMuch."""
        self.pieces, self.holder, self.may_see = pieces, Holder(to.pk, workspace.pk), may_see
        places.take(self.holder)
        self.has_place = True

    def __iter__(self) -> "Download":
        return self

    def __next__(self) -> bytes:
        try:
            with making:
                if not self.may_see():
                    raise PermissionDenied("They may no longer see what they are downloading.")
                # Half of a pair of surrogates, which JSON may hold and no file: as it was written there.
                return next(self.pieces).encode(errors="backslashreplace")
        finally:
            if not database.in_atomic_block:
                database.close()

    def close(self) -> None:
        """By the server, when the last piece is sent and when the reader is gone."""
        if self.has_place:
            self.has_place = False
            places.give_back(self.holder)

    __del__ = close  # A response that was never sent is never closed.
