"""Seeded worlds whose rows come, change, merge and go while they are read: what is stored of them afterwards.

`make bench` does the same with a thousand larger ones.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from connections.models import Connection, Sync
from connections.models.stream_run import RunState
from sources.activecampaign.sandbox.server import SandboxServer
from sources.activecampaign.sandbox.stirring.chaos import Chaos
from sources.spec import Row
from tests.bench.plain import plain_walk
from tests.conftest import Connect
from tests.connections.engine import as_stored, pull, take_up

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("no_limit", "no_pauses"),
]

SEEDS = range(1, 7)
STREAMS = ["contacts", "deals", "contactTags"]
HASTE = 10  # Answers overtake each other as much when all delays are a tenth.


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The waits before asking again are left out; that it is asked again is not."""
    monkeypatch.setattr("sources.http.retry._jitter", lambda state: 0.0)


@pytest.fixture
def new_world(new_sandbox: Callable[..., SandboxServer]) -> Callable[[int], SandboxServer]:
    def new_world(seed: int) -> SandboxServer:
        chaos = Chaos.drawn(seed)
        delays = {"jitter_ms": chaos.jitter_ms / HASTE, "slow_ms": chaos.slow_ms / HASTE}
        return new_sandbox(seed=seed, chaos=replace(chaos, neighbour=None, **delays), contacts=320, deals=130)

    return new_world


def as_shown(row: Row) -> Row:
    """Some answers give ids as numbers; that is a lie of the answer and no version of the row."""
    return row | {"id": str(row["id"])}


def stored(connection: Connection, stream: str, address: str) -> dict[str, Row]:
    records = connection.records.living().filter(stream=stream)
    return {record.external_id: as_shown(record.row(address=address)) for record in records}


def pull_to_its_end(connection: Connection, **wanted: Any) -> Sync:
    """Where more calls in a row fail than are made again, it is put off and goes on."""
    sync = pull(connection, **wanted)
    while sync.is_active:
        sync = take_up(sync)
    return sync


@pytest.mark.parametrize("seed", [*SEEDS[:3], *(pytest.param(seed, marks=pytest.mark.scale) for seed in SEEDS[3:])])
def test_what_lasts_through_two_syncs_is_stored_as_it_was_shown_last_and_nothing_living_is_marked_deleted(
    new_world: Callable[[int], SandboxServer], connect: Connect, seed: int
) -> None:
    world = new_world(seed)
    connection = connect(world)

    pull_to_its_end(connection, only=STREAMS)
    runs = {run.stream: run for run in pull_to_its_end(connection, only=STREAMS, full=True).stream_runs.all()}

    for stream in STREAMS:
        history = world.world.history
        lasting, shown = history.lasting(stream), history.shown(stream)
        living = stored(connection, stream, world.origin)
        gone = connection.records.filter(stream=stream).exclude(deleted_at=None)
        assert not set(gone.values_list("external_id", flat=True)) & {*world.world.ids(stream)}
        assert {one: living[one] for one in living.keys() & lasting.keys() & shown.keys()} == {
            one: as_stored(connection, stream, as_shown(shown[one]))
            for one in living.keys() & lasting.keys() & shown.keys()
        }
        assert lasting.keys() <= living.keys() or runs[stream].state != RunState.COMPLETE


def test_plain_pages_by_offset_lose_rows_of_the_same_worlds_and_do_not_know_it(
    new_world: Callable[[int], SandboxServer],
) -> None:
    lost = 0
    for seed in SEEDS[:5]:
        world = new_world(seed)
        for stream in STREAMS:
            seen = {*plain_walk(world.origin, world.api_key, stream)}
            lost += len(world.world.history.lasting(stream).keys() - seen)

    assert lost > 0
