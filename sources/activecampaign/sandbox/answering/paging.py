"""Which rows of a table a query asks for."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from random import random
from typing import Any

from sources.activecampaign.sandbox.world import moments
from sources.activecampaign.sandbox.world.habits import Habits
from sources.activecampaign.sandbox.world.table import Table

USUAL_LIMIT = 20
ZONE = re.compile(r"(Z|[+-]\d\d:\d\d)$")

FILTERS = {
    "filters[updated_after]": ("changed", 1),
    "filters[updated_before]": ("changed", -1),
    "filters[created_after]": ("created", 1),
    "filters[created_before]": ("created", -1),
}


class InvalidQuery(ValueError):
    """A parameter that the API refuses with 422."""

    def __init__(self, parameter: str, detail: str) -> None:
        super().__init__(detail)
        self.parameter = parameter


@dataclass(frozen=True, kw_only=True)
class Slice:
    ids: Sequence[int]
    total: int
    limit: int
    offset: int


def choose(table: Table, query: Mapping[str, str], *, habits: Habits, within: Sequence[int] | None = None) -> Slice:
    """The rows that the query asks for, of the whole table or of those `within`. Raises InvalidQuery."""
    resource = table.resource
    heeded = {name: text for name, text in query.items() if f"{resource.path} {name}" not in habits.ignores}
    usual = next((most for name, most in resource.most_rows_of_one.items() if query.get(name)), resource.most_rows)
    if not habits.heeds_zones:
        heeded |= {name: ZONE.sub("", heeded[name]) for name in _filters(table).keys() & heeded.keys()}
    most = habits.most_rows.get(resource.path, usual)
    limit = min(_number(query.get("limit"), otherwise=USUAL_LIMIT) or USUAL_LIMIT, most)
    offset = _number(query.get("offset"), otherwise=0)
    wanted = _matching(table, heeded, table.ids if within is None else within)
    # Whether the API counts what lies outside of id_greater is not known; here it does: a walk must not care.
    total = len(wanted)
    if resource.has_keyset:
        wanted = _keyset(table, wanted, heeded)
    wanted = _ordered(table, wanted, heeded)
    if resource.path in habits.restless and not any(name.startswith("orders[") for name in heeded):
        wanted, total = _shuffled(wanted), total * 5 // 4
    return Slice(ids=wanted[offset : offset + limit], total=total, limit=limit, offset=offset)


def _shuffled(ids: Sequence[int]) -> Sequence[int]:
    """Near where they were, so that two pages overlap and leave gaps."""
    place = {identity: number + 150 * random() for number, identity in enumerate(ids)}  # noqa: S311 - No secret.
    return sorted(ids, key=place.__getitem__)


def _ordered(table: Table, wanted: Sequence[int], query: Mapping[str, str]) -> Sequence[int]:
    """By the first order that the list knows; others are ignored."""
    for parameter in query:
        field = table.resource.orders.get(parameter.removeprefix("orders[").removesuffix("]"))
        if field is None or not parameter.startswith("orders["):
            continue
        is_reversed = _direction(query, parameter) == "DESC"
        if field != "id":
            ranked = partial(sorted, wanted, key=_rank(table, field))
            wanted = table.once(f"order by {field}", ranked) if wanted is table.ids else ranked()
        return wanted[::-1] if is_reversed else wanted
    return wanted


def _rank(table: Table, field: str) -> Callable[[int], tuple[Any, int]]:
    if field in ("created", "changed"):
        when = table.created_at if field == "created" else table.changed_at
        return lambda identity: (when(identity), identity)
    return lambda identity: (table.row(identity).get(field) or "", identity)


def _number(text: str | None, *, otherwise: int) -> int:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 19 else otherwise


def _keyset(table: Table, matching: Sequence[int], query: Mapping[str, str]) -> Sequence[int]:
    after, before = _bound(query.get("id_greater")), _bound(query.get("id_less"))
    if after is not None or before is not None:
        inside = table.between(after, before)
        matching = inside if matching is table.ids else _both(inside, matching)
    return matching


def _bound(text: str | None) -> int | None:
    number = _number(text, otherwise=-1)
    return None if number < 0 else number


def _direction(query: Mapping[str, str], parameter: str) -> str:
    direction = query.get(parameter, "ASC").upper()
    if direction not in ("ASC", "DESC"):
        raise InvalidQuery(parameter, f'Invalid order direction: "{direction}".')
    return direction


def _matching(table: Table, query: Mapping[str, str], ids: Sequence[int]) -> Sequence[int]:
    resource = table.resource
    for parameter, column in resource.filters.items():
        if query.get(parameter):
            ids = _both(ids, table.tied(column, query[parameter]))
    if resource.changed_since is None:
        return ids
    for name, (moment, sign) in _filters(table).items():
        text = query.get(name)
        if text:
            filtered = partial(_filtered, table, ids, edge=_moment(name, text), moment=moment, sign=sign)
            ids = table.once(f"{name} {text}", filtered) if ids is table.ids else filtered()
    return ids


def _both(ids: Sequence[int], others: Iterable[int]) -> Sequence[int]:
    kept = set(others)
    return [identity for identity in ids if identity in kept]


def _filters(table: Table) -> Mapping[str, tuple[str, int]]:
    """Activities know one filter of their own; contacts and deals the four with brackets."""
    parameter = table.resource.changed_since_parameter
    return FILTERS if parameter in FILTERS else {parameter: ("changed", 1)}


def _moment(name: str, text: str) -> float:
    try:
        return moments.parse(text)
    except ValueError:
        raise InvalidQuery(name, f"{name} is not a date.") from None


def _filtered(table: Table, ids: Sequence[int], *, edge: float, moment: str, sign: int) -> Sequence[int]:
    """Contacts are strictly after; deals from the moment on, and strictly before."""
    when = table.changed_at if moment == "changed" else table.created_at
    if sign < 0:
        return [identity for identity in ids if when(identity) < edge]
    if table.resource.changed_since == "inclusive":
        return [identity for identity in ids if when(identity) >= edge]
    return [identity for identity in ids if when(identity) > edge]
