"""Downloads at the same moment: each holds a thread while its reader takes its time, so nobody may take all."""

import gc
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection as database
from django.test import Client
from django.utils import timezone

from blinkmetrics import serving
from blinkmetrics import settings as real_settings
from connections.access.acting import MOST_DOWNLOADS
from connections.data.places import places
from connections.models import Connection, Event, Privacy, User
from tests.conftest import Connect, client_of
from tests.connections.data.test_data import ADDRESS, body, contact, pulled

Begin = Callable[[User, Connection], Any]


def leave(response: Any) -> None:
    """As the server does when the reader has hung up; without the signal that would end the test's transaction."""
    for close in response._resource_closers:
        close()


@pytest.fixture
def begin() -> Iterator[Begin]:
    """Ask for a file; whoever got it has not read any of it, until the test is over."""
    gc.collect()  # Files of other tests that nobody read keep their places in cycles.
    with ExitStack() as begun:

        def begin(person: User, connection: Connection) -> Any:
            response = client_of(person).get(f"{connection.get_absolute_url()}data/contacts.csv")
            begun.callback(leave, response)
            return response

        yield begin
    assert places.taken == []


@pytest.fixture
def ours(connect: Connect) -> Connection:
    connection = connect(api_url=ADDRESS)
    pulled(connection, [contact(1)])
    return connection


@pytest.fixture
def theirs(connect: Connect, charlie: User) -> Connection:
    home = charlie.memberships.get().workspace
    return connect(api_url=ADDRESS, by=charlie, home=home, privacy=Privacy.PRIVATE)


def statuses(begin: Begin, *asked: tuple[User, Connection]) -> list[int]:
    return [begin(person, connection).status_code for person, connection in asked]


def test_a_person_has_a_quarter_of_the_places_and_a_workspace_half(
    begin: Begin, bob: User, dana: User, erin: User, charlie: User, ours: Connection, theirs: Connection, settings: Any
) -> None:
    settings.DOWNLOADS_AT_ONCE = 8

    assert statuses(begin, (bob, ours), (bob, ours), (bob, ours)) == [200, 200, 429]
    assert statuses(begin, (dana, ours), (dana, ours), (erin, ours)) == [200, 200, 429]
    assert statuses(begin, (charlie, theirs), (charlie, theirs)) == [200, 200]


def test_while_all_places_are_taken_everybody_is_told_to_come_again(
    begin: Begin, bob: User, charlie: User, ours: Connection, theirs: Connection, settings: Any
) -> None:
    settings.DOWNLOADS_AT_ONCE = 1

    first, refused = begin(bob, ours), begin(charlie, theirs)

    assert (first.status_code, refused.status_code) == (200, 429)
    body(first)
    assert begin(charlie, theirs).status_code == 200


def test_a_refusal_says_when_to_come_again_and_leaves_no_trace(
    begin: Begin, bob: User, ours: Connection, settings: Any
) -> None:
    settings.DOWNLOADS_AT_ONCE = 4
    begin(bob, ours)

    refused = begin(bob, ours)

    page = refused.content.decode()
    assert refused["Retry-After"] == "10"
    assert "You are downloading 1 file already. Try again in 10 seconds." in page
    assert "Content-Disposition" not in refused
    assert Event.objects.filter(verb="exported").count() == 1


def test_a_place_is_free_with_the_last_piece_and_when_the_reader_is_gone(
    begin: Begin, bob: User, ours: Connection, settings: Any
) -> None:
    settings.DOWNLOADS_AT_ONCE = 1

    body(begin(bob, ours))
    gone = begin(bob, ours)
    next(iter(gone.streaming_content))
    leave(gone)

    assert begin(bob, ours).status_code == 200


def test_an_answer_that_is_never_sent_takes_no_place(bob_client: Client, ours: Connection) -> None:
    response = bob_client.get(f"{ours.get_absolute_url()}data/contacts.csv")

    del response
    gc.collect()

    assert places.taken == []


def test_a_place_is_given_back_when_the_making_fails(
    begin: Begin, bob: User, ours: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    response = begin(bob, ours)
    monkeypatch.setattr("connections.data.exporting.values_of", lambda text: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        body(response)

    leave(response)
    assert places.taken == []


@pytest.mark.django_db(transaction=True)
def test_between_two_pieces_a_download_holds_no_connection_to_the_database(
    begin: Begin, bob: User, ours: Connection
) -> None:
    pieces = iter(begin(bob, ours).streaming_content)

    for _ in range(3):
        next(pieces)
        assert database.connection is None


def test_a_download_ends_when_its_reader_is_no_longer_a_member(
    begin: Begin, bob: User, ours: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulled(ours, [contact(number) for number in range(2, 9)])
    monkeypatch.setattr("connections.models.record.MOST", 1)
    pieces = iter(begin(bob, ours).streaming_content)
    taken = [next(pieces) for _ in range(4)]

    bob.memberships.all().delete()

    with pytest.raises(PermissionDenied):
        next(pieces)
    assert b"c2@example.org" in b"".join(taken)
    assert b"c3@example.org" not in b"".join(taken)


def test_a_look_at_the_headers_takes_no_place(bob_client: Client, ours: Connection, settings: Any) -> None:
    settings.DOWNLOADS_AT_ONCE = 0

    looked = bob_client.head(f"{ours.get_absolute_url()}data/contacts.csv")

    assert (looked.status_code, looked["Content-Type"]) == (200, "text/csv; charset=utf-8")


def test_who_downloads_without_end_is_told_to_wait(
    bob: User, bob_client: Client, dana_client: Client, ours: Connection
) -> None:
    address = f"{ours.get_absolute_url()}data/contacts.csv"
    for _ in range(MOST_DOWNLOADS):
        ours.record("exported", by=bob)

    refused = bob_client.get(address)

    assert refused.status_code == 429
    assert 0 < int(refused["Retry-After"]) <= 600
    assert f"Try again in {refused['Retry-After']} seconds." in refused.content.decode()
    assert dana_client.get(address).status_code == 200
    Event.objects.filter(actor=bob).update(at=timezone.now() - timedelta(minutes=10))
    assert bob_client.get(address).status_code == 200


def test_a_web_process_has_a_thread_for_each_place_beside_those_for_pages() -> None:
    assert serving.threads - real_settings.DOWNLOADS_AT_ONCE > real_settings.CHECKS_AT_ONCE
