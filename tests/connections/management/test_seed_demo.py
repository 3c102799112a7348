"""`manage.py seed_demo`."""

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core.management import CommandError, call_command
from django.test import Client

from connections.models import Membership, Team, User, Workspace

PASSWORD = "demo-password-1"
ROLES = {
    ("alice@harbourtea.example", "harbour-tea", "owner"),
    ("bob@harbourtea.example", "harbour-tea", "member"),
    ("dana@harbourtea.example", "harbour-tea", "admin"),
    ("charlie@stranger.example", "stranger", "owner"),
}


@pytest.fixture(autouse=True)
def _development(settings: Any, db: None) -> None:
    settings.DEBUG = True


def everything() -> list[object]:
    models = (User, Workspace, Membership, Team, Team.members.through, EmailAddress)
    return [sorted(model.objects.values_list(), key=str) for model in models]


def test_the_demo_has_its_people_workspaces_and_team() -> None:
    call_command("seed_demo")

    assert set(Membership.objects.values_list("user__email", "workspace__slug", "role")) == ROLES
    members = Team.objects.get(name="Growth", workspace__slug="harbour-tea").members
    assert {member.user.email.split("@")[0] for member in members.all()} == {"alice", "bob"}
    staff = User.objects.get(email="staff@blinkmetrics.example")
    assert staff.is_superuser
    assert not staff.memberships.exists()
    assert EmailAddress.objects.filter(verified=True, primary=True).count() == User.objects.count() == 5


def test_running_it_twice_changes_nothing() -> None:
    call_command("seed_demo")
    before = everything()

    call_command("seed_demo")

    assert everything() == before


def test_what_was_changed_since_is_left_as_it_is() -> None:
    call_command("seed_demo")
    Membership.objects.filter(user__email="bob@harbourtea.example").delete()
    User.objects.filter(email="dana@harbourtea.example").update(name="Dana R.")
    Team.objects.get(name="Growth").delete()
    before = everything()

    call_command("seed_demo")

    assert everything() == before


@pytest.mark.parametrize("email", sorted(email for email, _, _ in ROLES))
def test_everybody_can_log_in(client: Client, email: str) -> None:
    call_command("seed_demo")

    response = client.post("/accounts/login/", {"login": email, "password": PASSWORD}, follow=True)

    assert response.request["PATH_INFO"].endswith("/connections/")


def test_outside_of_development_nobody_with_a_published_password_is_made(settings: Any) -> None:
    settings.DEBUG = False

    with pytest.raises(CommandError, match="DEBUG=on only"):
        call_command("seed_demo")

    assert not User.objects.exists()
