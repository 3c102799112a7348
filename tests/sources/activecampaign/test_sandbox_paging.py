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


def test_an_account_may_take_any_zone_for_its_own(sandbox):
    changed = sandbox.world.ids("contacts")[50]
    sandbox.world.change_contact(changed, moment=1_900_000_000)
    in_utc = {"filters[updated_after]": "2030-03-17T17:46:00Z"}  # Forty seconds before; five hours after by the clock.

    heeded = ids(ask(sandbox, "contacts", **in_utc))
    sandbox.behave(heeds_zones=False)

    assert heeded == [changed]
    assert ids(ask(sandbox, "contacts", **in_utc)) == []
    assert ids(ask(sandbox, "contacts", **{"filters[updated_after]": "2030-03-17T12:46:00Z"})) == [changed]


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


HONOURED = [
    ("contacts", "id", lambda row: int(row["id"])),
    ("campaigns", "id", lambda row: int(row["id"])),
    ("campaigns", "sdate", lambda row: parse(row["sdate"]) if row["sdate"] else 0),
    ("emailActivities", "tstamp", lambda row: parse(row["tstamp"])),
    ("activities", "tstamp", lambda row: parse(row["tstamp"])),
    ("logs", "tstamp", lambda row: parse(row["tstamp"])),
    ("linkData", "tstamp", lambda row: parse(row["tstamp"])),
    ("mppLinkData", "id", lambda row: int(row["id"])),
    ("dealActivities", "cdate", lambda row: parse(row["cdate"])),
    ("contactAutomations", "lastdate", lambda row: parse(row["lastdate"])),
]


@pytest.mark.parametrize(("stream", "field", "rank"), HONOURED)
def test_an_order_that_was_seen_to_work_works_either_way(sandbox, stream, field, rank):
    everything = sorted(map(rank, sandbox.world.rows(stream)))

    first = ask(sandbox, stream, limit=100, **{f"orders[{field}]": "ASC"}).json()[stream]
    last = ask(sandbox, stream, limit=100, **{f"orders[{field}]": "DESC"}).json()[stream]

    assert [*map(rank, first)] == everything[:100]
    assert [*map(rank, last)] == everything[:-101:-1]


@pytest.mark.parametrize(("stream", "field"), [("campaigns", "cdate"), ("contacts", "udate"), ("contactTags", "id")])
def test_other_orders_are_ignored_and_not_refused(sandbox, stream, field):
    assert ids(ask(sandbox, stream, **{f"orders[{field}]": "DESC"}), stream) == sandbox.world.ids(stream)[:20]


def test_deals_come_in_the_order_of_their_change(sandbox):
    changed = sandbox.world.ids("deals")[7]
    sandbox.world.change("deals", changed, moment=1_900_000_000)

    assert ids(ask(sandbox, "deals", limit=1, **{"orders[mdate]": "DESC"}), "deals") == [changed]
    assert ids(ask(sandbox, "deals", limit=1, **{"orders[id]": "DESC"}), "deals") == sandbox.world.ids("deals")[-1:]


def test_an_account_may_ignore_an_order_or_a_filter(sandbox):
    sandbox.behave(ignores=["logs orders[tstamp]", "contacts filters[updated_after]"])

    logs = ask(sandbox, "logs", **{"orders[tstamp]": "DESC"})
    contacts = ask(sandbox, "contacts", **{"filters[updated_after]": "2039-01-01T00:00:00Z"})

    assert ids(logs, "logs") == sandbox.world.ids("logs")[:20]
    assert len(ids(contacts)) == 20


FUTURE = "2039-01-01T00:00:00Z"


@pytest.mark.parametrize(("stream", "parameter", "value"), [
    *(("contactLists", f"filters[{name}]", "3") for name in ("list", "listid", "contact")),
    ("contactLists", "filters[updated_since]", FUTURE),
    ("emailActivities", "filters[tstamp][gt]", FUTURE),
    ("activities", "filters[updated_after]", FUTURE),
    ("logs", "filters[contact]", "101"),
    ("trackingLogs", "filters[contact]", "101"),
    ("campaigns", "filters[updated_after]", FUTURE),
])  # fmt: skip
def test_filters_that_were_seen_to_do_nothing_do_nothing(sandbox, stream, parameter, value):
    plain, filtered = ask(sandbox, stream).json(), ask(sandbox, stream, **{parameter: value}).json()

    assert filtered == plain


