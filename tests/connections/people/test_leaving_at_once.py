"""What a person does in the very moment in which they are removed is done before it, or not at all."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection as database
from django.db import connections, transaction
from django.test import Client

from connections.models import Connection, Membership, State, Sync, Team, User, Workspace
from connections.people.forms import TeamForm
from connections.people.leaving import end_membership
from sources.activecampaign.sandbox.server import SandboxServer
from tests.conftest import Connect, client_of
from tests.connections.keeping.editing_page import save
from tests.connections.stepper.walking import begin, details, set_up

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_limit")]

PATIENCE = 20.0  # Seconds.
LOCKS = ("BEGIN", "FOR NO KEY UPDATE", "DELETE FROM")
"""What a statement begins to wait at, on SQLite and on PostgreSQL."""


class Beside:
    """Something that is done in a thread of its own; `is_at_lock` when it is about to wait for others."""

    def __init__(self, act: Callable[[], Any]) -> None:
        self.is_at_lock, self.act = threading.Event(), act
        self.before_update: Callable[[], Any] | None = None
        self.came_of_it: Any = None
        self.thread = threading.Thread(target=self.run)

    def run(self) -> None:
        with database.execute_wrapper(self.look):
            self.came_of_it = self.act()
        connections.close_all()

    def look(self, execute: Callable[..., Any], sql: str, *words: Any) -> Any:
        if any(lock in sql for lock in LOCKS):
            self.is_at_lock.set()
        if self.before_update and sql.startswith('UPDATE "connections_connection"'):
            wait, self.before_update = self.before_update, None
            wait()
        return execute(sql, *words)

    def begin(self) -> None:
        self.thread.start()
        assert self.is_at_lock.wait(PATIENCE)

    def end(self) -> Any:
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive()
        return self.came_of_it


@pytest.fixture
def bobs_connection(connect: Connect, bob: User, sandbox: SandboxServer) -> Connection:
    return connect(sandbox, by=bob)


def finishing(client: Client, bob: User, connection: Connection, sandbox: SandboxServer) -> Callable[[], Any]:
    address = set_up(client, sandbox, privacy="private")
    return lambda: client.post(address, {"version": ""})


def setting_up(client: Client, bob: User, connection: Connection, sandbox: SandboxServer) -> Callable[[], Any]:
    address = begin(client)
    return lambda: client.post(address, details(sandbox, privacy="private"))


def making_private(client: Client, bob: User, connection: Connection, sandbox: SandboxServer) -> Callable[[], Any]:
    return lambda: save(client, connection, privacy="private")


def resuming(client: Client, bob: User, connection: Connection, sandbox: SandboxServer) -> Callable[[], Any]:
    Connection.objects.filter(pk=connection.pk).update(privacy="private", state=State.PAUSED)
    return lambda: client.post(f"{connection.get_absolute_url()}resume/")


def storing_a_standby_key(
    client: Client, bob: User, connection: Connection, sandbox: SandboxServer
) -> Callable[[], Any]:
    key = "fedcba9876543210" * 4 + "d4c3b2a1"
    sandbox.add_key(key, user_id=sandbox.world.first_ids("users")[1], admin=True)
    return lambda: client.post(f"{connection.get_absolute_url()}standby/", {"standby-api_key": key, "api_key": key})


def making_a_team(client: Client, bob: User, connection: Connection, sandbox: SandboxServer) -> Callable[[], Any]:
    member = Membership.objects.get(user=bob)
    Membership.objects.filter(user=bob).update(role="admin")
    return lambda: client.post("/w/harbour-tea/settings/teams/", {"name": "Field", "members": [member.pk]})


ACTS = [finishing, setting_up, making_private, resuming, storing_a_standby_key, making_a_team]


def kept(workspace: Workspace) -> list[Any]:
    """All that the acts could change."""
    rows = Connection.objects.order_by("pk").values_list(
        "state", "privacy", "key_stored_at", "set_up_at", "orphaned_at"
    )
    return [
        *rows,
        Sync.objects.count(),
        Team.objects.count(),
        workspace.events.exclude(verb="tested").count(),
    ]


@pytest.mark.parametrize("prepare", ACTS)
def test_what_a_removed_member_does_at_the_same_moment_is_refused(
    prepare: Callable[..., Callable[[], Any]],
    workspace: Workspace,
    alice: User,
    bob: User,
    bobs_connection: Connection,
    sandbox: SandboxServer,
) -> None:
    act = Beside(prepare(client_of(bob), bob, bobs_connection, sandbox))
    Connection.objects.filter(privacy="private").update(orphaned_at=None)

    with transaction.atomic():
        end_membership(Membership.objects.get(user=bob), by=alice)
        before = kept(workspace)
        act.begin()
    answer = act.end()

    assert answer.status_code == 404
    assert kept(workspace) == before


def test_a_team_that_is_left_at_the_same_moment_gets_no_connection(
    alice: User, bob: User, growth: Team, sandbox: SandboxServer
) -> None:
    client = client_of(bob)
    address = set_up(client, sandbox, privacy="team", team=str(growth.pk))
    act = Beside(lambda: client.post(address, {"version": ""}))
    form = TeamForm({"name": "Growth", "members": []}, workspace=growth.workspace, team=growth)
    assert form.is_valid()

    with transaction.atomic():
        form.save(by=alice)
        act.begin()
    act.end()

    assert Connection.objects.get().state == State.DRAFT
    assert "You are in no team of this workspace" in client.get(address, follow=True).content.decode()


@pytest.mark.parametrize("prepare", [finishing, making_private, resuming])
def test_what_was_quicker_than_the_removal_stops_with_it(
    prepare: Callable[..., Callable[[], Any]],
    alice: User,
    bob: User,
    bobs_connection: Connection,
    sandbox: SandboxServer,
) -> None:
    act = Beside(prepare(client_of(bob), bob, bobs_connection, sandbox))
    removal = Beside(lambda: end_membership(Membership.objects.get(user=bob), by=alice))
    act.before_update = removal.begin

    act.begin()
    act.end()
    removal.end()

    (private,) = Connection.objects.filter(privacy="private")
    assert private.state == State.ACTIVE
    assert private.orphaned_at is not None
    assert not Connection.objects.may_run().filter(pk=private.pk).exists()
    assert not private.syncs.active().exists()
