"""What stands around deals and companies: tasks, roles, custom fields and who belongs to which."""

from collections.abc import Iterator
from dataclasses import replace

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
    tied,
)
from sources.activecampaign.sandbox.world.moments import iso, plain
from sources.activecampaign.sandbox.world.resource import BY_MOMENT, Count, Drawing, Row, WorldView
from sources.activecampaign.sandbox.world.sales import closed_in
from sources.activecampaign.sandbox.world.ties import Spread

OF_A_DEAL = 5  # Activities: the last of so many is of a deal that may end then, the others are of any.
ANY_DEAL = Spread("deals", shift=1)


def outline_activity(world: WorldView, place: int) -> Row:
    deals = world.first_ids("deals")
    if not deals:
        return {"d_id": "0"}
    closed = _closed_by(place, len(deals))
    return {"d_id": str(deals[ANY_DEAL.owner(place, owners=len(deals)) if closed < 0 else closed])}


def _closed_by(place: int, deals: int) -> int:
    """The place of the deal that this activity may close; below 0: none."""
    slot, of_slot = divmod(place, OF_A_DEAL)
    return closed_in(slot, deals) if of_slot == OF_A_DEAL - 1 and slot < deals else -1


def told_by(drawing: Drawing) -> Row:
    """What an activity says of its deal's end. In which words is a guess: no answer with one was recorded."""
    deals = drawing.world.first_ids("deals")
    closed = _closed_by(drawing.position, len(deals))
    status = drawing.world.first_row("deals", deals[closed])["status"] if closed >= 0 else "0"
    if status == "0":
        return {}
    return {"dataType": "status", "dataAction": "update", "dataId": status, "dataOldval": "0"}


ANY_ACTIVITY = shaped(
    "dealActivities",
    "dealActivity",
    "DealActivity",
    {
        "d_id": tied("d_id"),
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
    size=share(deals=OF_A_DEAL),
    links=("deal", "stage", "user", "automation", "activity"),
    first_id=700,
    outline=outline_activity,
    owners={"d_id": "deals"},
    orders=BY_MOMENT | {"cdate": "created"},
    filters={"deal": "d_id"},
)
DEAL_ACTIVITIES = replace(ANY_ACTIVITY, draw=lambda drawing: {**ANY_ACTIVITY.draw(drawing), **told_by(drawing)})


def _owner(drawing: Drawing) -> Row:
    return {"type": "deal", "id": drawing.ties["relid"]}


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
        "relid": "",
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
    spread={"relid": Spread("deals", shift=2)},
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
        "contact": "",
        "deal": "",
        "role": of("dealRoles"),
        "created_timestamp": created_plain,
        "updated_timestamp": changed_plain,
    },
    size=share(deals=1.2),
    links=("deal", "contact", "role"),
    first_id=90,
    spread={"contact": Spread("contacts", shift=1), "deal": Spread("deals", shift=3)},
    dies_with=("contact", "deal"),
    stamps={"updated_timestamp": plain},
)


def count_account_contact(outline: Row) -> Iterator[Count]:
    yield Count("people", outline["account"])


ACCOUNT_CONTACTS = shaped(
    "accountContacts",
    "accountContact",
    "AccountContact",
    {
        "account": "",
        "contact": "",
        "jobTitle": one_of("", "Buyer", "Head of tea"),
        "createdTimestamp": created,
        "updatedTimestamp": changed,
    },
    size=share(contacts=1 / 10),
    links=("account", "contact"),
    first_id=15,
    spread={"account": Spread("accounts", shift=1), "contact": Spread("contacts", shift=2)},
    counts=count_account_contact,
    moves=("contact",),
    dies_with=("account", "contact"),
    filters={"filters[contact]": "contact", "filters[account]": "account"},
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
    *(DEAL_ACTIVITIES, DEAL_TASKS, DEAL_TASKTYPES, TASK_OUTCOMES, DEAL_ROLES, CONTACT_DEALS, ACCOUNT_CONTACTS),
    PIPELINE_USERS,
)
