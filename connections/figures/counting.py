"""Counts numbers anew when rows of their stream changed, and keeps what was seen on each day."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from functools import cache, lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from connections.figures.tallying import Cell, Cells, Counting
from connections.figures.turning import last_change, turned
from connections.models import Figured, Holding, NumberDay, NumberState, RowCount, StreamMark, StreamRun
from connections.models.holding import PIECE
from connections.models.stream_run import RunState
from connections.models.sync import ACTIVE_STATES
from sources.registry import all_sources, get_source
from sources.spec import Source

READ = "read"  # Stands for the days on which a stream, named by `by`, was read: those without it are gaps.


def count_holding(holding: Holding) -> None:
    """What is due of it, in this process."""
    for count in due().filter(holding=holding):
        count_stream(count.holding, count.stream)


def due() -> QuerySet[RowCount]:
    """Those that were read to their end once, of what a connection shows."""
    same = {"stream": OuterRef("stream")}
    runs = StreamRun.objects.filter(sync__state__in=ACTIVE_STATES, state=RunState.RUNNING, **same)
    being_read = runs.filter(sync__connection__holding=OuterRef("holding"))
    was_read = StreamMark.objects.filter(holding=OuterRef("holding"), **same)
    stirred = RowCount.objects.filter(is_stirred=True, stream__in=counted(), holding__connection__isnull=False)
    found = stirred.filter(Exists(was_read), ~Exists(being_read))
    return found.select_related("holding__connection__workspace").order_by("holding", "pk")


@cache
def counted() -> frozenset[str]:
    """The streams that any source has numbers of."""
    return frozenset(key for source in all_sources().values() for one in source.numbers for key in one.streams)


def stir_outdated() -> None:
    """What another zone, other definitions, or a death at counting have left behind, is counted anew.

    Of what nobody counts it is forgotten that it is stirred, so that others are found at once.
    """
    now = timezone.now()
    RowCount.objects.filter(is_stirred=True).exclude(stream__in=counted()).update(is_stirred=False)
    for key, source in all_sources().items():
        states = NumberState.objects.filter(holding__connection__source_key=key)
        versions = {stream: version_of(key, stream) for one in source.numbers for stream in one.streams}
        others = Q(*(Q(stream=one) & ~Q(version=version) for one, version in versions.items()), _connector=Q.OR)
        zones = ~Q(zone=F("holding__connection__workspace__timezone"))
        for state in states.filter(Q(taken_until__lt=now) | others | zones).select_related("holding"):
            RowCount.objects.stir(state.holding, state.stream)


@lru_cache(maxsize=1024)
def version_of(source_key: str, stream: str) -> str:
    """The same for as long as the definitions of its numbers, and what its rows mean, are the same."""
    source = all_sources()[source_key]
    said = repr(([one for one in source.numbers if stream in one.streams], source.stream(stream)))
    return hashlib.sha256(said.encode()).hexdigest()


def count_stream(holding: Holding, key: str) -> bool:
    """The numbers of one stream, as far as they have changed. Returns whether it was this process that did it."""
    workspace, source = holding.connection.workspace, get_source(holding.connection.source_key)
    state = NumberState.objects.take(holding.pk, key)
    if source is None or state is None:
        return False
    RowCount.objects.filter(holding=holding, stream=key).update(is_stirred=False)  # What comes from now on stirs anew.
    count = RowCount.objects.get(holding=holding, stream=key)
    marks = {mark.stream: mark.changed_through for mark in StreamMark.objects.filter(holding=holding)}
    if key in marks:
        known = {"edition": count.edition, "version": version_of(source.key, key), "zone": workspace.timezone}
        if any(getattr(state, name) != value for name, value in known.items()):
            tally_all(holding, source, key, read={*marks}, zone=workspace.zone)
            state.counted_at = timezone.now()
        with transaction.atomic():  # What turned is added up: once, and with how far it is.
            if state.through != marks[key]:
                see(state, source, marks[key].astimezone(workspace.zone).date())
            for name, value in known.items():
                setattr(state, name, value)
            state.through = marks[key]
            state.save()
    NumberState.objects.filter(pk=state.pk).update(taken_until=None)
    return key in marks


def tally_all(holding: Holding, source: Source, key: str, *, read: Collection[str], zone: ZoneInfo) -> None:
    """All numbers that use this stream, of those that were read."""
    others = {one.key: one for one in source.streams if one.key in read}
    for stream in others.values():
        definitions = [one for one in source.numbers if key in one.streams and one.stream == stream.key]
        if definitions:
            counting = Counting(holding=holding, stream=stream, zone=zone, others=others)
            keep(holding, counting.tally(definitions))


def see(state: NumberState, source: Source, day: date) -> None:
    """Keep what there is on this day, and what turned since the last look."""
    holding = state.holding
    stream = source.stream(state.stream)
    definitions = [one for one in source.numbers if stream and one.stream == stream.key]
    NumberDay.objects.get_or_create(
        holding=holding, number=READ, kind=Figured.SEEN, by=state.stream, day=day, defaults={"value": 1}
    )
    stocks = [one.key for one in definitions if one.is_stock and not one.is_combined]
    keep(holding, as_seen(holding, stocks, day, kind=Figured.ALL), seen_on=day)
    turning = [one for one in definitions if one.turn]
    if not turning or stream is None:
        return
    until = last_change()
    if state.seen_since is None:
        # Of the first day, what rows still tell stays as it is now: from now on there is the log.
        state.seen_since = day
        keys = [one.key for one in turning]
        add_seen(holding, as_seen(holding, keys, day, kind=Figured.DAY, day=day))
    else:
        zone = holding.connection.workspace.zone
        add_seen(holding, turned(holding, stream, turning, zone, after=state.changes_to, until=until))
    state.changes_to = until


def as_seen(holding: Holding, keys: Sequence[str], on: date, **kept: Any) -> dict[str, Cells]:
    """What is kept as the rows say now, as what is seen on this day."""
    found: dict[str, Cells] = {key: {} for key in keys}
    for one in NumberDay.objects.filter(holding=holding, number__in=keys, **kept):
        found[one.number][Cell(Figured.SEEN, one.by, one.group, one.currency, on)] = one.value
    return found


def add_seen(holding: Holding, more: Mapping[str, Cells]) -> None:
    days = {cell.day for cells in more.values() for cell in cells}
    for day in days:
        there = NumberDay.objects.filter(holding=holding, number__in=[*more], kind=Figured.SEEN, day=day)
        sums: dict[str, Cells] = {key: {} for key in more}
        for one in there:
            sums[one.number][Cell(one.kind, one.by, one.group, one.currency, one.day)] = one.value
        for key, cells in more.items():
            for cell, value in cells.items():
                if cell.day == day:
                    sums[key][cell] = sums[key].get(cell, 0) + value
        keep(holding, sums, seen_on=day)


@transaction.atomic
def keep(holding: Holding, numbers: Mapping[str, Cells], *, seen_on: date | None = None) -> None:
    """Write what differs from what is kept of these numbers: as the rows say now, or as seen on a day."""
    scope = NumberDay.objects.filter(holding=holding, number__in=[*numbers])
    seen = Q(kind=Figured.SEEN, day=seen_on)
    scope = scope.filter(seen) if seen_on else scope.exclude(kind=Figured.SEEN)
    kept = {
        (number, Cell(*cell)): (pk, value)
        for pk, number, value, *cell in scope.values_list("pk", "number", "value", *Cell._fields).iterator()
    }
    wanted = {(number, cell): value for number, cells in numbers.items() for cell, value in cells.items()}
    new = [
        NumberDay(holding=holding, number=number, value=value, **cell._asdict())
        for (number, cell), value in wanted.items()
        if (number, cell) not in kept
    ]
    other = [
        NumberDay(pk=kept[one][0], value=value)
        for one, value in wanted.items()
        if kept.get(one, ("", value))[1] != value
    ]
    over = [pk for one, (pk, _) in kept.items() if one not in wanted]
    for begin in range(0, len(over), PIECE):
        NumberDay.objects.filter(pk__in=over[begin : begin + PIECE]).delete()
    NumberDay.objects.bulk_update(other, ["value"], batch_size=PIECE // 10)
    NumberDay.objects.bulk_create(new, batch_size=PIECE)
