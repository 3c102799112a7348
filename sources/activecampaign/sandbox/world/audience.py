"""Lists, tags and automations."""

from collections.abc import Mapping, Sequence
from typing import Any

from sources.activecampaign.sandbox.world import words
from sources.activecampaign.sandbox.world.moments import iso, plain
from sources.activecampaign.sandbox.world.resource import Drawing, Many, Resource, Row, WorldView


def draw_list(drawing: Drawing) -> Row:
    stringid, name, reminder = words.LISTS[drawing.position % len(words.LISTS)]
    user = drawing.some_id("users")
    return {
        "stringid": stringid,
        "userid": user,
        "name": name,
        "cdate": iso(drawing.created),
        "sender_reminder": reminder,
        "udate": None if drawing.updated is None else iso(drawing.updated),
        "created_timestamp": plain(drawing.created),
        "updated_timestamp": plain(drawing.changed),
        "user": user,
    }


LISTS = Resource(
    path="lists",
    single="list",
    model="_List",
    shape={
        "stringid": "",
        "userid": "",
        "name": "",
        "cdate": "",
        "p_use_tracking": "1",
        "p_use_analytics_read": "0",
        "p_use_analytics_link": "0",
        "p_use_twitter": "0",
        "p_use_facebook": "0",
        "p_embed_image": "1",
        "p_use_captcha": "1",
        "send_last_broadcast": "0",
        "private": "0",
        "analytics_domains": None,
        "analytics_source": "",
        "analytics_ua": "",
        "twitter_token": "",
        "twitter_token_secret": "",
        "facebook_session": None,
        "carboncopy": "",
        "subscription_notify": "",
        "unsubscription_notify": "",
        "require_name": "0",
        "get_unsubscribe_reason": "0",
        "to_name": "Subscriber",
        "optinoptout": "1",
        "sender_name": "",
        "sender_addr1": "",
        "sender_addr2": "",
        "sender_city": "",
        "sender_state": "",
        "sender_zip": "",
        "sender_country": "",
        "sender_phone": "",
        "sender_url": "https://harbourtea.example",
        "sender_reminder": "",
        "fulladdress": "",
        "optinmessageid": "0",
        "optoutconf": "0",
        "deletestamp": None,
        "udate": None,
        "created_timestamp": "",
        "updated_timestamp": "",
        "created_by": None,
        "updated_by": None,
        "channel": "email",
        "description": "",
        "non_deleted_subscribers": "0",
        "active_subscribers": "0",
        "links": {},
        "id": "",
        "user": "",
    },
    draw=draw_list,
    # observed: NL, MD, AG: active_subscribers is right.
    counters={
        "non_deleted_subscribers": ("contactLists", "subscribers"),
        "active_subscribers": ("contactLists", "active"),
    },
    lists={"contactLists": Many(stream="contactLists", column="list")},
    size=lambda contacts, deals: len(words.LISTS),
    links=("contactGoalLists", "user", "addressLists"),
    first_id=3,
    stamps={"udate": iso, "updated_timestamp": plain},
)


def draw_tag(drawing: Drawing) -> Row:
    return {
        "tagType": "template" if drawing.position % 16 == 15 else "contact",
        "tag": words.TAGS[drawing.position % len(words.TAGS)],
        "cdate": iso(drawing.created),
        "created_timestamp": plain(drawing.created),
        "updated_timestamp": plain(drawing.changed),
    }


TAGS = Resource(
    path="tags",
    single="tag",
    model="Tag",
    shape={
        "tagType": "contact",
        "tag": "",
        "description": "",
        "subscriber_count": "0",
        "cdate": "",
        "created_timestamp": "",
        "updated_timestamp": "",
        "created_by": None,
        "updated_by": None,
        "deleted": "0",
        "links": {},
        "id": "",
    },
    draw=draw_tag,
    counters={"subscriber_count": ("contactTags", "tagged")},
    # observed: PP (B).
    lists={"contactTags": Many(stream="contactTags", column="tag")},
    size=lambda contacts, deals: len(words.TAGS),
    links=("contactGoalTags", "templateTags"),
    first_id=9,
    stamps={"updated_timestamp": plain},
)


def draw_automation(drawing: Drawing) -> Row:
    return {
        "name": words.AUTOMATIONS[drawing.position % len(words.AUTOMATIONS)],
        "cdate": iso(drawing.created),
        "mdate": iso(drawing.changed),
        "userid": drawing.some_id("users"),
        "status": "2" if drawing.chance(0.2) else "1",
        "screenshot": f"//harbourtea.img-us3.com/_screenshot_/{drawing.dice.getrandbits(64):016x}.jpeg",
    }


def automation_starts(world: WorldView, query: Mapping[str, str], rows: Sequence[Row]) -> dict[str, Any]:
    starts = [{"id": row["id"], "series": row["id"], "type": "subscribe", "dealfield": False} for row in rows]
    return {"starts": starts, "filtered": False, "smsLogs": []}


AUTOMATIONS = Resource(
    path="automations",
    single="automation",
    model="Series",
    shape={
        "name": "",
        "cdate": "",
        "mdate": "",
        "userid": "",
        "status": "1",
        "entered": "0",
        "exited": "0",
        "hidden": "0",
        "entitlements_violation": "0",
        "source": "0",
        "description": "",
        "exit_on_unsubscribe": "0",
        "exit_on_conversion": "0",
        "multientry": "1",
        "defaultscreenshot": "//img-us1.com/default-series.gif",
        "screenshot": "",
        "links": {},
        "id": "",
    },
    draw=draw_automation,
    counters={"entered": ("contactAutomations", "entered"), "exited": ("contactAutomations", "exited")},
    lists={
        # observed: the app's own calls (B).
        "contactAutomations": Many(stream="contactAutomations", column="automation"),
        "blocks": Many(stream="automationBlocks", column="automation", envelope="automationBlocks"),
    },
    size=lambda contacts, deals: len(words.AUTOMATIONS),
    links=(
        "campaigns",
        "contactGoals",
        "contactAutomations",
        "blocks",
        "goals",
        "sms",
        "sitemessages",
        "triggers",
    ),
    first_id=2,
    stamps={"mdate": iso},
    extras=automation_starts,
)
