"""Who came in with the password alone is out as soon as two-step login is set up."""

import re

from allauth.mfa.models import Authenticator
from django.test import Client, override_settings

from connections.models import User, Workspace
from tests.conftest import PASSWORD, client_of, code_of

CONNECTIONS = "/w/harbour-tea/connections/"
SET_UP = "/accounts/2fa/totp/activate/"


def logged_in(user: User) -> Client:
    client = Client()
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    return client


def set_up_second_step(client: Client) -> None:
    shown = re.search(r"<code>([A-Z2-7]{32})</code>", client.get(SET_UP).content.decode())
    assert shown
    assert client.post(SET_UP, {"code": code_of(shown[1])}).status_code == 302


def test_a_thief_of_the_password_does_not_stay_in(workspace: Workspace, alice: User, dana: User) -> None:
    workspace.require_second_factor(wanted=True, by=alice)
    thief, owner = logged_in(dana), logged_in(dana)

    set_up_second_step(owner)

    assert thief.get(CONNECTIONS).status_code == 302
    thief.post("/accounts/2fa/totp/deactivate/")
    assert Authenticator.objects.filter(user=dana, type=Authenticator.Type.TOTP).exists()
    assert owner.get(CONNECTIONS).status_code == 200


def test_a_wrong_code_ends_no_session(workspace: Workspace, dana: User) -> None:
    other, owner = logged_in(dana), logged_in(dana)

    owner.get(SET_UP)
    owner.post(SET_UP, {"code": "000000"})

    assert other.get(CONNECTIONS).status_code == 200


def test_sessions_of_others_go_on(workspace: Workspace, alice: User, dana: User) -> None:
    set_up_second_step(logged_in(dana))

    assert client_of(alice).get(CONNECTIONS).status_code == 200


def test_sessions_outlive_another_secret_key_while_the_old_one_is_named(workspace: Workspace, dana: User) -> None:
    with override_settings(SECRET_KEY="the one before" * 5):
        client = client_of(dana)

    with override_settings(SECRET_KEY="the one after" * 5, SECRET_KEY_FALLBACKS=["the one before" * 5]):
        assert client.get(CONNECTIONS).status_code == 200


def test_what_one_person_was_told_is_not_read_by_the_next_one_in_the_same_browser(
    workspace: Workspace, alice: User, bob: User, charlie: User
) -> None:
    browser = logged_in(alice)
    role = f"/w/{workspace.slug}/settings/members/{workspace.memberships.get(user=bob).pk}/role/"
    browser.post(role, {"role": "admin"})

    browser.post("/accounts/logout/")
    browser.post("/accounts/login/", {"login": charlie.email, "password": PASSWORD})
    seen = browser.get("/w/stranger/connections/").content.decode()

    assert "Stranger &amp; Co" in seen
    assert bob.name not in seen
    assert not browser.cookies.get("messages")
