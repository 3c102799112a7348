"""Days of an account: what was seen on each stays, and what turned on a day is counted on it."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from statistics import median
from threading import Event
from typing import Any

import pytest
import time_machine

from connections.figures.counting import stir_outdated
from connections.figures.figure import Figure, Period
from connections.figures.figures import figures
from connections.figures.keeping_up import count_and_prove
from connections.models import Change, Connection, NumberState, Record, Workspace
from connections.operating.erasing_people import erase
from sources.activecampaign.sandbox.server import SandboxServer
from tests.conftest import Connect
from tests.connections.engine import pull
from tests.connections.figures.recomputed import active_by_list, day_of, moment

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_limit")]

STREAMS = ["contacts", "contactLists", "deals", "dealGroups", "dealStages", "dealActivities"]
ZONE = "Europe/Berlin"  # Where the night of 24 October 2026 has an hour more.
# A day by its first hour there: in the last hour of the 24th, and twice in the hour that comes twice. None on the 27th.
LOOKS = (
    *("2026-10-24T10:00", "2026-10-24T21:30", "2026-10-25T00:30", "2026-10-25T01:30"),
    *("2026-10-26T09:00", "2026-10-28T09:00"),
)
PERIOD = Period(start=date(2026, 10, 20), end=date(2026, 10, 28))


class Days:
    """The account lives on, is read at each look, and the test keeps a book of what it saw."""

    def __init__(self, account: SandboxServer, connection: Connection) -> None:
        self.account, self.connection = account, connection
        self.book: dict[date, dict[str, Any]] = {}
        self.turned: dict[str, Counter[date]] = {name: Counter() for name in ("joined", "left", "bounced", "deleted")}

    def live(self, *looks: str) -> None:
        for number, look in enumerate(looks or LOOKS):
            with time_machine.travel(f"{look}:00+00:00", tick=True):
                day = datetime.now(UTC).astimezone(self.connection.workspace.zone).date()
                if number:
                    self.change(number, day)
                pull(self.connection, only=STREAMS, full=True)
                count_and_prove(Event())
                self.book[day] = self.seen()

    def change(self, number: int, day: date) -> None:
        world = self.account.world
        active = [row["id"] for row in world.rows("contactLists") if row["status"] == "1"]
        for status, name, those in (("2", "left", active[:3]), ("3", "bounced", active[3:4])):
            for identity in those:
                world.change("contactLists", identity, status=status)
            self.turned[name][day] += len(those)
        world.remove("contactLists", active[5])
        self.turned["deleted"][day] += 1
        for _ in range(number):
            world.insert("contactLists", status="1", contact=world.insert("contacts"))
        self.turned["joined"][day] += number
        for identity in [row["id"] for row in world.rows("deals") if row["status"] == "0" and "value" in row][:2]:
            world.change("deals", identity, status="1")

    def seen(self) -> dict[str, Any]:
        world = self.account.world
        return {
            "contacts_total": world.count("contacts"),
            "list_active": sum(active_by_list(world).values()),
            "lists": active_by_list(world),
            "deals_open": sum(row["status"] == "0" for row in world.rows("deals")),
        }


@pytest.fixture
def days(new_sandbox: Callable[..., SandboxServer], connect: Connect, workspace: Workspace) -> Days:
    workspace.timezone = ZONE
    workspace.save()
    account = new_sandbox(contacts=120, deals=60)
    days = Days(account, connect(account))
    days.connection.stream_keys = STREAMS
    days.connection.save(update_fields=["stream_keys"])
    return days


def of(connection: Connection, key: str, **more: Any) -> Figure:
    with time_machine.travel("2026-10-28T10:00:00+00:00"):
        return figures(connection, PERIOD, keys=[key], **more)[0]


def curve(figure: Figure) -> dict[date, Any]:
    return {point.day: point.value for point in figure.series if point.value is not None}


def test_the_past_is_as_it_was_on_each_day_and_what_turned_is_counted_on_its_day(days: Days) -> None:
    days.live()
    connection, last = days.connection, max(days.book)

    for key in ("contacts_total", "list_active", "deals_open"):
        figure = of(connection, key)
        assert curve(figure) == {day: seen[key] for day, seen in days.book.items()}
        assert figure.value == days.book[last][key]
        assert {point.day for point in figure.series if point.is_unfinished} == {date(2026, 10, 28)}
    for key, name in {"joined": "joined", "unsubscribed": "left", "bounced": "bounced", "deleted": "deleted"}.items():
        found = curve(of(connection, f"list_{key}"))
        assert {day: found[day] for day in days.book} == {day: days.turned[name][day] for day in days.book}
        assert date(2026, 10, 27) not in found
    assert all(point.is_lighter == (point.day < date(2026, 10, 24)) for point in of(connection, "list_joined").series)

    begun = days.book[date(2026, 10, 24)]["lists"]
    later = Period(start=date(2026, 10, 25), end=date(2026, 10, 28))
    with time_machine.travel("2026-10-28T10:00:00+00:00"):
        growth = {
            part.group: part.value for part in figures(connection, later, keys=["list_growth"], by="list")[0].parts
        }
    assert {name: growth.get(name, 0) for name in begun} == {
        name: days.book[last]["lists"][name] - begun[name] for name in begun
    }


def test_deals_are_won_on_the_day_that_the_log_or_their_last_activity_tells(days: Days) -> None:
    world = days.account.world
    activities = [row for row in world.rows("dealActivities") if row["dataId"] == "1"]
    for row in activities:  # Of these nobody tells it.
        world.change("dealActivities", row["id"], dataType="", dataId="0")
    told = next(row for row in world.rows("deals") if row["status"] == "1" and "value" in row)
    when = "2026-10-21T23:30:00+00:00"
    world.insert("dealActivities", d_id=told["id"], dataType="status", dataId="1", cdate=when)
    days.live()

    won = of(days.connection, "deals_won")
    assert len(activities) > 1
    changes = Change.objects.filter(stream="deals", field="status", after="1")
    ends = {one.external_id: one.seen_at for one in changes} | {told["id"]: datetime.fromisoformat(when)}
    known = [day for day in PERIOD if day >= won.told_since]  # Before, none may be one whose day nobody tells.
    assert curve(won) == dict.fromkeys(known, 0) | Counter(day_of(end.isoformat(), ZONE) for end in ends.values())
    assert won.value == 2 * (len(LOOKS) - 1) + 1
    assert won.undated == sum(row["status"] == "1" for row in world.rows("deals")) - won.value
    assert won.in_all == won.value + won.undated

    waits = [end - moment(world.row("deals", one)["cdate"]) for one, end in ends.items()]
    took = of(days.connection, "time_to_win")
    assert (took.value, took.count) == (pytest.approx(median(waits) / timedelta(days=1), abs=0.001), len(waits))
    assert of(days.connection, "win_rate").value == 1
    assert not of(days.connection, "win_rate").fault


def test_what_was_seen_stays_whoever_is_erased(days: Days) -> None:
    days.live(LOOKS[0], LOOKS[-1])
    before = curve(of(days.connection, "contacts_total"))

    contacts = [*Record.objects.filter(stream="contacts").order_by("pk")[:7]]
    erase(contacts, days.connection.holding, days.connection.known_source().stream("contacts"))
    count_and_prove(Event())

    assert curve(of(days.connection, "contacts_total")) == before
    assert of(days.connection, "contacts_total").value == before[date(2026, 10, 28)] - 7


def test_none_is_no_gap_and_a_day_without_a_read_is_one(days: Days) -> None:
    world = days.account.world
    for row in world.rows("deals"):
        if row["status"] == "0":
            world.change("deals", row["id"], status="2")
    for row in world.rows("contactLists"):
        world.change("contactLists", row["id"], status="2")
    days.change = lambda number, day: None  # type: ignore[method-assign]
    days.live(LOOKS[0], LOOKS[-2], LOOKS[-1])

    for key in ("deals_open", "list_active", "list_joined"):
        points = {point.day: point.value for point in of(days.connection, key).series}
        assert {day: points[day] for day in (*days.book, date(2026, 10, 27))} == dict.fromkeys(days.book, 0) | {
            date(2026, 10, 27): None
        }


def test_who_dies_at_counting_has_it_done_once_by_another(days: Days, monkeypatch: pytest.MonkeyPatch) -> None:
    save = NumberState.save

    def die(state: NumberState, **more: Any) -> None:
        if state.stream == "contactLists":
            raise SystemExit
        save(state, **more)

    with time_machine.travel("2026-10-24T10:00:00+00:00", tick=True):
        pull(days.connection, only=STREAMS, full=True)
        count_and_prove(Event())
    with time_machine.travel("2026-10-25T10:00:00+00:00", tick=True):
        days.change(1, date(2026, 10, 25))
        pull(days.connection, only=STREAMS, full=True)
        with monkeypatch.context() as patched, pytest.raises(SystemExit):
            patched.setattr(NumberState, "save", die)
            count_and_prove(Event())
        assert [*NumberState.objects.exclude(taken_until=None).values_list("stream", flat=True)] == ["contactLists"]
        count_and_prove(Event())
    with time_machine.travel("2026-10-25T10:11:00+00:00", tick=True):
        stir_outdated()
        count_and_prove(Event())
        stir_outdated()
        assert count_and_prove(Event()) == 0

    assert of(days.connection, "list_unsubscribed").value == 3
    assert of(days.connection, "list_joined").value == 1
