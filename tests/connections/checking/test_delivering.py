"""Notices on their way: each is sent once, whatever the mail server and the worker go through."""

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.smtp import EmailBackend
from django.core.management import call_command
from django.db import connections
from django.utils import timezone

from connections.checking import delivering
from connections.checking.checking import note_failure
from connections.checking.delivering import deliver_due
from connections.checking.notices import tell_taken_over
from connections.models import Connection, Notice, User
from connections.models.notice import KEPT_FOR, NoticeState
from connections.operating.housekeeping import keep_house
from connections.syncing import tasks
from connections.syncing.working import Worker
from sources.activecampaign.sandbox.server import SandboxServer
from sources.errors import BadCredentials
from tests.command_fixture import StartCommand
from tests.conftest import Connect
from tests.connections.engine import again, pull
from tests.connections.post import in_short, mails
from tests.mail_server import HANG_UP, MailServer, mail_server
from tests.processes import free_port, until

__all__ = ["mail_server"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_limit")]

NOT_TAKEN = [
    {"HELLO": HANG_UP},
    {"HELLO": "421 not now"},
    {"MAIL": HANG_UP},
    {"MAIL": "451 later"},
    {"RCPT": "450 I do not know you yet"},
    {"RCPT": "550 nobody of that name"},
    {"DATA": "451 later"},
    {"DATA": HANG_UP},
    {"BODY": "452 no room"},
]


class Killed(BaseException):
    """Nothing that comes after it is done, as after `kill -9`."""


@pytest.fixture
def broken(connect: Connect) -> Connection:
    """One notice waits, for Alice."""
    connection = connect(privacy="private")
    note_failure(connection, BadCredentials("Refused."))
    return connection


def notice() -> Notice:
    return Notice.objects.order_by("pk")[0]


def pass_by(**span: float) -> None:
    """So much time goes by for what waits."""
    for one in Notice.objects.waiting():
        earlier = {name: getattr(one, name) - timedelta(**span) for name in ("written_at", "try_after")}
        Notice.objects.filter(pk=one.pk).update(**earlier)


def deliver_for(**span: float) -> None:
    """A worker looks whenever something is due, for so long."""
    left = timedelta(**span)
    deliver_due()
    while due := [*Notice.objects.waiting().values_list("try_after", flat=True)]:
        wait = max(min(due) - timezone.now(), timedelta(seconds=1))
        if wait > left:
            break
        left -= wait
        pass_by(seconds=wait.total_seconds())
        deliver_due()


def said(mail_server: MailServer) -> list[str]:
    return [message["subject"].rpartition("” ")[2] for message in mail_server.mails]


# A mail server that is down -------------------------------------------------------------------------------------------


def test_t18_a_key_that_dies_while_the_mail_server_is_down_is_told_once_it_is_back_and_never_twice(
    sandbox: SandboxServer, connect: Connect, mail_server: MailServer, settings: Any
) -> None:
    connection, port = connect(sandbox), settings.EMAIL_PORT
    settings.EMAIL_PORT = free_port()
    sandbox.revoke(sandbox.api_key)
    pull(connection, only=["tags"])
    deliver_for(hours=1)
    assert (notice().state, notice().trouble) == (NoticeState.WAITING, "ConnectionRefusedError")

    settings.EMAIL_PORT = port
    for _ in range(2):
        deliver_for(minutes=20)
        pull(again(connection), only=["tags"])
    deliver_for(hours=30)

    assert said(mail_server) == ["needs you"]
    assert notice().state == NoticeState.SENT


@pytest.mark.parametrize("says", NOT_TAKEN)
def test_what_a_mail_server_did_not_take_is_sent_again_with_growing_pauses(
    broken: Connection, mail_server: MailServer, says: dict[str, str]
) -> None:
    mail_server.says = says
    deliver_due()
    assert (notice().state, notice().tries, notice().handed_over) == (NoticeState.WAITING, 1, 0)
    pauses = []
    for _ in range(8):
        pauses.append((notice().try_after - timezone.now()).total_seconds())
        Notice.objects.update(try_after=timezone.now())
        deliver_due()
    assert [round(pause / 10) * 10 for pause in pauses] == [30, 60, 120, 240, 480, 900, 900, 900]

    mail_server.says, mail_server.bodies = {}, []
    Notice.objects.update(try_after=timezone.now())
    deliver_due()

    assert (len(mail_server.bodies), notice().state) == (1, NoticeState.SENT)


def test_what_could_not_be_sent_for_a_day_is_given_up_and_said(
    broken: Connection, mail_server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    mail_server.says = {"RCPT": "550 nobody of that name, see https://evil.example"}

    for hours in (0.0, 23.9):
        pass_by(hours=hours)
        deliver_due()
        assert (notice().state, notice().trouble) == (NoticeState.WAITING, "SMTPRecipientsRefused")
    pass_by(minutes=15)
    deliver_due()

    assert (notice().state, notice().tries) == (NoticeState.GIVEN_UP, 3)
    assert "A notice was given up." in caplog.text
    assert "evil" not in caplog.text
    assert "alice@" not in caplog.text


def test_one_that_no_worker_was_there_for_is_tried_however_old(broken: Connection) -> None:
    pass_by(days=3)

    assert in_short(mails()) == ["needs you"]


def test_a_reader_whose_mail_is_refused_keeps_none_from_others(
    connect: Connect, dana: User, mail_server: MailServer
) -> None:
    note_failure(connect(), BadCredentials("Refused."))
    mail_server.says_once = {"RCPT": "550 nobody of that name"}

    deliver_due()

    assert [message["to"] for message in mail_server.mails] == [dana.email]
    assert [one.state for one in Notice.objects.order_by("pk")] == [NoticeState.WAITING, NoticeState.SENT]


def test_each_reader_is_told_in_the_order_in_which_it_happened(broken: Connection, mail_server: MailServer) -> None:
    mail_server.says_once = {"RCPT": "451 later"}
    deliver_due()
    tell_taken_over(broken)

    deliver_due()
    assert said(mail_server) == []
    deliver_for(minutes=5)

    assert said(mail_server) == ["needs you", "goes on with its standby key"]


# A worker that is killed ----------------------------------------------------------------------------------------------


def kill_once(monkeypatch: pytest.MonkeyPatch, of: Any, name: str, *, after: bool = False) -> None:
    """The next time that this is called the process is gone, before or after it."""
    whole: Callable[..., Any] = getattr(of, name)
    calls: list[int] = []

    def dies(*args: Any, **kwargs: Any) -> Any:
        calls.append(1)
        if len(calls) > 1:
            return whole(*args, **kwargs)
        if after:
            whole(*args, **kwargs)
        raise Killed

    monkeypatch.setattr(of, name, dies)


@pytest.mark.parametrize(
    ("of", "name", "after", "copies"),
    [
        (Notice, "take", True, 1),  # Nobody was given anything.
        (Notice, "hand_over", False, 1),
        (Notice, "hand_over", True, 1),  # Marked, not sent.
        (EmailBackend, "send_messages", True, 2),  # Sent, not noted.
        (Notice, "end", False, 2),
        (Notice, "end", True, 1),
    ],
)
def test_a_kill_at_any_moment_costs_at_most_one_repetition_with_the_same_message_id(
    broken: Connection,
    mail_server: MailServer,
    monkeypatch: pytest.MonkeyPatch,
    of: Any,
    name: str,
    after: bool,
    copies: int,
) -> None:
    kill_once(monkeypatch, of, name, after=after)

    with suppress(Killed):
        deliver_due()
    deliver_due()  # Another worker waits until it is sure that the first is gone.
    assert len(mail_server.bodies) <= 1
    deliver_for(hours=2)

    assert len(mail_server.bodies) == copies
    assert len({message["message-id"] for message in mail_server.mails}) == 1
    assert notice().state == NoticeState.SENT


def test_a_mail_server_that_takes_it_and_falls_silent_is_given_it_once_more_and_no_more(
    broken: Connection, mail_server: MailServer
) -> None:
    mail_server.says = {"BODY": HANG_UP}

    deliver_for(hours=30)

    assert len(mail_server.bodies) == 2
    assert len({message["message-id"] for message in mail_server.mails}) == 1
    assert (notice().state, notice().trouble) == (NoticeState.GIVEN_UP, "SMTPServerDisconnected")


def test_two_that_were_killed_at_it_leave_nothing_that_is_sent_a_third_time(
    broken: Connection, mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        with monkeypatch.context() as once, suppress(Killed):
            kill_once(once, Notice, "end")
            deliver_for(hours=1)

    deliver_for(hours=1)

    assert (len(mail_server.bodies), notice().state) == (2, NoticeState.GIVEN_UP)


def test_a_worker_that_was_slow_to_reach_the_mail_server_finds_that_another_has_it(
    broken: Connection, mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Notice.objects.claim()
    assert slow
    pass_by(hours=1)
    deliver_due()

    delivering.deliver(slow)

    assert (len(mail_server.bodies), notice().state, notice().tries) == (1, NoticeState.SENT, 2)


def test_of_several_workers_one_sends_each(connect: Connect, dana: User, mail_server: MailServer) -> None:
    for number in range(4):
        note_failure(connect(name=f"Account {number}"), BadCredentials("Refused."))
    together = threading.Barrier(3)

    def work() -> None:
        together.wait()
        try:
            deliver_due()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    ids = [message["message-id"] for message in mail_server.mails]
    assert (len(ids), len({*ids})) == (8, 8)


def test_a_fault_of_ours_keeps_no_other_notice_from_being_sent(connect: Connect, caplog: Any) -> None:
    for name in ("One", "Other"):
        note_failure(connect(name=name, privacy="private"), BadCredentials("Refused."))
    Notice.objects.filter(pk=notice().pk).update(template="connections/checking/of_another_version.txt")

    assert [message.subject for message in mails()] == ["ActiveCampaign: “Other” needs you"]
    assert (notice().state, notice().trouble) == (NoticeState.WAITING, "TemplateDoesNotExist")
    assert "A notice met a fault of our own." in caplog.text


# Who sends ------------------------------------------------------------------------------------------------------------


def test_worker_once_sends_what_its_syncs_have_found_out(sandbox: SandboxServer, connect: Connect) -> None:
    connection = connect(sandbox)
    sandbox.revoke(sandbox.api_key)
    Connection.objects.filter(pk=connection.pk).update(next_sync_at=timezone.now())

    Worker().serve_once()

    assert in_short(mail.outbox) == ["needs you"]


def test_a_worker_looks_for_work_while_a_mail_server_keeps_it_waiting(
    broken: Connection, mail_server: MailServer
) -> None:
    mail_server.go_on.clear()
    worker = Worker()

    for _ in range(3):
        worker.look()

    assert worker.post.round.is_alive()
    mail_server.go_on.set()
    worker.post.round.join(30)
    assert len(mail_server.bodies) == 1


def test_celerys_looks_ring_for_notices_and_one_thread_of_the_process_sends_them(
    broken: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[int] = []
    monkeypatch.setattr(tasks.send_notices, "delay", lambda: rung.append(1))
    tasks.look_for_work()
    assert rung == [1]

    with tasks.SENDING:
        tasks.send_notices()
    assert mail.outbox == []
    tasks.send_notices()
    assert in_short(mail.outbox) == ["needs you"]
    tasks.look_for_work()
    assert rung == [1]


def test_a_command_alone_writes_them_and_a_worker_sends_them_though_it_is_killed_at_it(
    sandbox: SandboxServer,
    connect: Connect,
    start_command: StartCommand,
    mail_server: MailServer,
    settings: Any,
) -> None:
    sandbox.revoke(sandbox.api_key)
    with pytest.raises(SystemExit, match="1"):
        call_command("sync", str(connect(sandbox).pk))
    assert (mail_server.bodies, notice().state) == ([], NoticeState.WAITING)

    mail_server.hangs_at = "BODY"
    mail_server.go_on.clear()
    worker = start_command("worker", EMAIL_URL=f"smtp://{settings.EMAIL_HOST}:{settings.EMAIL_PORT}")
    until(lambda: mail_server.bodies, what="the mail")
    worker.kill()
    mail_server.go_on.set()
    deliver_for(hours=1)

    assert len(mail_server.bodies) == 2
    assert len({message["message-id"] for message in mail_server.mails}) == 1
    assert notice().state == NoticeState.SENT


# Afterwards -----------------------------------------------------------------------------------------------------------


def test_what_was_sent_or_given_up_is_kept_for_thirty_days(broken: Connection) -> None:
    mails()
    Notice.objects.update(written_at=timezone.now() - KEPT_FOR + timedelta(hours=1))
    keep_house()
    assert Notice.objects.exists()

    Notice.objects.update(written_at=timezone.now() - KEPT_FOR - timedelta(hours=1))
    keep_house()
    assert not Notice.objects.exists()
