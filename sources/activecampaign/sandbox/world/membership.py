"""What ties contacts to other rows: their tags, lists, automations and values of custom fields."""

from bisect import bisect_left
from collections.abc import Iterator

from sources.activecampaign.sandbox.world import words
from sources.activecampaign.sandbox.world.mailings import post
from sources.activecampaign.sandbox.world.moments import iso, plain
from sources.activecampaign.sandbox.world.resource import Count, Drawing, Resource, Row, WorldView, id_by_turns
from sources.activecampaign.sandbox.world.ties import Spread

WEEK = 7 * 86_400
TAGGED = Spread("contacts")
LISTED = Spread("contacts", shift=1)
AUTOMATED = Spread("contacts", shift=2)
VALUED = Spread("contacts", shift=3)


def another(world: WorldView, stream: str, spread: Spread, place: int) -> str:
    """One that the row's owner has in no other row, as nobody has a tag twice."""
    owners = max(len(world.first_ids(spread.stream)), 1)
    return id_by_turns(world, stream, 7 * spread.owner(place, owners=owners) + spread.nth(place, owners=owners))


def outline_contact_tag(world: WorldView, place: int) -> Row:
    return {"tag": another(world, "tags", TAGGED, place)}


def count_contact_tag(outline: Row) -> Iterator[Count]:
    yield Count("tagged", outline["tag"])


def draw_contact_tag(drawing: Drawing) -> Row:
    return {
        **drawing.ties,
        "cdate": iso(drawing.created),
        "created_timestamp": plain(drawing.created),
        "updated_timestamp": plain(drawing.created),
    }


CONTACT_TAGS = Resource(
    path="contactTags",
    single="contactTag",
    model="SubscriberTag",
    shape={
        "contact": "",
        "tag": "",
        "cdate": "",
        "created_timestamp": "",
        "updated_timestamp": "",
        "created_by": None,
        "updated_by": None,
        "links": {},
        "id": "",
    },
    draw=draw_contact_tag,
    spread={"contact": TAGGED},
    outline=outline_contact_tag,
    owners={"tag": "tags"},
    counts=count_contact_tag,
    moves=("contact",),
    dies_with=("contact", "tag"),
    ones={"tag": "tags"},
    size=lambda contacts, deals: contacts * 3 // 2,
    links=("tag", "contact"),
    first_id=77,
    stamps={"updated_timestamp": plain},
)


def outline_contact_list(world: WorldView, place: int) -> Row:
    """observed: MD, BAM: who left or bounced has 2 or 3, with the mail after which it was."""
    status = "3" if place % 97 == 50 else "2" if place % 11 == 9 else "1"
    sent = post(len(world.first_ids("contacts")), world.ends).sent
    mailing = None if status == "1" else sent[place % len(sent)]
    return {
        "list": another(world, "lists", LISTED, place),
        "status": status,
        "campaign": None if mailing is None else id_by_turns(world, "campaigns", mailing.place),
        "message": None if mailing is None else id_by_turns(world, "messages", mailing.place),
    }


def count_contact_list(outline: Row) -> Iterator[Count]:
    status = outline["status"]
    yield Count("subscribers", outline["list"])
    if status == "1":
        yield Count("active", outline["list"])
    elif outline["campaign"]:
        yield Count("unsubscribes" if status == "2" else "hardbounces", outline["campaign"])


def draw_contact_list(drawing: Drawing) -> Row:
    first, last = drawing.pick(words.PEOPLE)
    has_left = drawing.ties["status"] != "1"
    return {
        **drawing.ties,
        "sdate": iso(drawing.created),
        "udate": iso(drawing.changed) if has_left else None,
        "unsubreason": "Too many letters" if has_left and drawing.chance(0.3) else "",
        "first_name": first,
        "last_name": last,
        "created_timestamp": plain(drawing.created),
        "updated_timestamp": plain(drawing.changed),
    }


CONTACT_LISTS = Resource(
    path="contactLists",
    single="contactList",
    model="SubscriberList",
    shape={
        "contact": "",
        "list": "",
        "form": None,
        "seriesid": "0",
        "sdate": "",
        "udate": None,
        "status": "1",
        "responder": "1",
        "sync": "0",
        "unsubreason": "",
        "campaign": None,
        "message": None,
        "first_name": "",
        "last_name": "",
        "ip4Sub": "0",
        "sourceid": "4",
        "autosyncLog": None,
        "ip4_last": "0",
        "ip4Unsub": "0",
        "created_timestamp": "",
        "updated_timestamp": "",
        "created_by": "0",
        "updated_by": "0",
        "unsubscribeAutomation": None,
        "channel": "email",
        "links": {},
        "id": "",
        "automation": None,
    },
    draw=draw_contact_list,
    spread={"contact": LISTED},
    outline=outline_contact_list,
    owners={"list": "lists"},
    counts=count_contact_list,
    moves=("contact",),
    dies_with=("contact", "list"),
    ones={"list": "lists"},
    size=lambda contacts, deals: contacts * 5 // 4,
    links=(
        "automation",
        "list",
        "contact",
        "form",
        "autosyncLog",
        "campaign",
        "unsubscribeAutomation",
        "message",
    ),
    first_id=501,
    stamps={"udate": iso, "updated_timestamp": plain},
)


