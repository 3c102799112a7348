"""The baseline: plain offset pages, one after another over one kept line, nothing stored."""

import time
from collections.abc import Iterator

import httpx

from tests.bench.figures import Lap
from tests.bench.stage import Account, lap_of

PAGE_SIZE = 100
MOST_TRIES = 50


def walk_lap(account: Account, path: str = "contacts") -> Lap:
    account.reset()
    started = time.monotonic()
    for _ in plain_walk(account.origin, account.api_key, path):
        pass
    return lap_of(account, whole=time.monotonic() - started)


def plain_walk(origin: str, api_key: str, path: str) -> Iterator[str]:
    """The ids as they come. It waits for as long as a refusal says, and asks again for what failed."""
    with httpx.Client(base_url=f"{origin}/api/3/", headers={"Api-Token": api_key}, trust_env=False) as http:
        offset, count = 0, PAGE_SIZE
        while count >= PAGE_SIZE:
            rows = ask(http, path, offset=offset)
            yield from (str(row["id"]) for row in rows)
            count = len(rows)
            offset += PAGE_SIZE


def ask(http: httpx.Client, path: str, *, offset: int) -> list[dict[str, object]]:
    """Raises RuntimeError after MOST_TRIES."""
    for _ in range(MOST_TRIES):
        try:
            answer = http.get(path, params={"limit": PAGE_SIZE, "offset": offset})
        except httpx.TransportError:
            continue
        if answer.is_success and answer.content:
            return answer.json()[path]
        time.sleep(float(answer.headers.get("retry-after", 0)))
    raise RuntimeError(f"{path} from {offset} on could not be read in {MOST_TRIES} tries.")
