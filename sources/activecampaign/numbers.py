"""The numbers that ActiveCampaign's rows come to, most of them by streams that are pulled unless somebody chooses.

What ActiveCampaign calls open includes those that Apple's mail makes by itself; its verified counters leave these out.
Of links that security programs click (its BotSense) no counter tells, so clicks may be a little too high.
"""

from dataclasses import replace
from typing import Any

from sources.numbers import GONE, OTHER, Ask, Breakdown, Definition, How, Logged, Turn, Unit

BY_CAMPAIGN = Breakdown(key="campaign", label="Campaign", field="id", of="campaigns")
BY_LIST = Breakdown(key="list", label="List", field="list", of="lists")
BY_AUTOMATION = Breakdown(key="automation", label="Automation", field="automation", of="automations")
OF_DEALS = (
    Breakdown(key="pipeline", label="Pipeline", field="stage", of="dealGroups", through="dealStages"),
    Breakdown(key="stage", label="Stage", field="stage", of="dealStages"),
    Breakdown(key="owner", label="Owner", field="owner", of="users"),
)

# Contacts -----------------------------------------------------------------------------------------------------------

CONTACTS = (
    Definition(
        key="contacts_total",
        topic="Contacts",
        name="Contacts",
        sentence="How many contacts the account has now.",
        stream="contacts",
        asks=(Ask(path="contacts", envelope="contacts"),),
    ),
    Definition(
        key="contacts_new",
        topic="Contacts",
        name="New contacts",
        sentence="Contacts by the day on which they were created, as far as they are still there.",
        stream="contacts",
        day="cdate",
        better="higher",
    ),
    Definition(
        key="contacts_unsubscribed",
        topic="Contacts",
        name="Unsubscribed",
        sentence="Contacts that have unsubscribed from every list that they are on, by the day on which they left the "
        "last of them. Who was removed from a list is not on it.",
        stream="contactLists",
        how=How.DISTINCT,
        of=("contact",),
        where=(("status", "2"),),
        without=(("status", "91"),),
        every=True,
        day="udate",
        undated_words="left on no day that ActiveCampaign tells",
        asks=(
            Ask(
                path="contacts",
                envelope="contacts",
                query=(("status", "2"),),
                reasons="ActiveCampaign also counts who has left one list and is on another.",
            ),
        ),
        better="lower",
    ),
    Definition(
        key="contacts_bounced",
        topic="Contacts",
        name="Bounced",
        sentence="Contacts that have bounced on at least one list, by the day of the last time.",
        stream="contactLists",
        how=How.DISTINCT,
        of=("contact",),
        where=(("status", "3"),),
        day="udate",
        undated_words="bounced on no day that ActiveCampaign tells",
        asks=(Ask(path="contacts", envelope="contacts", query=(("status", "3"),)),),
        better="lower",
    ),
)

# Campaigns ----------------------------------------------------------------------------------------------------------


def counter(key: str, name: str, sentence: str, field: str, **more: Any) -> Definition:
    """One of the campaigns' own counters, by the day on which the campaign was sent."""
    ask = Ask(path="campaigns", envelope="campaigns", by="campaign", field=field, single="campaign")
    facts: dict[str, Any] = {"how": How.SUM, "of": (field,), "day": "sdate", "breakdowns": (BY_CAMPAIGN,)}
    words = f"{sentence} ({field}), by the day on which the campaign was sent."
    facts |= {"undated_words": "of campaigns without a day of sending", "asks": (ask,)} | more
    return Definition(key=key, topic="Campaigns", name=name, sentence=words, stream="campaigns", **facts)


def rate(key: str, name: str, sentence: str, of: str, by: str = "mails_sent", **more: Any) -> Definition:
    facts: dict[str, Any] = {"how": How.RATIO, "unit": Unit.SHARE, "of": (of,), "other": (by,)}
    facts |= {"breakdowns": (BY_CAMPAIGN,), "better": "higher"} | more
    return Definition(key=key, topic="Campaigns", name=name, sentence=sentence, stream="campaigns", **facts)


