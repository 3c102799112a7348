"""E-mail addresses are kept in small letters, wherever they come from, and log in however they are typed."""

import re
from importlib import import_module
from io import StringIO
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.apps import apps
from django.core import mail
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import connection as database
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connections.models import User, Workspace
from tests.conftest import PASSWORD, client_of, person

PEOPLE = "/admin/connections/user/"
migration = import_module("connections.migrations.0026_people")


@pytest.fixture(autouse=True)
def _a_fresh_count(db: None) -> None:
    cache.clear()


def logs_in(email: str, password: str = PASSWORD) -> bool:
    client = Client()
    client.post("/accounts/login/", {"login": email, "password": password})
    return client.get("/accounts/2fa/").status_code == 200


def set_password_by_the_link_in_the_mail() -> None:
    client = Client()
    link = re.search(r"https?://[^/]+(/accounts/password/reset/key/\S+)", mail.outbox[-1].body)
    assert link
    form = client.get(link[1], follow=True)
    client.post(form.redirect_chain[-1][0], {"password1": "kettle-on-9", "password2": "kettle-on-9"})


# Where they come in ------------------------------------------------------------------------------------------------


def test_a_person_whom_staff_add_with_capitals_gets_a_link_that_works(staff_client: Client) -> None:
    staff_client.post(f"{PEOPLE}add/", {"email": "New.Person@X.example", "name": "New", "is_active": "on"})

    assert [message.to for message in mail.outbox] == [["new.person@x.example"]]
    set_password_by_the_link_in_the_mail()
    for typed in ("new.person@x.example", "New.Person@X.example", " NEW.PERSON@X.EXAMPLE "):
        assert logs_in(typed, "kettle-on-9")


def test_an_address_that_staff_change_to_one_with_capitals_logs_in(staff_client: Client, dana: User) -> None:
    staff_client.post(f"{PEOPLE}{dana.pk}/change/", {"email": "Dana@New.EXAMPLE", "name": "Dana", "is_active": "on"})

    assert [*EmailAddress.objects.filter(user=dana).values_list("email", flat=True)] == ["dana@new.example"]
    assert logs_in("Dana@New.EXAMPLE")
    assert logs_in("dana@new.example")


def test_other_capitals_are_no_other_address(staff_client: Client, dana: User, workspace: Workspace) -> None:
    typed = {"email": "Dana@HarbourTea.example", "name": dana.name, "is_active": "on"}
    staff_client.post(f"{PEOPLE}{dana.pk}/change/", typed)

    assert not mail.outbox
    assert not workspace.events.exists()
    assert logs_in("dana@harbourtea.example")


def test_the_address_of_somebody_else_is_taken_however_it_is_spelt(staff_client: Client, alice: User) -> None:
    page = staff_client.post(f"{PEOPLE}add/", {"email": "ALICE@harbourtea.example", "name": "A", "is_active": "on"})

    assert "already exists" in page.content.decode()
    assert User.objects.filter(email__iexact=alice.email).count() == 1


def test_the_owner_of_a_new_workspace_is_found_however_their_address_is_spelt(
    staff_client: Client, alice: User
) -> None:
    typed = {"name": "Quay", "slug": "quay", "timezone": "UTC", "owner_email": "Alice@HarbourTea.EXAMPLE"}

    staff_client.post("/admin/connections/workspace/add/", typed)

    assert Workspace.objects.get(slug="quay").memberships.get().user == alice


def test_a_superuser_is_made_and_found_however_their_address_is_spelt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command("createsuperuser", "--noinput", email="Root@Site.example", stdout=StringIO())

    assert User.objects.get().email == "root@site.example"
    with pytest.raises(CommandError, match="already taken"):
        call_command("createsuperuser", "--noinput", email="ROOT@site.example", stdout=StringIO())


def test_what_code_stores_is_in_small_letters_too() -> None:
    user = User(email="A@X.example")
    user.save()
    assert User.objects.get().email == user.email == "a@x.example"

    user.email = "B@X.example"
    user.save()

    assert User.objects.get().email == "b@x.example"


def test_a_forgotten_password_is_asked_for_in_capitals(alice: User) -> None:
    Client().post("/accounts/password/reset/", {"email": "ALICE@HarbourTea.example"})

    assert mail.outbox[0].to == ["alice@harbourtea.example"]
    set_password_by_the_link_in_the_mail()
    assert logs_in("aliCE@harbourtea.example", "kettle-on-9")


