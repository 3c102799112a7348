"""The numbers of what is sent, of what comes of it, and of what runs by itself.

What ActiveCampaign calls open includes those that Apple's mail makes by itself; its verified counters leave these out.
Of links that security programs click (its BotSense) no counter tells, so clicks may be a little too high.
"""

from dataclasses import replace
from typing import Any

from sources.numbers import Ask, Breakdown, Definition, How, Unit

BY_CAMPAIGN = Breakdown(key="campaign", label="Campaign", field="id", of="campaigns")
BY_AUTOMATION = Breakdown(key="automation", label="Automation", field="automation", of="automations")


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
        "People who opened, without what machines opened: compare campaigns by these",
        "verified_unique_opens",
        better="higher",
    ),
    counter(
        "mails_clicked",
        "Clicked",
        "People who clicked a link. Which clicks are machines' ActiveCampaign's BotSense judges, and we cannot see",
        "subscriberclicks",
        better="higher",
    ),
    counter(
        "mails_link_clicks", "Unique link clicks", "Links that were clicked, each once a person", "uniquelinkclicks"
    ),
    counter("mails_clicks", "Clicks", "Clicks, however often the same person clicked", "linkclicks"),
    counter(
        "mails_unsubscribed",
        "Unsubscribed by campaigns",
        "People who unsubscribed by a campaign",
        "unsubscribes",
        better="lower",
    ),
    counter("mails_bounced", "Bounced mails", "Mails that bounced for good", "hardbounces", better="lower"),
    counter(
        "mails_bounced_softly", "Mails bounced for now", "Mails that bounced for now", "softbounces", better="lower"
    ),
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
    of_automations(
        "automation_entered", "Entered automations, in all", "How often contacts entered an automation", "entered"
    ),
    Definition(
        key="automation_in",
        topic="Automations",
        name="In automations now",
        sentence="Entered, less left: by the counters of each automation.",
        stream="automations",
        how=How.DIFFERENCE,
        now=True,
        of=("automation_entered",),
        other=("automation_left",),
        breakdowns=(replace(BY_AUTOMATION, field="id"),),
    ),
    of_automations(
        "automation_left",
        "Left automations, in all",
        "How often contacts left an automation, at its end or before",
        "exited",
    ),
    Definition(
        key="automation_completed",
        topic="Automations",
        name="Completed automations",
        sentence="Ways through an automation that are completed (status 2), by the day on which they ended.",
        stream="contactAutomations",
        where=(("status", "2"),),
        day="remdate",
        undated_words="completed on no day that ActiveCampaign tells",
        breakdowns=(BY_AUTOMATION,),
        better="higher",
    ),
)
