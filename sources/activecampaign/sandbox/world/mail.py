"""What was sent, opened, clicked and bounced: row by row, as the mailings have it."""

from bisect import bisect_right
from collections.abc import Iterator

from sources.activecampaign.sandbox.world.columns import (
    changed_plain,
    created,
    created_plain,
    one_of,
    same_as,
    shaped,
    tea,
    tied,
)
from sources.activecampaign.sandbox.world.mailings import LINKS_EACH, Mailing, Met, Post, count_campaigns, post
from sources.activecampaign.sandbox.world.moments import iso, plain
from sources.activecampaign.sandbox.world.resource import BY_MOMENT, Count, Drawing, Many, Row, WorldView, id_by_turns

OPEN = "open"  # observed: BAM, and recorded: what a link's address says when it is the read tracker.
PLACES = (OPEN, "https://harbourtea.example/spring", "https://harbourtea.example/matcha")
NAMES = ("Read Tracker", "", "Shop")
HUMAN, MACHINE, CLICK = "1", "2", "0"  # observed: BAM (B): isread tells opens from clicks; AG (A): Apple's have 2.


def post_of(world: WorldView) -> Post:
    return post(len(world.first_ids("contacts")), world.ends)


def _mailed(world: WorldView, mailing: Mailing, recipient: int) -> Row:
    return {
        "subscriberid": id_by_turns(world, "contacts", mailing.recipient(recipient)),
        "campaignid": id_by_turns(world, "campaigns", mailing.place),
        "messageid": id_by_turns(world, "messages", mailing.place),
    }


def outline_send(world: WorldView, place: int) -> Row:
    met = post_of(world).sends.at(place)
    return _mailed(world, met.mailing, met.number)


def count_send(outline: Row) -> Iterator[Count]:
    yield Count("sends", outline["campaignid"])


MAILED = {"subscriberid": "contacts", "campaignid": "campaigns", "messageid": "messages"}

# observed: AG, BAM, 4G (A): these columns, and as many rows as emailActivities.
LOGS = shaped(
    "logs",
    "log",
    "Log",
    {
        "sendid": lambda drawing: str(int(drawing.ties["campaignid"]) + 4),
        "campaignid": tied("campaignid"),
        "messageid": tied("messageid"),
        "subscriberid": tied("subscriberid"),
        "tstamp": created,
        "successful": "1",
        "links": {},
        "id": "",
        "campaign": same_as("campaignid"),
        "message": same_as("messageid"),
        "contact": same_as("subscriberid"),
    },
    size=lambda contacts, deals: post(contacts).sends.rows,
    links=("campaign", "message", "contact"),
    first_id=2100,
    gaps=(1,),
    outline=outline_send,
    owners=MAILED,
    born=lambda world, place: post_of(world).sends.at(place).moment,
    counts=count_send,
    orders=BY_MOMENT,
    never_edited=1.0,
)

EMAIL_ACTIVITIES = shaped(
    "emailActivities",
    "emailActivity",
    "EmailActivity",
    {
        "subscriberid": tied("subscriberid"),
        "userid": "0",
        "reltype": "Subscriber",
        "relid": same_as("subscriberid"),
        "fromAddress": "hello@harbourtea.example",
        "toAddress": lambda drawing: f"guest.{drawing.ties['subscriberid']}@teamail.example",
        "subject": tea,
        "message": "<p>As promised.</p>",
        "tstamp": created,
        "automation_name": None,  # observed: AG: always.
    },
    size=lambda contacts, deals: post(contacts).sends.rows,
    first_id=64,
    gaps=(1,),
    outline=lambda world, place: {"subscriberid": outline_send(world, place)["subscriberid"]},
    owners={"subscriberid": "contacts"},
    born=lambda world, place: post_of(world).sends.at(place).moment,
    orders=BY_MOMENT | {"tstamp": "changed"},  # observed: AG (A); and that filters[tstamp][gt] is ignored.
    filters={"filters[subscriberid]": "subscriberid"},
    stamps={"tstamp": iso},
    never_edited=1.0,
)

