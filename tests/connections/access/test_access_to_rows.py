"""Each way from an address to rows gives the ones that were meant, of this workspace, in as few queries as it can."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.utils import timezone

from connections.access import access
from connections.access.requests import PersonRequest
from connections.models import (
    AccountBudget,
    Connection,
    Holding,
    Membership,
    Role,
    SignIn,
    StandbyKey,
    Team,
    User,
    Workspace,
)
from sources.registry import get_source
from tests.conftest import Connect

SOURCE = "activecampaign"
PLACE = "harbour-tea"
DAYS = [datetime(2026, 3, day, tzinfo=UTC) for day in (1, 2, 3)]


def asked_by(user: User) -> PersonRequest:
    request = PersonRequest()
    request.user = user
    return request


def draft_of(user: User, workspace: Workspace, **fields: Any) -> Connection:
    return Connection.objects.create(
        workspace=workspace, created_by=user, source_key=SOURCE, holding=Holding.objects.create(), **fields
    )


@pytest.fixture
def elsewhere(alice: User) -> Workspace:
    """Another workspace of Alice's, to tell whether a way keeps to the one that was named."""
    workspace = Workspace.objects.create(name="Tea Shop", slug="tea-shop")
    Membership.objects.create(workspace=workspace, user=alice, role=Role.OWNER)
    return workspace


@pytest.fixture
def place(alice: User) -> access.Place:
    return access.my_place(asked_by(alice), PLACE)


@pytest.fixture
def away(connect: Connect, elsewhere: Workspace, alice: User) -> Connection:
    """A connection in the other workspace."""
    connection = connect(name="Away")
    Connection.objects.filter(pk=connection.pk).update(workspace=elsewhere)
    connection.events.update(workspace=elsewhere)
    return connection


# One row --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "queries"), [("GET", 1), ("POST", 2)])
def test_a_place_is_mine_and_is_asked_for_once_a_page_and_anew_before_each_change(
    alice: User, elsewhere: Workspace, django_assert_num_queries: Any, method: str, queries: int
) -> None:
    request = asked_by(alice)
    request.method = method
    alice.last_workspace = elsewhere
    with django_assert_num_queries(queries):
        for _ in range(2):
            place = access.my_place(request, "tea-shop")
            assert (place.workspace, place.membership.user_id) == (elsewhere, alice.pk)


def test_the_way_in_leads_to_my_workspaces_alone(alice: User, charlie: User, elsewhere: Workspace) -> None:
    assert {one.slug for one in access.my_workspaces(asked_by(alice))} == {PLACE, "tea-shop"}
    assert [one.slug for one in access.my_workspaces(asked_by(charlie))] == ["stranger"]


def test_the_connection_is_the_one_that_was_named(
    connect: Connect, alice: User, growth: Team, django_assert_num_queries: Any
) -> None:
    connect(name="First")
    named = connect(name="Second", privacy="team", team=growth)

    with django_assert_num_queries(2):  # Who I am there, and the row with all that its page shows of it.
        found = access.visible_connection(asked_by(alice), PLACE, SOURCE, named.pk)
        shown = (found.name, found.workspace.slug, found.team, found.created_by, found.key_stored_by)
        assert found.may_manage and not found.creator_has_left and found.holding and not access.standby_of(found)

    assert shown == ("Second", PLACE, growth, alice, alice)
    assert found.health_word


@pytest.mark.parametrize("wrong", [("tea-shop", SOURCE), (PLACE, "toy")])
def test_a_connection_is_found_in_its_own_workspace_and_source_alone(
    connect: Connect, alice: User, elsewhere: Workspace, wrong: tuple[str, str]
) -> None:
    connection = connect()
    draft = draft_of(alice, connection.workspace)

    for way, one in ((access.visible_connection, connection), (access.my_draft, draft)):
        assert way(asked_by(alice), PLACE, SOURCE, one.pk) == one
        with pytest.raises(Http404):
            way(asked_by(alice), *wrong, one.pk)


def test_a_set_up_is_its_creators_alone_and_while_they_are_a_member(
    alice: User, dana: User, place: access.Place
) -> None:
    theirs, mine = draft_of(dana, place.workspace), draft_of(alice, place.workspace)

    assert access.my_draft(asked_by(alice), PLACE, SOURCE, mine.pk) == mine
    with pytest.raises(Http404):
        access.my_draft(asked_by(alice), PLACE, SOURCE, theirs.pk)
    leave(alice)
    with pytest.raises(Http404):
        access.my_draft(asked_by(alice), PLACE, SOURCE, mine.pk)


