"""Misbehaviour that tests switch on: what it looks like, for which calls, and how often."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from threading import Lock
from typing import Any, Literal

from sources.activecampaign.sandbox.answering.answers import JSON, Answer, Call

WEB_PAGE = (
    "<!DOCTYPE html><html><head><title>Maintenance</title></head><body><h1>We will be right back</h1></body></html>"
)

KINDS: Mapping[str, Mapping[str, Any]] = {
    "forbidden": {"status": 403, "document": {"message": "Forbidden"}},
    "forbidden_bare": {"status": 403, "body": "", "content_type": ""},
    "no_permission": {
        "status": 403,
        "times": None,
        "document": {
            "errors": [{"status": 403, "title": "Forbidden", "detail": "You do not have permission to view this."}]
        },
    },
    "unpaid": {
        "status": 402,
        "document": {"message": "The request could not be processed due to account payment issues."},
    },
    "not_found": {"status": 404, "document": {"message": "Not Found"}},
    "busy": {"status": 429, "document": {"message": "Too Many Requests"}, "headers": {"Retry-After": "1"}},
    "down": {"status": 503, "body": "", "content_type": ""},
    # observed: JV (A): in the middle of a load, and 200 for the same call right after.
    "in_between": {"status": 511, "body": "", "content_type": ""},
    "web_page": {"status": 200, "body": WEB_PAGE, "content_type": "text/html; charset=UTF-8"},
    "maintenance": {"status": 503, "body": WEB_PAGE, "content_type": "text/html; charset=UTF-8"},
    "empty": {"status": 200, "body": ""},
}


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One misbehaviour.

    It meets the calls to `path` (below `/api/3/`; `*` is all) that hold `query`: not the first `skip` of them, then
    `times` of them (None: for ever). With a `status`, `document` or `body`, that goes instead of the
    true answer. Without, the true answer is bent: another `total`, the `envelope` missing or null, `ids` as numbers,
    the first `duplicates` rows twice, `padding` characters more in each row, the `same_page` whatever was asked.

    Either gets `headers` and `content_type` (empty: none sent), and is delivered after `delay` seconds; not at all or
    half (`hang`); `cut` off in the middle, with its length announced, in chunks, with neither, or before the status
    line; with `drip` seconds between bytes from `drip_from` on; or packed with `gzip`.
    """

    path: str = "*"
    query: Mapping[str, str] = field(default_factory=dict)
    times: int | None = 1
    skip: int = 0
    status: int | None = None
    document: Any = None
    body: str | bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str | None = None
    total: Any = ...
    envelope: Literal["", "missing", "null"] = ""
    ids: Literal["", "numbers"] = ""
    duplicates: int = 0
    padding: int = 0
    same_page: bool = False
    delay: float = 0
    hang: Literal["", "headers", "body"] = ""
    cut: Literal["", "length", "chunked", "bare", "unanswered"] = ""
    drip: float = 0
    drip_from: Literal["headers", "body"] = "body"
    gzip: bool = False

    @property
    def replaces(self) -> bool:
        return self.status is not None or self.body is not None or self.document is not None

    @property
    def loses_the_answer(self) -> bool:
        return self.replaces or bool(self.cut or self.hang)

    def meets(self, call: Call) -> bool:
        is_here = self.path in ("*", call.place)
        return is_here and all(call.query.get(name) == value for name, value in self.query.items())

    def instead(self) -> Answer:
        body = self.body.encode() if isinstance(self.body, str) else self.body
        if body is None and self.document is None:
            body = b""
        return Answer(
            status=self.status or 200,
            document=self.document,
            body=body,
            content_type=JSON if self.content_type is None else self.content_type,
            headers=self.headers,
        )

    def asks_instead(self, call: Call) -> Call:
        if not self.same_page:
            return call
        moving = ("offset", "id_greater", "id_less")
        return replace(call, query={name: value for name, value in call.query.items() if name not in moving})

    def bend(self, answer: Answer, *, envelope: str) -> Answer:
        """The true answer with the lies of this fault in it; what is no list stays as it is."""
        content_type = answer.content_type if self.content_type is None else self.content_type
        answer = replace(answer, headers={**answer.headers, **self.headers}, content_type=content_type)
        document = answer.document
        if not isinstance(document, dict) or not isinstance(document.get(envelope), list):
            return answer
        bent = {**document, envelope: self._bent_rows(document[envelope])}
        if self.total is not ...:
            bent["meta"] = {**document.get("meta", {}), "total": self.total}
        if self.envelope == "missing":
            del bent[envelope]
        elif self.envelope == "null":
            bent[envelope] = None
        return replace(answer, document=bent)

    def _bent_rows(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        rows = rows[: self.duplicates] + rows
        if self.padding:
            rows = [row | {"padding": "x" * self.padding} for row in rows]
        return [row | {"id": _number(row["id"])} for row in rows] if self.ids == "numbers" else rows


def _number(identity: str) -> int | str:
    return int(identity) if identity.isdigit() else identity


def make_fault(*, kind: str = "", **wanted: Any) -> Fault:
    """A fault from one of `KINDS`, from fields of its own, or both. Raises ValueError for what does not exist.

    `redirect` is an address to send the caller to; `body_base64` a body that JSON cannot hold.
    """
    if kind and kind not in KINDS:
        raise ValueError(f"There is no fault {kind!r}; there are {', '.join(KINDS)}.")
    if "redirect" in wanted:
        wanted = {"status": 302, "headers": {"Location": wanted.pop("redirect")}} | wanted
    if "body_base64" in wanted:
        wanted["body"] = base64.b64decode(str(wanted.pop("body_base64")))
    unknown = wanted.keys() - {one.name for one in fields(Fault)}
    if unknown:
        raise ValueError(f"A fault has no {', '.join(sorted(unknown))}.")
    return Fault(**{**KINDS.get(kind, {}), **wanted})


class Faults:
    """The faults that are switched on; the first that meets a call is used."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._on: list[tuple[Fault, list[int]]] = []

    def add(self, fault: Fault) -> Fault:
        with self._lock:
            self._on.append((fault, [0]))
        return fault

    def clear(self) -> None:
        with self._lock:
            self._on.clear()

    def next_for(self, call: Call) -> Fault | None:
        with self._lock:
            for fault, met in self._on:
                if fault.meets(call) and _takes(fault, met):
                    return fault
        return None


def _takes(fault: Fault, met: list[int]) -> bool:
    """Count this call, and say whether it is one that the fault spoils."""
    if fault.times is not None and met[0] >= fault.skip + fault.times:
        return False
    met[0] += 1
    return met[0] > fault.skip
