"""Reads a few rows of a live account and remembers what came, for judging what is taken for granted about the API."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx

from sources.activecampaign.client import ActiveCampaign
from sources.activecampaign.zones import A_TIME
from sources.errors import BadCredentials, NotPermitted, SourceError, UnexpectedAnswer
from sources.spec import Assumption, Row, Secret

HOLDS: Any = "holds"
FAILS: Any = "does not hold"
UNKNOWN: Any = "could not tell"
Verdict = tuple[Any, str]

LIMITS = ("ratelimit-limit", "ratelimit-remaining", "retry-after")
SHOWN = re.compile(r"[\w .:+-]{0,40}", re.ASCII)


class Look:
    """What was asked and what was seen; of rows it repeats ids, names of columns, kinds and counts alone."""

    def __init__(self, http: httpx.Client, *, key: Secret) -> None:
        self._http = http
        self._line = ActiveCampaign(http, key=key)
        self.limits: list[dict[str, str]] = []
        self.columns: list[tuple[str, Any]] = []
        http.event_hooks = {"request": [], "response": [self._note_limits]}

    def _note_limits(self, response: httpx.Response) -> None:
        if response.is_success:
            self.limits.append({name: response.headers[name] for name in LIMITS if name in response.headers})

    def me(self) -> Row:
        """Raises SourceError, for a refused key one that says so."""
        return self._line.get("users/me")

    def body(self, path: str, **query: str) -> Row:
        """Raises SourceError."""
        try:
            return self._line.get(path, query)
        except BadCredentials:
            raise NotPermitted("refused (403): no permission, or not in the plan") from None

    def response(self, path: str) -> httpx.Response:
        """Whatever comes of asking for one row. Raises SourceError where nothing does."""
        return self._http.get(path, params={"limit": "1"})

    def rows(self, path: str, envelope: str, **query: str) -> list[Row]:
        """Raises SourceError, also where the list is missing."""
        rows = self.body(path, **query).get(envelope)
        if not isinstance(rows, list):
            raise UnexpectedAnswer(f"no list under {envelope}")
        found = [row for row in rows if isinstance(row, dict)]
        self.note(found)
        return found

    def note(self, rows: list[Row]) -> None:
        """Remember the columns of these rows: their dates are looked at in the end."""
        self.columns += [(column, value) for row in rows for column, value in row.items() if isinstance(value, str)]

    def offsets(self) -> set[str]:
        return {found.group(1) for _, value in self.columns if (found := A_TIME.fullmatch(value))}

    def zero_dates(self) -> set[str]:
        return {column for column, value in self.columns if value.startswith("0000-00-00")}

    def answered_after_asking_to_wait(self) -> tuple[int, int]:
        """How many good answers said Retry-After, and how many good answers came after the first of them."""
        asked = [place for place, limits in enumerate(self.limits) if "retry-after" in limits]
        return len(asked), len(self.limits) - 1 - asked[0] if asked else 0


def judged(claim: str, judge: Callable[[], Verdict]) -> Assumption:
    """What the judge says; what cannot be read cannot be told."""
    try:
        verdict, seen = judge()
    except SourceError as failure:
        verdict, seen = UNKNOWN, str(failure)
    return Assumption(claim=claim, verdict=verdict, seen=seen)


def holds_if(condition: bool, seen: str) -> Verdict:
    return (HOLDS if condition else FAILS), seen


def shown(text: str) -> str:
    """A header as it may be printed: the other side's text may hold anything."""
    return text if SHOWN.fullmatch(text) else "something unreadable"


def kind_of(value: Any) -> str:
    names = {str: "text", int: "number", bool: "yes or no", list: "list", dict: "object", type(None): "null"}
    return names.get(type(value), type(value).__name__)


def ids_of(rows: list[Row]) -> Iterator[int]:
    """The ids, as numbers; what is none is left out."""
    return (int(row["id"]) for row in rows if re.fullmatch(r"[0-9]{1,20}", str(row.get("id")), re.ASCII))