LETTERS = "abzABZ09._%+-ıİſKéÉßŞçΣσς"


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.text(LETTERS, min_size=1, max_size=12),
    domain=st.text("abzABZ09-üÜıİΣçßK", min_size=1, max_size=12),
)
def test_whatever_address_staff_may_enter_logs_in_as_it_was_entered(
    staff_client: Client, name: str, domain: str
) -> None:
    entered = f"{name}@{domain}.example"
    User.objects.filter(is_staff=False).delete()
    staff_client.post(f"{PEOPLE}add/", {"email": entered, "name": "New", "is_active": "on"})

    for user in User.objects.filter(is_staff=False):
        user.set_password(PASSWORD)
        user.save()
        assert user.email == entered.lower()
        assert logs_in(entered)
        assert logs_in(user.email)
        cache.clear()


def test_letters_whose_small_form_no_address_may_hold_are_refused_at_the_field(staff_client: Client) -> None:
    page = staff_client.post(f"{PEOPLE}add/", {"email": "İpek@x.example", "name": "İpek", "is_active": "on"})

    assert "Enter a valid e-mail address" in page.content.decode()
    assert User.objects.count() == 1


# Those that are there ----------------------------------------------------------------------------------------------


def spelt(user: User, email: str, **fields: Any) -> User:
    """As it was stored before."""
    User.objects.filter(pk=user.pk).update(email=email)
    EmailAddress.objects.filter(user=user).update(email=email, **fields)
    return user


def migrate() -> None:
    migration.put_into_small_letters(apps, None)


def said_by_migrate() -> str:
    said = StringIO()
    call_command("migrate", stdout=StringIO(), stderr=said, skip_checks=False)
    return said.getvalue()


def test_addresses_from_before_log_in_after_the_migration(dana: User, erin: User) -> None:
    spelt(dana, "Dana@New.example")
    assert not logs_in("dana@new.example")

    migrate()

    assert logs_in("Dana@New.example")
    assert logs_in("dana@new.example")
    assert logs_in(erin.email)
    assert said_by_migrate() == ""


def test_two_spellings_of_one_persons_address_become_one(dana: User) -> None:
    EmailAddress.objects.filter(user=dana).update(email="Dana@harbourtea.example")
    EmailAddress.objects.create(user=dana, email="dana@harbourtea.example")

    migrate()

    kept = EmailAddress.objects.get(user=dana)
    assert (kept.email, kept.verified, kept.primary) == ("dana@harbourtea.example", True, True)


@pytest.fixture
def twins(db: None) -> tuple[User, User]:
    """SQLite knows no small letters but those of English, so that it let both in."""
    if database.vendor != "sqlite":
        pytest.skip("This database knows that they are the same.")
    small = person("ana@münchen.example", "Ana")
    capital = spelt(person("bo@x.example", "Bo"), "ana@mÜnchen.example")
    capital.refresh_from_db()
    capital.set_password("kettle-on-9")
    capital.save()
    return small, capital


def test_two_accounts_that_differ_in_capitals_are_kept_named_and_both_log_in(twins: tuple[User, User]) -> None:
    small, capital = twins

    migrate()

    assert [*User.objects.filter(pk__in=[small.pk, capital.pk]).order_by("pk").values_list("email", flat=True)] == [
        "ana@münchen.example",
        "ana@mÜnchen.example",
    ]
    said = said_by_migrate()
    assert f"The accounts {small.pk} and {capital.pk} have the same e-mail address but for capitals." in said
    assert "Give all but one of them an address of their own" in said
    assert logs_in("ana@münchen.example")
    assert logs_in("ana@mÜnchen.example", "kettle-on-9")
    assert not logs_in("ana@münchen.example", "kettle-on-9")
    capital.refresh_from_db()
    capital.save()  # Whatever is saved of it does not meet the other.


def test_the_same_address_of_two_people_stays_with_both(alice: User, bob: User) -> None:
    EmailAddress.objects.create(user=bob, email="Alice@harbourtea.example", verified=True)

    migrate()

    assert EmailAddress.objects.filter(user=bob, email="Alice@harbourtea.example").exists()
    assert f"The accounts {alice.pk} and {bob.pk} have" in said_by_migrate()
    assert logs_in("alice@harbourtea.example")
    assert client_of(bob).get("/w/harbour-tea/connections/").status_code == 200
