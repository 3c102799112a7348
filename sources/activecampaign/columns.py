"""What stands beside the rows of each of ActiveCampaign's streams, to be searched, sorted and counted by."""

from collections.abc import Mapping
from typing import Any

from sources.spec import Columns


def _of(label: str = "", *, version: int = 1, search: str = "", **facts: Any) -> Columns:
    """Names of fields, by a blank between. Moments without a zone are of the same clock as those with one beside them,
    which is that of the US Central zone in every account that was seen.
    """
    words: dict[str, Any] = {"label": tuple(label.split()), "search": tuple(search.split()), "zone": "America/Chicago"}
    return Columns(version=version, **words | facts)


# Of moments the one when what the row tells of came about, as long as the API gives it with its zone. Money is in
# hundredths, as far as the API is documented; `scale=0` are counts.
COLUMNS: Mapping[str, Columns] = {
    # Audience
    "contacts": _of(
        "firstName lastName", label_else="email", search="firstName lastName email phone orgname", happened_at="cdate"
    ),
    "lists": _of("name", search="name stringid", happened_at="cdate", amount="active_subscribers", scale=0),
    "tags": _of(
        "tag", search="tag description", happened_at="cdate", amount="subscriber_count", scale=0, choice="tagType"
    ),
    "contactTags": _of(happened_at="cdate", parent="contact", related="tag"),
    "contactLists": _of(
        happened_at="sdate",
        ended_at="udate",
        choice="status",
        parent="contact",
        related="list",
        search="first_name last_name unsubreason",
    ),
    "fields": _of("title", search="title perstag", happened_at="cdate", choice="type"),
    "fieldValues": _of("value", happened_at="udate", parent="contact", related="field"),
    "segments": _of("name", happened_at="created_timestamp"),
    "scores": _of("name", search="name descript", happened_at="cdate", choice="status"),
    "notes": _of("note", happened_at="cdate", choice="reltype", parent="relid", owner="user"),
    "accountContacts": _of("jobTitle", version=2, happened_at="createdTimestamp", parent="contact", related="account"),
    # Mail
    "campaigns": _of(
        "name",
        happened_at="sdate",
        ended_at="ldate",
        amount="send_amt",
        scale=0,
        choice="status",
        related="automation",
        owner="user",
    ),
    "messages": _of(
        "name", label_else="subject", search="name subject fromname fromemail", happened_at="cdate", owner="user"
    ),
    "forms": _of("name", search="name title", happened_at="cdate", choice="layout", owner="userid"),
    "templates": _of("name", label_else="subject", search="name subject", happened_at="cdate", owner="userid"),
    "savedResponses": _of("title", label_else="subject", search="title subject", happened_at="cdate"),
    "links": _of(
        "name",
        label_else="link",
        search="name link",
        happened_at="created_timestamp",
        amount="uniquelinkclicks",
        scale=0,
        parent="campaign",
        related="message",
    ),
    "bounceLogs": _of("email", happened_at="tstamp", choice="code", parent="contact", related="campaign"),
    "emailActivities": _of(
        "subject",
        search="subject toAddress fromAddress",
        happened_at="tstamp",
        choice="reltype",
        parent="relid",
        related="subscriberid",
        owner="userid",
    ),
    "messageActivities": _of(happened_at="tstamp", choice="type", parent="contact", related="campaign"),
    "linkData": _of(happened_at="tstamp", amount="times", scale=0, parent="subscriberid", related="linkid"),
    # Automation
    "automations": _of("name", search="name description", happened_at="cdate", choice="status", owner="userid"),
    "contactAutomations": _of(
        happened_at="adddate", ended_at="remdate", choice="status", parent="contact", related="automation"
    ),
    "activities": _of(
        happened_at="tstamp", choice="reference_type", parent="subscriberid", related="reference_id", owner="user"
    ),
    # Sales
    "deals": _of(
        "title",
        search="title description",
        happened_at="cdate",
        ended_at="edate",
        amount="value",
        currency="currency",
        choice="status",
        parent="contact",
        related="stage",
        owner="owner",
    ),
    "dealGroups": _of("title", happened_at="cdate", currency="currency"),
    "dealStages": _of("title", happened_at="cdate", amount="order", scale=0, parent="group"),
    "accounts": _of("name", search="name accountUrl", happened_at="createdTimestamp", owner="owner"),
    "dealActivities": _of(happened_at="cdate", choice="dataType", parent="deal", related="dataId", owner="user"),
    "dealTasks": _of(
        "title",
        label_else="note",
        search="title note",
        happened_at="duedate",
        ended_at="edate",
        choice="status",
        parent="relid",
        related="dealTasktype",
        owner="assignee",
    ),
    "dealTasktypes": _of("title", happened_at="cdate", choice="status"),
    "taskOutcomes": _of("title", happened_at="cdate", choice="sentiment"),
    "dealRoles": _of("title", happened_at="cdate"),
    "contactDeals": _of(happened_at="created_timestamp", choice="role", parent="deal", related="contact"),
    "dealCustomFieldMeta": _of("fieldLabel", happened_at="createdTimestamp", choice="fieldType"),
    "dealCustomFieldData": _of("fieldValue", happened_at="updatedTimestamp", parent="dealId", related="customFieldId"),
    "accountCustomFieldMeta": _of("fieldLabel", happened_at="createdTimestamp", choice="fieldType"),
    "accountCustomFieldData": _of(
        "fieldValue", happened_at="updatedTimestamp", parent="accountId", related="customFieldId"
    ),
    # Shops
    "connections": _of("name", label_else="service", search="name service", happened_at="cdate", choice="status"),
    "ecomCustomers": _of("email", happened_at="tstamp", amount="totalRevenue", parent="connection"),
    "ecomOrders": _of(
        "externalid",
        search="externalid email",
        happened_at="orderDate",
        amount="totalPrice",
        currency="currency",
        choice="state",
        parent="customer",
        related="connection",
    ),
    # Setup
    "users": _of("firstName lastName", label_else="email", search="firstName lastName email username"),
    "groups": _of("title", search="title descript"),
    "addresses": _of("companyName", search="companyName address1 city zip", choice="country"),
    "brandings": _of("siteName", choice="language", parent="groupid"),
    "calendars": _of("title", happened_at="cdate", choice="type", owner="userid"),
    "webhooks": _of("name", search="name url", happened_at="cdate"),
    "customObjectSchemas": _of("slug", search="slug description", happened_at="createdTimestamp", choice="visibility"),
    # Guesses
    "automationBlocks": _of(happened_at="cdate", choice="type", parent="automation"),
    "campaignLists": _of(amount="list_amt", scale=0, parent="campaign", related="list"),
    "campaignMessages": _of(amount="send_amt", scale=0, parent="campaign", related="message"),
    "configs": _of("keyname", happened_at="created_timestamp", choice="section"),
    "contactData": _of(happened_at="tstamp", choice="geoCountry2", parent="contact"),
    "contactEmails": _of("subject", happened_at="sdate", parent="contact", owner="user"),
    "contactConversions": _of(happened_at="cdate", amount="value", parent="contact", related="conversion"),
    "conversions": _of("name", happened_at="cdate", choice="status"),
    "conversionTriggers": _of(happened_at="cdate", choice="type", parent="conversion"),
    "dealGroupUsers": _of(happened_at="cdate", parent="dealGroup", related="user"),
    "ecomOrderActivities": _of(happened_at="tstamp", choice="type", parent="order"),
    "goals": _of("name", choice="status", parent="automation"),
    "siteMessages": _of("name", happened_at="cdate", ended_at="ldate", choice="status"),
    "sms": _of("name", search="name message", happened_at="tstamp", choice="status"),
}
