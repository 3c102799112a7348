"""What cheap refreshes and honest numbers take for granted, put to a live account: by its rows, not by its totals."""

from collections.abc import Collection, Iterator, Sequence
from datetime import timedelta
from functools import partial
from itertools import pairwise
from typing import Any

import httpx

from sources.activecampaign.looking import FAILS, HOLDS, UNKNOWN, Look, Verdict, holds_if, ids_of, judged, kind_of
from sources.activecampaign.rows import answer_of
from sources.activecampaign.sideloads import Sideloads
from sources.activecampaign.statuses import blames_the_plan
from sources.activecampaign.streams import STREAMS, UPDATED_AFTER
from sources.activecampaign.versions import moment_in
from sources.activecampaign.zones import in_utc
from sources.spec import Along, Assumption, Row, Stream

FUTURE = "2099-01-01T00:00:00Z"
SECOND = timedelta(seconds=1)
LOOKED_AT = "20"
PAGE = 100
FEW = 4  # Rows that are looked into one by one.
# Of single programs, or written by the server into its own links (observed: NL, CA, and recordings).
FURTHER_ORDERS = (("campaigns", "id"), ("deals", "mdate"), ("contactAutomations", "lastdate"))
# Lists of which somebody has seen more than a hundred rows at once, or that would be a tenth of the calls if so.
MAY_BE_LONGER = ("accountCustomFieldData", "fieldValues", "contactAutomations", "contactTags")
GATED = ("deals", "dealGroups", "accounts", "ecomOrders", "savedResponses", "customObjects/schemas", "sms/broadcasts")
# ISO 4217 gives them no smaller part.
WITHOUT_CENTS = frozenset(
    (
        *("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG"),
        *("RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"),
    )
)
OPEN = "open"  # observed: BAM, and recorded: where a link leads that only tells who opened.
STREAM = {stream.key: stream for stream in STREAMS}


def of_refreshes(look: Look) -> Iterator[Assumption]:
    for stream, order in _orders():
        claim = f"{stream.path}: orders[{order}]=DESC sorts by it, the newest first"
        yield judged(claim, partial(_order, look, stream, order))
    yield judged("activities: after gives what is younger, and reads a time in UTC as such", partial(_after, look))
    for key in ("contacts", "deals"):
        yield judged(f"{key}: nothing has changed after a future date", partial(_future, look, key, UPDATED_AFTER))
    yield judged("activities: nothing is younger than a future date", partial(_future, look, "activities", "after"))
    yield from _includes(look)
    for key in MAY_BE_LONGER:
        yield judged(f"{key}: limit=1000 is not refused", partial(_longer, look, STREAM[key]))
    yield from _opens(look)
    yield judged("what is refused says so in a message", partial(_refusals, look))
    yield judged("deals: amounts are hundredths in currencies without cents, too", partial(_amounts, look))


def _orders() -> Iterator[tuple[Stream, str]]:
    for stream in STREAMS:
        growing = stream.growing
        for order in (growing.orders or (growing.stamp,)) if growing else ():
            yield stream, order
    for key, order in FURTHER_ORDERS:
        yield STREAM[key], order


def _place(row: Row, order: str) -> Any:
    return next(ids_of([row]), None) if order == "id" else moment_in(row.get(order))


def _order(look: Look, stream: Stream, order: str) -> Verdict:
    rows = look.rows(stream.path, stream.envelope, limit=LOOKED_AT, **{f"orders[{order}]": "DESC"})
    places = [place for row in rows if (place := _place(row, order)) is not None]
    if len(places) < len(rows):
        return FAILS, f"{order} is missing on {len(rows) - len(places)} of {len(rows)} rows"
    if len({*places}) < 2:
        return UNKNOWN, f"{len(rows)} rows, which are too few or of one moment"
    falls = all(newer >= older for newer, older in pairwise(places))
    return holds_if(falls, f"{len(rows)} rows, {'falling' if falls else 'not falling'}")