def test_where_two_step_login_is_required_nothing_is_reached_without_it(
    connect: Connect, alice: User, elsewhere: Workspace
) -> None:
    connection = connect()
    draft = draft_of(alice, connection.workspace)
    Workspace.objects.filter(pk=connection.workspace_id).update(requires_second_factor=True)

    for way, value in ((access.visible_connection, connection), (access.my_draft, draft)):
        with pytest.raises(access.SecondFactorNeeded):
            way(asked_by(alice), PLACE, SOURCE, value.pk)
    with pytest.raises(
        access.SecondFactorNeeded, match=r"^Harbour Tea wants two-step login\. Set it up, then go on\.$"
    ):
        access.my_place(asked_by(alice), PLACE)
    assert access.my_place(asked_by(alice), "tea-shop").workspace == elsewhere
    Authenticator.objects.create(user=alice, type=Authenticator.Type.TOTP, data={})
    assert access.my_place(asked_by(alice), PLACE).workspace == connection.workspace
    assert access.visible_connection(asked_by(alice), PLACE, SOURCE, connection.pk) == connection
    assert access.my_draft(asked_by(alice), PLACE, SOURCE, draft.pk) == draft


def test_where_i_signed_in_from_is_for_me(alice: User, dana: User) -> None:
    mine, _ = (SignIn.objects.create(person=user) for user in (alice, dana))

    assert [*access.my_sign_ins(asked_by(alice))] == [mine]


def test_who_locks_a_connection_to_change_it_may_manage_that_one(
    connect: Connect, alice: User, bob: User, django_assert_num_queries: Any
) -> None:
    connect(name="First")
    named = connect(name="Second")

    with django_assert_num_queries(4):
        locked = access.manageable_now(asked_by(alice), PLACE, SOURCE, named.pk)
        assert (locked.name, locked.workspace.slug) == ("Second", PLACE)
    with pytest.raises(PermissionDenied):
        access.manageable_now(asked_by(bob), PLACE, SOURCE, named.pk)


