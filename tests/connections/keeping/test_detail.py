"""The detail page: what it says about a connection, and what can be done there."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from connections.models import Connection, Membership, Privacy, Sync, Team, User, Workspace
from connections.models.stream_run import RunState
from connections.models.sync import SyncState
from connections.people.leaving import end_membership
from sources.activecampaign.sandbox.server import SandboxServer
from tests.conftest import Connect, client_of, person
from tests.connections.engine import store_rows
from tests.connections.listing.test_list import fill
from tests.connections.post import mails

LONG_KEY = "0123456789abcdef" * 4 + "a1b2c3d4"


def text(response: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def page(client: Client, connection: Connection) -> str:
    return text(client.get(connection.get_absolute_url()))


def text_of(html: str, part: str) -> str:
    """From inside the element with that id on, up to the last syncs."""
    inside = html.partition(f' id="{part}"')[2].partition(">")[2].partition('id="syncs-heading"')[0]
    return " ".join(re.sub(r"<[^>]+>", " ", inside).split())


def press(client: Client, connection: Connection, button: str) -> str:
    return text(client.post(f"{connection.get_absolute_url()}{button}/", follow=True))


def now(connection: Connection) -> Connection:
    return Connection.objects.get(pk=connection.pk)


def finished(connection: Connection, *, stream: str, read: int) -> Sync:
    """A sync that has ended."""
    sync = Sync.objects.queue(connection, trigger="person").take()
    sync.stream_runs.create(stream=stream, state=RunState.COMPLETE, read=read)
    sync.finish(SyncState.COMPLETE)
    return sync


# What it says -----------------------------------------------------------------------------------------------------


def test_the_page_stands_inside_its_sources_connections(alice_client: Client, connect: Connect, bob: User) -> None:
    connect(name="Other")
    connection = connect(name="Main account")
    connect(name="Hidden", by=bob, privacy="private")

    html = alice_client.get(connection.get_absolute_url()).content.decode()

    assert "<h1>ActiveCampaign Connections</h1>" in html
    assert f'href="{connection.get_absolute_url()}" aria-current="page">' in html
    assert beside(alice_client, connection) == ["Main account", "Other"]
    assert "Hidden" not in html


def test_the_page_of_a_team_names_its_people(alice_client: Client, connect: Connect, growth: Team, dana: User) -> None:
    connection = connect(privacy="team", team=growth)
    team, others = "Growth: Alice Okafor and Bob Lindqvist.", "The administrators (Alice Okafor and Dana Reyes)"
    assert f"{team} {others} see and manage it too." in page(alice_client, connection)

    fill_team(growth, [f"P{number}" for number in range(6)])

    assert re.search(r"Growth: (\w+ ?\w*, ){4}\w+ ?\w* and 3 more\. The administrators", page(alice_client, connection))


def fill_team(team: Team, names: list[str]) -> None:
    for name in names:
        user = person(f"{name}@harbourtea.example".lower(), name)
        team.members.add(Membership.objects.create(workspace=team.workspace, user=user, role="member"))


def test_it_says_who_authorised_the_connection_and_whose_key_it_is(bob_client: Client, connect: Connect) -> None:
    connection = connect()
    Connection.objects.update(authorised_at=datetime(2026, 5, 3, 12, tzinfo=UTC))

    words = page(bob_client, connection)

    assert "Authorised by Alice Okafor, 3 May 2026" in words
    assert "Key of Mira Holt" in words
    assert "Shared with Workspace: all 2 members of Harbour Tea" in words


def test_those_who_manage_see_the_end_of_the_key_and_since_when_and_by_whom_it_is_stored(
    alice_client: Client, dana_client: Client, bob_client: Client, connect: Connect
) -> None:
    connection = connect(api_key=LONG_KEY)
    Connection.objects.update(key_stored_at=datetime(2026, 5, 3, 12, tzinfo=UTC))

    assert "A key ending c3d4 is stored since 3 May 2026 by Alice Okafor." in page(dana_client, connection)
    assert "A key ending c3d4 is stored since 3 May 2026 by you." in page(alice_client, connection)
    assert "c3d4" not in page(bob_client, connection)


def test_of_a_short_key_not_even_the_end_is_shown(alice_client: Client, connect: Connect) -> None:
    words = page(alice_client, connect(api_key="0123456789abcdef0123456789a1b2c"))

    assert "A key is stored since" in words
    assert "1b2c" not in words


def test_the_key_is_nowhere_on_any_page(alice_client: Client, connect: Connect) -> None:
    connection = connect(api_key=LONG_KEY)
    Sync.objects.queue(connection, trigger="person")

    for part in ("", "syncs/", "syncs/1/", "data/", "data/contacts/", "delete/", "progress/"):
        assert LONG_KEY not in alice_client.get(f"{connection.get_absolute_url()}{part}").content.decode()


def test_who_may_only_use_it_gets_no_form_and_is_told_who_manages(bob_client: Client, connect: Connect) -> None:
    connection = connect()

    html = bob_client.get(connection.get_absolute_url()).content.decode()

    assert "Managed by Alice Okafor and administrators: ask Alice." in html
    for named in ("Connection Name", "API URL", "API Key", "Privacy"):
        assert f"<dt>{named}</dt>" in html
    for absent in ('id="edit-form"', "Delete…", "/pause/", 'name="api_key"'):
        assert absent not in html
    for present in ("Test now", "Sync now"):
        assert present in html


HEALTHS = {
    "not_verified": "Not verified",
    "healthy": "Healthy",
    "waiting": "Waiting",
    "action_needed": "Action needed",
}


@pytest.mark.parametrize(("health", "word"), HEALTHS.items())
def test_health_is_a_word_and_an_icon(alice_client: Client, connect: Connect, health: str, word: str) -> None:
    connection = connect()
    Connection.objects.update(health=health, health_reason="The reason.")

    html = alice_client.get(connection.get_absolute_url()).content.decode()

    assert re.search(rf'<span class="badge badge-\w+"><svg[^>]*>.*?</svg>\s*{word}</span>', html, re.DOTALL)
    assert ("The reason." in html) == (health != "healthy")


def test_action_needed_says_why_since_when_and_leads_to_the_key(
    alice_client: Client, bob_client: Client, connect: Connect
) -> None:
    connection = connect()
    Connection.objects.update(
        health="action_needed",
        health_reason="ActiveCampaign refused the key.",
        health_since=datetime(2026, 5, 3, 12, tzinfo=UTC),
    )

    Sync.objects.start(connection, trigger="schedule").finish(SyncState.FAILED, "ActiveCampaign refused the key.")

    assert "ActiveCampaign refused the key. Since 3 May 2026, 12:00" in page(alice_client, connection)
    html = alice_client.get(connection.get_absolute_url()).content.decode()
    assert 'href="#id_api_key"' in html
    assert "Sync now</button>" not in html
    assert "Test now" not in html
    assert text_of(html, "progress").count("ActiveCampaign refused the key.") == 0  # It is said above.
    assert "Alice Okafor or an admin can mend it." in page(bob_client, connection)


def test_a_sync_of_one_stream_is_not_told_as_the_connections(bob_client: Client, connect: Connect) -> None:
    connection = connect()
    sync = Sync.objects.queue(connection, trigger="person", only=["deals"]).take()
    assert "Syncing Deals now" in page(bob_client, connection)

    sync.finish(SyncState.COMPLETE)
    Sync.objects.update(started_at=sync.finished_at - timedelta(seconds=1))

    assert "Last sync, of Deals alone: Complete" in page(bob_client, connection)
    assert "Sync now: Deals alone" in text(bob_client.get(f"{connection.get_absolute_url()}syncs/"))
    alone = text(bob_client.get(f"{connection.get_absolute_url()}syncs/1/"))
    assert "Sync 1 of Deals alone" in alone
    assert "Duration 1 second Calls" in alone


def test_what_came_first_is_not_called_the_newest(bob_client: Client, connect: Connect) -> None:
    connection = connect()
    store_rows(connection, "contacts", {"id": "1", "email": "ana@example.org"})
    assert "Newest contacts" in page(bob_client, connection)

    connection.stream_healths.update(read_at=None)
    assert "Contacts so far" in page(bob_client, connection)


def test_paused_late_and_syncing_are_said_too(alice_client: Client, connect: Connect) -> None:
    connection = connect()
    Connection.objects.update(late_at=timezone.now() - timedelta(hours=1))
    assert "Late" in page(alice_client, connection)

    Sync.objects.queue(connection, trigger="person").take()
    assert "Syncing now" in page(alice_client, connection)

    Connection.objects.update(state="paused")
    assert "Paused" in page(alice_client, connection)


def test_a_connection_that_never_synced_says_so(alice_client: Client, connect: Connect) -> None:
    connection = connect()

    assert "Never synced. Press Sync now to begin." in page(alice_client, connection)
    assert "Never synced" in text(alice_client.get(f"{connection.get_absolute_url()}syncs/"))
    assert "Never synced" in text(alice_client.get(f"{connection.get_absolute_url()}data/contacts/"))


def test_zero_rows_are_said_in_words(alice_client: Client, connect: Connect) -> None:
    connection = connect()
    finished(connection, stream="deals", read=0)

    for part in ("syncs/", "syncs/1/", "data/deals/"):
        assert "ActiveCampaign returned 0 deals" in text(alice_client.get(f"{connection.get_absolute_url()}{part}"))


def test_what_was_pulled_is_shown_with_counts_and_the_newest_rows(alice_client: Client, connect: Connect) -> None:
    connection = connect()
    created = {9: "2026-01-01T10:00:00Z", 10: "2026-03-01T10:00:00Z", 11: "2026-02-01T10:00:00Z"}
    rows = [{"id": str(number), "email": f"c{number}@example.org", "cdate": day} for number, day in created.items()]
    store_rows(connection, "contacts", *rows)
    finished(connection, stream="contacts", read=3)

    words = page(alice_client, connection)

    assert "Last sync: Complete" in words
    assert words.index("c10@example.org") < words.index("c11@example.org") < words.index("c9@example.org")


@pytest.mark.parametrize(("silent_for", "words"), [(5, "Syncing now"), (25, "Interrupted: it goes on by itself")])
def test_a_sync_whose_worker_was_killed_is_soon_said_to_be_interrupted(
    alice_client: Client, connect: Connect, settings: Any, silent_for: int, words: str
) -> None:
    settings.SYNC_LEASE_SECONDS = 60
    sync = Sync.objects.start(connect(), trigger="first")
    Sync.objects.update(lease_until=timezone.now() + timedelta(seconds=60 - silent_for))

    assert words in page(alice_client, sync.connection)


def test_a_key_that_cannot_be_opened_asks_for_it_again_and_breaks_nothing(
    alice_client: Client, connect: Connect
) -> None:
    connection = connect(name="Broken")
    Connection.objects.update(api_url="tampered", api_key="tampered")

    words = page(alice_client, connection)
    tested = press(alice_client, connection, "test")

    assert "The stored address cannot be read any more. Enter it again." in words
    assert "The stored key cannot be read any more. Enter the key again." in tested
    assert now(connection).health == "action_needed"


def test_a_connection_of_a_former_member_asks_for_another_key_until_a_member_stores_one(
    dana_client: Client, connect: Connect, bob: User, sandbox: SandboxServer
) -> None:
    connection = connect(sandbox, by=bob)
    mark = "Added by a former member: replace the key."
    assert mark not in page(dana_client, connection)

    Membership.objects.get(user=bob).delete()
    assert mark in page(dana_client, connection)
    assert "(former member)" in text(dana_client.get("/w/harbour-tea/connections/"))

    present = {"api_url": sandbox.origin, "api_key": sandbox.api_key, "name": connection.name, "privacy": "workspace"}
    dana_client.post(connection.get_absolute_url(), {**present, "version": now(connection).version})
    assert mark not in page(dana_client, connection)


def test_connections_on_one_account_name_each_other_where_both_may_be_seen(
    alice_client: Client, bob: User, connect: Connect
) -> None:
    connection, _ = connect(name="First"), connect(name="Second")
    connect(name="Hidden", by=bob, privacy="private")
    connect(name="Elsewhere", api_url="https://elsewhere.api-us1.com")

    html = alice_client.get(connection.get_absolute_url()).content.decode()
    sharers = re.search(r"<dt>Shares its account with</dt><dd>(.*?)</dd>", html, re.DOTALL)

    assert sharers
    assert re.findall(r">([^<]+)</a>", sharers[1]) == ["Second"]


# What can be done -------------------------------------------------------------------------------------------------


def test_anybody_who_may_use_it_may_test_it(bob_client: Client, connect: Connect, sandbox: SandboxServer) -> None:
    connection = connect(sandbox)
    Connection.objects.update(checked_at=None)

    assert "It works: ActiveCampaign answered as" in press(bob_client, connection, "test")
    assert now(connection).checked_at
    assert connection.events.filter(verb="tested", actor__name="Bob Lindqvist", detail="It works.").exists()


def test_a_test_that_fails_says_why_and_keeps_the_credentials(
    bob_client: Client, connect: Connect, sandbox: SandboxServer
) -> None:
    connection = connect(sandbox)
    before = connection.credentials()
    sandbox.revoke(sandbox.api_key)

    words = press(bob_client, connection, "test")

    assert "did not accept" in words or "refused" in words
    assert now(connection).health == "action_needed"
    assert now(connection).credentials() == before


def test_sync_now_queues_one_sync_however_often_it_is_pressed(bob_client: Client, bob: User, connect: Connect) -> None:
    connection = connect()

    assert "The sync starts in a moment." in press(bob_client, connection, "sync")
    assert "already under way" in press(bob_client, connection, "sync")
    sync = connection.syncs.get()
    assert (sync.trigger, sync.requested_by) == ("person", bob)
    sync.take()
    assert "already under way" in press(bob_client, connection, "sync")


def test_a_paused_connection_refuses_to_sync_and_says_what_to_do(bob_client: Client, connect: Connect) -> None:
    connection = connect()
    Connection.objects.update(state="paused")

    assert "The connection is paused. Resume it first." in press(bob_client, connection, "sync")
    assert not connection.syncs.exists()


def test_pausing_stops_what_runs_and_resuming_makes_it_due(alice_client: Client, connect: Connect) -> None:
    connection = connect()
    sync = Sync.objects.queue(connection, trigger="person").take()

    press(alice_client, connection, "pause")
    sync.refresh_from_db()
    assert (now(connection).state, sync.state) == ("paused", "stopped")
    assert connection not in Connection.objects.due()

    press(alice_client, connection, "resume")
    assert now(connection).state == "active"
    assert connection in Connection.objects.due()


def test_pausing_and_resuming_twice_are_one_event_each(alice_client: Client, connect: Connect) -> None:
    connection = connect()

    for button in ("pause", "pause", "resume", "resume"):
        press(alice_client, connection, button)

    assert connection.events.filter(verb="paused").count() == 1
    assert connection.events.filter(verb="resumed").count() == 1


def test_resuming_a_connection_that_needs_a_key_promises_no_sync(alice_client: Client, connect: Connect) -> None:
    connection = connect()
    Connection.objects.update(state="paused", health="action_needed")

    assert "Resumed. It waits for another key." in press(alice_client, connection, "resume")


# Access while the page is open ------------------------------------------------------------------------------------


def test_access_ends_with_the_next_request(
    bob: User, bob_client: Client, alice: User, connect: Connect, growth: Team, workspace: Workspace
) -> None:
    connection = connect(privacy=Privacy.TEAM, team=growth)
    assert bob_client.get(connection.get_absolute_url()).status_code == 200

    growth.members.remove(workspace.memberships.get(user=bob))
    assert bob_client.get(f"{connection.get_absolute_url()}progress/").status_code == 404

    growth.members.add(workspace.memberships.get(user=bob))
    end_membership(workspace.memberships.get(user=bob), by=alice)
    assert bob_client.get(connection.get_absolute_url()).status_code == 404
    assert bob_client.get("/w/harbour-tea/connections/").status_code == 404


def test_who_may_no_longer_log_in_is_sent_to_the_login(bob: User, connect: Connect) -> None:
    client, connection = client_of(bob), connect()
    User.objects.filter(pk=bob.pk).update(is_active=False)

    assert client.get(connection.get_absolute_url()).status_code == 302


def test_an_unpaid_account_is_mended_by_paying_and_testing_again_not_by_another_key(
    alice_client: Client, connect: Connect, sandbox: SandboxServer
) -> None:
    connection = connect(sandbox)
    sandbox.fault("users/me", kind="unpaid")

    page = alice_client.post(f"{connection.get_absolute_url()}test/", follow=True).content.decode()

    assert "Test again" in page
    assert "Enter another key" not in page
    assert "#id_api_key" not in mails()[0].body


def part_beside(page: str) -> str:
    return page.partition('class="side-nav"')[2].partition("</nav>")[0]


def beside(client: Client, connection: Connection) -> list[str]:
    page = client.get(connection.get_absolute_url()).content.decode()
    return re.findall(r"<strong>(.*?)</strong>", part_beside(page))


def test_beside_a_connection_stand_itself_then_what_needs_somebody_then_the_others_by_name(
    alice_client: Client, connect: Connect
) -> None:
    shop, main, broken = connect(name="Shop"), connect(name="Main"), connect(name="Old shop")
    Connection.objects.filter(pk=broken.pk).update(health="action_needed")

    assert beside(alice_client, shop) == ["Shop", "Old shop", "Main"]
    assert beside(alice_client, main) == ["Main", "Old shop", "Shop"]


def test_beside_a_connection_stand_fifty_at_the_most_and_the_way_to_all(
    alice_client: Client, alice: User, workspace: Workspace, growth: Team, connect: Connect
) -> None:
    shown = connect(name="Zebra")
    fill(workspace, [alice], 49, growth)
    assert len(beside(alice_client, shown)) == 50

    fill(workspace, [alice], 1, growth)
    names = beside(alice_client, shown)
    assert (names[0], len(names)) == ("Zebra", 50)
    assert "All 51</a>" in part_beside(alice_client.get(shown.get_absolute_url()).content.decode())
