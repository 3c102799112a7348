"""The e-mails about a connection: to whom, what they say, and that they never stop a sync."""

from typing import Any

import pytest
from django.core import mail

from connections.checking.checking import note_failure
from connections.checking.notices import readers_of, tell_broken, tell_late, tell_mended, tell_on_time
from connections.models import Connection, Health, Team, User
from sources.errors import BadCredentials
from tests.conftest import Connect
from tests.connections.engine import again

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _everybody(alice: User, bob: User, dana: User, erin: User, charlie: User) -> None:
    """The whole cast is there to be told wrongly."""


def test_a_shared_connection_is_told_to_who_authorised_it_and_to_administrators(connect: Connect, bob: User) -> None:
    connection = connect(by=bob)

    assert readers_of(connection) == ["alice@harbourtea.example", "bob@harbourtea.example", "dana@harbourtea.example"]


def test_a_team_connection_is_told_to_the_same(connect: Connect, bob: User, growth: Team) -> None:
    connection = connect(by=bob, privacy="team", team=growth)

    assert readers_of(connection) == ["alice@harbourtea.example", "bob@harbourtea.example", "dana@harbourtea.example"]


def test_a_private_connection_is_told_to_its_owner_alone(connect: Connect, bob: User) -> None:
    assert readers_of(connect(by=bob, privacy="private")) == ["bob@harbourtea.example"]


def test_who_has_left_or_was_deactivated_is_told_nothing(connect: Connect, bob: User, dana: User) -> None:
    connection = connect(by=bob)
    bob.memberships.all().delete()
    User.objects.filter(pk=dana.pk).update(is_active=False)

    assert readers_of(connection) == ["alice@harbourtea.example"]


def test_nobody_left_to_tell_is_no_error(connect: Connect, bob: User) -> None:
    connection = connect(by=bob, privacy="private")
    bob.memberships.all().delete()

    tell_broken(connection)

    assert mail.outbox == []


def test_the_mail_says_what_is_wrong_and_leads_to_the_key_field(connect: Connect, settings: Any) -> None:
    settings.SITE_URL = "https://metrics.example"
    connection = connect()

    note_failure(connection, BadCredentials("ActiveCampaign did not accept this key."))

    message = mail.outbox[0]
    assert message.subject == "ActiveCampaign: “Main account” needs you"
    assert "ActiveCampaign no longer accepts the key of Mira Holt." in message.body
    assert f"https://metrics.example{connection.get_absolute_url()}#id_api_key" in message.body


def test_the_mail_holds_neither_key_nor_address_nor_other_readers(connect: Connect) -> None:
    connection = connect()

    tell_broken(connection)
    tell_mended(connection)
    tell_late(connection, ["Contacts"])
    tell_on_time(connection)

    assert len(mail.outbox) == 4
    for message in mail.outbox:
        text = message.message().as_string()
        assert "0123456789abcdef" not in text
        assert "harbourtea.api-us1.com" not in text
        assert message.to == []
        assert "dana@" not in text


def test_a_name_with_a_line_break_or_markup_is_a_plain_line_of_the_subject(connect: Connect) -> None:
    connection = connect(name="Main\r\nBcc: everybody@evil.example <script>")

    tell_broken(connection)

    assert mail.outbox[0].subject == "ActiveCampaign: “Main Bcc: everybody@evil.example <script>” needs you"
    assert "<script>" in mail.outbox[0].body


def test_a_mail_server_that_is_down_stops_nothing(connect: Connect, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1  # Nobody listens there.
    connection = connect()

    note_failure(connection, BadCredentials("Refused."))

    assert Connection.objects.get().health == Health.ACTION_NEEDED
    assert again(connection).events.filter(verb="stopped working").exists()
