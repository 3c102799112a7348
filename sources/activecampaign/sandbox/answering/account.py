"""The API of one invented account: from a call to its answer."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sources.activecampaign.sandbox.answering.answers import Answer, Call, listed_refusal, refusal
from sources.activecampaign.sandbox.answering.keys import KeyHolder, Keyring
from sources.activecampaign.sandbox.answering.paging import InvalidQuery, choose
from sources.activecampaign.sandbox.world.catalogue import RESOURCES
from sources.activecampaign.sandbox.world.resource import Many, Resource, Row
from sources.activecampaign.sandbox.world.world import World

SCHEMAS, RECORDS, AUDIENCES = "customObjects/schemas", "customObjects/records", "audiences"
# observed: AG (A, 2026-07): a 403 whose text tells the user to upgrade. The words are ours.
NO_CRM = "Please upgrade your account to enable the CRM."
OF_THE_CRM = frozenset({path for path in RESOURCES if path.startswith("deal")} | {"contactDeals", "taskOutcomes"})
BROKEN_PAGE = (
    '<?xml version="1.0" encoding="utf-8"?><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN">'
    '<html xmlns="http://www.w3.org/1999/xhtml"><head><title>Error</title></head><body><p>500</p></body></html>'
)

SUBSCRIBER_LIMITS = (500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000)


class Account:
    def __init__(self, world: World, keyring: Keyring) -> None:
        self.world = world
        self.keyring = keyring
        self._crawl = Crawl()
        self._asked_for: Counter[str] = Counter()
        self._counted_under = world.habits

    def answer(self, call: Call, *, arrives: bool = True) -> Answer:
        """`arrives` is off where the caller will not get to read all of the answer."""
        holder = self.keyring.holder(call.headers.get("api-token", ""))
        if holder is None or not self.world.has("users", holder.user_id):
            return refusal(403, "Forbidden")
        if call.method != "GET":
            return refusal(405, "Method Not Allowed", headers={"Allow": "GET"})
        match call.place:
            case "":
                return Answer(document={})  # Public connectors try their key on it and look at the status alone.
            case "users/me":
                return self._me(holder)
            case "settings/account":
                return self._settings(holder)
        asked = self._asked(call.place)
        if asked is None:
            return refusal(404, "Not Found")
        if asked.resource.path in holder.denied:
            return _no_permission(asked.resource.path)
        return self._given(asked, call, arrives)

    def envelope_of(self, place: str) -> str:
        """Under which name the rows at that path stand, if there are any."""
        asked = self._asked(place)
        return asked.envelope if asked and not asked.single else ""

    def _asked(self, place: str) -> "Asked | None":
        """What a path below `/api/3/` means."""
        if place in RESOURCES:
            resource = RESOURCES[place]
            return Asked(resource) if resource.is_listed or place == RECORDS else None
        path, _, last = place.rpartition("/")
        if path == RECORDS:
            return Asked(RESOURCES[RECORDS], of=last, many=RESOURCES[SCHEMAS].lists["records"])
        if path in RESOURCES and RESOURCES[path].is_listed:
            return Asked(RESOURCES[path], single=last)
        path, _, identity = path.rpartition("/")
        many = RESOURCES[path].lists.get(last) if path in RESOURCES else None
        if many is None or not many.column or not self._has(path, identity):
            return None
        return Asked(RESOURCES[many.stream], of=identity, many=many, name=last)

    def _has(self, path: str, identity: str) -> bool:
        return _is_number(identity) and self.world.has(path, identity)

    def _given(self, asked: "Asked", call: Call, arrives: bool) -> Answer:
        path, habits = asked.resource.path, self.world.habits
        if path in OF_THE_CRM and not habits.has_crm:
            return refusal(403, NO_CRM)
        if asked.single:
            return self._single(asked.resource, asked.single)
        if path == RECORDS and not asked.many:
            return refusal(400, "Bad Request")  # observed: CO, MF: the schema is part of the address.
        if self._crawl.tires(path, after=habits.tires_after):
            return Answer(status=503, body=b"", content_type="")
        return _too_deep(call, habits.fails_from.get(path)) or self._page(asked, call, arrives)

    def _me(self, holder: KeyHolder) -> Answer:
        return Answer(document={"user": self.world.row("users", holder.user_id)})

    def _settings(self, holder: KeyHolder) -> Answer:
        if not holder.is_admin:
            return refusal(403, "Forbidden")
        owner = self.world.row("users", self.world.first_ids("users")[0])
        total = self.world.count("contacts")
        limit = next((limit for limit in SUBSCRIBER_LIMITS if limit > total), total)
        facts = {
            "account": "harbourtea.activehosted.com",
            "email": owner["email"],
            "first_name": owner["firstName"],
            "last_name": owner["lastName"],
            "cname": "",
            "status": "nobody",
            "subscriber_limit": limit,
            "subscriber_total": total,
            "trial": False,
            "credits": None,
            "branding": False,
        }
        return Answer(document=facts, headers={"Cache-Control": "private"})

    def _page(self, asked: "Asked", call: Call, arrives: bool) -> Answer:
        try:
            with self.world.lock:
                document = self._document(asked, _numbered_pages(call.query), arrives)
        except InvalidQuery as error:
            source = {"pointer": f"/data/attributes/{error.parameter}"}
            return listed_refusal(422, "Invalid attribute", detail=str(error), source=source)
        if asked.resource.path == AUDIENCES and not document["data"]:
            return refusal(404, "Not Found")  # observed: NL.
        return Answer(document=document)

    def _document(self, asked: "Asked", query: Mapping[str, str], arrives: bool) -> dict[str, Any]:
        resource, many, world = asked.resource, asked.many, self.world
        table = world.table(resource.path)
        within = table.tied(many.column, asked.of) if many else self._members(resource, query)
        chosen = choose(table, query, habits=world.habits, within=within)
        rows = [table.row(identity) for identity in chosen.ids]
        for column, parameter in resource.unless_asked.items():
            rows = rows if query.get(parameter) == "true" else [row | {column: "0"} for row in rows]
        world.history.note_shown(resource.path, rows if arrives else ())
        meta: dict[str, Any] = {"total": chosen.total if resource.total_is_number else str(chosen.total)}
        paging = {"limit": str(chosen.limit), "offset": str(chosen.offset)}
        meta |= resource.extras(world, {**query, **paging}, rows)
        if many:
            return {asked.envelope: many.shaped(world, rows)} | ({"meta": meta} if many.has_meta else {})
        empty: dict[str, Any] = {name: [] for name in resource.empty_lists}
        along: dict[str, Any] = self._sideloaded(resource, rows)
        if "include" in query and world.habits.includes:
            rows = [dict(row) for row in rows]  # What was shown of them has no more keys than their own list gives.
            along |= self._included(resource, rows, query["include"], arrives)
        return {**empty, **along, resource.list_name: rows, "meta": meta}

    def _members(self, resource: Resource, query: Mapping[str, str]) -> Sequence[int] | None:
        """observed: NL, FY, MD (A): contacts of a list or a tag, or with a status. BF's account ignored tagid."""
        asked: dict[str, list[set[int]]] = {}
        for parameter, (stream, column) in resource.members.items():
            text = query.get(parameter, "")
            if _is_number(text) and f"{resource.path} {parameter}" not in self.world.habits.ignores:
                asked.setdefault(stream, []).append({*self.world.table(stream).tied(column, text)})
        found = [
            {int(self.world.table(stream).outline(one)["contact"]) for one in set.intersection(*each)}
            for stream, each in asked.items()
        ]
        kept = set.intersection(*found) if found else set()
        return [one for one in self.world.table(resource.path).ids if one in kept] if found else None

    def _included(self, resource: Resource, rows: Sequence[Row], wish: str, arrives: bool) -> dict[str, list[Row]]:
        """observed: JV, AD (B): arrays at the top, whole rows in the shape of their own list; the row has their ids."""
        arrays: dict[str, list[Row]] = {}
        for name, _, further in (word.strip().partition(".") for word in wish.split(",")):
            if name not in resource.includes:
                continue  # observed: 4G, AG, RP (A): what is not known is ignored, not refused.
            many = resource.lists[name]
            found = self._rows_of_all(many, name, rows)
            stream = RESOURCES[many.stream].ones.get(further)
            if stream:
                arrays[RESOURCES[stream].list_name] = self._each(stream, [row[further] for row in found])
            if self._comes(many.envelope or name):
                found = found[: self.world.habits.most_included]
                self.world.history.note_shown(many.stream, found if arrives and not many.shape else ())
                arrays[many.envelope or name] = many.shaped(self.world, found)
        return arrays

    def _comes(self, array: str) -> bool:
        """Whether an array that was asked for is there this time, counted from when the account got its habits."""
        habits = self.world.habits
        if habits is not self._counted_under:
            self._counted_under, self._asked_for = habits, Counter()
        self._asked_for[array] += 1
        return habits.leaves_out.get(array) != self._asked_for[array]

    def _rows_of_all(self, many: Many, name: str, rows: Sequence[Row]) -> list[Row]:
        """The rows that belong to these, each of which gets the ids of its own."""
        table = self.world.table(many.stream)
        if not many.column:
            return [table.row(identity) for identity in table.ids]
        found: list[Row] = []
        for row in rows:
            own = [table.row(identity) for identity in table.tied(many.column, str(row["id"]))]
            row[name] = [one["id"] for one in own]
            found += own
        return found

    def _each(self, stream: str, ids: Iterable[Any]) -> list[Row]:
        return [self.world.row(stream, one) for one in dict.fromkeys(ids) if self.world.has(stream, one or 0)]

    def _sideloaded(self, resource: Resource, rows: Sequence[Row]) -> dict[str, list[Row]]:
        return {
            stream: self._each(stream, [identity for row in rows for identity in row[column]])
            for stream, column in resource.sideloads
        }

    def _single(self, resource: Resource, identity: str) -> Answer:
        with self.world.lock:
            if not self._has(resource.path, identity):
                return refusal(404, f"No Result found for {resource.model} with id {identity}")
            row = self.world.row(resource.path, identity)
            beside = {name: self._beside(resource, name, row) for name in resource.beside}
            return Answer(document=beside | {resource.single: row})

    def _beside(self, resource: Resource, name: str, row: Row) -> list[Row]:
        many = resource.lists.get(name)
        return self._rows_of_all(many, name, [dict(row)]) if many else []


