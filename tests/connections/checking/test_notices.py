"""The e-mails about a connection: to whom, what they say, and when they are no longer sent."""

from typing import Any

import pytest
from django.core import mail
from django.db import transaction

from connections.checking.checking import note_failure, note_success
from connections.checking.notices import readers_of, tell, tell_late, tell_missing, tell_on_time
from connections.models import Connection, Health, MissingRows, Notice, Team, User, Workspace
from connections.models.notice import NoticeState
from connections.people.leaving import end_membership
from connections.syncing.deciding import decide
from connections.templatetags.unlinked import unlinked
from sources.errors import AccountUnavailable, BadCredentials, NotPermitted, SourceError
from tests.conftest import Connect
from tests.connections.engine import again
from tests.connections.post import in_short, mails

pytestmark = pytest.mark.django_db

ALICE, BOB, DANA = (f"{name}@harbourtea.example" for name in ("alice", "bob", "dana"))
EVIL = "Security team: log in again at https://evil.example"


@pytest.fixture(autouse=True)
def _everybody(alice: User, bob: User, dana: User, erin: User, charlie: User) -> None:
    """The whole cast is there to be told wrongly."""


def refuse(connection: Connection) -> None:
    note_failure(connection, BadCredentials("ActiveCampaign did not accept this key."))


def readers(connection: Connection) -> list[str]:
    return [*readers_of(connection).values_list("email", flat=True)]


def recipients() -> list[list[str]]:
    return [message.to for message in mails()]


def states() -> list[str]:
    return [*Notice.objects.order_by("pk").values_list("state", flat=True)]


# To whom --------------------------------------------------------------------------------------------------------------


def test_a_shared_connection_is_told_to_who_authorised_it_and_to_administrators(connect: Connect, bob: User) -> None:
    assert readers(connect(by=bob)) == [ALICE, BOB, DANA]


def test_a_team_connection_is_told_to_the_same(connect: Connect, bob: User, growth: Team) -> None:
    assert readers(connect(by=bob, privacy="team", team=growth)) == [ALICE, BOB, DANA]


def test_a_private_connection_is_told_to_its_owner_alone(connect: Connect, bob: User) -> None:
    assert readers(connect(by=bob, privacy="private")) == [BOB]


def test_who_has_left_or_was_switched_off_is_told_nothing(connect: Connect, bob: User, dana: User) -> None:
    connection = connect(by=bob)
    bob.memberships.all().delete()
    User.objects.filter(pk=dana.pk).update(is_active=False)

    assert readers(connection) == [ALICE]


def test_nobody_left_to_tell_is_no_error(connect: Connect, bob: User) -> None:
    connection = connect(by=bob, privacy="private")
    bob.memberships.all().delete()

    refuse(connection)

    assert mails() == []


def test_whoever_lost_access_before_it_was_sent_does_not_get_it(connect: Connect, alice: User, bob: User) -> None:
    refuse(connect(by=bob))
    end_membership(bob.memberships.get(), by=alice)

    assert recipients() == [[ALICE], [DANA]]
    assert states() == [NoticeState.SENT, NoticeState.OVER, NoticeState.SENT]


def test_a_connection_that_became_private_before_it_was_sent_is_its_owners_alone(connect: Connect, bob: User) -> None:
    connection = connect(by=bob)
    refuse(connection)
    Connection.objects.update(privacy="private")

    assert recipients() == [[BOB]]


def test_it_goes_to_the_address_that_the_reader_has_by_then(connect: Connect, bob: User) -> None:
    refuse(connect(by=bob, privacy="private"))
    User.objects.filter(pk=bob.pk).update(email="bob@new.example")

    assert recipients() == [["bob@new.example"]]


# When -----------------------------------------------------------------------------------------------------------------


def test_it_is_written_with_the_fact_or_not_at_all_and_nothing_is_sent_by_whoever_writes_it(connect: Connect) -> None:
    connection = connect()

    class Undone(Exception):
        pass

    with pytest.raises(Undone), transaction.atomic():
        refuse(connection)
        raise Undone
    assert (again(connection).health, Notice.objects.count()) == (Health.HEALTHY, 0)

    refuse(again(connection))
    assert (again(connection).health, Notice.objects.count()) == (Health.ACTION_NEEDED, 2)
    assert mail.outbox == []


def test_a_connection_that_was_deleted_before_it_was_sent_needs_no_mail(connect: Connect, alice: User) -> None:
    connection = connect()
    refuse(connection)
    connection.remove(by=alice)

    assert mails() == []


def test_what_was_over_before_it_was_sent_is_told_with_the_mail_that_it_works_again(
    connect: Connect, time_machine: Any
) -> None:
    time_machine.move_to("2026-05-03T10:02:30Z", tick=False)
    connection = connect(privacy="private")
    refuse(connection)
    time_machine.move_to("2026-05-03T10:40:00Z", tick=False)
    note_success(connection)

    (message,) = mails()
    assert in_short([message]) == ["works again"]
    assert "It needed action from 3 May 2026 at 10:02 UTC until 3 May 2026 at 10:40 UTC." in message.body


def test_what_broke_mended_and_broke_again_before_it_was_sent_is_told_in_that_order(
    connect: Connect, time_machine: Any
) -> None:
    connection = connect(privacy="private")
    for minute, note in enumerate((refuse, note_success, refuse)):
        time_machine.move_to(f"2026-05-03T10:{minute:02}:00Z", tick=False)
        note(connection)

    assert in_short(mails()) == ["works again", "needs you"]


