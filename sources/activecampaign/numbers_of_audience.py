"""The numbers of the audience: contacts, and who joins and leaves which list."""

from typing import Any

from sources.numbers import GONE, OTHER, Ask, Breakdown, Definition, How, Turn

BY_LIST = Breakdown(key="list", label="List", field="list", of="lists")

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
        name="Unsubscribed from all lists",
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
        name="Bounced contacts",
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
    turned("list_joined", "Joined a list", "Contacts that became active on a list.", day="sdate", better="higher"),
    turned(
        "list_unsubscribed",
        "Unsubscribed from a list",
        "Contacts that unsubscribed from a list.",
        "2",
        where=(("status", "2"),),
    ),
    turned("list_bounced", "Bounced on a list", "Contacts that bounced on a list.", "3", where=(("status", "3"),)),
    turned(
        "list_removed",
        "Removed from a list",
        "Contacts that were taken from a list, or are on it without being active.",
        OTHER,
        where=(("status", "91"),),
    ),
    turned(
        "list_deleted",
        "Deleted from a list",
        "Contacts that were active on a list and are gone from it without a trace.",
        GONE,
        day="",
    ),
    Definition(
        key="list_growth",
        topic="Lists",
        name="Growth of lists",
        sentence=f"Joined, less who unsubscribed, bounced, was removed or deleted. {SINCE}",
        stream="contactLists",
        how=How.DIFFERENCE,
        of=("list_joined",),
        other=("list_unsubscribed", "list_bounced", "list_removed", "list_deleted"),
        breakdowns=(BY_LIST,),
        better="higher",
    ),
)
