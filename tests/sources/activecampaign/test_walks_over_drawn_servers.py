"""Servers drawn from seeds, as `make bench` draws fifty thousand: complete is proven, and the calls are bounded."""

import pytest

from tests.sources.activecampaign.drawn_server import replay

SEEDS = 2000
PARTS = 20


@pytest.mark.parametrize("part", range(PARTS))
def test_whatever_a_server_does_complete_is_proven_and_the_calls_are_bounded(part: int) -> None:
    breaches = {seed: replay(seed).breaches() for seed in range(part, SEEDS, PARTS)}

    assert {seed: broken for seed, broken in breaches.items() if broken} == {}
