"""Lists that lie, through a whole sync: what is stored, what is said, and what is built upon it."""

from typing import Any

import pytest

from connections.models import Connection, StreamMark, StreamRun
from connections.models.stream_run import RunState
from sources.activecampaign.sandbox.server import SandboxServer
from sources.activecampaign.walks import ListWalk
from tests.conftest import Connect
from tests.connections.engine import pull, stored_ids

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_limit")]


def document(rows: list[Any], total: int | None = None) -> dict[str, Any]:
    return {"document": {"deals": rows, "meta": {"total": total}}, "times": None}


def run_of(connection: Connection) -> StreamRun:
    return pull(connection, only=["deals"], full=True).stream_runs.get()


TWENTY = [{"id": str(one)} for one in range(1, 21)]


def test_the_same_twenty_rows_for_every_call_are_all_there_is(sandbox: SandboxServer, connect: Connect) -> None:
    sandbox.fault("deals", **document(TWENTY))

    run = run_of(connect(sandbox))

    assert (run.state, run.rows, run.reason) == (RunState.COMPLETE, 20, "")


def test_with_500_rows_announced_it_says_how_many_came(sandbox: SandboxServer, connect: Connect) -> None:
    connection = connect(sandbox)
    sandbox.fault("deals", **document(TWENTY, total=500))

    for _ in range(2):
        run = run_of(connection)

        assert (run.state, run.rows) == (RunState.INCOMPLETE, 20)
        assert run.reason == "Of 500 rows that were announced, 20 came."
    assert len(stored_ids(connection, "deals")) == 20
    assert not StreamMark.objects.filter(stream="deals").exists()


def test_no_more_rows_are_said_to_have_come_than_are_stored(
    sandbox: SandboxServer, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a walk tells, which remembers the neighbours of a page alone."""
    monkeypatch.setattr(ListWalk, "_tell", lambda walk: 100)
    sandbox.fault("deals", **document(TWENTY, total=500))

    run = run_of(connect(sandbox))

    assert (run.rows, run.reason) == (20, "Of 500 rows that were announced, 20 came.")


def test_a_row_without_an_id_holds_up_neither_the_mark_nor_the_deletions_of_the_others(
    sandbox: SandboxServer, connect: Connect
) -> None:
    connection = connect(sandbox)
    sandbox.fault("deals", **document([*TWENTY, {"id": None, "title": "Nobody's"}], total=21))
    run_of(connection)
    sandbox.clear_faults()
    sandbox.fault("deals", **document([*TWENTY[:19], {"id": None, "title": "Nobody's"}], total=20))

    for _ in range(2):
        run = run_of(connection)

    assert (run.state, run.reason) == (RunState.COMPLETE, "1 row could not be kept.")
    assert StreamMark.objects.filter(stream="deals").exists()
    assert connection.records.filter(stream="deals").exclude(deleted_at=None).count() == 1


@pytest.mark.parametrize(
    ("count", "reason"),
    [
        (1, "1 row could not be kept because it has no usable id."),
        (29, "29 rows could not be kept, each because it has no usable id."),
    ],
)
@pytest.mark.parametrize("is_held", [True, False])
def test_where_no_row_could_be_kept_it_says_so_and_why(
    is_held: bool, count: int, reason: str, sandbox: SandboxServer, connect: Connect
) -> None:
    connection = connect(sandbox)
    if is_held:
        run_of(connection)
    sandbox.fault("deals", **document([{"id": None, "title": f"Nobody's {one}"} for one in range(count)]))

    assert run_of(connection).reason == reason
