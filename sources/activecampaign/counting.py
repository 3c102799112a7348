"""How many rows each stream has, before the first of them is pulled."""

from collections.abc import Mapping, Sequence
from contextlib import suppress

from sources.activecampaign.client import ActiveCampaign, connect
from sources.activecampaign.rows import answer_of
from sources.errors import BadCredentials, NoCallFree, SourceError, TooSlow, WrongAddress
from sources.http.limits import CHECK
from sources.spec import Budget, Credentials, Lane, Stream


def count(credentials: Credentials, streams: Sequence[Stream], *, budget: Budget, seconds: float) -> Mapping[str, int]:
    """The totals of those that tell one within the seconds; what this key may not read has no rows for it.

    One after the other, so that the budget hears of each call how long it travelled before the next one leaves.
    """
    totals: dict[str, int | None] = {}
    with (
        connect(credentials, budget=budget, lane=Lane.INTERACTIVE, limits=CHECK, seconds=seconds) as http,
        suppress(TooSlow, NoCallFree),  # The others stay uncounted, and that is said.
    ):
        line = ActiveCampaign(http, key=credentials.api_key)
        for stream in (*streams, *streams):  # What met others of the account is asked for once more.
            if stream.key not in totals:
                totals |= total_of(line, stream)
    return {key: total for key, total in totals.items() if total is not None}


def total_of(line: ActiveCampaign, stream: Stream) -> dict[str, int | None]:
    """Empty when there was no answer, None when it names no total. Raises TooSlow and NoCallFree."""
    try:
        body = line.get(stream.path, {**dict(stream.fixed_query), "limit": "1"}, confirm=False)
        return {stream.key: answer_of(body, envelope=stream.envelope).total}
    except (BadCredentials, WrongAddress):
        return {stream.key: 0}
    except (TooSlow, NoCallFree):
        raise
    except SourceError:
        return {}