def test_rows_that_somebody_has_to_decide_about_are_told_once_and_not_when_that_is_done(
    connect: Connect, alice: User, settings: Any
) -> None:
    settings.SITE_URL = "https://metrics.example"
    connection = connect(privacy="private")
    MissingRows.objects.note(connection.holding, "contacts", missing=160, held=195, person=EVIL)
    contacts = connection.known_source().stream("contacts")
    assert contacts
    tell_missing(connection, contacts, missing=160, held=195)
    (message,) = mails()
    assert "did not find 160 of 195 contacts." in message.body
    assert f"https://metrics.example{connection.get_absolute_url()}#missing-contacts" in message.body
    assert "evil" not in message.body

    tell_missing(connection, contacts, missing=160, held=195)
    decide(connection, "contacts", are_gone=False, by=alice)
    assert len(mails()) == 1


# What they say --------------------------------------------------------------------------------------------------------


def test_the_mail_says_what_is_wrong_and_leads_to_the_key_field(connect: Connect, settings: Any) -> None:
    settings.SITE_URL = "https://metrics.example"
    connection = connect()

    refuse(connection)

    message = mails()[0]
    assert message.subject == "ActiveCampaign: “Main account” needs you"
    assert "ActiveCampaign no longer accepts its key. Perhaps the user whose key it is was deleted" in message.body
    assert f"https://metrics.example{connection.get_absolute_url()}#id_api_key" in message.body


def test_the_mail_holds_neither_key_nor_address_nor_other_readers(connect: Connect) -> None:
    connection = connect()

    refuse(connection)
    mails()
    note_success(connection)
    tell_late(connection, [*connection.stream_healths.filter(stream="contacts")])
    tell_on_time(connection)

    for message in mails():
        text = message.message().as_string()
        assert "0123456789abcdef" not in text
        assert "harbourtea.api-us1.com" not in text
        assert text.count("@harbourtea.example") == 1


def test_a_name_with_a_line_break_or_markup_is_a_plain_line_of_the_subject(connect: Connect) -> None:
    refuse(connect(name="Main\r\nBcc: everybody <script>"))

    assert mails()[0].subject == "ActiveCampaign: “Main Bcc: everybody <script>” needs you"
    assert "<script>" in mails()[0].body


@pytest.mark.parametrize(
    "failure",
    [
        BadCredentials("Refused."),
        NotPermitted(f"The key works and belongs to {EVIL}, but that person's permission group may not read contacts."),
        AccountUnavailable("Unpaid."),
    ],
)
def test_a7_people_of_the_account_are_in_no_mail(connect: Connect, failure: SourceError) -> None:
    connection = connect(privacy="private")
    Connection.objects.update(person=EVIL, person_email="a@evil.example")

    note_failure(again(connection), failure)
    broken = mails()[-1]
    note_success(connection)

    for message in (broken, mails()[-1]):
        assert "Security team" not in message.message().as_string()
        assert "evil" not in message.message().as_string()


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("evil.example", "evil[.]example"),
        ("log in at https://evil.example/now", "log in at https[:][/]/evil[.]example/now"),
        ("WWW.EVIL.EXAMPLE", "WWW[.]EVIL[.]EXAMPLE"),
        ("evil。example", "evil[。]example"),
        ("evil．example", "evil[．]example"),
        ("bücher.example", "bücher[.]example"),
        ("10.0.0.1/login", "10[.]0[.]0.1/login"),
        ("mailto:ceo@evil.example", "mailto[:]ceo@evil[.]example"),
        ("tel:+4912345", "tel[:]+4912345"),
        (r"\\evil\share", r"[\]\evil\share"),
        ("//evil.example", "[/]/evil[.]example"),
        ("Main account, v2.5 (50.5 %): of 3 May. Ours", "Main account, v2.5 (50.5 %): of 3 May. Ours"),
        ("你好。世界", "你好[。]世界"),
        ("evil。中国", "evil[。]中国"),
        ("evil．рф", "evil[．]рф"),
        ("x﹒com", "x[﹒]com"),
        ("／／evil", "[／]／evil"),
        ("😀.ws", "😀[.]ws"),
        ("evil.😀", "evil[.]😀"),
        ("evil-.example", "evil-[.]example"),
        ("evil\xad.example", "evil\xad[.]example"),
        ("evil\u200b.example", "evil\u200b[.]example"),
        ("evil.\u200bexample", "evil[.]\u200bexample"),
        ("evil.1and1.example", "evil[.]1and1[.]example"),
        ("1．2．3．4", "1[．]2[．]3．4"),
        ("“Ours.” Wait...what? 1．5 .env", "“Ours.” Wait...what? 1．5 .env"),
    ],
)
def test_a7_what_somebody_typed_is_no_link(typed: str, shown: str) -> None:
    assert unlinked(typed) == shown


def test_a7_in_a_mail_nothing_is_a_link_but_ours(connect: Connect, workspace: Workspace, settings: Any) -> None:
    settings.SITE_URL = "https://metrics.example"
    Workspace.objects.update(name="log-in.example")
    connection = connect(name="security.example", privacy="private")

    tell(connection, "is late", "connections/checking/rows_missing.txt", which="rows of http://third.example")
    MissingRows.objects.note(connection.holding, "contacts", missing=1, held=2, person="")
    refuse(connection)

    late, broken = mails()
    for message in (late, broken):
        ours = f"https://metrics.example{connection.get_absolute_url()}"
        assert "security[.]example" in message.subject
        assert ".example" not in (message.subject + message.body).replace(ours, "").replace("[.]example", "")
        assert "://" not in message.body.replace(ours, "")
