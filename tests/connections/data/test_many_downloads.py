"""Sixteen downloads of two people on one web process: `make bench` measures it, this shows that it holds."""

import threading

import pytest

from tests.command_fixture import database_url
from tests.downloading import Downloader, Reader, probe, web_process
from tests.processes import PATIENCE


@pytest.mark.django_db(transaction=True)
def test_slow_and_fast_downloads_complete_while_pages_are_served() -> None:
    people = [Downloader(name, rows=1000) for name in ("one", "two")]
    may_go_on = threading.Event()

    with web_process(DATABASE_URL=database_url()) as site:
        slow = [Reader(site, person, lambda taken: may_go_on.wait()) for person in people for _ in range(4)]
        fast = [Reader(site, person) for person in people for _ in range(4)]
        for reader in (*slow, *fast):
            reader.start()
        assert all(reader.has_begun.wait(PATIENCE) for reader in slow)
        for page in ("/healthz", "/accounts/login/") * 5:
            assert probe(site, page) < PATIENCE
        for reader in fast:
            reader.join(PATIENCE)
        assert [reader.is_complete for reader in slow] == [False] * 8
        may_go_on.set()
        for reader in slow:
            reader.join(PATIENCE)

    assert [reader.is_complete for reader in (*slow, *fast)] == [True] * 16
    assert [reader.refused_until for reader in (*slow, *fast)] == [[]] * 16
