"""A connection's health comes from its streams: what is shown, said, mailed and asked next, whatever one of them does."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from connections.checking.checking import notice_late
from connections.models import Connection, Sync
from connections.models.sync import SyncState
from connections.operating.measures import exposition
from connections.syncing import syncing
from connections.syncing.syncing import run
from connections.syncing.working import queue_due
from sources.activecampaign.sandbox.server import SandboxServer
from tests.conftest import Connect
from tests.connections.engine import again, calls_for, take_up
from tests.connections.stepper.walking import words

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("no_limit", "no_patience"),
]

BESIDE = {"several": ["contacts", "deals", "tags"], "the only one": ["deals"]}
FOR_EVER: dict[str, Any] = {"times": None}
FORBIDDEN = {"kind": "forbidden"} | FOR_EVER

DEALS: dict[str, dict[str, Any]] = {
    "works": {},
    "refused from the start": FORBIDDEN,
    "refused later": FORBIDDEN,
    "500 for ever": {"status": 500, "body": ""} | FOR_EVER,
    "empty": {"document": {"deals": [], "meta": {"total": "0"}}} | FOR_EVER,
    "broken envelope": {"document": {"meta": {}}} | FOR_EVER,
    "slow": {"delay": 0.02} | FOR_EVER,
    "plan": {"status": 403, "document": {"message": "Upgrade your account to enable the CRM"}} | FOR_EVER,
}

# What the sync says, and what follows from it: the command's exit code, the badge at once and when the schedule has been
# missed twice, whether people get a mail then, and whether the next sync asks for deals.
COMPLETE = (0, "healthy", "healthy", "no mail", "asks next time")
NOT_OFFERED = (0, "healthy", "healthy", "no mail", "asks in a week")
PARTLY = (3, "waiting", "late", "mail", "asks next time")
FAILED = (1, "waiting", "late", "mail", "asks next time")

REFUSED = "Deals may not be read with Mira Holt's key."
WAS_READ = f"{REFUSED} It could be read before."
NO_LIST = "Deals: ActiveCampaign sent an answer without the records that we asked for."
ERROR = "Deals: ActiveCampaign had an error. Try again later."
NO_PLAN = "Deals are not in this plan."

TABLE = [
    # deals                   beside          the sync says                 and then
    ("works", "several", "Complete.", COMPLETE),
    ("works", "the only one", "Complete.", COMPLETE),
    ("refused from the start", "several", f"Complete; {REFUSED}", NOT_OFFERED),
    ("refused from the start", "the only one", f"Complete; {REFUSED}", NOT_OFFERED),
    ("refused later", "several", f"Partly done; {WAS_READ}", PARTLY),
    ("refused later", "the only one", f"Failed; {WAS_READ}", FAILED),
    ("500 for ever", "several", f"Partly done; {ERROR}", PARTLY),
    ("500 for ever", "the only one", f"Failed; {ERROR.removeprefix('Deals: ')}", FAILED),
    ("empty", "several", "Complete.", COMPLETE),
    ("empty", "the only one", "Complete.", COMPLETE),
    ("broken envelope", "several", f"Partly done; {NO_LIST}", PARTLY),
    ("broken envelope", "the only one", f"Failed; {NO_LIST}", FAILED),
    ("slow", "several", "Complete.", COMPLETE),
    ("slow", "the only one", "Complete.", COMPLETE),
    ("plan", "several", f"Complete; {NO_PLAN}", NOT_OFFERED),
    ("plan", "the only one", f"Complete; {NO_PLAN}", NOT_OFFERED),
]


@pytest.fixture(autouse=True)
def _command_line_without_signals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connections.management.commands.sync.signal.signal", lambda *_: None)
    monkeypatch.setattr(syncing, "MOST_SETBACKS", 1)


@pytest.fixture
def hours() -> Iterator[Callable[[float], None]]:
    """Let so many pass."""
    with time_machine.travel(timezone.now()) as clock:
        yield lambda hours: clock.shift(timedelta(hours=hours))


@pytest.fixture
def account(new_sandbox: Callable[..., SandboxServer]) -> SandboxServer:
    return new_sandbox(contacts=3, deals=3)


@dataclass(frozen=True)
class Stage:
    """The three ways in which a sync comes about, each with a connection of its own."""

    client: Client
    connections: dict[str, Connection]

    def sync(self, way: str) -> tuple[Sync, int | None]:
        """What came of it in the end, and the exit code where there is one."""
        connection, code = again(self.connections[way]), None
        match way:
            case "schedule":
                Connection.objects.update(next_sync_at=None)
                Connection.objects.filter(pk=connection.pk).update(next_sync_at=timezone.now())
                assert queue_due() == 1
            case "Sync now":
                self.client.post(f"{connection.get_absolute_url()}sync/")
            case "command":
                with pytest.raises(SystemExit) as left:
                    call_command("sync", str(connection.pk))
                code = left.value.code
        sync = connection.syncs.latest("number")
        while sync.is_active:
            sync = take_up(sync)
        return sync, code

    def badge(self, way: str) -> str:
        return Connection.objects.with_health().get(pk=self.connections[way].pk).shown_health

    def page(self, way: str) -> str:
        return self.read(self.connections[way].get_absolute_url())

    def read(self, address: str) -> str:
        return words(self.client.get(address).content.decode())


WAYS = ("schedule", "Sync now", "command")


@pytest.fixture
def stage(alice_client: Client, connect: Connect, account: SandboxServer) -> Callable[[str], Stage]:
    def stage(beside: str) -> Stage:
        made = {}
        for way in WAYS:
            made[way] = connect(account, name=way)
            choose(made[way], BESIDE[beside])
        return Stage(alice_client, made)

    return stage


def choose(connection: Connection, streams: list[str]) -> None:
    plan = {"pace": connection.pace, "schedule": connection.schedule, "daily_at": connection.daily_at}
    connection.choose_pulling(streams=streams, **plan)
    connection.save()


def subjects(name: str) -> list[str]:
    return [one.subject.rpartition("” ")[2] for one in mail.outbox if f"“{name}”" in one.subject]


@pytest.mark.parametrize(("deals", "beside", "says", "then"), TABLE, ids=[f"{row[0]}, {row[1]}" for row in TABLE])
def test_what_a_stream_does_is_shown_said_mailed_and_asked_again(
    stage: Callable[[str], Stage],
    account: SandboxServer,
    hours: Callable[[float], None],
    deals: str,
    beside: str,
    says: str,
    then: tuple[int, str, str, str, str],
) -> None:
    exit_code, at_once, in_the_end, mailed, asked = then
    on = stage(beside)
    if deals == "refused later":
        for way in WAYS:
            on.sync(way)
    if DEALS[deals]:
        account.fault("deals", **DEALS[deals])

    for way in WAYS:
        sync, code = on.sync(way)
        assert (way, sync.outcome, on.badge(way)) == (way, says, at_once)
        assert code == (exit_code if way == "command" else None)
        assert sync.reason.removesuffix(" Try again later.") in on.page(way)
        assert f"{sync.state_word} {sync.reason}".strip() in on.read(on.connections[way].url("syncs"))
        assert sync.outcome.removesuffix(".") in on.read(sync.get_absolute_url())
        assert again(on.connections[way]).next_sync_at > timezone.now()  # Schedules go on.
    notice_late()
    assert mail.outbox == []

    hours(3)
    for way in WAYS:
        before = calls_for(account, "deals")
        on.sync(way)
        assert (calls_for(account, "deals") > before) == (asked == "asks next time")
    for _ in range(2):
        notice_late()
    for way in WAYS:
        assert (way, on.badge(way), subjects(way)) == (way, in_the_end, ["is late"] if mailed == "mail" else [])
        assert ("Late: Deals." in on.page(way)) == (in_the_end == "late")
    assert f'blinkmetrics_connections{{health="{in_the_end}"}} 3.0' in exposition().decode()
    assert "3 connections of 3" in on.read(f"/w/harbour-tea/connections/?health={in_the_end}")

    account.clear_faults()
    hours(24 * 7)
    for way in WAYS:
        before = calls_for(account, "deals")
        sync, code = on.sync(way)
        assert calls_for(account, "deals") > before
        assert (way, sync.outcome, on.badge(way), code or 0) == (way, "Complete.", "healthy", 0)
        assert subjects(way) == (["is late", "is on time again"] if mailed == "mail" else [])
