"""Whether an account reads a moment as it is meant, asked of accounts that do, that do not, and that tell nothing."""

from typing import Any

import pytest

from sources.activecampaign.client import ActiveCampaign
from sources.activecampaign.sandbox.server import SandboxServer
from sources.activecampaign.streams import STREAMS

STREAM = {stream.key: stream for stream in STREAMS}


@pytest.mark.parametrize("key", ["contacts", "deals"])
@pytest.mark.parametrize(
    ("habits", "heeds"),
    [
        ({}, True),
        ({"heeds_zones": False}, False),
        ({"ignores": ["contacts filters[updated_after]", "deals filters[updated_after]"]}, False),
    ],
)
def test_a_row_is_found_a_second_before_it_changed_and_not_a_second_after(
    line: ActiveCampaign, account: SandboxServer, key: str, habits: dict[str, Any], heeds: bool
) -> None:
    account.behave(**habits)

    assert line.heeds_zones(STREAM[key]) is heeds
    assert len(account.requests) <= 3


def test_where_nothing_is_dated_or_nothing_may_be_read_nothing_is_believed(
    line: ActiveCampaign, account: SandboxServer
) -> None:
    account.fault("contacts", document={"contacts": [{"id": "1", "udate": None}, {"id": "2", "udate": "2026-01-01"}]})
    account.fault("deals", kind="not_found", times=None)

    assert not any(line.heeds_zones(STREAM[key]) for key in ("contacts", "deals", "activities", "tags"))
