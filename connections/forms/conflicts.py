"""Forms that carry the version they were rendered from, and come to terms with what others changed meanwhile."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from django import forms

from connections.models import Connection, Event


@dataclass(frozen=True)
class Conflict:
    """A field that somebody else changed while I did: by whom and when (if known), what they and I made of it."""

    field: str
    word: str
    edit: Event | None
    theirs: str
    mine: str


class SettledForm(forms.Form):
    """A field that I left alone keeps what others made of it; one that both changed is a conflict.

    The form below it says what was posted, how to keep what is there, and how either reads.
    """

    data: Any
    connection: Connection
    settled: Mapping[str, str]
    """The fields to settle, and the word for each."""
    conflicts: Sequence[Conflict] = ()

    version = forms.CharField(required=False, widget=forms.HiddenInput)

    def posted_value(self, field: str, cleaned: dict[str, Any]) -> str | None:
        """What was posted, in the form of `Connection.value_of`; None when it was left alone or is not readable."""
        raise NotImplementedError

    def keep_present(self, field: str, cleaned: dict[str, Any]) -> None:
        raise NotImplementedError

    def read_out(self, field: str, cleaned: dict[str, Any]) -> tuple[str, str]:
        """What they and I made of it, for people to read; empty for what is never shown."""
        raise NotImplementedError

    def meet(self, row: Connection) -> None:
        """Clean once more, against what the connection has become meanwhile."""
        self.connection = row
        self.full_clean()

    def settle_with_others(self, cleaned: dict[str, Any]) -> None:
        """Take over what others changed and I did not; note what both changed."""
        conflicts = []
        for field in self.take_theirs:
            self.keep_present(field, cleaned)
        edits = self.edits_by_others()
        for field in self.settled:
            mine, theirs = self.posted_value(field, cleaned), self.connection.value_of(field)
            base = edits[field][0].changes[field][0] if field in edits else theirs
            if field in edits and mine in (base, None):
                self.keep_present(field, cleaned)
            elif mine not in (base, theirs, None) and (field in edits or not self.seen_version):
                conflicts.append(self.conflict(field, edits.get(field, []), cleaned))
        self.conflicts = conflicts

    def conflict(self, field: str, edits: list[Event], cleaned: dict[str, Any]) -> Conflict:
        theirs, mine = self.read_out(field, cleaned)
        return Conflict(
            field=field, word=self.settled[field], edit=edits[-1] if edits else None, theirs=theirs, mine=mine
        )

    def shown_again(self, *, version: int) -> Self:
        """With the present version: who saves now has seen what the others changed."""
        self.data = self.data.copy()
        self.data["version"] = version
        return self

    @property
    def take_theirs(self) -> list[str]:
        """The fields to keep as others made them."""
        named = self.data.get("theirs", "").split(",")
        return [field for field in self.settled if field in named]

    @property
    def seen_version(self) -> int:
        """The version that the form was rendered from. None, or one that cannot be, counts as the oldest."""
        typed = str(self.data.get("version", ""))
        version = int(typed) if typed.isdecimal() and len(typed) < 10 else 0
        return version if version <= self.connection.version else 0

    def edits_by_others(self) -> dict[str, list[Event]]:
        """The edits since this form was rendered, by the field that they changed."""
        edits: dict[str, list[Event]] = {}
        for event in self.connection.changes_since(self.seen_version):
            for field in event.changes:
                edits.setdefault(field, []).append(event)
        return edits
