"""A key of CREDENTIAL_KEYS that is missing or wrong is noticed by the probe, before a customer meets it."""

import json
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command
from django.test import Client

from connections.checking import checking
from connections.models import Connection, Health, KeyCanary
from connections.models.sync import SyncState
from connections.operating.housekeeping import keep_house
from connections.operating.rotation import reseal_all
from sources.activecampaign.sandbox.server import SandboxServer
from sources.errors import BadCredentials
from tests.conftest import Connect, client_of
from tests.connections.engine import again, pull, take_up
from tests.connections.post import mails

FIRST, SECOND, OTHER = (Fernet.generate_key().decode() for _ in range(3))

pytestmark = pytest.mark.django_db


def is_ready(client: Client) -> bool:
    response = client.get("/readyz")
    ready = json.loads(response.content)
    assert (response.status_code, ready) in [(200, {"ready": True}), (503, {"ready": False})]
    assert client.get("/healthz").content == b"ok"
    return bool(ready["ready"])


@pytest.fixture
def two_keys_in_use(settings: Any, connect: Connect) -> None:
    """The first key sealed a connection, then a second one became the newest; both are at hand."""
    settings.CREDENTIAL_KEYS = [FIRST]
    connect()
    keep_house()
    settings.CREDENTIAL_KEYS = [SECOND, FIRST]
    keep_house()


def test_with_all_keys_at_hand_the_site_is_ready(client: Client, two_keys_in_use: None) -> None:
    assert KeyCanary.objects.count() == 2
    assert is_ready(client)


@pytest.mark.parametrize(
    ("at_hand", "missing"),
    [([FIRST], [2]), ([SECOND], [1]), ([SECOND, OTHER], [1]), ([OTHER, FIRST], [2]), ([OTHER], [1, 2])],
    ids=["second missing", "first missing", "first wrong", "second wrong", "both"],
)
def test_a_key_that_is_missing_or_wrong_is_named_by_its_number_in_the_log_alone(
    client: Client,
    two_keys_in_use: None,
    settings: Any,
    at_hand: list[str],
    missing: list[int],
    caplog: pytest.LogCaptureFixture,
) -> None:
    first = KeyCanary.objects.order_by("pk")[0].pk
    settings.CREDENTIAL_KEYS = at_hand

    assert not is_ready(client)

    named = [record.key - first + 1 for record in caplog.records if record.name == "connections.operating.readiness"]  # type: ignore[attr-defined]
    assert named == missing
    assert not [key for key in (FIRST, SECOND, OTHER) if key in caplog.text]


def test_a_process_with_wrong_keys_makes_no_canary(client: Client, two_keys_in_use: None, settings: Any) -> None:
    settings.CREDENTIAL_KEYS = [OTHER]
    keep_house()

    settings.CREDENTIAL_KEYS = [SECOND, FIRST]
    assert is_ready(client)
    assert KeyCanary.objects.count() == 2


def test_a_first_process_with_wrong_keys_makes_none_either(client: Client, connect: Connect, settings: Any) -> None:
    settings.CREDENTIAL_KEYS = [FIRST]
    connect()
    settings.CREDENTIAL_KEYS = [OTHER]

    keep_house()

    assert not KeyCanary.objects.exists()


def test_a_key_that_seals_nothing_any_more_may_go(client: Client, two_keys_in_use: None, settings: Any) -> None:
    reseal_all()
    keep_house()

    settings.CREDENTIAL_KEYS = [SECOND]
    assert is_ready(client)
    settings.CREDENTIAL_KEYS = [FIRST]
    assert not is_ready(client)


def test_a_key_goes_on_being_asked_for_while_something_could_not_be_sealed_anew(
    client: Client, two_keys_in_use: None, connect: Connect, settings: Any
) -> None:
    settings.CREDENTIAL_KEYS = [OTHER]
    connect(name="Lost")
    settings.CREDENTIAL_KEYS = [SECOND, FIRST]
    with pytest.raises(SystemExit):
        call_command("rotate_credential_keys")

    settings.CREDENTIAL_KEYS = [SECOND]
    assert not is_ready(client)


@pytest.mark.django_db(transaction=True)
def test_while_a_key_of_ours_is_missing_nobody_is_asked_for_theirs_and_all_goes_on_when_it_is_back(
    connect: Connect, sandbox: SandboxServer, settings: Any, no_limit: None, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.CREDENTIAL_KEYS = [FIRST]
    connection = connect(sandbox)
    keep_house()
    settings.CREDENTIAL_KEYS = [OTHER]

    sync = pull(connection)

    after = again(connection)
    assert (after.needs_action, after.health_code, sync.state) == (False, "our_key_missing", SyncState.QUEUED)
    assert "ours to mend" in sync.reason and mails() == []
    with pytest.raises(SystemExit):
        call_command("rotate_credential_keys", "--verify-only")
    said = capsys.readouterr().err
    assert "put it back" in said and str(connection.pk) in said and "entered again" not in said

    settings.CREDENTIAL_KEYS = [FIRST]
    assert take_up(sync).state == SyncState.COMPLETE
    assert again(connection).health == Health.HEALTHY


def test_a_key_that_is_given_up_is_asked_for_no_more_and_people_are_asked_for_theirs(
    client: Client, two_keys_in_use: None, settings: Any
) -> None:
    (connection,) = Connection.objects.all()
    settings.CREDENTIAL_KEYS = [OTHER]
    with pytest.raises(SystemExit):
        call_command("rotate_credential_keys", "--give-up")

    assert is_ready(client)
    with pytest.raises(BadCredentials, match="Enter the key again"):
        checking.check(connection, by=None)


def test_what_a_check_found_out_is_kept_though_the_key_was_sealed_anew_meanwhile(
    connect: Connect, sandbox: SandboxServer, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CREDENTIAL_KEYS = [FIRST]
    connection = connect(sandbox)
    settings.CREDENTIAL_KEYS = [SECOND, FIRST]
    sandbox.revoke(sandbox.api_key)
    ask = checking.ask

    def ask_while_keys_are_rotated(*args: Any) -> Any:
        assert reseal_all().resealed == 1
        return ask(*args)

    monkeypatch.setattr(checking, "ask", ask_while_keys_are_rotated)
    client_of(connection.created_by).post(f"{connection.get_absolute_url()}test/")

    connection.refresh_from_db()
    assert connection.needs_action
    assert connection.is_readable
