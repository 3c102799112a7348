"""What ActiveCampaign offers to pull, as facts. Each key is also the path and the name of the list, unless said."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from sources.activecampaign.facts import FACTS
from sources.activecampaign.personal import PERSONAL
from sources.spec import Growing, Nested, Sideload, Stream, Sureness

UPDATED_AFTER = "filters[updated_after]"  # Documented for contacts and deals alone.
RECORDED: Sureness = "recorded"
DOCUMENTED: Sureness = "documented"
CONNECTORS: Sureness = "used by connectors"
UNVERIFIED: Sureness = "unverified"
# Observed of emailActivities alone (AG, A). Ids rise with time, and no two rows share one.
BY_MOMENT, BY_ID_FIRST = Growing(orders=("tstamp",)), Growing(orders=("id", "tstamp"))
# What charts and imports go by: people are told when one appears, is renamed or goes.
NAMED: dict[str, Any] = {"is_announced": True, "comes_and_goes": True}
OF_A_CONTACT = Sideload(parent="contacts", column="contact")


def _on(key: str, name: str, sureness: Sureness, evidence: str, **facts: Any) -> Stream:
    """Pulled unless somebody chooses otherwise."""
    places: dict[str, Any] = {"path": key, "envelope": key, "facts": FACTS[key], "personal": PERSONAL[key]} | facts
    return Stream(key=key, name=name, sureness=sureness, evidence=evidence, **places)


def _off(key: str, name: str, sureness: Sureness, evidence: str, **facts: Any) -> Stream:
    """Pulled when chosen."""
    return _on(key, name, sureness, evidence, on_by_default=False, **facts)


def _heavy(key: str, name: str, sureness: Sureness, evidence: str, **facts: Any) -> Stream:
    """Pulled when chosen, and then for long: many rows for each contact, deal or campaign."""
    return _off(key, name, sureness, evidence, is_heavy=True, **facts)


def _guess(key: str, name: str, evidence: str = "§5 pulled by singer only") -> Stream:
    """In no documentation: a public connector asks for it, and that is all that is known."""
    return _off(key, name, UNVERIFIED, f"[C] {evidence}")


# `evidence` cites the collected reference by its marks: [D] vendor documentation, [R] a recorded answer, [C] the code
# of a public connector; and by its section.
AUDIENCE = (
    _on(
        "contacts",
        "Contacts",
        RECORDED,
        "[D][R] §4 keyset, §5",
        paging="keyset",
        changed_since=UPDATED_AFTER,
    ),
    _on("lists", "Lists", RECORDED, "[D][R] §5", remembers=("name",), **NAMED),
    _on("tags", "Tags", RECORDED, "[D][R] §5"),
    _on(
        "contactTags",
        "Contact tags",
        CONNECTORS,
        "[C] §5 list undocumented, singer",
        comes_and_goes=True,
        sideload=OF_A_CONTACT,
    ),
    _on(
        "contactLists",
        "Contact lists",
        CONNECTORS,
        "[C] §5 list undocumented, singer",
        remembers=("status",),
        comes_and_goes=True,
        sideload=OF_A_CONTACT,
    ),
    _on(
        "fields",
        "Custom fields",
        DOCUMENTED,
        "[D] §5, §6 20 rows unless asked",
        rhythm="daily",
        remembers=("title",),
        **NAMED,
    ),
    _on("fieldValues", "Custom field values", DOCUMENTED, "[D] §5 largest table", sideload=OF_A_CONTACT),
    _on("segments", "Segments", CONNECTORS, "[C] §5 legacy, singer and Airbyte", rhythm="daily"),
    _off(
        "audiences",
        "Saved audiences",
        DOCUMENTED,
        "[D] §5 segments of today; 404 where there are none",
        envelope="data",
        fixed_query=(("page", "1"), ("page_size", "10000")),  # Documented as the most; limit and offset are not known.
        rhythm="daily",
    ),
    _on("scores", "Scores", DOCUMENTED, "[D] §5", rhythm="daily"),
    _off(
        "scoreValues",
        "Score values",
        RECORDED,
        "[R] §5 beside contacts",
        path="scores/{parent}/scoreValues",
        nested=Nested(parent="scores"),
        rhythm="daily",
    ),
    _off("notes", "Notes", RECORDED, "[D][R] §4, §5"),
    _off("accountContacts", "Contacts of accounts", DOCUMENTED, "[D] §5", sideload=OF_A_CONTACT),
)

MAIL = (
    _on("campaigns", "Campaigns", RECORDED, "[D][R] §5"),
    _on("messages", "Messages", DOCUMENTED, "[D] §5"),
    _on("forms", "Forms", DOCUMENTED, "[D] §5, §7 polymorphic", rhythm="daily"),
    _off("templates", "Templates", DOCUMENTED, "[D] §5 newer"),
    _off("savedResponses", "Saved responses", DOCUMENTED, "[D] §2, §5 needs a plan"),
    _heavy("links", "Links", CONNECTORS, "[C] §5 list undocumented"),
    _off(
        "campaignLinks",
        "Links of campaigns",
        RECORDED,
        "[R] §4 campaign_links",
        path="campaigns/{parent}/links",
        envelope="links",
        nested=Nested(parent="campaigns", is_told=True),
    ),
    _off(
        "smsBroadcasts",
        "SMS broadcasts",
        DOCUMENTED,
        "[D] §5 sms 3.0.0",
        path="sms/broadcasts",
        envelope="broadcasts",
        rhythm="daily",
    ),
    _heavy("logs", "Sends", CONNECTORS, "[C] §5 list undocumented, three readers", growing=BY_ID_FIRST),
    _heavy("bounceLogs", "Bounces", CONNECTORS, "[C] §5 list undocumented", growing=BY_ID_FIRST),
    _heavy("emailActivities", "E-mail activities", DOCUMENTED, "[D] §5", growing=BY_MOMENT),
    _heavy(
        "linkData",
        "Opens and clicks",
        CONNECTORS,
        "[C] §5 nearly all of them opens",
        growing=replace(BY_ID_FIRST, unsettled=timedelta(days=90)),  # observed: BAM (A): `times` grows so long.
    ),
    _heavy("mppLinkData", "Machine opens", CONNECTORS, "[C] §5 Apple's, a list of its own", growing=BY_ID_FIRST),
    _heavy("trackingLogs", "Site visits", CONNECTORS, "[C] §5 list undocumented", growing=BY_ID_FIRST),
)

AUTOMATION = (
    _on("automations", "Automations", RECORDED, "[D][R] §5"),
    _on(
        "contactAutomations",
        "Contact automations",
        DOCUMENTED,
        "[D] §5",
        remembers=("status",),
        comes_and_goes=True,
        sideload=OF_A_CONTACT,
    ),
    _heavy(
        "activities",
        "Contact activities",
        DOCUMENTED,
        "[D] §5 without a contact as singer does",
        growing=Growing(after="after"),  # observed: AG (A): the one filter that is heeded, and oldest first.
    ),
)

SALES = (
    _on(
        "deals",
        "Deals",
        RECORDED,
        "[D][R] §5",
        changed_since=UPDATED_AFTER,
        remembers=("stage", "status", "value", "currency", "owner"),
    ),
    _on("dealGroups", "Pipelines", RECORDED, "[D][R] §4, §5", remembers=("title",), **NAMED),
    _on("dealStages", "Deal stages", RECORDED, "[D][R] §5", remembers=("title",), **NAMED),
    _on(
        "accounts",
        "Accounts",
        RECORDED,
        "[D][R] §5, §7 counts when asked",
        fixed_query=(("count_deals", "true"),),
        rhythm="daily",
    ),
    _heavy(
        "dealActivities",
        "Deal activities",
        DOCUMENTED,
        "[D] §5",
        growing=Growing(orders=("id", "cdate"), stamp="cdate"),
    ),
    _off("dealTasks", "Tasks", DOCUMENTED, "[D] §5"),
    _off("dealTasktypes", "Task types", DOCUMENTED, "[D] §5"),
    _off("taskOutcomes", "Task outcomes", DOCUMENTED, "[D] §5"),
    _off("dealRoles", "Deal roles", DOCUMENTED, "[D] §5"),
    _off("contactDeals", "Contacts of deals", DOCUMENTED, "[D] §5"),
    _off(
        "dealCustomFieldMeta",
        "Custom fields of deals",
        DOCUMENTED,
        "[D] §4, §5",
        remembers=("fieldLabel",),
        **NAMED,
    ),
    _heavy(
        "dealCustomFieldData",
        "Custom field values of deals",
        DOCUMENTED,
        "[D] §5",
        sideload=Sideload(parent="deals", column="dealId"),
    ),
    _off(
        "accountCustomFieldMeta",
        "Custom fields of accounts",
        DOCUMENTED,
        "[D] §5",
        remembers=("fieldLabel",),
        **NAMED,
    ),
    _heavy(
        "accountCustomFieldData",
        "Custom field values of accounts",
        DOCUMENTED,
        "[D] §5",
        sideload=Sideload(parent="accounts", column="accountId"),
    ),
)

SHOPS = (
    _off("connections", "Shop connections", DOCUMENTED, "[D] §5"),
    _off("ecomCustomers", "Shop customers", DOCUMENTED, "[D] §5"),
    _heavy("ecomOrders", "Shop orders", DOCUMENTED, "[D] §5"),
    _heavy("ecomOrderProducts", "Order products", DOCUMENTED, "[D] §5"),
)

SETUP = (
    _on("users", "Users", DOCUMENTED, "[D] §5, §8", rhythm="daily"),
    _off("groups", "User groups", DOCUMENTED, "[D] §5", rhythm="daily"),
    _off("addresses", "Addresses", DOCUMENTED, "[D] §5", rhythm="daily"),
    _off("brandings", "Brandings", DOCUMENTED, "[D] §5", rhythm="daily"),
    _off("calendars", "Calendar feeds", DOCUMENTED, "[D] §5", rhythm="daily"),
    _off("webhooks", "Webhooks", DOCUMENTED, "[D] §5", rhythm="daily"),
    _off(
        "customObjectSchemas",
        "Custom object schemas",
        RECORDED,
        "[D][R] §4, §5 ids are UUIDs",
        path="customObjects/schemas",
        envelope="schemas",
    ),
    _off(
        "customObjectRecords",
        "Records of custom objects",
        DOCUMENTED,
        "[D] §5 per schema",
        path="customObjects/records/{parent}",
        envelope="records",
        nested=Nested(parent="customObjectSchemas"),
        is_restless=True,  # observed: MF (A): pages overlap, the order changes between calls, the total is too large.
        rhythm="daily",
    ),
)

GUESSES = (
    _guess("automationBlocks", "Steps of automations"),
    _guess("campaignLists", "Lists of campaigns"),
    _guess("campaignMessages", "Messages of campaigns"),
    _guess("configs", "Settings"),
    _guess("contactData", "Visitor data of contacts"),
    _guess("contactEmails", "One-to-one e-mails"),
    _guess("contactConversions", "Conversions of contacts"),
    _guess("conversions", "Conversion goals"),
    _guess("conversionTriggers", "Conversion triggers"),
    _guess("dealGroupUsers", "Pipeline users"),
    _guess("ecomOrderActivities", "Shop order activities"),
    _guess("goals", "Automation goals"),
    _guess("siteMessages", "Site messages"),
)

STREAMS = (*AUDIENCE, *MAIL, *AUTOMATION, *SALES, *SHOPS, *SETUP, *GUESSES)
