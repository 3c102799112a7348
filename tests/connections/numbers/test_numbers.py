"""The pages of a connection's numbers: what they say is what the account says, and leads to its rows."""

import re
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from django.test import Client
from django.utils.html import escape

from connections.figures.counting import count_holding, stir_outdated
from connections.figures.figure import Period
from connections.figures.figures import figures
from connections.figures.keeping_up import count_and_prove
from connections.models import Connection, Event
from connections.numbers.forms import PeriodForm
from connections.numbers.parts import FEW
from connections.numbers.tiles import rows_url
from connections.templatetags.amounts import change, words_of
from sources.activecampaign.sandbox.server import SandboxServer
from sources.spec import How
from tests.conftest import Connect
from tests.connections.engine import take_up
from tests.connections.numbers.counted import count

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_limit")]


@pytest.fixture
def account(new_sandbox: Callable[..., SandboxServer]) -> SandboxServer:
    return new_sandbox(contacts=60, deals=30)


@pytest.fixture
def counted(account: SandboxServer, connect: Connect) -> Connection:
    connection = connect(account)
    count(connection)
    return connection


def page(client: Client, connection: Connection, more: str = "") -> str:
    response = client.get(f"{connection.url('numbers')}{more}")
    assert response.status_code == 200
    return re.sub(r"\s+", " ", response.content.decode())


def test_each_number_says_how_it_is_computed_and_what_the_account_says(
    alice_client: Client, counted: Connection
) -> None:
    shown = page(alice_client, counted)

    assert "ActiveCampaign says 60" in shown
    assert shown.count("How is this computed?") == len(figures(counted, Period(start=date.today(), end=date.today())))
    assert "How many contacts the account has now." in shown
    assert "As the rows say now; its past as we saw it each day." in shown
    assert "Days end at midnight, UTC." in shown


def test_a_sync_under_way_shows_and_may_be_stopped_beside_numbers_data_and_syncs(
    alice_client: Client, counted: Connection
) -> None:
    for part in ("numbers", "data", "syncs"):
        assert "card-strip" not in alice_client.get(counted.url(part)).content.decode()
    counted.syncs.queue(counted, trigger="person").take()

    for part in ("numbers", "data", "syncs"):
        shown = alice_client.get(counted.url(part)).content.decode()
        assert "card-strip" in shown and shown.count('id="stop-sync"') == 1
    assert alice_client.get(counted.get_absolute_url()).content.decode().count('id="stop-sync"') == 1


def test_the_rows_that_a_number_leads_to_are_as_many_as_it_says(alice_client: Client, counted: Connection) -> None:
    period = Period(start=date(2024, 1, 1), end=date(2025, 12, 31))
    leading = [one for one in figures(counted, period) if one.rows and one.definition.how == How.COUNT and one.value]
    assert len(leading) >= 3

    for one in leading:
        rows = alice_client.get(rows_url(counted, one.rows)).content.decode()
        assert re.search(rf'role="status">(?:\d[\d,]* of )?{one.value:,} (?:of [\d,]+ )?row', rows) or re.search(
            rf'role="status">{one.value:,} of ', rows
        ), one.definition.key


def test_a_period_of_its_own_is_drawn_by_its_steps(alice_client: Client, counted: Connection) -> None:
    shown = page(alice_client, counted, "contacts_new/?period=own&since=2025-05-01&until=2025-05-31&step=week")

    assert "1 May 2025 to 31 May 2025" in shown
    assert shown.count('<th scope="row" class="one-line">week of') == 5


def test_the_period_before_is_drawn_where_it_is_asked_for(alice_client: Client, counted: Connection) -> None:
    asked = "contacts_new/?period=own&since=2025-05-01&until=2025-05-31"

    assert "1–30 Apr 2025" not in page(alice_client, counted, asked)
    assert "New contacts, 1–30 Apr 2025" in page(alice_client, counted, f"{asked}&compare=on")


