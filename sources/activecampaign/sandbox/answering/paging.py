"""Which rows of a table a query asks for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sources.activecampaign.sandbox.world import moments
from sources.activecampaign.sandbox.world.table import Table

USUAL_LIMIT = 20
MOST = 100

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


def choose(table: Table, query: Mapping[str, str]) -> Slice:
    """Raises InvalidQuery."""
    limit = min(_number(query.get("limit"), otherwise=USUAL_LIMIT) or USUAL_LIMIT, MOST)
    offset = _number(query.get("offset"), otherwise=0)
    wanted = _matching(table, query)
    # Whether the API counts what lies outside of id_greater is not known; here it does: a walk must not care.
    total = len(wanted)
    if table.resource.has_keyset:
        wanted = _keyset(table, wanted, query)
    elif table.resource.moment_order in query:
        is_reversed = _direction(query, table.resource.moment_order) == "DESC"
        wanted = sorted(wanted, key=lambda identity: (table.changed_at(identity), identity), reverse=is_reversed)
    return Slice(ids=wanted[offset : offset + limit], total=total, limit=limit, offset=offset)


def _number(text: str | None, *, otherwise: int) -> int:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 19 else otherwise


def _keyset(table: Table, matching: Sequence[int], query: Mapping[str, str]) -> Sequence[int]:
    after, before = _bound(query.get("id_greater")), _bound(query.get("id_less"))
    if after is not None or before is not None:
        inside = table.between(after, before)
        kept = inside if matching is table.ids else set(matching)
        matching = inside if kept is inside else [identity for identity in inside if identity in kept]
    return matching[::-1] if _direction(query, "orders[id]") == "DESC" else matching


def _bound(text: str | None) -> int | None:
    number = _number(text, otherwise=-1)
    return None if number < 0 else number


def _direction(query: Mapping[str, str], parameter: str) -> str:
    direction = query.get(parameter, "ASC").upper()
    if direction not in ("ASC", "DESC"):
        raise InvalidQuery(parameter, f'Invalid order direction: "{direction}".')
    return direction


def _matching(table: Table, query: Mapping[str, str]) -> Sequence[int]:
    if table.resource.changed_since is None:
        return table.ids
    ids: Sequence[int] = table.ids
    for name, (moment, sign) in _filters(table).items():
        text = query.get(name)
        if text:
            ids = _filtered(table, ids, edge=_moment(name, text), moment=moment, sign=sign)
    return ids


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