CAMPAIGNS = (
    Definition(
        key="campaigns_sent",
        topic="Campaigns",
        name="Campaigns",
        sentence="Campaigns by the day on which they were sent; of an automation's mail, on which it was first.",
        stream="campaigns",
        day="sdate",
        undated_words="not sent yet",
        asks=(Ask(path="campaigns", envelope="campaigns"),),
    ),
    counter("mails_sent", "Mails sent", "Mails that campaigns sent", "send_amt"),
    Definition(
        key="mails_delivered",
        topic="Campaigns",
        name="Delivered",
        sentence="Mails sent, less those that bounced for good or for now. No rate is a share of these.",
        stream="campaigns",
        how=How.DIFFERENCE,
        of=("mails_sent",),
        other=("mails_bounced", "mails_bounced_softly"),
        breakdowns=(BY_CAMPAIGN,),
    ),
    counter(
        "mails_opened",
        "Opened",
        "People who opened, as ActiveCampaign shows it: with opens that Apple's mail makes by itself",
        "uniqueopens",
        better="higher",
    ),
    counter(
        "mails_opened_verified",
        "Verified opens",
        "People who opened, without what machines opened: by these campaigns can be compared",
        "verified_unique_opens",
        better="higher",
    ),
    counter(
        "mails_clicked",
        "Clicked",
        "People who clicked a link. Links that security programs click cannot be told apart",
        "subscriberclicks",
        better="higher",
    ),
    counter(
        "mails_link_clicks", "Unique link clicks", "Links that were clicked, each once a person", "uniquelinkclicks"
    ),
    counter("mails_clicks", "Clicks", "Clicks, however often the same person clicked", "linkclicks"),
    counter(
        "mails_unsubscribed", "Unsubscribed", "People who unsubscribed by a campaign", "unsubscribes", better="lower"
    ),
    counter("mails_bounced", "Bounced", "Mails that bounced for good", "hardbounces", better="lower"),
    counter("mails_bounced_softly", "Bounced for now", "Mails that bounced for now", "softbounces", better="lower"),
    rate(
        "open_rate",
        "Open rate",
        "Opened ÷ sent, of the mails that were sent in the period, until now. With Apple's automatic opens.",
        "mails_opened",
    ),
    rate(
        "verified_open_rate",
        "Verified open rate",
        "Verified opens ÷ sent, of the mails that were sent in the period, until now. For comparing campaigns.",
        "mails_opened_verified",
    ),
    rate(
        "click_rate",
        "Click rate",
        "People who clicked ÷ sent, of the mails that were sent in the period, until now.",
        "mails_clicked",
    ),
    rate(
        "click_to_open",
        "Click-to-open",
        "People who clicked ÷ people who opened, of the mails that were sent in the period, until now.",
        "mails_clicked",
        by="mails_opened",
    ),
    rate(
        "unsubscribe_rate",
        "Unsubscribe rate",
        "Unsubscribed ÷ sent, of the mails that were sent in the period, until now.",
        "mails_unsubscribed",
        better="lower",
    ),
    rate(
        "bounce_rate",
        "Bounce rate",
        "Bounced for good ÷ sent, of the mails that were sent in the period, until now.",
        "mails_bounced",
        better="lower",
    ),
)


def by_day(key: str, name: str, sentence: str, code: str) -> Definition:
    """From event rows. The row's own moment moves on with each open, so it is the day on which it was first seen."""
    return Definition(
        key=key,
        topic="Campaigns",
        name=name,
        sentence=f"{sentence}: each contact once a campaign, on the day on which we first saw it.",
        stream="linkData",
        how=How.DISTINCT,
        of=("subscriberid", "campaignid"),
        where=(("isread", code),),
        first_seen=True,
        day="tstamp",
        breakdowns=(replace(BY_CAMPAIGN, field="campaignid"),),
        better="higher",
    )


