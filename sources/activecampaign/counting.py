"""How many rows each stream has, before the first of them is pulled."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from threading import Semaphore

from sources.activecampaign.client import ActiveCampaign, connect
from sources.activecampaign.rows import answer_of
from sources.errors import BadCredentials, SourceError, WrongAddress
from sources.http.limits import CHECK
from sources.spec import Budget, Credentials, Lane, Stream

AT_ONCE = 8  # So many calls are under way when each takes up to a second and a half.
LOOKS = 2  # A call that met others of the account is made once more.


def count(credentials: Credentials, streams: Sequence[Stream], *, budget: Budget, seconds: float) -> Mapping[str, int]:
    """The totals of those that tell one within the seconds; what this key may not read has no rows for it."""
    granted, totals = Granted(), dict[str, int | None]()
    with connect(credentials, budget=granted, lane=Lane.INTERACTIVE, limits=CHECK, seconds=seconds) as http:
        line = ActiveCampaign(http, key=credentials.api_key)
        for _ in range(LOOKS):
            left = [stream for stream in streams if stream.key not in totals]
            totals |= totals_of(line, left, budget)
            if granted.pause:
                budget.slow_down(granted.pause)
    return {key: total for key, total in totals.items() if total is not None}


def totals_of(line: ActiveCampaign, streams: Sequence[Stream], budget: Budget) -> dict[str, int | None]:
    """Without those that gave no answer, or whose turn did not come in time; None for one without a total."""
    asked: dict[str, Future[int | None]] = {}
    free = Semaphore(AT_ONCE)
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="count") as pool, suppress(SourceError):
        for stream in streams:
            free.acquire()  # A call leaves with its slot: later it would meet others.
            budget.take(Lane.INTERACTIVE)
            asked[stream.key] = pool.submit(total_of, line, stream)
            asked[stream.key].add_done_callback(lambda _: free.release())
    return {key: answer.result() for key, answer in asked.items() if not answer.exception()}


def total_of(line: ActiveCampaign, stream: Stream) -> int | None:
    """Raises SourceError."""
    try:
        body = line.get(stream.path, {**dict(stream.fixed_query), "limit": "1"}, confirm=False)
    except (BadCredentials, WrongAddress):
        return 0
    return answer_of(body, envelope=stream.envelope).total


class Granted:
    """For calls whose slots were taken by the thread that asks for them: others have no line to the budget."""

    def __init__(self) -> None:
        self.pause = 0.0

    def take(self, lane: Lane) -> None:
        """Each has its slot."""

    def slow_down(self, seconds: float) -> None:
        self.pause = max(self.pause, seconds)
