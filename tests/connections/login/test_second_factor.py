"""Two-step login: offered to all, needed by site staff and where a workspace requires it."""

import json
import re
import time
from typing import Any
from urllib.parse import unquote

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from cryptography.fernet import Fernet
from django.contrib.auth.models import Permission
from django.contrib.sessions.models import Session
from django.core import mail
from django.core.cache import cache
from django.test import Client

from connections.models import Connection, Membership, User, Workspace
from connections.operating.rotation import reseal_all, verify_all
from sources.activecampaign.sandbox.server import SandboxServer
from sources.registry import get_source
from tests.conftest import PASSWORD, Connect, client_of, code_of, give_second_factor
from tests.connections.keeping.editing_page import text

MEMBERS = "/w/harbour-tea/settings/members/"
SWITCH = f"{MEMBERS}second-factor/"
PLACE = "/w/harbour-tea/connections/"
SET_UP = "/accounts/2fa/totp/activate/"


@pytest.fixture(autouse=True)
def _a_fresh_count(db: None) -> None:
    cache.clear()


@pytest.fixture
def required(workspace: Workspace, alice: User) -> Workspace:
    workspace.require_second_factor(wanted=True, by=alice)
    return workspace


def log_in(user: User) -> Client:
    client = Client()
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    return client


def is_in(client: Client) -> bool:
    return client.get("/accounts/2fa/").status_code == 200


def shown_secret(response: Any) -> str:
    found = re.search(r"<code>([A-Z2-7]{32})</code>", response.content.decode())
    assert found
    return found[1]


# Setting it up ----------------------------------------------------------------------------------------------------


def test_anybody_sets_it_up_and_from_then_on_the_password_alone_does_not_let_in(alice: User) -> None:
    client = client_of(alice)
    secret = shown_secret(client.get(SET_UP))

    done = client.post(SET_UP, {"code": code_of(secret)}, follow=True)

    assert "10 of 10 are unused." in text(done)
    assert len(re.findall(r"\b\d{8}\b", text(done))) == 10
    again = log_in(alice)
    assert not is_in(again)
    again.post("/accounts/2fa/authenticate/", {"code": code_of(secret)})
    assert not is_in(again)  # The code that switched it on is used up.
    with time_machine.travel(time.time() + 30, tick=False):
        again.post("/accounts/2fa/authenticate/", {"code": code_of(secret)})
        assert is_in(again)


def test_a_recovery_code_lets_in_once(alice: User) -> None:
    client = client_of(alice)
    done = client.post(SET_UP, {"code": code_of(shown_secret(client.get(SET_UP)))}, follow=True)
    recovery = re.findall(r"\b\d{8}\b", text(done))[0]

    first, second = log_in(alice), log_in(alice)
    first.post("/accounts/2fa/authenticate/", {"code": recovery})
    second.post("/accounts/2fa/authenticate/", {"code": recovery})

    assert is_in(first)
    assert not is_in(second)


def test_a_code_may_be_typed_in_two_halves_as_apps_show_it(alice: User) -> None:
    client = client_of(alice)
    secret = shown_secret(client.get(SET_UP))
    before, after = code_of(secret)[:3], code_of(secret)[3:]

    client.post(SET_UP, {"code": f"{before} {after}"})
    cache.clear()  # It remembers which code was used.
    again = log_in(alice)
    again.post("/accounts/2fa/authenticate/", {"code": f" {before} {after}"})

    assert is_in(again)


def test_a_wrong_code_says_what_to_do(alice: User) -> None:
    give_second_factor(alice)

    page = text(log_in(alice).post("/accounts/2fa/authenticate/", {"code": "no code"}))

    assert "This code is not right. Enter the newest one of the app, or an unused recovery code." in page
    assert "Neither your phone nor a recovery code is at hand?" in page


def test_the_same_code_does_not_let_in_twice(alice: User) -> None:
    code = code_of(give_second_factor(alice))
    first, second = log_in(alice), log_in(alice)

    first.post("/accounts/2fa/authenticate/", {"code": code})
    second.post("/accounts/2fa/authenticate/", {"code": code})

    assert is_in(first)
    assert not is_in(second)


