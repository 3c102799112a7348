"""The sandbox's answers look like the recorded ones: the same keys, in the same order, with the same types."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox_fixture import ask

PAYLOADS = Path(__file__).parent / "payloads"
LISTS = sorted(path.stem.removesuffix("_list") for path in PAYLOADS.glob("*_list.json"))
SOMETIMES = {"deals": {"nextTask"}, "campaigns": {"aggregateRevenues"}}
OPTIONAL = {
    ("lists", "udate"),
    ("campaigns", "sdate"),
    ("campaigns", "automation"),
    ("accounts", "accountUrl"),
    ("deals", "nextdate"),
    ("deals", "account"),
    ("deals", "customerAccount"),
    ("dealStages", "cdate"),
    ("dealStages", "udate"),
    ("contactAutomations", "remdate"),
    ("contactAutomations", "timespan"),
    ("dealTasks", "title"),
}
MANY_SHAPES = {("forms", "actiondata"), ("forms", "submitdata"), ("deals", "isDisabled"), ("dealTasks", "outcomeId")}
NO_ADDRESSES = ("scores", "segments", "webhooks", "activities", "dealTasks")


def sample(name: str) -> Any:
    return json.loads((PAYLOADS / f"{name}.json").read_text())


def full_rows(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in rows if row.get("isDisabled") is not True]


@pytest.mark.parametrize("stream", LISTS)
def test_a_page_has_the_recorded_envelope(sandbox, stream):
    page = ask(sandbox, stream, limit=100).json()

    assert page.keys() == sample(f"{stream}_list").keys()
    assert page["meta"].keys() == sample(f"{stream}_list")["meta"].keys()
    assert type(page["meta"]["total"]) is type(sample(f"{stream}_list")["meta"]["total"])


@pytest.mark.parametrize("stream", LISTS)
def test_a_row_has_the_recorded_columns_in_their_order(sandbox, stream):
    recorded = full_rows(sample(f"{stream}_list")[stream])[0]
    sometimes = SOMETIMES.get(stream, set())

    rows = full_rows(ask(sandbox, stream, limit=100).json()[stream])

    assert rows
    for row in rows:
        assert [key for key in row if key not in sometimes] == list(recorded)


@pytest.mark.parametrize("stream", LISTS)
def test_each_column_has_a_recorded_type(sandbox, stream):
    recorded = full_rows(sample(f"{stream}_list")[stream])
    if stream == "contacts":
        recorded += sample("contacts_list_legacy_zero_dates")["contacts"]

    rows = full_rows(ask(sandbox, stream, limit=100).json()[stream])

    for column in recorded[0]:
        types = {type(row[column]) for row in recorded}
        if (stream, column) in OPTIONAL:
            types |= {type(None), str}
        if (stream, column) in MANY_SHAPES:
            types |= {int, list}
        assert {type(row[column]) for row in rows} <= types, column


@pytest.mark.parametrize("stream", [stream for stream in LISTS if stream not in NO_ADDRESSES])
def test_links_are_absolute_addresses_on_the_accounts_own_host(sandbox, stream):
    recorded = full_rows(sample(f"{stream}_list")[stream])[0]

    row = full_rows(ask(sandbox, stream).json()[stream])[0]

    home = recorded["links"][next(iter(recorded["links"]))].partition("/api/3/")[0]
    for name, link in recorded["links"].items():
        expected = link.replace(home, sandbox.origin).replace(f"/{recorded['id']}/", f"/{row['id']}/")
        assert row["links"][name] == expected


@pytest.mark.parametrize(("stream", "beside"), [("fields", "fieldOptions"), ("fields", "fieldRels")])
def test_rows_that_come_along_have_the_recorded_columns(sandbox, stream, beside):
    recorded = sample(f"{stream}_list")[beside][0]

    rows = ask(sandbox, stream).json()[beside]

    assert rows
    assert all(list(row) == list(recorded) for row in rows)


def test_pipelines_bring_their_stages_along(sandbox):
    page = ask(sandbox, "dealGroups").json()

    wanted = [stage for pipeline in page["dealGroups"] for stage in pipeline["stages"]]
    assert [stage["id"] for stage in page["dealStages"]] == wanted
    assert page["dealStages"] == ask(sandbox, "dealStages").json()["dealStages"]


def test_tasks_have_links_without_a_host_as_recorded(sandbox):
    row = ask(sandbox, "dealTasks").json()["dealTasks"][0]

    assert row["links"] == {"activities": f"/{row['id']}/activities", "owner": f"/{row['id']}/owner"}


def test_bounces_links_and_schemas_have_the_columns_of_their_samples(sandbox):
    bounce, link = sample("bounceLogs_without_meta")["bounceLogs"][0], sample("campaign_links")["links"][1]
    schemas = sample("customObject_schemas")

    assert list(ask(sandbox, "bounceLogs").json()["bounceLogs"][0]) == list(bounce)
    assert ask(sandbox, "links").json()["links"][0].keys() >= link.keys()
    page = ask(sandbox, "customObjects/schemas").json()
    assert list(page) == list(schemas)
    assert page["meta"].keys() == schemas["meta"].keys()
    assert all(list(row) == list(schemas["schemas"][0]) for row in page["schemas"])
    assert len(page["schemas"][0]["id"]) == 36


@pytest.mark.parametrize("stream", ["scores", "segments", "webhooks"])
def test_rows_without_links_have_an_empty_list_of_them(sandbox, stream):
    assert all(row["links"] == [] for row in ask(sandbox, stream).json()[stream])


def test_a_row_of_a_contacts_list_is_the_recorded_one(sandbox):
    recorded = sample("contact_get")["contactLists"][0]

    rows = ask(sandbox, "contactLists", limit=100).json()["contactLists"]

    assert all(list(row) == list(recorded) for row in rows)
    assert {row["status"] for row in rows} == {"1", "2", "3"}
    assert all((row["status"] == "1") == (row["campaign"] is None) == (row["udate"] is None) for row in rows)


def test_a_single_contact_comes_with_what_stands_beside_it(sandbox):
    first = sandbox.world.ids("contacts")[0]

    answer = ask(sandbox, f"contacts/{first}").json()

    assert answer.keys() == sample("contact_get").keys()
    assert answer["contact"] == sandbox.world.row("contacts", first)
    assert list(answer["contact"]) == list(sample("contact_get")["contact"])


def test_an_empty_page_of_contacts_is_the_recorded_one(sandbox):
    page = ask(sandbox, "contacts", limit=100, id_greater=10**9).json()

    recorded = sample("contacts_empty_page")
    recorded["meta"]["total"] = page["meta"]["total"]
    recorded["meta"]["page_input"]["cacheid"] = page["meta"]["page_input"]["cacheid"]
    assert page == recorded


def test_the_keys_user_and_the_account_have_the_recorded_facts(sandbox):
    me = ask(sandbox, "users/me").json()
    account = ask(sandbox, "settings/account").json()

    assert list(me["user"]) == list(sample("users_me")["user"])
    assert {key: type(value) for key, value in account.items()} == {
        key: type(value) for key, value in sample("settings_account").items()
    }
    assert account["subscriber_total"] == 250


def test_a_deal_that_the_plan_no_longer_covers_is_reduced_to_four_columns(new_sandbox):
    sandbox = new_sandbox(deals=400)

    rows = [row for row in sandbox.world.rows("deals") if row["isDisabled"] is True]

    assert 3 <= len(rows) <= 30
    assert all(list(row) == list(sample("deals_list")["deals"][0]) for row in rows)


def test_errors_are_the_recorded_ones(sandbox):
    first = sandbox.world.ids("contacts")[0]
    sandbox.add_key("denied-key-of-another-user", user_id=4, denied={"lists", "contacts"})

    assert ask(sandbox, "users/me", key="wrong").json() == sample("error_403_message")
    assert ask(sandbox, "lists", key="denied-key-of-another-user").json() == sample("error_403_errors")
    assert ask(sandbox, f"contacts/{first}", key="denied-key-of-another-user").status_code == 403
    assert ask(sandbox, "contacts/999999").json() == sample("error_404_message")
    error = ask(sandbox, "contacts", **{"orders[id]": "DASC"})
    assert error.status_code == 422
    assert error.json()["errors"][0].keys() == sample("error_422_numeric_status")["errors"][0].keys()


def test_the_bare_address_of_the_api_answers_to_a_key_alone(sandbox):
    assert ask(sandbox, "").status_code == 200
    assert ask(sandbox, "", key="wrong").status_code == 403


def test_mail_of_automations_names_them_and_has_a_status_of_its_own(sandbox):
    campaigns = sandbox.world.rows("campaigns")

    assert {row["status"] for row in campaigns} == {"0", "1", "5", "6", "7"}
    assert all((row["status"] in ("1", "6")) == (row["automation"] is not None) for row in campaigns)
    assert all(row["seriesid"] == (row["automation"] or "0") for row in campaigns)


def test_every_answer_carries_the_headers_that_were_seen(sandbox):
    headers = ask(sandbox, "users/me").headers

    assert headers["content-type"] == "application/json"
    assert "no-store" in headers["cache-control"]
    assert headers["transfer-encoding"] == "chunked"
    assert "PHPSESSID=" in headers["set-cookie"]
    assert len(headers["x-request-id"]) == 36
    assert "ratelimit-limit" not in headers
