"""Contacts, the companies that they work for, their custom fields, and the account's own users."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any
from uuid import uuid4

from sources.activecampaign.sandbox.world import words
from sources.activecampaign.sandbox.world.moments import day, iso, plain
from sources.activecampaign.sandbox.world.resource import Drawing, Many, Resource, Row, WorldView
from sources.activecampaign.sandbox.world.values import typed_account_value

ZERO_TIME = "0000-00-00 00:00:00"


def draw_contact(drawing: Drawing) -> Row:
    first, last = _name(drawing)
    return {
        "email": _address(drawing, first, last),
        "email_domain": _domain(drawing.id),
        "phone": f"+1555{drawing.number(9_999_999):07d}" if drawing.chance(0.4) else "",
        "firstName": first,
        "lastName": last,
        "hash": f"{drawing.dice.getrandbits(128):032x}",
        "bounced_hard": "0",
        "sentcnt": str(drawing.number(90)),
        **_odd_columns(drawing),
        **_times(drawing),
    }


def _name(drawing: Drawing) -> tuple[str, str]:
    if drawing.chance(0.1):
        return "", ""
    first, last = drawing.pick(words.PEOPLE)
    return first, last if drawing.chance(0.7) else drawing.pick(words.PEOPLE)[1]


def _domain(identity: int) -> str:
    return ("quaycafe", "teamail", "postbox", "bergkristall", "kettle")[identity % 5] + ".example"


def _address(drawing: Drawing, first: str, last: str) -> str:
    return f"{_plain_letters(first, last)}.{drawing.id}@{_domain(drawing.id)}"


@cache  # Few names, and many who have them.
def _plain_letters(first: str, last: str) -> str:
    letters = "".join(letter for letter in f"{first}.{last}".lower() if letter.isascii() and letter != " ")
    return letters.strip(".") or "guest"


def _odd_columns(drawing: Drawing) -> Row:
    """What was recorded side by side in one account: unset as null, as empty, as a zero and as a zero date."""
    odd: Row = {}
    if drawing.chance(0.3):
        odd |= {"ua": "", "created_by": "0", "updated_by": "0", "best_send_hour": "0"}
        odd |= {"sms_consent": "0", "sms_consent_updated_at": ZERO_TIME}
    if drawing.chance(0.03):
        odd |= {"bounced_hard": "1", "bounced_date": day(drawing.changed)}
    if drawing.chance(0.05):
        odd |= {"bounced_date": "0000-00-00", "rating_tstamp": "0000-00-00"}
        odd |= dict.fromkeys(("socialdata_lastcheck", "edate", "deleted_at"), ZERO_TIME)
    return odd


def _times(drawing: Drawing) -> Row:
    created, changed = plain(drawing.created), plain(drawing.changed)
    return {
        "cdate": iso(drawing.created),
        "udate": None if drawing.updated is None else iso(drawing.updated),
        "created_utc_timestamp": created,
        "updated_utc_timestamp": changed,
        "created_timestamp": created,
        "updated_timestamp": changed,
    }


def page_input(world: WorldView, query: Mapping[str, str], rows: Sequence[Row]) -> dict[str, Any]:
    echoed = {
        **dict.fromkeys(("segmentid", "formid", "listid", "tagid"), 0),
        "limit": int(query["limit"]),
        "offset": int(query["offset"]),
        **dict.fromkeys(("search", "sort"), None),
        **dict.fromkeys(("seriesid", "waitid"), 0),
        "status": -1,
        "forceQuery": 0,
        "cacheid": uuid4().hex,
    }
    return ({"sortable": True} if rows else {}) | {"page_input": echoed}


CONTACTS = Resource(
    path="contacts",
    single="contact",
    model="Subscriber",
    shape={
        "cdate": "",
        "email": "",
        "phone": "",
        "firstName": "",
        "lastName": "",
        "orgid": "0",
        "orgname": "",
        "segmentio_id": "",
        "bounced_hard": "0",
        "bounced_soft": "0",
        "bounced_date": None,
        "ip": "0",
        "ua": None,
        "hash": "",
        "socialdata_lastcheck": None,
        "email_local": "",
        "email_domain": "",
        "sentcnt": "0",
        "rating_tstamp": None,
        "gravatar": "0",
        "deleted": "0",
        "anonymized": "0",
        "adate": None,
        "udate": None,
        "edate": None,
        "deleted_at": None,
        "created_utc_timestamp": "",
        "updated_utc_timestamp": "",
        "created_timestamp": "",
        "updated_timestamp": "",
        "created_by": None,
        "updated_by": None,
        "mpp_tracking": "0",
        "last_click_date": None,
        "last_open_date": None,
        "last_mpp_open_date": None,
        "best_send_hour": None,
        "sms_consent": None,
        "sms_consent_updated_at": None,
        "whatsapp_id": None,
        "whatsapp_username": None,
        "scoreValues": [],
        "accountContacts": [],
        "links": {},
        "id": "",
        "organization": None,
    },
    draw=draw_contact,
    size=lambda contacts, deals: contacts,
    links=(
        "bounceLogs",
        "contactAutomations?limit=2500&orders%5Blastdate%5D=DESC",
        "contactData",
        "contactGoals",
        "contactLists",
        "contactLogs",
        "contactTags",
        "contactDeals",
        "deals",
        "fieldValues",
        "geoIps",
        "notes",
        "organization",
        "plusAppend",
        "trackingLogs",
        "scoreValues",
        "accountContacts",
        "automationEntryCounts",
    ),
    first_id=101,
    gaps=(1, 1, 1, 1, 1, 2, 3, 16),
    sideloads=(("scoreValues", "scoreValues"),),
    stamps={"udate": iso, "updated_timestamp": plain, "updated_utc_timestamp": plain},
    has_keyset=True,
    changed_since="exclusive",
    lists={
        name: Many(stream=name, column="contact", has_meta=name != "contactLists")
        for name in (
            *("fieldValues", "contactTags", "contactLists", "contactAutomations", "accountContacts"),
            *("contactDeals", "contactData", "scoreValues", "deals"),
        )
    }
    | {
        "bounceLogs": Many(stream="bounceLogs", column="subscriberid", has_meta=False),
        "trackingLogs": Many(stream="trackingLogs", column="subscriberid"),
        "fields": Many(stream="fields"),
    },
    # observed: JV, FC (B+), also AG: values, tags and lists; AD, A2, BAM, PP (B): the others.
    includes=(
        *("fieldValues", "contactTags", "contactLists", "contactAutomations", "accountContacts"),
        *("contactDeals", "contactData", "fields"),
    ),
    members={"listid": ("contactLists", "list"), "status": ("contactLists", "status"), "tagid": ("contactTags", "tag")},
    refers=("scoreValues", "accountContacts"),
    # observed: RP, JV, AD (A): by id. Documented: cdate, email, names and scores; here only the first of these.
    orders={"id": "id", "cdate": "created"},
    extras=page_input,
    beside=("contactAutomations", "contactLists", "deals", "fieldValues", "geoIps"),
)


def draw_account(drawing: Drawing) -> Row:
    number = drawing.position // len(words.COMPANIES)
    name = words.COMPANIES[drawing.position % len(words.COMPANIES)] + (f" {number + 1}" if number else "")
    return {
        "name": name,
        "accountUrl": f"https://company{drawing.id}.example" if drawing.chance(0.6) else None,
        "createdTimestamp": iso(drawing.created),
        "updatedTimestamp": iso(drawing.changed),
        "owner": drawing.some_id("users"),
    }


ACCOUNTS = Resource(
    path="accounts",
    single="account",
    model="CustomerAccount",
    shape={
        "name": "",
        "accountUrl": None,
        "createdTimestamp": "",
        "updatedTimestamp": "",
        "owner": "0",
        "contactCount": "0",
        "dealCount": "0",
        "links": {},
        "id": "",
    },
    draw=draw_account,
    counters={"contactCount": ("accountContacts", "people"), "dealCount": ("deals", "deals of account")},
    unless_asked={"dealCount": "count_deals"},  # Documented, as for the accounts' counters as a whole.
    lists={
        # observed: AD, MF, PP (B): under a name of its own, in a shape of its own.
        "accountCustomFieldData": Many(
            stream="accountCustomFieldData",
            column="accountId",
            envelope="customerAccountCustomFieldData",
            shape=typed_account_value,
        ),
        "accountContacts": Many(stream="accountContacts", column="account"),
    },
    includes=("accountCustomFieldData",),
    size=lambda contacts, deals: min(len(words.COMPANIES) + contacts // 100, 3000),
    links=("notes", "accountCustomFieldData", "accountContacts", "emailActivities", "contactEmails", "owner"),
    first_id=12,
    stamps={"updatedTimestamp": iso},
)


def draw_user(drawing: Drawing) -> Row:
    username, first, last, phone = words.USERS[drawing.position % len(words.USERS)]
    return {
        "username": username,
        "firstName": first,
        "lastName": last,
        "email": f"{username.partition('.')[0]}@harbourtea.example",
        "phone": phone,
    }


USERS = Resource(
    path="users",
    single="user",
    model="User",
    shape={
        "username": "",
        "firstName": "",
        "lastName": "",
        "email": "",
        "phone": "",
        "signature": None,
        "links": {},
        "id": "",
    },
    draw=draw_user,
    size=lambda contacts, deals: len(words.USERS),
    links=("lists", "userGroup", "dealGroupTotals", "dealGroupUsers", "configs"),
    first_id=3,
    gaps=(1,),
)
