"""A new key for what is sealed, while people work."""

import threading
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command
from django.db import connection as database
from django.http import QueryDict
from django.test import Client

from connections.keeping.editing import EDITABLE
from connections.models import Connection, LiveCheck, User
from connections.operating import rotation
from connections.operating.rotation import reseal_all, verify_all
from connections.safe.sealing import fingerprint
from sources.spec import Credentials, Proof, Secret
from tests.conftest import Connect

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


@pytest.fixture
def made(settings: Any, connect: Connect) -> Callable[[int], list[Connection]]:
    """Connections sealed under the old key; afterwards the new one stands before it."""

    def make(count: int) -> list[Connection]:
        settings.CREDENTIAL_KEYS = [OLD]
        rows = [connect(name=f"Account {n}", api_url=f"https://a{n}.api-us1.com") for n in range(count)]
        settings.CREDENTIAL_KEYS = [NEW, OLD]
        return rows

    return make


def opens_with(key: str, settings: Any, pk: object) -> bool:
    settings.CREDENTIAL_KEYS = [key]
    return Connection.objects.get(pk=pk).is_readable


def test_every_key_is_brought_under_the_newest_and_the_old_one_can_go(
    made: Callable[[int], list[Connection]], settings: Any
) -> None:
    rows = made(3)

    count = reseal_all()

    assert (count.present, count.resealed, count.unreadable) == (0, 3, [])
    assert all(opens_with(NEW, settings, row.pk) for row in rows)


def test_what_is_found_by_fingerprint_before_is_found_after(
    made: Callable[[int], list[Connection]], settings: Any
) -> None:
    (row,) = made(1)

    reseal_all()

    settings.CREDENTIAL_KEYS = [NEW]
    row.refresh_from_db()
    assert row.account_fingerprint == fingerprint("account", "a0.api-us1.com")


def test_running_it_again_changes_nothing(made: Callable[[int], list[Connection]]) -> None:
    (row,) = made(1)
    reseal_all()
    row.refresh_from_db()

    count = reseal_all()

    assert (count.present, count.resealed) == (1, 0)
    assert Connection.objects.get(pk=row.pk).api_key == row.api_key


def test_a_stop_in_the_middle_is_taken_up_again(
    made: Callable[[int], list[Connection]], monkeypatch: pytest.MonkeyPatch
) -> None:
    made(5)
    monkeypatch.setattr(rotation, "BATCH", 2)
    real, calls = rotation.reseal, []

    def stop_at_the_fourth(row: Connection, count: rotation.Count) -> None:
        calls.append(row.pk)
        if len(calls) == 4:
            raise KeyboardInterrupt
        real(row, count)

    with monkeypatch.context() as patch:
        patch.setattr(rotation, "reseal", stop_at_the_fourth)
        with pytest.raises(KeyboardInterrupt):
            reseal_all()
    half_way, done = verify_all(), reseal_all()

    assert half_way.resealed == 3  # The batch that was stopped is as it was before.
    assert (done.present, done.resealed) == (2, 3)


def test_a_draft_keeps_what_was_typed(
    made: Callable[[int], list[Connection]], alice: User, settings: Any, alice_client: Client
) -> None:
    made(0)
    settings.CREDENTIAL_KEYS = [OLD]
    step_2 = alice_client.post("/w/harbour-tea/connections/add/", {"source": "activecampaign"})["Location"]
    alice_client.post(step_2, {"name": "Half typed"})
    settings.CREDENTIAL_KEYS = [NEW, OLD]

    reseal_all()

    settings.CREDENTIAL_KEYS = [NEW]
    assert "Half typed" in alice_client.get(step_2).content.decode()


def test_a_check_that_goes_on_keeps_what_was_posted_its_key_and_its_answer(
    made: Callable[[int], list[Connection]], alice: User, settings: Any
) -> None:
    (row,) = made(1)
    settings.CREDENTIAL_KEYS = [OLD]
    credentials = row.credentials()
    posted = QueryDict("name=Typed")
    LiveCheck.objects.begin(row, by=alice, page="detail", posted=posted, credentials=credentials)
    claimed = LiveCheck.objects.claim()
    assert claimed is not None
    claimed.succeed(Proof(account="", person="Mira Holt"))
    settings.CREDENTIAL_KEYS = [NEW, OLD]

    reseal_all()

    settings.CREDENTIAL_KEYS = [NEW]
    check = LiveCheck.objects.get()
    assert check.posted_again().dict() == {"name": "Typed", "api_key": credentials.api_key.reveal()}
    assert check.told()["proof"].person == "Mira Holt"


def test_the_trail_tells_truly_what_changed_before_the_row_is_sealed_anew(
    made: Callable[[int], list[Connection]], alice: User
) -> None:
    (row,) = made(1)
    before = {field: row.value_of(field) for field in EDITABLE}

    row.keep_credentials(Credentials(api_url=row.address(), api_key=Secret("another-key-of-theirs")), by=alice)
    row.save_changes(before, by=alice)

    assert [*row.events.get(verb="edited").changes] == ["api_key"]


def test_what_cannot_be_opened_is_named_and_left_as_it_is(
    made: Callable[[int], list[Connection]], capsys: pytest.CaptureFixture[str]
) -> None:
    lost, _ = made(2)
    Connection.objects.filter(pk=lost.pk).update(api_key="moved from elsewhere")

    with pytest.raises(SystemExit) as ended:
        call_command("rotate_credential_keys")

    assert ended.value.code == 1
    said = capsys.readouterr()
    assert "0 under the newest key, 1 sealed anew, 1 not to be opened." in said.out
    assert str(lost.pk) in said.err
    assert Connection.objects.get(pk=lost.pk).api_key == "moved from elsewhere"


def test_verifying_changes_nothing_and_says_what_is_still_under_an_older_key(
    made: Callable[[int], list[Connection]], capsys: pytest.CaptureFixture[str]
) -> None:
    (row,) = made(1)

    with pytest.raises(SystemExit) as ended:
        call_command("rotate_credential_keys", "--verify-only")

    assert ended.value.code == 1
    assert "0 under the newest key, 1 under an older key, 0 not to be opened." in capsys.readouterr().out
    assert Connection.objects.get(pk=row.pk).api_key == row.api_key


@pytest.mark.django_db(transaction=True)
def test_edits_and_reads_go_on_while_keys_are_rotated(
    made: Callable[[int], list[Connection]], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = made(40)
    monkeypatch.setattr(rotation, "BATCH", 5)
    failures: list[str] = []
    over = threading.Event()

    def edit_and_read() -> None:
        while not over.is_set():
            for row in rows:
                mark = uuid4().hex
                Connection.objects.filter(pk=row.pk).update(name=mark)
                if not Connection.objects.get(pk=row.pk).is_readable:
                    failures.append(str(row.pk))
        database.close()

    workers = [threading.Thread(target=edit_and_read) for _ in range(3)]
    for worker in workers:
        worker.start()
    count = reseal_all()
    over.set()
    for worker in workers:
        worker.join()

    assert not failures
    assert count.resealed == 40
    assert all(opens_with(NEW, settings, row.pk) for row in rows)