@dataclass(frozen=True)
class Asked:
    """A list, a `single` row of it, or those of its rows that belong to the row `of` another stream."""

    resource: Resource
    single: str = ""
    of: str = ""
    many: Many | None = None
    name: str = ""

    @property
    def envelope(self) -> str:
        named = self.many.envelope if self.many else ""
        return named or self.name or self.resource.list_name


class Crawl:
    """How long one list has been walked. observed: AG, RP (A): then the next list's first call meets 503."""

    def __init__(self) -> None:
        self._answers: Counter[str] = Counter()

    def tires(self, path: str, *, after: int | None) -> bool:
        is_first = not self._answers[path]
        self._answers[path] += 1
        has_tired = after is not None and is_first and max(self._answers.values()) >= after
        if has_tired:
            self._answers.clear()
        return has_tired


def _too_deep(call: Call, edges: tuple[int, int] | None) -> Answer | None:
    offset = call.query.get("offset", "0")
    if edges is None or not _is_number(offset) or int(offset) < edges[0]:
        return None
    if int(offset) >= edges[1]:
        return Answer(status=504, body=b"", content_type="")
    return Answer(status=500, body=BROKEN_PAGE.encode(), content_type="text/html; charset=UTF-8")


def _numbered_pages(query: Mapping[str, str]) -> Mapping[str, str]:
    """Documented of audiences alone: `page`, from 1 on, of `page_size` rows."""
    size = query.get("page_size", "")
    if not _is_number(size):
        return query
    page = query.get("page", "1")
    before = int(page) - 1 if _is_number(page) else 0
    return {**query, "limit": size, "offset": str(max(before, 0) * int(size))}


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19


def _no_permission(path: str) -> Answer:
    return listed_refusal(403, "Forbidden", detail=f"You do not have permission to view {path}.")
