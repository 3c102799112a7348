"""What the client takes for granted about ActiveCampaign's API, put to a live account. It only reads."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import httpx

from sources.activecampaign.assumptions_of_refreshes import of_refreshes
from sources.activecampaign.client import connect
from sources.activecampaign.looking import (
    FAILS,
    HOLDS,
    UNKNOWN,
    Look,
    Verdict,
    holds_if,
    ids_of,
    judged,
    kind_of,
    shown,
)
from sources.activecampaign.rows import USABLE_ID
from sources.activecampaign.streams import STREAMS, UPDATED_AFTER
from sources.activecampaign.zones import in_utc, moment_of
from sources.errors import UnexpectedAnswer
from sources.http.answer import is_web_page
from sources.spec import Assumption, Budget, Credentials, Lane, Row, Secret, Stream

WRONG_KEY = "0" * 20
CALLS_A_SECOND = 5  # What the vendor documents, and what the budget goes by.
TEXTS = ("contacts", "lists", "tags", "automations", "accounts", "campaigns")  # Their meta.total was a text,
NUMBERS = ("deals", "dealGroups")  # and that of these a number.
US_CENTRAL = {"-05:00", "-06:00"}
SECOND = timedelta(seconds=1)


def assumptions(credentials: Credentials, *, budget: Budget, with_wrong_key: bool = False) -> Iterator[Assumption]:
    """Yield one after another what holds and what does not. Raises SourceError when not even the key's user is told."""
    with connect(credentials, budget=budget, lane=Lane.BULK) as http:
        look = Look(http, key=credentials.api_key)
        yield _me(look)
        yield judged("settings/account is one flat object, for admins", partial(_settings, look))
        for stream in STREAMS:
            if stream.on_by_default:
                yield from _list(look, stream)
        yield from _keyset(look)
        yield judged("contacts: no page holds more than 100 rows", partial(_largest_page, look))
        yield from _filter(look, "contacts", column="udate", includes=False)
        yield from _filter(look, "deals", column="mdate", includes=True)
        yield from of_refreshes(look)
        yield from _all_in_all(look)
    if with_wrong_key:
        yield judged("a wrong key is refused with 403", partial(_wrong_key, credentials, budget))


def _me(look: Look) -> Assumption:
    user = look.me().get("user")
    known = ("id", "username", "email", "firstName", "lastName")
    missing = known if not isinstance(user, dict) else [name for name in known if not isinstance(user.get(name), str)]
    seen = f"not there or no text: {', '.join(missing)}" if missing else f"texts: {', '.join(known)}"
    return judged("users/me tells whose key it is, under user", lambda: holds_if(not missing, seen))


def _settings(look: Look) -> Verdict:
    account = look.body("settings/account")
    kinds = {name: kind_of(account.get(name)) for name in ("account", "subscriber_limit", "trial")}
    seen = ", ".join(f"{name}: {kind}" for name, kind in kinds.items())
    return holds_if(list(kinds.values()) == ["text", "number", "yes or no"], seen)


def _list(look: Look, stream: Stream) -> Iterator[Assumption]:
    body: Row = {}

    def envelope() -> Verdict:
        body.update(look.body(stream.path, limit="3", **dict(stream.fixed_query)))
        rows = body.get(stream.envelope)
        if not isinstance(rows, list):
            return FAILS, f"{kind_of(rows)} there"
        look.note([row for row in rows if isinstance(row, dict)])
        return holds_if(all(_has_text_id(row) for row in rows), f"{len(rows)} rows; {_kinds_of_ids(rows)}")

    yield judged(f"{stream.path}: rows stand under {stream.envelope}, with ids as texts", envelope)
    if body:
        yield judged(f"{stream.path}: meta.total is {_expected_total(stream)}", partial(_total, stream, body))


def _has_text_id(row: object) -> bool:
    identity = row.get("id") if isinstance(row, dict) else None
    return isinstance(identity, str) and bool(USABLE_ID.fullmatch(identity))


def _kinds_of_ids(rows: list[object]) -> str:
    kinds = {kind_of(row.get("id")) if isinstance(row, dict) else "no object" for row in rows}
    return f"ids: {', '.join(sorted(kinds))}" if kinds else "no ids to look at"


def _expected_total(stream: Stream) -> str:
    return "a text" if stream.path in TEXTS else "a number" if stream.path in NUMBERS else "a text or a number"


def _total(stream: Stream, body: Row) -> Verdict:
    meta = body.get("meta")
    total = meta.get("total") if isinstance(meta, dict) else None
    if total is None:
        return FAILS, "there is none"
    kind = kind_of(total)
    expected = {"a text": ("text",), "a number": ("number",)}.get(_expected_total(stream), ("text", "number"))
    return holds_if(kind in expected and str(total).isdecimal(), f"{kind} {shown(str(total))}")


def _keyset(look: Look) -> Iterator[Assumption]:
    page = partial(look.rows, "contacts", "contacts", limit="3", **{"orders[id]": "ASC"})
    first: list[int] = []

    def ascending() -> Verdict:
        first.extend(ids_of(page()))
        if len(first) < 3:
            return UNKNOWN, "fewer than three contacts"
        return holds_if(first == sorted(set(first)), f"ids {first}")

    def greater() -> Verdict:
        found = list(ids_of(page(id_greater=str(first[0]))))
        return holds_if(bool(found) and found[:2] == first[1:], f"after {first[0]}: ids {found}")

    def less() -> Verdict:
        found = list(ids_of(page(id_less=str(first[2]))))
        return holds_if(found == first[:2], f"before {first[2]}: ids {found}")

    yield judged("contacts: orders[id]=ASC sorts by rising id", ascending)
    if len(first) == 3:
        yield judged("contacts: id_greater gives what comes after that id, without it", greater)
        yield judged("contacts: id_less gives what comes before that id, without it", less)


