"""What became of the world's rows, so that a test can say for every id what a walk had to find."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from sources.activecampaign.sandbox.world.resource import Row

Kind = Literal["came", "changed", "went"]


@dataclass(frozen=True, kw_only=True)
class Happening:
    kind: Kind
    stream: str
    id: str


class History:
    """Everything that happened to the rows after the world began. The world holds its lock while it writes here.

    `mark` gives a point in it; `since` such a point. What a merge does is a row that went and one that changed.
    """

    def __init__(self, *, rows: Callable[[str], list[Row]]) -> None:
        self.happenings: list[Happening] = []
        self.keeps_answers = False
        self._rows = rows
        self._shown: dict[str, dict[str, Row]] = {}

    def mark(self) -> int:
        return len(self.happenings)

    def came(self, stream: str, *, since: int = 0) -> set[str]:
        return self._ids("came", stream, since)

    def changed(self, stream: str, *, since: int = 0) -> set[str]:
        return self._ids("changed", stream, since)

    def went(self, stream: str, *, since: int = 0) -> set[str]:
        return self._ids("went", stream, since)

    def lasting(self, stream: str, *, since: int = 0) -> dict[str, Row]:
        """The rows that existed at that point and ever since, each in its latest version: what no walk may lose."""
        new = self.came(stream, since=since)
        return {row["id"]: row for row in self._rows(stream) if row["id"] not in new}

    def shown(self, stream: str) -> dict[str, Row]:
        """Each row as an answer that arrived whole showed it last: what a walk can know. Kept under chaos only."""
        return dict(self._shown.get(stream, {}))

    def note(self, kind: Kind, stream: str, identity: str) -> None:
        self.happenings.append(Happening(kind=kind, stream=stream, id=identity))

    def note_shown(self, stream: str, rows: Iterable[Row]) -> None:
        if self.keeps_answers:
            self._shown.setdefault(stream, {}).update((row["id"], row) for row in rows)

    def _ids(self, kind: Kind, stream: str, since: int) -> set[str]:
        return {one.id for one in self.happenings[since:] if one.kind == kind and one.stream == stream}
