"""Seeded days of an account: what a refresh, and what a whole walk, leaves stored of it.

The rule: after each refresh every row that it promises to see equals the account's, and after each whole walk all do.
Promised is what changed of contacts and deals, with all that belongs to those that are dated anew. A third of the seeds
dates nothing anew for a tag or a list; another third cuts what comes along short, or leaves it out of a page.
"""

from collections import defaultdict
from collections.abc import Collection
from contextlib import suppress
from datetime import timedelta
from random import Random
from typing import Any
from unittest.mock import patch

from django.db.models import F
from django.utils import timezone

from connections.models import Connection, StreamMark, Sync
from connections.models.stream_run import RunState
from connections.models.sync import Trigger
from connections.syncing import syncing
from sources.activecampaign.sandbox.server import SandboxServer
from sources.activecampaign.sideloads import INCLUDED
from sources.activecampaign.streams import STREAMS
from sources.spec import Row
from tests.connections.engine import as_stored

CONTACTS, DEALS, REFRESHES = 300, 40, 3
OF = {stream.key: stream.sideload for stream in STREAMS if stream.sideload}
OF_CONTACTS = ("contactTags", "contactLists", "fieldValues")


def pulled_by(seed: int) -> tuple[str, ...]:
    """Not all that there is on each day, as days are many: contacts with two of what comes along, or deals."""
    if seed % 4 == 0:
        return "deals", "dealCustomFieldData"
    return "contacts", *(stream for place, stream in enumerate(OF_CONTACTS) if place != seed % 3)


class Killed(BaseException):
    """As `kill -9` does it: nothing is put in order."""


class Day:
    """One account and its connection, from a seed. `breaches` says which rows were not as promised, and when."""

    def __init__(self, seed: int, sandbox: SandboxServer, connection: Connection) -> None:
        self.dice = Random(f"{seed}/refreshes")
        self.sandbox, self.connection, self.pulled = sandbox, connection, pulled_by(seed)
        self.breaches: list[str] = []
        self.is_dated_anew = seed % 3 != 0
        sandbox.behave(**self.habits(seed))
        self.dated: dict[str, set[str]] = defaultdict(set)

    def habits(self, seed: int) -> dict[str, Any]:
        if seed % 3 == 0:
            return {"moving": []}
        if seed % 3 == 1:
            cut = {"most_included": self.dice.choice([20, 60, 100, 130])}
            return self.dice.choice([cut, {"leaves_out": {self.pulled[1]: 7}}])
        return {}

    def live(self) -> list[str]:
        self.look_at("the first sync", self.sync(), is_whole=True)
        for number in range(REFRESHES):
            self.dated.clear()
            for _ in range(self.dice.randrange(25)):
                self.stir()
            self.look_at(f"refresh {number}", self.sync(), is_whole=False)
        self.come_of_age()
        self.look_at("the whole walk", self.sync(), is_whole=True)
        return self.breaches

    def stir(self) -> None:
        """A row comes, changes or goes; contacts and deals go seldom."""
        world, stream = self.sandbox.world, self.dice.choice(self.pulled)
        kind = self.dice.choice(["insert", "change", "change", "remove"])
        one = world.insert(stream) if kind == "insert" else self.dice.choice(world.ids(stream))
        if kind == "change":
            world.change(stream, one)
        if stream not in OF and kind != "remove":
            self.dated[stream].add(one)
        if kind == "remove":
            world.remove(stream, one)

    def come_of_age(self) -> None:
        """A week passes."""
        marks = StreamMark.objects.filter(holding=self.connection.holding)
        marks.update(complete_at=F("complete_at") - timedelta(days=8))

    def sync(self) -> Sync:
        """To its end; now and then its worker is killed at some page, and another one takes it up."""
        sync = Sync.objects.start(self.connection, trigger=Trigger.SCHEDULE)
        self.run(sync, kill_at=self.dice.randrange(1, 6) if self.dice.random() < 0.5 else 0)
        while Sync.objects.active().filter(pk=sync.pk).exists():
            Sync.objects.filter(pk=sync.pk).update(run_after=timezone.now(), lease_until=timezone.now())
            claimed = Sync.objects.claim(pk=sync.pk)
            assert claimed is not None
            self.run(claimed)
        return sync

    def run(self, sync: Sync, *, kill_at: int = 0) -> None:
        real, stored = syncing.store, 0

        def store(*words: Any, **named: Any) -> None:
            nonlocal stored
            stored += 1
            if stored == kill_at:
                raise Killed
            real(*words, **named)

        with patch.object(syncing, "store", store), suppress(Killed):
            syncing.run(sync)

    def look_at(self, when: str, sync: Sync, *, is_whole: bool) -> None:
        runs = {run.stream: run for run in sync.stream_runs.all()}
        for stream in self.pulled:
            run = runs[stream]
            if run.state != RunState.COMPLETE:
                self.breaches.append(f"{when}: {stream} is {run.state} ({run.reason})")
                continue
            account, stored = self.account(stream), self.stored(stream)
            differing = {one for one in account.keys() | stored.keys() if account.get(one) != stored.get(one)}
            is_all_seen = is_whole or not (run.along or run.is_changes_only)
            broken = differing if is_all_seen else self.promised(stream, differing, {**stored, **account})
            if broken:
                self.breaches.append(f"{when}: {stream} {sorted(broken)[:5]}")

    def promised(self, stream: str, differing: Collection[str], rows: dict[str, Row]) -> set[str]:
        """Of rows that differ, those that the refresh should have shown."""
        if stream not in OF:
            return {one for one in differing if self.sandbox.world.has(stream, one)}
        parent, column = OF[stream].parent, OF[stream].column
        of = {one: str(rows[one][column]) for one in differing}
        living = {one for one in differing if self.sandbox.world.has(parent, of[one])}
        return living if self.is_dated_anew else {one for one in living if of[one] in self.dated[parent]}

    def account(self, stream: str) -> dict[str, Row]:
        included = INCLUDED.get(stream)
        shape = included.shape if included and included.shape else lambda row: row
        return {row["id"]: as_stored(self.connection, stream, shape(row)) for row in self.sandbox.world.rows(stream)}

    def stored(self, stream: str) -> dict[str, Row]:
        living = self.connection.records.living().filter(stream=stream)
        return {record.external_id: record.row(address=self.sandbox.origin) for record in living}
