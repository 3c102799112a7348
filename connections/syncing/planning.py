"""Saves what of an account is pulled, at which pace, and when."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

from django.db import transaction

from connections.access.access import present_row
from connections.models import Connection, User

PLANNED = ("streams", "pace", "schedule")


class Plan(Protocol):
    """A form that was posted, and that comes to terms with what others changed meanwhile."""

    conflicts: Sequence[Any]

    def is_valid(self) -> bool: ...

    def choice(self) -> dict[str, Any]: ...


PlanT = TypeVar("PlanT", bound=Plan)


@transaction.atomic
def save_pulling(connection: Connection, read: Callable[[Connection], PlanT], *, by: User) -> PlanT:
    """`read` what was posted against the row as it is now, and save it unless the form has errors or conflicts.

    Raises Http404 when the person may no longer change the connection.
    """
    row = present_row(connection, by=by)
    form = read(row)
    if form.is_valid() and not form.conflicts:
        before, streams = {field: row.value_of(field) for field in PLANNED}, {*row.stream_keys}
        row.choose_pulling(**form.choice())
        row.save_changes(before, by=by, detail=" ".join(in_words(row, before, streams)))
    return form


def in_words(row: Connection, before: dict[str, str], streams: set[str]) -> Iterator[str]:
    """What was changed, for the trail."""
    names = {stream.key: stream.name for stream in row.known_source().streams}
    for word, keys in (("Added", {*row.stream_keys} - streams), ("Left out", streams - {*row.stream_keys})):
        if keys:
            yield f"{word}: {', '.join(sorted(names.get(key, key) for key in keys))}."
    if row.value_of("pace") != before["pace"]:
        yield f"{row.get_pace_display()}."
    if row.value_of("schedule") != before["schedule"]:
        yield f"{row.schedule_words}."
