"""How the sandbox's rows hang together: lists within lists, counters that follow from rows, and udate."""

from collections import Counter
from collections.abc import Callable
from random import Random

import pytest

from sources.activecampaign.sandbox.server import SandboxServer
from sources.activecampaign.sandbox.world.catalogue import RESOURCES
from sources.activecampaign.sandbox.world.ties import Spread
from sources.activecampaign.sandbox.world.world import World
from tests.sandbox_fixture import ask

NESTED = [
    ("contacts", "contactTags", "contactTags", "contact"),
    ("contacts", "contactLists", "contactLists", "contact"),
    ("contacts", "fieldValues", "fieldValues", "contact"),
    ("contacts", "scoreValues", "scoreValues", "contact"),
    ("contacts", "bounceLogs", "bounceLogs", "subscriberid"),
    ("tags", "contactTags", "contactTags", "tag"),
    ("automations", "contactAutomations", "contactAutomations", "automation"),
    ("campaigns", "links", "links", "campaignid"),
    ("campaigns", "campaignLists", "campaignLists", "campaign"),
    ("links", "linkData", "linkData", "linkid"),
    ("links", "mppLinkData", "mppLinkData", "linkid"),
    ("scores", "scoreValues", "scoreValues", "score"),
    ("deals", "dealActivities", "dealActivities", "d_id"),
    ("deals", "tasks", "dealTasks", "relid"),
    ("ecomOrders", "orderProducts", "ecomOrderProducts", "order"),
]
TIMES_OF = {
    "opens": ("1", lambda rows: sum(int(row["times"]) for row in rows)),
    "uniqueopens": ("1", len),
    "linkclicks": ("0", lambda rows: sum(int(row["times"]) for row in rows)),
    "uniquelinkclicks": ("0", len),
    "subscriberclicks": ("0", lambda rows: len({row["subscriberid"] for row in rows})),
}


@pytest.mark.parametrize(("owners", "owned"), [(1, 3), (2, 9), (5, 4), (7, 30), (100, 250), (101, 0)])
def test_whose_a_row_is_can_be_told_either_way_and_nobody_has_the_same_twice(owners: int, owned: int) -> None:
    for spread in (Spread("contacts"), Spread("contacts", shift=3)):
        by_owner: dict[int, list[int]] = {owner: [] for owner in range(owners)}
        for place in range(owned):
            by_owner[spread.owner(place, owners=owners)].append(place)

        for owner, places in by_owner.items():
            assert spread.places(owner, owners=owners, rows=owned) == places
            assert len({spread.nth(place, owners=owners) for place in places}) == len(places)


@pytest.mark.parametrize(("stream", "name", "of", "column"), NESTED)
def test_a_list_within_a_list_holds_exactly_the_rows_of_its_owner(
    sandbox: SandboxServer, stream: str, name: str, of: str, column: str
) -> None:
    owners = Counter(str(row[column]) for row in sandbox.world.rows(of))
    owner, count = owners.most_common(1)[0]

    answer = ask(sandbox, f"{stream}/{owner}/{name}", limit=100).json()

    wanted = [row for row in sandbox.world.rows(of) if str(row[column]) == owner]
    assert answer[of] == wanted[:100]
    assert len(wanted) == count
    if "meta" in answer:
        assert int(answer["meta"]["total"]) == count


def test_values_within_a_deal_or_an_account_have_the_shape_that_include_gives_them(sandbox: SandboxServer) -> None:
    deal, account = sandbox.world.ids("deals")[1], sandbox.world.ids("accounts")[1]

    of_deal = ask(sandbox, f"deals/{deal}/dealCustomFieldData").json()["dealCustomFieldData"]
    of_account = ask(sandbox, f"accounts/{account}/accountCustomFieldData").json()["customerAccountCustomFieldData"]

    assert {row["deal_id"] for row in of_deal} == {deal}
    assert {row["customer_account_id"] for row in of_account} == {account}


def test_what_has_no_owner_and_what_is_no_list_of_it_is_not_found(sandbox: SandboxServer) -> None:
    first = sandbox.world.ids("contacts")[0]

    for path in ("contacts/999999/contactTags", f"contacts/{first}/organization", "deals/1/fieldValues", "scoreValues"):
        assert ask(sandbox, path).status_code == 404


def test_records_of_custom_objects_are_asked_for_by_schema_and_come_in_no_lasting_order(sandbox: SandboxServer) -> None:
    schema = sandbox.world.ids("customObjects/schemas")[0]

    pages = [ask(sandbox, f"customObjects/records/{schema}", limit=30).json() for _ in range(2)]

    own = [row for row in sandbox.world.rows("customObjects/records") if row["schemaId"] == schema]
    assert ask(sandbox, "customObjects/records").status_code == 400
    assert [row["id"] for row in pages[0]["records"]] != [row["id"] for row in pages[1]["records"]]
    assert all(row in own for one in pages for row in one["records"])
    assert pages[0]["meta"]["total"] > len(own)


