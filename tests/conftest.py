"""The cast and the stage. Alice owns Harbour Tea, Bob is a member, Dana an admin; Charlie is a stranger."""

import gc
import os
import time
from collections.abc import Callable

import hypothesis
import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.core.management.color import no_style
from django.db import connections
from django.test import Client, TransactionTestCase
from django.utils import timezone

from connections.models import Connection, Membership, Privacy, Role, Team, User, Workspace
from sources.activecampaign import client as activecampaign_client
from sources.activecampaign.sandbox.server import SandboxServer
from sources.registry import get_source
from sources.spec import Credentials, Proof, Secret
from tests.sandbox_fixture import new_sandbox, sandbox, sandbox_process

__all__ = ["new_sandbox", "sandbox", "sandbox_process"]

pytest_plugins = ["tests.browser_fixture", "tests.ready_database", "tests.site_fixture"]

PASSWORD = "demo-password-1"

# How long an example takes says how busy the machine is.
hypothesis.settings.register_profile(
    "patient",
    hypothesis.settings(),
    max_examples=int(os.environ.get("EXAMPLES", "40")),  # `make test-scale` draws more.
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("patient")


# What `migrate` writes of itself, and is the same after each test.
NOT_EMPTIED = {"django_migrations", "django_content_type", "auth_permission"}


def empty_tables(_case: TransactionTestCase) -> None:
    """As Django does after a test that may commit, but for making all content types and permissions anew."""
    for database in connections.all(initialized_only=True):
        tables = {*database.introspection.django_table_names(only_existing=True, include_views=False)} - NOT_EMPTIED
        database.ops.execute_sql_flush(database.ops.sql_flush(no_style(), sorted(tables)))


def pytest_configure() -> None:
    TransactionTestCase._fixture_teardown = empty_tables


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What starts a database server is the longest, and comes first, so that all end together."""
    items.sort(key=lambda item: "postgresql" not in getattr(item, "fixturenames", ()))


def pytest_collection_finish() -> None:
    """What is there now stays until the end: to look through it for garbage again and again costs and finds nothing."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _a_refused_key_is_asked_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The calls are made as ever; only the seconds between them are not waited for."""
    monkeypatch.setattr(activecampaign_client, "CONFIRM_AFTER", (0.0, 0.0))


def person(email: str, name: str, **fields: bool) -> User:
    user = User.objects.create_user(email, PASSWORD, name=name, **fields)
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user


def client_of(user: User, *, logged_in_ago: float = 0.0) -> Client:
    """Somebody who has logged in that many seconds ago, with their password."""
    client, session = Client(), SessionStore()
    session[SESSION_KEY], session[HASH_SESSION_KEY] = str(user.pk), user.get_session_auth_hash()
    session[BACKEND_SESSION_KEY] = "allauth.account.auth_backends.AuthenticationBackend"
    session["account_authentication_methods"] = [{"method": "password", "at": time.time() - logged_in_ago}]
    session["account_authentication_methods_user"] = str(user.pk)
    session.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = session.session_key
    return client


def give_second_factor(user: User) -> str:
    """An authenticator app; returns the secret that it shows codes of."""
    secret = generate_totp_secret()
    TOTP.activate(user, secret)
    return secret


def code_of(secret: str) -> str:
    """What the app shows now."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


@pytest.fixture
def workspace(db: None) -> Workspace:
    return Workspace.objects.create(name="Harbour Tea", slug="harbour-tea")


@pytest.fixture
def alice(workspace: Workspace) -> User:
    user = person("alice@harbourtea.example", "Alice Okafor")
    Membership.objects.create(workspace=workspace, user=user, role=Role.OWNER)
    return user


@pytest.fixture
def bob(workspace: Workspace) -> User:
    user = person("bob@harbourtea.example", "Bob Lindqvist")
    Membership.objects.create(workspace=workspace, user=user, role=Role.MEMBER)
    return user


@pytest.fixture
def dana(workspace: Workspace) -> User:
    user = person("dana@harbourtea.example", "Dana Reyes")
    Membership.objects.create(workspace=workspace, user=user, role=Role.ADMIN)
    return user


@pytest.fixture
def erin(workspace: Workspace) -> User:
    """A member who is in no team."""
    user = person("erin@harbourtea.example", "Erin Sato")
    Membership.objects.create(workspace=workspace, user=user, role=Role.MEMBER)
    return user


@pytest.fixture
def charlie(db: None) -> User:
    user = person("charlie@stranger.example", "Charlie Vance")
    place = Workspace.objects.create(name="Stranger & Co", slug="stranger")
    Membership.objects.create(workspace=place, user=user, role=Role.OWNER)
    return user


@pytest.fixture
def staff(db: None) -> User:
    return person("staff@blinkmetrics.example", "Site staff", is_staff=True, is_superuser=True)


@pytest.fixture
def growth(workspace: Workspace, alice: User, bob: User) -> Team:
    team = Team.objects.create(workspace=workspace, name="Growth")
    team.members.set(workspace.memberships.filter(user__in=[alice, bob]))
    return team


@pytest.fixture
def alice_client(alice: User) -> Client:
    return client_of(alice)


@pytest.fixture
def bob_client(bob: User) -> Client:
    return client_of(bob)


@pytest.fixture
def dana_client(dana: User) -> Client:
    return client_of(dana)


@pytest.fixture
def charlie_client(charlie: User) -> Client:
    return client_of(charlie)


@pytest.fixture
def staff_client(staff: User) -> Client:
    return client_of(staff)


Connect = Callable[..., Connection]


@pytest.fixture
def connect(workspace: Workspace, alice: User) -> Connect:
    """Make an active connection without asking the account, as if contacts had come; nothing is queued."""

    def connect(
        sandbox: SandboxServer | None = None,
        *,
        by: User = alice,
        home: Workspace = workspace,
        name: str = "Main account",
        privacy: str = Privacy.WORKSPACE,
        team: Team | None = None,
        api_url: str = "https://harbourtea.api-us1.com",
        api_key: str = "0123456789abcdef" * 4 + "a1b2c3d4",
        pace: str = "full",
    ) -> Connection:
        source = get_source("activecampaign")
        assert source is not None
        draft = Connection.objects.take_up_draft(workspace=home, user=by, source=source)
        credentials = Credentials(
            api_url=sandbox.origin if sandbox else api_url, api_key=Secret(sandbox.api_key if sandbox else api_key)
        )
        proof = Proof(account="", person="Mira Holt", person_email="mira@harbourtea.example", counts={"contacts": 3})
        draft.set_up(credentials, proof, name=name, privacy=privacy, team=team, by=by)
        draft.pace = pace
        draft.activate(by=by)
        draft.stream_healths.filter(stream="contacts").update(read_at=timezone.now())
        return draft

    return connect