@pytest.mark.parametrize(("stream", "parameter", "column"), [
    ("campaigns", "filters[status]", "status"),
    ("contactAutomations", "filters[subscriberid][eq]", "contact"),
    ("contactAutomations", "filters[status][eq]", "status"),
    ("fieldValues", "filters[fieldid]", "field"),
    ("accountContacts", "filters[account]", "account"),
    ("activities", "contact", "subscriberid"),
    ("dealActivities", "deal", "d_id"),
])  # fmt: skip
def test_filters_that_were_seen_to_narrow_do(sandbox, stream, parameter, column):
    rows = sandbox.world.rows(stream)
    value = rows[-1][column]

    found = ask(sandbox, stream, limit=100, **{parameter: value}).json()[stream]

    assert found == [row for row in rows if row[column] == value][:100]
    assert len(found) < len(rows)


@pytest.mark.parametrize("value", ["0", "-1", "abc", "9" * 30])
def test_filters_by_what_nobody_has_give_nothing(sandbox, value):
    assert ask(sandbox, "accountContacts", **{"filters[contact]": value}).json()["accountContacts"] == []
    assert ask(sandbox, "campaigns", **{"filters[status]": value[:3] + "x"}).json()["campaigns"] == []


@pytest.mark.parametrize(("parameter", "stream", "column"), [
    ("listid", "contactLists", "list"), ("tagid", "contactTags", "tag"), ("status", "contactLists", "status"),
])  # fmt: skip
def test_contacts_can_be_asked_for_by_list_tag_or_status(sandbox, parameter, stream, column):
    row = sandbox.world.rows(stream)[-1]
    wanted = {one["contact"] for one in sandbox.world.rows(stream) if one[column] == row[column]}

    answer = ask(sandbox, "contacts", limit=100, **{parameter: row[column]})

    assert answer.json()["meta"]["total"] == str(len(wanted))
    assert {*ids(answer)} <= wanted


def test_a_status_beside_a_list_is_that_on_the_list(sandbox):
    left = next(row for row in sandbox.world.rows("contactLists") if row["status"] == "2")

    found = ids(ask(sandbox, "contacts", limit=100, listid=left["list"], status="2"))

    assert {*found} == {
        row["contact"]
        for row in sandbox.world.rows("contactLists")
        if (row["list"], row["status"]) == (left["list"], "2")
    }


def test_some_lists_give_more_than_100_rows_where_an_account_has_not_lost_that(new_sandbox):
    sandbox = new_sandbox(contacts=800)
    most = {"accountCustomFieldData": 1000, "contactAutomations": 2500}
    counts = {stream: min(sandbox.world.count(stream), limit) for stream, limit in most.items()}
    sandbox.world.insert("accountCustomFieldData")

    given = {stream: len(ids(ask(sandbox, stream, limit=limit), stream)) for stream, limit in most.items()}
    sandbox.behave(most_rows=dict.fromkeys(most, 10))
    capped = {stream: len(ids(ask(sandbox, stream, limit=limit), stream)) for stream, limit in most.items()}

    assert given == counts | {"accountCustomFieldData": counts["accountCustomFieldData"] + 1}
    assert set(capped.values()) == {10}


def test_deep_offsets_of_a_heavy_list_fail_for_good(sandbox):
    sandbox.behave(fails_from={"activities": [200, 400]})

    for _ in range(2):
        broken, late = (ask(sandbox, "activities", offset=offset, limit=100) for offset in (200, 400))
        assert (broken.status_code, late.status_code) == (500, 504)
        assert broken.headers["content-type"].startswith("text/html")
        assert "XHTML" in broken.text
    assert ask(sandbox, "activities", offset=199, limit=100).status_code == 200


def test_lists_without_a_lasting_order_overlap_and_claim_too_many(sandbox):
    sandbox.behave(restless=["deals"])

    answer = ask(sandbox, "deals", limit=20)

    assert answer.json()["meta"]["total"] > sandbox.world.count("deals")
    assert ids(answer, "deals") != sandbox.world.ids("deals")[:20]
    assert ids(ask(sandbox, "deals", **{"orders[id]": "ASC"}), "deals") == sandbox.world.ids("deals")[:20]


def test_saved_audiences_are_paged_by_number_and_there_may_be_none(sandbox):
    first, second = (ask(sandbox, "audiences", page=page, page_size=3).json()["data"] for page in (1, 2))

    assert [len(first), len(second)] == [3, 1]
    assert all(len(row["id"]) == 36 and row["attributes"]["name"] for row in first + second)
    assert ask(sandbox, "audiences", page=3, page_size=3).status_code == 404


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
