"""Lists that only grow: a refresh reads what is new of them, from the newest row down to where the last one began."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from connections.models import Connection, StreamMark
from connections.models.stream_run import RunState
from connections.models.sync import SyncState
from sources.activecampaign.sandbox.server import SandboxServer
from tests.bench.refreshes import Day
from tests.conftest import Connect
from tests.connections.engine import as_stored, pull

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_limit")]

GROWING = ["emailActivities", "linkData", "activities"]


@pytest.fixture
def sandbox(new_sandbox: Callable[..., SandboxServer]) -> SandboxServer:
    return new_sandbox(contacts=900, deals=3)


@pytest.fixture
def pulled(sandbox: SandboxServer, connect: Connect) -> Connection:
    connection = connect(sandbox)
    connection.stream_keys = GROWING
    connection.save()
    assert pull(connection).state == SyncState.COMPLETE
    return connection


def stored(connection: Connection, stream: str) -> dict[str, dict[str, object]]:
    living = connection.records.living().filter(stream=stream)
    return {one.external_id: one.row(address=connection.credentials().api_url) for one in living}


def in_account(sandbox: SandboxServer, connection: Connection, stream: str) -> dict[str, dict[str, object]]:
    return {row["id"]: as_stored(connection, stream, row) for row in sandbox.world.rows(stream)}


def days_pass(connection: Connection, days: float) -> None:
    passed = timedelta(days=days)
    marks = StreamMark.objects.filter(holding=connection.holding)
    marks.update(complete_at=F("complete_at") - passed, settled_at=F("settled_at") - passed)


def test_what_is_new_costs_a_few_calls_and_nothing_of_it_is_missed(sandbox: SandboxServer, pulled: Connection) -> None:
    first = sandbox.stats()["requests"]
    for stream in GROWING:
        for _ in range(120):
            sandbox.world.insert(stream)
    sandbox.reset()

    sync = pull(pulled)

    assert sync.state == SyncState.COMPLETE
    assert sandbox.stats()["requests"] <= 3 * 3 + 3
    assert first > 40
    for stream in GROWING:
        assert stored(pulled, stream) == in_account(sandbox, pulled, stream)
        run = sync.stream_runs.get(stream=stream)
        assert (run.new, run.is_changes_only) == (120, True)


def test_nothing_new_costs_a_call_or_two_each(sandbox: SandboxServer, pulled: Connection) -> None:
    sandbox.reset()

    pull(pulled)

    assert sandbox.stats()["requests"] <= 2 * len(GROWING)


def test_links_that_people_click_again_are_read_again_once_a_week(sandbox: SandboxServer, pulled: Connection) -> None:
    now = int(timezone.now().timestamp())
    recent = sandbox.world.insert("linkData", moment=now - 80 * 86_400)
    for _ in range(300):
        sandbox.world.insert("linkData", moment=now - 3_600)
    pull(pulled)
    sandbox.world.change("linkData", recent, moment=now - 80 * 86_400, times="9")

    pull(pulled)
    assert stored(pulled, "linkData")[recent]["times"] != "9"
    days_pass(pulled, 8)
    sandbox.reset()
    pull(pulled)
    calls = sandbox.stats()["requests"]
    pull(pulled)

    assert stored(pulled, "linkData")[recent]["times"] == "9"
    assert calls <= 12 + 4  # As many pages may be asked ahead before the end is seen.
    assert sandbox.stats()["requests"] - calls <= 2 * len(GROWING)


def test_what_is_gone_is_found_once_a_month(sandbox: SandboxServer, pulled: Connection) -> None:
    gone = sandbox.world.ids("emailActivities")[3]
    sandbox.world.remove("emailActivities", gone)
    days_pass(pulled, 29)
    pull(pulled)
    assert gone in stored(pulled, "emailActivities")

    days_pass(pulled, 2)
    pull(pulled)

    assert gone not in stored(pulled, "emailActivities")


def test_an_account_that_heeds_no_order_is_read_whole(
    new_sandbox: Callable[..., SandboxServer], connect: Connect
) -> None:
    sandbox = new_sandbox(contacts=200, deals=3)
    sandbox.behave(ignores=[f"{stream} orders[{field}]" for stream in GROWING for field in ("id", "tstamp")])
    connection = connect(sandbox)
    connection.stream_keys = GROWING
    connection.save()
    pull(connection)
    new = sandbox.world.insert("emailActivities")

    sync = pull(connection)

    assert new in stored(connection, "emailActivities")
    assert not sync.stream_runs.get(stream="emailActivities").is_changes_only


class Growth(Day):
    """Days on which such lists grow, whose worker is killed now and then."""

    def stir(self) -> None:
        for _ in range(self.dice.randrange(12)):
            self.sandbox.world.insert(self.dice.choice(self.pulled))


def test_a_worker_that_is_killed_leaves_no_hole(new_sandbox: Callable[..., SandboxServer], connect: Connect) -> None:
    for seed in range(2):
        sandbox = new_sandbox(contacts=200, deals=3, seed=seed + 1)
        connection = connect(sandbox)
        connection.stream_keys = GROWING
        connection.save()
        day = Growth(seed, sandbox, connection)
        day.pulled = tuple(GROWING)
        for _ in range(4):
            sync = day.sync()
            assert {run.state for run in sync.stream_runs.all()} == {RunState.COMPLETE}
            for stream in GROWING:
                assert stored(connection, stream) == in_account(sandbox, connection, stream)
            for _ in range(20):
                day.stir()
