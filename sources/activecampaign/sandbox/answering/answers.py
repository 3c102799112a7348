"""What the sandbox says: a call as it came in, and the answer to it before it becomes bytes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

JSON = "application/json"


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request that arrived. Header names are in lower case; `query` keeps the last of repeated names."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    arrived: float

    @property
    def place(self) -> str:
        """The path below `/api/3/`, without slashes around it."""
        return self.path.removeprefix("/api/3").strip("/")


def read_call(target: str, *, method: str, headers: Mapping[str, str], arrived: float) -> Call:
    parts = urlsplit(target)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    return Call(method=method, path=parts.path, query=query, headers=headers, arrived=arrived)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """`document` is written as JSON unless `body` is given, without blanks, as PHP writes it.

    An empty `content_type` sends none.
    """

    status: int = 200
    document: Any = None
    body: bytes | None = None
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)

    def bytes(self) -> bytes:
        return json.dumps(self.document, separators=(",", ":")).encode() if self.body is None else self.body


def recorded_headers() -> dict[str, str]:
    """What came with every recorded answer of the API."""
    return {
        "Server": "cloudflare",
        "Cache-Control": "no-store, no-cache, must-revalidate,no-cache, private",
        "Expires": "Thu, 19 Nov 1981 08:52:00 GMT",
        "Pragma": "no-cache",
        "Set-Cookie": f"PHPSESSID={uuid4().hex}; path=/; HttpOnly",
        "X-Request-Id": str(uuid4()),
    }


def refusal(status: int, message: str, *, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(status=status, document={"message": message}, headers=headers or {})


def listed_refusal(status: int, title: str, *, detail: str, **more: Any) -> Answer:
    return Answer(status=status, document={"errors": [{"status": status, "title": title, "detail": detail, **more}]})
