"""Counts by the log of changes what turned on a day: who joined a list, and who left it in which way.

It is counted once, when it was seen, and stays: whoever is erased later is still one of that day.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import groupby
from zoneinfo import ZoneInfo

from django.db.models import Max

from connections.figures.tallying import Cell, Cells
from connections.models import Change, Figured, Holding, Record
from connections.models.change import PRESENCE, THERE
from connections.models.holding import PIECE
from connections.models.logged import column_of
from sources.spec import GONE, OTHER, Definition, Stream, Turn

State = str | None
"""What a row's field held; None while the row was not there."""


def last_change() -> int:
    return Change.objects.aggregate(last=Max("pk", default=0))["last"]


def turned(
    holding: Holding, stream: Stream, definitions: Sequence[Definition], zone: ZoneInfo, *, after: int, until: int
) -> dict[str, Cells]:
    """By number, what the changes between these two keys come to; of rows that are erased meanwhile, nothing."""
    found: dict[str, Cells] = {one.key: defaultdict(int) for one in definitions}
    known = {code for one in definitions if one.turn for code in one.turn.into}
    for one in definitions:
        if one.turn is None:
            continue
        columns = [column_of(stream, each.field) for each in one.breakdowns]
        for change, groups, before, now in turns(holding, stream, one.turn.field, columns, after=after, until=until):
            if is_meant(one.turn, before, now, known):
                day = change.seen_at.astimezone(zone).date()
                here = zip(("", *(each.field for each in one.breakdowns)), ("", *groups), strict=True)
                for by, group in here:
                    found[one.key][Cell(Figured.SEEN, by, group, "", day)] += 1
    return found


def is_meant(turn: Turn, before: State, now: State, known: set[str]) -> bool:
    if not turn.into:
        return now == turn.there and before != turn.there
    if before != turn.there or now == turn.there:
        return False
    code = GONE if now is None else now
    return code in turn.into or (OTHER in turn.into and code not in known)


def turns(
    holding: Holding, stream: Stream, field: str, columns: Sequence[str], *, after: int, until: int
) -> Iterator[tuple[Change, list[str], State, State]]:
    """Each change of a row, its groups, and what the field held before it and then: told backwards from what it is."""
    changes = Change.objects.filter(holding=holding, stream=stream.key, field__in=[field, PRESENCE])
    changes = changes.filter(pk__gt=after, pk__lte=until).order_by("external_id", "pk")
    of_rows = [(external_id, [*those]) for external_id, those in groupby(changes, lambda one: one.external_id)]
    for begin in range(0, len(of_rows), PIECE):
        piece = of_rows[begin : begin + PIECE]
        rows = Record.objects.filter(holding=holding, stream=stream.key, external_id__in=[one for one, _ in piece])
        names = (column_of(stream, field), *columns)
        held = {external_id: rest for external_id, *rest in rows.values_list("external_id", "deleted_at", *names)}
        for external_id, those in piece:
            if external_id in held:
                is_gone, code, *groups = held[external_id]
                yield from told_backwards(those, code or "", not is_gone, [one or "" for one in groups])


def told_backwards(
    changes: Sequence[Change], code: str, is_there: bool, groups: list[str]
) -> Iterator[tuple[Change, list[str], State, State]]:
    for change in reversed(changes):
        now = code if is_there else None
        if change.field == PRESENCE:
            is_there = change.before == THERE
        else:
            code = change.before
        yield change, groups, code if is_there else None, now
