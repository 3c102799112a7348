"""The demo's people on a real site: everybody knows their password, so it opens nothing."""

import re
from typing import Any

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher, make_password
from django.core import mail
from django.core.cache import cache
from django.core.checks import run_checks
from django.core.management import call_command
from django.test import Client

from connections.models import SignIn, User
from tests.command_fixture import StartCommand, start_command, start_python
from tests.conftest import client_of
from tests.connections.keeping.editing_page import text
from tests.test_operations import PRODUCTION

__all__ = ["start_command", "start_python"]

PUBLISHED = "demo-password-1"
ANOTHER = "kettle-on-9"
STAFF = "staff@blinkmetrics.example"
PEOPLE = [STAFF, *(f"{name}@harbourtea.example" for name in ("alice", "bob", "dana")), "charlie@stranger.example"]
EVERYBODY_KNOWS = "This is the demo's password, which everybody knows: it opens nothing on a real site."


@pytest.fixture(autouse=True)
def _seeded(settings: Any, db: None) -> None:
    cache.clear()
    settings.DEBUG = True
    call_command("seed_demo")
    settings.DEBUG = False


@pytest.fixture
def real_site(settings: Any) -> None:
    """As with DEBUG off."""
    settings.PUBLISHED_PASSWORD_OPENS = False


def person(email: str) -> User:
    return User.objects.get(email=email)


def log_in(email: str, password: str) -> Any:
    client = Client()
    answer = client.post("/accounts/login/", {"login": email, "password": password, "next": "/admin/"})
    return client, answer


def is_in(client: Client) -> bool:
    return client.get("/accounts/2fa/").status_code == 200


def problems() -> list[str]:
    return [str(one) for one in run_checks(include_deployment_checks=True) if one.id == "connections.E001"]


@pytest.mark.parametrize("email", PEOPLE)
def test_nobody_of_the_demo_comes_in(real_site: None, email: str) -> None:
    client, answer = log_in(email, PUBLISHED)

    assert EVERYBODY_KNOWS in answer.content.decode().replace("&#x27;", "'")
    assert not is_in(client)
    assert client.get("/admin/").status_code == 302
    assert not SignIn.objects.exists()


def test_what_is_said_does_not_tell_who_has_an_account(real_site: None) -> None:
    known, unknown = (text(log_in(email, PUBLISHED)[1]) for email in (STAFF, "nobody@elsewhere.example"))

    assert known.replace(STAFF, "") == unknown.replace("nobody@elsewhere.example", "")


@pytest.mark.parametrize("email", [STAFF, "alice@harbourtea.example"])
def test_whoever_came_in_during_development_is_out_on_a_real_site(settings: Any, email: str) -> None:
    client, _ = log_in(email, PUBLISHED)
    forced = client_of(person(email))
    assert is_in(client)

    settings.PUBLISHED_PASSWORD_OPENS = False

    assert not is_in(client)
    assert not is_in(forced)
    assert client.get("/admin/").status_code == 302


def link_in_the_mail() -> Any:
    link = re.search(r"https?://[^/]+(/accounts/password/reset/key/\S+)", mail.outbox[-1].body)
    assert link
    client = Client()
    return client, client.get(link[1], follow=True).redirect_chain[-1][0]


def test_a_link_for_a_forgotten_password_does_not_open_the_account_either(real_site: None) -> None:
    Client().post("/accounts/password/reset/", {"email": STAFF})
    client, address = link_in_the_mail()

    answer = client.post(address, {"password1": ANOTHER, "password2": ANOTHER})

    assert "This is an account of the demo, and this a real site." in text(answer)
    assert not is_in(log_in(STAFF, ANOTHER)[0])


def test_nobody_sets_the_published_password(real_site: None) -> None:
    other = User.objects.create_user("new@x.test", ANOTHER)
    client = client_of(other)

    changed = client.post(
        "/accounts/password/change/", {"oldpassword": ANOTHER, "password1": PUBLISHED, "password2": PUBLISHED}
    )
    Client().post("/accounts/password/reset/", {"email": other.email})
    by_link, address = link_in_the_mail()
    reset = by_link.post(address, {"password1": PUBLISHED, "password2": PUBLISHED})

    for answer in (changed, reset):
        assert "which everybody knows" in text(answer)
    other.refresh_from_db()
    assert other.check_password(ANOTHER)


def test_who_has_another_password_is_like_anybody_else(real_site: None) -> None:
    alice = person("alice@harbourtea.example")
    alice.set_password(ANOTHER)
    alice.save()

    assert is_in(log_in(alice.email, ANOTHER)[0])
    assert alice.email not in str(problems())


def test_the_check_names_them_until_each_has_another_password_or_is_switched_off(real_site: None) -> None:
    User.objects.filter(email="bob@harbourtea.example").update(email="bob@customer.test", is_staff=True)
    told = str(problems())
    assert [email for email in PEOPLE if email not in told] == ["bob@harbourtea.example"]
    assert "bob@customer.test" in told

    User.objects.filter(email__in=PEOPLE[:3]).update(is_active=False)
    for user in User.objects.filter(is_active=True):
        user.set_password(ANOTHER)
        user.save()

    assert problems() == []


def test_in_development_nothing_is_said() -> None:
    assert problems() == []


@pytest.mark.django_db(transaction=True)
def test_the_check_that_every_roll_out_goes_through_fails_on_the_demos_database(start_command: StartCommand) -> None:
    User.objects.filter(email=STAFF).update(password=make_password(PUBLISHED, hasher=PBKDF2PasswordHasher()))

    check = start_command(
        "check", "--deploy", **PRODUCTION, DEBUG="off", DJANGO_SETTINGS_MODULE="blinkmetrics.settings"
    )

    assert check.exit_code() == 1
    assert f"These accounts have the demo's password, which is published: {STAFF}." in check.err
