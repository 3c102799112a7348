"""The API of one invented account: from a call to its answer."""

from collections.abc import Sequence
from typing import Any

from sources.activecampaign.sandbox.answering.answers import Answer, Call, listed_refusal, refusal
from sources.activecampaign.sandbox.answering.keys import KeyHolder, Keyring
from sources.activecampaign.sandbox.answering.paging import InvalidQuery, choose
from sources.activecampaign.sandbox.world.catalogue import RESOURCES
from sources.activecampaign.sandbox.world.resource import Resource, Row
from sources.activecampaign.sandbox.world.world import World

SUBSCRIBER_LIMITS = (500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000)


class Account:
    def __init__(self, world: World, keyring: Keyring) -> None:
        self.world = world
        self.keyring = keyring

    def answer(self, call: Call, *, arrives: bool = True) -> Answer:
        """`arrives` is off where the caller will not get to read all of the answer."""
        holder = self.keyring.holder(call.headers.get("api-token", ""))
        if holder is None or not self.world.has("users", holder.user_id):
            return refusal(403, "Forbidden")
        if call.method != "GET":
            return refusal(405, "Method Not Allowed", headers={"Allow": "GET"})
        match call.place:
            case "users/me":
                return self._me(holder)
            case "settings/account":
                return self._settings(holder)
            case path if _is_listed(path):
                return _no_permission(path) if path in holder.denied else self._page(RESOURCES[path], call, arrives)
        path, _, identity = call.place.rpartition("/")
        if _is_listed(path):
            return _no_permission(path) if path in holder.denied else self._single(RESOURCES[path], identity)
        return refusal(404, "Not Found")

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

    def _page(self, resource: Resource, call: Call, arrives: bool) -> Answer:
        try:
            return Answer(document=self._page_document(resource, call, arrives))
        except InvalidQuery as error:
            source = {"pointer": f"/data/attributes/{error.parameter}"}
            return listed_refusal(422, "Invalid attribute", detail=str(error), source=source)

    def _page_document(self, resource: Resource, call: Call, arrives: bool) -> dict[str, Any]:
        with self.world.lock:
            table = self.world.table(resource.path)
            chosen = choose(table, call.query)
            rows = [table.row(identity) for identity in chosen.ids]
            self.world.history.note_shown(resource.path, rows if arrives else ())
            meta: dict[str, Any] = {"total": chosen.total if resource.total_is_number else str(chosen.total)}
            paging = {"limit": str(chosen.limit), "offset": str(chosen.offset)}
            meta |= resource.extras(self.world, {**call.query, **paging}, rows)
            empty: dict[str, Any] = {name: [] for name in resource.empty_lists}
            return {**empty, **self._sideloaded(resource, rows), resource.list_name: rows, "meta": meta}

    def _sideloaded(self, resource: Resource, rows: Sequence[Row]) -> dict[str, list[Row]]:
        return {
            stream: [
                self.world.row(stream, identity)
                for row in rows
                for identity in row[column]
                if self.world.has(stream, identity)
            ]
            for stream, column in resource.sideloads
        }

    def _single(self, resource: Resource, identity: str) -> Answer:
        is_number = identity.isascii() and identity.isdigit() and len(identity) < 19
        with self.world.lock:
            if not is_number or not self.world.has(resource.path, identity):
                return refusal(404, f"No Result found for {resource.model} with id {identity}")
            beside: dict[str, Any] = {name: [] for name in resource.beside}
            return Answer(document=beside | {resource.single: self.world.row(resource.path, identity)})


def _is_listed(path: str) -> bool:
    return path in RESOURCES and RESOURCES[path].is_listed


def _no_permission(path: str) -> Answer:
    return listed_refusal(403, "Forbidden", detail=f"You do not have permission to view {path}.")
