"""What `include=` brings along, as it was observed on live accounts, and accounts that bring less."""

from collections.abc import Callable
from typing import Any

import pytest

from sources.activecampaign.sandbox.server import SandboxServer
from sources.activecampaign.sandbox.stirring.chaos import Chaos
from tests.sandbox_fixture import ask

OF_CONTACTS = ("fieldValues", "contactTags", "contactLists", "contactAutomations", "accountContacts", "contactDeals")


def page(sandbox: SandboxServer, path: str, include: str, **query: Any) -> dict[str, Any]:
    return ask(sandbox, path, include=include, limit=100, **query).json()


@pytest.mark.parametrize("stream", [*OF_CONTACTS, "contactData"])
def test_a_page_of_contacts_brings_exactly_the_rows_of_their_own_lists(sandbox: SandboxServer, stream: str) -> None:
    found = page(sandbox, "contacts", stream)

    people = {row["id"] for row in found["contacts"]}
    own = [row for row in sandbox.world.rows(stream) if row["contact"] in people]
    assert sorted(found[stream], key=lambda row: int(row["id"])) == own
    assert own


@pytest.mark.parametrize("stream", OF_CONTACTS)
def test_a_row_names_the_ids_of_what_came_for_it_and_nothing_more(sandbox: SandboxServer, stream: str) -> None:
    found = page(sandbox, "contacts", stream)

    for row in found["contacts"]:
        assert row[stream] == [one["id"] for one in found[stream] if one["contact"] == row["id"]]
    plain = ask(sandbox, "contacts", limit=100).json()["contacts"]
    assert [row | {stream: ()} for row in found["contacts"]] == [row | {stream: ()} for row in plain]


def test_several_come_at_once_and_what_is_not_known_is_ignored(sandbox: SandboxServer) -> None:
    found = page(sandbox, "contacts", "fieldValues, contactTags,teapots,contactLists")

    assert found.keys() == {"scoreValues", "contacts", "meta", "fieldValues", "contactTags", "contactLists"}
    assert "teapots" not in found["contacts"][0]


@pytest.mark.parametrize(
    ("include", "array", "column"),
    [
        ("contactTags.tag", "tags", "tag"),
        ("contactLists.list", "lists", "list"),
        ("fieldValues.field", "fields", "field"),
    ],
)
def test_a_dot_goes_one_level_further(sandbox: SandboxServer, include: str, array: str, column: str) -> None:
    found = page(sandbox, "contacts", include, id_less=sandbox.world.ids("contacts")[3])

    named = {row[column] for row in found[include.partition(".")[0]]}
    assert {row["id"] for row in found[array]} == named
    assert found[array] == [row for row in found[array] if row == sandbox.world.row(array, row["id"])]


def test_the_fields_themselves_come_along_whole(sandbox: SandboxServer) -> None:
    assert page(sandbox, "contacts", "fields")["fields"] == sandbox.world.rows("fields")


def test_values_of_deals_come_in_a_shape_of_their_own(sandbox: SandboxServer) -> None:
    found = page(sandbox, "deals", "dealCustomFieldData")

    listed = {row["id"]: row for row in sandbox.world.rows("dealCustomFieldData")}
    deals = {row["id"] for row in found["deals"]}
    assert {row["id"] for row in found["dealCustomFieldData"]} == {
        identity for identity, row in listed.items() if str(row["dealId"]) in deals
    }
    for row in found["dealCustomFieldData"]:
        one = listed[row["id"]]
        said = [row[f"custom_field_{kind}"] for kind in ("text_value", "date_value", "number_value", "currency_value")]
        assert (row["deal_id"], row["custom_field_id"]) == (str(one["dealId"]), str(one["customFieldId"]))
        assert [value for value in said if value is not None] == [one["fieldValue"]]
        assert "fieldValue" not in row


def test_values_of_accounts_come_under_another_name_and_in_a_shape_of_their_own(sandbox: SandboxServer) -> None:
    found = page(sandbox, "accounts", "accountCustomFieldData")

    assert "accountCustomFieldData" not in found
    rows = found["customerAccountCustomFieldData"]
    assert {row["customer_account_id"] for row in rows} <= {row["id"] for row in found["accounts"]}
    assert len(rows) == sandbox.world.count("accountCustomFieldData")


def test_links_bring_who_opened_and_clicked(sandbox: SandboxServer) -> None:
    found = page(sandbox, "links", "linkData")

    assert found["linkData"] == sorted(sandbox.world.rows("linkData"), key=lambda row: int(row["linkid"]))


def test_what_was_written_since_comes_along_and_what_went_does_not(sandbox: SandboxServer) -> None:
    first, second = sandbox.world.ids("contacts")[:2]
    held = page(sandbox, "contacts", "contactTags", id_less=second)["contacts"][0]["contactTags"]

    added = sandbox.world.insert("contactTags", contact=first, tag="9")
    for identity in held:
        sandbox.world.remove("contactTags", identity)
    moved = sandbox.world.rows("contactTags")[0]["id"]
    sandbox.world.change("contactTags", moved, contact=first)

    found = page(sandbox, "contacts", "contactTags", id_less=second)
    assert {row["id"] for row in found["contactTags"]} == {added, moved} == {*found["contacts"][0]["contactTags"]}


def test_an_account_may_ignore_includes(new_sandbox: Callable[..., SandboxServer]) -> None:
    sandbox = new_sandbox()
    sandbox.behave(includes=False)

    assert page(sandbox, "contacts", "contactTags").keys() == {"scoreValues", "contacts", "meta"}
    assert "contactTags" not in page(sandbox, "contacts", "contactTags")["contacts"][0]


def test_an_account_may_cap_its_arrays(sandbox: SandboxServer) -> None:
    sandbox.behave(most_included=100)

    found = page(sandbox, "contacts", "fieldValues")

    assert len(found["fieldValues"]) == 100
    assert sum(len(row["fieldValues"]) for row in found["contacts"]) > 100


def test_an_array_may_be_missing_on_one_page(sandbox: SandboxServer) -> None:
    page(sandbox, "contacts", "contactTags")  # From before it got the habit.
    sandbox.behave(leaves_out={"contactTags": 2})

    pages = [page(sandbox, "contacts", "contactTags,contactLists", offset=offset) for offset in (0, 100, 200)]

    assert ["contactTags" in one for one in pages] == [True, False, True]
    assert all("contactLists" in one for one in pages)
    assert pages[1]["contacts"][0].keys() == pages[0]["contacts"][0].keys()


def test_under_chaos_what_comes_along_is_stirred_and_what_was_shown_of_it_is_known(
    new_sandbox: Callable[..., SandboxServer],
) -> None:
    sandbox = new_sandbox(chaos=Chaos(seed=3, changes=1))

    pages = [page(sandbox, "contacts", "contactTags,contactLists", offset=offset) for offset in (0, 100, 200)]

    for stream in ("contacts", "contactTags", "contactLists"):
        history = sandbox.world.history
        assert history.came(stream) | history.changed(stream) | history.went(stream)
        last = {row["id"]: row for one in pages for row in one[stream]}
        plain = {key: {name: row[name] for name in row if name not in OF_CONTACTS[1:3]} for key, row in last.items()}
        assert history.shown(stream) == plain