def outline_contact_automation(world: WorldView, place: int) -> Row:
    """observed: SY (C): status 1 is active, 2 completed."""
    automation = another(world, "automations", AUTOMATED, place)
    return {"automation": automation, "seriesid": automation, "status": "2" if place % 10 < 7 else "1"}


def count_contact_automation(outline: Row) -> Iterator[Count]:
    yield Count("entered", outline["automation"])
    if outline["status"] == "2":
        yield Count("exited", outline["automation"])


def draw_contact_automation(drawing: Drawing) -> Row:
    is_through = drawing.ties["status"] == "2"
    ended = iso(drawing.created + WEEK)
    return {
        **drawing.ties,
        "adddate": iso(drawing.created),
        "remdate": ended if is_through else None,
        "timespan": str(WEEK) if is_through else None,
        "lastdate": ended,
        "completedElements": "1" if is_through else "0",
        "completed": int(is_through),
        "completeValue": 100 if is_through else 0,
    }


CONTACT_AUTOMATIONS = Resource(
    path="contactAutomations",
    single="contactAutomation",
    model="SubscriberSeries",
    shape={
        "contact": "",
        "seriesid": "",
        "startid": "0",
        "status": "1",
        "batchid": None,
        "adddate": "",
        "remdate": None,
        "timespan": None,
        "lastblock": "1",
        "lastlogid": "0",
        "lastdate": "",
        "completedElements": "0",
        "totalElements": "1",
        "completed": 0,
        "completeValue": 0,
        "links": {},
        "id": "",
        "automation": "",
    },
    draw=draw_contact_automation,
    spread={"contact": AUTOMATED},
    outline=outline_contact_automation,
    owners={"automation": "automations"},
    counts=count_contact_automation,
    moves=("contact",),
    dies_with=("contact", "automation"),
    # The API's own links to this list carry the order (recordings, D) and a limit of 2,500 (C).
    orders={"lastdate": "lastdate", "id": "id"},
    most_rows=2_500,
    # observed: OO (B-): with [eq]; without it nobody saw it work.
    filters={"filters[subscriberid][eq]": "contact", "filters[status][eq]": "status"},
    size=lambda contacts, deals: contacts // 2,
    links=("automation", "contact", "contactGoals"),
    first_id=88,
    stamps={"lastdate": iso},
    extras=lambda world, query, rows: {"showcase_stats": []},
)


def outline_field_value(world: WorldView, place: int) -> Row:
    return {"field": another(world, "fields", VALUED, place)}


def draw_field_value(drawing: Drawing) -> Row:
    position = bisect_left(drawing.world.first_ids("fields"), int(drawing.ties["field"]))
    return {
        **drawing.ties,
        "owner": drawing.ties["contact"],
        "value": _value(drawing, *words.FIELDS[position % len(words.FIELDS)][1:]),
        "cdate": iso(drawing.created),
        "udate": iso(drawing.changed),
    }


def _value(drawing: Drawing, kind: str, labels: tuple[str, ...]) -> str:
    """Always text; of several choices, each stands between two bars."""
    if kind == "checkbox":
        return f"||{'||'.join(label for label in labels if drawing.chance(0.5)) or labels[0]}||"
    if labels:  # observed: AG, WW (A): forms post the raw value, the app the label.
        return drawing.pick((*labels, *(label.partition(" ")[0].lower() for label in labels)))
    return iso(drawing.created)[:10] if kind == "date" else str(1 + drawing.number(8))


FIELD_VALUES = Resource(
    path="fieldValues",
    single="fieldValue",
    model="FieldValue",
    shape={
        "contact": "",
        "field": "",
        "value": "",
        "cdate": "",
        "udate": "",
        "created_by": None,
        "updated_by": None,
        "links": {},
        "id": "",
        "owner": "",
    },
    draw=draw_field_value,
    spread={"contact": VALUED},
    outline=outline_field_value,
    owners={"field": "fields"},
    moves=("contact",),
    dies_with=("contact", "field"),
    ones={"field": "fields"},
    filters={"filters[fieldid]": "field"},
    size=lambda contacts, deals: contacts * 305 // 100,  # observed: AG (A).
    links=("owner", "field"),
    first_id=900,
    stamps={"udate": iso},
)
