"""Staff come no further through other people's accounts, or through their own stolen session."""

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Permission
from django.core import mail
from django.test import Client

from connections.models import User, Workspace
from tests.conftest import PASSWORD, client_of, give_second_factor

PEOPLE = "/admin/connections/user/"
MINE = "mine@blinkmetrics.example"


@pytest.fixture
def clerk(db: None) -> User:
    """Of the staff, and may edit people, but is no superuser."""
    user = User.objects.create_user("clerk@blinkmetrics.example", PASSWORD, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_user", "change_user"]))
    return user


def give_address(clerk: User, person: User) -> Any:
    typed = {"email": MINE, "name": person.name, "is_active": "on"}
    return client_of(clerk).post(f"{PEOPLE}{person.pk}/change/", typed)


def test_staff_do_not_take_over_a_superuser_by_another_address(clerk: User, staff: User) -> None:
    before = staff.email

    refused = give_address(clerk, staff)

    assert refused.status_code == 403
    staff.refresh_from_db()
    assert staff.email == before
    assert not EmailAddress.objects.filter(email=MINE).exists()


@pytest.mark.parametrize("field", ["is_staff", "is_superuser"])
def test_staff_who_are_not_superusers_do_not_edit_others_above_customers(clerk: User, field: str) -> None:
    other = User.objects.create_user("other@blinkmetrics.example", PASSWORD, **{field: True})

    refused = give_address(clerk, other)

    assert refused.status_code == 403
    assert not User.objects.filter(email=MINE).exists()


def test_staff_do_not_add_a_second_address_to_anybody(clerk: User, staff: User) -> None:
    clerk.user_permissions.set(Permission.objects.filter(codename__endswith="_emailaddress"))

    typed = {"user": str(staff.pk), "email": MINE, "verified": "on"}
    refused = client_of(clerk).post("/admin/account/emailaddress/add/", typed)

    assert refused.status_code == 404
    assert not EmailAddress.objects.filter(email=MINE).exists()


def test_staff_may_edit_customers_and_look_at_each_other(clerk: User, staff: User, alice: User) -> None:
    assert give_address(clerk, alice).status_code == 302
    assert User.objects.get(pk=alice.pk).email == MINE
    assert client_of(clerk).get(f"{PEOPLE}{staff.pk}/change/").status_code == 200


def test_another_address_is_told_to_the_old_and_the_new_one_and_stands_in_the_trail(
    clerk: User, alice: User, workspace: Workspace
) -> None:
    before = alice.email

    give_address(clerk, alice)

    assert [message.to for message in mail.outbox] == [[before], [MINE]]
    for message in mail.outbox:
        assert f"changed the e-mail address of your account from {before} to {MINE}." in message.body
    event = workspace.events.get(verb="changed the e-mail address of")
    assert (event.actor, event.about, event.detail) == (clerk, str(alice), f"From {before} to {MINE}.")


def test_who_keeps_their_address_is_not_written_to(clerk: User, alice: User) -> None:
    typed = {"email": alice.email, "name": "Another name", "is_active": "on"}

    client_of(clerk).post(f"{PEOPLE}{alice.pk}/change/", typed)

    assert User.objects.get(pk=alice.pk).name == "Another name"
    assert not mail.outbox


def test_a_superuser_may_edit_staff(clerk: User, staff: User) -> None:
    assert give_address(staff, clerk).status_code == 302
    assert User.objects.get(pk=clerk.pk).email == MINE


def test_staff_do_not_switch_off_the_second_step_of_a_superuser_without_the_staff_mark(clerk: User) -> None:
    other = User.objects.create_superuser("root@blinkmetrics.example", PASSWORD)
    User.objects.filter(pk=other.pk).update(is_staff=False)
    give_second_factor(other)

    client_of(clerk).post(PEOPLE, {"action": "switch_off_two_step_login", "_selected_action": str(other.pk)})

    assert Authenticator.objects.filter(user=other).exists()


def test_the_admins_own_page_for_passwords_is_not_served(staff_client: Client, staff: User) -> None:
    new = "Another-password-7"
    typed = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}

    shown = staff_client.get("/admin/password_change/")
    posted = staff_client.post("/admin/password_change/", typed)

    assert shown["Location"] == posted["Location"] == "/accounts/password/change/"
    staff.refresh_from_db()
    assert staff.check_password(PASSWORD)