def test_setting_it_up_and_switching_it_off_want_a_recent_login(alice: User) -> None:
    long_ago = client_of(alice, logged_in_ago=360)

    assert unquote(long_ago.get(SET_UP)["Location"]) == f"/accounts/reauthenticate/?next={SET_UP}"
    give_second_factor(alice)
    long_ago.post("/accounts/2fa/totp/deactivate/")

    assert Authenticator.objects.filter(user=alice).exists()


def test_a_code_confirms_who_it_is_in_the_place_of_the_password(alice: User) -> None:
    secret = give_second_factor(alice)
    long_ago = client_of(alice, logged_in_ago=360)

    asked = text(long_ago.get("/accounts/reauthenticate/"))
    assert "Enter it once more" in asked
    assert "Use a code from your authenticator app instead" in asked
    answer = long_ago.post("/accounts/2fa/reauthenticate/", {"code": code_of(secret), "next": "/accounts/2fa/"})

    assert answer["Location"] == "/accounts/2fa/"
    assert long_ago.get("/accounts/2fa/totp/deactivate/").status_code == 200


BEHIND_A_CODE = [
    f"/accounts/2fa/{page}" for page in ("totp/deactivate/", "recovery-codes/", "recovery-codes/generate/")
]


@pytest.mark.parametrize("page", [*BEHIND_A_CODE, "/accounts/2fa/recovery-codes/download/"])
def test_a_password_alone_does_not_end_it_and_gets_at_no_recovery_codes(alice: User, page: str) -> None:
    secret = give_second_factor(alice)
    RecoveryCodes.activate(alice)
    before = [*Authenticator.objects.values_list("pk", "data")]
    client = client_of(alice)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})

    for answer in (client.get(page), client.post(page)):
        assert unquote(answer["Location"]) == f"/accounts/2fa/reauthenticate/?next={page}"

    assert [*Authenticator.objects.values_list("pk", "data")] == before
    asked = client.get(answer["Location"])
    assert "Enter a code from your authenticator app" in text(asked)
    assert "password instead" not in text(asked)
    assert client.post("/accounts/2fa/reauthenticate/", {"code": code_of(secret), "next": page})["Location"] == page
    assert client.get(page).status_code == 200


def test_it_ends_with_a_code_and_the_codes_of_before_are_void(alice: User) -> None:
    secret = give_second_factor(alice)
    client = client_of(alice)

    client.post("/accounts/2fa/reauthenticate/", {"code": code_of(secret)})
    client.post("/accounts/2fa/totp/deactivate/")

    assert not Authenticator.objects.exists()
    assert is_in(log_in(alice))


@pytest.mark.parametrize("again", ["/accounts/2fa/authenticate/", "/accounts/2fa/reauthenticate/"])
def test_a_code_that_confirmed_who_it_is_is_used_up(alice: User, again: str) -> None:
    code = code_of(give_second_factor(alice))
    client = client_of(alice)

    client.post("/accounts/2fa/reauthenticate/", {"code": code})
    other = log_in(alice) if again.endswith("/2fa/authenticate/") else client_of(alice)
    other.post(again, {"code": code})

    assert other.post("/accounts/2fa/totp/deactivate/").status_code == 302
    assert Authenticator.objects.filter(user=alice).exists()


def test_switching_it_on_and_off_is_told_by_e_mail(
    alice: User, django_capture_on_commit_callbacks: Any, settings: Any
) -> None:
    settings.SITE_URL = "https://app.blinkmetrics.example"
    client = client_of(alice)

    with django_capture_on_commit_callbacks(execute=True):
        client.post(SET_UP, {"code": code_of(shown_secret(client.get(SET_UP)))})
    client.post("/accounts/2fa/recovery-codes/generate/")
    client.post("/accounts/2fa/totp/deactivate/")

    assert [one.subject for one in mail.outbox] == ["Two-step login is on", "Two-step login is off"]
    assert "It came from 127.0.0.1, on " in mail.outbox[0].body
    assert "https://app.blinkmetrics.example/accounts/password/reset/" in mail.outbox[0].body
    assert Authenticator.objects.filter(user=alice).count() == 0


