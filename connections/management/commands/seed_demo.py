"""`manage.py seed_demo`: the people of the demo, for development only."""

from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from connections.models import Membership, Role, Team, User, Workspace

HARBOUR_TEA = [
    ("alice@harbourtea.example", "Alice Okafor", Role.OWNER),
    ("bob@harbourtea.example", "Bob Lindqvist", Role.MEMBER),
    ("dana@harbourtea.example", "Dana Reyes", Role.ADMIN),
]
STRANGER = [("charlie@stranger.example", "Charlie Vance", Role.OWNER)]
GROWTH = ["alice@harbourtea.example", "bob@harbourtea.example"]
STAFF = "staff@blinkmetrics.example"


class Command(BaseCommand):
    help = "Make the demo's workspaces and people. Running it again changes nothing."

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError("The demo's people have a published password: they are made with DEBUG=on only.")
        tea = new_workspace("Harbour Tea", "harbour-tea", HARBOUR_TEA)
        if tea:
            growth = Team.objects.create(workspace=tea, name="Growth")
            growth.members.set(tea.memberships.filter(user__email__in=GROWTH))
        new_workspace("Stranger & Co", "stranger", STRANGER)
        person(STAFF, "Site staff", is_staff=True, is_superuser=True)


def new_workspace(name: str, slug: str, people: list[tuple[str, str, Role]]) -> Workspace | None:
    """None when there is one already: whatever was changed or deleted in it since stays so."""
    place, is_new = Workspace.objects.get_or_create(slug=slug, defaults={"name": name})
    if not is_new:
        return None
    for email, full_name, role in people:
        Membership.objects.create(workspace=place, user=person(email, full_name), role=role)
    return place


def person(email: str, name: str, **fields: Any) -> User:
    user = User.objects.filter(email=email).first() or User.objects.create_user(
        email, settings.PUBLISHED_PASSWORD, name=name, **fields
    )
    EmailAddress.objects.get_or_create(user=user, email=email, defaults={"verified": True, "primary": True})
    return user
