"""The numbers of deals: what is open, won and lost."""

from typing import Any

from sources.activecampaign.facts_of_sales import CLOSED
from sources.numbers import Ask, Breakdown, Definition, How, Unit

OF_DEALS = (
    Breakdown(
        key="pipeline",
        label="Pipeline",
        field="stage",
        of="dealGroups",
        through="dealStages",
        unnamed="Pipeline not shown",
    ),
    Breakdown(key="stage", label="Stage", field="stage", of="dealStages", unnamed="Stage not shown"),
    Breakdown(key="owner", label="Owner", field="owner", of="users", unnamed="Owner not shown"),
)  # Of a deal that the plan does not cover, ActiveCampaign shows none of them.

BEFORE = "before we connected, in no month"
VALUE = {"how": How.SUM, "unit": Unit.MONEY, "of": ("value",), "unknown": "deals_unknown"}
DISABLED = (
    "among all deals, of any state and day, whose value ActiveCampaign does not show, as the plan does not cover them"
)
OPEN, WON, LOST = ((("status", code),) for code in "012")


def deals(key: str, name: str, sentence: str, **more: Any) -> Definition:
    facts: dict[str, Any] = {"breakdowns": OF_DEALS} | more
    facts |= {"unknown_words": DISABLED} if "unknown" in facts else {}
    return Definition(key=key, topic="Deals", name=name, sentence=sentence, stream="deals", **facts)


def closed(key: str, name: str, sentence: str, **more: Any) -> Definition:
    """By the day on which it was closed."""
    day = "on which we saw it closed; before that, by the day of its last activity that says won or lost"
    facts: dict[str, Any] = {"logged": CLOSED, "also": ("dealActivities",), "undated_words": f"won {BEFORE}"} | more
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
    closed("deals_won", "Deals won", "Deals that are won", where=WON, better="higher"),
    closed(
        "deals_won_value",
        "Value of deals won",
        "What the deals that are won are worth",
        where=WON,
        better="higher",
        **VALUE,
    ),
    closed(
        "deals_lost", "Deals lost", "Deals that are lost", where=LOST, undated_words=f"lost {BEFORE}", better="lower"
    ),
    closed(
        "deals_lost_value",
        "Value of deals lost",
        "What the deals that are lost are worth",
        where=LOST,
        undated_words=f"lost {BEFORE}",
        better="lower",
        **VALUE,
    ),
    deals(
        "win_rate",
        "Win rate",
        "Won ÷ (won + lost), by the day on which each deal was closed.",
        how=How.RATIO,
        unit=Unit.SHARE,
        of=("deals_won",),
        other=("deals_won", "deals_lost"),
        undated_words=f"closed {BEFORE}",
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