def test_a_breakdown_leads_to_one_group(
    alice_client: Client, counted: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    [whole] = figures(counted, Period(start=date.today(), end=date.today()), keys=["list_active"], by="list")
    first = next(iter(whole.parts))

    broken_down = page(alice_client, counted, "list_active/?by=list")
    of_one = page(alice_client, counted, f"list_active/?by=list&group={first.group}")

    assert all(f">{escape(part.name)}</a>" in broken_down for part in whole.parts)
    assert f"List: {escape(first.name)}" in of_one
    assert f'<p class="figure-value">{first.value}</p>' in of_one
    assert ", 12 calendar months with this one; today is not over yet." in of_one and "largest of" not in broken_down
    monkeypatch.setattr("connections.numbers.views.MOST_PARTS", 1)
    assert f"The 1 largest of {len(whole.parts.groups)}." in page(alice_client, counted, "list_active/?by=list")


def test_a_table_tells_campaigns_of_one_name_apart_and_has_those_of_its_period(
    alice_client: Client, counted: Connection, account: SandboxServer
) -> None:
    sent = counted.records.filter(stream="campaigns", amount__gt=0).order_by("-happened_at")
    earlier, later = (sent[1].external_id, sent[0].external_id)
    for identity, day, clicked in ((earlier, "2026-06-02", "0"), (later, "2026-07-03", "3")):
        account.world.change(
            "campaigns", identity, name="Letter", sdate=f"{day}T12:00:00+00:00", subscriberclicks=clicked
        )
    count(counted)

    both = page(alice_client, counted, "?by=campaign&period=own&since=2026-06-01&until=2026-07-31")
    one = page(alice_client, counted, "?by=campaign&period=own&since=2026-07-01&until=2026-07-31&compare=on")

    assert ">Letter, 2 Jun 2026</a>" in both
    assert ">Letter, 3 Jul 2026</a>" in both
    table_of_both, table_of_one = (
        shown.split('aria-label="Campaigns, broken down"')[1].split("</table>")[0] for shown in (both, one)
    )
    assert re.findall(r'<th scope="row"><a href="[^"]*">([^<]*)</a>', table_of_one) == ["Letter, 3 Jul 2026"]
    assert '<td class="number one-line">0</td>' in table_of_both


def test_an_old_campaign_that_somebody_opened_today_stands_beside_noughts_of_what_was_sent(
    alice_client: Client, counted: Connection, account: SandboxServer
) -> None:
    today, identity = date.today(), account.world.ids("campaigns")[0]
    for one in account.world.ids("campaigns"):
        account.world.change("campaigns", one, name=f"Letter {one}", sdate="2020-06-02T12:00:00+00:00")
    opened = {"isread": "1", "tstamp": f"{today}T00:00:01+00:00"}
    account.world.insert("linkData", campaignid=identity, subscriberid="1", **opened)
    counted.stream_keys = [*counted.stream_keys, "linkData"]
    counted.save(update_fields=["stream_keys"])
    count(counted)

    shown = page(alice_client, counted, f"?by=campaign&period=own&since={today}&until={today}")

    [row] = re.findall(r"<tr> <th scope=\"row\"><a [^>]*>Letter .*?</tr>", shown)
    assert f">Letter {identity}</a>" in row and '<td class="number one-line">1</td>' in row
    assert row.count('<td class="number one-line">0</td>') > 5


def test_a_breakdown_leads_from_each_number_to_the_groups_in_its_order(
    alice_client: Client, counted: Connection, account: SandboxServer
) -> None:
    unclicked = counted.records.filter(stream="campaigns", amount__gt=0).order_by("-happened_at")[0]
    account.world.change("campaigns", unclicked.external_id, subscriberclicks="0")
    count(counted)
    shown = page(alice_client, counted, "?by=campaign&period=own&since=2024-01-01")
    table = shown.split('aria-label="Campaigns, broken down"')[1].split("</table>")[0]

    way = re.search(r'<a href="([^"]*)">Click rate</a>', table)
    assert way is not None
    ordered = alice_client.get(way[1].replace("&amp;", "&")).content.decode()

    rates = [float(one) for one in re.findall(r'number one-line">([\d.]+) %', ordered.split(", broken down")[-1])]
    assert len(rates) > 2
    assert rates[-1] == 0
    assert rates == sorted(rates, reverse=True)


def test_marks_tell_of_campaigns_and_of_another_key(alice_client: Client, counted: Connection) -> None:
    sent = counted.records.filter(stream="campaigns", amount__gt=0).order_by("-happened_at").first()
    day = sent.happened_at.date().isoformat()
    counted.record("edited", by=counted.created_by, changes={"api_key": ["a", "b"]})
    Event.objects.filter(verb="edited").update(at=sent.happened_at)

    shown = page(alice_client, counted, f"contacts_new/?period=own&since={day}&until={day}")

    assert escape(f"campaign “{sent.label}”") in shown
    assert "another API key" in shown


def test_nonsense_in_the_address_is_as_if_it_were_not_there(alice_client: Client, counted: Connection) -> None:
    usual = page(alice_client, counted, "contacts_new/?compare=on")

    odd = page(alice_client, counted, "contacts_new/?compare=on&period=%00&since=99&until=x&step=eon&by=moon&group=%00")

    drawings = [re.findall(r'<path class="picture-line[^>]*>', shown) for shown in (usual, odd)]
    assert drawings[0] == drawings[1] != []


def test_asking_now_asks_the_account_and_shows_what_it_says(
    alice_client: Client, counted: Connection, account: SandboxServer
) -> None:
    account.world.add_contact()
    account.reset()

    here = f"{counted.url('numbers')}contacts_total/"
    response = alice_client.post(f"{here}check/", {"back": here})

    assert (response["Location"], account.stats()["requests"]) == (here, 1)
    assert "1 fewer here than there" in page(alice_client, counted, "contacts_total/")


def test_who_asks_for_a_figure_that_the_account_has_for_parts_alone_is_told_where_they_stand(
    alice_client: Client, counted: Connection, account: SandboxServer
) -> None:
    for number in range(100):  # A page of its list has no more.
        account.world.insert("campaigns", name=f"Letter {number}", uniqueopens="1")
    here = f"{counted.url('numbers')}mails_opened/"
    told = alice_client.post(f"{here}check/", {"back": here}, follow=True).content.decode()
    assert f'It has no figure for all together: what it says stands <a href="{here}?by=campaign">' in told
    assert "beside each campaign</a>." in told
    assert (
        "no figure for all"
        not in alice_client.post(
            f"{counted.url('numbers')}contacts_total/check/", {"back": here}, follow=True
        ).content.decode()
    )


def test_a_group_has_its_name_also_where_there_is_none_of_it(
    alice_client: Client, counted: Connection, account: SandboxServer
) -> None:
    identity = account.world.ids("campaigns")[0]
    account.world.change("campaigns", identity, name="Long ago", sdate="2020-06-02T12:00:00+00:00")
    count(counted)
    assert "Campaign: Long ago" in page(alice_client, counted, f"?by=campaign&group={identity}&period=30")
    assert "Campaign: Long ago" in page(alice_client, counted, f"mails_sent/?by=campaign&group={identity}&period=30")


def test_a_share_of_few_stands_paler_beside_the_others(alice_client: Client, counted: Connection) -> None:
    [whole] = figures(counted, Period.usual(date.today()), keys=["open_rate"], by="campaign")
    few = [part.count for part in whole.parts if part.count and part.count < FEW]

    shown = page(alice_client, counted, "open_rate/?by=campaign")

    assert shown.count("bar-few") == len(few) > 0
    assert shown.count(f"A paler bar is of fewer than {FEW}: chance has a large part in it.") == 1
    assert "bar-few" not in page(alice_client, counted, "mails_sent/?by=campaign")


@pytest.mark.parametrize(
    "group", ["../contacts/1", "1?limit=1", "1/..", "%2e%2e", "//other.example", "1\n", "\x01", "x"]
)
def test_asking_about_a_group_goes_to_no_other_place_of_the_account(
    bob_client: Client, counted: Connection, account: SandboxServer, group: str
) -> None:
    account.reset()

    response = bob_client.post(f"{counted.url('numbers')}mails_opened/check/", {"by": "campaign", "group": group})

    assert (response.status_code, account.stats()["requests"]) == (302, 0)


def test_a_number_that_no_chosen_stream_gives_is_none(alice_client: Client, counted: Connection) -> None:
    assert alice_client.get(f"{counted.url('numbers')}opened_by_day/").status_code == 404


def test_what_is_in_no_month_stands_beside_the_number(alice_client: Client, counted: Connection) -> None:
    shown = page(alice_client, counted)
    [won] = figures(counted, Period(start=date.today(), end=date.today()), keys=["deals_won"])
    assert won.undated > 1

    article = shown[shown.index('id="number-deals_won"') :]
    said = f"<strong>{won.undated} won before we connected, in no month</strong>"
    assert said in article[: article.index("</article>")]
    row = shown[shown.index('id="number-time_to_win"') :]
    assert said in row[: row.index("</tr>")]


def test_a_number_says_first_what_is_in_no_month_and_since_when_days_are_known(
    alice_client: Client, counted: Connection
) -> None:
    found = figures(counted, Period(start=date.today(), end=date.today()), keys=["deals_won_value"])
    assert all(one.undated and one.told_since == date.today() for one in found)

    shown = page(alice_client, counted, "deals_won_value/?period=own&since=2026-06-01&until=2026-06-30")
    rate = page(alice_client, counted, "win_rate/")

    for one in found:
        said = f"{words_of(one.undated, one)} won before we connected, in no month."
        assert shown.count(said) == 1
        before_the_value = shown[shown.index(said) : shown.index('class="figure-value"', shown.index(said))]
        assert "choose <strong>Deal activities</strong> in <a" in before_the_value
        assert f"since {date.today():%-d %B %Y}, when we first read deals" in before_the_value
        assert "All of this period lies before" in before_the_value
    assert " closed before we connected, in no month." in rate and "Part of this period lies before" in rate


def test_of_days_with_nothing_it_is_said_so_and_when_the_last_one_was(
    alice_client: Client, counted: Connection
) -> None:
    days = "?period=own&since=2001-01-01&until=2001-01-31"
    shown = page(alice_client, counted, f"click_rate/{days}")
    contacts = page(alice_client, counted, f"contacts_new/{days}")

    assert "none in these days" in shown and "not known yet" not in shown and "The last one was on " in shown
    last = counted.records.filter(stream="contacts").latest("happened_at").happened_at
    assert f"The last one was on {last.astimezone(UTC):%-d %B %Y}." in contacts
    assert "The last one was" not in page(alice_client, counted, "contacts_new/?period=all")


@pytest.mark.parametrize("number", ["deals_won", "deals_won_value", "win_rate"])
def test_what_may_have_been_won_before_connecting_is_not_said_to_be_nothing(
    alice_client: Client, counted: Connection, number: str
) -> None:
    shown = page(alice_client, counted, f"{number}/?period=own&since=2026-06-01&until=2026-06-30")
    value = shown.partition('class="figure-value"')[2].partition("</p>")[0]

    assert "not known" in value and "0" not in value
    assert "before we connected, in no month" in shown
    assert "picture-frame" not in shown  # A line at nought would say so, too.


def test_a_topic_of_which_nothing_was_read_says_so_once(alice_client: Client, counted: Connection) -> None:
    counted.holding.marks.filter(stream="deals").delete()

    shown = page(alice_client, counted)

    assert shown.count("Not known yet: its numbers stand here") == 1
    assert 'id="number-deals_won"' not in shown and 'id="number-contacts_total"' in shown


def test_dates_beside_another_period_are_said_not_to_count(alice_client: Client, counted: Connection) -> None:
    dates, said = "since=2025-05-01&until=2025-05-31", "From and Until count once"

    assert said in page(alice_client, counted, f"contacts_new/?period=months&{dates}")
    assert said not in page(alice_client, counted, f"contacts_new/?period=own&{dates}")
    assert said not in page(alice_client, counted, "contacts_new/?period=months")


def test_where_there_is_none_of_any_part_a_number_says_so(alice_client: Client, counted: Connection) -> None:
    none = "In these days it is 0 for each list."
    asked = "list_growth/?by=list&period=own"
    nought = '<td class="number one-line">0</td>'
    assert nought in page(alice_client, counted, "?by=list&period=own&since=2026-04-01&until=2026-06-30")

    assert none in page(alice_client, counted, f"{asked}&since=2001-01-01&until=2001-01-31")
    assert none not in page(alice_client, counted, f"{asked}&since=2026-04-01&until=2026-06-30")
    counted.holding.marks.filter(stream="contactLists").delete()
    assert none not in page(alice_client, counted, f"{asked}&since=2001-01-01&until=2001-01-31")  # Nobody knows.


def test_dates_of_ones_own_that_do_not_count_are_told(alice_client: Client, counted: Connection) -> None:
    missing, cut = "Fill in From", "At most three years"
    asked = "contacts_new/?period=own&until=2026-06-30"

    shown = page(alice_client, counted, asked)
    assert missing in shown
    assert re.search(r"<details[^>]* open[^>]*>\s*<summary>From – until", shown)
    assert missing in page(alice_client, counted, f"{asked}&since=1999-12-31")
    assert cut in page(alice_client, counted, f"{asked}&since=2020-01-01")
    plain = page(alice_client, counted, f"{asked}&since=2026-01-01")
    assert cut not in plain and missing not in plain


def test_all_time_also_has_what_is_of_no_day_by_each_pipeline(
    alice_client: Client, counted: Connection, account: SandboxServer
) -> None:
    hidden = next(row["id"] for row in account.world.rows("deals") if row["status"] == "1")
    account.world.change("deals", hidden, isDisabled=True)  # The plan does not cover it: its stage is not shown.
    count(counted)
    statuses = [row["status"] for row in account.world.rows("deals")]
    won, lost = statuses.count("1"), statuses.count("2")
    assert won and lost

    shown = page(alice_client, counted, "win_rate/?period=all&by=pipeline&compare=on")

    assert f'<p class="figure-value">{round(100 * won / (won + lost), 1):g} %</p>' in shown
    assert "The number below is of all" in shown and "Compared with" not in shown
    of_each = [int(one) for one in re.findall(r'<span class="quiet">of (\d+)</span>', shown)]
    assert sum(of_each) == won + lost and len(of_each) > 1
    assert '<th scope="row">Pipeline not shown</th>' in shown
    assert f'<p class="figure-value">{won}</p>' in page(alice_client, counted, "deals_won/?period=all")


def test_once_deal_activities_are_chosen_and_read_each_deal_is_in_its_month(
    alice_client: Client, counted: Connection, account: SandboxServer
) -> None:
    counted.stream_keys = [*counted.stream_keys, "dealActivities"]
    counted.save(update_fields=["stream_keys"])
    assert "Deal activities are chosen: once they were synced" in page(alice_client, counted, "deals_won/")
    count(counted)

    told = [row["cdate"] for row in account.world.rows("dealActivities") if row["dataId"] == "1"]
    last = max(datetime.fromisoformat(one).astimezone(UTC).date() for one in told)
    won = [
        day for one in told if (day := datetime.fromisoformat(one).astimezone(UTC).date()) > last - timedelta(days=90)
    ]
    shown = page(alice_client, counted, f"deals_won/?period=own&since={min(won)}&until={last}")

    assert "in no month" not in shown
    assert f'<p class="figure-value">{len(won)}</p>' in shown


def test_a_rate_changes_by_points_and_all_else_by_per_cent() -> None:
    assert change(0.143, 0.082, "share") == "+6.1 points"
    assert change(0.082, 0.143, "share") == "−6.1 points"
    assert change(0.5, 0.5, "share") == change(100, 100, "count") == change(1, 0, "count") == ""
    assert change(112, 100, "count") == "+12 %"


def test_dates_the_wrong_way_round_are_turned() -> None:
    period = PeriodForm({"period": "own", "since": "2026-05-31", "until": "2026-05-01"}, today=date(2026, 12, 31)).asked

    assert (period.start, period.end) == (date(2026, 5, 1), date(2026, 5, 31))


def test_before_anything_is_counted_nothing_is_made_up_and_once_it_is_pages_offer_it(
    alice_client: Client, account: SandboxServer, connect: Connect
) -> None:
    connection = connect(account)
    first = connection.syncs.queue(connection, trigger="schedule")
    shown = page(alice_client, connection)
    home = alice_client.get("/w/harbour-tea/").content.decode()

    assert "The data is still on its way" in shown
    assert 'class="figure-value">0' not in shown
    assert "picture-line" not in shown
    assert f'href="{connection.url("numbers")}">Numbers of Main account</a>' in home

    def looked_again(shown: str) -> str:
        [address] = re.findall(r'hx-get="([^"]*[?]counted=[^"]*)"', shown)
        return alice_client.get(address, headers={"HX-Request": "true"}).content.decode()

    assert "Newer" not in looked_again(shown)
    take_up(first)
    assert "Newer" not in looked_again(shown)
    count_and_prove(threading.Event())

    for before in (shown, home):
        now = looked_again(before)
        assert "Newer numbers are there" in now and "hx-get" not in now
    assert "counted=" not in page(alice_client, connection)


@pytest.mark.parametrize(
    ("asked", "start", "step"),
    [
        ({}, date(2026, 1, 1), "month"),
        ({"period": "7"}, date(2026, 12, 25), "day"),
        ({"period": "90"}, date(2026, 10, 3), "week"),
        ({"period": "this"}, date(2026, 12, 1), "day"),
        ({"period": "own", "since": "2027-03-01"}, date(2026, 12, 31), "day"),
        ({"period": "own", "since": "2001-01-01", "step": "day"}, date(2023, 12, 29), "week"),
    ],
    ids=["usual", "week", "quarter", "month", "future", "ages"],
)
def test_days_of_a_period(asked: dict[str, str], start: date, step: str) -> None:
    period = PeriodForm(asked, today=date(2026, 12, 31)).asked

    assert (period.start, period.end, period.step) == (start, date(2026, 12, 31), step)


def test_last_month_is_compared_with_the_whole_month_before_it() -> None:
    form = PeriodForm({"period": "last"}, today=date(2026, 3, 31))
    assert (form.asked.start, form.asked.end) == (date(2026, 2, 1), date(2026, 2, 28))
    assert (form.asked.before.start, form.asked.before.end) == (date(2026, 1, 1), date(2026, 1, 31))
    january = PeriodForm({"period": "last"}, today=date(2026, 2, 1)).asked
    assert (january.start, january.before.start, january.before.days) == (date(2026, 1, 1), date(2025, 12, 1), 31)


def test_what_begins_with_a_month_is_compared_up_to_the_same_day_of_as_many_months_before() -> None:
    usual, this = (PeriodForm({"period": one}, today=date(2026, 3, 30)).asked for one in ("months", "this"))

    assert (usual.before.start, usual.before.end) == (date(2024, 4, 1), date(2025, 3, 30))
    assert (this.before.start, this.before.end) == (date(2026, 2, 1), date(2026, 2, 28))


def test_a_week_of_which_the_period_has_a_part_is_told_so(alice_client: Client, counted: Connection) -> None:
    shown = page(alice_client, counted, "contacts_new/?period=own&since=2025-05-01&until=2025-05-31&step=week")

    assert shown.count('<span class="quiet">in part</span>') == 2  # 1 May was a Thursday, 31 May a Saturday.
    assert "dotted: in part in this period" in shown


def test_days_are_said_to_be_counted_anew_from_another_zone_chosen_until_they_are(
    alice_client: Client, counted: Connection
) -> None:
    counted.workspace.timezone = "Pacific/Auckland"
    counted.workspace.save()
    shown = page(alice_client, counted)
    assert "Days are being counted anew: they will end at midnight, Pacific/Auckland." in shown
    assert "Days end at midnight, UTC." in shown and "Days end at midnight, Pacific/Auckland." not in shown

    stir_outdated()
    count_holding(counted.holding)
    shown = page(alice_client, counted)
    assert "counted anew" not in shown and "Days end at midnight, UTC." not in shown
