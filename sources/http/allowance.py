"""What an account tells about its limit with each answer. It may be wrong, or missing."""

import re

import httpx

from sources.spec import Allowance

COUNT = re.compile(r"[0-9]{1,9}", re.ASCII)


def told_allowance(response: httpx.Response) -> Allowance | None:
    """None when it tells nothing that makes sense."""
    remaining = _count(response, "ratelimit-remaining")
    return None if remaining is None else Allowance(remaining=remaining, limit=_count(response, "ratelimit-limit"))


def _count(response: httpx.Response, name: str) -> int | None:
    value = response.headers.get(name, "").strip()
    return int(value) if COUNT.fullmatch(value) else None
