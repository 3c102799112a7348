"""The sandbox's limit, latency, counters and keys."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from sources.activecampaign.sandbox.answering.traffic import Traffic
from tests.sandbox_fixture import ask


class Clock:
    """Stands in for the time module: it says what it is told."""

    def __init__(self):
        self.now = 100.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr("sources.activecampaign.sandbox.answering.traffic.time", clock)
    return clock


def admit(traffic, clock, *moments):
    from_call = type("Call", (), {"place": "contacts", "query": {}})()
    accepted = []
    for clock.now in moments:
        accepted.append(traffic.admit(from_call).is_accepted)
    return accepted


def test_the_window_slides_and_a_call_leaves_it_after_exactly_one_second(clock):
    traffic = Traffic(rate=2)

    assert admit(traffic, clock, 100.0, 100.5, 100.999, 101.0, 101.25, 101.5) == [True, True, False, True, False, True]
    assert traffic.stats()["max_in_one_second"] == 2


def test_rejected_calls_do_not_count_against_the_limit(clock):
    traffic = Traffic(rate=1)

    assert admit(traffic, clock, 100.0, *(100.0 + n / 10 for n in range(1, 10)), 101.0) == [True] + [False] * 9 + [True]
    assert traffic.stats() == {
        "requests": 11,
        "accepted": 2,
        "rejected_429": 9,
        "max_in_one_second": 1,
        "seconds": 0.0,
        "repeated": 10,
        "by_path": {"/api/3/contacts": 11},
        "callers": {"ours": {"requests": 11, "accepted": 2, "rejected_429": 9, "refused_percent": 81.82}},
    }


def test_the_time_from_the_first_call_to_the_last_answer_is_told(clock):
    traffic = Traffic(rate=0)
    admit(traffic, clock, 100.0, 101.0)
    clock.now = 101.25

    traffic.note_answer()

    assert traffic.stats()["seconds"] == 1.25
    traffic.reset()
    assert traffic.stats()["seconds"] == 0.0


def test_calls_that_ask_the_same_again_are_counted(new_sandbox):
    sandbox = new_sandbox()

    for path, offset in (("contacts", 0), ("contacts", 100), ("contacts", 0), ("deals", 0), ("contacts", 0)):
        ask(sandbox, path, offset=offset)

    assert sandbox.stats()["repeated"] == 2


def test_without_a_limit_the_most_in_one_second_is_still_counted(clock):
    traffic = Traffic(rate=0)

    assert all(admit(traffic, clock, 100.0, 100.1, 100.2, 101.15, 103.0))
    assert traffic.stats()["max_in_one_second"] == 3


def test_the_call_over_the_limit_is_refused_with_the_seconds_to_wait(new_sandbox):
    sandbox = new_sandbox(rate=2)

    answers = [ask(sandbox, "users/me") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.headers["ratelimit-remaining"] for answer in answers] == ["1", "0", "0"]
    assert answers[2].headers["retry-after"] == "1"
    assert answers[2].headers["ratelimit-limit"] == "2"
    assert "retry-after" not in answers[0].headers


def test_calls_at_the_same_time_never_pass_the_limit(new_sandbox):
    sandbox = new_sandbox(rate=5)

    with ThreadPoolExecutor(20) as threads:
        list(threads.map(lambda _: ask(sandbox, "users/me"), range(60)))

    stats = sandbox.stats()
    assert stats["requests"] == stats["accepted"] + stats["rejected_429"] == 60
    assert stats["max_in_one_second"] == 5


def test_slow_answers_are_slow_side_by_side(new_sandbox):
    sandbox = new_sandbox(latency_ms=400)
    started = time.monotonic()

    with ThreadPoolExecutor(10) as threads:
        list(threads.map(lambda _: ask(sandbox, "users/me"), range(10)))

    assert 0.4 <= time.monotonic() - started < 3


def test_the_counters_ask_for_no_key_and_can_be_reset(new_sandbox):
    sandbox = new_sandbox(rate=1)
    ask(sandbox, "contacts/102")
    ask(sandbox, "contacts/103")

    stats = httpx.get(f"{sandbox.origin}/__stats").json()
    assert stats == sandbox.stats()
    assert stats["by_path"] == {"/api/3/contacts/{id}": 2}

    httpx.post(f"{sandbox.origin}/__reset")
    assert sandbox.stats()["requests"] == 0
    assert sandbox.requests == []


def test_calls_that_arrived_can_be_looked_at(sandbox):
    ask(sandbox, "contacts", limit=5, **{"orders[id]": "ASC"})

    (call,) = sandbox.requests
    assert (call.method, call.path) == ("GET", "/api/3/contacts")
    assert call.query == {"limit": "5", "orders[id]": "ASC"}
    assert call.headers["api-token"] == sandbox.api_key


@pytest.mark.parametrize("key", ["", "wrong", "é", "0" * 72])
def test_a_wrong_key_is_forbidden(sandbox, key):
    answer = httpx.get(f"{sandbox.origin}/api/3/users/me", headers={"Api-Token": key.encode()})

    assert answer.status_code == 403


def test_a_missing_key_is_forbidden_even_where_nothing_is(sandbox):
    assert httpx.get(f"{sandbox.origin}/api/3/nothing").status_code == 403
    assert ask(sandbox, "nothing").status_code == 404
    assert ask(sandbox, "fieldOptions").status_code == 404


def test_each_key_belongs_to_a_user(sandbox):
    sandbox.add_key("tomeks-key-0123456789", user_id=4)

    assert ask(sandbox, "users/me", key="tomeks-key-0123456789").json()["user"]["firstName"] == "Tomek"
    assert ask(sandbox, "settings/account", key="tomeks-key-0123456789").status_code == 403


def test_a_revoked_key_is_refused(sandbox):
    sandbox.revoke(sandbox.api_key)

    assert ask(sandbox, "users/me").status_code == 403


def test_the_key_of_a_deleted_user_is_refused(sandbox):
    sandbox.add_key("tomeks-key-0123456789", user_id=4)

    sandbox.world.remove("users", 4)

    assert ask(sandbox, "users/me", key="tomeks-key-0123456789").status_code == 403
    assert ask(sandbox, "users/me").status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "HEAD"])
def test_nothing_can_be_written_through_the_api(sandbox, method):
    headers = {"Api-Token": sandbox.api_key}

    with httpx.Client(headers=headers) as client:
        answer = client.request(method, f"{sandbox.origin}/api/3/contacts/101")
        assert client.get(f"{sandbox.origin}/api/3/users/me").status_code == 200

    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET"


def test_one_connection_serves_many_calls(sandbox):
    with httpx.Client(headers={"Api-Token": sandbox.api_key}) as client:
        streams = []
        for _ in range(3):
            streams.append(client.get(f"{sandbox.origin}/api/3/users/me").extensions["network_stream"])

    assert len({id(stream) for stream in streams}) == 1


def test_a_stopped_sandbox_answers_nobody(new_sandbox):
    sandbox = new_sandbox()
    with httpx.Client(headers={"Api-Token": sandbox.api_key}) as client:
        client.get(f"{sandbox.origin}/api/3/users/me")
        sandbox.stop()

        with pytest.raises(httpx.TransportError):
            client.get(f"{sandbox.origin}/api/3/users/me")


def test_the_page_shows_what_to_copy(sandbox):
    page = httpx.get(sandbox.origin + "/")

    assert page.headers["content-type"].startswith("text/html")
    assert sandbox.origin in page.text
    assert sandbox.api_key in page.text
    assert "<script" not in page.text
    assert "set-cookie" not in page.headers


def test_the_account_can_change_in_the_middle_of_a_walk(sandbox):
    first, *_, last = sandbox.world.ids("contacts")
    sandbox.on_call(lambda call: sandbox.world.delete_contact(first) if call.query.get("offset") == "100" else None)

    pages = [ask(sandbox, "contacts", limit=100, offset=offset).json()["contacts"] for offset in (0, 100, 200)]

    assert [len(page) for page in pages] == [100, 100, 49]
    assert pages[0][0]["id"] == first
    assert pages[2][-1]["id"] == last


def test_a_callers_hanging_up_harms_nobody(new_sandbox):
    sandbox = new_sandbox(latency_ms=300)
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(f"{sandbox.origin}/api/3/contacts", headers={"Api-Token": sandbox.api_key}, timeout=0.05)

    assert ask(sandbox, "users/me").status_code == 200
    assert threading.active_count() < 50