def test_what_a_campaign_counts_is_what_its_rows_come_to() -> None:
    world = World(contacts=3000)
    sends, traces = world.rows("logs"), world.rows("linkData")

    campaigns = world.rows("campaigns")

    for campaign in campaigns:
        mine = [row for row in traces if row["campaignid"] == campaign["id"]]
        assert int(campaign["send_amt"]) == sum(row["campaignid"] == campaign["id"] for row in sends)
        for column, (isread, count) in TIMES_OF.items():
            assert int(campaign[column]) == count([row for row in mine if row["isread"] == isread]), column
        assert int(campaign["verified_unique_opens"]) <= int(campaign["uniqueopens"])
    assert any(int(one["uniquelinkclicks"]) > int(one["subscriberclicks"]) > 0 for one in campaigns)


def test_machines_opens_are_rows_of_their_own_and_in_no_counter(sandbox: SandboxServer) -> None:
    machines = sandbox.world.rows("mppLinkData")
    before = {row["id"]: row["opens"] for row in sandbox.world.rows("campaigns")}

    sandbox.world.insert("mppLinkData", campaignid=machines[0]["campaignid"])

    assert {row["isread"] for row in machines} == {"2"}
    assert {row["isread"] for row in sandbox.world.rows("linkData")} == {"0", "1"}
    assert {row["id"]: row["opens"] for row in sandbox.world.rows("campaigns")} == before


def test_counters_follow_what_is_added_changed_and_removed(sandbox: SandboxServer) -> None:
    world = sandbox.world
    trace = next(row for row in world.rows("linkData") if row["isread"] == "1")
    campaign = world.row("campaigns", trace["campaignid"])

    world.change("linkData", trace["id"], times=str(int(trace["times"]) + 5))
    more = world.row("campaigns", campaign["id"])
    world.remove("linkData", trace["id"])
    less = world.row("campaigns", campaign["id"])

    assert int(more["opens"]) == int(campaign["opens"]) + 5
    assert int(less["opens"]) == int(campaign["opens"]) - int(trace["times"])
    assert int(less["uniqueopens"]) == int(campaign["uniqueopens"]) - 1


def test_lists_tags_automations_and_accounts_count_their_rows(sandbox: SandboxServer) -> None:
    world = sandbox.world
    on_lists, tagged, entered = (world.rows(one) for one in ("contactLists", "contactTags", "contactAutomations"))

    for row in world.rows("lists"):
        mine = [one for one in on_lists if one["list"] == row["id"]]
        assert int(row["non_deleted_subscribers"]) == len(mine)
        assert int(row["active_subscribers"]) == sum(one["status"] == "1" for one in mine)
    assert len({one["list"] for one in on_lists if one["status"] != "1"}) > 2
    for row in world.rows("tags"):
        assert int(row["subscriber_count"]) == sum(one["tag"] == row["id"] for one in tagged)
    for row in world.rows("automations"):
        mine = [one for one in entered if one["automation"] == row["id"]]
        assert (int(row["entered"]), int(row["exited"])) == (len(mine), sum(one["status"] == "2" for one in mine))


def test_accounts_tell_their_deals_only_when_asked(sandbox: SandboxServer) -> None:
    plain = ask(sandbox, "accounts").json()["accounts"]
    asked = ask(sandbox, "accounts", count_deals="true").json()["accounts"]

    assert {row["dealCount"] for row in plain} == {"0"}
    assert sum(int(row["dealCount"]) for row in asked) > 0


MOVES = [
    *((stream, "contact") for stream in ("contactTags", "contactLists", "fieldValues", "scoreValues")),
    *((stream, "subscriberid") for stream in ("linkData", "bounceLogs")),
]


@pytest.mark.parametrize(("stream", "column"), MOVES)
def test_what_happens_to_a_contact_moves_its_udate(sandbox: SandboxServer, stream: str, column: str) -> None:
    contact = sandbox.world.ids("contacts")[7]
    after = {"filters[updated_after]": "2029-01-01T00:00:00Z"}

    added = sandbox.world.insert(stream, moment=1_900_000_000, **{column: contact})
    moved = ask(sandbox, "contacts", **after).json()["contacts"]
    sandbox.world.remove(stream, added, moment=1_900_000_060)

    assert [(row["id"], row["udate"]) for row in moved] == [(contact, "2030-03-17T12:46:40-05:00")]
    assert sandbox.world.row("contacts", contact)["udate"] == "2030-03-17T12:47:40-05:00"


def test_what_changes_hands_moves_both(sandbox: SandboxServer) -> None:
    tag = sandbox.world.rows("contactTags")[0]
    other = next(identity for identity in sandbox.world.ids("contacts") if identity != tag["contact"])

    sandbox.world.change("contactTags", tag["id"], contact=other, moment=1_900_000_000)

    moved = ask(sandbox, "contacts", **{"filters[updated_after]": "2029-01-01T00:00:00Z"}).json()["contacts"]
    assert {row["id"] for row in moved} == {tag["contact"], other}


