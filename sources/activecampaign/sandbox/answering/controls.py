"""The sandbox's own addresses: its page, its counters, and the switches for tests in another process."""

import json
from collections.abc import Callable, Mapping
from html import escape
from typing import Any

from sources.activecampaign.sandbox.answering.answers import JSON, Answer, Call, refusal
from sources.activecampaign.sandbox.answering.faults import Faults, make_fault
from sources.activecampaign.sandbox.answering.keys import Keyring
from sources.activecampaign.sandbox.answering.traffic import Traffic
from sources.activecampaign.sandbox.world.catalogue import RESOURCES
from sources.activecampaign.sandbox.world.habits import make_habits
from sources.activecampaign.sandbox.world.world import World

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">
<title>Developer settings - ActiveCampaign sandbox</title>
<style>
:root {{ color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }}
main {{ max-width: 46rem; margin: 3rem auto; padding: 0 1rem; }}
input {{ width: 100%; box-sizing: border-box; padding: .6rem; font: .9rem ui-monospace, monospace; }}
</style>
</head>
<body><main>
<p>Settings &rsaquo; Developer</p>
<h1>API Access</h1>
<p><label>URL <input readonly value="{url}"></label></p>
<p><label>Key <input readonly value="{key}"></label></p>
<p>This is a sandbox: a make-believe ActiveCampaign account with invented rows. Its key opens nothing else.</p>
</main></body>
</html>
"""


class Controls:
    def __init__(self, *, world: World, traffic: Traffic, faults: Faults, keyring: Keyring, key: str) -> None:
        self.world = world
        self.traffic = traffic
        self.faults = faults
        self.keyring = keyring
        self.key = key
        self._actions: Mapping[str, Callable[[dict[str, Any]], Any]] = {
            "/__fault": self._fault,
            "/__habits": self._habits,
            "/__key": self._key,
            "/__world": self._world,
        }

    def answer(self, call: Call, body: bytes) -> Answer:
        match call.method, call.path:
            case "GET", "/":
                return self._page()
            case "GET", "/__stats":
                return Answer(document=self.traffic.stats())
            case "GET", "/__history":
                return self._history(call)
            case "POST", "/__reset":
                return self._reset()
            case "POST", path if path in self._actions:
                return self._act(self._actions[path], call, body)
        return refusal(404, "Not Found")

    def _page(self) -> Answer:
        page = PAGE.format(url=escape(self.world.origin), key=escape(self.key))
        return Answer(
            body=page.encode(), content_type="text/html; charset=UTF-8", headers={"Cache-Control": "no-store"}
        )

    def _history(self, call: Call) -> Answer:
        """`?stream=contacts&since=0`: what lasted since that mark, what was shown last, and the mark of now."""
        stream, since = call.query.get("stream", ""), call.query.get("since", "0")
        if stream not in RESOURCES or not since.isdigit():
            return refusal(400, "Say of which stream, and since which mark.")
        history = self.world.history
        with self.world.lock:
            lasting = history.lasting(stream, since=int(since))
            return Answer(document={"mark": history.mark(), "lasting": lasting, "shown": history.shown(stream)})

    def _reset(self) -> Answer:
        self.traffic.reset()
        return Answer(document=self.traffic.stats())

    def _act(self, action: Callable[[dict[str, Any]], Any], call: Call, body: bytes) -> Answer:
        """Only JSON is read: no web page can send that here from a developer's browser."""
        if not call.headers.get("content-type", "").startswith(JSON):
            return refusal(415, "Send application/json.")
        try:
            wanted = json.loads(body)
            return Answer(document=action(wanted))
        except (KeyError, TypeError, ValueError) as error:
            return refusal(400, str(error))

    def _fault(self, wanted: dict[str, Any]) -> dict[str, Any]:
        if wanted.pop("clear", False):
            self.faults.clear()
        if wanted:
            self.faults.add(make_fault(**wanted))
        return {"is_on": bool(wanted)}

    def _habits(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """`{"includes": false}`, or any other of `Habits`."""
        self.world.habits = make_habits(self.world.habits, **wanted)
        return {"are_on": sorted(wanted)}

    def _key(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """`{"add": key, "user_id": …, "admin": …, "denied": […]}` or `{"revoke": key}`"""
        match wanted:
            case {"add": str(key), "user_id": int(user_id)}:
                denied = wanted.get("denied", [])
                self.keyring.add(key, user_id=user_id, admin=wanted.get("admin", False), denied=denied)
            case {"revoke": str(key)}:
                self.keyring.revoke(key)
            case _:
                raise ValueError("Say which key to add, and as whom, or which to revoke.")
        return {"is_known": "add" in wanted}

    def _world(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """`{"insert" | "change" | "remove": stream, "id": …, "columns": {…}, "moment": …}`; many: `{"all": […]}`."""
        identity, moment, columns = wanted.get("id"), wanted.get("moment"), wanted.get("columns", {})
        match wanted:
            case {"all": [*several]}:
                return {"done": [self._world(one) for one in several]}
            case {"insert": stream}:
                return {"id": self.world.insert(stream, identity=identity, moment=moment, **columns)}
            case {"change": stream}:
                return self.world.change(stream, wanted["id"], moment=moment, **columns)
            case {"remove": stream}:
                self.world.remove(stream, wanted["id"], moment=moment)
                return {"id": identity}
        raise ValueError("Say what to insert, change or remove.")