# Secrets ----------------------------------------------------------------------------------------------------------


def test_secrets_are_sealed_in_their_rows_and_in_the_session_before(alice: User) -> None:
    client = client_of(alice)
    secret = shown_secret(client.get(SET_UP))
    waiting = [json.dumps(session.get_decoded()) for session in Session.objects.all()]
    client.post(SET_UP, {"code": "000000"})
    waiting += [json.dumps(session.get_decoded()) for session in Session.objects.all()]

    done = client.post(SET_UP, {"code": code_of(secret)}, follow=True)

    stored = json.dumps([*Authenticator.objects.values_list("data", flat=True)])
    assert Authenticator.objects.filter(user=alice).count() == 2
    for kept in (*waiting, stored):
        assert secret not in kept
        assert not set(re.findall(r"\b\d{8}\b", text(done))) & set(re.findall(r"\b\d{8}\b", kept))


def test_a_new_credential_key_takes_the_secrets_along(alice: User, settings: Any) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    settings.CREDENTIAL_KEYS = [old]
    secret = give_second_factor(alice)
    settings.CREDENTIAL_KEYS = [new, old]

    assert (verify_all().present, verify_all().resealed) == (0, 1)
    assert (reseal_all().resealed, reseal_all().resealed) == (1, 0)
    settings.CREDENTIAL_KEYS = [new]

    assert verify_all().is_whole
    client = log_in(alice)
    client.post("/accounts/2fa/authenticate/", {"code": code_of(secret)})
    assert is_in(client)


def test_a_secret_that_cannot_be_opened_lets_nobody_in_and_says_whom_to_ask(alice: User, settings: Any) -> None:
    secret = give_second_factor(alice)
    inside = client_of(alice)
    settings.CREDENTIAL_KEYS = [Fernet.generate_key().decode()]
    client = log_in(alice)

    answer = client.post("/accounts/2fa/authenticate/", {"code": code_of(secret)})

    assert "Ask BlinkMetrics’ support to switch it off." in text(answer)
    assert not is_in(client)
    assert inside.get("/accounts/2fa/").status_code == 200
    assert verify_all().locked_out == [alice.email]


# Guessing ---------------------------------------------------------------------------------------------------------


def test_codes_cannot_be_guessed_for_long(alice: User) -> None:
    secret = give_second_factor(alice)
    with time_machine.travel(time.time(), tick=False) as clock:
        client = log_in(alice)
        answers = [client.post("/accounts/2fa/authenticate/", {"code": "000000"}).status_code for _ in range(6)]

        assert answers == [200] * 5 + [429]
        assert client.post("/accounts/2fa/authenticate/", {"code": code_of(secret)}).status_code == 429
        clock.shift(301)
        client.post("/accounts/2fa/authenticate/", {"code": code_of(secret)})
        assert is_in(client)


# Site staff -------------------------------------------------------------------------------------------------------


@pytest.fixture
def strict(settings: Any) -> None:
    """As on a real site."""
    settings.STAFF_NEED_SECOND_FACTOR = True


def test_staff_without_it_are_led_to_set_it_up_before_they_see_anything(strict: None, staff_client: Client) -> None:
    for address in ("/admin/", "/admin/connections/connection/", "/admin/connections/user/add/"):
        led = staff_client.get(address, follow=True)

        assert led.redirect_chain[-1][0] == SET_UP
        assert "Site staff need two-step login" in text(led)
        assert staff_client.post(address).status_code == 302


def test_staff_who_have_it_work_in_the_admin(strict: None, staff: User) -> None:
    give_second_factor(staff)

    assert client_of(staff).get("/admin/").status_code == 200


def test_the_login_of_the_admin_is_that_of_everybody_and_no_way_around_the_second_step(
    strict: None, staff: User
) -> None:
    secret = give_second_factor(staff)
    client = Client()

    asked = client.get("/admin/login/?next=/admin/", follow=True)
    posted = client.post("/admin/login/", {"username": staff.email, "password": PASSWORD})
    client.post("/accounts/login/", {"login": staff.email, "password": PASSWORD})

    assert asked.redirect_chain[-1][0].startswith("/accounts/login/")
    assert posted["Location"].startswith("/accounts/login/")
    assert client.get("/admin/").status_code == 302
    client.post("/accounts/2fa/authenticate/", {"code": code_of(secret)})
    assert client.get("/admin/").status_code == 200


