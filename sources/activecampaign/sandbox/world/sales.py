"""Deals, the pipelines that they move through, and the stages of those."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sources.activecampaign.sandbox.world import words
from sources.activecampaign.sandbox.world.moments import iso
from sources.activecampaign.sandbox.world.resource import Count, Drawing, Many, Resource, Row, WorldView, id_by_turns
from sources.activecampaign.sandbox.world.ties import Spread
from sources.activecampaign.sandbox.world.values import typed_deal_value

STAGES = tuple((index, title) for index, (_, _, titles) in enumerate(words.PIPELINES) for title in titles)
DAY = 86_400
TWENTIETH = 20


def outline_deal(world: WorldView, place: int) -> Row:
    pipeline, _ = STAGES[5 * place % len(STAGES)]
    company = id_by_turns(world, "accounts", 7 * place) if place % 2 else None
    return {
        "group": id_by_turns(world, "dealGroups", pipeline),
        "stage": id_by_turns(world, "dealStages", 5 * place % len(STAGES)),
        "account": company,
        "customerAccount": company,
    }


def count_deal(outline: Row) -> Iterator[Count]:
    yield Count("deals of pipeline", outline["group"])
    if outline["customerAccount"]:
        yield Count("deals of account", outline["customerAccount"])


def draw_deal(drawing: Drawing) -> Row:
    groups = drawing.world.first_ids("dealGroups")
    return {
        **drawing.ties,
        "hash": f"{drawing.dice.getrandbits(32):08x}",
        "owner": drawing.some_id("users"),
        "title": _title(drawing),
        "cdate": iso(drawing.created),
        "mdate": iso(drawing.changed),
        "value": str(drawing.pick((99, 4_900, 45_000, 120_000, 380_050, 1_250_000)) * (1 + drawing.number(3))),
        "currency": words.PIPELINES[bisect_left(groups, int(drawing.ties["group"])) % len(groups)][1],
        "status": _status(drawing),
        "activitycount": str(drawing.number(12)),
        "nextdealid": str(drawing.id),
        "isDisabled": drawing.chance(0.03) or drawing.pick((False, False, False, 0)),
        **_odd_columns(drawing),
    }


def closing_slot(place: int, deals: int) -> int:
    """Of as many slots of time as there are deals, in which the deal at that place ends; it is still open at the last.

    Deals go on for two months to half a year of the world's three and a half: within each twentieth of them, whoever
    came last ends first, two twentieths later. The other way round it is `closed_in`.
    """
    few = max(1, deals // TWENTIETH)
    return _turned(place, few) + 2 * few


def closed_in(slot: int, deals: int) -> int:
    """The place of the deal that ends in this slot; below 0 where there is none."""
    few = max(1, deals // TWENTIETH)
    return _turned(slot - 2 * few, few) if slot >= 2 * few else -1


def _turned(place: int, few: int) -> int:
    begin = place - place % few
    return begin + few - 1 - place % few


def _status(drawing: Drawing) -> str:
    """Whoever came of late is still open."""
    status, deals = drawing.pick(("0", "0", "0", "1", "2")), len(drawing.world.first_ids("deals"))
    is_over = closing_slot(drawing.position, deals) < deals or drawing.position >= deals
    return status if is_over else "0"


def _title(drawing: Drawing) -> str:
    return drawing.pick(words.DEALS).format(company=drawing.pick(words.COMPANIES), tea=drawing.pick(words.TEAS))


def _odd_columns(drawing: Drawing) -> Row:
    """Newer deals say null where older ones say zero; `nextTask` is there on some only."""
    odd: Row = {}
    if drawing.chance(0.3):
        odd |= {"nexttaskid": "0", "edate": "0000-00-00 00:00:00", "nextTask": None}
    if drawing.chance(0.4):
        odd |= {"winProbability": drawing.number(99), "winProbabilityMdate": iso(drawing.changed)}
    if drawing.chance(0.2):
        odd |= {"nextdate": iso(drawing.changed + 7 * DAY)}
    return odd


def reduce_disabled(row: Row) -> Row:
    """A deal that the plan no longer covers keeps four columns."""
    if row["isDisabled"] is not True:
        return row
    return {column: row[column] for column in ("title", "status", "id", "isDisabled")}


def currency_totals(world: WorldView, query: Mapping[str, str], rows: Sequence[Row]) -> dict[str, Any]:
    return {"currencies": world.once("deals", "currencies", lambda: _add_up(world.rows("deals")))}


def _add_up(rows: Sequence[Row]) -> dict[str, Any]:
    sums: dict[str, list[int]] = {}
    for row in rows:
        if "value" in row:
            sums.setdefault(str(row["currency"]).upper(), []).append(int(row["value"]))
    return {
        code: {"total": str(len(values)), "value": str(sum(values)), "currency": code, "isDisabled": False}
        for code, values in sums.items()
    }


DEALS = Resource(
    path="deals",
    single="deal",
    model="Deal",
    shape={
        "hash": "",
        "owner": "0",
        "contact": "0",
        "organization": None,
        "group": "",
        "stage": "",
        "title": "",
        "description": "",
        "percent": "0",
        "cdate": "",
        "mdate": "",
        "nextdate": None,
        "nexttaskid": None,
        "value": "0",
        "currency": "usd",
        "winProbability": None,
        "winProbabilityMdate": None,
        "status": "0",
        "activitycount": "0",
        "nextdealid": "0",
        "edate": None,
        "links": {},
        "id": "",
        "isDisabled": False,
        "account": None,
        "customerAccount": None,
    },
    draw=draw_deal,
    spread={"contact": Spread("contacts", shift=4)},
    outline=outline_deal,
    owners={"group": "dealGroups", "stage": "dealStages", "customerAccount": "accounts"},
    counts=count_deal,
    lists={
        # observed: EI, CA, WW, 4G (B+): in a shape of its own.
        "dealCustomFieldData": Many(stream="dealCustomFieldData", column="dealId", shape=typed_deal_value),
        "contactDeals": Many(stream="contactDeals", column="deal"),
        "dealActivities": Many(stream="dealActivities", column="d_id"),
        "tasks": Many(stream="dealTasks", column="relid", envelope="dealTasks"),
    },
    includes=("dealCustomFieldData",),
    # observed: CA, WW, EI (C): four programs send mdate and id; whether they are heeded nobody looked at.
    orders={"id": "id", "mdate": "changed", "cdate": "created"},
    size=lambda contacts, deals: deals,
    links=(
        "dealActivities",
        "contact",
        "contactDeals",
        "group",
        "nextTask",
        "notes",
        "account",
        "customerAccount",
        "organization",
        "owner",
        "scoreValues",
        "stage",
        "tasks",
        "dealCustomFieldData",
    ),
    stamps={"mdate": iso},
    changed_since="inclusive",
    total_is_number=True,
    extras=currency_totals,
    shown=reduce_disabled,
)


def draw_pipeline(drawing: Drawing) -> Row:
    position = drawing.position % len(words.PIPELINES)
    title, currency, _ = words.PIPELINES[position]
    stages = drawing.world.first_ids("dealStages")
    return {
        "title": title,
        "currency": currency,
        "cdate": iso(drawing.created),
        "udate": iso(drawing.changed),
        "stages": [str(stages[index]) for index, (pipeline, _) in enumerate(STAGES) if pipeline == position],
    }


PIPELINES = Resource(
    path="dealGroups",
    single="dealGroup",
    model="DealGroup",
    shape={
        "title": "",
        "currency": "usd",
        "autoassign": "0",
        "allusers": "1",
        "allgroups": "1",
        "win_probability_initialize_date": None,
        "cdate": "",
        "udate": "",
        "source": "",
        "count": "0",
        "stages": [],
        "links": {},
        "id": "",
    },
    draw=draw_pipeline,
    counters={"count": ("deals", "deals of pipeline")},
    size=lambda contacts, deals: len(words.PIPELINES),
    links=("stages", "dealGroupUsers", "dealGroupGroups", "winProbabilityFeatures"),
    first_id=4,
    sideloads=(("dealStages", "stages"),),
    stamps={"udate": iso},
    total_is_number=True,
)


def draw_stage(drawing: Drawing) -> Row:
    pipeline, title = STAGES[drawing.position % len(STAGES)]
    is_dated = drawing.chance(0.5)
    return {
        "group": str(drawing.world.first_ids("dealGroups")[pipeline]),
        "title": title,
        "color": words.STAGE_COLOURS[drawing.position % len(words.STAGE_COLOURS)],
        "order": str(1 + words.PIPELINES[pipeline][2].index(title)),
        "cdate": iso(drawing.created) if is_dated else None,
        "udate": iso(drawing.changed) if is_dated else None,
    }


STAGES_OF_DEALS = Resource(
    path="dealStages",
    single="dealStage",
    model="DealStage",
    shape={
        "group": "",
        "title": "",
        "color": "",
        "order": "1",
        "width": "280",
        "dealOrder": "next-action DESC",
        "cardRegion1": "title",
        "cardRegion2": "next-action",
        "cardRegion3": "show-avatar",
        "cardRegion4": "contact-fullname-acctname",
        "cardRegion5": "value",
        "cdate": None,
        "udate": None,
        "links": {},
        "id": "",
    },
    draw=draw_stage,
    size=lambda contacts, deals: len(STAGES),
    links=("group",),
    first_id=10,
    stamps={"udate": iso},
)
