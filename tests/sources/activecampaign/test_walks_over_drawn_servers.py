"""Servers drawn from seeds, as `make bench` draws fifty thousand: complete is proven, and the calls are bounded."""

import pytest

from tests.sources.activecampaign.drawn_server import replay

SEEDS = 2000
PARTS = 20


@pytest.mark.parametrize("part", range(PARTS))
def test_whatever_a_server_does_complete_is_proven_and_the_calls_are_bounded(part: int) -> None:
    breaches = {seed: replay(seed).breaches() for seed in range(part, SEEDS, PARTS)}

    assert {seed: broken for seed, broken in breaches.items() if broken} == {}


@pytest.mark.parametrize(
    ("seed", "what"),
    [
        (6781, "killed while answers were on their way to the end that was seen"),
        (36702, "a total far too high over pages of one row"),
        (37011, "rows without an id where ids are not heeded"),
        (40020, "ids are heeded, the offset is not, and rows without an id lie between"),
        (26680, "a total that no list can have is no reason to divide contacts"),
        (15204, "all comes at once, and the total counts what comes twice"),
        (94886, "the same row without an id thrice"),
    ],
)
def test_seeds_over_which_a_walk_stumbled_once(seed: int, what: str) -> None:
    assert replay(seed).breaches() == [], what
