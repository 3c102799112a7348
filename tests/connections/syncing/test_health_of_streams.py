"""A connection's health comes from its streams: what is shown, said, mailed and asked next, whatever one does."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from connections.checking.checking import notice_late
from connections.models import Connection, Sync
from connections.models.sync import SyncState, Trigger
from connections.operating.measures import exposition
from connections.syncing import syncing, tasks
from connections.syncing.working import Worker, queue_due
from sources.activecampaign.sandbox.server import SandboxServer
from tests.conftest import Connect
from tests.connections.engine import again, calls_for, pull, take_up
from tests.connections.post import in_short, mails
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

# What follows: the command's exit code, the badge at once and when the schedule has been missed twice, whether people
# get a mail then, and when deals are asked for again.
COMPLETE = (0, "healthy", "healthy", "no mail", "asks next time")
NOT_OFFERED = (0, "healthy", "healthy", "no mail", "asks in a week")
PARTLY = (3, "waiting", "late", "mail", "asks next time")
FAILED = (1, "waiting", "late", "mail", "asks next time")
REFUSED_PARTLY = (3, "late", "late", "mail at once", "asks next time")
REFUSED_ALONE = (1, "late", "late", "mail at once", "asks next time")

REFUSED = "Deals may not be read with Mira Holt's key."
WAS_READ = f"{REFUSED} They could be read before."
NO_LIST = "Deals: ActiveCampaign sent an answer without the records that we asked for."
ERROR = "Deals: ActiveCampaign had an error. Try again later."
NO_PLAN = "Deals are not in this plan."

TABLE = [
    # deals                   beside          the sync says                 and then
    ("works", "several", "Complete.", COMPLETE),
    ("works", "the only one", "Complete.", COMPLETE),
    ("refused from the start", "several", f"Complete; {REFUSED}", NOT_OFFERED),
    ("refused from the start", "the only one", f"Complete; {REFUSED}", NOT_OFFERED),
    ("refused later", "several", f"Partly done; {WAS_READ}", REFUSED_PARTLY),
    ("refused later", "the only one", f"Failed; {WAS_READ}", REFUSED_ALONE),
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
    return [one.subject.rpartition("” ")[2] for one in mails() if f"“{name}”" in one.subject]


def is_sampled(deals: str, beside: str, *_: object) -> bool:
    """Alone or beside others, most come to the same; `make test-scale` has all."""
    return beside == "several" or deals in ("refused later", "500 for ever")


@pytest.mark.parametrize(
    ("deals", "beside", "says", "then"),
    [
        pytest.param(*row, marks=[] if is_sampled(*row) else pytest.mark.scale, id=f"{row[0]}, {row[1]}")
        for row in TABLE
    ],
)
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
        assert again(on.connections[way]).next_sync_at > timezone.now()  # Schedules go on.
    notice_late()
    assert in_short(mails()) == (["is late"] * 3 if mailed == "mail at once" else [])
    assert sync.reason.removesuffix(" Try again later.") in on.page(way)
    assert f"{sync.state_word} {sync.reason}".strip() in on.read(on.connections[way].url("syncs"))
    assert sync.outcome.removesuffix(".") in on.read(sync.get_absolute_url())

    hours(3)
    for way in WAYS:
        before = calls_for(account, "deals")
        on.sync(way)
        assert (calls_for(account, "deals") > before) == (asked == "asks next time")
    for _ in range(2):
        notice_late()
    for way in WAYS:
        assert (way, on.badge(way), subjects(way)) == (way, in_the_end, ["is late"] if mailed != "no mail" else [])
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
        assert subjects(way) == (["is late", "is on time again"] if mailed != "no mail" else [])


# One connection, step by step ----------------------------------------------------------------------------------------


SALES = ["deals", "dealGroups", "dealStages", "accounts", "scores"]


def made(connect: Connect, account: SandboxServer, *streams: str, schedule: str = "hourly") -> Connection:
    connection = connect(account)
    Connection.objects.filter(pk=connection.pk).update(schedule=schedule)
    connection.refresh_from_db()
    choose(connection, [*streams])
    connection.become_due()
    connection.save()
    return connection


def badge(connection: Connection) -> str:
    return Connection.objects.with_health().get(pk=connection.pk).shown_health


def detail(client: Client, connection: Connection) -> str:
    return words(client.get(connection.get_absolute_url()).content.decode())


def listed(client: Client) -> str:
    return words(client.get("/w/harbour-tea/connections/").content.decode())


def refuse(account: SandboxServer, *streams: str) -> None:
    for stream in streams:
        account.fault(stream, **DEALS["plan"])


def test_what_a_plan_lacks_is_said_in_one_sentence_and_shown_in_between(
    account: SandboxServer, connect: Connect, alice_client: Client, hours: Callable[[float], None]
) -> None:
    connection = made(connect, account, "contacts", *SALES)
    refuse(account, *SALES)

    first = pull(connection)
    hours(24)
    second = pull(connection)

    assert first.outcome == "Complete; Scores, Deals, Pipelines and 2 more are not in this plan."
    assert second.outcome == "Complete."
    assert [run.stream for run in second.stream_runs.all()] == ["contacts"]
    syncs = words(alice_client.get(f"{connection.get_absolute_url()}syncs/").content.decode())
    assert "Deals 0 Not offered: Deals are not in this plan." in syncs


def test_a_sync_of_one_stream_that_is_not_offered_changes_nothing_else(
    account: SandboxServer, connect: Connect
) -> None:
    connection = made(connect, account, "contacts", "deals")
    refuse(account, "deals")
    pull(connection)
    before = Connection.objects.values("health", "health_reason", "health_since", "late_at", "synced_at").get()

    for trigger in (Trigger.COMMAND, Trigger.SCHEDULE):
        assert pull(connection, only=["deals"], trigger=trigger).outcome == f"Complete; {NO_PLAN}"

    assert Connection.objects.values(*before).get() == before
    assert mails() == []
    Connection.objects.update(next_sync_at=timezone.now())
    assert Connection.objects.due().exists()


def test_what_is_not_offered_is_asked_for_at_once_by_name_with_another_key_and_when_it_is_chosen_again(
    account: SandboxServer, connect: Connect
) -> None:
    connection = made(connect, account, "contacts", "deals")
    refuse(account, "deals")

    def is_asked(**wanted: Any) -> bool:
        before = calls_for(account, "deals")
        pull(again(connection), **wanted)
        return calls_for(account, "deals") > before

    assert is_asked()
    assert not is_asked()
    assert is_asked(only=["deals"])
    assert is_asked(full=True)
    assert not is_asked()

    Connection.objects.update(key_fingerprint="of another key")
    assert is_asked()
    assert not is_asked()

    choose(again(connection), ["contacts"])
    choose(again(connection), ["contacts", "deals"])
    assert is_asked()


def test_a_stream_that_was_cleared_was_read_all_the_same(
    account: SandboxServer, connect: Connect, alice_client: Client
) -> None:
    connection = made(connect, account, "contacts", "deals")
    pull(connection)
    alice_client.post(f"{connection.get_absolute_url()}clear/")
    refuse(account, "deals")

    assert pull(again(connection)).outcome == f"Partly done; {NO_PLAN} They could be read before."


def test_another_account_may_offer_less_than_the_one_before(account: SandboxServer, connect: Connect) -> None:
    connection = made(connect, account, "contacts", "deals")
    pull(connection)
    connection.part_from_rows()
    connection.save()
    refuse(account, "deals")

    assert pull(again(connection)).outcome == f"Complete; {NO_PLAN}"


def test_rows_of_a_walk_that_was_refused_half_way_were_read(account: SandboxServer, connect: Connect) -> None:
    connection = made(connect, account, "contacts", "deals")
    account.fault("deals", total=500, skip=0, times=1)
    account.fault("deals", **FORBIDDEN)

    assert pull(connection).outcome == f"Partly done; {WAS_READ}"


@pytest.mark.parametrize("status", [500, 509, 511, 598])
def test_a_fault_of_any_name_in_the_middle_of_a_list_is_asked_again(
    new_sandbox: Callable[..., SandboxServer], connect: Connect, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setattr("sources.http.retry.MOST_RETRIES", 3)
    account = new_sandbox(contacts=150, deals=0)
    account.fault("contacts", status=status, body="", skip=1, times=1)
    connection = made(connect, account, "contacts")

    assert (pull(connection).outcome, connection.row_counts.by_stream()) == ("Complete.", {"contacts": 150})


@pytest.mark.parametrize("answer", [{"status": 402}, {"redirect": "https://www.example.com/upgrade"}, {"status": 410}])
def test_no_answer_to_one_stream_alone_stops_the_connection(
    account: SandboxServer, connect: Connect, answer: dict[str, Any]
) -> None:
    connection = made(connect, account, "contacts", "deals", "tags")
    account.fault("deals", **answer, **FOR_EVER)

    pull(connection)
    sync = pull(connection, only=["deals"])

    assert again(connection).health != "action_needed"
    assert sync.state in (SyncState.COMPLETE, SyncState.FAILED)
    assert connection.row_counts.by_stream()["contacts"] == 3
    assert mails() == []


def test_a_sync_of_one_stream_judges_that_stream_alone(account: SandboxServer, connect: Connect) -> None:
    connection = made(connect, account, "contacts", "deals", "tags")
    account.fault("deals", **DEALS["broken envelope"])
    pull(connection)

    tags = pull(connection, only=["tags"])
    assert (tags.outcome, badge(connection), again(connection).health_reason) == ("Complete.", "waiting", NO_LIST)

    account.clear_faults()
    deals = pull(connection, only=["deals"])
    assert (deals.outcome, badge(connection)) == ("Complete.", "healthy")
    assert again(connection).synced_at is None  # Never all of it.


def test_contacts_that_fail_for_two_days_while_others_come_are_late_and_told_once(
    account: SandboxServer, connect: Connect, alice_client: Client, hours: Callable[[float], None]
) -> None:
    connection = made(connect, account, "contacts", "deals", "tags")
    pull(connection)
    complete_at = again(connection).synced_at
    account.fault("contacts", status=500, body="", **FOR_EVER)

    for _ in range(4):
        hours(12)
        pull(connection, trigger=Trigger.COMMAND)
        notice_late()

    assert badge(connection) == "late"
    assert again(connection).synced_at == complete_at
    said = detail(alice_client, connection)
    assert "Late: Contacts." in said
    assert re.search(r"Contacts: ActiveCampaign had an error\. Last read to the end [^.]*; due every hour\.", said)
    assert "It fell behind. Late: Contacts." in said
    assert "Late: Contacts" in listed(alice_client)
    assert subjects("Main account") == ["is late"]
    assert "is late with: Contacts." in mails()[0].body
    assert "Contacts: not read to the end for twice as long as the schedule says (Every hour)." in mails()[0].body
    assert "refuses" not in mails()[0].body

    account.clear_faults()
    for _ in range(2):
        pull(connection)
    assert badge(connection) == "healthy"
    assert subjects("Main account") == ["is late", "is on time again"]
    assert "It caught up" in detail(alice_client, connection)
    assert "Late: Contacts" not in listed(alice_client)


@pytest.mark.parametrize("refusal", [{"status": 402}, {"status": 403}, {"status": 404}])
def test_what_could_be_read_is_late_as_soon_as_it_is_refused_and_not_for_one_answer(
    account: SandboxServer, connect: Connect, alice_client: Client, refusal: dict[str, Any]
) -> None:
    connection = made(connect, account, "contacts", "deals", schedule="off")
    pull(connection)
    account.fault("deals", **refusal, times=2)
    assert (pull(connection).outcome, badge(connection)) == ("Complete.", "healthy")

    account.fault("deals", **refusal, **FOR_EVER)
    pull(connection)
    notice_late()

    assert badge(connection) == "late"
    assert "Late: Deals. Deals" in detail(alice_client, connection)
    (mail,) = mails()
    assert "ActiveCampaign refuses Deals, which could be read before. Probably the plan of the account" in mail.body
    assert "not read to the end" not in mail.body

    again(connection).pause(by=connection.created_by)
    again(connection).resume(by=connection.created_by)
    assert badge(connection) == "late"  # No time that passes makes a refusal good.


def test_a_stream_that_is_tried_again_hides_no_refusal_and_is_not_the_connections_fault(
    account: SandboxServer, connect: Connect, alice_client: Client
) -> None:
    connection = made(connect, account, "contacts", "deals", "tags")
    pull(connection)
    account.fault("contacts", status=500, body="", **FOR_EVER)
    refuse(account, "deals")

    sync = pull(connection)

    assert sync.state_word == "Waiting"
    assert sync.reason == f"{NO_PLAN} They could be read before. {ERROR.replace('Deals', 'Contacts')}"
    assert badge(connection) == "late"
    said = detail(alice_client, connection)
    assert re.search(r"Late: Deals\. Deals are not .*? Contacts: ActiveCampaign had an error\. Last read", said)
    assert "probably the plan changed" in said

    account.clear_faults()
    while again(sync).is_active:
        take_up(sync)
    assert again(sync).outcome == f"Partly done; {NO_PLAN} They could be read before."


def test_streams_that_come_are_on_time_every_quarter_of_an_hour_while_another_fails_for_ever(
    account: SandboxServer, connect: Connect, hours: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(syncing, "MOST_SETBACKS", 6)
    connection = made(connect, account, "contacts", "tags", schedule="quarter_hourly")
    account.fault("contacts", status=500, body="", **FOR_EVER)
    end = timezone.now() + timedelta(minutes=50)

    while timezone.now() < end:
        queue_due()
        sync = connection.syncs.active().first()
        if sync:
            take_up(sync)
        left = sync and again(sync).is_active
        next_one = again(sync).run_after if left else again(connection).next_sync_at
        hours(max(0.0, (next_one - timezone.now()).total_seconds()) / 3600)
        assert connection.stream_healths.get(stream="tags").late_at > timezone.now()

    assert [one.stream for one in connection.stream_healths.late()] == ["contacts"]


@pytest.mark.parametrize("look", [lambda: Worker().look(), lambda: Worker().serve_once(), tasks.keep_house])
def test_the_worker_notices_without_any_sync_and_tells_one_mail_of_all_that_is_late(
    account: SandboxServer,
    connect: Connect,
    alice_client: Client,
    hours: Callable[[float], None],
    look: Callable[[], None],
) -> None:
    connection = made(connect, account, "contacts", "deals", "tags")
    pull(connection)
    connection.syncs.all().delete()
    hours(3)
    Connection.objects.update(next_sync_at=timezone.now() + timedelta(hours=1))  # No sync is due.

    for _ in range(2):
        look()

    assert [one.subject for one in mails()] == ["ActiveCampaign: “Main account” is late"]
    assert "is late with: Contacts, Tags and Deals." in mails()[0].body
    assert "Mira Holt" not in mails()[0].body
    assert "Late: Contacts, Tags, Deals." in detail(alice_client, connection)


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "paused"},
        {"health": "action_needed"},
        {"privacy": "private", "created_by": None},
    ],
)
def test_nobody_is_told_what_nobody_waits_for(
    account: SandboxServer, connect: Connect, hours: Callable[[float], None], changes: dict[str, Any]
) -> None:
    made(connect, account, "contacts")
    Connection.objects.update(**changes)
    hours(3)

    notice_late()

    assert mails() == []


def test_what_is_late_because_nobody_worked_is_tried_before_it_is_told(
    account: SandboxServer, connect: Connect, hours: Callable[[float], None]
) -> None:
    made(connect, account, "contacts")
    hours(30)

    assert queue_due() == 1
    notice_late()
    assert mails() == []

    hours(1)
    notice_late()
    assert len(mails()) == 1


@pytest.mark.parametrize("meta", [{"total": "0"}, {}])
def test_a_list_that_is_empty_all_at_once_is_no_success_and_a_person_decides(
    new_sandbox: Callable[..., SandboxServer],
    connect: Connect,
    alice_client: Client,
    hours: Callable[[float], None],
    meta: dict[str, str],
) -> None:
    account = new_sandbox(contacts=120, deals=0)
    connection = made(connect, account, "contacts", "tags")
    pull(connection)
    account.fault("contacts", document={"contacts": [], "meta": meta}, **FOR_EVER)

    for _ in range(3):
        hours(24)
        sync = pull(connection)
        notice_late()
        assert sync.state == SyncState.PARTLY_DONE
        assert "Contacts: 120 of 120 rows were not found." in sync.reason

    assert connection.row_counts.by_stream()["contacts"] == 120
    assert (badge(connection), subjects("Main account")) == ("late", ["asks you about missing rows", "is late"])
    said = detail(alice_client, connection)
    assert "They are gone: mark them as deleted" in said
    assert "There is nothing to do" not in said

    alice_client.post(f"{connection.get_absolute_url()}missing/", {"stream": "contacts", "decision": "gone"})
    assert pull(connection).outcome == "Complete."
    assert (badge(connection), "contacts" in connection.row_counts.by_stream()) == ("healthy", False)


def test_five_streams_that_fail_at_once_keep_no_other_from_coming(account: SandboxServer, connect: Connect) -> None:
    others = ["contacts", "lists", "tags", "fields", "forms", "users"]
    connection = made(connect, account, *others, *SALES)
    for stream in SALES:
        account.fault(stream, status=500, body="", **FOR_EVER)

    sync = pull(connection, trigger=Trigger.COMMAND)

    assert {run.stream for run in sync.stream_runs.filter(state="complete")} == {*others}
    assert sync.reason == "Scores, Deals, Pipelines and 2 more: ActiveCampaign had an error. Try again later."
