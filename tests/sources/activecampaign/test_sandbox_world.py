"""The sandbox's invented rows, and what tests may do to them."""

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

from sources.activecampaign.sandbox.world.catalogue import RESOURCES
from sources.activecampaign.sandbox.world.world import World, demo_key
from tests.sandbox_fixture import ask


def everything(world):
    return {stream: world.rows(stream) for stream in RESOURCES}


def test_the_same_seed_gives_the_same_rows_and_key():
    assert everything(World(seed=7)) == everything(World(seed=7))
    assert everything(World(seed=7)) != everything(World(seed=8))
    assert demo_key(7) == demo_key(7) != demo_key(8)
    assert len(demo_key(1)) == 72
    assert set(demo_key(1)) <= set("0123456789abcdef")


def test_a_big_account_costs_nothing_before_it_is_looked_at():
    started = time.monotonic()

    world = World(contacts=300_000)

    assert world.count("contacts") == 300_000
    assert time.monotonic() - started < 5


def test_an_account_may_be_empty():
    world = World(contacts=0, deals=0)

    rows = everything(world)
    assert rows["contacts"] == rows["deals"] == rows["contactTags"] == []
    assert rows["campaigns"]


def test_addresses_are_invented_and_each_is_someones_own():
    emails = [row["email"] for row in World(contacts=2000).rows("contacts")]

    assert len(set(emails)) == 2000
    assert all(email.endswith(".example") and email.isascii() for email in emails)


def test_names_are_empty_accented_right_to_left_and_with_emoji_somewhere():
    rows = World(contacts=2000).rows("contacts")
    text = "".join(row["firstName"] + row["lastName"] for row in rows)

    assert all(sign in text for sign in "éø🍃ש佐")
    assert any(row["firstName"] == row["lastName"] == "" for row in rows)


def test_zero_dates_and_unset_dates_stand_side_by_side():
    rows = World(contacts=2000).rows("contacts")

    assert {"0000-00-00", None} <= {row["bounced_date"] for row in rows}
    assert {"0000-00-00 00:00:00", None} == {row["sms_consent_updated_at"] for row in rows}


def test_nobody_opens_or_clicks_what_was_not_sent():
    for row in World(contacts=5000).rows("campaigns"):
        sent, openers, clickers = int(row["send_amt"]), int(row["uniqueopens"]), int(row["subscriberclicks"])
        assert clickers <= openers <= sent
        assert openers <= int(row["opens"])
        assert (row["sdate"] is None) == (row["status"] in ("0", "7")) == (sent == 0)


def test_rows_point_at_rows_that_exist():
    world = World()
    stages = {row["id"]: row["group"] for row in world.rows("dealStages")}
    deals = [row for row in world.rows("deals") if row["isDisabled"] is not True]

    assert all(stages[deal["stage"]] == deal["group"] for deal in deals)
    assert {deal["contact"] for deal in deals} <= set(world.ids("contacts"))
    assert {deal["owner"] for deal in deals} <= set(world.ids("users"))


def test_the_totals_of_the_pipelines_follow_their_deals(sandbox):
    before = ask(sandbox, "deals").json()["meta"]["currencies"]["USD"]

    sandbox.world.insert("deals", currency="usd", value="500", isDisabled=False)

    after = ask(sandbox, "deals").json()["meta"]["currencies"]["USD"]
    assert int(after["value"]) == int(before["value"]) + 500
    assert int(after["total"]) == int(before["total"]) + 1


def test_a_contact_that_was_added_is_the_last_and_new(sandbox):
    added = sandbox.world.add_contact(email="new@quaycafe.example", moment=1_900_000_000)

    row = ask(sandbox, f"contacts/{added}").json()["contact"]
    assert sandbox.world.ids("contacts")[-1] == added
    assert row["email"] == "new@quaycafe.example"
    assert row["cdate"] == row["udate"] == "2030-03-17T12:46:40-05:00"


def test_a_row_can_be_added_in_a_gap_between_others(sandbox):
    everyone = [int(identity) for identity in sandbox.world.ids("contacts")]
    gap = next(one + 1 for one, two in pairwise(everyone) if two > one + 1)

    sandbox.world.add_contact(identity=gap)

    assert [int(identity) for identity in sandbox.world.ids("contacts")] == sorted([*everyone, gap])
    with pytest.raises(ValueError, match="already"):
        sandbox.world.add_contact(identity=gap)


def test_a_change_shows_and_renews_the_stamps(sandbox):
    first = sandbox.world.ids("contacts")[0]

    sandbox.world.change_contact(first, firstName="Noa", moment=1_900_000_000)

    row = ask(sandbox, "contacts", limit=1).json()["contacts"][0]
    assert row["firstName"] == "Noa"
    assert row["udate"] == "2030-03-17T12:46:40-05:00"
    assert row["updated_timestamp"] == "2030-03-17 12:46:40"


def test_a_deleted_row_vanishes_and_its_id_is_not_given_again(sandbox):
    last = sandbox.world.ids("contacts")[-1]

    sandbox.world.delete_contact(last)

    assert ask(sandbox, f"contacts/{last}").status_code == 404
    assert ask(sandbox, "contacts").json()["meta"]["total"] == "249"
    assert int(sandbox.world.add_contact()) > int(last)


def test_of_two_merged_contacts_one_is_gone_and_the_other_changed(sandbox):
    losing, winning = sandbox.world.ids("contacts")[:2]

    sandbox.world.merge_contacts(losing, into=winning)

    assert sandbox.world.ids("contacts")[0] == winning
    assert ask(sandbox, "contacts", **{"filters[updated_after]": "2026-07-01"}).json()["contacts"][0]["id"] == winning


def test_rows_may_come_and_go_while_others_read(sandbox):
    def stir(_):
        for _ in range(40):
            sandbox.world.delete_contact(sandbox.world.add_contact())

    def read(_):
        return [ask(sandbox, "contacts", limit=100, offset=offset).status_code for offset in range(0, 300, 30)]

    with ThreadPoolExecutor(6) as threads:
        stirred = [threads.submit(stir, None) for _ in range(2)]
        statuses = [status for reader in threads.map(read, range(4)) for status in reader]

    assert set(statuses) == {200}
    assert [one.exception() for one in stirred] == [None, None]
    assert sandbox.world.count("contacts") == 250


def test_what_does_not_exist_cannot_be_changed_or_removed(sandbox):
    with pytest.raises(KeyError):
        sandbox.world.change_contact("999999")
    with pytest.raises(KeyError):
        sandbox.world.remove("deals", "999999")
