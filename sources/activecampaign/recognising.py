"""Whether an account is the one that rows came from: by its contacts, whose id, e-mail and date go nowhere else."""

from collections.abc import Callable, Sequence
from datetime import datetime

from sources.activecampaign.client import ActiveCampaign, connect
from sources.http.limits import CHECK
from sources.spec import Budget, Credentials, Lane, Recognised, Row

ENOUGH = 5  # Found in a row at first; no other account has them.
TELLING = ("email", "cdate")


def recognise(
    credentials: Credentials, rows: Sequence[Row], *, as_stored: Callable[[Row], Row], budget: Budget, seconds: float
) -> Recognised:
    """How many of these contacts the account has. Asks one by one, and no more than tell. Raises SourceError.

    `as_stored` says how a row that comes would be stored.
    """
    asked = found = 0
    with connect(credentials, budget=budget, lane=Lane.INTERACTIVE, limits=CHECK, seconds=seconds) as http:
        line = ActiveCampaign(http, key=credentials.api_key)
        for row in rows:
            asked += 1
            there = line.contact(str(row["id"]))
            found += there is not None and is_same(row, as_stored(there))
            if found == asked == ENOUGH:
                break
    return Recognised(asked=asked, found=found)


def is_same(stored: Row, there: Row) -> bool:
    return all(_plain(stored.get(name)) == _plain(there.get(name)) for name in TELLING)


def _plain(value: object) -> str | datetime:
    """Without what differs with who asks: capitals, and the zone that a moment is told in."""
    text = str(value or "").strip()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text.casefold()
    return moment if moment.tzinfo else text
