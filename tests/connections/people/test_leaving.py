"""What a person who leaves takes along, and what stays."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from connections.models import Connection, Membership, Role, Sync, Team, User, Workspace
from connections.models.people import LastOwner
from connections.operating.housekeeping import keep_house
from connections.people.leaving import OwnersAlone, disband, end_membership
from connections.safe.sealing import Unsealable
from connections.syncing.syncing import run
from sources.activecampaign.sandbox.server import SandboxServer
from tests.conftest import Connect, client_of


def leave(user: User, *, by: User) -> None:
    end_membership(Membership.objects.get(user=user), by=by)


def test_what_was_shared_stays_and_runs_on(alice: User, bob: User, connect: Connect) -> None:
    connection = connect(by=bob)
    Connection.objects.update(next_sync_at=timezone.now())
    before = connection.credentials()

    leave(bob, by=alice)

    assert connection in Connection.objects.due()
    assert connection in Connection.objects.manageable_by(alice)
    assert Connection.objects.get().credentials() == before


def test_what_was_private_is_not_due_any_more_and_its_key_is_wiped_after_30_days(
    alice: User, bob: User, connect: Connect
) -> None:
    connection = connect(by=bob, privacy="private")
    Connection.objects.update(next_sync_at=timezone.now())
    assert connection in Connection.objects.due()

    leave(bob, by=alice)
    keep_house()

    assert connection not in Connection.objects.due()
    assert Connection.objects.get().has_key
    Connection.objects.update(orphaned_at=timezone.now() - timedelta(days=31))
    keep_house()
    assert not Connection.objects.get().has_key
    with pytest.raises(Unsealable):
        Connection.objects.get().credentials()


def test_work_that_a_person_queued_and_then_lost_the_right_to_is_not_done(
    alice: User, bob: User, connect: Connect, sandbox: SandboxServer
) -> None:
    connection = connect(sandbox, by=alice)
    sync = Sync.objects.queue(connection, trigger="person", by=bob)
    leave(bob, by=alice)

    run(sync.take())

    sync.refresh_from_db()
    assert sync.state == "stopped"
    assert "may no longer use" in sync.reason
    assert sandbox.stats()["requests"] == 0


def test_a_private_sync_that_was_queued_by_the_schedule_is_not_done_either(
    alice: User, bob: User, connect: Connect, sandbox: SandboxServer
) -> None:
    connection = connect(sandbox, by=bob, privacy="private")
    leave(bob, by=alice)
    sync = Sync.objects.queue(connection, trigger="schedule")

    run(sync.take())

    sync.refresh_from_db()
    assert sync.state == "stopped"
    assert sandbox.stats()["requests"] == 0


def test_leaving_a_workspace_leaves_its_teams(alice: User, bob: User, growth: Team, workspace: Workspace) -> None:
    leave(bob, by=alice)
    Membership.objects.create(workspace=workspace, user=bob)

    assert not Team.objects.of(bob).exists()


def test_who_comes_back_finds_their_private_connections_again(
    alice: User, bob: User, connect: Connect, workspace: Workspace
) -> None:
    connection = connect(by=bob, privacy="private")
    leave(bob, by=alice)
    assert not Connection.objects.visible_to(bob).exists()

    Membership.objects.create(workspace=workspace, user=bob)

    assert connection in Connection.objects.visible_to(bob)
    assert connection in Connection.objects.may_run()


def switch(staff_client: Client, person: User, *, on: bool) -> None:
    """As staff do it, in the admin."""
    form = {"email": person.email, "name": person.name} | ({"is_active": "on"} if on else {})
    assert staff_client.post(f"/admin/connections/user/{person.pk}/change/", form).status_code == 302


def test_t26_what_is_private_of_whom_staff_switch_off_stops_and_what_is_shared_runs_on(
    staff_client: Client, dana_client: Client, bob: User, connect: Connect
) -> None:
    private, shared = connect(by=bob, privacy="private"), connect(by=bob)
    running = Sync.objects.start(private, trigger="schedule")
    Connection.objects.update(next_sync_at=timezone.now())

    switch(staff_client, bob, on=False)

    running.refresh_from_db()
    assert (running.state, running.reason) == ("stopped", "Its owner has left, or may no longer log in.")
    assert [*Connection.objects.due()] == [shared]
    members = dana_client.get("/w/harbour-tea/settings/members/").content.decode()
    assert "<strong>Bob Lindqvist</strong> has 1 private connection," in members
    page = dana_client.get(shared.get_absolute_url()).content.decode()
    assert "Added by a former member: replace the key." in page


def test_t26_switched_on_again_within_thirty_days_it_runs_as_before(
    staff_client: Client, bob: User, connect: Connect, time_machine: Any
) -> None:
    connection = connect(by=bob, privacy="private")
    Connection.objects.update(next_sync_at=timezone.now())
    switch(staff_client, bob, on=False)
    time_machine.move_to(timezone.now() + timedelta(days=29))
    keep_house()
    assert not Connection.objects.due().exists()

    switch(client_of(User.objects.get(is_superuser=True)), bob, on=True)
    keep_house()

    assert [*Connection.objects.due()] == [connection]
    assert (Connection.objects.get().orphaned_at, Connection.objects.get().has_key) == (None, True)


def test_t26_after_thirty_days_the_key_is_wiped(
    staff_client: Client, bob: User, connect: Connect, time_machine: Any
) -> None:
    connect(by=bob, privacy="private")
    switch(staff_client, bob, on=False)
    time_machine.move_to(timezone.now() + timedelta(days=31))

    keep_house()

    assert not Connection.objects.get().has_key


def test_t26_an_owner_who_may_not_log_in_is_no_other_owner(alice: User, dana: User) -> None:
    Membership.objects.filter(user=dana).update(role=Role.OWNER)
    User.objects.filter(pk=dana.pk).update(is_active=False)

    with pytest.raises(LastOwner):
        leave(alice, by=alice)

    assert Membership.objects.filter(user=alice).exists()


@pytest.mark.parametrize("state", ["queued", "running"])
def test_t26_whoever_is_switched_off_by_another_door_than_the_admin_pulls_nothing_more_either(
    bob: User, connect: Connect, sandbox: SandboxServer, state: str
) -> None:
    connection = connect(sandbox, by=bob, privacy="private")
    sync = Sync.objects.queue(connection, trigger="schedule")
    if state == "running":
        sync.take()
    Connection.objects.update(next_sync_at=timezone.now())
    User.objects.filter(pk=bob.pk).update(is_active=False)

    assert not Connection.objects.due().exists()
    if state == "queued":
        run(sync.take())
    else:
        keep_house()

    sync.refresh_from_db()
    assert sync.state == "stopped"
    assert sandbox.stats()["requests"] == 0


def test_leaving_one_workspace_keeps_what_is_private_in_another(
    bob: User, charlie: User, alice: User, connect: Connect
) -> None:
    elsewhere = Membership.objects.create(workspace=charlie.memberships.get().workspace, user=bob)
    connection = connect(by=bob, privacy="private")
    Connection.objects.update(workspace=elsewhere.workspace)

    end_membership(Membership.objects.get(user=bob, workspace__slug="harbour-tea"), by=alice)

    connection.refresh_from_db()
    assert connection.orphaned_at is None
    assert connection in Connection.objects.visible_to(bob)


def test_whoever_was_made_an_owner_in_that_moment_is_removed_by_owners_alone(
    workspace: Workspace, alice: User, bob: User, dana: User
) -> None:
    seen_before = Membership.objects.get(user=bob)
    Membership.objects.filter(user=bob).update(role=Role.OWNER)

    with pytest.raises(OwnersAlone):
        end_membership(seen_before, by=dana)

    assert Membership.objects.filter(user=bob).exists()
    end_membership(seen_before, by=alice)
    assert not Membership.objects.filter(user=bob).exists()


def test_the_only_owner_stays_though_they_were_none_a_moment_ago(
    workspace: Workspace, alice: User, bob: User, staff: User
) -> None:
    seen_before = Membership.objects.get(user=bob)
    Membership.objects.filter(user=bob).update(role=Role.OWNER)
    end_membership(Membership.objects.get(user=alice), by=alice)
    staff.acts_as_staff = True

    with pytest.raises(LastOwner):
        end_membership(seen_before, by=staff)


def test_the_last_owner_cannot_leave_and_nothing_of_theirs_stops(alice: User, dana: User, connect: Connect) -> None:
    connection = connect(privacy="private")
    sync = Sync.objects.queue(connection, trigger="person")

    with pytest.raises(LastOwner):
        leave(alice, by=dana)

    sync.refresh_from_db()
    connection.refresh_from_db()
    assert sync.state == "queued"
    assert connection.orphaned_at is None


def test_disbanding_a_team_never_widens(alice: User, bob: User, dana: User, growth: Team, connect: Connect) -> None:
    connect(by=bob, privacy="team", team=growth)

    disband(growth, by=dana)

    assert Connection.objects.visible_to(bob).exists()
    for other in (alice, dana):
        assert not Connection.objects.visible_to(other).exists()
