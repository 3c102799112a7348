"""Custom fields of deals and accounts: what a value looks like in its own list, and how otherwise beside its owner."""

from bisect import bisect_left
from typing import Any

from sources.activecampaign.sandbox.world.columns import (
    changed,
    changed_plain,
    created,
    created_plain,
    in_turn,
    shaped,
    share,
)
from sources.activecampaign.sandbox.world.moments import day, iso, plain
from sources.activecampaign.sandbox.world.resource import Drawing, Resource, Row, WorldView, id_by_turns
from sources.activecampaign.sandbox.world.ties import Spread

LABELS = ("Tins a month", "Water", "Delivery day", "First order", "Budget")
TYPES = ("number", "dropdown", "text", "date", "currency")
COLUMN_OF = {"number": "number_value", "date": "date_value", "currency": "currency_value"}
TYPED = ("text_value", "text_blob", "date_value", "number_value", "currency_value", "currency_type")


def fields_of(thing: str, title: str) -> Resource:
    return shaped(
        f"{thing}CustomFieldMeta",
        f"{thing}CustomFieldMetum",
        f"{title}CustomFieldMeta",
        {
            "fieldLabel": in_turn(LABELS),
            "fieldType": in_turn(TYPES),
            "fieldOptions": in_turn((None, ["soft", "hard"], None, None, None)),
            "fieldDefault": None,
            "isFormVisible": 0,
            "isRequired": 0,
            "displayOrder": lambda drawing: drawing.position + 1,
            "personalization": lambda drawing: f"{thing.upper()}_FIELD_{drawing.position + 1}",
            "createdTimestamp": created,
            "updatedTimestamp": changed,
        },
        size=share(fixed=len(LABELS)),
        stamps={"updatedTimestamp": iso},
    )


def values_of(thing: str, title: str, spread: Spread, **facts: Any) -> Resource:
    """Ids are numbers here where other lists write them as texts."""
    owner, fields = f"{thing}Id", f"{thing}CustomFieldMeta"

    def outline(world: WorldView, place: int) -> Row:
        owners = max(len(world.first_ids(spread.stream)), 1)
        number = spread.owner(place, owners=owners) + spread.nth(place, owners=owners)
        return {"customFieldId": id_by_turns(world, fields, number)}

    def value(drawing: Drawing) -> str:
        kind = _type(drawing.world, fields, drawing.ties["customFieldId"])
        said = {"dropdown": drawing.pick(("soft", "hard")), "text": "Monday", "date": day(drawing.created)}
        return said.get(kind) or str(4_500 + drawing.number(900) if kind == "currency" else drawing.number(40))

    columns = {
        owner: lambda drawing: int(drawing.ties[owner]),
        "customFieldId": lambda drawing: int(drawing.ties["customFieldId"]),
        "fieldValue": value,
        "createdTimestamp": created_plain,
        "updatedTimestamp": changed_plain,
    }
    return shaped(
        f"{thing}CustomFieldData",
        f"{thing}CustomFieldDatum",
        f"{title}CustomFieldData",
        columns,
        outline=outline,
        spread={owner: spread},
        owners={"customFieldId": fields},
        moves=(owner,),
        dies_with=(owner, "customFieldId"),
        stamps={"updatedTimestamp": plain},
        **facts,
    )


def typed_deal_value(world: WorldView, row: Row) -> Row:
    return {"deal_id": str(row["dealId"]), **_typed(world, row, "deal"), "deal": str(row["dealId"])}


def typed_account_value(world: WorldView, row: Row) -> Row:
    account = str(row["accountId"])
    return {"customer_account_id": account, **_typed(world, row, "account"), "customerAccount": account}


def _typed(world: WorldView, row: Row, thing: str) -> Row:
    """observed: EI, CA, WW; AD, MF, PP (B): a column for each type, and ids as
    texts. An amount is in cents."""
    field = str(row["customFieldId"])
    kind = _type(world, f"{thing}CustomFieldMeta", field)
    said: Row = {f"custom_field_{column}": None for column in TYPED}
    said[f"custom_field_{COLUMN_OF.get(kind, 'text_value')}"] = row["fieldValue"]
    if kind == "currency":
        said["custom_field_currency_type"] = "usd"
    stamps = {"created_timestamp": row["createdTimestamp"], "updated_timestamp": row["updatedTimestamp"]}
    return {"custom_field_id": field, **said, **stamps, "created_by": None, "updated_by": None, "id": row["id"]}


def _type(world: WorldView, fields: str, identity: str) -> str:
    return TYPES[bisect_left(world.first_ids(fields), int(identity)) % len(TYPES)]


DEAL_FIELDS = fields_of("deal", "Deal")
DEAL_VALUES = values_of(
    "deal", "Deal", Spread("deals"), size=share(deals=2), first_id=410, filters={"filters[dealId]": "dealId"}
)
ACCOUNT_FIELDS = fields_of("account", "Account")
ACCOUNT_VALUES = values_of(
    "account",
    "Account",
    Spread("accounts"),
    size=share(contacts=1 / 50, fixed=20),
    first_id=510,
    filters={"filters[customerAccountId]": "accountId"},
    most_rows=1_000,  # observed: MF (C): 190,000 rows in about 190 calls.
)
ALL = (DEAL_FIELDS, DEAL_VALUES, ACCOUNT_FIELDS, ACCOUNT_VALUES)