def test_sends_and_machines_opens_do_not_move_it(sandbox: SandboxServer) -> None:
    contact = sandbox.world.ids("contacts")[7]
    before = sandbox.world.row("contacts", contact)

    for stream in ("logs", "mppLinkData", "emailActivities", "trackingLogs"):
        sandbox.world.insert(stream, subscriberid=contact)

    assert sandbox.world.row("contacts", contact) == before


def test_an_account_may_not_move_udate_at_all(sandbox: SandboxServer) -> None:
    sandbox.behave(moving=[])
    contact = sandbox.world.ids("contacts")[7]
    before = sandbox.world.row("contacts", contact)["udate"]

    sandbox.world.insert("contactTags", contact=contact)

    assert sandbox.world.row("contacts", contact)["udate"] == before


def test_what_belongs_to_a_row_goes_with_it_and_what_happened_stays(sandbox: SandboxServer) -> None:
    contact = sandbox.world.rows("linkData")[0]["subscriberid"]
    traces = sandbox.world.count("linkData")

    sandbox.world.delete_contact(contact)

    for stream in ("contactTags", "contactLists", "fieldValues", "contactAutomations", "accountContacts"):
        assert contact not in {row["contact"] for row in sandbox.world.rows(stream)}
    assert sandbox.world.count("linkData") == traces


def test_a_single_contact_comes_with_its_lists_automations_and_values(sandbox: SandboxServer) -> None:
    contact = sandbox.world.rows("contactAutomations")[0]["contact"]

    beside = ask(sandbox, f"contacts/{contact}").json()

    for stream in ("contactLists", "contactAutomations", "fieldValues"):
        assert beside[stream] == [row for row in sandbox.world.rows(stream) if row["contact"] == contact]


def test_changing_many_contacts_keeps_little_of_them(new_sandbox: Callable[..., SandboxServer]) -> None:
    world = World(contacts=2000)

    for identity in world.ids("contacts"):
        world.insert("contactTags", contact=identity, tag="9")

    assert all(len(kept) <= 3 for kept in world.table("contacts")._written.values())


def test_an_empty_account_has_lists_of_mail_too() -> None:
    world = World(contacts=0, deals=0)

    added = world.insert("linkData")

    assert world.row("linkData", added)["subscriberid"] == "0"
    assert world.rows("logs") == world.rows("mppLinkData") == world.rows("bounceLogs") == []


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_added_changed_and_removed_lists_counters_and_orders_say_what_the_rows_say(seed: int) -> None:
    world, dice = World(contacts=60, deals=20, seed=seed), Random(seed)
    streams = ("contacts", "contactTags", "contactLists", "contactAutomations", "linkData", "campaigns", "contactDeals")

    for _ in range(120):
        stream = dice.choice(streams)
        columns = {
            name: dice.choice(world.ids(of)) for name, of in RESOURCES[stream].ties.items() if dice.random() < 0.5
        }
        match dice.choice(("insert", "change", "remove")):
            case "insert":
                world.insert(stream, **columns)
            case "change" if world.count(stream):
                world.change(stream, dice.choice(world.ids(stream)), **columns)
            case "remove" if world.count(stream) > 9:
                world.remove(stream, dice.choice(world.ids(stream)))

    for stream in streams[1:]:
        rows = world.rows(stream)
        for column in {*RESOURCES[stream].ties} & rows[0].keys():
            by_owner = {row[column]: [] for row in rows}
            for row in rows:
                by_owner[row[column]].append(row["id"])
            assert {owner: world.tied(stream, column, owner) for owner in by_owner if owner} == {
                owner: ids for owner, ids in by_owner.items() if owner
            }
    people = {*world.ids("contacts")}
    for row in world.rows("lists"):
        mine = [one for one in world.rows("contactLists") if one["list"] == row["id"]]
        assert int(row["active_subscribers"]) == sum(one["status"] == "1" for one in mine)
        assert {one["contact"] for one in mine} <= people
    for campaign in world.rows("campaigns"):
        mine = [one for one in world.rows("linkData") if one["campaignid"] == campaign["id"]]
        for column, (isread, count) in TIMES_OF.items():
            assert int(campaign[column]) == count([one for one in mine if one["isread"] == isread]), column


@pytest.mark.parametrize("deals", [1, 30, 67])
def test_of_each_deal_that_is_won_or_lost_an_activity_tells_it_after_the_deal_began(deals: int) -> None:
    world = World(contacts=9, deals=deals)

    told = {row["d_id"]: row for row in world.rows("dealActivities") if row["dataType"] == "status"}

    closed = {row["id"]: row for row in world.rows("deals") if row["status"] != "0"}
    assert {identity: row["dataId"] for identity, row in told.items()} == {
        identity: row["status"] for identity, row in closed.items()
    }
    assert all(told[identity]["cdate"] > row.get("cdate", "") for identity, row in closed.items())
    assert bool(closed) == (deals > 1)


def test_what_an_activity_has_told_stays_when_its_deal_is_opened_again() -> None:
    world = World(contacts=9, deals=30)
    told = next(row for row in world.rows("dealActivities") if row["dataType"] == "status")

    world.change("deals", told["d_id"], status="0")

    assert world.row("dealActivities", told["id"]) == told
