"""What of the detail page moves while a sync runs, and what stands around it when the sync has ended."""

import re
from datetime import timedelta
from html import unescape

from django.test import Client
from django.utils import timezone

from connections.checking.checking import note_failure
from connections.models import Connection, Sync
from connections.models.sync import SyncState
from connections.syncing.syncing import fail, wait
from sources.errors import BadCredentials, TemporarilyDown
from tests.conftest import Connect
from tests.connections.stepper.walking import words


def test_the_moving_part_asks_for_itself_only_while_a_sync_is_under_way(alice_client: Client, connect: Connect) -> None:
    connection = connect()
    address = f"{connection.get_absolute_url()}progress/"
    assert "hx-get" not in alice_client.get(address).content.decode()

    sync = Sync.objects.queue(connection, trigger="person")
    assert 'hx-trigger="every 1s"' in alice_client.get(address).content.decode()

    sync.take().finish(SyncState.COMPLETE)
    assert 'hx-trigger="load delay:3s"' in alice_client.get(address).content.decode()

    Sync.objects.update(finished_at=timezone.now() - timedelta(seconds=5))
    assert 'hx-trigger="load delay:70s"' in alice_client.get(address).content.decode()

    Sync.objects.update(finished_at=timezone.now() - timedelta(seconds=75))
    assert "hx-get" not in alice_client.get(address).content.decode()


def polled(client: Client, html: str) -> str:
    """What the page gets that asks again as `html` says."""
    [address] = [one for one in re.findall(r'hx-get="([^"]+)"', html) if "counted=" not in one]
    return client.get(unescape(address), HTTP_HX_REQUEST="true").content.decode()


def test_what_stands_around_the_moving_part_comes_with_it_when_the_state_has_changed(
    alice_client: Client, connect: Connect
) -> None:
    connection = connect()
    sync = Sync.objects.queue(connection, trigger="person").take()
    html = alice_client.get(connection.get_absolute_url()).content.decode()
    parts = ('id="notice" hx-swap-oob', 'id="sync-buttons" hx-swap-oob')
    assert 'id="facts" hx-swap-oob' in polled(alice_client, html)  # What is held moves with each look.
    assert not any(part in polled(alice_client, html) for part in parts)

    fail(sync, BadCredentials("ActiveCampaign refused the key."))

    moved = polled(alice_client, html)
    assert all(part in moved for part in parts)
    assert "Enter another key. Since" in moved
    assert 'href="#id_api_key"' in moved
    assert 'data-says="Sync: Failed. Action needed: ActiveCampaign no longer accepts the key' in moved
    assert not any(part in polled(alice_client, moved) for part in parts)
    assert 'id="edit-form"' not in moved


TABS = ("", "numbers/", "data/", "syncs/")


def test_each_tab_is_headed_by_what_the_connection_is_and_the_one_button_that_helps(
    alice_client: Client, connect: Connect
) -> None:
    connection = connect()

    def heads() -> list[str]:
        pages = [alice_client.get(f"{connection.get_absolute_url()}{tab}").content.decode() for tab in TABS]
        return [page.partition('class="stack stack-tight connection-head"')[2].partition("</nav>")[0] for page in pages]

    for head in heads():
        assert "Main account Sync now Healthy Shared with Workspace Key of Mira Holt" in words(head)
        assert "the next one" in words(head) and "Details Numbers Data Syncs" in words(head)
        assert head.count("button-primary") == 1
    note_failure(connection, BadCredentials("ActiveCampaign refused the key."))
    places = [re.findall(r'href="([^"]*#id_api_key)"', head) for head in heads()]
    assert places == [["#id_api_key"], *[[f"{connection.get_absolute_url()}#id_api_key"]] * 3]
    assert all(head.count("button-primary") == 1 and "Sync now" not in words(head) for head in heads())


