"""The few e-mails that people get about a connection, as rows: what is told, to whom, and how it is worded."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import QuerySet
from django.template.loader import render_to_string

from connections.models import (
    Connection,
    Membership,
    MissingRows,
    Notice,
    Pin,
    Privacy,
    StandbyKey,
    StreamHealth,
    User,
)
from connections.models.notice import LONGEST_PLACE
from connections.models.people import ADMINISTRATORS, in_words
from connections.templatetags.unlinked import unlinked
from sources.errors import BadCredentials, NotPermitted
from sources.spec import Stream

ACTION_NEEDED = "connections/checking/action_needed.txt"
ROWS_MISSING = "connections/checking/rows_missing.txt"
NUMBER_MET, NUMBER_OVER = "connections/checking/number_met.txt", "connections/checking/number_over.txt"
LINK = "\0"  # No name holds it.


def tell_broken(connection: Connection) -> None:
    tell(connection, "needs you", ACTION_NEEDED, since=moment_words(connection.health_since))


def tell_mended(connection: Connection, *, broken_since: datetime) -> None:
    since, until = moment_words(broken_since), moment_words(connection.health_since)
    tell(connection, "works again", "connections/checking/works_again.txt", since=since, until=until)


def tell_late(connection: Connection, late: Sequence[StreamHealth]) -> None:
    """`late` are those that people were not told of before."""
    told = {
        "streams": late,
        "refused": [one for one in late if one.refused_at],
        "missed": [one for one in late if not one.refused_at],
    }
    words = {part: in_words([one.name for one in ones]) if ones else "" for part, ones in told.items()}
    tell(connection, "is late", "connections/checking/late.txt", **words)


def tell_on_time(connection: Connection) -> None:
    tell(connection, "is on time again", "connections/checking/on_time.txt")


def tell_taken_over(connection: Connection) -> None:
    """The first key is gone, and the standby key stands in its place."""
    what = "goes on with its standby key"
    tell(connection, what, "connections/checking/standby_took_over.txt", place="#standby-heading")


def tell_missing(connection: Connection, stream: Stream, *, missing: int, held: int) -> None:
    """Nothing is marked as deleted until somebody decides."""
    which = f"{missing:,} of {held:,} {stream.name.lower()}"
    tell(connection, "asks you about missing rows", ROWS_MISSING, place=f"#missing-{stream.key}", which=which)


def tell_number(pin: Pin, *, name: str, is_met: bool, said: str, fact: str) -> None:
    """Who pinned it, and nobody else: `said` is what they wanted to be told, `fact` the number as it is now."""
    what = f"has a number for you: {name}{'' if is_met else ', it is over'}"
    more = {"pin": str(pin.pk), "said": said, "fact": fact}
    place, template = place_of(pin), NUMBER_MET if is_met else NUMBER_OVER
    write([pin.user], {"connection": pin.connection, "what": what, "template": template, "place": place, "more": more})


def place_of(pin: Pin) -> str:
    """Of one group its own page, unless its id is longer than any that was seen."""
    whole = f"numbers/{pin.number}/"
    of_group = f"{whole}?{urlencode({'by': pin.by, 'group': pin.group})}"
    return of_group if pin.group and len(of_group) <= LONGEST_PLACE else whole


def tell(connection: Connection, what: str, template: str, *, place: str = "", **more: str) -> None:
    """Within the transaction that makes it true: a worker sends it, as long as it is true by then.

    `more` is what the template says besides `connection`, `reason` and `link`. It names nobody of the account: they may
    be called whatever its owner likes.
    """
    fact = {"connection": connection, "what": what, "template": template, "place": place, "more": more}
    write(readers_of(connection), fact)


def write(readers: Iterable[User], fact: dict[str, object]) -> None:
    Notice.objects.bulk_create(Notice(reader=reader, **fact) for reader in readers)


def readers_of(connection: Connection) -> QuerySet[User]:
    """Who authorised it, while still a member, and administrators when it is shared."""
    members = Membership.objects.filter(workspace=connection.workspace_id)
    wanted = members.filter(user=connection.created_by_id)
    if connection.privacy != Privacy.PRIVATE:
        wanted = wanted | members.filter(role__in=ADMINISTRATORS)
    return User.objects.filter(is_active=True, memberships__in=wanted).order_by("email")


# When it is sent ------------------------------------------------------------------------------------------------------


def is_broken_as_told(notice: Notice) -> bool:
    """Another time that it broke is told by itself, and that it works again says since when it did not."""
    connection = notice.connection
    return connection.needs_action and moment_words(connection.health_since) == notice.more.get("since")


def is_to_be_decided(notice: Notice) -> bool:
    return MissingRows.objects.to_decide().filter(holding=notice.connection.holding_id).exists()


def is_met(notice: Notice) -> bool:
    return Pin.objects.filter(pk=notice.more["pin"], met_since__isnull=False).exists()


def is_pinned(notice: Notice) -> bool:
    return Pin.objects.filter(pk=notice.more["pin"]).exists()


IS_STILL_TRUE: dict[str, Callable[[Notice], bool]] = {
    ACTION_NEEDED: is_broken_as_told,
    ROWS_MISSING: is_to_be_decided,
    NUMBER_MET: is_met,
    NUMBER_OVER: is_pinned,
}
"""What may be over before it is sent, by template; all else stays true."""


def is_over(notice: Notice) -> bool:
    """It is no longer true, or no longer its reader's to know."""
    is_still_true = IS_STILL_TRUE.get(notice.template, lambda _: True)
    return not is_still_true(notice) or not may_know(notice)


def may_know(notice: Notice) -> bool:
    """What was pinned concerns whoever may use the connection; all else those who look after it."""
    if notice.template in (NUMBER_MET, NUMBER_OVER):
        reader = User.objects.filter(pk=notice.reader_id, is_active=True).first()
        visible = Connection.objects.visible_to(reader) if reader else Connection.objects.none()
        return visible.filter(pk=notice.connection_id).exists()
    return readers_of(notice.connection).filter(pk=notice.reader_id).exists()


def message_of(notice: Notice) -> EmailMessage:
    """The same mail each time that it is sent, by its Message-ID. Nothing in it is a link but ours."""
    connection = notice.connection
    place = "#id_api_key" if connection.needs_action and connection.key_mends_it else notice.place
    link = f"{settings.SITE_URL}{connection.get_absolute_url()}{place}"
    more = {"connection": connection, "reason": reason_without_names(connection), "link": LINK, **notice.more}
    text = unlinked(render_to_string(notice.template, more))
    # A name may hold a line break, which would begin another header.
    subject = " ".join(f"{connection.source_name}: “{connection.name}” {notice.what}".split())
    number = f"<{notice.mark}@{urlsplit(settings.SITE_URL).hostname}>"
    return EmailMessage(
        subject=unlinked(subject),
        body=text.replace(LINK, link),
        to=[notice.reader.email],
        headers={"Message-ID": number},
    )


def reason_without_names(connection: Connection) -> str:
    """As on the page, but for whose key it is: the account decides how its people are called."""
    match connection.health_code:
        case BadCredentials.code:
            neither = " The standby key does not work either." if StandbyKey.objects.of(connection) else ""
            return (
                f"{connection.source_name} no longer accepts its key. "
                f"Perhaps the user whose key it is was deleted, or the key was reset.{neither} Enter another key."
            )
        case NotPermitted.code:
            return "The key works, but the user whose key it is may not read what is to be synced."
        case _:
            return connection.health_reason


def moment_words(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%-d %B %Y at %H:%M} UTC"
