"""What people want to be told of a pinned number: they are told once, and once when it is over."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from threading import Event

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from connections.figures.judging import judge_due
from connections.models import Alert, Connection, NumberDay, NumberState, Pin, User
from connections.people.leaving import end_membership
from sources.activecampaign.sandbox.server import SandboxServer
from tests.conftest import Connect
from tests.connections.numbers.counted import count
from tests.connections.post import in_short, mails

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_limit")]

MET = "has a number for you: Contacts"
OVER = f"{MET}, it is over"


@pytest.fixture
def account(new_sandbox: Callable[..., SandboxServer]) -> SandboxServer:
    return new_sandbox(contacts=40, deals=20)


@pytest.fixture
def counted(account: SandboxServer, connect: Connect) -> Connection:
    connection = connect(account)
    count(connection)
    return connection


def wanted(client: Client, connection: Connection, number: str, *, group: str = "", **said: object) -> Pin:
    client.post(f"{connection.url('numbers')}{number}/pin/", {"by": "list", "group": group} if group else {})
    pin = Pin.objects.get(number=number)
    response = client.post(reverse("connections:pinned", args=["harbour-tea", pin.pk]), said)
    assert response.status_code == 302
    return pin


def test_below_is_told_once_and_once_when_it_is_over(
    bob_client: Client, counted: Connection, account: SandboxServer
) -> None:
    wanted(bob_client, counted, "contacts_total", alert="below", bound="42")

    judge_due(Event())
    count(counted)
    [told] = mails()
    assert in_short([told]) == [MET]
    assert told.to == ["bob@harbourtea.example"]
    assert "Contacts: below 42" in told.body
    assert "Now: 40." in told.body
    assert f"{counted.url('numbers')}contacts_total/" in told.body

    for _ in range(2):
        account.world.add_contact()
    count(counted)
    count(counted)
    assert in_short(mails()) == [MET, OVER]
    assert "Now: 42." in mails()[-1].body


def test_above_counts_whole_days_and_reads_amounts_as_people_write_them(
    alice_client: Client, counted: Connection
) -> None:
    pin = wanted(alice_client, counted, "contacts_new", alert="above", bound="0", days="366")
    NumberDay.objects.filter(number="contacts_new").delete()
    yesterday = timezone.now().date() - timedelta(days=1)
    kept = {"holding": counted.holding, "number": "contacts_new", "kind": "day", "day": yesterday}
    judge_due(Event())
    assert mails() == []

    NumberDay.objects.update_or_create(**kept, defaults={"value": 3})
    Pin.objects.update(judged_at=None)
    judge_due(Event())

    assert "New contacts over 366 days: above 0" in mails()[0].body
    pin.refresh_from_db()
    assert pin.bound == Decimal(0)


def test_of_one_group_the_mail_leads_there(alice_client: Client, counted: Connection) -> None:
    listed = counted.records.filter(stream="lists").first().external_id
    wanted(alice_client, counted, "list_active", group=listed, alert="above", bound="0")
    judge_due(Event())

    assert f"{counted.url('numbers')}list_active/?by=list&group={listed}" in mails()[0].body


def test_nothing_new_for_some_days(alice_client: Client, counted: Connection, account: SandboxServer) -> None:
    wanted(alice_client, counted, "contacts_new", alert="nothing_new", days="3")

    judge_due(Event())
    assert "New contacts: nothing new for 3 days" in mails()[0].body

    account.world.add_contact()
    count(counted)
    assert in_short(mails()) == [one.replace("Contacts", "New contacts") for one in (MET, OVER)]


def test_what_is_not_known_is_told_to_nobody(alice_client: Client, counted: Connection) -> None:
    wanted(alice_client, counted, "contacts_new", alert="nothing_new", days="3")
    counted.holding.marks.update(changed_through=timezone.now() - timedelta(days=2))
    judge_due(Event())

    NumberState.objects.update(counted_at=None)
    Pin.objects.update(judged_at=None)
    judge_due(Event())

    assert mails() == []


def test_who_may_no_longer_use_the_connection_is_not_told(
    bob: User, bob_client: Client, alice: User, counted: Connection
) -> None:
    wanted(bob_client, counted, "contacts_total", alert="below", bound="42")
    judge_due(Event())

    end_membership(bob.memberships.get(), by=alice)

    assert mails() == []


def test_what_is_wanted_anew_is_told_anew(alice_client: Client, counted: Connection) -> None:
    for bound in ("42", "43"):
        wanted(alice_client, counted, "contacts_total", alert="below", bound=bound)
        judge_due(Event())

    assert in_short(mails()) == [MET, MET]


def test_a_form_holds_what_is_wanted_as_it_was_written(alice_client: Client, counted: Connection) -> None:
    pin = wanted(alice_client, counted, "contacts_total", goal="5000", alert="below", bound="39.5")

    page = alice_client.get(reverse("connections:pinned", args=["harbour-tea", pin.pk])).content.decode()

    assert 'value="5000"' in page
    assert 'value="39.5' in page


def test_a_form_that_does_not_say_which_number_says_so(alice_client: Client, counted: Connection) -> None:
    alice_client.post(f"{counted.url('numbers')}contacts_total/pin/")
    pin = Pin.objects.get()

    response = alice_client.post(reverse("connections:pinned", args=["harbour-tea", pin.pk]), {"alert": "above"})

    assert "Say above or below which number." in response.content.decode()
    pin.refresh_from_db()
    assert pin.alert == Alert.NONE


@pytest.mark.parametrize("field", ["goal", "bound"])
def test_the_largest_number_that_is_taken_is_read_again_and_a_larger_one_is_refused(
    alice_client: Client, counted: Connection, field: str
) -> None:
    here = f"{counted.url('numbers')}contacts_total/pin/"
    said = {"tell": "1", "alert": "above", "bound": "1"}

    refused = alice_client.post(here, {**said, field: "9999999999999999.99"})
    assert "no more than" in refused.content.decode()
    assert not Pin.objects.exists()

    alice_client.post(here, {**said, field: "-9999999999999.99"})
    pin = Pin.objects.get()
    assert getattr(pin, field) == Decimal("-9999999999999.99")
    judge_due(Event())
    for page in (reverse("connections:home", args=["harbour-tea"]), here, counted.url("numbers")):
        assert alice_client.get(page, follow=True).status_code == 200