def test_a_button_above_the_tabs_leads_back_to_the_one_it_was_pressed_on(
    alice_client: Client, connect: Connect
) -> None:
    connection = connect()
    for tab in TABS:
        address = f"{connection.get_absolute_url()}{tab}"
        for button in ("sync", "cancel"):
            head = alice_client.get(address).content.decode().partition('id="sync-buttons"')[2].partition("</div>")[0]
            [action] = re.findall(rf'action="([^"]+/{button}/)"', head)
            [pressed_on] = re.findall('name="tab" value="([a-z]+)"', head)
            assert alice_client.post(action, {"tab": pressed_on})["Location"] == address
    sync = f"{connection.get_absolute_url()}sync/"
    assert alice_client.post(sync, {"tab": "//x.example"})["Location"] == connection.get_absolute_url()


def test_what_heads_a_tab_moves_with_a_sync_and_the_listing_beside_it_says_the_same(
    alice_client: Client, connect: Connect
) -> None:
    connection = connect()
    sync = Sync.objects.queue(connection, trigger="person")
    pages = [alice_client.get(f"{connection.get_absolute_url()}{tab}").content.decode() for tab in TABS]

    sync.take()

    details, *others = [polled(alice_client, page) for page in pages]
    assert re.search(r'id="sibling-health" hx-swap-oob="true">Syncing<', details)
    for moved in (details, *others):
        assert "Syncing" in words(moved.partition('id="meta" hx-swap-oob="true"')[2].partition("</div>")[0])
        assert 'id="sync-buttons" hx-swap-oob="true"' in moved
    assert not any("sibling-health" in moved for moved in others)  # Nothing there would take it.


def test_health_that_is_written_down_just_after_the_end_is_shown_too(alice_client: Client, connect: Connect) -> None:
    connection = connect()
    Sync.objects.queue(connection, trigger="person").take().finish(SyncState.FAILED, "ActiveCampaign refused the key.")
    html = alice_client.get(connection.get_absolute_url()).content.decode()

    note_failure(connection, BadCredentials("ActiveCampaign refused the key."))

    assert "Enter another key" in polled(alice_client, html)


def test_the_next_sync_is_not_told_as_a_time_that_is_over(alice_client: Client, connect: Connect) -> None:
    connection = connect()
    Connection.objects.update(next_sync_at=timezone.now() - timedelta(seconds=30))
    html = alice_client.get(connection.get_absolute_url()).content.decode()
    assert re.search(r"the next one <span data-ahead><time", html)

    Sync.objects.queue(connection, trigger="schedule").take()

    assert "First sync under way" in words(alice_client.get(connection.get_absolute_url()).content.decode())


def test_a_sync_is_offered_only_where_one_can_begin(alice_client: Client, connect: Connect) -> None:
    connection = connect()
    assert "Sync now</button>" in alice_client.get(connection.get_absolute_url()).content.decode()

    Connection.objects.update(state="paused")
    assert "Sync now</button>" not in alice_client.get(connection.get_absolute_url()).content.decode()

    Connection.objects.update(state="active")
    Sync.objects.queue(connection, trigger="person")
    assert "Sync now</button>" not in alice_client.get(connection.get_absolute_url()).content.decode()


# Streams ----------------------------------------------------------------------------------------------------------


def shown(client: Client, connection: Connection, part: str = "") -> str:
    return words(client.get(f"{connection.get_absolute_url()}{part}").content.decode())


def test_never_more_rows_are_shown_than_the_account_has(bob_client: Client, connect: Connect) -> None:
    connection = connect()
    sync = Sync.objects.queue(connection, trigger="person").take()
    run = sync.stream_runs.create(stream="contacts", state="running", read=10_500, total=10_000, finds_gone=True)
    assert "Nearly done: 10,000 of 10,000" in shown(bob_client, connection, "syncs/")
    assert 'max="10000" value="10000"' in bob_client.get(f"{connection.get_absolute_url()}syncs/").content.decode()

    run.read, run.new, run.finds_gone = 5_000, 4_750, False
    run.save()
    assert "Running: 4,750 of 10,000" in shown(bob_client, connection, "syncs/1/")


def test_rows_that_came_before_are_counted_once_as_unchanged(bob_client: Client, connect: Connect) -> None:
    connection = connect()
    sync = Sync.objects.queue(connection, trigger="first").take()
    sync.stream_runs.create(stream="deals", state="complete", read=7_500, new=7_500, total=7_500)
    sync.stream_runs.create(stream="lists", state="complete", read=30, new=20, changed=4)
    sync.finish(SyncState.COMPLETE)

    assert "Deals Complete 7,500 7,500 – – – Lists Complete 30 20 4 6 –" in shown(bob_client, connection, "syncs/1/")
    assert "less than a second 7,530 7,520 4 – –" in shown(bob_client, connection, "syncs/")


