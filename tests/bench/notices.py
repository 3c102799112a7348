"""Seeded days of faults: keys die and work again while the mail server is down for an hour at five moments, and
workers are killed at five while they send.

The rule: each fact is told once to each reader. One that was over before it could be told is told with what ended it;
a kill costs at most one copy with the same Message-ID. A seed gives the same day again.
"""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from smtplib import SMTPDataError
from typing import Any

import time_machine
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.test.utils import override_settings

from connections.checking.checking import note_failure, note_success
from connections.checking.delivering import deliver_due
from connections.checking.notices import moment_words, readers_of, tell_taken_over
from connections.models import Connection, Membership, Notice, Role, User
from connections.models.notice import NoticeState
from sources.errors import BadCredentials
from tests.bench.figures import Effort, Figure
from tests.bench.stage import Account, connected

START = datetime(2026, 5, 3, tzinfo=UTC)
MINUTES = 24 * 60
OUTAGES = KILLS = 5
OUTAGE = timedelta(hours=1)
CHANGES = 8  # Of a connection's fate, in a day.


class Killed(BaseException):
    """As after `kill -9` nothing that comes after it is done."""


class Post(BaseEmailBackend):
    """The mail server of the day that is simulated."""

    day: "Day"

    def open(self) -> bool:
        if self.day.is_down() and self.day.dice.random() < 0.5:
            raise ConnectionRefusedError
        return True

    def send_messages(self, messages: Sequence[Any]) -> int:
        if self.day.is_down():
            raise SMTPDataError(451, b"later")
        for message in messages:
            self.day.take(message)
        return len(messages)


@dataclass
class Day:
    """What becomes of it, by the number of its seed."""

    seed: int
    received: list[Any] = field(default_factory=list)
    killed_at: Counter[str] = field(default_factory=Counter)
    facts: int = 0

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        minutes = [self.dice.uniform(0, MINUTES) for _ in range(OUTAGES)]
        self.outages = [START + timedelta(minutes=minute) for minute in minutes]
        part = MINUTES / KILLS
        self.kills = [START + timedelta(minutes=part * (n + self.dice.uniform(0, 0.9))) for n in range(KILLS)]

    def is_down(self) -> bool:
        return any(begin <= now() < begin + OUTAGE for begin in self.outages)

    def take(self, message: Any) -> None:
        """Whoever is killed has sent it, or not; nobody can know. Two kills at the same notice give it up."""
        is_killed = bool(self.kills) and now() >= self.kills[0] and not self.killed_at[number_of(message)]
        if not is_killed or self.dice.random() < 0.5:
            self.received.append(message)
        if is_killed:
            self.kills = [moment for moment in self.kills if moment > now()]
            self.killed_at[number_of(message)] += 1
            raise Killed

    def go_by(self, connections: Sequence[Connection], clock: time_machine.Traveller) -> None:
        """Until all is told, or given up."""
        fates = [(minute, one) for one in connections for minute in self.dice.sample(range(MINUTES), CHANGES)]
        coming = sorted((START + timedelta(minutes=minute), str(one.pk)) for minute, one in fates)
        by_key = {str(one.pk): one for one in connections}
        while moment := earliest(coming):
            clock.move_to(max(moment, now()), tick=False)
            while coming and coming[0][0] <= now():
                self.change(by_key[coming.pop(0)[1]])
            with suppress(Killed):
                deliver_due()

    def change(self, connection: Connection) -> None:
        connection.refresh_from_db()
        match connection.needs_action, self.dice.random() < 0.6:
            case True, True:
                note_success(connection)
            case False, True:
                note_failure(connection, BadCredentials("Refused."))
            case True, False:
                note_failure(connection, BadCredentials("Refused, as before."))  # Which is no news.
                return
            case False, False:
                with transaction.atomic():
                    tell_taken_over(connection)
        self.facts += readers_of(connection).count()


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """`facts` to one reader each, and how many of them were never told or told too often."""

    facts: int
    lost: int
    twice: int
    over: int
    copies: int


def measure(effort: Effort) -> Iterator[Figure]:
    with stage() as connections:
        days = [replay(seed, connections) for seed in range(1, effort.of(500, 5) + 1)]
    facts, over, copies = (sum(getattr(day, name) for day in days) for name in ("facts", "over", "copies"))
    yield Figure(what=f"{len(days)} days: facts, to one reader each", measured=[facts], unit="")
    yield Figure(what="Of them over before they could be told", measured=[over], unit="")
    yield Figure(what="Copies with the same Message-ID, after kills", measured=[copies], unit="")
    for name, words in (("lost", "never told"), ("twice", "told more than once")):
        found = sum(getattr(day, name) for day in days)
        yield Figure(what=f"Facts {words}", measured=[found], unit="", ideal=0, bound=0, must_hold=True)


@contextmanager
def stage() -> Iterator[list[Connection]]:
    """A shared connection, which two people read about, and a private one."""
    account = Account("http://127.0.0.1:9", "0123456789abcdef" * 4)
    shared, private = connected(account), connected(account)
    admin = User.objects.create_user("admin@harbourtea.example", name="Admin")
    Membership.objects.create(workspace=shared.workspace, user=admin, role=Role.ADMIN)
    Connection.objects.filter(pk=private.pk).update(privacy="private")
    with override_settings(EMAIL_BACKEND="tests.bench.notices.Post"):
        yield [shared, private]


def replay(seed: int, connections: Sequence[Connection]) -> Outcome:
    day = Post.day = Day(seed)
    with time_machine.travel(START, tick=False) as clock:
        for connection in connections:
            note_success(connection)
        Notice.objects.all().delete()
        day.go_by(connections, clock)
        return judged(day)


def judged(day: Day) -> Outcome:
    """By what the readers have got, and not by what the rows say."""
    notices = [*Notice.objects.select_related("reader")]
    arrived = Counter(number_of(message) for message in day.received)
    untold = [one for one in notices if not arrived[str(one.mark)] and not is_told_by_its_end(one, day)]
    too_often = sum(max(0, count - 1 - day.killed_at[mark]) for mark, count in arrived.items())
    return Outcome(
        facts=day.facts,
        lost=len(untold) + max(0, day.facts - len(notices)),
        twice=too_often + max(0, len(notices) - day.facts),
        over=sum(one.state == NoticeState.OVER for one in notices),
        copies=sum(arrived.values()) - len(arrived),
    )


def is_told_by_its_end(notice: Notice, day: Day) -> bool:
    """The mail that it works again says since when it did not."""
    since = f"It needed action from {moment_words(notice.written_at)} until"
    return any(since in message.body and message.to == [notice.reader.email] for message in day.received)


def earliest(coming: Sequence[tuple[datetime, str]]) -> datetime | None:
    """When the next thing happens, or is to be tried."""
    tries = Notice.objects.in_turn().values_list("try_after", flat=True)[:1]
    return min([*tries, *(moment for moment, _ in coming[:1])], default=None)


def number_of(message: Any) -> str:
    return str(message.extra_headers["Message-ID"]).strip("<").partition("@")[0]


def now() -> datetime:
    return datetime.now(UTC)
