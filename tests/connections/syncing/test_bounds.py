"""An account may send as much as it likes: what is stored of it has a bound, and that is said before and at it."""

import re
import threading
from typing import Any

import pytest
from django.db import connections
from django.db.models import Sum
from django.test import Client

from connections.checking.checking import check
from connections.models import Connection, Health, Holding, Membership, Record, Role, RowCount, Sync, User, Workspace
from connections.models.bounds import room_of
from connections.models.stream_run import RunState
from connections.models.sync import SyncState, Trigger
from connections.syncing import syncing
from connections.syncing.syncing import run
from connections.syncing.working import queue_due
from sources.activecampaign.sandbox.server import SandboxServer
from tests.conftest import Connect, client_of
from tests.connections.engine import again, calls_for, pull, store_rows, stored_ids
from tests.connections.post import in_short, mails

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_limit", "no_patience")]

LETTERS = "a" * 150_000
MB = 1024**2
NO_MORE = "No more fits in:"
TOKEN = "operators-only-0123456789-abcdefghij"


@pytest.fixture(autouse=True)
def page_by_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each page in a save of its own: on a busy machine two may be here at the same time."""
    monkeypatch.setattr(syncing, "in_batches", lambda arriving: ([pulled] for pulled in arriving))


def blow_up(sandbox: SandboxServer, first: int, last: int) -> None:
    """Contacts of 150 kB each, which a few bytes on the wire unpack to."""
    for one in sandbox.world.ids("contacts")[first:last]:
        sandbox.world.change_contact(one, firstName=LETTERS)
    sandbox.fault("contacts", gzip=True, times=None)


def stored_bytes(**of: Any) -> int:
    return sum(len(text.encode()) for text in Record.objects.filter(**of).values_list("text", flat=True))


def words(response: Any) -> str:
    return " ".join(response.content.decode().replace("\xa0", " ").split())


def is_full(connection: Connection) -> bool:
    row = again(connection)
    return (row.health, row.health_code) == (Health.ACTION_NEEDED, "full")


# What an account may send ---------------------------------------------------------------------------------------------


def test_rows_that_are_blown_up_end_the_sync_at_the_bound_with_a_sentence(
    sandbox: SandboxServer, connect: Connect, bob_client: Client, settings: Any
) -> None:
    settings.MOST_BYTES_PER_CONNECTION, settings.OPERATOR_TOKEN = 6 * MB, TOKEN
    blow_up(sandbox, 80, 200)
    connection = connect(sandbox)

    sync = pull(connection, only=["contacts"])

    sentence = f"{NO_MORE} 6.0 MB is the most that one connection may hold here. Clear its data, choose "
    assert (sync.state, sync.reason[: len(sentence)]) == (SyncState.FAILED, sentence)
    assert 2 * MB < stored_bytes() <= 6 * MB
    assert stored_ids(connection, "contacts") == sandbox.world.ids("contacts")[:100]
    assert is_full(connection)
    assert sync.calls >= calls_for(sandbox, "contacts") > 1
    for page in ("", f"syncs/{sync.number}/"):
        assert sentence in words(bob_client.get(f"{connection.get_absolute_url()}{page}"))
    assert sentence in " ".join(mails()[0].body.split())
    told = Client(headers={"authorization": f"Bearer {TOKEN}"}).get("/metrics").content.decode()
    measures = dict(re.findall(r"^blinkmetrics_(stored_\w+) (\S+)$", told, re.MULTILINE))
    assert {name: float(value) for name, value in measures.items()} == {
        "stored_rows": 100,
        "stored_bytes": stored_bytes(),
    }


def test_many_small_rows_have_a_bound_of_their_own(sandbox: SandboxServer, connect: Connect, settings: Any) -> None:
    settings.MOST_ROWS_PER_CONNECTION = 150
    connection = connect(sandbox)

    sync = pull(connection, only=["contacts"])

    assert sync.reason.startswith(f"{NO_MORE} 150 rows is the most")
    assert Record.objects.count() == 100


def test_ids_that_are_new_each_time_fill_it_too(connect: Connect, settings: Any) -> None:
    connection = connect()
    for number in range(3):
        store_rows(connection, "tags", *({"id": f"{number}{one}"} for one in range(10, 60)))
        gone = connection.records.living().update(deleted_at=connection.created_at)
        RowCount.objects.note(connection.holding, "tags", -gone)

    assert connection.row_counts.by_stream() == {}
    assert room_of(connection).count == 150


def test_rows_that_are_here_already_may_not_grow_beyond_it(
    sandbox: SandboxServer, connect: Connect, settings: Any
) -> None:
    connection = connect(sandbox)
    pull(connection, only=["contacts"])
    settings.MOST_BYTES_PER_CONNECTION = before = stored_bytes() + MB
    blow_up(sandbox, 0, 50)

    sync = pull(connection, only=["contacts"], full=True)

    assert sync.reason.startswith(NO_MORE)
    assert stored_bytes() <= before


def test_one_stream_among_several_ends_and_the_others_keep_what_came(
    sandbox: SandboxServer, connect: Connect, settings: Any
) -> None:
    settings.MOST_BYTES_PER_CONNECTION = 3 * MB
    connection = connect(sandbox)
    pull(connection, only=["tags", "lists"])
    blow_up(sandbox, 0, 100)

    sync = pull(connection, only=["contacts", "tags", "lists"])

    assert sync.stream_runs.get(stream="contacts").state == RunState.FAILED
    assert sync.stream_runs.get(stream="contacts").reason == sync.reason
    assert stored_ids(connection, "tags") == sandbox.world.ids("tags")
    assert not sync.stream_runs.filter(state__in=(RunState.WAITING, RunState.RUNNING)).exists()
    assert is_full(connection)


def test_a_walk_that_ends_at_the_bound_marks_nothing_as_gone(
    sandbox: SandboxServer, connect: Connect, settings: Any
) -> None:
    connection = connect(sandbox)
    pull(connection, only=["contacts"])
    held = connection.row_counts.by_stream()
    for one in sandbox.world.ids("contacts")[5:10]:
        sandbox.world.delete_contact(one)
    blow_up(sandbox, 100, 200)
    settings.MOST_BYTES_PER_CONNECTION = stored_bytes() + MB

    pull(connection, only=["contacts"], full=True)

    assert connection.row_counts.by_stream() == held
    assert not connection.records.exclude(deleted_at=None, missed_at=None).exists()


# The workspace --------------------------------------------------------------------------------------------------------


def test_two_connections_share_the_bound_of_their_workspace_and_neighbours_go_on(
    sandbox: SandboxServer, connect: Connect, charlie: User, settings: Any
) -> None:
    settings.MOST_BYTES_PER_WORKSPACE = 8 * MB
    blow_up(sandbox, 0, 40)
    one, two = connect(sandbox, name="One"), connect(sandbox, name="Two")
    elsewhere = connect(sandbox, by=charlie, home=Workspace.objects.get(slug="stranger"))

    syncs = [pull(connection, only=["contacts"]) for connection in (one, two, elsewhere)]

    assert [sync.state for sync in syncs] == [SyncState.COMPLETE, SyncState.FAILED, SyncState.COMPLETE]
    assert "8.0 MB is the most that all connections of a workspace together may hold here" in syncs[1].reason
    assert stored_bytes(holding__connection__workspace=one.workspace) <= 8 * MB
    assert [is_full(connection) for connection in (one, two, elsewhere)] == [False, True, False]


def test_two_workers_at_once_do_not_fill_the_same_room(sandbox: SandboxServer, connect: Connect, settings: Any) -> None:
    settings.MOST_BYTES_PER_WORKSPACE = 8 * MB
    blow_up(sandbox, 0, 40)
    made = [connect(sandbox, name=name) for name in ("One", "Two", "Three")]
    syncs = [Sync.objects.start(one, trigger=Trigger.SCHEDULE, only=["contacts"]) for one in made]

    def work(sync: Sync) -> None:
        run(sync)
        connections.close_all()

    threads = [threading.Thread(target=work, args=(sync,)) for sync in syncs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert stored_bytes() <= 8 * MB
    assert sum(is_full(one) for one in made) == 2


def test_what_is_hidden_counts_for_its_workspace_until_it_is_erased(connect: Connect) -> None:
    connection = connect()
    store_rows(connection, "tags", {"id": "1"})
    held = room_of(connection).size

    connection.part_from_rows()
    connection.save()

    room = room_of(connection)
    assert (room.size, room.of_workspace) == (0, held)
    Holding.objects.update(parted_from=None)
    assert room_of(connection).of_workspace == 0


# Afterwards -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def full(sandbox: SandboxServer, connect: Connect, settings: Any) -> Connection:
    settings.MOST_BYTES_PER_CONNECTION = 3 * MB
    blow_up(sandbox, 100, 150)
    connection = connect(sandbox)
    pull(connection, only=["contacts"])
    assert is_full(connection)
    assert in_short(mails()) == ["needs you"]
    return connection


def sync_now(client: Client, connection: Connection) -> Sync:
    client.post(f"{connection.get_absolute_url()}sync/")
    sync = Sync.objects.claim()
    assert sync is not None
    run(sync)
    return again(sync)


def test_no_schedule_tries_again_and_one_mail_is_sent_however_often_people_do(
    full: Connection, bob_client: Client
) -> None:
    Connection.objects.update(next_sync_at=full.created_at)

    assert queue_due() == 0
    assert sync_now(bob_client, full).reason.startswith(NO_MORE)
    assert is_full(full)
    assert [message.subject for message in mails()] == ["ActiveCampaign: “Main account” needs you"]


def test_a_key_that_works_makes_no_room(full: Connection, alice: User) -> None:
    check(again(full), by=alice)

    assert is_full(full)
    assert len(mails()) == 1


def test_a_pause_makes_no_room_either(full: Connection, alice_client: Client) -> None:
    alice_client.post(f"{full.get_absolute_url()}pause/")
    page = words(alice_client.post(f"{full.get_absolute_url()}resume/", follow=True))

    assert "Resumed. It waits for room: press Sync now once there is some." in page
    assert not Sync.objects.active().exists()
    assert is_full(full)


def test_with_a_higher_bound_sync_now_goes_on_and_mends_it(
    full: Connection, sandbox: SandboxServer, bob_client: Client, settings: Any
) -> None:
    settings.MOST_BYTES_PER_CONNECTION = 100 * MB

    assert sync_now(bob_client, full).state == SyncState.COMPLETE

    assert again(full).health == Health.HEALTHY
    assert stored_ids(full, "contacts") == sandbox.world.ids("contacts")
    assert in_short(mails()) == ["needs you", "works again"]


def test_when_rows_are_removed_sync_now_goes_on(full: Connection, sandbox: SandboxServer, bob_client: Client) -> None:
    for one in sandbox.world.ids("contacts")[100:150]:
        sandbox.world.change_contact(one, firstName="short again")

    assert sync_now(bob_client, full).state == SyncState.COMPLETE
    assert again(full).health == Health.HEALTHY


def test_a_bound_that_is_lowered_ends_only_what_grows(sandbox: SandboxServer, connect: Connect, settings: Any) -> None:
    connection = connect(sandbox)
    pull(connection, only=["contacts"])
    settings.MOST_BYTES_PER_CONNECTION = settings.MOST_ROWS_PER_CONNECTION = 10

    assert pull(connection, only=["contacts"], full=True).state == SyncState.COMPLETE

    sandbox.world.add_contact()
    assert pull(connection, only=["contacts"], full=True).reason.startswith(NO_MORE)


def test_who_manages_it_is_led_to_its_streams_and_others_to_nothing(full: Connection, alice_client: Client) -> None:
    alices = words(alice_client.get(full.get_absolute_url()))
    reader = User.objects.create_user("erin@harbourtea.example", "demo-password-1", name="Erin Sato")
    Membership.objects.create(workspace=full.workspace, user=reader, role=Role.MEMBER)
    erins = words(client_of(reader).get(full.get_absolute_url()))

    button = f'<a class="button button-primary button-small" href="{full.url("pulling")}">Choose what to sync</a>'
    assert NO_MORE in alices
    assert button in alices
    assert NO_MORE in erins
    assert button not in erins
    for page in (alices, erins):
        assert "Test again" not in page
        assert "Enter another key" not in page
        assert "when somebody has made room and presses Sync now" in page


# Before ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("most", "is_said"), [(200, True), (120, True), (260, False)])
@pytest.mark.parametrize("place", ["", "data/"])
def test_from_four_fifths_on_it_is_said_on_both_pages(
    connect: Connect, bob_client: Client, settings: Any, most: int, is_said: bool, place: str
) -> None:
    connection = connect()
    store_rows(connection, "tags", {"id": "1", "tag": "x" * 141})
    assert connection.row_counts.aggregate(size=Sum("bytes"))["size"] == 160
    settings.MOST_BYTES_PER_CONNECTION = most

    page = words(bob_client.get(f"{connection.get_absolute_url()}{place}"))

    assert (f"160 bytes of {most} bytes, the most that one connection may hold here" in page) == is_said
    assert "160 bytes" in page


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("MOST_ROWS_PER_CONNECTION", "1 row of 1 row, the most that one connection may hold here"),
        ("MOST_BYTES_PER_WORKSPACE", "of 1 byte, the most that all connections of a workspace together may hold here"),
    ],
)
def test_the_other_bounds_are_said_too(
    connect: Connect, bob_client: Client, settings: Any, name: str, said: str
) -> None:
    connection = connect()
    store_rows(connection, "tags", {"id": "1"})
    setattr(settings, name, 1)

    assert said in words(bob_client.get(connection.get_absolute_url()))
