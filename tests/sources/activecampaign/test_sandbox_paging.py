"""Limit, offset, keyset and filters of the sandbox."""

import pytest

from sources.activecampaign.sandbox.world.moments import iso, parse
from tests.sandbox_fixture import ask


def ids(answer, stream="contacts"):
    return [row["id"] for row in answer.json()[stream]]


def test_a_page_has_20_rows_unless_asked_and_never_more_than_100(sandbox):
    assert len(ids(ask(sandbox, "contacts"))) == 20
    assert len(ids(ask(sandbox, "contacts", limit=7))) == 7
    assert len(ids(ask(sandbox, "contacts", limit=2500))) == 100
    assert len(ids(ask(sandbox, "contacts", limit="many"))) == 20


def test_offset_pages_together_are_the_whole_stream(sandbox):
    pages = [ids(ask(sandbox, "contacts", limit=100, offset=offset)) for offset in (0, 100, 200, 300)]

    assert [len(page) for page in pages] == [100, 100, 50, 0]
    assert [identity for page in pages for identity in page] == sandbox.world.ids("contacts")


def test_a_keyset_walk_meets_every_contact_once_and_ids_have_gaps(sandbox):
    walked, after = [], "0"
    while page := ids(ask(sandbox, "contacts", limit=100, id_greater=after, **{"orders[id]": "ASC"})):
        walked += page
        after = page[-1]

    assert walked == sandbox.world.ids("contacts")
    assert int(walked[-1]) - int(walked[0]) > len(walked)


def test_ids_can_be_bounded_on_both_sides_and_walked_backwards(sandbox):
    everyone = sandbox.world.ids("contacts")
    bounds = {"id_greater": everyone[9], "id_less": everyone[15]}

    assert ids(ask(sandbox, "contacts", **bounds)) == everyone[10:15]
    assert ids(ask(sandbox, "contacts", **bounds, **{"orders[id]": "desc"})) == everyone[10:15][::-1]
    assert ids(ask(sandbox, "contacts", limit=3, **{"orders[id]": "DESC"})) == everyone[:-4:-1]


def test_only_contacts_know_the_keyset(sandbox):
    everyone = sandbox.world.ids("deals")

    assert ids(ask(sandbox, "deals", id_greater=everyone[5]), "deals") == everyone[:20]


def test_contacts_changed_after_a_moment_are_strictly_after_it(sandbox):
    changed = sandbox.world.ids("contacts")[50]
    sandbox.world.change_contact(changed, moment=1_900_000_000, firstName="Noa")

    assert ids(ask(sandbox, "contacts", **{"filters[updated_after]": iso(1_899_999_999)})) == [changed]
    assert ids(ask(sandbox, "contacts", **{"filters[updated_after]": iso(1_900_000_000)})) == []


def test_deals_changed_after_a_moment_include_it(sandbox):
    changed = sandbox.world.ids("deals")[7]
    sandbox.world.change("deals", changed, moment=1_900_000_000, title="Matcha for the fleet")

    assert ids(ask(sandbox, "deals", **{"filters[updated_after]": iso(1_900_000_000)}), "deals") == [changed]
    assert ids(ask(sandbox, "deals", **{"filters[updated_after]": iso(1_900_000_001)}), "deals") == []


def test_a_filter_and_a_keyset_hold_together(sandbox):
    first, second = sandbox.world.ids("contacts")[3], sandbox.world.ids("contacts")[200]
    for identity in (first, second):
        sandbox.world.change_contact(identity, moment=1_900_000_000)

    answer = ask(sandbox, "contacts", id_greater=first, **{"filters[updated_after]": "2030-01-01T00:00:00Z"})

    assert ids(answer) == [second]


def test_filtered_and_unfiltered_rows_agree_with_the_dates_in_them(sandbox):
    edge = parse("2025-01-01T00:00:00Z")
    rows = sandbox.world.rows("contacts")
    expected = [row["id"] for row in rows if parse(row["udate"] or row["cdate"]) > edge]

    answer = ask(sandbox, "contacts", limit=100, **{"filters[updated_after]": "2025-01-01T00:00:00Z"})

    assert answer.json()["meta"]["total"] == str(len(expected))
    assert ids(answer) == expected[:100]
    assert any(row["udate"] is None for row in rows)


def test_contacts_can_be_asked_for_by_when_they_were_created(sandbox):
    edge = parse("2024-06-01")
    expected = [row["id"] for row in sandbox.world.rows("contacts") if parse(row["cdate"]) > edge]

    answer = ask(sandbox, "contacts", limit=100, **{"filters[created_after]": "2024-06-01"})

    assert answer.json()["meta"]["total"] == str(len(expected))


def test_activities_come_in_the_order_of_their_moments_and_after_one(sandbox):
    first, *_, last = sandbox.world.ids("activities")
    sandbox.world.change("activities", first, moment=1_900_000_000)

    newest = ids(ask(sandbox, "activities", limit=2, **{"orders[tstamp]": "DESC"}), "activities")
    after = ids(ask(sandbox, "activities", after="2030-01-01T00:00:00Z"), "activities")
    oldest = ask(sandbox, "activities", limit=100, **{"orders[tstamp]": "ASC"}).json()["activities"]

    assert newest == [first, last]
    assert after == [first]
    assert oldest == sorted(oldest, key=lambda row: parse(row["tstamp"]))
    assert ask(sandbox, "activities", **{"orders[tstamp]": "up"}).status_code == 422


def test_a_filter_that_is_no_date_is_refused(sandbox):
    assert ask(sandbox, "contacts", **{"filters[updated_after]": "yesterday"}).status_code == 422


@pytest.mark.parametrize(
    ("moment", "written"),
    [
        ("2026-03-02T15:14:11Z", "2026-03-02T09:14:11-06:00"),
        ("2026-07-19T21:40:02Z", "2026-07-19T16:40:02-05:00"),
        ("2026-03-08T07:59:59Z", "2026-03-08T01:59:59-06:00"),
        ("2026-03-08T08:00:00Z", "2026-03-08T03:00:00-05:00"),
        ("2026-11-01T06:59:59Z", "2026-11-01T01:59:59-05:00"),
        ("2026-11-01T07:00:00Z", "2026-11-01T01:00:00-06:00"),
    ],
)
def test_times_are_written_as_us_central_wall_clocks(moment, written):
    assert iso(int(parse(moment))) == written


def test_a_time_without_a_zone_is_the_accounts_own():
    assert parse("2026-07-19T16:40:02") == parse("2026-07-19T21:40:02Z")
    assert parse("2026-01-19") == parse("2026-01-19T06:00:00Z")