def test_a_connection_that_is_changed_is_locked_but_not_its_key(
    connect: Connect, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite knows no such locks, so the query is looked at."""
    connection, asked = connect(), []

    def remember(rows: Any, **named: Any) -> Any:
        asked.append(rows.query if hasattr(rows, "query") else None)
        return rows.get(**named)

    monkeypatch.setattr(access, "get_object_or_404", remember)
    access.manageable_now(asked_by(alice), PLACE, SOURCE, connection.pk)

    locks = [(query.select_for_update, query.select_for_no_key_update, query.select_for_update_of) for query in asked]
    assert locks[-1] == (True, True, ("self",))


def test_a_sync_is_stopped_by_who_asked_for_it_and_by_who_manages_its_connection(
    connect: Connect, alice: User, bob: User, dana: User, erin: User
) -> None:
    sync, beside = connect(by=bob).syncs.create(number=7, requested_by=erin, state="running"), connect(by=erin)

    def may_stop(user: User) -> bool:
        found = access.visible_connection(asked_by(user), PLACE, SOURCE, sync.connection_id)
        return access.may_stop(asked_by(user), access.visible_sync(found, 7))

    assert all(may_stop(user) for user in (alice, bob, dana, erin))
    type(sync).objects.update(requested_by=alice)
    assert not may_stop(erin)
    assert access.visible_connection(asked_by(erin), PLACE, SOURCE, beside.pk).may_manage


def test_a_page_that_was_open_tells_whether_its_own_connection_is_still_mine(
    connect: Connect, bob: User, alice: User
) -> None:
    shared, private = connect(), connect(privacy="private")

    assert access.still_visible(asked_by(bob), shared)
    assert not access.still_visible(asked_by(bob), private)
    assert access.still_visible(asked_by(alice), private)


def test_the_team_and_the_sync_are_those_that_were_named(
    connect: Connect, alice: User, bob: User, growth: Team, django_assert_num_queries: Any
) -> None:
    other = Team.objects.create(workspace=growth.workspace, name="Another")
    connection = connect()
    connection.syncs.all().delete()
    for number, user in enumerate((alice, bob), start=1):
        connection.syncs.create(number=number, requested_by=user, state="complete")

    with django_assert_num_queries(2):
        assert str(access.administered_team(asked_by(alice), PLACE, other.pk).workspace) == "Harbour Tea"
    assert access.administered_team(asked_by(alice), PLACE, growth.pk) == growth
    for number, user in enumerate((alice, bob), start=1):
        with django_assert_num_queries(1):
            assert access.visible_sync(connection, number).requested_by == user


def test_a_source_or_a_stream_that_there_is_not_is_not_found(connect: Connect) -> None:
    connection = connect()

    assert access.known_source(SOURCE) == get_source(SOURCE)
    assert access.offered_stream(connection, "contacts").key == "contacts"
    with pytest.raises(Http404):
        access.offered_stream(connection, "tea-leaves")
    connection.source_key = "closed-down"
    with pytest.raises(Http404):
        access.offered_stream(connection, "contacts")
    with pytest.raises(Http404):
        access.known_source("closed-down")


# Several rows ---------------------------------------------------------------------------------------------------


def test_lists_keep_to_the_workspace_that_they_are_of(
    connect: Connect, alice: User, away: Connection, place: access.Place
) -> None:
    here, request = connect(name="Here"), asked_by(alice)
    there = access.my_place(request, "tea-shop")
    drafts = {one.workspace.slug: draft_of(alice, one.workspace, version=2) for one in (place, there)}

    for one, connection in ((place, here), (there, away)):
        assert [*access.visible_connections(request, one)] == [connection]
        assert [*access.my_drafts(request, one)] == [drafts[one.workspace.slug]]
        assert {event.connection for event in access.visible_events(request, one)} == {connection}


def test_what_happened_is_told_to_who_may_see_the_connection(
    connect: Connect, alice: User, bob: User, place: access.Place
) -> None:
    connect(privacy="private")

    assert access.visible_events(asked_by(alice), place).exists()
    assert not access.visible_events(asked_by(bob), place).exists()


def test_unfinished_set_ups_that_something_was_typed_into_are_offered_newest_first(
    alice: User, dana: User, place: access.Place, django_assert_num_queries: Any
) -> None:
    old, new = (draft_of(alice, place.workspace, version=2, created_at=day) for day in DAYS[:2])
    draft_of(alice, place.workspace)
    draft_of(dana, place.workspace, version=2)

    with django_assert_num_queries(1):
        drafts = [*access.my_drafts(asked_by(alice), place)]
        assert {draft.workspace.slug for draft in drafts} == {PLACE}

    assert drafts == [new, old]
    assert all("api_key" in draft.get_deferred_fields() for draft in drafts)


def test_those_who_share_an_account_are_named_as_far_as_i_may_know_of_them(
    connect: Connect, alice: User, dana: User, elsewhere: Workspace
) -> None:
    mine, shared, private = connect(), connect(), connect(privacy="private", by=dana)
    other_account = connect(api_url="https://other.api-us1.com")
    other_source, other_workspace = connect(), connect()
    Connection.objects.filter(pk=other_source.pk).update(source_key="toy")
    Connection.objects.filter(pk=other_workspace.pk).update(workspace=elsewhere)

    assert access.sharers(asked_by(alice), mine) == [shared]
    assert {*access.sharers(asked_by(dana), mine)} == {shared, private}
    assert access.sharers(asked_by(alice), other_account) == []
    mine.api_key = "cannot be opened"
    assert access.sharers(asked_by(alice), mine) == []


def test_the_budget_is_that_of_the_connections_account(connect: Connect) -> None:
    connection, other = connect(), connect(api_url="https://other.api-us1.com")
    for one in (connection, other):
        assert access.budget_of(one) is None
        AccountBudget.objects.create(account=one.account_fingerprint)

    for one in (connection, other):
        found = access.budget_of(one)
        assert found is not None
        assert found.account == one.account_fingerprint


def test_the_standby_key_is_that_of_the_connection(connect: Connect) -> None:
    connection, other, without = connect(), connect(), connect()
    for one in (connection, other):
        StandbyKey.objects.create(connection=one)

    found = [access.standby_of(one) for one in (connection, other, without)]

    assert [one and one.connection for one in found] == [connection, other, None]


# What people left behind ----------------------------------------------------------------------------------------


def leave(user: User) -> None:
    Membership.objects.filter(user=user).delete()


def test_of_those_who_left_an_administrator_learns_how_many_since_when_and_of_how_many_keys(
    connect: Connect, erin: User, bob: User, place: access.Place
) -> None:
    connections = [connect(by=erin, privacy="private") for _ in range(3)]
    dated = zip(connections, ("orphaned_at", "authorised_at", "created_at"), strict=True)
    for connection, kind in dated:
        moments = {"orphaned_at": None, "authorised_at": None, "created_at": DAYS[1], kind: DAYS[0]}
        Connection.objects.filter(pk=connection.pk).update(**moments)
        leave(erin)
        since = access.left_behind(place)[0].since
        assert since == DAYS[0], kind
        Connection.objects.filter(pk=connection.pk).update(
            orphaned_at=DAYS[2], authorised_at=DAYS[1], created_at=DAYS[1]
        )
    Connection.objects.filter(pk=connections[0].pk).update(key_stored_at=None)
    connect(by=bob, privacy="private")

    assert access.left_behind(place) == [
        access.LeftBehind(user_id=erin.pk, person="Erin Sato", count=3, since=DAYS[2], keys=2)
    ]


@pytest.mark.parametrize(
    ("name", "shown"), [("Erin Sato", "Erin Sato"), ("", "erin@harbourtea.example"), (None, "A deleted account")]
)
def test_who_left_is_called_by_the_best_name_that_is_known(
    connect: Connect, erin: User, place: access.Place, name: str | None, shown: str
) -> None:
    connect(by=erin, privacy="private")
    leave(erin)
    if name is None:
        erin.delete()
    else:
        User.objects.filter(pk=erin.pk).update(name=name)

    (left,) = access.left_behind(place)

    assert left.person == shown
    assert left.user_id == (erin.pk if name is not None else 0)  # No person has that number.


def test_what_one_person_left_here_is_found_by_that_person(
    connect: Connect, alice: User, erin: User, bob: User, elsewhere: Workspace, place: access.Place
) -> None:
    connections = {user: connect(by=user, privacy="private") for user in (erin, bob)}
    there = connect(by=erin, privacy="private")
    Connection.objects.filter(pk=there.pk).update(workspace=elsewhere)
    nobodys = connect(by=alice, privacy="private")
    Connection.objects.filter(pk=nobodys.pk).update(created_by=None)
    leave(erin)

    assert [*access.left_behind_of(place, erin.pk)] == [connections[erin]]
    assert [*access.left_behind_of(place, access.UNKNOWN)] == [nobodys]
    assert not access.left_behind_of(place, bob.pk).exists()
    leave(bob)
    assert [*access.left_behind_of(place, bob.pk)] == [connections[bob]]
    assert {one.user_id for one in access.left_behind(place)} == {erin.pk, bob.pk, access.UNKNOWN}


# The rule's lists -----------------------------------------------------------------------------------------------


def test_a_list_says_of_each_row_whether_i_may_manage_it_and_whether_its_creator_is_still_here(
    connect: Connect, alice: User, bob: User, dana: User, erin: User, growth: Team
) -> None:
    connect(by=bob, name="Bob's")
    connect(by=erin, name="Erin's")
    connect(by=dana, name="Dana's own", privacy="private")
    leave(erin)

    def listed(user: User) -> dict[str, tuple[bool, bool]]:
        rows = Connection.objects.for_list(user)
        return {row.name: (bool(row.may_manage), bool(row.creator_is_member)) for row in rows}

    assert listed(bob) == {"Bob's": (True, True), "Erin's": (False, False)}
    assert listed(alice) == {"Bob's": (True, True), "Erin's": (True, False)}
    assert listed(dana) == {**listed(alice), "Dana's own": (True, True)}


def test_a_list_needs_one_query_for_all_that_it_shows_and_loads_no_key(
    connect: Connect, alice: User, growth: Team, django_assert_num_queries: Any
) -> None:
    connect(privacy="team", team=growth)

    with django_assert_num_queries(1):
        (row,) = Connection.objects.for_list(alice)
        shown = (row.created_by, row.team, row.workspace.name, row.health_word)

    assert shown == (alice, growth, "Harbour Tea", "Healthy")
    assert {"api_key", "typed"} <= row.get_deferred_fields()


HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"state": "paused", "health": "action_needed", "late_at": -HOUR, "is_syncing": True}, "paused"),
        ({"health": "action_needed", "late_at": -HOUR, "is_syncing": True}, "action_needed"),
        ({"late_at": -HOUR, "is_syncing": True}, "syncing"),
        ({"late_at": -HOUR}, "late"),
        ({"late_at": HOUR}, "healthy"),
        ({"health": "waiting"}, "waiting"),
    ],
)
def test_the_health_that_is_shown_is_what_matters_most(
    connect: Connect, alice: User, fields: dict[str, Any], shown: str
) -> None:
    connection, other = connect(), connect(name="Syncing beside it")
    Connection.objects.filter(pk=connection.pk).update(
        **{
            "late_at": timezone.now() + fields["late_at"] if "late_at" in fields else None,
            **{key: value for key, value in fields.items() if key not in ("late_at", "is_syncing")},
        }
    )
    connection.syncs.all().delete()
    for one, is_running in ((connection, "is_syncing" in fields), (other, True)):
        one.syncs.create(number=7, state="running" if is_running else "complete")

    assert Connection.objects.with_health().get(pk=connection.pk).shown_health == shown
