"""Rows 61 to 69: lists whose totals, pages, ids and fields lie, and rows that go while they are read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sources.activecampaign.sandbox.server import SandboxServer
from sources.errors import UnexpectedAnswer
from tests.sources.http.misbehaviour.case import Case, Cases
from tests.sources.http.scripted_server import Step, answers

ODD_IDS: tuple[Any, ...] = (None, -4, 10**30, "x" * 5000, "٣", "1 OR 1=1", True, 1.5, [], {}, "")
ODD_FIELDS = {
    "cdate": "0000-00-00 00:00:00",
    "udate": "9999-12-31T23:59:59",
    "phone": 7,
    "orgid": None,
    "tags": {"0": "a"},
    "firstName": ["not", "a", "name"],
    "isDisabled": 1,
    "anonymized": False,
}


def contacts(*ids: Any, total: Any) -> Step:
    return answers({"contacts": [{"id": one} for one in ids], "meta": {"total": total}})


def rows(last: int) -> Mapping[str, Any]:
    return {str(number): {"id": str(number)} for number in range(1, last + 1)}


LISTS: Cases = (
    Case(row=67, does="sends 150 of 100 rows", script=(contacts(*rows(150), total="150"), contacts(total="150")),
         rows=rows(150), requests=1),
    Case(row=67, does="sends 1,200 rows whatever is asked", script=(contacts(*rows(1200), total="1200"),),
         rows=rows(1200), requests=1),
    Case(row=67, does="sends 100,001 of 100 rows", script=(contacts(*range(100_001), total=None),), requests=1,
         error=UnexpectedAnswer, code="too_many_rows", says="ActiveCampaign sent far more records than we asked for."),
    Case(row=67, does="sends no row of 250", script=(contacts(total="250"),), rows={}, requests=2, proven=False),
    Case(row=68, does="gives odd ids", script=(contacts(*ODD_IDS, "7", 8, total="13"),), unreadable=len(ODD_IDS),
         rows={"7": {"id": "7"}, "8": {"id": 8}}, requests=1),
    Case(row=68, does="sends what is no row", script=(answers({"contacts": [None, 7, "x", [], {}, {"id": "7"}]}),),
         rows={"7": {"id": "7"}}, unreadable=5, requests=1),
    Case(row=69, does="gives odd fields", script=(answers({"contacts": [{"id": "7", **ODD_FIELDS}]}),),
         rows={"7": {"id": "7", **ODD_FIELDS}}, requests=1),
)  # fmt: skip

Stir = Callable[[SandboxServer, int], None]


def removes_the_first(account: SandboxServer, number: int) -> None:
    """Before each call ten rows go from the front, so that all others move up."""
    for stream in ("contacts", "deals"):
        for identity in account.world.ids(stream)[:10]:
            account.world.remove(stream, identity)


def removes_from_everywhere(account: SandboxServer, number: int) -> None:
    for stream in ("contacts", "deals"):
        for identity in account.world.ids(stream)[number::17][:9]:
            account.world.remove(stream, identity)


@dataclass(frozen=True, kw_only=True)
class WalkCase:
    """A sandbox with 250 contacts and 230 deals that has these faults, or is stirred before each call.

    All rows that stay are read, in at most `most_calls`; where `code` is given both streams end with that error. A walk
    that cannot prove that it missed nothing has to say so, and may only where `may_doubt`.
    """

    row: int
    does: str
    faults: tuple[Mapping[str, Any], ...] = ()
    stir: Stir | None = None
    code: str = ""
    may_doubt: bool = False
    most_calls: int = 12

    def __str__(self) -> str:
        return f"{self.row:02}-{self.does}"


def for_ever(**fault: Any) -> tuple[Mapping[str, Any], ...]:
    return ({"times": None, **fault},)


def in_turn(*totals: Any) -> tuple[Mapping[str, Any], ...]:
    return tuple({"total": total, "times": 1} for total in totals)


WALKS = (
    *(WalkCase(row=61, does=f"counts {total}", faults=for_ever(total=total)) for total in (0, 7, "101")),
    *(
        WalkCase(row=62, does=f"counts {total!r}", faults=for_ever(total=total), most_calls=30)
        for total in (251, 10**12, "1000000000000", -5, "-5", None, "many", 2.5, True, [], "9" * 5000)
    ),
    WalkCase(row=63, does="counts anew with each page", faults=in_turn(10, 999, 0, 250, 10**9), most_calls=30),
    WalkCase(row=64, does="sends the same page for ever", faults=for_ever(same_page=True), may_doubt=True,
             most_calls=30),
    WalkCase(row=65, does="sends rows twice", faults=for_ever(duplicates=9), most_calls=20),
    WalkCase(row=65, does="sends each page twice", faults=for_ever(duplicates=100), most_calls=30),
    WalkCase(row=66, does="loses rows at the front", stir=removes_the_first, may_doubt=True, most_calls=36),
    WalkCase(row=66, does="loses rows everywhere", stir=removes_from_everywhere, may_doubt=True, most_calls=30),
    WalkCase(row=68, does="writes ids as numbers", faults=for_ever(ids="numbers")),
)  # fmt: skip
