"""What stands around deals and companies: tasks, roles, custom fields and who belongs to which."""

from typing import Any

from sources.activecampaign.sandbox.world.columns import (
    changed,
    changed_plain,
    created,
    created_plain,
    in_turn,
    of,
    one_of,
    place,
    same_as,
    shaped,
    share,
    upto,
)
from sources.activecampaign.sandbox.world.moments import iso, plain
from sources.activecampaign.sandbox.world.resource import Drawing, Resource, Row

DEAL_ACTIVITIES = shaped(
    "dealActivities",
    "dealActivity",
    "DealActivity",
    {
        "d_id": of("deals"),
        "d_stageid": "0",
        "userid": of("users"),
        "dataId": "0",
        "dataType": one_of("", "subscriber", "d_stageid"),
        "dataAction": one_of("add", "update"),
        "dataOldval": "",
        "cdate": created,
        "sortdate": same_as("cdate"),
        "isAddtask": "0",
        "deleted": "0",
        "seriesid": "0",
        "links": {},
        "id": "",
        "deal": same_as("d_id"),
        "stage": None,
        "user": same_as("userid"),
        "automation": None,
    },
    size=share(deals=4),
    links=("deal", "stage", "user", "automation", "activity"),
    first_id=700,
)


def _owner(drawing: Drawing) -> Row:
    return {"type": "deal", "id": drawing.some_id("deals")}


DEAL_TASKS = shaped(
    "dealTasks",
    "dealTask",
    "DealTask",
    {
        "id": "",
        "duedate": changed,
        "edate": same_as("duedate"),
        "status": lambda drawing: drawing.number(1),
        "title": one_of(None, "Send samples"),
        "note": one_of("Ring back", "Ask about the tins"),
        "relid": of("deals"),
        "reltype": "Deal",
        "dealTasktype": of("dealTasktypes"),
        "cdate": created,
        "udate": changed,
        "automation": None,
        "doneAutomation": None,
        "user": of("users"),
        "assignee": of("users"),
        "owner": _owner,
        "outcomeId": one_of(None, 2),
        "outcomeInfo": None,
        "links": {},
    },
    size=share(deals=1.5),
    links=("activities", "owner"),
    home="/{id}/",
    first_id=31,
    stamps={"udate": iso},
)

DEAL_TASKTYPES = shaped(
    "dealTasktypes",
    "dealTasktype",
    "DealTasktype",
    {"title": in_turn(("Call", "E-mail", "Tasting")), "status": "1", "ordernum": place, "cdate": created,
     "udate": changed},
    size=share(fixed=3),
    stamps={"udate": iso},
)  # fmt: skip

TASK_OUTCOMES = shaped(
    "taskOutcomes",
    "taskOutcome",
    "TaskOutcome",
    {"title": in_turn(("Liked it", "No answer", "Ordered")), "sentiment": one_of("positive", "neutral"),
     "cdate": created, "udate": changed},
    size=share(fixed=3),
    stamps={"udate": iso},
)  # fmt: skip

DEAL_ROLES = shaped(
    "dealRoles",
    "dealRole",
    "DealRole",
    {"title": in_turn(("Buyer", "Taster")), "cdate": created, "udate": changed},
    size=share(fixed=2),
    stamps={"udate": iso},
)

CONTACT_DEALS = shaped(
    "contactDeals",
    "contactDeal",
    "SubscriberDeal",
    {
        "contact": of("contacts"),
        "deal": of("deals"),
        "role": of("dealRoles"),
        "created_timestamp": created_plain,
        "updated_timestamp": changed_plain,
    },
    size=share(deals=1.2),
    links=("deal", "contact", "role"),
    first_id=90,
    stamps={"updated_timestamp": plain},
)


def _fields_of(thing: str, title: str) -> Resource:
    return shaped(
        f"{thing}CustomFieldMeta",
        f"{thing}CustomFieldMetum",
        f"{title}CustomFieldMeta",
        {
            "fieldLabel": in_turn(("Tins a month", "Water", "Delivery day")),
            "fieldType": in_turn(("number", "dropdown", "text")),
            "fieldOptions": in_turn((None, ["soft", "hard"], None)),
            "fieldDefault": None,
            "isFormVisible": 0,
            "isRequired": 0,
            "displayOrder": lambda drawing: drawing.position + 1,
            "personalization": lambda drawing: f"{thing.upper()}_FIELD_{drawing.position + 1}",
            "createdTimestamp": created,
            "updatedTimestamp": changed,
        },
        size=share(fixed=3),
        stamps={"updatedTimestamp": iso},
    )


def _values_of(thing: str, title: str, stream: str, **facts: Any) -> Resource:
    """Ids are numbers here where other lists write them as texts."""

    def owner(drawing: Drawing) -> int:
        return int(drawing.some_id(stream))

    def field(drawing: Drawing) -> int:
        return int(drawing.some_id(f"{thing}CustomFieldMeta"))

    columns = {"customFieldId": field, "fieldValue": upto(40), "createdTimestamp": created_plain}
    return shaped(
        f"{thing}CustomFieldData",
        f"{thing}CustomFieldDatum",
        f"{title}CustomFieldData",
        {f"{thing}Id": owner, **columns, "updatedTimestamp": changed_plain},
        stamps={"updatedTimestamp": plain},
        **facts,
    )


DEAL_FIELDS = _fields_of("deal", "Deal")
DEAL_VALUES = _values_of("deal", "Deal", "deals", size=share(deals=2), first_id=410)
ACCOUNT_FIELDS = _fields_of("account", "Account")
ACCOUNT_VALUES = _values_of("account", "Account", "accounts", size=share(contacts=1 / 50, fixed=20), first_id=510)

ACCOUNT_CONTACTS = shaped(
    "accountContacts",
    "accountContact",
    "AccountContact",
    {
        "account": of("accounts"),
        "contact": of("contacts"),
        "jobTitle": one_of("", "Buyer", "Head of tea"),
        "createdTimestamp": created,
        "updatedTimestamp": changed,
    },
    size=share(contacts=1 / 10),
    links=("account", "contact"),
    first_id=15,
    stamps={"updatedTimestamp": iso},
)

PIPELINE_USERS = shaped(
    "dealGroupUsers",
    "dealGroupUser",
    "DealGroupUser",
    {"dealGroup": of("dealGroups"), "user": of("users"), "cdate": created, "udate": changed},
    size=share(fixed=4),
    stamps={"udate": iso},
)

ALL = (
    *(DEAL_ACTIVITIES, DEAL_TASKS, DEAL_TASKTYPES, TASK_OUTCOMES, DEAL_ROLES, CONTACT_DEALS, DEAL_FIELDS, DEAL_VALUES),
    *(ACCOUNT_FIELDS, ACCOUNT_VALUES, ACCOUNT_CONTACTS, PIPELINE_USERS),
)
