"""What ActiveCampaign offers to pull, as facts. Each key is also the path and the name of the list, unless said."""

from typing import Any

from sources.activecampaign.columns import COLUMNS
from sources.spec import Sideload, Stream, Sureness

UPDATED_AFTER = "filters[updated_after]"  # Documented for contacts and deals alone.
RECORDED: Sureness = "recorded"
DOCUMENTED: Sureness = "documented"
CONNECTORS: Sureness = "used by connectors"
UNVERIFIED: Sureness = "unverified"
OF_A_CONTACT = Sideload(parent="contacts", column="contact")


def _on(key: str, name: str, columns: str, sureness: Sureness, evidence: str, **facts: Any) -> Stream:
    """Pulled unless somebody chooses otherwise."""
    places: dict[str, Any] = {"path": key, "envelope": key, "typed": COLUMNS[key]} | facts
    return Stream(key=key, name=name, columns=tuple(columns.split()), sureness=sureness, evidence=evidence, **places)


def _off(key: str, name: str, columns: str, sureness: Sureness, evidence: str, **facts: Any) -> Stream:
    """Pulled when chosen."""
    return _on(key, name, columns, sureness, evidence, on_by_default=False, **facts)


def _heavy(key: str, name: str, columns: str, sureness: Sureness, evidence: str, **facts: Any) -> Stream:
    """Pulled when chosen, and then for long: many rows for each contact, deal or campaign."""
    return _off(key, name, columns, sureness, evidence, is_heavy=True, **facts)


def _guess(key: str, name: str, columns: str, evidence: str = "§5 pulled by singer only") -> Stream:
    """In no documentation: a public connector asks for it, and that is all that is known."""
    return _off(key, name, columns, UNVERIFIED, f"[C] {evidence}")


# `evidence` cites the collected reference by its marks: [D] vendor documentation, [R] a recorded answer, [C] the code
# of a public connector; and by its section.
AUDIENCE = (
    _on(
        "contacts",
        "Contacts",
        "email firstName lastName phone udate",
        RECORDED,
        "[D][R] §4 keyset, §5",
        paging="keyset",
        changed_since=UPDATED_AFTER,
    ),
    _on("lists", "Lists", "name stringid active_subscribers cdate", RECORDED, "[D][R] §5"),
    _on("tags", "Tags", "tag tagType description subscriber_count", RECORDED, "[D][R] §5"),
    _on(
        "contactTags",
        "Tags of contacts",
        "contact tag cdate",
        CONNECTORS,
        "[C] §5 list undocumented, singer",
        comes_and_goes=True,
        sideload=OF_A_CONTACT,
    ),
    _on(
        "contactLists",
        "Lists of contacts",
        "contact list status created_timestamp",
        CONNECTORS,
        "[C] §5 list undocumented, singer",
        remembers=("status",),
        comes_and_goes=True,
        sideload=OF_A_CONTACT,
    ),
    _on(
        "fields",
        "Custom fields",
        "title type perstag isrequired",
        DOCUMENTED,
        "[D] §5, §6 20 rows unless asked",
        rhythm="daily",
    ),
    _heavy(
        "fieldValues",
        "Custom field values",
        "contact field value udate",
        DOCUMENTED,
        "[D] §5 largest table",
        sideload=OF_A_CONTACT,
    ),
    _on(
        "segments",
        "Segments",
        "name logic updated_timestamp",
        CONNECTORS,
        "[C] §5 legacy, singer and Airbyte",
        rhythm="daily",
    ),
    _on("scores", "Scores", "name reltype status mdate", DOCUMENTED, "[D] §5", rhythm="daily"),
    _off("notes", "Notes", "note reltype relid mdate", RECORDED, "[D][R] §4, §5"),
    _off(
        "accountContacts",
        "Contacts of accounts",
        "contact account jobTitle",
        DOCUMENTED,
        "[D] §5",
        sideload=OF_A_CONTACT,
    ),
)

MAIL = (
    _on("campaigns", "Campaigns", "name type status send_amt sdate", RECORDED, "[D][R] §5"),
    _on("messages", "Messages", "subject fromname fromemail mdate", DOCUMENTED, "[D] §5"),
    _on("forms", "Forms", "name layout entries udate", DOCUMENTED, "[D] §5, §7 polymorphic", rhythm="daily"),
    _off("templates", "Templates", "name subject mdate", DOCUMENTED, "[D] §5 newer"),
    _off("savedResponses", "Saved responses", "title subject mdate", DOCUMENTED, "[D] §2, §5 needs a plan"),
    _heavy("links", "Links", "link name linkclicks uniquelinkclicks", UNVERIFIED, "[C] §5 list undocumented"),
    _heavy("bounceLogs", "Bounces", "email codeid tstamp", UNVERIFIED, "[C] §5 list undocumented"),
    _heavy("emailActivities", "E-mail activities", "subscriberid subject tstamp", DOCUMENTED, "[D] §5"),
    _heavy("messageActivities", "Message activities", "message contact tstamp", UNVERIFIED, "[C] §5 404 on some plans"),
    _heavy("linkData", "Link clicks", "linkid subscriberid times tstamp", UNVERIFIED, "[C] §5 clicks only"),
)

