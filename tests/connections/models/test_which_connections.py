"""Which connections run, are due, unfinished, or left behind, asked of the queryset itself."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from connections.models import Connection, Event, Holding, Membership, Team, User, Workspace, connection_query
from sources.registry import get_source
from sources.spec import Source
from tests.conftest import Connect

HOUR = timedelta(hours=1)
DAY = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def source() -> Source:
    found = get_source("activecampaign")
    assert found is not None
    return found


def change(connection: Connection, **fields: Any) -> None:
    Connection.objects.filter(pk=connection.pk).update(**fields)


@pytest.mark.parametrize(
    ("fields", "may_run", "is_due"),
    [
        ({}, True, True),
        ({"next_sync_at": HOUR}, True, False),
        ({"next_sync_at": None}, True, False),
        ({"health": "action_needed"}, True, False),
        ({"health": "waiting"}, True, True),
        ({"state": "paused"}, False, False),
        ({"state": "draft"}, False, False),
    ],
)
def test_what_is_active_runs_and_is_due_when_its_time_has_come(
    connect: Connect, fields: dict[str, Any], may_run: bool, is_due: bool
) -> None:
    moment = fields.get("next_sync_at", -HOUR)
    change(connect(), **fields | {"next_sync_at": moment and timezone.now() + moment})

    assert Connection.objects.may_run().exists() == may_run
    assert Connection.objects.due().exists() == is_due


@pytest.mark.parametrize(("privacy", "runs_on"), [("workspace", True), ("private", False)])
def test_what_somebody_who_left_had_shared_runs_on_and_what_was_private_is_left_behind(
    connect: Connect, bob: User, privacy: str, runs_on: bool
) -> None:
    connection = connect(by=bob, privacy=privacy)
    beside = connect(privacy=privacy)
    elsewhere = Workspace.objects.create(name="Tea Shop", slug="tea-shop")
    Membership.objects.create(workspace=elsewhere, user=bob)
    assert [*Connection.objects.left_behind()] == []
    assert {*Connection.objects.may_run()} == {connection, beside}

    Membership.objects.filter(user=bob).exclude(workspace=elsewhere).delete()

    assert [*Connection.objects.left_behind()] == ([] if runs_on else [connection])
    assert (connection in Connection.objects.may_run()) == runs_on
    assert beside in Connection.objects.may_run()


def test_a_set_up_that_somebody_who_left_had_not_finished_is_not_among_what_they_left_behind(
    workspace: Workspace, bob: User, source: Source
) -> None:
    change(Connection.objects.take_up_draft(workspace=workspace, user=bob, source=source), privacy="private")
    Membership.objects.filter(user=bob).delete()

    assert not Connection.objects.left_behind().exists()


def test_set_ups_from_before_a_moment_are_unfinished_since_then(
    connect: Connect, workspace: Workspace, alice: User, source: Source
) -> None:
    finished = connect()
    change(finished, created_at=DAY - HOUR)
    draft = Connection.objects.take_up_draft(workspace=workspace, user=alice, source=source)
    change(draft, created_at=DAY)

    assert [*Connection.objects.unfinished_since(DAY + HOUR)] == [draft]
    assert [*Connection.objects.unfinished_since(DAY)] == []


def test_a_clock_that_is_changed_moves_what_runs_daily_and_undoes_nothing(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    daily, hourly, draft = (connect(name=name) for name in ("Daily", "Hourly", "Draft"))
    for connection, schedule in ((daily, "daily"), (hourly, "hourly"), (draft, "daily")):
        change(connection, schedule=schedule, next_sync_at=DAY)
    change(draft, state="draft")
    plan = Connection.plan_next_sync

    def plan_while_another_renames(connection: Connection) -> None:
        change(connection, name="Renamed meanwhile")
        plan(connection)

    monkeypatch.setattr(Connection, "plan_next_sync", plan_while_another_renames)
    Connection.objects.filter(workspace=daily.workspace).plan_anew()

    moved = {row.name: row.next_sync_at > DAY for row in Connection.objects.all()}
    assert moved == {"Renamed meanwhile": True, "Hourly": False, "Draft": False}


def test_the_others_on_an_account_are_all_but_itself(connect: Connect) -> None:
    mine, other = connect(), connect()
    connect(api_url="https://elsewhere.api-us1.com")

    assert [*Connection.objects.same_account(mine)] == [other]


def test_a_persons_key_is_shared_within_one_workspace_and_source_and_by_who_is_known_alone(
    connect: Connect, alice: User
) -> None:
    elsewhere = Workspace.objects.create(name="Tea Shop", slug="tea-shop")
    Membership.objects.create(workspace=elsewhere, user=alice, role="owner")
    mine, same_key, same_person, away, other_source = (connect(name=name) for name in "abcde")
    for connection in (mine, same_person, away, other_source):
        change(connection, account_facts={"owner": "7"})
    for connection in (same_person, away, other_source):
        change(connection, key_fingerprint="another")
    change(away, workspace=elsewhere)
    change(other_source, source_key="toy")

    mine.refresh_from_db()
    assert {*Connection.objects.sharing_key(mine, user=alice)} == {same_key, same_person}
    for connection in (mine, same_person):
        change(connection, account_facts={"owner": ""})
    mine.refresh_from_db()
    assert [*Connection.objects.sharing_key(mine, user=alice)] == [same_key]


def test_removing_several_removes_each_in_the_name_of_who_asked(connect: Connect, dana: User) -> None:
    for name in "ab":
        connect(name=name)
    kept = connect(name="kept")

    count = Connection.objects.exclude(pk=kept.pk).remove_all(by=dana)

    assert count == 2
    assert [*Connection.objects.all()] == [kept]
    removed = Event.objects.filter(connection=None, actor=dana)
    assert {event.about for event in removed} >= {"a", "b"}


def test_removing_several_looks_up_neither_the_workspace_nor_the_creator_of_each(connect: Connect, dana: User) -> None:
    for name in "ab":
        connect(name=name, privacy="private")

    with CaptureQueriesContext(database) as asked:
        Connection.objects.all().remove_all(by=dana)

    queries = [query["sql"] for query in asked.captured_queries]
    assert queries
    for table in ("workspace", "user"):
        assert [sql for sql in queries if f'FROM "connections_{table}" WHERE' in sql] == []


# Set-ups ----------------------------------------------------------------------------------------------------------


def test_a_set_up_that_nothing_was_typed_into_is_taken_up_again_and_its_time_begins_anew(
    workspace: Workspace, alice: User, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Connection.objects.take_up_draft(workspace=workspace, user=alice, source=source)
    change(first, created_at=DAY)

    def now_while_something_is_typed() -> datetime:
        change(first, name="Typed meanwhile")
        return timezone.now()

    monkeypatch.setattr(connection_query, "timezone", SimpleNamespace(now=now_while_something_is_typed))
    again = Connection.objects.take_up_draft(workspace=workspace, user=alice, source=source)

    assert again == first
    again.refresh_from_db()
    assert again.name == "Typed meanwhile"
    assert again.created_at > DAY
    assert (again.workspace, again.created_by, again.source_key) == (workspace, alice, "activecampaign")


@pytest.mark.parametrize("differs", ["version", "set_up_at", "source_key", "created_by", "workspace", "state"])
def test_a_set_up_is_begun_anew_beside_one_that_is_not_mine_untouched_and_of_this_source(
    workspace: Workspace, alice: User, bob: User, source: Source, differs: str
) -> None:
    elsewhere = Workspace.objects.create(name="Tea Shop", slug="tea-shop")
    Membership.objects.create(workspace=elsewhere, user=alice)
    first = Connection.objects.take_up_draft(workspace=workspace, user=alice, source=source)
    other: dict[str, Any] = {
        "version": 2,
        "set_up_at": DAY,
        "source_key": "toy",
        "created_by": bob,
        "workspace": elsewhere,
        "state": "active",
    }
    finished = {"name": "Finished", "privacy": "workspace"} if differs == "state" else {}
    change(first, **{differs: other[differs], **finished})

    assert Connection.objects.take_up_draft(workspace=workspace, user=alice, source=source) != first


def test_the_oldest_of_several_untouched_set_ups_is_taken_up(workspace: Workspace, alice: User, source: Source) -> None:
    of_alice = {"workspace": workspace, "created_by": alice, "source_key": source.key}
    new, old, newest = (
        Connection.objects.create(**of_alice, created_at=moment, holding=Holding.objects.create())
        for moment in (DAY, DAY - HOUR, DAY + HOUR)
    )

    assert Connection.objects.take_up_draft(workspace=workspace, user=alice, source=source) == old
    assert {new, newest} < {*Connection.objects.drafts_of(alice)}


# The rule, by role ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "in_team", "seen", "managed"),
    [
        ("member", False, {"workspace"}, set()),
        ("member", True, {"workspace", "team"}, set()),
        ("admin", False, {"workspace", "team"}, {"workspace", "team"}),
        ("owner", False, {"workspace", "team"}, {"workspace", "team"}),
        (None, True, set(), set()),
    ],
)
def test_what_is_seen_and_managed_by_role(
    connect: Connect, workspace: Workspace, growth: Team, role: str | None, in_team: bool, seen: set, managed: set
) -> None:
    for privacy in ("workspace", "team", "private"):
        connect(name=privacy, privacy=privacy, team=growth if privacy == "team" else None)
    user = User.objects.create_user("ivy@harbourtea.example", name="Ivy Lund")
    membership = Membership.objects.create(workspace=workspace, user=user, role=role or "owner")
    if in_team:
        growth.members.add(membership)
    if role is None:
        membership.delete()

    assert {one.name for one in Connection.objects.visible_to(user)} == seen
    assert {one.name for one in Connection.objects.manageable_by(user)} == managed
    assert {one.name for one in Connection.objects.for_list(user) if one.may_manage} == managed
