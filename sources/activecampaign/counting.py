"""How many rows each stream has, before the first of them is pulled."""

from collections.abc import Sequence
from contextlib import suppress

from sources.activecampaign.client import ActiveCampaign, connect
from sources.errors import NoCallFree, NotPermitted, SourceError, TooSlow
from sources.http.limits import CHECK
from sources.spec import Budget, Counted, Credentials, Lane, Stream


def count(credentials: Credentials, streams: Sequence[Stream], *, budget: Budget, seconds: float) -> Counted:
    """What each stream answers. One that is refused is asked for once more when all others have been, as is one that
    met others of the account.

    One after the other, so that the budget hears of each call how long it travelled before the next one leaves.
    """
    totals: dict[str, int | None] = {}
    doubted: set[str] = set()
    refused: dict[str, str] = {}
    with (
        connect(credentials, budget=budget, lane=Lane.INTERACTIVE, limits=CHECK, seconds=seconds) as http,
        suppress(TooSlow, NoCallFree),  # The others stay uncounted, and that is said.
    ):
        line = ActiveCampaign(http, key=credentials.api_key)
        for stream in (*streams, *streams):
            if stream.key in totals:
                continue
            try:
                totals[stream.key] = line.total(stream)
            except NotPermitted as refusal:
                if stream.key in doubted:
                    refused[stream.key] = str(refusal)
                doubted.add(stream.key)
            except (TooSlow, NoCallFree):
                raise
            except SourceError:
                continue
    return Counted(totals={key: total for key, total in totals.items() if total is not None}, refused=refused)
