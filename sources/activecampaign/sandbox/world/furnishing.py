"""What the account's own people set up: groups, addresses, templates, webhooks and the parts of automations."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sources.activecampaign.sandbox.world import words
from sources.activecampaign.sandbox.world.columns import (
    changed,
    changed_plain,
    created,
    created_plain,
    in_turn,
    of,
    one_of,
    place,
    shaped,
    share,
    tea,
    tied,
    upto,
)
from sources.activecampaign.sandbox.world.mailings import count_campaigns
from sources.activecampaign.sandbox.world.moments import iso, plain
from sources.activecampaign.sandbox.world.resource import Drawing, Many, Row, WorldView, id_by_turns
from sources.activecampaign.sandbox.world.ties import Spread

GROUPS = shaped(
    "groups",
    "group",
    "Group",
    {"title": in_turn(("Admin", "Shop floor")), "descript": "", "unsubscribelink": "1", "optinconfirm": "1"},
    size=share(fixed=2),
    first_id=3,
)

ADDRESSES = shaped(
    "addresses",
    "address",
    "Address",
    {"companyName": "Harbour Tea", "address1": "1 Quay", "city": "Leith", "state": "", "zip": "EH6 6QQ",
     "country": "GB", "isDefault": "1"},
    size=share(fixed=1),
)  # fmt: skip

BRANDINGS = shaped(
    "brandings",
    "branding",
    "Branding",
    {"groupid": of("groups"), "siteName": "Harbour Tea", "siteLogo": "", "language": "english", "favicon": None},
    size=share(fixed=1),
)

CALENDARS = shaped(
    "calendars",
    "calendar",
    "Calendar",
    {"title": "Tastings", "type": "All", "userid": of("users"), "notification": "0", "cdate": created,
     "mdate": changed},
    size=share(fixed=1),
    stamps={"mdate": iso},
)  # fmt: skip

WEBHOOKS = shaped(
    "webhooks",
    "webhook",
    "Hook",
    {
        "cdate": created,
        "listid": "0",
        "name": in_turn(("crm", "warehouse")),
        "url": lambda drawing: f"https://hooks.harbourtea.example/{drawing.id}",
        "events": ["subscribe", "unsubscribe"],
        "sources": ["public", "system"],
        "links": [],
        "id": "",
    },
    size=share(fixed=2),
    links=None,
)

TEMPLATES = shaped(
    "templates",
    "template",
    "Template",
    {"name": tea, "subject": tea, "userid": of("users"), "hidden": "0", "cdate": created, "mdate": changed},
    size=share(fixed=12),
    stamps={"mdate": iso},
)

SAVED_RESPONSES = shaped(
    "savedResponses",
    "savedResponse",
    "SavedResponse",
    {"title": in_turn(("Thank you", "Out of stock", "See you soon")), "subject": tea, "body": "<p>Dear you,</p>",
     "cdate": created, "mdate": changed, "ldate": None},
    size=share(fixed=3),
    stamps={"mdate": iso},
)  # fmt: skip

CONFIGS = shaped(
    "configs",
    "config",
    "Config",
    {"section": one_of("deals", "site"), "keyname": lambda drawing: f"setting_{drawing.id}", "userid": "0",
     "val": upto(1), "created_timestamp": created_plain, "updated_timestamp": changed_plain},
    size=share(fixed=14),
    stamps={"updated_timestamp": plain},
)  # fmt: skip

AUTOMATION_BLOCKS = shaped(
    "automationBlocks",
    "automationBlock",
    "SeriesBlock",
    {"automation": "", "type": one_of("send", "wait", "if"), "ordernum": place, "cdate": created,
     "mdate": changed, "params": {}},
    size=share(fixed=30),
    spread={"automation": Spread("automations")},
    stamps={"mdate": iso},
)  # fmt: skip

GOALS = shaped(
    "goals",
    "goal",
    "Goal",
    {"name": in_turn(("Ordered", "Came to a tasting")), "automation": of("automations"), "status": "1"},
    size=share(fixed=2),
)

CAMPAIGN_LISTS = shaped(
    "campaignLists",
    "campaignList",
    "CampaignList",
    {"campaign": tied("campaign"), "list": of("lists"), "list_amt": upto(5000)},
    size=lambda contacts, deals: count_campaigns(contacts),
    outline=lambda world, place: {"campaign": id_by_turns(world, "campaigns", place)},
    owners={"campaign": "campaigns"},
)

CAMPAIGN_MESSAGES = shaped(
    "campaignMessages",
    "campaignMessage",
    "CampaignMessage",
    {"campaign": tied("campaign"), "message": tied("message"), "send_amt": upto(5000), "opens": upto(900),
     "percentage": "0"},
    size=lambda contacts, deals: count_campaigns(contacts),
    outline=lambda world, place: {
        "campaign": id_by_turns(world, "campaigns", place),
        "message": id_by_turns(world, "messages", place),
    },
    owners={"campaign": "campaigns", "message": "messages"},
)  # fmt: skip


def _uuid(prefix: int) -> Callable[[int], str]:
    return lambda number: str(UUID(int=prefix << 48 | number))


def _exactly(moment: int, identity: int) -> str:
    """Custom objects count nanoseconds, and in UTC."""
    day, _, clock = iso(moment).partition("T")
    return f"{day}T{clock[:8]}.{identity % 1000:03d}751329Z"


def _labels(drawing: Drawing) -> Row:
    word = ("Tasting", "Tea bush", "Visit")[drawing.position % 3]
    return {"singular": word, "plural": f"{word}s"}


def _schema_paging(world: WorldView, query: Mapping[str, str], rows: Sequence[Row]) -> dict[str, Any]:
    return {"count": len(rows), "limit": int(query["limit"]), "offset": int(query["offset"])}


SCHEMAS = shaped(
    "customObjects/schemas",
    "schema",
    "Schema",
    {
        "id": "",
        "slug": in_turn(("tasting", "tea-bush", "visit")),
        "visibility": "private",
        "labels": _labels,
        "description": "",
        "createdTimestamp": lambda drawing: _exactly(drawing.created, drawing.id),
        "updatedTimestamp": lambda drawing: _exactly(drawing.changed, drawing.id),
        "fields": [{"id": "score", "labels": {"singular": "Score", "plural": "Scores"}, "type": "number",
                    "required": False, "scale": 0}],
        "icons": {"default": "https://example.org/i.png"},
        "relationships": [{"id": "primary-contact", "labels": {"singular": "Guest", "plural": "Guests"},
                           "description": "", "namespace": "contacts", "hasMany": False}],
    },
    size=share(fixed=3),
    envelope="schemas",
    external_id=_uuid(0x5F2B7F646F0B4E0A9F0F),
    total_is_number=True,
    extras=_schema_paging,
    lists={"records": Many(stream="customObjects/records", column="schemaId")},
)  # fmt: skip


def _schema(world: WorldView, place: int) -> Row:
    return {"schemaId": SCHEMAS.external_id(int(id_by_turns(world, SCHEMAS.path, place)))}


# observed: CO, MF (A): at customObjects/records/{schema}, and 400 without one.
RECORDS = shaped(
    "customObjects/records",
    "record",
    "Record",
    {
        "id": "",
        "externalId": None,
        "schemaId": tied("schemaId"),
        "fields": lambda drawing: [{"id": "score", "value": drawing.number(10)}],
        "relationships": lambda drawing: {"primary-contact": [int(drawing.some_id("contacts"))]},
        "createdTimestamp": lambda drawing: _exactly(drawing.created, drawing.id),
        "updatedTimestamp": lambda drawing: _exactly(drawing.changed, drawing.id),
    },
    size=share(contacts=1 / 2),
    envelope="records",
    outline=_schema,
    external_id=_uuid(0x1C0FFEE0DDBA4E0A9F0F),
    total_is_number=True,
    extras=_schema_paging,
    is_listed=False,
)

# Documented (sms 3.0.0): ids are numbers.
BROADCASTS = shaped(
    "sms/broadcasts",
    "broadcast",
    "SmsBroadcast",
    {
        "id": "",
        "name": tea,
        "address_id": None,
        "body": "Your tea has left the harbour.",
        "media_urls": [],
        "preview_url": "",
        "shorten_track_links_enabled": True,
        "status": in_turn(("sent", "sent", "draft", "scheduled")),
        "sent_date": lambda drawing: iso(drawing.changed) if drawing.position % 4 < 2 else None,
        "scheduled_date": None,
        "scheduled_by": None,
        "sent_to_count": lambda drawing: drawing.number(900) if drawing.position % 4 < 2 else None,
        "created_at": created,
        "created_by": 3,
        "updated_at": changed,
        "updated_by": 3,
        "deleted_at": None,
        "list_ids": lambda drawing: [int(drawing.some_id("lists"))],
        "segment_id": None,
        "label_ids": [],
    },
    size=share(fixed=5),
    envelope="broadcasts",
    shown=lambda row: row | {"id": int(row["id"])},
    stamps={"updated_at": iso},
    total_is_number=True,
)


def _audience(drawing: Drawing) -> Row:
    name = words.SEGMENTS[1 + drawing.position % (len(words.SEGMENTS) - 1)]
    return {"name": name, "segment_id": _uuid(0x7EA5)(drawing.id), "updated_date": changed(drawing)}


# observed: NL: data[].attributes, by page and page_size; 404 when there is none.
AUDIENCES = shaped(
    "audiences",
    "audience",
    "Audience",
    {"type": "audience", "id": "", "attributes": _audience},
    size=share(fixed=4),
    envelope="data",
    external_id=_uuid(0xA0D1E9CE5),
    most_rows=10_000,
    total_is_number=True,
)

ALL = (
    *(GROUPS, ADDRESSES, BRANDINGS, CALENDARS, WEBHOOKS, TEMPLATES, SAVED_RESPONSES, CONFIGS, AUTOMATION_BLOCKS),
    *(GOALS, CAMPAIGN_LISTS, CAMPAIGN_MESSAGES, SCHEMAS, RECORDS, BROADCASTS, AUDIENCES),
)
