"""A new key for what is sealed, while eight people work and the command is killed. `test_postgresql` runs it."""

import re
from typing import Any

import pytest

from connections.models import Event, User, Workspace
from tests.command_fixture import StartCommand
from tests.rotating import Crowd, Verdict, both_keys, judge, kill_when, make_connections, rotated

COUNT = 300  # `make bench` does it with ten thousand.


@pytest.mark.django_db(transaction=True)
def test_nothing_is_lost_while_keys_are_rotated_killed_and_rotated_again(
    alice: User, workspace: Workspace, start_command: StartCommand, settings: Any
) -> None:
    settings.CREDENTIAL_KEYS = []  # So that the fixture puts back what was there.
    rows = make_connections(COUNT, workspace=workspace, by=alice)

    with both_keys() as keys, Crowd(rows, by=alice) as crowd:
        first = start_command("rotate_credential_keys", **keys)
        was_running = kill_when(
            lambda: rotated() > COUNT / 3, first.kill, ended=lambda: first.process.poll() is not None
        )
        second = start_command("rotate_credential_keys", **keys)
        assert second.exit_code() == 0, second.err
    checked = start_command("rotate_credential_keys", "--verify-only", **keys)

    assert was_running
    assert crowd.failed == []
    assert judge(rows) == Verdict(lost_edits=0, lost_keys=0, left_behind=0)
    present, anew = map(int, re.findall(r"(\d+) (?:under|sealed)", second.out)[:2])
    assert present + anew == COUNT
    assert present >= COUNT / 3 > 0 < anew
    assert checked.exit_code() == 0
    assert f"{COUNT} under the newest key, 0 under an older key, 0 not to be opened." in checked.out
    assert Event.objects.filter(verb="edited").count() == crowd.sum("edits")
    assert min(tally.edits for tally in crowd.tallies) > 0
    assert crowd.sum("replaced_keys") > 0