def _largest_page(look: Look) -> Verdict:
    try:
        count = len(look.rows("contacts", "contacts", limit="101"))
    except UnexpectedAnswer as refused:
        if refused.code != "request_refused":
            raise
        return HOLDS, "limit=101 is refused"
    return (UNKNOWN, f"{count} contacts are too few") if count < 100 else holds_if(count == 100, f"{count} rows")


def _filter(look: Look, stream: str, *, column: str, includes: bool) -> Iterator[Assumption]:
    """Ask for what changed after a second before, at, and a second after the moment that a row says it changed."""
    found: list[bool] = []

    def zone() -> Verdict:
        dated = [
            (one, moment_of(row.get(column))) for row in look.rows(stream, stream, limit="20") for one in ids_of([row])
        ]
        identity, changed = next(((one, moment) for one, moment in dated if moment), (0, None))
        if changed is None:
            return UNKNOWN, f"no row with {column}"
        found.extend(_is_found(look, stream, identity, changed, changed + shift * SECOND) for shift in (-1, 0, 1))
        return holds_if(found[0] and not found[2], _words(found[0], "a second before") + _words(found[2], "after"))

    def edge() -> Verdict:
        return holds_if(found[1] is includes, "the row itself is " + ("given" if found[1] else "left out"))

    yield judged(f"{stream}: {UPDATED_AFTER} goes by {column}, and reads a time in UTC as such", zone)
    if found and found[0] and not found[2]:
        yield judged(f"{stream}: {UPDATED_AFTER} {'includes' if includes else 'leaves out'} the second itself", edge)


def _words(is_found: bool, when: str) -> str:
    return f"{'found' if is_found else 'not found'} {when}" + (", " if when != "after" else " it")


def _is_found(look: Look, stream: str, number: int, changed: datetime, after: datetime) -> bool:
    """Whether the row is among what changed after the moment, asked so that few others can be."""
    near = {"id_greater": str(number - 1), "id_less": str(number + 1)} if stream == "contacts" else {}
    narrow = near or {"filters[updated_before]": in_utc(changed + 2 * SECOND)}
    rows = look.rows(stream, stream, limit="100", **{UPDATED_AFTER: in_utc(after)}, **narrow)
    return number in ids_of(rows)


def _all_in_all(look: Look) -> Iterator[Assumption]:
    yield judged("a good answer says how much of the limit is left", partial(_says_limit, look))
    yield judged("the limit is five calls a second or more", partial(_limit_suffices, look))
    yield judged("Retry-After on a good answer asks nobody to wait", partial(_needless_wait, look))
    offsets, zeros = sorted(look.offsets()), sorted(look.zero_dates())
    central = holds_if(US_CENTRAL.issuperset(offsets), f"offsets: {', '.join(offsets)}")
    yield judged("times carry the offset of US Central", lambda: central if offsets else (UNKNOWN, "no times seen"))
    unset = (HOLDS, f"in {', '.join(zeros)}") if zeros else (UNKNOWN, "none among the rows that were read")
    yield judged("dates that are not set may be zeros", lambda: unset)


def _says_limit(look: Look) -> Verdict:
    told = [seen for seen in look.limits if "ratelimit-limit" in seen or "ratelimit-remaining" in seen]
    if not told:
        return UNKNOWN, f"neither RateLimit-Limit nor RateLimit-Remaining on {len(look.limits)} answers"
    limit, remaining = (shown(told[-1].get(name, "missing")) for name in ("ratelimit-limit", "ratelimit-remaining"))
    is_whole = len(told) == len(look.limits) and limit.isdecimal() and remaining.isdecimal()
    on = f"on {len(told)} of {len(look.limits)} answers"
    return holds_if(is_whole, f"RateLimit-Limit {limit}, RateLimit-Remaining {remaining}, {on}")


def _limit_suffices(look: Look) -> Verdict:
    limits = {shown(seen["ratelimit-limit"]) for seen in look.limits if "ratelimit-limit" in seen}
    numbers = [int(limit) for limit in limits if limit.isdecimal()]
    if not numbers:
        return UNKNOWN, "no RateLimit-Limit to read"
    # The seconds that the number is for are not said: a thousand may be a minute's.
    return holds_if(min(numbers) >= CALLS_A_SECOND, f"RateLimit-Limit {min(numbers)}, of a time that is not said")


def _needless_wait(look: Look) -> Verdict:
    asked, answered = look.answered_after_asking_to_wait()
    if not asked:
        return UNKNOWN, f"no Retry-After on {len(look.limits)} good answers"
    return holds_if(
        answered > 0, f"Retry-After on {asked} good answers; {answered} good answers after the first of them"
    )


def _wrong_key(credentials: Credentials, budget: Budget) -> Verdict:
    wrong = replace(credentials, api_key=Secret(WRONG_KEY))
    with connect(wrong, budget=budget, lane=Lane.BULK) as http:
        response = http.get("users/me")
    return holds_if(response.status_code == 403, f"{response.status_code}, {_kind_of_body(response)}")


def _kind_of_body(response: httpx.Response) -> str:
    kind = shown(response.headers.get("content-type", "none").replace("/", " "))
    body = "no body" if not response.content else "a web page" if is_web_page(response.content) else "a short text"
    return f"{body}, content type {kind}"
