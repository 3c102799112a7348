"""What the account itself says that numbers are: beside ours, each shows whether the other is right."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sources.activecampaign.client import ActiveCampaign, connect
from sources.activecampaign.rows import USABLE_ID, answer_of
from sources.errors import NoCallFree, SourceError, TooSlow
from sources.http.limits import CHECK
from sources.spec import Ask, Budget, Credentials, Lane, Row, Told

WHOLE = re.compile(r"-?[0-9]{1,15}", re.ASCII)
CURRENCY = re.compile(r"[A-Za-z]{3}", re.ASCII)
ROWS = 100  # The API's cap of a page: of lists that are longer, what those beyond have is not said.

Call = tuple[str, tuple[tuple[str, str], ...]]
"""A path and its query."""


def tell(
    credentials: Credentials, asks: Sequence[Ask], *, group: str = "", budget: Budget, seconds: float
) -> Mapping[Ask, Told]:
    """See `sources.spec.Tell`. Asks that are answered by the same call share it.

    Nothing is told of a `group` that is no row's id: anybody may have written it, and it stands in a path.
    """
    if group and not USABLE_ID.fullmatch(group):
        return {}
    told: dict[Ask, Told] = {}
    bodies: dict[Call, Row] = {}
    failures: dict[Call, SourceError] = {}
    with connect(credentials, budget=budget, lane=Lane.INTERACTIVE, limits=CHECK, seconds=seconds) as http:
        line = ActiveCampaign(http, key=credentials.api_key)
        for ask in asks:
            call = call_for(ask, group)
            try:
                if call not in bodies | failures:
                    bodies[call] = line.get(call[0], dict(call[1]), confirm=False)
                if call in bodies:
                    told[ask] = read(ask, bodies[call], group=group)
            except SourceError as failure:
                failures[call] = failure
                if isinstance(failure, TooSlow | NoCallFree):
                    break
    if failures and not told:
        raise next(iter(failures.values()))
    return told


def call_for(ask: Ask, group: str) -> Call:
    if group:
        return f"{ask.path}/{group}", ()
    limit = str(ROWS) if ask.by else "1"
    return ask.path, (*ask.query, ("limit", limit))


def read(ask: Ask, body: Row, *, group: str) -> Told:
    """The whole stands beside the groups only where all of them came. Raises UnexpectedAnswer."""
    if group:
        return {one: says for one, says in of_rows(ask, [body.get(ask.single)]).items() if one == (group, "")}
    answer = answer_of(body, envelope=ask.envelope)
    if ask.in_currencies:
        return by_currency(body.get("meta"))
    if not ask.by:
        return {} if answer.total is None else {("", ""): answer.total}
    found = of_rows(ask, [*answer.rows.values()])
    is_whole = answer.total == len(answer.rows) == len(found)
    return found | ({("", ""): sum(found.values())} if is_whole else {})


def of_rows(ask: Ask, rows: Sequence[Any]) -> dict[tuple[str, str], int]:
    known = [row for row in rows if isinstance(row, dict)]
    counted = {str(row.get("id")): number(row.get(ask.field)) for row in known}
    return {(group, ""): count for group, count in counted.items() if count is not None}


def by_currency(meta: Any) -> Told:
    """Source: recorded, `meta.currencies` of deals: by code, with the `value` in the smallest parts."""
    currencies = meta.get("currencies") if isinstance(meta, dict) else None
    if not isinstance(currencies, dict):
        return {}
    sound = ((code, one) for code, one in currencies.items() if CURRENCY.fullmatch(code) and isinstance(one, dict))
    values = {code: number(one.get("value")) for code, one in sound}
    return {("", code.upper()): value for code, value in values.items() if value is not None}


def number(value: Any) -> int | None:
    """Counters are whole numbers, written as texts."""
    return int(value) if WHOLE.fullmatch(str(value)) else None