def test_somebody_who_is_no_staff_is_refused_in_the_admin(strict: None, alice: User) -> None:
    give_second_factor(alice)

    assert client_of(alice).get("/admin/login/").status_code == 403


def test_staff_switch_it_off_for_somebody_whose_phone_is_gone(
    staff_client: Client, alice: User, workspace: Workspace
) -> None:
    give_second_factor(alice)

    staff_client.post(
        "/admin/connections/user/", {"action": "switch_off_two_step_login", "_selected_action": str(alice.pk)}
    )

    assert not Authenticator.objects.filter(user=alice).exists()
    event = workspace.events.get()
    assert (event.verb, event.about) == ("switched off the two-step login of", "Alice Okafor")
    assert [(one.to, one.subject) for one in mail.outbox] == [([alice.email], "Two-step login is off")]


def test_staff_who_are_no_superusers_switch_it_off_for_no_other_staff(staff: User, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(is_staff=True)
    alice.user_permissions.set(Permission.objects.filter(codename__in=["view_user", "change_user"]))
    give_second_factor(staff)

    client_of(alice).post(
        "/admin/connections/user/", {"action": "switch_off_two_step_login", "_selected_action": str(staff.pk)}
    )

    assert Authenticator.objects.filter(user=staff).exists()


def test_staff_do_not_switch_off_their_own_without_a_code(staff: User) -> None:
    give_second_factor(staff)

    client_of(staff).post(
        "/admin/connections/user/", {"action": "switch_off_two_step_login", "_selected_action": str(staff.pk)}
    )

    assert Authenticator.objects.filter(user=staff).exists()


def test_secrets_of_the_second_step_are_not_in_the_admin(staff_client: Client) -> None:
    assert "authenticator" not in staff_client.get("/admin/").content.decode().lower()


# A workspace that requires it -------------------------------------------------------------------------------------


def test_an_owner_requires_it_of_everybody_and_it_is_in_the_trail(
    alice: User, bob_client: Client, workspace: Workspace
) -> None:
    give_second_factor(alice)

    page = client_of(alice).post(SWITCH, {"wanted": "yes"}, follow=True)

    assert "Everybody here needs it" in text(page)
    assert workspace.events.get().verb == "now requires two-step login in"
    led = bob_client.get(PLACE, follow=True)
    assert led.redirect_chain[-1][0] == SET_UP
    assert "Harbour Tea wants two-step login. Set it up, then go on." in text(led)


def test_a_member_without_it_gets_at_nothing_of_the_workspace(
    required: Workspace, bob: User, connect: Connect, sandbox: SandboxServer
) -> None:
    mine = connect(sandbox, by=bob, name="Quiet account")
    here, client = mine.get_absolute_url(), client_of(bob)
    before = [*required.events.values_list()]

    reads = ["", "progress/", "pulling/", "syncs/", "data/", "data/contacts/", "data/contacts.csv", "delete/"]
    answers = [client.get(f"{here}{part}") for part in reads]
    answers += [client.get(address) for address in (PLACE, f"{PLACE}add/", MEMBERS, "/w/harbour-tea/settings/teams/")]
    answers += [client.post(f"{here}{part}") for part in ("", "test/", "sync/", "pause/", "delete/")]

    for answer in answers:
        assert (answer.status_code, answer["Location"]) == (302, SET_UP)
        assert b"Quiet account" not in answer.content
    assert [*required.events.values_list()] == before
    assert sandbox.stats()["requests"] == 0


def test_an_unfinished_set_up_waits_too(required: Workspace, bob: User) -> None:
    source = get_source("activecampaign")
    assert source is not None
    draft = Connection.objects.take_up_draft(workspace=required, user=bob, source=source)
    here, client = f"{PLACE}add/activecampaign/{draft.pk}/", client_of(bob)

    answers = [client.get(here), client.post(here), client.post(f"{here}keep/"), client.get(f"{here}finish/")]

    assert {answer["Location"] for answer in answers} == {SET_UP}


def test_recovery_codes_alone_are_no_second_step(required: Workspace, bob: User) -> None:
    RecoveryCodes.activate(bob)

    assert client_of(bob).get(PLACE)["Location"] == SET_UP


def test_a_part_of_a_page_sends_the_whole_page_away(required: Workspace, bob_client: Client, connect: Connect) -> None:
    answer = bob_client.get(f"{connect().get_absolute_url()}progress/", headers={"HX-Request": "true"})

    assert (answer.status_code, answer["HX-Redirect"]) == (200, SET_UP)


def test_a_member_who_sets_it_up_is_let_in(required: Workspace, bob: User) -> None:
    client = client_of(bob)
    secret = shown_secret(client.get(PLACE, follow=True))

    client.post(SET_UP, {"code": code_of(secret)})

    assert client.get(PLACE).status_code == 200


def test_it_is_required_in_that_workspace_alone(required: Workspace, charlie: User, bob: User) -> None:
    Membership.objects.create(workspace=charlie.memberships.get().workspace, user=bob)

    assert client_of(bob).get("/w/stranger/connections/").status_code == 200
    assert client_of(bob).get(PLACE).status_code == 302


def test_an_outsider_does_not_learn_that_it_is_required(required: Workspace, charlie_client: Client) -> None:
    assert charlie_client.get(PLACE).status_code == 404


def test_who_has_none_cannot_require_it_of_others(alice_client: Client, workspace: Workspace) -> None:
    answer = alice_client.post(SWITCH, {"wanted": "yes"})

    workspace.refresh_from_db()
    assert answer["Location"] == SET_UP
    assert not workspace.requires_second_factor


def test_a_member_switches_nothing_on_or_off(alice: User, bob: User, required: Workspace) -> None:
    give_second_factor(bob)

    assert client_of(bob).post(SWITCH, {"wanted": "no"}).status_code == 403
    required.refresh_from_db()
    assert required.requires_second_factor


def test_switching_it_off_for_everybody_wants_a_recent_login(alice: User, required: Workspace) -> None:
    give_second_factor(alice)

    asked = client_of(alice, logged_in_ago=360).post(SWITCH, {"wanted": "no"})
    required.refresh_from_db()
    assert asked["Location"].startswith("/accounts/reauthenticate/")
    assert required.requires_second_factor

    client_of(alice).post(SWITCH, {"wanted": "no"})
    required.refresh_from_db()
    assert not required.requires_second_factor
    assert required.events.order_by("-pk").first().verb == "no longer requires two-step login in"


def test_staff_who_switch_it_are_in_the_trail(staff_client: Client, required: Workspace, alice: User) -> None:
    member = alice.memberships.get()
    form = {"name": "Harbour Tea", "slug": "harbour-tea", "timezone": "UTC"}
    members = {"memberships-TOTAL_FORMS": 1, "memberships-INITIAL_FORMS": 1, "memberships-0-id": member.pk}
    members |= {"memberships-0-workspace": required.pk, "memberships-0-user": alice.pk, "memberships-0-role": "owner"}

    staff_client.post(
        f"/admin/connections/workspace/{required.pk}/change/",
        {**form, **members, "teams-TOTAL_FORMS": 0, "teams-INITIAL_FORMS": 0},
    )

    required.refresh_from_db()
    assert not required.requires_second_factor
    newest = required.events.order_by("-pk").first()
    assert (newest.verb, newest.actor.email) == ("no longer requires two-step login in", "staff@blinkmetrics.example")


def test_administrators_alone_see_who_has_set_it_up(alice: User, bob: User, dana_client: Client) -> None:
    give_second_factor(bob)

    assert "Bob Lindqvist bob@harbourtea.example Admin Member Change the role of Bob Lindqvist – On" in text(
        dana_client.get(MEMBERS)
    )
    assert "Two-step login" not in text(client_of(bob).get(MEMBERS)).partition("Members Who belongs")[2]