EVENTS = (
    by_day("opened_by_day", "Opened by day", "Opens by the day on which they happened", "1"),
    by_day("clicked_by_day", "Clicked by day", "Clicks by the day on which they happened", "0"),
    Definition(
        key="people_reached",
        topic="Campaigns",
        name="People reached",
        sentence="Contacts whose last open or click of some mail lies in the period, each once in all of it.",
        stream="linkData",
        how=How.DISTINCT,
        of=("subscriberid",),
        day="tstamp",
        whole_period=True,
        better="higher",
    ),
)

# Lists --------------------------------------------------------------------------------------------------------------

SINCE = "By the log of changes since we connected; before that by the rows that ActiveCampaign still shows."


def turned(key: str, name: str, sentence: str, *into: str, **more: Any) -> Definition:
    facts: dict[str, Any] = {"day": "udate", "better": "lower", "breakdowns": (BY_LIST,)} | more
    turn = Turn(field="status", there="1", into=into)
    sentence = f"{sentence} {SINCE}"
    return Definition(key=key, topic="Lists", name=name, sentence=sentence, stream="contactLists", turn=turn, **facts)


LISTS = (
    Definition(
        key="list_active",
        topic="Lists",
        name="Active on lists",
        sentence="Contacts that are active on a list now, once for each list.",
        stream="contactLists",
        where=(("status", "1"),),
        breakdowns=(BY_LIST,),
        asks=(Ask(path="lists", envelope="lists", by="list", field="active_subscribers", single="list"),),
        better="higher",
    ),
    turned("list_joined", "Joined", "Contacts that became active on a list.", day="sdate", better="higher"),
    turned(
        "list_unsubscribed", "Unsubscribed", "Contacts that unsubscribed from a list.", "2", where=(("status", "2"),)
    ),
    turned("list_bounced", "Bounced", "Contacts that bounced on a list.", "3", where=(("status", "3"),)),
    turned(
        "list_removed",
        "Removed",
        "Contacts that were taken from a list, or are on it without being active.",
        OTHER,
        where=(("status", "91"),),
    ),
    turned(
        "list_deleted",
        "Deleted",
        "Contacts that were active on a list and are gone from it without a trace.",
        GONE,
        day="",
    ),
    Definition(
        key="list_growth",
        topic="Lists",
        name="Growth",
        sentence=f"Joined, less who unsubscribed, bounced, was removed or deleted. {SINCE}",
        stream="contactLists",
        how=How.DIFFERENCE,
        of=("list_joined",),
        other=("list_unsubscribed", "list_bounced", "list_removed", "list_deleted"),
        breakdowns=(BY_LIST,),
        better="higher",
    ),
)

# Automations --------------------------------------------------------------------------------------------------------


def of_automations(key: str, name: str, sentence: str, field: str) -> Definition:
    return Definition(
        key=key,
        topic="Automations",
        name=name,
        sentence=f"{sentence} ({field}), since each automation began.",
        stream="automations",
        how=How.SUM,
        of=(field,),
        breakdowns=(replace(BY_AUTOMATION, field="id"),),
        asks=(Ask(path="automations", envelope="automations", by="automation", field=field, single="automation"),),
    )


AUTOMATIONS = (
    of_automations("automation_entered", "Entered", "How often contacts entered an automation", "entered"),
    Definition(
        key="automation_in",
        topic="Automations",
        name="In it now",
        sentence="Entered, less left: by the counters of each automation.",
        stream="automations",
        how=How.DIFFERENCE,
        now=True,
        of=("automation_entered",),
        other=("automation_left",),
        breakdowns=(replace(BY_AUTOMATION, field="id"),),
    ),
    of_automations("automation_left", "Left", "How often contacts left an automation, at its end or before", "exited"),
    Definition(
        key="automation_completed",
        topic="Automations",
        name="Completed",
        sentence="Ways through an automation that are completed (status 2), by the day on which they ended.",
        stream="contactAutomations",
        where=(("status", "2"),),
        day="remdate",
        undated_words="completed on no day that ActiveCampaign tells",
        breakdowns=(BY_AUTOMATION,),
        better="higher",
    ),
)