def _after(look: Look) -> Verdict:
    ask = partial(look.rows, "activities", "activities", limit=LOOKED_AT)
    dated = [(moment, row) for row in ask() if (moment := moment_in(row.get("tstamp")))]
    moments = sorted({moment for moment, _ in dated})
    if len(moments) < 3:
        return UNKNOWN, f"activities of {len(moments)} moments"
    middle = moments[len(moments) // 2]
    ids = {row.get("id") for moment, row in dated if moment == middle}
    ascending = {"orders[tstamp]": "ASC"}
    around, at, behind = (ask(after=in_utc(middle + shift * SECOND), **ascending) for shift in (-1, 0, 1))
    is_found = any(row.get("id") in ids for row in around)
    is_younger = all((moment_in(row.get("tstamp")) or middle) > middle for row in behind)
    edge = "included" if any(row.get("id") in ids for row in at) else "left out"
    return holds_if(is_found and is_younger, f"the moment itself is {edge}")


def _future(look: Look, key: str, parameter: str) -> Verdict:
    rows = look.rows(STREAM[key].path, STREAM[key].envelope, limit="3", **{parameter: FUTURE})
    return holds_if(not rows, f"{len(rows)} rows")


def _includes(look: Look) -> Iterator[Assumption]:
    for parent in STREAMS:
        children = [one for one in STREAMS if one.sideload and one.sideload.parent == parent.key]
        if not children:
            continue
        along: dict[str, Along] = {}
        fetch = partial(_fetch_along, look, parent, children, along)
        yield judged(f"{parent.path}: include= is heeded", fetch)
        for child in children if along else ():
            claim = f"{parent.path}: include={child.key} brings all rows that the {parent.path} name"
            yield judged(claim, partial(_brought, along[child.key]))


def _fetch_along(look: Look, parent: Stream, children: Sequence[Stream], along: dict[str, Along]) -> Verdict:
    beside = Sideloads(children)
    body = look.body(parent.path, **dict(parent.fixed_query), limit=str(PAGE), **beside.params)
    answer = beside.taken_from(body, answer_of(body, envelope=parent.envelope))
    if not answer.rows:
        return UNKNOWN, "no rows"
    along.update(answer.along)
    came = [key for key, one in along.items() if one.is_proven]
    return holds_if(bool(came), f"with {len(answer.rows)} rows came {', '.join(came) or 'nothing'}")


def _brought(along: Along) -> Verdict:
    most = max((len(ids) for ids in along.complete.values()), default=0)
    seen = f"{len(along.rows)} rows, {most} of one at the most; "
    if along.is_proven and along.rows and len(along.rows) % PAGE == 0:
        return UNKNOWN, f"{seen}a round number, which may be a cap"
    return holds_if(along.is_proven, seen + ("no cap is seen" if along.is_proven else "not those that are named"))


def _longer(look: Look, stream: Stream) -> Verdict:
    count = len(look.rows(stream.path, stream.envelope, limit="1000"))
    return (UNKNOWN, f"{count} rows are too few") if count < PAGE else (HOLDS, f"{count} rows at once")


# Opens and clicks


def _opens(look: Look) -> Iterator[Assumption]:
    rows: list[Row] = []
    machines: list[Row] = []

    def tells() -> Verdict:
        rows.extend(_newest(look, "linkData"))
        seen: list[tuple[str, bool]] = []
        for isread in sorted({str(row.get("isread")) for row in rows}):
            for link in [*dict.fromkeys(row.get("linkid") for row in rows if str(row.get("isread")) == isread)][:FEW]:
                found = look.body(f"links/{link}").get("link")
                if isinstance(found, dict):
                    seen.append((isread, found.get("link") == OPEN))
        if not seen:
            return UNKNOWN, f"{len(rows)} rows"
        words = {f"isread {isread} at {'the read tracker' if is_open else 'a link'}" for isread, is_open in seen}
        return holds_if(all((isread == "1") == is_open for isread, is_open in seen), ", ".join(sorted(words)))

    def machine() -> Verdict:
        machines.extend(_newest(look, "mppLinkData"))
        kinds = sorted({str(row.get("isread")) if kind_of(row.get("isread")) != "null" else "none" for row in machines})
        return holds_if(kinds == ["2"], f"isread {', '.join(kinds)}") if machines else (UNKNOWN, "no rows")

    yield judged("linkData: isread is 1 for an open, and 0 for a click", tells)
    yield judged("mppLinkData: isread is 2", machine)
    if machines:
        yield judged("campaigns: uniqueopens leaves Apple's opens out", partial(_counter, look, machines))


def _newest(look: Look, key: str) -> list[Row]:
    return look.rows(STREAM[key].path, STREAM[key].envelope, limit=str(PAGE), **{"orders[id]": "DESC"})


def _counter(look: Look, machines: Sequence[Row]) -> Verdict:
    """Of a mail of which all opens fit on a page: whose rows are as many people as its counter says."""
    for link in [*dict.fromkeys(str(row.get("linkid")) for row in machines)][:FEW]:
        people, apples = (
            {row.get("subscriberid") for row in look.rows(f"links/{link}/{key}", key, limit=str(PAGE))}
            for key in ("linkData", "mppLinkData")
        )
        campaign = next((row.get("campaignid") for row in machines if str(row.get("linkid")) == link), None)
        counters = look.body(f"campaigns/{campaign}").get("campaign")
        if not isinstance(counters, dict) or max(len(people), len(apples)) >= PAGE or people >= apples:
            continue
        opened = str(counters.get("uniqueopens"))
        seen = (
            f"uniqueopens {opened[:9]}, verified_unique_opens {str(counters.get('verified_unique_opens'))[:9]}; "
            f"by the rows {len(people)} people opened, {len(people | apples)} with Apple's"
        )
        return holds_if(opened == str(len(people)), seen)
    return UNKNOWN, "no mail of which all opens fit on a page"


# Refusals and money


def _refusals(look: Look) -> Verdict:
    told: list[str] = []
    is_known = True
    for path in GATED:
        response = look.response(path)
        if response.status_code not in (402, 403, 404):
            continue
        names = [name for name in ("message", "errors", "error") if name in _keys(response)]
        is_known = is_known and bool(names)
        plan = ", speaks of the plan" if blames_the_plan(response) else ""
        told.append(f"{path} {response.status_code}{plan}, with {' and '.join(names) or 'neither message nor errors'}")
    return holds_if(is_known, "; ".join(told)) if told else (UNKNOWN, f"none of {len(GATED)} lists is refused")


def _keys(response: httpx.Response) -> Collection[str]:
    try:
        body = response.json()
    except ValueError:
        return ()
    return body.keys() if isinstance(body, dict) else ()


def _amounts(look: Look) -> Verdict:
    newest = look.rows("deals", "deals", limit=str(PAGE), **{"orders[id]": "DESC"})
    oldest = look.rows("deals", "deals", limit=str(PAGE), **{"orders[id]": "ASC"})
    values = [
        (str(row.get("currency")).upper(), int(str(row.get("value"))))
        for row in (*newest, *oldest)
        if str(row.get("currency")).upper() in WITHOUT_CENTS and str(row.get("value")).isdecimal()
    ]
    if not values:
        return UNKNOWN, "no deal in such a currency among the newest and the oldest hundred"
    odd = [value for _, value in values if value % 100]
    codes = ", ".join(sorted({code for code, _ in values}))
    return (FAILS if odd else HOLDS), f"{len(values)} amounts in {codes}, {len(odd)} of them no whole hundreds"
