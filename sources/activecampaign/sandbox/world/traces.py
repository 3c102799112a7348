"""What people leave behind: opens, clicks, bounces, visits and conversions."""

from sources.activecampaign.sandbox.world.columns import (
    changed,
    changed_plain,
    created,
    created_plain,
    email,
    in_turn,
    of,
    one_of,
    same_as,
    shaped,
    share,
    tea,
    upto,
)
from sources.activecampaign.sandbox.world.moments import iso, plain
from sources.activecampaign.sandbox.world.resource import Drawing, Row

WHAT_HAPPENED = (
    ("SubscriberEmail", "contact-email"),
    ("Log", "log"),
    ("LinkData", "link-data"),
    ("Note", "note"),
)
BOUNCE = {"created_by": None, "updated_by": None}


def _what_happened(drawing: Drawing) -> Row:
    model, kind = WHAT_HAPPENED[drawing.id % len(WHAT_HAPPENED)]
    return {"model": model, "kind": kind, "id": str(drawing.id + 11)}


ACTIVITIES = shaped(
    "activities",
    "activity",
    "Activity",
    {
        "tstamp": created,
        "subscriberid": of("contacts"),
        "reference_type": lambda drawing: _what_happened(drawing)["model"],
        "reference_id": lambda drawing: _what_happened(drawing)["id"],
        "reference_action": "",
        "jsonData": None,
        "userid": of("users"),
        "permission": "",
        "referenceModelName": lambda drawing: _what_happened(drawing)["kind"],
        "notes": [],
        "recipients": [],
        "reference": lambda drawing: {"type": _what_happened(drawing)["kind"], "id": _what_happened(drawing)["id"]},
        "user": same_as("userid"),
        "id": "",
    },
    size=share(contacts=2),
    first_id=865,
    empty_lists=("contacts", "activityRecipients"),
    stamps={"tstamp": iso},
    changed_since="inclusive",
    changed_since_parameter="after",
    moment_order="orders[tstamp]",
    never_edited=1.0,
)

LINKS = shaped(
    "links",
    "link",
    "Link",
    {
        "campaignid": of("campaigns"),
        "messageid": of("messages"),
        "link": one_of("open", "https://harbourtea.example/spring", "https://harbourtea.example/matcha"),
        "name": one_of("Read Tracker", "", "Shop"),
        "ref": "",
        "tracked": "1",
        "uniquelinkclicks": upto(90),
        "linkclicks": upto(140),
        "created_timestamp": created_plain,
        "updated_timestamp": changed_plain,
        "links": {},
        "id": "",
        "campaign": same_as("campaignid"),
        "message": same_as("messageid"),
    },
    size=share(contacts=1 / 10, fixed=12),
    links=("campaign", "message"),
    first_id=301,
    stamps={"updated_timestamp": plain},
)

LINK_DATA = shaped(
    "linkData",
    "linkData",
    "LinkData",
    {"linkid": of("links"), "subscriberid": of("contacts"), "tstamp": created, "times": upto(4), "ip4": "0"},
    size=share(contacts=1),
    first_id=1200,
)

BOUNCES = shaped(
    "bounceLogs",
    "bounceLog",
    "BounceLog",
    {
        "tstamp": created,
        "bounceid": "1",
        "subscriberid": of("contacts"),
        "campaignid": of("campaigns"),
        "messageid": of("messages"),
        "codeid": one_of("48", "23", 48),
        "email": email,
        "error": "",
        "source": "Return-Path: <>\nReceived: from mx.postbox.example",
        "created_timestamp": created_plain,
        "updated_timestamp": same_as("created_timestamp"),
        **BOUNCE,
        "links": {},
        "id": "",
        "bounce": "1",
        "contact": same_as("subscriberid"),
        "campaign": same_as("campaignid"),
        "message": same_as("messageid"),
        "code": same_as("codeid"),
    },
    size=share(contacts=1 / 20),
    links=("bounce", "contact", "campaign", "message", "code"),
    first_id=23,
    stamps={"updated_timestamp": plain},
)

