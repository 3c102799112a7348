"""What ties contacts to other rows: their tags, lists, automations and values of custom fields."""

from sources.activecampaign.sandbox.world import words
from sources.activecampaign.sandbox.world.moments import iso, plain
from sources.activecampaign.sandbox.world.resource import Drawing, Resource, Row

WEEK = 7 * 86_400


def draw_contact_tag(drawing: Drawing) -> Row:
    return {
        "contact": drawing.some_id("contacts"),
        "tag": drawing.some_id("tags"),
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
    size=lambda contacts, deals: contacts * 3 // 2,
    links=("tag", "contact"),
    first_id=77,
    stamps={"updated_timestamp": plain},
)


def draw_contact_list(drawing: Drawing) -> Row:
    first, last = drawing.pick(words.PEOPLE)
    has_left = drawing.chance(0.1)
    return {
        "contact": drawing.some_id("contacts"),
        "list": drawing.some_id("lists"),
        "sdate": iso(drawing.created),
        "udate": iso(drawing.changed) if has_left else None,
        "status": "2" if has_left else "1",
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
    stamps={"updated_timestamp": plain},
)


def draw_contact_automation(drawing: Drawing) -> Row:
    automation = drawing.some_id("automations")
    is_through = drawing.chance(0.7)
    ended = iso(drawing.created + WEEK)
    return {
        "contact": drawing.some_id("contacts"),
        "seriesid": automation,
        "automation": automation,
        "status": "2" if is_through else "1",
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
    size=lambda contacts, deals: contacts // 2,
    links=("automation", "contact", "contactGoals"),
    first_id=88,
    stamps={"lastdate": iso},
    extras=lambda world, query, rows: {"showcase_stats": []},
)


def draw_field_value(drawing: Drawing) -> Row:
    contact = drawing.some_id("contacts")
    position = drawing.number(len(words.FIELDS) - 1)
    return {
        "contact": contact,
        "owner": contact,
        "field": str(drawing.world.first_ids("fields")[position]),
        "value": _value(drawing, *words.FIELDS[position][1:]),
        "cdate": iso(drawing.created),
        "udate": iso(drawing.changed),
    }


def _value(drawing: Drawing, kind: str, labels: tuple[str, ...]) -> str:
    """Always text; of several choices, each stands between two bars."""
    if kind == "checkbox":
        return f"||{'||'.join(label for label in labels if drawing.chance(0.5)) or labels[0]}||"
    if labels:
        return drawing.pick(labels).partition(" ")[0].lower()
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
    size=lambda contacts, deals: contacts * 2,
    links=("owner", "field"),
    first_id=900,
    stamps={"udate": iso},
)
