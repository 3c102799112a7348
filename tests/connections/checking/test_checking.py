"""Testing stored credentials, and what becomes of a connection's health."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from connections.checking.checking import check, note_failure, note_success
from connections.models import Connection, Event, Health, User
from sources.activecampaign.sandbox.server import SandboxServer
from sources.errors import (
    AccountUnavailable,
    BadCredentials,
    NotPermitted,
    RateLimited,
    SourceError,
    TemporarilyDown,
    UnexpectedAnswer,
    WrongAddress,
)
from tests.conftest import Connect
from tests.connections.engine import again
from tests.connections.post import in_short, mails

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_limit")]
seen_by_others = pytest.mark.django_db(transaction=True)

FOR_A_PERSON = [BadCredentials, NotPermitted, AccountUnavailable, WrongAddress]
PASSING = [TemporarilyDown, RateLimited, UnexpectedAnswer]


def subjects() -> list[str]:
    return in_short(mails())


# Test now ------------------------------------------------------------------------------------------------------------


def test_a_test_that_works_keeps_what_it_proved_and_is_in_the_trail(
    sandbox: SandboxServer, connect: Connect, alice: User
) -> None:
    connection = connect(sandbox)

    check(connection, by=alice)

    after = again(connection)
    owner = sandbox.world.row("users", sandbox.world.first_ids("users")[0])
    assert (after.health, after.person_email) == (Health.HEALTHY, owner["email"])
    assert after.account_facts["counts"] == {"contacts": 250}
    event = connection.events.get(verb="tested")
    assert (event.actor, event.detail) == (alice, "It works.")


def test_a_test_that_fails_says_why_in_health_and_trail(sandbox: SandboxServer, connect: Connect, alice: User) -> None:
    connection = connect(sandbox)
    sandbox.revoke(sandbox.api_key)

    with pytest.raises(BadCredentials):
        check(connection, by=alice)

    assert again(connection).health == Health.ACTION_NEEDED
    assert connection.events.get(verb="tested").detail.startswith("Failed: ActiveCampaign did not accept this key.")
    assert connection.events.filter(verb="stopped working").count() == 1
    assert subjects() == ["needs you"]


def test_a_key_that_cannot_be_opened_asks_for_it_again_without_a_call(sandbox: SandboxServer, connect: Connect) -> None:
    connection = connect(sandbox)
    connection.api_key = "sealed under a key that is gone"

    with pytest.raises(BadCredentials, match="Enter the key again"):
        check(connection, by=None)

    assert again(connection).health_code == "key_unreadable"
    assert sandbox.requests == []


@seen_by_others
@pytest.mark.parametrize("deed", ["delete", "replace the key"])
@pytest.mark.parametrize("works", [True, False])
def test_an_answer_about_a_key_that_is_gone_meanwhile_changes_nothing(
    sandbox: SandboxServer, connect: Connect, alice: User, deed: str, works: bool
) -> None:
    connection = connect(sandbox)
    if not works:
        sandbox.fault(kind="unpaid", times=None)
    deeds: dict[str, Callable[[], Any]] = {
        "delete": lambda: Connection.objects.get().remove(by=alice),
        "replace the key": lambda: Connection.objects.update(key_stored_at=timezone.now(), health=Health.NOT_VERIFIED),
    }
    once(sandbox, deeds[deed])

    try:
        check(connection, by=alice)
    except AccountUnavailable:
        assert not works

    assert {row.health for row in Connection.objects.all()} <= {Health.NOT_VERIFIED}
    assert not Event.objects.filter(verb__in=["tested", "stopped working"]).exists()
    assert mails() == []


def once(sandbox: SandboxServer, action: Callable[[], Any]) -> None:
    """Do it while the sandbox is about to answer its first call."""
    left = [action]

    def act(_call: object) -> None:
        if left:
            left.pop()()
            connections.close_all()

    sandbox.on_call(act)


# Health --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", FOR_A_PERSON)
def test_what_only_a_person_can_mend_needs_action(connect: Connect, kind: type[SourceError]) -> None:
    connection = connect()

    note_failure(connection, kind("Do something.", code="whatever"))

    after = again(connection)
    assert (after.health, after.health_reason) == (Health.ACTION_NEEDED, "Do something.")
    assert subjects() == ["needs you"]


def test_of_a_key_that_worked_before_it_is_said_whose_it_was(connect: Connect) -> None:
    connection = connect()

    note_failure(connection, BadCredentials("Refused."))

    assert "no longer accepts the key of Mira Holt. Perhaps that user was deleted" in again(connection).health_reason


def test_a_check_that_failed_is_the_last_check_too(connect: Connect) -> None:
    connection = connect()
    before = connection.checked_at

    note_failure(connection, BadCredentials("Refused."))

    assert again(connection).checked_at > before


def test_what_was_missed_while_it_was_broken_is_pulled_at_once(connect: Connect) -> None:
    connection = connect()
    note_failure(connection, BadCredentials("Refused."))

    note_success(connection)

    assert connection in Connection.objects.due()


@pytest.mark.parametrize("kind", PASSING)
def test_what_passes_is_waited_for_and_bothers_nobody(connect: Connect, kind: type[SourceError]) -> None:
    connection = connect()

    note_failure(connection, kind("Try again later."))

    assert again(connection).health == Health.WAITING
    assert mails() == []


@pytest.mark.parametrize("kind", PASSING)
def test_what_passes_neither_mends_nor_verifies(connect: Connect, kind: type[SourceError]) -> None:
    broken, untested = connect(name="Broken"), connect(name="Untested")
    note_failure(broken, BadCredentials("Refused.", code="key_unreadable"))
    untested.become_unverified()
    untested.save()

    for connection in (broken, untested):
        note_failure(connection, kind("Try again later."))

    assert (again(broken).health, again(broken).health_reason) == (Health.ACTION_NEEDED, "Refused.")
    assert (again(untested).health, again(untested).health_reason) == (Health.NOT_VERIFIED, "Try again later.")
    assert subjects() == ["needs you"]


def test_each_break_is_told_once_and_each_mending_once(connect: Connect) -> None:
    connection = connect()
    seen_by_another_process = again(connection)
    for _ in range(2):
        note_failure(connection, BadCredentials("Refused."))
        note_failure(seen_by_another_process, AccountUnavailable("Unpaid."))
        mails()
        note_success(connection)
        note_success(seen_by_another_process)

    assert subjects() == ["needs you", "works again", "needs you", "works again"]


def test_a_connection_that_works_all_along_is_never_mailed_about(connect: Connect) -> None:
    connection = connect()
    for _ in range(3):
        note_failure(connection, TemporarilyDown("Later."))
        note_success(connection)

    assert mails() == []


def test_since_when_counts_from_the_first_failure(connect: Connect) -> None:
    connection = connect()
    note_failure(connection, BadCredentials("Refused."))
    since = again(connection).health_since

    note_failure(connection, AccountUnavailable("Unpaid."))

    assert again(connection).health_since == since


def test_an_edit_made_meanwhile_is_not_undone_by_the_outcome(connect: Connect) -> None:
    connection = connect()
    Connection.objects.update(name="Renamed meanwhile", schedule="daily")

    note_failure(connection, TemporarilyDown("Later."))

    assert (again(connection).name, again(connection).schedule) == ("Renamed meanwhile", "daily")
