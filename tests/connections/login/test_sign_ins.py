"""Who came in from where, who tried to, and what that tells the limits."""

import re
import time
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client, RequestFactory
from django.utils import timezone

from connections.access.requests import browser_of
from connections.models import SignIn, User
from connections.models import sign_in as sign_in_model
from connections.models.sign_in import Outcome
from connections.operating.housekeeping import keep_house
from tests.conftest import PASSWORD, client_of, code_of, give_second_factor
from tests.connections.keeping.editing_page import text

PAGE = "/accounts/sign-ins/"
CODE = "/accounts/2fa/authenticate/"
HOME, ELSEWHERE = "198.51.100.7", "203.0.113.66"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture(autouse=True)
def _a_fresh_count(db: None) -> None:
    cache.clear()


def log_in(user: User, password: str = PASSWORD, *, client: str = HOME) -> Client:
    browser = Client(REMOTE_ADDR=client, headers={"User-Agent": FIREFOX})
    browser.post("/accounts/login/", {"login": user.email, "password": password})
    return browser


def noted(user: User | None) -> list[tuple[Any, ...]]:
    rows = SignIn.objects.filter(person=user).order_by("pk")
    return [*rows.values_list("outcome", "client", "browser", "used_code", "failures_before")]


# What is noted ----------------------------------------------------------------------------------------------------


def test_a_login_is_noted_with_where_it_came_from_and_with_what(alice: User) -> None:
    log_in(alice)

    assert noted(alice) == [("signed_in", HOME, "Firefox on Windows", False, 0)]


def test_wrong_passwords_are_noted_and_counted_by_the_next_login(alice: User) -> None:
    for _ in range(3):
        log_in(alice, "not-it-at-all", client=ELSEWHERE)
    log_in(alice)
    log_in(alice)

    wrong = ("wrong_password", ELSEWHERE, "Firefox on Windows", False)
    assert [row[:4] for row in noted(alice)[:3]] == [wrong] * 3
    assert [row[4] for row in noted(alice)[3:]] == [3, 0]


def test_two_steps_and_a_wrong_code_are_told_apart(alice: User) -> None:
    secret = give_second_factor(alice)
    client = log_in(alice)
    assert noted(alice) == []  # The password alone lets nobody in.

    client.post(CODE, {"code": "000000"})
    client.post(CODE, {"code": code_of(secret)})

    assert [(row[0], row[3], row[4]) for row in noted(alice)] == [("wrong_code", False, 0), ("signed_in", True, 1)]


def test_a_wrong_password_while_confirming_is_noted_too(alice: User) -> None:
    client_of(alice).post("/accounts/reauthenticate/", {"password": "not-it-at-all"})

    assert [row[0] for row in noted(alice)] == ["wrong_password"]


def test_a_try_for_an_address_of_nobody_is_noted_without_the_address(alice: User) -> None:
    Client(REMOTE_ADDR=ELSEWHERE).post("/accounts/login/", {"login": "nobody@harbourtea.example", "password": "x"})

    assert [row[:2] for row in noted(None)] == [("wrong_password", ELSEWHERE)]
    assert noted(alice) == []


def test_what_a_limit_refused_is_not_noted(alice: User) -> None:
    for _ in range(9):
        log_in(alice, "not-it-at-all")

    assert len(noted(alice)) == 5


def test_tries_without_end_do_not_fill_the_table(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign_in_model, "MOST_FAILURES", 3)
    for number in range(5):
        log_in(alice, "not-it-at-all", client=f"203.0.113.{number}")

    assert len(noted(alice)) == 3
    log_in(alice)
    assert noted(alice)[-1][0] == "signed_in"


def test_a_flood_of_tries_for_nobody_does_not_hide_those_of_the_next_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign_in_model, "MOST_FAILURES", 3)

    def tries() -> None:
        for number in range(5):
            stranger = Client(REMOTE_ADDR=f"203.0.113.{number}")
            stranger.post("/accounts/login/", {"login": f"nobody{number}@harbourtea.example", "password": "x"})

    tries()
    assert len(noted(None)) == 3
    with time_machine.travel(timezone.now() + timedelta(days=1, minutes=1)):
        tries()

    assert len(noted(None)) == 6


def test_no_secret_is_in_it(alice: User) -> None:
    secret = give_second_factor(alice)
    log_in(alice, "a-wrong-password-1").post(CODE, {"code": "123456"})
    log_in(alice).post(CODE, {"code": code_of(secret)})

    kept = str([*SignIn.objects.values_list()])
    for word in (PASSWORD, "a-wrong-password-1", secret, "123456", code_of(secret)):
        assert word not in kept