# Deals --------------------------------------------------------------------------------------------------------------

CLOSED = Logged(field="status", told_by="dealActivities", where=(("dataType", "status"),))
BEFORE = "before we connected, in no month"
VALUE = {"how": How.SUM, "unit": Unit.MONEY, "of": ("value",), "unknown": "deals_unknown"}
DISABLED = "whose value ActiveCampaign does not show, as the plan does not cover them"
OPEN, WON, LOST = ((("status", code),) for code in "012")


def deals(key: str, name: str, sentence: str, **more: Any) -> Definition:
    facts: dict[str, Any] = {"breakdowns": OF_DEALS} | more
    facts |= {"unknown_words": DISABLED} if "unknown" in facts else {}
    return Definition(key=key, topic="Deals", name=name, sentence=sentence, stream="deals", **facts)


def closed(key: str, name: str, sentence: str, **more: Any) -> Definition:
    """By the day on which it was closed."""
    day = "on which we saw it closed, or that its last activity tells"
    facts: dict[str, Any] = {"logged": CLOSED, "also": ("dealActivities",), "undated_words": BEFORE} | more
    return deals(key, name, f"{sentence}, by the day {day}.", **facts)


DEALS = (
    deals("deals_open", "Open deals", "Deals that are open now.", where=OPEN),
    deals(
        "deals_open_value",
        "Value of open deals",
        "What the deals that are open now are worth, by currency.",
        where=OPEN,
        **VALUE,
    ),
    deals(
        "deals_new",
        "New deals",
        "Deals by the day on which they were created.",
        day="cdate",
        undated_words="created on no day that ActiveCampaign shows",
        asks=(
            Ask(path="deals", envelope="deals"),
            Ask(
                path="dealGroups",
                envelope="dealGroups",
                by="pipeline",
                field="count",
                single="dealGroup",
                reasons="ActiveCampaign also counts deals that the plan does not cover, and does not show whose "
                "pipeline they are in.",
            ),
        ),
        better="higher",
    ),
    deals(
        "deals_new_value",
        "Value of new deals",
        "What deals are worth, by currency and by the day on which they were created.",
        day="cdate",
        asks=(Ask(path="deals", envelope="deals", in_currencies=True),),
        better="higher",
        **VALUE,
    ),
    closed("deals_won", "Won", "Deals that are won", where=WON, better="higher"),
    closed(
        "deals_won_value", "Value won", "What the deals that are won are worth", where=WON, better="higher", **VALUE
    ),
    closed("deals_lost", "Lost", "Deals that are lost", where=LOST, better="lower"),
    closed(
        "deals_lost_value", "Value lost", "What the deals that are lost are worth", where=LOST, better="lower", **VALUE
    ),
    deals(
        "win_rate",
        "Win rate",
        "Won ÷ (won + lost), by the day on which each deal was closed.",
        how=How.RATIO,
        unit=Unit.SHARE,
        of=("deals_won",),
        other=("deals_won", "deals_lost"),
        better="higher",
    ),
    closed(
        "time_to_win",
        "Time to win",
        "The median of the days from the creation of a deal that is won to its end",
        how=How.MEDIAN,
        unit=Unit.DAYS,
        of=("cdate",),
        where=WON,
        breakdowns=(),
        better="lower",
    ),
    deals(
        "deals_unknown",
        "Deals of unknown value",
        "Deals that the plan does not cover: ActiveCampaign does not show what they are worth.",
        where=(("value", None),),
    ),
)

NUMBERS = (*CONTACTS, *CAMPAIGNS, *EVENTS, *LISTS, *AUTOMATIONS, *DEALS)