LINKS = shaped(
    "links",
    "link",
    "Link",
    {
        "campaignid": tied("campaignid"),
        "messageid": tied("messageid"),
        "link": lambda drawing: PLACES[drawing.position % LINKS_EACH],
        "name": lambda drawing: NAMES[drawing.position % LINKS_EACH],
        "ref": "",
        "tracked": "1",
        "uniquelinkclicks": "0",
        "linkclicks": "0",
        "created_timestamp": created_plain,
        "updated_timestamp": changed_plain,
        "links": {},
        "id": "",
        "campaign": same_as("campaignid"),
        "message": same_as("messageid"),
    },
    size=lambda contacts, deals: LINKS_EACH * count_campaigns(contacts),
    links=("campaign", "message"),
    first_id=301,
    outline=lambda world, place: {
        "campaignid": id_by_turns(world, "campaigns", place // LINKS_EACH),
        "messageid": id_by_turns(world, "messages", place // LINKS_EACH),
    },
    owners={"campaignid": "campaigns", "messageid": "messages"},
    counters={"uniquelinkclicks": ("linkData", "people of link"), "linkclicks": ("linkData", "clicks of link")},
    # observed: BAM: include=linkData (C), and by link (B); PP: links/{id}/mppLinkData.
    lists={name: Many(stream=name, column="linkid") for name in ("linkData", "mppLinkData")},
    includes=("linkData",),
    orders={"id": "id"},
    stamps={"updated_timestamp": plain},
)


def _link(world: WorldView, mailing: Mailing, number: int) -> str:
    return id_by_turns(world, "links", LINKS_EACH * mailing.place + number)


def outline_trace(world: WorldView, place: int) -> Row:
    """One contact, message and link; `times` counts how often."""
    mailing, number, _ = post_of(world).traces.at(place)
    begins = (0, mailing.openers, mailing.openers + mailing.clickers)  # Opens, clicks of one link, and of the other.
    link = bisect_right(begins, number) - 1
    person = number - begins[link]
    return {
        **_mailed(world, mailing, person),
        "linkid": _link(world, mailing, link),
        "isread": CLICK if link else HUMAN,
        "times": str(1 + (person % 3 == 0) + (person % 7 == 0)),
    }


def count_trace(outline: Row) -> Iterator[Count]:
    campaign, person, times = outline["campaignid"], outline["subscriberid"], int(outline["times"])
    if outline["isread"] == CLICK:
        yield Count("linkclicks", campaign, times)
        yield Count("uniquelinkclicks", campaign)
        yield Count("subscriberclicks", campaign, person=person)
        yield Count("clicks of link", outline["linkid"], times)
        yield Count("people of link", outline["linkid"])
        return
    yield Count("opens", campaign, times)
    yield Count("uniqueopens", campaign)
    if int(person) % 3:  # observed: OS, NL: the vendor's own cleaned counters are lower.
        yield Count("verified_opens", campaign, times)
        yield Count("verified_unique_opens", campaign)


def outline_machine(world: WorldView, place: int) -> Row:
    mailing, number, _ = post_of(world).machines.at(place)
    recipient = mailing.sends - mailing.bounces - 1 - number
    return {**_mailed(world, mailing, recipient), "linkid": _link(world, mailing, 0), "isread": MACHINE, "times": "1"}


TRACE = {
    "campaignid": tied("campaignid"),
    "messageid": tied("messageid"),
    "linkid": tied("linkid"),
    "subscriberid": tied("subscriberid"),
    "isread": tied("isread"),
    "times": tied("times"),
    "tstamp": created,
    "ip4": "0",
    "ua": one_of("", "Mozilla/5.0"),
    "referer": "",
}

# observed: AG, BAM (A): opens and clicks, nearly all of them opens.
LINK_DATA = shaped(
    "linkData",
    "linkData",
    "LinkData",
    TRACE,
    size=lambda contacts, deals: post(contacts).traces.rows,
    first_id=1200,
    gaps=(1,),
    outline=outline_trace,
    owners=MAILED | {"linkid": "links"},
    born=lambda world, place: post_of(world).traces.at(place).moment,
    counts=count_trace,
    moves=("subscriberid",),
    orders=BY_MOMENT,
    never_edited=1.0,
)

# observed: AG, BAM (A): a list of its own, not among the campaign's opens.
MACHINE_OPENS = shaped(
    "mppLinkData",
    "mppLinkData",
    "MppLinkData",
    TRACE,
    size=lambda contacts, deals: post(contacts).machines.rows,
    first_id=3300,
    gaps=(1,),
    outline=outline_machine,
    owners=MAILED | {"linkid": "links"},
    born=lambda world, place: post_of(world).machines.at(place).moment,
    orders=BY_MOMENT,
    never_edited=1.0,
)


def outline_bounce(world: WorldView, place: int) -> Row:
    """observed: BAM: one that bounced softly has an e-mail address in it."""
    met = post_of(world).bounces.at(place)
    row = _mailed(world, met.mailing, _bounced(met))
    return {**row, "email": "" if place % 4 == 3 else f"guest.{row['subscriberid']}@teamail.example"}


def _bounced(met: Met) -> int:
    return met.mailing.sends - 1 - met.number


def count_bounce(outline: Row) -> Iterator[Count]:
    if outline["email"]:
        yield Count("softbounces", outline["campaignid"])


def _code(drawing: Drawing) -> str | int:
    """Recorded: a text in one row, a number in the next."""
    codes: tuple[str | int, ...] = ("48", 48) if drawing.ties["email"] else ("23",)
    return drawing.pick(codes)


BOUNCES = shaped(
    "bounceLogs",
    "bounceLog",
    "BounceLog",
    {
        "tstamp": created,
        "bounceid": "1",
        "subscriberid": tied("subscriberid"),
        "campaignid": tied("campaignid"),
        "messageid": tied("messageid"),
        "codeid": _code,
        "email": tied("email"),
        "error": "",
        "source": "Return-Path: <>\nReceived: from mx.postbox.example",
        "created_timestamp": created_plain,
        "updated_timestamp": same_as("created_timestamp"),
        "created_by": None,
        "updated_by": None,
        "links": {},
        "id": "",
        "bounce": "1",
        "contact": same_as("subscriberid"),
        "campaign": same_as("campaignid"),
        "message": same_as("messageid"),
        "code": same_as("codeid"),
    },
    size=lambda contacts, deals: post(contacts).bounces.rows,
    links=("bounce", "contact", "campaign", "message", "code"),
    first_id=23,
    outline=outline_bounce,
    owners=MAILED,
    born=lambda world, place: post_of(world).bounces.at(place).moment,
    counts=count_bounce,
    moves=("subscriberid",),
    orders=BY_MOMENT,
    stamps={"updated_timestamp": plain},
    never_edited=1.0,
)

ALL = (LOGS, EMAIL_ACTIVITIES, LINKS, LINK_DATA, MACHINE_OPENS, BOUNCES)
