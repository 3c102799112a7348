"""Misbehaviour that tests can switch on in the sandbox."""

import time

import httpx
import pytest

from tests.sandbox_fixture import ask


def test_a_status_comes_so_often_and_then_the_truth_again(sandbox):
    sandbox.fault("contacts", status=503, times=2, headers={"Retry-After": "7"})

    answers = [ask(sandbox, "contacts") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [503, 503, 200]
    assert answers[0].headers["retry-after"] == "7"


def test_a_fault_meets_only_its_path_and_query(sandbox):
    sandbox.fault("contacts", kind="busy", query={"offset": "100"})

    assert ask(sandbox, "users/me").status_code == 200
    assert ask(sandbox, "contacts", offset=0).status_code == 200
    assert ask(sandbox, "contacts", offset=100).status_code == 429
    assert ask(sandbox, "contacts", offset=100).status_code == 200


def test_a_fault_can_wait_for_its_turn(sandbox):
    sandbox.fault("contacts", kind="down", skip=2)

    assert [ask(sandbox, "contacts").status_code for _ in range(4)] == [200, 200, 503, 200]


def test_a_fault_can_last_for_ever_until_all_are_cleared(sandbox):
    sandbox.fault(kind="unpaid", times=None)
    assert {ask(sandbox, path).status_code for path in ("contacts", "users/me", "deals")} == {402}

    sandbox.clear_faults()

    assert ask(sandbox, "contacts").status_code == 200


@pytest.mark.parametrize(
    ("kind", "status", "content_type", "begins"),
    [
        ("forbidden", 403, "application/json", '{"message":"Forbidden"'),
        ("forbidden_bare", 403, None, ""),
        ("no_permission", 403, "application/json", '{"errors":[{"status":403'),
        ("unpaid", 402, "application/json", '{"message":"The request could not'),
        ("not_found", 404, "application/json", '{"message"'),
        ("busy", 429, "application/json", '{"message"'),
        ("down", 503, None, ""),
        ("web_page", 200, "text/html; charset=UTF-8", "<!DOCTYPE html>"),
        ("maintenance", 503, "text/html; charset=UTF-8", "<!DOCTYPE html>"),
        ("empty", 200, "application/json", ""),
    ],
)
def test_ready_made_answers(sandbox, kind, status, content_type, begins):
    sandbox.fault("contacts", kind=kind)

    answer = ask(sandbox, "contacts")

    assert (answer.status_code, answer.headers.get("content-type")) == (status, content_type)
    assert answer.text.startswith(begins)
    assert begins or answer.content == b""


@pytest.mark.parametrize("how", ["length", "chunked", "unanswered"])
def test_an_answer_can_be_cut_off(sandbox, how):
    sandbox.fault("contacts", cut=how)

    with pytest.raises(httpx.RemoteProtocolError):
        ask(sandbox, "contacts")

    assert ask(sandbox, "contacts").status_code == 200


def test_an_answer_can_be_cut_off_so_that_only_its_json_tells(sandbox):
    sandbox.fault("contacts", cut="bare")

    answer = ask(sandbox, "contacts")

    assert answer.status_code == 200
    assert answer.text.startswith('{"scoreValues"')
    assert not answer.text.endswith("}}}")


@pytest.mark.parametrize("where", ["headers", "body"])
def test_an_answer_can_hang_and_the_sandbox_still_stops(new_sandbox, where):
    sandbox = new_sandbox()
    sandbox.fault("contacts", hang=where)

    with pytest.raises(httpx.ReadTimeout):
        httpx.get(f"{sandbox.origin}/api/3/contacts", headers={"Api-Token": sandbox.api_key}, timeout=0.3)

    started = time.monotonic()
    sandbox.stop()
    assert time.monotonic() - started < 5


def test_an_answer_can_be_late(sandbox):
    sandbox.fault("users/me", delay=0.4)
    started = time.monotonic()

    assert ask(sandbox, "users/me").status_code == 200
    assert time.monotonic() - started >= 0.4


@pytest.mark.parametrize("where", ["headers", "body"])
def test_an_answer_can_drip(sandbox, where):
    sandbox.fault("users/me", drip=0.001, drip_from=where)
    started = time.monotonic()

    assert ask(sandbox, "users/me").json()["user"]["id"] == "3"
    assert time.monotonic() - started >= 0.3


def test_an_answer_can_be_packed(sandbox):
    sandbox.fault("contacts", gzip=True)

    answer = ask(sandbox, "contacts", limit=100)

    assert answer.headers["content-encoding"] == "gzip"
    assert len(answer.json()["contacts"]) == 100


def test_a_call_can_be_sent_elsewhere(new_sandbox):
    sandbox, elsewhere = new_sandbox(), new_sandbox()
    sandbox.fault("users/me", redirect=f"{elsewhere.origin}/api/3/users/me")

    answer = ask(sandbox, "users/me")

    assert answer.status_code == 302
    assert answer.headers["location"].startswith(elsewhere.origin)
    assert elsewhere.requests == []


def test_a_header_can_be_added_to_the_truth(sandbox):
    sandbox.fault("contacts", headers={"Retry-After": "1", "RateLimit-Limit": "1000"}, content_type="text/html")

    answer = ask(sandbox, "contacts")

    assert answer.headers["retry-after"] == "1"
    assert answer.headers["content-type"] == "text/html"
    assert len(answer.json()["contacts"]) == 20


def test_the_total_can_lie(sandbox):
    for lie in ("7", 10**12, -1, None):
        sandbox.fault("contacts", total=lie)
        assert ask(sandbox, "contacts").json()["meta"]["total"] == lie


def test_the_rows_can_be_missing_or_null(sandbox):
    sandbox.fault("deals", envelope="missing")
    sandbox.fault("deals", envelope="null")

    assert "deals" not in ask(sandbox, "deals").json()
    assert ask(sandbox, "deals").json()["deals"] is None


def test_ids_can_be_numbers_and_rows_can_come_twice(sandbox):
    sandbox.fault("contacts", ids="numbers", duplicates=3)

    rows = ask(sandbox, "contacts", limit=10).json()["contacts"]

    assert [row["id"] for row in rows[:3]] == [row["id"] for row in rows[3:6]]
    assert all(type(row["id"]) is int for row in rows)
    assert len(rows) == 13


def test_the_same_page_can_come_for_ever(sandbox):
    sandbox.fault("contacts", same_page=True, times=None)

    pages = [ask(sandbox, "contacts", id_greater=after).json()["contacts"] for after in (0, 200, 300)]

    assert pages[0] == pages[1] == pages[2]


def test_a_fault_on_a_page_leaves_other_answers_alone(sandbox):
    sandbox.fault(total="7", envelope="missing", times=None)

    assert ask(sandbox, "users/me").json()["user"]["id"] == "3"


def test_a_fault_that_does_not_exist_is_refused(sandbox):
    with pytest.raises(ValueError, match="There is no fault"):
        sandbox.fault(kind="surprise")
    with pytest.raises(ValueError, match="has no colour"):
        sandbox.fault(colour="red")


def test_faults_and_rows_are_switched_from_another_process_too(sandbox):
    first = sandbox.world.ids("contacts")[0]

    httpx.post(f"{sandbox.origin}/__fault", json={"path": "contacts", "status": 500})
    httpx.post(f"{sandbox.origin}/__world", json={"change": "contacts", "id": first, "columns": {"firstName": "Noa"}})

    assert ask(sandbox, "contacts").status_code == 500
    assert ask(sandbox, "contacts").json()["contacts"][0]["firstName"] == "Noa"


def test_the_switches_refuse_what_they_do_not_know_and_what_a_web_page_could_send(sandbox):
    switch = f"{sandbox.origin}/__fault"

    assert httpx.post(switch, json={"colour": "red"}).status_code == 400
    assert httpx.post(switch, content=b"{").status_code == 415
    assert httpx.post(switch, content=b"{", headers={"Content-Type": "application/json"}).status_code == 400
    assert httpx.post(f"{sandbox.origin}/__world", json={"remove": "contacts", "id": "999999"}).status_code == 400
    assert httpx.get(switch).status_code == 404
    assert ask(sandbox, "contacts").status_code == 200


def test_a_plan_without_the_crm_refuses_deals_with_a_text_that_says_so(sandbox):
    sandbox.behave(has_crm=False)

    for path in ("deals", "deals/1", "dealGroups", "dealCustomFieldData", "contactDeals"):
        answer = ask(sandbox, path)
        assert answer.status_code == 403
        assert "upgrade" in answer.json()["message"]
    assert ask(sandbox, "contacts").status_code == 200


def test_an_answer_between_others_is_511_and_the_same_call_is_good_after_it(sandbox):
    sandbox.fault("contacts", kind="in_between", skip=1)

    statuses = [ask(sandbox, "contacts", offset=offset).status_code for offset in (0, 20, 20, 40)]

    assert statuses == [200, 511, 200, 200]


def test_a_long_crawl_is_followed_by_a_503_on_the_next_list(sandbox):
    sandbox.behave(tires_after=3)

    statuses = [
        ask(sandbox, path).status_code for path in ("contacts", "contacts", "contacts", "tags", "tags", "lists")
    ]

    assert statuses == [200, 200, 200, 503, 200, 200]


def test_habits_that_do_not_exist_are_refused(sandbox):
    answer = httpx.post(f"{sandbox.origin}/__habits", json={"is_kind": True}, trust_env=False)

    assert answer.status_code == 400
    assert "is_kind" in answer.json()["message"]