def test_a_sync_that_found_no_change_does_not_claim_that_the_account_is_empty(
    bob_client: Client, connect: Connect
) -> None:
    connection = connect()
    sync = Sync.objects.queue(connection, trigger="schedule").take()
    sync.stream_runs.create(stream="contacts", state="complete", changed_since=timezone.now())
    sync.finish(SyncState.COMPLETE)

    for part in ("syncs/", "syncs/1/"):
        said = shown(bob_client, connection, part)
        assert "Nothing new" in said
        assert "returned 0 contacts" not in said


def test_what_waits_says_so_and_asks_nobody_to_try_again(bob_client: Client, connect: Connect) -> None:
    connection = connect()
    sync = Sync.objects.queue(connection, trigger="person").take()
    sync.stream_runs.create(stream="contacts", state="running", read=500, new=500, total=10_000)
    wait(sync, TemporarilyDown("ActiveCampaign had an error. Try again later."))

    for part in ("", "syncs/", "syncs/1/"):
        said = shown(bob_client, connection, part)
        assert "ActiveCampaign had an error." in said
        assert "by itself" in said
        assert not re.search("Try again later|Queued|Running", said), part
    assert "Waiting: 500 of 10,000 so far" in shown(bob_client, connection, "syncs/")
    assert "Waiting: 500 of 10,000 so far" in shown(bob_client, connection, "syncs/1/")


def test_a_sync_that_was_given_up_does_say_to_try_again(bob_client: Client, connect: Connect) -> None:
    connection = connect()
    Sync.objects.queue(connection, trigger="person").take().finish(SyncState.FAILED, "It is down. Try again later.")

    for part in ("", "syncs/", "syncs/1/"):
        assert "It is down. Try again later." in shown(bob_client, connection, part)


def test_the_page_of_a_sync_asks_for_its_moving_part_while_it_is_under_way(
    bob_client: Client, connect: Connect
) -> None:
    connection = connect()
    sync = Sync.objects.queue(connection, trigger="person").take()
    html = bob_client.get(sync.get_absolute_url()).content.decode()
    assert 'hx-trigger="every 1s"' in html
    assert "<noscript>" in html

    sync.finish(SyncState.COMPLETE)

    moved = polled(bob_client, html)
    assert moved.strip().startswith('<div class="stack stack-even" id="sync" data-says="Sync: Complete">')
    assert "hx-get" not in moved


def test_the_rate_is_that_of_the_last_minute_once_no_sync_runs(bob_client: Client, connect: Connect) -> None:
    connection = connect()
    sync = Sync.objects.queue(connection, trigger="person").take()
    assert "calls a second 0 calls in the last hour" in shown(bob_client, connection, "syncs/")

    sync.finish(SyncState.COMPLETE)

    assert "calls a second in the last minute 0 calls in the last hour" in shown(bob_client, connection, "syncs/")


def test_the_history_is_narrowed_to_what_brought_something_and_to_what_fell_short(
    bob_client: Client, connect: Connect
) -> None:
    connection = connect()
    for new, state in ((3, SyncState.COMPLETE), (0, SyncState.COMPLETE), (0, SyncState.FAILED)):
        sync = Sync.objects.queue(connection, trigger="schedule").take()
        sync.stream_runs.create(stream="deals", state="complete", read=new, new=new)
        sync.finish(state)

    def listed(query: str) -> list[str]:
        html = bob_client.get(f"{connection.get_absolute_url()}syncs/{query}").content.decode()
        return re.findall(r'data-label="Started by"><a href="[^"]*/syncs/(\d)/"', html)

    assert listed("") == listed("?show=nonsense") == ["3", "2", "1"]
    assert listed("?show=changes") == ["1"]
    assert listed("?show=trouble") == ["3"]
    assert "data/deals/" in bob_client.get(f"{connection.get_absolute_url()}syncs/1/").content.decode()
