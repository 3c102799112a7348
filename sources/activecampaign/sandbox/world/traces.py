"""What people leave behind: activities, visits and conversions."""

from sources.activecampaign.sandbox.world.columns import (
    changed,
    created,
    in_turn,
    of,
    one_of,
    same_as,
    shaped,
    share,
    tea,
    upto,
)
from sources.activecampaign.sandbox.world.moments import iso
from sources.activecampaign.sandbox.world.resource import BY_MOMENT, Drawing, Row
from sources.activecampaign.sandbox.world.ties import Spread

WHAT_HAPPENED = (
    ("SubscriberEmail", "contact-email"),
    ("Log", "log"),
    ("LinkData", "link-data"),
    ("Note", "note"),
)


def _what_happened(drawing: Drawing) -> Row:
    model, kind = WHAT_HAPPENED[drawing.id % len(WHAT_HAPPENED)]
    return {"model": model, "kind": kind, "id": str(drawing.id + 11)}


ACTIVITIES = shaped(
    "activities",
    "activity",
    "Activity",
    {
        "tstamp": created,
        "subscriberid": "",
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
    spread={"subscriberid": Spread("contacts")},
    changed_since="inclusive",
    changed_since_parameter="after",  # observed: AG (A): alone; every filters[…] is ignored.
    orders={"tstamp": "changed"},  # observed: AG (A).
    filters={"contact": "subscriberid"},
    most_rows_of_one={"contact": 1_000},  # observed: PP (C).
    never_edited=1.0,
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

# observed: 4G (A): very large, and filters[contact] is ignored. Its columns are a guess.
TRACKING_LOGS = shaped(
    "trackingLogs",
    "trackingLog",
    "TrackingLog",
    {
        "subscriberid": "",
        "tstamp": created,
        "type": one_of("visit", "event"),
        "value": one_of("https://harbourtea.example/", "https://harbourtea.example/matcha", "basket"),
        "links": {},
        "id": "",
        "contact": same_as("subscriberid"),
    },
    size=share(contacts=1),
    links=("contact",),
    first_id=5100,
    spread={"subscriberid": Spread("contacts", shift=2)},
    orders=BY_MOMENT | {"tstamp": "changed"},
    stamps={"tstamp": iso},
    never_edited=1.0,
)

CONTACT_DATA = shaped(
    "contactData",
    "contactDatum",
    "SubscriberData",
    {
        "contact": "",
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
    spread={"contact": Spread("contacts")},
    dies_with=("contact",),
    stamps={"tstamp": iso},
)

CONTACT_EMAILS = shaped(
    "contactEmails",
    "contactEmail",
    "SubscriberEmail",
    {"contact": of("contacts"), "user": of("users"), "subject": tea, "message": of("messages"), "sdate": created,
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
    *(ACTIVITIES, TRACKING_LOGS, MESSAGE_ACTIVITIES, CONTACT_DATA, CONTACT_EMAILS),
    *(CONVERSIONS, CONVERSION_TRIGGERS, CONTACT_CONVERSIONS, SITE_MESSAGES, TEXT_MESSAGES),
)