AUTOMATION = (
    _on("automations", "Automations", "name status entered exited mdate", RECORDED, "[D][R] §5"),
    _on(
        "contactAutomations",
        "Automations of contacts",
        "contact automation status adddate completeValue",
        DOCUMENTED,
        "[D] §5",
        remembers=("status",),
        comes_and_goes=True,
        sideload=OF_A_CONTACT,
    ),
    _heavy(
        "activities",
        "Activities",
        "reference_type reference_action subscriberid tstamp",
        DOCUMENTED,
        "[D] §5 without a contact as singer does",
        changed_since="after",
        fixed_query=(("orders[tstamp]", "ASC"),),
    ),
)

SALES = (
    _on(
        "deals",
        "Deals",
        "title value currency status mdate",
        RECORDED,
        "[D][R] §5",
        changed_since=UPDATED_AFTER,
        remembers=("stage", "status", "value", "currency", "owner"),
    ),
    _on("dealGroups", "Pipelines", "title currency udate", RECORDED, "[D][R] §4, §5"),
    _on("dealStages", "Deal stages", "title group order udate", RECORDED, "[D][R] §5"),
    _on(
        "accounts",
        "Accounts",
        "name accountUrl owner contactCount",
        RECORDED,
        "[D][R] §5, §7 counts when asked",
        fixed_query=(("count_deals", "true"),),
        rhythm="daily",
    ),
    _heavy("dealActivities", "Deal activities", "deal dataAction dataType cdate", DOCUMENTED, "[D] §5"),
    _off("dealTasks", "Tasks", "title note duedate status", DOCUMENTED, "[D] §5"),
    _off("dealTasktypes", "Task types", "title status udate", DOCUMENTED, "[D] §5"),
    _off("taskOutcomes", "Task outcomes", "title sentiment udate", DOCUMENTED, "[D] §5"),
    _off("dealRoles", "Deal roles", "title cdate udate", DOCUMENTED, "[D] §5"),
    _off("contactDeals", "Contacts of deals", "contact deal role", DOCUMENTED, "[D] §5"),
    _off("dealCustomFieldMeta", "Custom fields of deals", "fieldLabel fieldType isRequired", DOCUMENTED, "[D] §4, §5"),
    _heavy(
        "dealCustomFieldData",
        "Custom field values of deals",
        "dealId customFieldId fieldValue",
        DOCUMENTED,
        "[D] §5",
        sideload=Sideload(parent="deals", column="dealId"),
    ),
    _off(
        "accountCustomFieldMeta", "Custom fields of accounts", "fieldLabel fieldType isRequired", DOCUMENTED, "[D] §5"
    ),
    _heavy(
        "accountCustomFieldData",
        "Custom field values of accounts",
        "accountId customFieldId fieldValue",
        DOCUMENTED,
        "[D] §5",
        sideload=Sideload(parent="accounts", column="accountId"),
    ),
)

SHOPS = (
    _off("connections", "Shop connections", "service name status udate", DOCUMENTED, "[D] §5"),
    _off("ecomCustomers", "Shop customers", "email totalRevenue totalOrders tstamp", DOCUMENTED, "[D] §5"),
    _heavy("ecomOrders", "Shop orders", "email totalPrice currency state orderDate", DOCUMENTED, "[D] §5"),
)

SETUP = (
    _on("users", "Users", "firstName lastName email username", DOCUMENTED, "[D] §5, §8", rhythm="daily"),
    _off("groups", "User groups", "title descript unsubscribelink", DOCUMENTED, "[D] §5", rhythm="daily"),
    _off("addresses", "Addresses", "companyName city country", DOCUMENTED, "[D] §5", rhythm="daily"),
    _off("brandings", "Brandings", "siteName siteLogo language", DOCUMENTED, "[D] §5", rhythm="daily"),
    _off("calendars", "Calendar feeds", "title type mdate", DOCUMENTED, "[D] §5", rhythm="daily"),
    _off("webhooks", "Webhooks", "name url events cdate", DOCUMENTED, "[D] §5", rhythm="daily"),
    _off(
        "customObjectSchemas",
        "Custom object schemas",
        "slug labels visibility updatedTimestamp",
        RECORDED,
        "[D][R] §4, §5 ids are UUIDs",
        path="customObjects/schemas",
        envelope="schemas",
    ),
)

GUESSES = (
    _guess("automationBlocks", "Steps of automations", "automation type ordernum mdate"),
    _guess("campaignLists", "Lists of campaigns", "campaign list list_amt"),
    _guess("campaignMessages", "Messages of campaigns", "campaign message send_amt opens"),
    _guess("configs", "Settings", "section keyname updated_timestamp"),
    _guess("contactData", "Visitor data of contacts", "contact tstamp geoCountry2"),
    _guess("contactEmails", "One-to-one e-mails", "contact subject sdate"),
    _guess("contactConversions", "Conversions of contacts", "contact conversion value cdate"),
    _guess("conversions", "Conversion goals", "name status udate"),
    _guess("conversionTriggers", "Conversion triggers", "conversion type udate"),
    _guess("dealGroupUsers", "Users of pipelines", "dealGroup user cdate"),
    _guess("ecomOrderActivities", "Shop order activities", "order type tstamp"),
    _guess("goals", "Automation goals", "name automation status"),
    _guess("siteMessages", "Site messages", "name status ldate"),
    _guess("sms", "Text messages", "name message tstamp"),
)

STREAMS = (*AUDIENCE, *MAIL, *AUTOMATION, *SALES, *SHOPS, *SETUP, *GUESSES)
