"""What the walks by id and by offset have in common."""

from collections.abc import Mapping
from dataclasses import dataclass

from sources.errors import UnexpectedAnswer


@dataclass(frozen=True, kw_only=True, eq=False)
class Ask:
    """One call that a walk wants made. Two that ask for the same are still two."""

    params: Mapping[str, str]


PAGE_SIZE = 100  # The API's cap; smaller pages only spend more of the budget.
OVERLAP = 5  # Two neighbours that share a row missed nothing between them.
FARTHEST_OFFSET = 5_000_000  # No account holds as many; only a server that goes round in circles gets there.
UNKNOWN = 1000.0  # Calls that a stream is taken to need until it says how long it is: so it is asked early.


def same_page() -> UnexpectedAnswer:
    return UnexpectedAnswer("ActiveCampaign kept sending the same page.", code="same_page")
