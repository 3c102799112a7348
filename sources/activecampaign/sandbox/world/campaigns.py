"""Campaigns: what was sent, and what became of it."""

from sources.activecampaign.sandbox.world import words
from sources.activecampaign.sandbox.world.mailings import (
    OF_AN_AUTOMATION,
    SENT,
    STATUSES,
    Mailing,
    count_campaigns,
    post,
)
from sources.activecampaign.sandbox.world.moments import iso, plain
from sources.activecampaign.sandbox.world.resource import Drawing, Many, Resource, Row, WorldView, id_by_turns

MINUTE = 60
STATUS_WORDS = {"0": "Draft", "1": "Automation", "5": "Completed", "6": "Disabled", "7": "Held for review"}
OPENS_AND_CLICKS = (
    *("opens", "uniqueopens", "verified_opens", "verified_unique_opens"),
    *("linkclicks", "uniquelinkclicks", "subscriberclicks"),
)


def mailing_of(world: WorldView, place: int) -> Mailing:
    mailings = post(len(world.first_ids("contacts")), world.ends).mailings
    return mailings[place % len(mailings)]


def outline_campaign(world: WorldView, place: int) -> Row:
    """observed: OS, ED: an automation's mail names it, and seriesid goes with it."""
    status = STATUSES[place % len(STATUSES)]
    automation = id_by_turns(world, "automations", place) if status in OF_AN_AUTOMATION else None
    return {"status": status, "automation": automation, "seriesid": automation or "0"}


def draw_campaign(drawing: Drawing) -> Row:
    user = drawing.some_id("users")
    return {
        **drawing.ties,
        "statusString": STATUS_WORDS.get(drawing.ties["status"], ""),
        "userid": user,
        "user": user,
        "created_by": user,
        "updated_by": user,
        "sendid": str(drawing.id + 4),
        "name": drawing.pick(words.CAMPAIGNS).format(tea=drawing.pick(words.TEAS)),
        "cdate": iso(drawing.created),
        "mdate": iso(drawing.changed),
        "created_timestamp": plain(drawing.created),
        "updated_timestamp": plain(drawing.changed),
        "campaign_message_id": str(drawing.id + 21),
        "message_id": id_by_turns(drawing.world, "messages", drawing.position),
        "screenshot": f"//harbourtea.img-us3.com/_screenshot_/{drawing.dice.getrandbits(64):016x}.jpeg",
        **(_sending(drawing) if drawing.ties["status"] in SENT else {}),
    }


def _sending(drawing: Drawing) -> Row:
    return {"sdate": iso(drawing.created + 30 * MINUTE), "ldate": iso(drawing.created + 51 * MINUTE)}


CAMPAIGNS = Resource(
    path="campaigns",
    single="campaign",
    model="Campaign",
    shape={
        "type": "single",
        "userid": "",
        "segmentid": "0",
        "bounceid": "-1",
        "realcid": "0",
        "sendid": "0",
        "threadid": "0",
        "seriesid": "0",
        "formid": "0",
        "basetemplateid": "0",
        "basemessageid": "0",
        "addressid": "1",
        "source": "web",
        "name": "",
        "cdate": "",
        "mdate": "",
        "sdate": None,
        "ldate": None,
        "send_amt": "0",
        "total_amt": "0",
        "opens": "0",
        "uniqueopens": "0",
        "linkclicks": "0",
        "uniquelinkclicks": "0",
        "subscriberclicks": "0",
        "forwards": "0",
        "uniqueforwards": "0",
        "hardbounces": "0",
        "softbounces": "0",
        "unsubscribes": "0",
        "unsubreasons": "0",
        "updates": "0",
        "socialshares": "0",
        "replies": "0",
        "uniquereplies": "0",
        "status": "0",
        "public": "1",
        "mail_transfer": "1",
        "mail_send": "1",
        "mail_cleanup": "1",
        "mailer_log_file": "0",
        "tracklinks": "all",
        "tracklinksanalytics": "0",
        "trackreads": "1",
        "trackreadsanalytics": "1",
        "analytics_campaign_name": "",
        "tweet": "0",
        "facebook": "0",
        "survey": "",
        "embed_images": "0",
        "htmlunsub": "0",
        "textunsub": "0",
        "htmlunsubdata": None,
        "textunsubdata": None,
        "recurring": "day1",
        "willrecur": "0",
        "split_type": "even",
        "split_content": "0",
        "split_offset": "2",
        "split_offset_type": "day",
        "split_winner_messageid": "0",
        "split_winner_awaiting": "0",
        "responder_offset": "0",
        "responder_type": "subscribe",
        "responder_existing": "0",
        "reminder_field": "sdate",
        "reminder_format": None,
        "reminder_type": "month_day",
        "reminder_offset": "0",
        "reminder_offset_type": "day",
        "reminder_offset_sign": "+",
        "reminder_last_cron_run": None,
        "activerss_interval": "day1",
        "activerss_url": None,
        "activerss_items": "10",
        "ip4": "0",
        "laststep": "result",
        "managetext": "0",
        "schedule": "0",
        "scheduleddate": None,
        "waitpreview": "0",
        "deletestamp": None,
        "replysys": "0",
        "created_timestamp": "",
        "updated_timestamp": "",
        "created_by": "",
        "updated_by": "",
        "ip": "0",
        "series_send_lock_time": "0000-00-00 00:00:00",
        "verified_opens": "0",
        "verified_unique_opens": "0",
        "predictive_send": "0",
        "repair_timestamp": "0000-00-00 00:00:00",
        "numberOfMessages": "1",
        "campaign_message_id": "0",
        "message_id": "0",
        "format": "mime",
        "ed_version": "3",
        "segmentname": "",
        "screenshot": "",
        "typeText": "One-Time",
        "statusString": "Draft",
        "groupLimitViolation": False,
        "links": {},
        "id": "",
        "user": "",
        "automation": None,
    },
    draw=draw_campaign,
    size=lambda contacts, deals: count_campaigns(contacts),
    outline=outline_campaign,
    owners={"automation": "automations"},
    born=lambda world, place: mailing_of(world, place).began - 30 * MINUTE,
    counters={
        "send_amt": ("logs", "sends"),
        "total_amt": ("logs", "sends"),
        **{column: ("linkData", column) for column in OPENS_AND_CLICKS},
        # observed: BAM: who left and who bounced hard is in contactLists, what bounced softly in bounceLogs.
        "unsubscribes": ("contactLists", "unsubscribes"),
        "hardbounces": ("contactLists", "hardbounces"),
        "softbounces": ("bounceLogs", "softbounces"),
    },
    lists={
        "links": Many(stream="links", column="campaignid", has_meta=False),
        # observed: NL (A).
        "campaignLists": Many(stream="campaignLists", column="campaign"),
        "campaignMessages": Many(stream="campaignMessages", column="campaign"),
    },
    # observed: AG, ED, AD; and NL (A): orders[cdate] is ignored, oldest come first.
    orders={"sdate": "sdate", "id": "id"},
    # observed: AG (A): 312 became 11. seriesid is documented.
    filters={"filters[status]": "status", "filters[seriesid]": "seriesid"},
    links=(
        "user",
        "automation",
        "campaignMessage",
        "campaignMessages",
        "links",
        "aggregateRevenues",
        "segment",
        "campaignLists",
    ),
    first_id=40,
    stamps={"mdate": iso, "updated_timestamp": plain},
)
