"""Asks an account for its own figures, and keeps them beside ours."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone

from connections.checking.checking import budget_for
from connections.checking.patience import Patience
from connections.figures.figures import available
from connections.models import Connection, Figured, FigureProof, NumberDay
from sources.spec import Ask, Definition, Told

Key = tuple[str, str, str, str]
"""Of a proof: the number, the breakdown, the group and the currency."""


def prove(
    connection: Connection,
    *,
    patience: Patience,
    keys: Sequence[str] | None = None,
    streams: Sequence[str] | None = None,
    by: str = "",
    group: str = "",
) -> int:
    """Hold numbers against what the account says, a call for each list; returns how many it said.

    Of those with these keys, or of these streams; of one `group` of the breakdown `by` alone, which costs one call.
    Raises SourceError where it says nothing at all, and Unsealable.
    """
    source = connection.known_source()
    meant = [one for one in available(connection) if keys is None or one.key in keys]
    meant = [one for one in meant if streams is None or one.stream in streams]
    asks = [(one, ask) for one in meant for ask in one.asks if not group or (ask.by == by and ask.single)]
    if source.tell is None or not asks:
        return 0
    credentials = connection.credentials()
    told = source.tell(
        credentials,
        [*dict.fromkeys(ask for _, ask in asks)],
        group=group,
        budget=budget_for(source, credentials, patience),
        seconds=patience.seconds,
    )
    said = {key: says for one, ask in asks for key, says in as_said(one, ask, told.get(ask, {}))}
    ours, now = {key: value for one in meant for key, value in kept(connection, one)}, timezone.now()
    for key, says in said.items():
        known: dict[str, Any] = dict(zip(("number", "by", "group", "currency"), key, strict=True))
        defaults = {"says": says, "ours": ours.get(key, 0), "checked_at": now}
        FigureProof.objects.update_or_create(holding=connection.holding, **known, defaults=defaults)
    return len(said)


def was_told_whole(connection: Connection, one: Definition, *, since: datetime) -> bool:
    """Whether the account has said since then what the number is in all, and not of its parts alone."""
    whole = FigureProof.objects.filter(holding=connection.holding, number=one.key, by="", group="")
    return whole.filter(checked_at__gte=since).exists()


def as_said(one: Definition, ask: Ask, told: Told) -> Iterator[tuple[Key, int]]:
    """The whole is taken from the ask that is for it, if there is one."""
    is_of_parts = bool(ask.by) and any(not other.by for other in one.asks)
    for (group, currency), says in told.items():
        if group or not is_of_parts:
            yield (one.key, ask.by if group else "", group, currency), says


def kept(connection: Connection, one: Definition) -> Iterator[tuple[Key, int]]:
    """What ours says of all rows, of the whole and of each group."""
    rows = NumberDay.objects.filter(holding=connection.holding, number=one.key, kind=Figured.ALL)
    for currency, value in rows.filter(by="").values_list("currency", "value"):
        yield (one.key, "", "", currency), value
    for breakdown in one.breakdowns:
        leads = connection.records.filter(stream=breakdown.through).values_list("external_id", "parent")
        to = dict(leads) if breakdown.through else {}
        sums: Counter[tuple[str, str]] = Counter()
        for own, currency, value in rows.filter(by=breakdown.field).values_list("group", "currency", "value"):
            sums[to.get(own) or "" if breakdown.through else own, currency] += value
        yield from (((one.key, breakdown.key, *place), value) for place, value in sums.items())
