"""The form for a forgotten password: what it tells, to whom it writes, and how often."""

from typing import Any

import pytest
from django.core import mail
from django.core.cache import cache
from django.test import Client

from connections.checking import mailing
from connections.checking.mailing import POSTMEN
from connections.models import User
from tests.conftest import client_of
from tests.connections.keeping.editing_page import text
from tests.mail_server import MailServer, mail_server
from tests.processes import free_port, until

__all__ = ["mail_server"]

RESET = "/accounts/password/reset/"
NOBODY = "nobody@elsewhere.example"


@pytest.fixture(autouse=True)
def _a_fresh_count(db: None) -> None:
    cache.clear()


def ask(email: str, *, client: str = "198.51.100.7") -> Any:
    return Client(REMOTE_ADDR=client).post(RESET, {"email": email}, follow=True)


def recipients() -> list[str]:
    return [address for message in mail.outbox for address in message.to]


def test_the_answer_is_the_same_for_known_and_unknown_addresses(alice: User) -> None:
    known, unknown = ask(alice.email), ask(NOBODY)

    assert (known.status_code, known.redirect_chain) == (unknown.status_code, unknown.redirect_chain)
    assert text(known) == text(unknown)


def test_the_link_in_the_mail_is_the_sites_own_whatever_host_was_asked(alice: User, settings: Any) -> None:
    settings.ALLOWED_HOSTS, settings.SITE_URL = ["*"], "https://app.blinkmetrics.example"

    Client(HTTP_HOST="evil.example").post(RESET, {"email": alice.email})

    assert "https://app.blinkmetrics.example/accounts/password/reset/key/" in mail.outbox[0].body
    assert "evil.example" not in mail.outbox[0].body


def test_a_stranger_is_written_to_once_a_day(db: None) -> None:
    for number in range(3):
        assert ask(NOBODY.upper() if number else NOBODY).status_code == 200

    assert [address.lower() for address in recipients()] == [NOBODY]


def test_all_strangers_together_get_so_many_mails_an_hour_and_take_nobodys_away(alice: User, settings: Any) -> None:
    assert settings.ACCOUNT_RATE_LIMITS["mail_to_strangers"] == "60/h/key"  # Too many for a test.
    settings.ACCOUNT_RATE_LIMITS = {**settings.ACCOUNT_RATE_LIMITS, "mail_to_strangers": "4/h/key"}

    answers = [ask(f"person{number}@elsewhere.example", client=f"203.0.113.{number}") for number in range(6)]
    ask(alice.email)

    assert {answer.status_code for answer in answers} == {200}
    assert recipients() == [*(f"person{number}@elsewhere.example" for number in range(4)), alice.email]


def test_the_fourth_mail_within_an_hour_is_refused_for_known_and_unknown_alike(alice: User) -> None:
    known = [ask(alice.email).status_code for _ in range(4)]
    unknown = [ask(NOBODY).status_code for _ in range(4)]

    assert known == unknown == [200, 200, 200, 429]
    assert recipients().count(alice.email) == 3


def test_one_client_asks_for_twenty_within_an_hour(db: None) -> None:
    answers = [ask(f"person{number}@elsewhere.example").status_code for number in range(21)]

    assert answers == [200] * 20 + [429]


def test_the_page_of_a_limit_is_ours(alice: User) -> None:
    refused = [ask(alice.email) for _ in range(4)][-1]

    assert "Somebody asked for this too often" in text(refused)


def test_another_password_is_told_to_the_person_by_e_mail(alice: User) -> None:
    ask(alice.email)
    link = next(word for word in mail.outbox[0].body.split() if "/reset/key/" in word)
    client = Client(REMOTE_ADDR="203.0.113.5")
    form = client.get(f"/{link.split('/', 3)[3]}", follow=True)
    client.post(form.redirect_chain[-1][0], {"password1": "kettle-on-9", "password2": "kettle-on-9"})

    alice.refresh_from_db()
    client_of(alice).post(
        "/accounts/password/change/",
        {"oldpassword": "kettle-on-9", "password1": "kettle-off-8", "password2": "kettle-off-8"},
    )

    told = [message for message in mail.outbox if message.subject == "Your BlinkMetrics password was changed"]
    assert [message.to for message in told] == [[alice.email]] * 2
    assert "It came from 203.0.113.5, on " in told[0].body
    for message in mail.outbox:
        assert "kettle" not in message.body


# A mail server that takes its time --------------------------------------------------------------------------------


def test_nobody_waits_for_the_mail_server_and_so_learns_whether_it_was_asked(
    alice: User, mail_server: MailServer
) -> None:
    mail_server.go_on.clear()

    answers = [ask(alice.email), ask(NOBODY)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert mail_server.received == []
    mail_server.go_on.set()
    until(lambda: len(mail_server.received) == 2, what="both mails")
    assert "/accounts/password/reset/key/" in "".join(mail_server.received).replace("=\n", "")


def test_a_mail_server_that_is_down_changes_nothing_about_the_answer(
    alice: User, settings: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailing, "PAUSES", ())
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()

    assert ask(alice.email).status_code == ask(NOBODY).status_code == 200

    POSTMEN.submit(lambda: None).result(30)
    until(lambda: caplog.text.count("An e-mail could not be sent.") == 2, what="both failures in the log")
    assert alice.email not in caplog.text


def test_a_link_that_is_lost_with_the_mail_server_is_tried_again_within_minutes(
    alice: User, mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert 60 <= sum(mailing.PAUSES) < 600
    monkeypatch.setattr(mailing, "PAUSES", (0.0, 0.0))
    mail_server.says_once = {"RCPT": "451 later", "HELLO": "421 not now"}

    ask(alice.email)

    until(lambda: mail_server.received, what="the mail")
    assert "/accounts/password/reset/key/" in mail_server.received[0].replace("=\n", "")


# Addresses --------------------------------------------------------------------------------------------------------


def test_nobody_adds_an_address_to_themselves_or_changes_theirs(alice: User) -> None:
    client = client_of(alice)

    for posted in ({"action_add": "", "email": NOBODY}, {"action_primary": "", "email": NOBODY}):
        assert client.post("/accounts/email/", posted).status_code == 404
    assert client.get("/accounts/email/").status_code == 404

    alice.refresh_from_db()
    assert alice.email == "alice@harbourtea.example"
    assert [*alice.emailaddress_set.values_list("email", flat=True)] == [alice.email]


def test_a_shortened_address_leads_to_ones_sign_ins(alice_client: Client) -> None:
    assert alice_client.get("/accounts/")["Location"] == "/accounts/sign-ins/"
    assert Client().get("/accounts/")["Location"].startswith("/accounts/login/")


def test_an_address_that_staff_have_not_vouched_for_is_proven_before_it_lets_in(alice: User) -> None:
    alice.emailaddress_set.update(verified=False)
    client = Client()

    client.post("/accounts/login/", {"login": alice.email, "password": "demo-password-1"})

    assert client.get("/accounts/sign-ins/").status_code == 302
    link = next(word for word in mail.outbox[0].body.split() if "/confirm-email/" in word)
    assert mail.outbox[0].subject == "Confirm your BlinkMetrics address"
    client.post(f"/{link.split('/', 3)[3]}")
    client.post("/accounts/login/", {"login": alice.email, "password": "demo-password-1"})
    assert client.get("/accounts/sign-ins/").status_code == 200