def test_it_is_only_added_to(alice: User) -> None:
    log_in(alice)
    row = SignIn.objects.get()

    with pytest.raises(TypeError):
        row.save()
    with pytest.raises(TypeError):
        row.delete()


def test_after_half_a_year_it_is_thrown_away(alice: User) -> None:
    log_in(alice)
    SignIn.objects.update(at=timezone.now() - sign_in_model.KEPT_FOR)
    log_in(alice)

    keep_house()

    assert len(noted(alice)) == 1


@pytest.mark.parametrize(
    ("told", "read"),
    [
        (FIREFOX, "Firefox on Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36", "Chrome on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36", "Chrome on Android"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile/15E148 Safari/604.1",
            "Safari on iPhone",
        ),
        ("curl/8.5.0", "an unknown browser"),
        ("<script>alert(1)</script>" * 9, "an unknown browser"),
        ("", "an unknown browser"),
    ],
)
def test_the_browser_is_read_roughly(told: str, read: str) -> None:
    assert browser_of(RequestFactory().get("/", headers={"User-Agent": told})) == read


# Who reads it -----------------------------------------------------------------------------------------------------


def test_a_person_reads_their_own_and_nobody_elses(alice: User, bob: User) -> None:
    log_in(bob, client="192.0.2.77")
    log_in(alice, "not-it-at-all", client=ELSEWHERE)
    client = log_in(alice)

    page = text(client.get(PAGE))

    assert f"Signed in With the password alone, after 1 failed try {HOME} Firefox on Windows" in page
    assert f"Wrong password {ELSEWHERE} Firefox on Windows" in page
    assert "192.0.2.77" not in page
    assert re.search(r'class="menu-item" href="/accounts/sign-ins/"', client.get(PAGE).content.decode())


def test_a_stranger_is_sent_to_the_login(db: None) -> None:
    assert Client().get(PAGE)["Location"] == f"/accounts/login/?next={PAGE}"


def test_long_histories_come_in_pages(alice: User) -> None:
    client = log_in(alice)
    for _ in range(30):
        SignIn.objects.note(Outcome.SIGNED_IN, person=alice, client=HOME, browser="Firefox")

    assert "Page 1 of 2" in text(client.get(PAGE))
    assert client.get(f"{PAGE}?page=2").status_code == client.get(f"{PAGE}?page=x").status_code == 200


def test_staff_find_all_and_change_none(staff_client: Client, alice: User) -> None:
    log_in(alice)
    row = SignIn.objects.get(person=alice)

    listed = staff_client.get("/admin/connections/signin/", {"q": alice.email}).content.decode()
    refused = staff_client.post(f"/admin/connections/signin/{row.pk}/change/", {"client": "192.0.2.1"})

    assert HOME in listed
    assert refused.status_code == 403


# Wrong codes ------------------------------------------------------------------------------------------------------


def enter(client: Client, code: str) -> int:
    return client.post(CODE, {"code": code}).status_code


def test_wrong_codes_from_anywhere_count_together(alice: User) -> None:
    secret = give_second_factor(alice)
    for number in range(5):
        assert enter(log_in(alice, client=f"203.0.113.{number}"), "000000") == 200

    assert enter(log_in(alice, client="203.0.113.9"), code_of(secret)) == 429


def test_a_thief_of_the_password_cannot_lock_out_where_the_person_usually_comes_from(alice: User) -> None:
    secret = give_second_factor(alice)
    with time_machine.travel(time.time(), tick=False) as clock:
        assert enter(log_in(alice, client=HOME), code_of(secret)) == 302
        clock.shift(60)
        assert [enter(log_in(alice, client=ELSEWHERE), "000000") for _ in range(6)] == [200] * 5 + [429]

        assert enter(log_in(alice, client=HOME), code_of(secret)) == 302


def test_right_codes_do_not_count(alice: User) -> None:
    secret = give_second_factor(alice)
    with time_machine.travel(time.time(), tick=False) as clock:
        for _ in range(7):
            clock.shift(31)
            assert enter(log_in(alice), code_of(secret)) == 302


def test_a_right_code_forgets_no_wrong_ones(alice: User) -> None:
    secret = give_second_factor(alice)
    thief = log_in(alice, client=ELSEWHERE)
    assert [enter(thief, "000000") for _ in range(4)] == [200] * 4
    assert enter(log_in(alice, client=HOME), code_of(secret)) == 302

    assert [enter(thief, "000000") for _ in range(2)] == [200, 429]