EMAIL_ACTIVITIES = shaped(
    "emailActivities",
    "emailActivity",
    "EmailActivity",
    {
        "subscriberid": of("contacts"),
        "userid": of("users"),
        "reltype": "Subscriber",
        "relid": same_as("subscriberid"),
        "fromAddress": "hello@harbourtea.example",
        "toAddress": email,
        "subject": tea,
        "message": "<p>As promised.</p>",
        "tstamp": created,
    },
    size=share(contacts=1 / 2),
    first_id=64,
    stamps={"tstamp": iso},
)

MESSAGE_ACTIVITIES = shaped(
    "messageActivities",
    "messageActivity",
    "MessageActivity",
    {"message": of("messages"), "contact": of("contacts"), "campaign": of("campaigns"), "type": one_of("open", "click"),
     "tstamp": created},
    size=share(contacts=2),
    first_id=4000,
)  # fmt: skip

CONTACT_DATA = shaped(
    "contactData",
    "contactDatum",
    "SubscriberData",
    {
        "contact": of("contacts"),
        "tstamp": created,
        "geoTstamp": None,
        "geoIp4": "0",
        "geoCountry2": one_of("GB", "FR", "JP", ""),
        "geoCity": one_of("Leith", "Lyon", "Uji", ""),
        "geoTz": "",
        "geoTzOffset": "0",
        "gaCampaignSource": "",
        "gaFirstVisit": one_of(None, "0000-00-00 00:00:00"),
        "gaTimesVisited": upto(30),
    },
    size=share(contacts=1),
    links=("contact",),
    first_id=310,
    stamps={"tstamp": iso},
)

CONTACT_EMAILS = shaped(
    "contactEmails",
    "contactEmail",
    "SubscriberEmail",
    {"contact": of("contacts"), "user": of("users"), "subject": tea, "message": "<p>Thank you.</p>", "sdate": created,
     "opens": upto(3)},
    size=share(contacts=1 / 5),
    first_id=13,
    stamps={"sdate": iso},
)  # fmt: skip

CONVERSIONS = shaped(
    "conversions",
    "conversion",
    "Conversion",
    {"name": in_turn(("First order", "Newsletter sign-up", "Tasting booked")), "status": "1", "cdate": created,
     "udate": changed},
    size=share(fixed=3),
    first_id=2,
    stamps={"udate": iso},
)  # fmt: skip

CONVERSION_TRIGGERS = shaped(
    "conversionTriggers",
    "conversionTrigger",
    "ConversionTrigger",
    {"conversion": of("conversions"), "type": one_of("url", "deal"), "cdate": created, "udate": changed},
    size=share(fixed=5),
    stamps={"udate": iso},
)

CONTACT_CONVERSIONS = shaped(
    "contactConversions",
    "contactConversion",
    "SubscriberConversion",
    {"contact": of("contacts"), "conversion": of("conversions"), "value": upto(9000), "cdate": created},
    size=share(contacts=1 / 10),
    first_id=51,
    stamps={"cdate": iso},
)

SITE_MESSAGES = shaped(
    "siteMessages",
    "siteMessage",
    "SiteMessage",
    {"name": tea, "status": "1", "body": "The kettle is on.", "cdate": created, "ldate": changed},
    size=share(fixed=4),
    stamps={"ldate": iso},
)

TEXT_MESSAGES = shaped(
    "sms",
    "sms",
    "Sms",
    {"name": tea, "message": "Your tea has left the harbour.", "status": "1", "tstamp": created},
    size=share(fixed=6),
    stamps={"tstamp": iso},
)

ALL = (
    *(ACTIVITIES, LINKS, LINK_DATA, BOUNCES, EMAIL_ACTIVITIES, MESSAGE_ACTIVITIES, CONTACT_DATA, CONTACT_EMAILS),
    *(CONVERSIONS, CONVERSION_TRIGGERS, CONTACT_CONVERSIONS, SITE_MESSAGES, TEXT_MESSAGES),
)
