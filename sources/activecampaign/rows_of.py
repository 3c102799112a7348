"""How the facts of a stream are put down: names of fields with a blank between, and the zone of this API's clocks."""

from typing import Any

from sources.facts import Facts, Field

VERSION = 2  # Of the facts of all streams; one that changes alone says its own.


def rows_of(row: str, good_for: str, *fields: Field, label: str = "", search: str = "", **more: Any) -> Facts:
    words = {"label": tuple(label.split()), "search": tuple(search.split())}
    known: dict[str, Any] = {"version": VERSION, "zone": "America/Chicago", "shown": min(5, len(fields))}
    return Facts(row=row, good_for=good_for, fields=fields, **known | words | more)
