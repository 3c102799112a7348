"""What numbers have to be, worked out from the sandbox's own rows and by nothing of the product's."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sources.activecampaign.sandbox.world.world import World
from sources.spec import Row

Key = tuple[str, str]
"""A number, and its currency."""


def day_of(text: Any, zone: str) -> date | None:
    try:
        return datetime.fromisoformat(text).astimezone(ZoneInfo(zone)).date()
    except (TypeError, ValueError):
        return None


def recomputed(world: World, zone: str, start: date, end: date) -> dict[Key, float | None]:
    """Those of the present, over one period."""

    def within(text: Any) -> bool:
        day = day_of(text, zone)
        return day is not None and start <= day <= end

    contacts, joins = world.rows("contacts"), world.rows("contactLists")
    campaigns = [row for row in world.rows("campaigns") if within(row["sdate"])]
    deals = world.rows("deals")
    found: dict[Key, float | None] = {
        ("contacts_total", ""): len(contacts),
        ("contacts_new", ""): sum(within(row["cdate"]) for row in contacts),
        ("contacts_unsubscribed", ""): sum(within(left) for left in unsubscribed(joins)),
        ("contacts_bounced", ""): sum(within(left) for left in last_left(joins, "3").values()),
        ("campaigns_sent", ""): len(campaigns),
        ("mails_sent", ""): added(campaigns, "send_amt"),
        ("mails_opened", ""): added(campaigns, "uniqueopens"),
        ("mails_opened_verified", ""): added(campaigns, "verified_unique_opens"),
        ("mails_clicked", ""): added(campaigns, "subscriberclicks"),
        ("open_rate", ""): share(added(campaigns, "uniqueopens"), added(campaigns, "send_amt")),
        ("click_rate", ""): share(added(campaigns, "subscriberclicks"), added(campaigns, "send_amt")),
        ("list_active", ""): sum(row["status"] == "1" for row in joins),
        ("automation_in", ""): added(world.rows("automations"), "entered") - added(world.rows("automations"), "exited"),
        ("automation_completed", ""): sum(
            within(row["remdate"]) for row in world.rows("contactAutomations") if row["status"] == "2"
        ),
        ("deals_open", ""): sum(row["status"] == "0" for row in deals),
        ("deals_new", ""): sum(within(row.get("cdate")) for row in deals),
        ("deals_unknown", ""): sum("value" not in row for row in deals),
    }
    for row in deals:
        if "value" in row and row["status"] == "0":
            key = "deals_open_value", row["currency"].upper()
            found[key] = (found.get(key) or 0) + int(row["value"])
    return found


def added(rows: list[Row], field: str) -> int:
    return sum(int(row[field]) for row in rows)


def share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def last_left(joins: list[Row], status: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for row in joins:
        if row["status"] == status:
            found[row["contact"]] = max(found.get(row["contact"], ""), row["udate"], key=moment)
    return found


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text or "1970-01-01T00:00:00+00:00")


def unsubscribed(joins: list[Row]) -> Iterator[str]:
    """When each contact left its last list that has unsubscribed from all; who was removed is not on a list."""
    lists: dict[str, list[str]] = defaultdict(list)
    for row in joins:
        if row["status"] != "91":
            lists[row["contact"]].append(row["status"])
    left = last_left(joins, "2")
    yield from (left[contact] for contact, statuses in lists.items() if {*statuses} == {"2"})


def active_by_list(world: World) -> Counter[str]:
    return Counter(row["list"] for row in world.rows("contactLists") if row["status"] == "1")
