"""A new credential key for ten thousand connections while eight people work and the command is killed thrice."""

import os
import time
from collections.abc import Iterator

from connections.models import User, Workspace
from tests.bench.figures import Effort, Figure
from tests.bench.stage import Command, NotDone
from tests.rotating import Crowd, both_keys, judge, kill_when, make_connections, rotated

KILLS = 3


def measure(effort: Effort) -> Iterator[Figure]:
    count = effort.of(10_000, 400)
    owner = User.objects.create(email="bench@harbourtea.example", name="Bench")
    workspace = Workspace.objects.create(slug="bench", name="Bench")
    workspace.memberships.create(user=owner)
    rows = make_connections(count, workspace=workspace, by=owner)
    with both_keys() as keys, Crowd(rows, by=owner) as crowd:
        os.environ.update(keys)
        begun = time.monotonic()
        killed = sum(killed_at(count * (kill + 1) // (KILLS + 1)) for kill in range(KILLS))
        Command("rotate_credential_keys").wait_for_success()
        seconds = time.monotonic() - begun
    # Everything is under the newest key, or the command says so by its exit code.
    Command("rotate_credential_keys", "--verify-only").wait_for_success()
    yield from figures(crowd, count=count, killed=killed, seconds=seconds)


def killed_at(rows: int) -> bool:
    command = Command("rotate_credential_keys")
    return kill_when(lambda: rotated() >= rows, command.kill, ended=command.has_ended)


def figures(crowd: Crowd, *, count: int, killed: int, seconds: float) -> Iterator[Figure]:
    if killed < KILLS:
        raise NotDone(f"The command was killed {killed} times instead of {KILLS}.")
    verdict = judge(crowd.rows)
    yield Figure(what=f"{count:,} rows sealed anew, {killed} kills included", measured=[seconds])
    for what, number in (("reads", "reads"), ("edits", "edits"), ("edits that replaced the key", "replaced_keys")):
        yield Figure(what=f"Meanwhile: {what}", measured=[crowd.sum(number)], unit="")
    yield Figure(what="The longest edit", measured=[max(tally.longest_edit for tally in crowd.tallies)])
    for what, found in (
        ("reads or edits that failed", len(crowd.failed)),
        ("edits lost", verdict.lost_edits),
        ("keys lost", verdict.lost_keys),
        ("rows left under the old key", verdict.left_behind),
    ):
        yield Figure(what=f"In all of them: {what}", measured=[found], unit="", ideal=0, bound=0, must_hold=True)
